"""A download is judged, digested and counted as it comes: its bytes are looked at once, those of its CSV too."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from isal import isal_zlib

from bot.errors import FileRejected
from bot.files import zip_check
from bot.files.csv_rows import UNCOUNTED, Contents
from bot.files.verify import DownloadVerifier

HEADER = b"\xef\xbb\xbfName,Minutes\r\n"
CSV = HEADER + b'"Lovelace, Ada",12\r\n' * 20_000


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def received(tmp_path):
    """Return what came of a body in pieces of so many bytes."""

    def received(body: bytes, *, piece: int = 256 * 1024, checksum: str = "") -> DownloadVerifier:
        path = tmp_path / "file"
        path.write_bytes(body)
        got = DownloadVerifier(checksum)
        for at in range(0, len(body), piece):
            got.take(body[at : at + piece])
        assert got.contents == UNCOUNTED, "known only when the file was checked"
        got.check(path)
        return got

    return received


@pytest.mark.parametrize("piece", [1, 1000, 4096, 5000, 256 * 1024])
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (CSV, Contents(20_000, 2)),
        (HEADER, Contents(0, 2)),
        (b"", Contents(0, 0)),
        (b"A\rB\r", UNCOUNTED),
        (zipped(("Usage.csv", CSV)), Contents(20_000, 2)),
        (zipped(("read me.txt", b"x"), ("Usage.csv", CSV)), Contents(20_000, 2)),
        (zipped(("Usage.csv", HEADER)), Contents(0, 2)),
        (zipped(), Contents(0, 0)),
    ],
    ids=["csv", "header", "blank", "odd", "zip", "zip with more", "zip of a header", "empty zip"],
)
def test_rows_and_columns_are_known_after_the_check(received, body, found, piece):
    got = received(body, piece=piece)
    assert got.contents == found
    assert (got.size, got.sha256) == (len(body), hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("of", ["the zip", "the CSV in it"])
def test_a_zip_is_unpacked_once_whatever_its_checksum_is_of(received, monkeypatch, algorithm, of):
    body = zipped(("read me.txt", b"x"), ("Usage.csv", CSV))
    made = []
    inflating = isal_zlib.decompressobj

    def counted(*how):
        made.append(how)
        return inflating(*how)

    monkeypatch.setattr(isal_zlib, "decompressobj", counted)
    checksum = hashlib.new(algorithm, body if of == "the zip" else CSV).hexdigest()
    assert received(body, checksum=checksum).contents == Contents(20_000, 2)
    assert len(made) == 2, "one for each entry"


def test_a_checksum_that_differs_is_refused_and_nothing_is_told_of_the_contents(tmp_path):
    for body in (CSV, zipped(("Usage.csv", CSV))):
        (tmp_path / "file").write_bytes(body)
        got = DownloadVerifier("0" * 64)
        got.take(body)
        with pytest.raises(FileRejected, match="checksum"):
            got.check(tmp_path / "file")
        assert got.contents == UNCOUNTED


def test_a_damaged_zip_is_refused_though_its_rows_were_counted(tmp_path):
    body = bytearray(zipped(("Usage.csv", CSV), ("b.csv", CSV)))
    body[body.rindex(b"PK\x03\x04") + 40] ^= 0x55
    (tmp_path / "file").write_bytes(body)
    got = DownloadVerifier("")
    got.take(bytes(body))
    with pytest.raises(FileRejected, match="damaged"):
        got.check(tmp_path / "file")
    assert got.contents == UNCOUNTED


def test_the_inspection_takes_no_more_for_a_report_that_cannot_be_counted(tmp_path, received):
    """A CSV that the counter gives up is still looked through to its end."""
    body = zipped(("Usage.csv", b"A,B\n" + b"x" * 3_000_000))
    assert received(body).contents == UNCOUNTED
    zip_check.inspect(tmp_path / "file")
