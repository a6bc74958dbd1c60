"""What a downloaded report holds: rows and columns of its CSV, counted while streaming, without trusting it."""

from __future__ import annotations

import csv
import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from bot.reports.archive import ENCRYPTED, MAX_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_UNPACKED = 2 * 1024**3
"""Bytes that are unpacked to count rows; a zip bomb is not worth counting."""
MAX_FIELD = 1_000_000
"""Letters of one CSV field; more is no report of Webex's."""
MAX_LINE = 4_000_000
"""Bytes of a line that are held at once: a file without line ends must not fill the memory."""

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
    except (*UNREADABLE, _TooLargeError):
        return UNCOUNTED


class _TooLargeError(Exception):
    """More than :data:`MAX_UNPACKED` came out."""


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
    rows = csv.reader(_lines(raw))
    header = next(rows, None)
    if header is None:
        return Contents(rows=0, columns=0)
    return Contents(rows=sum(1 for row in rows if row), columns=len(header))


def _lines(raw: IO[bytes]) -> Iterator[str]:
    """The lines without the byte order mark, no more than :data:`MAX_UNPACKED` bytes of them."""
    left = MAX_UNPACKED
    start = True
    while line := raw.readline(MAX_LINE):
        left -= len(line)
        if left < 0:
            raise _TooLargeError
        yield line.decode("utf-8-sig" if start else "utf-8", "replace")
        start = False
