"""What a downloaded report holds: rows and columns of its CSV, counted while streaming, without trusting it.

A few kilobytes of zip can be made that would keep a counter busy for hours or fill the memory, so the work has an end
in time and every record one in size. Whoever goes beyond is not counted; the file is posted all the same.
"""

from __future__ import annotations

import csv
import lzma
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import IO, TYPE_CHECKING

from bot.reports.archive import ENCRYPTED, MAX_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_UNPACKED = 2 * 1024**3
"""Bytes that are unpacked to count rows; a zip bomb is not worth counting."""
MAX_FIELD = 1_000_000
"""Letters of one CSV field; more is no report of Webex's."""
MAX_RECORD = 1_000_000
"""Bytes of one record, about: what is looked at while no row ends. A record takes up to thirty times its bytes."""
MAX_COLUMNS = 10_000
"""Fields of one record; Webex's reports have some fifty."""
MAX_WORK = 5.0
"""Seconds of processor time for one file: as much as some 300 MB of CSV take."""
PIECE = 128 * 1024
"""Bytes that are read at once."""

csv.field_size_limit(MAX_FIELD)

UNREADABLE = (
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What the readers of a broken file raise: bzip2 an OSError, a name that is no UTF-8 a ValueError."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Rows without the header, and columns; None where they could not be counted."""

    rows: int | None = None
    columns: int | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing but a header, or not even that."""
        return self.rows == 0


UNCOUNTED = Contents()


def read_contents(path: Path, kind: str) -> Contents:
    """Count what the file holds; a CSV that cannot be read is not an error, only uncounted."""
    try:
        if kind == "zip":
            return _of_zip(path)
        with path.open("rb") as raw:
            return _of_csv(raw)
    except (*UNREADABLE, _TooMuchError):
        return UNCOUNTED


class _TooMuchError(Exception):
    """More came out, or more was to do, than a report is worth."""


def _of_zip(path: Path) -> Contents:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist()[:MAX_ENTRIES] if not entry.is_dir()]
        if not entries:
            return Contents(rows=0, columns=0)
        # The first entry is the CSV; a read-me in front of it would be a surprise, so prefer the name.
        entry = next((entry for entry in entries if entry.filename.lower().endswith(".csv")), entries[0])
        if entry.flag_bits & ENCRYPTED:
            return UNCOUNTED
        with archive.open(entry) as raw:
            return _of_csv(raw)


def _of_csv(raw: IO[bytes]) -> Contents:
    rows = columns = 0

    def lines() -> Iterator[Iterable[str]]:
        before, waiting = 0, 0
        for text in _texts(raw):
            # The rows of the last piece have been counted by now. No row in it: its record goes on.
            waiting = len(text) if rows > before else waiting + len(text)
            before = rows
            if waiting > MAX_RECORD:
                raise _TooMuchError
            # Blank lines are no rows, and within quotes they change no count: so millions of them are dropped cheaply.
            yield filter(None, text.split("\n"))

    for row in filter(None, csv.reader(chain.from_iterable(lines()))):
        if not rows:
            columns = len(row)
        if len(row) > MAX_COLUMNS:
            raise _TooMuchError
        rows += 1
    return Contents(rows=max(rows - 1, 0), columns=columns)


def _texts(raw: IO[bytes]) -> Iterator[str]:
    """Whole lines, many at once, without the byte order mark; without those pieces that are all blank."""
    work_ends = time.thread_time() + MAX_WORK
    start = True
    for piece in _pieces(raw):
        text = piece.decode("utf-8", "replace").replace("\r\n", "\n")
        if start:
            text = text.removeprefix("\ufeff")
            start = False
        if text.strip("\n"):
            yield text
        if time.thread_time() > work_ends:
            raise _TooMuchError


def _pieces(raw: IO[bytes]) -> Iterator[bytes]:
    """The bytes, cut at ends of lines; no more than :data:`MAX_UNPACKED` of them."""
    left = MAX_UNPACKED
    begun = b""
    while chunk := raw.read(PIECE):
        left -= len(chunk)
        if left < 0:
            raise _TooMuchError
        lines, end, rest = chunk.rpartition(b"\n")
        if end:
            yield begun + lines + end
            begun = rest
        else:
            begun += rest
            if len(begun) > MAX_RECORD:
                raise _TooMuchError
    yield begun
