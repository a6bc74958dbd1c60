"""Whatever is too large for Webex goes as one zip or in parts that are the file again, or a sentence says why not."""

from __future__ import annotations

import codecs
import errno
import hashlib
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FileRejected
from bot.files import csv_rows, split, storage, zip_check
from bot.files.split import Piece, pack
from bot.files.verify import Downloaded
from bot.messages.file_message import joining

BOM = codecs.BOM_UTF8
HEADER = BOM + b"Name,Minutes\r\n"
LIMIT = 300_000
OUT_OF_THE_WAY = ("can't be split", "Run the report for a shorter period.")


def report(rows: int, seed: int = 1) -> bytes:
    """Rows that deflate cannot make much smaller, some with line breaks in them."""
    dice = random.Random(seed)
    return HEADER + b"".join(
        b'"%x\r\n%x",%d\r\n' % (dice.getrandbits(200), dice.getrandbits(200), n)
        if n % 7 == 0
        else b"%x,%d\r\n" % (dice.getrandbits(400), n)
        for n in range(rows)
    )


def held(folder: Path, body: bytes, kind: str = "csv") -> Downloaded:
    path = folder / "held"
    path.write_bytes(body)
    return Downloaded(path, len(body), hashlib.sha256(body).hexdigest(), kind)


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return out.getvalue()


def content(piece: Piece) -> tuple[str, bytes]:
    """Name and bytes of the one file in the zip; other programs' checks of it included."""
    zip_check.inspect(piece.path)
    with zipfile.ZipFile(piece.path) as opened:
        assert opened.testzip() is None
        (name,) = opened.namelist()
        return name, opened.read(name)


def joined(pieces: list[Piece], header: bytes) -> bytes:
    first, *others = [content(piece)[1] for piece in pieces]
    assert all(other.startswith(header) for other in others)
    return first + b"".join(other.removeprefix(header) for other in others)


@pytest.fixture
def left(tmp_path):
    """Return what is in the folder besides the file itself."""
    return lambda: [path.name for path in tmp_path.iterdir() if path.name != "held"]


def refused(tmp_path: Path, body: bytes, kind: str = "csv", limit: int = LIMIT) -> str:
    with pytest.raises(FileRejected) as caught, pack(held(tmp_path, body, kind), tmp_path, stem="Usage", limit=limit):
        raise AssertionError
    assert [path.name for path in tmp_path.iterdir()] == ["held"]
    return caught.value.sentence


@pytest.mark.parametrize(("kind", "body"), [("csv", HEADER), ("zip", zipped(("a.csv", HEADER)))])
def test_what_fits_goes_as_it_is(tmp_path, left, kind, body):
    file = held(tmp_path, body, kind)
    with pack(file, tmp_path, stem="Usage", limit=len(body)) as pieces:
        assert pieces == [Piece(file.path, f"Usage.{kind}", len(body), kind)]
        assert left() == []
    assert file.path.read_bytes() == body


def test_a_larger_csv_goes_as_one_zip(tmp_path, left):
    body = HEADER + b"Ada,12\r\n" * 50_000
    with pack(held(tmp_path, body), tmp_path, stem="Usage 2026", limit=LIMIT) as pieces:
        (piece,) = pieces
        assert (piece.name, piece.kind) == ("Usage 2026.zip", "zip")
        assert piece.size == piece.path.stat().st_size <= LIMIT
        assert content(piece) == ("Usage 2026.csv", body)
        assert joining(pieces) == ""
    assert left() == []


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_what_is_still_too_large_goes_in_parts_of_whole_rows(tmp_path, left, kind):
    body = report(60_000)
    sent = body if kind == "csv" else zipped(("Usage.csv", body))
    with pack(held(tmp_path, sent, kind), tmp_path, stem="Usage", limit=1_000_000) as pieces:
        number = len(pieces)
        assert [piece.name for piece in pieces] == [f"Usage part {n} of {number}.zip" for n in range(1, number + 1)]
        assert [content(piece)[0] for piece in pieces] == [f"Usage part {n}.csv" for n in range(1, number + 1)]
        assert all(piece.size == piece.path.stat().st_size <= 1_000_000 for piece in pieces)
        assert all(piece.size > 700_000 for piece in pieces[:-1]), "no more parts than are needed"
        assert joined(pieces, HEADER) == body
        assert sum(piece.rows or 0 for piece in pieces) == 60_000
        assert joining(pieces) == (
            f"To join the {number} parts: unzip them and append the rows of each to those of the one before. "
            "Each part starts with the header line: keep only the first."
        )
    assert left() == []


