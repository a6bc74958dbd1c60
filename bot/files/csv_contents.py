"""What a downloaded report holds: rows and columns of its CSV, counted while streaming, without trusting it.

A few kilobytes of zip can be made that would keep a counter busy for hours or fill the memory, so the work has an end
in time and every record one in size. Anyone who goes beyond is not counted; the file is posted all the same.
"""

from __future__ import annotations

import codecs
import lzma
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from bot.files.csv_rows import MAX_RECORD, PIECE, Records, UnreadableError
from bot.files.first_bytes import PADDING, PLAIN, encoding_of
from bot.files.zip_check import ENCRYPTED, HEAD_BYTES, MAX_ENTRIES, csv_among, has_several

if TYPE_CHECKING:
    from pathlib import Path

MAX_UNPACKED = 2 * 1024**3
"""Bytes of which rows are counted; a zip bomb is not worth counting."""
MAX_WORK = 5.0
"""Seconds of processor time for one file: as much as some 400 MB of the slowest CSV take, with a quote at every field.
"""

UNREADABLE = (
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
    formulas: bool = False
    """Whether a cell that was looked at would be taken for a formula."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing but a header, or not even that."""
        return self.rows == 0


UNCOUNTED = Contents()


class Counting:
    """Counts a CSV as its bytes come. It never raises: what cannot or should not be counted is passed over."""

    def __init__(self) -> None:
        self._records = Records()
        self._given_up = False
        self._formulas = False
        self._encoding = _Encoding()
        self._padding = b""
        """Bytes that fill the file up, if nothing else follows."""
        self._left = MAX_UNPACKED
        self._work_left = MAX_WORK

    def take(self, data: bytes) -> None:
        """Count a piece, of any size."""
        for at in range(0, len(data), PIECE):
            if self._given_up:
                return
            self._take(data[at : at + PIECE])

    @property
    def given_up(self) -> bool:
        """Whether the rest of the bytes will not be looked at."""
        return self._given_up

    def end(self) -> Contents:
        """What has come, in all."""
        if not self._given_up:
            try:
                self._look_at(self._records.take(self._encoding.end().rstrip(PADDING)))
                self._look_at(self._records.end())
            except UnreadableError:
                self._given_up = True
        if self._given_up:
            return Contents(formulas=self._formulas)
        return Contents(max(self._records.count - 1, 0), self._records.columns, self._formulas)

    def _take(self, data: bytes) -> None:
        started = time.thread_time()
        try:
            self._feed(self._encoding.plain(data))
        except UnreadableError:
            self._given_up = True
        self._left -= len(data)
        self._work_left -= time.thread_time() - started
        if self._left < 0 or self._work_left < 0:
            self._given_up = True

    def _feed(self, data: bytes) -> None:
        text = data.rstrip(PADDING)
        if text:
            self._look_at(self._records.take(self._padding + text))
            self._padding = b""
        self._padding += data[len(text) :]
        if len(self._padding) > MAX_RECORD:
            raise UnreadableError

    def _look_at(self, whole: bytes) -> None:
        self._formulas = self._formulas or self._records.has_formula(whole)


class _Encoding:
    """Gives a text in plain bytes, however its letters are written; the first bytes wait until that can be told."""

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def plain(self, data: bytes) -> bytes:
        """Give what is known of the text."""
        if self._head is not None:
            data = self._head + data
            if len(data) < HEAD_BYTES:
                self._head = data
                return b""
            return self._begin(data)
        return self._decoder.decode(data).encode() if self._decoder else data

    def end(self) -> bytes:
        """Give what waited."""
        return self._begin(self._head) if self._head else b""

    def _begin(self, head: bytes) -> bytes:
        self._head = None
        encoding = encoding_of(head[:HEAD_BYTES])
        if encoding.name == PLAIN.name:
            return head
        self._decoder = codecs.getincrementaldecoder(encoding.name)("replace")
        return self.plain(head[len(encoding.mark) :])


def read_contents(path: Path, kind: str) -> Contents:
    """Count what the file holds; a CSV that cannot be read is not an error, only uncounted."""
    try:
        if kind == "zip":
            return _of_zip(path)
        with path.open("rb") as raw:
            return _of_csv(raw)
    except UNREADABLE:
        return UNCOUNTED


def _of_zip(path: Path) -> Contents:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()[:MAX_ENTRIES]
        entry = csv_among(entries)
        if entry is None:
            return Contents(rows=0, columns=0)
        if entry.flag_bits & ENCRYPTED or has_several(entries):
            return UNCOUNTED
        with archive.open(entry) as raw:
            return _of_csv(raw)


def _of_csv(raw: IO[bytes]) -> Contents:
    counting = Counting()
    while not counting.given_up and (piece := raw.read(PIECE)):
        counting.take(piece)
    return counting.end()
