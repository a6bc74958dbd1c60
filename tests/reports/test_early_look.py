"""What is unpacked while a zip comes counts only where the table of contents says the same; else all is looked at."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FileRejected
from bot.files import zip_check
from bot.files.early_look import EarlyLook

if TYPE_CHECKING:
    from bot.files.zip_check import Seen

CSV = b"Name,Minutes\r\n" + b"Ada,12\r\n" * 5000


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, body in entries:
            made.writestr(name, body)
    return out.getvalue()


def looked_at(body: bytes, piece: int = 1000) -> tuple[Seen | None, bytes]:
    got = bytearray()
    look = EarlyLook(got.extend)
    for at in range(0, len(body), piece):
        look.take(body[at : at + piece])
    return look.end(), bytes(got)


def inspected(path, body: bytes, early: Seen | None) -> tuple[bool, bytes]:
    """Whether the CSV was the one seen early, and what was handed over of it if not."""
    path.write_bytes(body)
    got = bytearray()
    return zip_check.inspect(path, csv=got.extend, early=early), bytes(got)


def texts(most: int) -> st.SearchStrategy[bytes]:
    return st.text(st.characters(codec="utf-8", min_codepoint=ord(" ")), max_size=most).map(str.encode)


@given(content=texts(3000), more=texts(50), piece=st.integers(1, 400))
def test_the_first_entry_is_unpacked_however_its_bytes_come(tmp_path_factory, content, more, piece):
    body = zipped(("Usage.csv", b"x" + content), ("more.txt", b"y" + more))
    seen, got = looked_at(body, piece)
    assert got == b"x" + content
    assert seen is not None
    assert (seen.size, seen.checksum) == (len(got), zlib.crc32(got))
    path = tmp_path_factory.mktemp("zips") / "file"
    assert inspected(path, body, seen) == (True, b"")


def test_what_was_seen_is_not_unpacked_again(tmp_path, monkeypatch):
    body = zipped(("Usage.csv", CSV))
    seen, got = looked_at(body)
    assert got == CSV
    monkeypatch.setattr(zlib, "decompressobj", None)
    assert inspected(tmp_path / "file", body, seen) == (True, b"")


def test_where_the_csv_is_another_entry_it_is_handed_over_later(tmp_path):
    body = zipped(("read me", b"words"), ("Usage.csv", CSV))
    seen, _ = looked_at(body)
    assert inspected(tmp_path / "file", body, seen) == (False, CSV)


@pytest.mark.parametrize(
    "body",
    [
        zipped(("Usage.csv", CSV), method=zipfile.ZIP_STORED),
        zipped(),
        b"PK\x03\x04 is no zip",
        b"",
        zipped(("Usage.csv", CSV))[:100],
        b"MZ" + zipped(("Usage.csv", CSV)),
    ],
    ids=["stored", "empty", "no zip", "nothing", "cut off", "behind something"],
)
def test_what_cannot_be_seen_early_is_none(body):
    assert looked_at(body)[0] is None


@pytest.mark.parametrize("field", ["begin", "packed", "size", "checksum"])
def test_a_table_that_says_otherwise_is_not_believed(tmp_path, field):
    """Everything is unpacked as if nothing had been seen."""
    body = zipped(("Usage.csv", CSV))
    seen, _ = looked_at(body)
    assert seen is not None
    setattr(seen, field, getattr(seen, field) + 1)
    assert inspected(tmp_path / "file", body, seen) == (False, CSV)


def test_a_table_that_lies_about_the_entry_is_refused(tmp_path):
    body = bytearray(zipped(("Usage.csv", CSV)))
    table = body.rindex(b"PK\x01\x02")
    struct.pack_into("<L", body, table + 16, 12345)  # its checksum
    seen, _ = looked_at(bytes(body))
    with pytest.raises(FileRejected, match="damaged"):
        inspected(tmp_path / "file", bytes(body), seen)


def test_an_archive_within_is_refused_also_when_it_was_seen_early(tmp_path):
    body = zipped(("Usage.csv", zipped(("x", b"y"))))
    seen, _ = looked_at(body)
    assert seen is not None
    with pytest.raises(FileRejected, match="another archive"):
        inspected(tmp_path / "file", body, seen)


def test_a_bomb_is_not_unpacked_to_its_end():
    """A thousandfold from 50 MB on, as no report grows; the table's figures refuse it later."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    header = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, 0, 0, 5, 0) + b"b.csv"
    unpacked = 0

    def count(piece: bytes) -> None:
        nonlocal unpacked
        unpacked += len(piece)

    look = EarlyLook(count)
    look.take(header + packed)
    assert look.end() is None
    assert unpacked < 60_000_000


@pytest.mark.parametrize("head", [b"<html>", b"%PDF-1.7", b"#!/bin/sh", b"MZ\x90\x00\x03"])
def test_what_is_no_csv_is_refused_although_it_was_seen_early(tmp_path, head):
    body = zipped(("Usage.csv", head + CSV))
    seen, _ = looked_at(body)
    assert seen is not None
    for early in (seen, None):
        with pytest.raises(FileRejected, match="instead of a CSV"):
            inspected(tmp_path / "file", body, early)