def test_parts_whose_rows_cannot_be_counted_name_no_number_of_rows(tmp_path):
    body = report(60_000) + b'Board 55",1\r\nBoard,2\r\n'
    with pack(held(tmp_path, body), tmp_path, stem="Usage", limit=1_000_000) as pieces:
        assert {piece.rows for piece in pieces} == {None}
        assert joined(pieces, HEADER) == body


CELL = st.text(st.sampled_from('ab", \n\r;é'), max_size=9).map(lambda cell: '"' + cell.replace('"', '""') + '"')
ROWS = st.lists(st.lists(CELL | st.sampled_from(["", "1", "NA", 'a "b"']), min_size=2, max_size=4), min_size=9)


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, mark=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_parts_are_the_file_again_whatever_is_in_its_cells(rows, mark, end, last):
    """Line breaks, quotes and commas in cells, with a byte order mark or without, with a last line end or without."""
    filled = [row for row in rows for row in (row, [os.urandom(2000).hex()])] * (300 // len(rows) + 1)
    text = "Name,Minutes" + end + end.join(",".join(row) for row in filled) + (end if last else "")
    header = (BOM if mark else b"") + b"Name,Minutes" + end.encode()
    body = (BOM if mark else b"") + text.encode()
    with tempfile.TemporaryDirectory() as folder:
        file = held(Path(folder), zipped(("a.csv", body)), "zip")
        with pack(Downloaded(file.path, 10**9, "", "zip"), Path(folder), stem="x", limit=LIMIT) as pieces:
            assert len(pieces) > 1
            assert joined(pieces, header) == body
            assert all(piece.path.stat().st_size <= LIMIT for piece in pieces)
        assert os.listdir(folder) == ["held"]  # noqa: PTH208 names are enough


PROGRAM = """
import hashlib, sys
from pathlib import Path
from bot.files.verify import Downloaded
from bot.files.split import pack
path = Path(sys.argv[1])
held = Downloaded(path, path.stat().st_size, "", "csv")
with pack(held, path.parent, stem="Usage", limit=int(sys.argv[2])) as pieces:
    for piece in pieces:
        print(piece.name, hashlib.sha256(piece.path.read_bytes()).hexdigest())
"""


def test_another_process_makes_the_same_parts(tmp_path):
    """A delivery that was killed after its first part goes on with the second one of the next run."""
    body = report(20_000)
    file = held(tmp_path, body)
    with pack(file, tmp_path, stem="Usage", limit=LIMIT) as pieces:
        ours = [f"{piece.name} {hashlib.sha256(piece.path.read_bytes()).hexdigest()}" for piece in pieces]
        assert len(ours) > 2
    os.utime(file.path, (1, 1))
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file.path), str(LIMIT)],
        check=True, capture_output=True, text=True, timeout=60, env=os.environ | {"TZ": "Asia/Tokyo"},
    )  # fmt: skip
    assert made.stdout.splitlines() == ours


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_memory_stays_flat(tmp_path, kind):
    body = report(200_000)
    sent = body if kind == "csv" else zipped(("Usage.csv", body))
    file = held(tmp_path, sent, kind)
    del body, sent
    tracemalloc.start()
    try:
        with pack(file, tmp_path, stem="Usage", limit=3_000_000) as pieces:
            assert len(pieces) > 2
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000, "bytes, for a file of 20 MB"


def test_progress_is_told_to_the_end(tmp_path):
    body = HEADER + b"Ada,12\r\n" * 50_000
    told: list[tuple[int, int]] = []
    with pack(held(tmp_path, body), tmp_path, stem="x", limit=LIMIT, progress=lambda *so_far: told.append(so_far)):
        assert told == sorted(told)
        assert told[-1] == (len(body), len(body))


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([("a.csv", report(100)), ("b.csv", report(100))], "several files"),
        ([("a.csv", report(100)), ("read me.txt", b"x")], "several files"),
        ([("a.pdf", report(100))], "without a CSV"),
        ([("folder/", b"")], "several files"),
        ([("a.csv", HEADER + b"x" * 1_100_000)], "told apart"),
        ([("a.csv", HEADER + b'"' + report(30_000).replace(b'"', b""))], "told apart"),
        ([("a.csv", b"a\rb\n" + report(100))], "told apart"),
        ([("a.csv", codecs.BOM_UTF16_LE + b"a\x00\n\x00" * 1000)], "told apart"),
        ([("a.csv", b"a\x00,\x00b\x00\n\x00" * 1000)], "told apart"),
    ],
)
def test_a_zip_that_cannot_be_cut_is_refused_with_what_to_do(tmp_path, entries, why):
    sent = zipped(*entries)
    sentence = refused(tmp_path, sent, "zip", limit=min(len(sent) - 1, LIMIT))
    assert why in sentence
    assert all(remedy in sentence for remedy in OUT_OF_THE_WAY)


@pytest.mark.parametrize("name", ["acme.webex.com_usage", "Usage", "usage.tsv", "Usage.CSV"])
def test_a_zip_is_cut_whatever_its_report_is_called(tmp_path, name):
    body = report(20_000)
    with pack(held(tmp_path, zipped((name, body)), "zip"), tmp_path, stem="Usage", limit=LIMIT) as pieces:
        parts = [content(piece)[1] for piece in pieces]
    assert len(parts) > 1
    assert all(part.startswith(HEADER) for part in parts)
    assert HEADER + b"".join(part.removeprefix(HEADER) for part in parts) == body


def test_a_row_larger_than_any_report_s_is_refused(tmp_path):
    dice = random.Random(1)
    row = dice.randbytes(csv_rows.MAX_RECORD).hex().encode()
    sentence = refused(tmp_path, HEADER + b"Ada,1\r\n" + row + b"\r\nEve,2\r\n")
    assert "told apart" in sentence
    assert "The file is 2.0 MB, Webex accepts at most 300 KB" in sentence


def test_more_than_twenty_parts_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(split, "MAX_PARTS", 3)
    assert "more than 3 parts" in refused(tmp_path, report(30_000))


def test_a_damaged_zip_is_refused(tmp_path):
    assert "can't be read" in refused(tmp_path, zipped(("a.csv", report(20_000)))[:-30], "zip")
    good = bytearray(zipped(("a.csv", report(20_000))))
    good[5000] ^= 0x55
    assert "can't be read" in refused(tmp_path, bytes(good), "zip")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("at", [1, 3, 9])
def test_a_full_disk_is_said_and_nothing_is_left(tmp_path, monkeypatch, number, at):
    writer: Any = zipfile._ZipWriteFile  # type: ignore[attr-defined]
    written = []
    write = writer.write

    def full(self, data):
        written.append(data)
        if len(written) >= at:
            raise OSError(number, os.strerror(number))
        write(self, data)

    monkeypatch.setattr(writer, "write", full)
    assert "disk is nearly full, so the file wasn't compressed" in refused(tmp_path, report(20_000), limit=LIMIT)


def test_a_disk_that_would_be_full_is_said_before_and_meanwhile(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")  # noqa: PYI024
    free = [10**12]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(free.pop() if len(free) > 1 else free[0]))
    monkeypatch.setattr(storage, "CHECK_ROOM_EVERY", 50_000)
    with pack(held(tmp_path, report(20_000)), tmp_path, stem="x", limit=LIMIT) as pieces:
        assert len(pieces) > 2
    free[:] = [1000, 10**12]
    assert "disk" in refused(tmp_path, report(20_000), limit=LIMIT)
    free[:] = [storage.KEEP_FREE + LIMIT - 1]
    assert "disk" in refused(tmp_path, report(20_000), limit=LIMIT)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch, number):
    def read_only(*arguments, **more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", read_only)
    sentence = refused(tmp_path, report(20_000), limit=LIMIT)
    assert "can't write its folder" in sentence
    assert os.strerror(number) in sentence


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with (
        pytest.raises(FileRejected, match="can't write its folder"),
        pack(held(tmp_path, report(20_000)), tmp_path / "missing", stem="x", limit=LIMIT),
    ):
        raise AssertionError


def test_the_temporary_files_go_whatever_the_caller_does(tmp_path, left):
    """Its own errors stay its own, an OSError too."""

    class Killed(BaseException):
        pass

    def use(error: BaseException) -> None:
        with pack(held(tmp_path, report(20_000)), tmp_path, stem="x", limit=LIMIT) as pieces:
            assert len(left()) == len(pieces) > 2
            raise error

    for error in (Killed(), ValueError(), OSError(errno.ENOSPC, "the caller's")):
        with pytest.raises(type(error)) as caught:
            use(error)
        assert caught.value is error
        assert left() == []


def test_who_stops_in_the_middle_of_packing_leaves_nothing(tmp_path, left):
    class Stopped(Exception):
        pass

    def stop(done: int, whole: int) -> None:
        if done > whole / 2:
            raise Stopped

    with (
        pytest.raises(Stopped),
        pack(held(tmp_path, report(20_000)), tmp_path, stem="x", limit=LIMIT, progress=stop),
    ):
        raise AssertionError
    assert left() == []


def test_a_temporary_file_that_cannot_be_removed_is_left_to_the_sweep(tmp_path, monkeypatch):
    def read_only(*arguments, **more):
        raise OSError(errno.EROFS, "read-only")

    with pack(held(tmp_path, report(20_000)), tmp_path, stem="x", limit=LIMIT) as pieces:
        monkeypatch.setattr(Path, "unlink", read_only)
    assert all(piece.path.exists() for piece in pieces)
