"""Find where the records of a CSV end, in its bytes as they come: to count them, and to cut a file between them.

A record ends at the first line end before which the number of quotation marks is even (RFC 4180). A file whose quotes
do not follow that rule is not counted where that matters; it is posted all the same. A few kilobytes of zip can be made
that would keep a counter busy for hours or fill the memory, so a record has a greatest size and the work a time limit.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.files.file_type import HEAD_BYTES, PADDING, PLAIN, encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_RECORD: Final = 1_000_000
"""Bytes that are held while no record ends, about; more is no report of Webex's."""
MAX_UNPACKED: Final = 2 * 1024**3
"""Bytes of which rows are counted."""
MAX_WORK: Final = 5.0
"""Seconds of processor time for one file: as much as some 400 MB of the slowest CSV take."""
PIECE: Final = 64 * 1024
"""Bytes that are looked at together; as much as fits into a processor's nearest memory."""

_SEPARATORS: Final = (b"\t", b";")
"""What else may stand between fields, where the header has no comma."""
_QUOTE: Final = b'"'
_QUOTED = re.compile(rb'"[^"]*"')
_STRAY_QUOTE = re.compile(rb'"(?:(?<=[^,;\t\r\n"]")|(?=[^,;\t\r\n"]))')
"""In a text in which one mark stands for each quoted part: one that does not begin, or does not end, with its field."""
_MAY_BE_FORMULA = re.compile(rb"""(?<![^\s,;"\xbf])[=@]""")
"""What begins a formula, behind what may stand before a cell (the last is a byte order mark's end)."""

_NO_VALUE: Final = b"NA"
"""What Webex writes into an empty cell."""
_BETWEEN: Final = b' ,;"\t\r\n'
"""What stands around cells."""

csv.field_size_limit(MAX_RECORD)


class UnreadableError(Exception):
    """Not a CSV in bytes of ASCII's kind, or one with a record that is larger than any report's."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Rows without the header, and columns; None where they could not be counted."""

    rows: int | None = None
    columns: int | None = None
    formulas: bool = False
    """True when a cell that was looked at would be taken for a formula."""
    no_values: bool = False
    """True when there are rows, and no cell below the header has anything but ``NA`` in it."""

    @property
    def empty(self) -> bool:
        """Return True when there is nothing but a header, or not even that."""
        return self.rows == 0


UNCOUNTED: Final = Contents()


class Records:
    """Takes a file's bytes in pieces of any size and gives them back in whole records: a few, many, or none yet."""

    def __init__(self) -> None:
        self.count = 0
        """Records so far, the header among them; blank lines at the beginning and at the end are none."""
        self.columns = 0
        """Fields of the header."""
        self.header = b""
        """The first record as it stands in the file, with its line end, and with the byte order mark if there is one;
        empty until it is whole."""
        self.doubtful = False
        """True when a line end may have been taken for a part of a field because of a quotation mark that is a letter,
        such as that of an inch: then ``count`` may be wrong."""
        self._blank = 0
        """Blank lines behind the last record."""
        self._mark: bytes | None = None
        """The byte order mark; None until the beginning was seen."""
        self.separator = ","
        """What stands between fields."""
        self._waiting: list[bytes] = []
        self._size = 0
        self._look_from = PIECE

    def take(self, data: bytes) -> bytes:
        """Return the records that are whole by now and were not given before. Raises ``UnreadableError``.

        Small pieces wait until there is something to look at.
        """
        self._waiting.append(data)
        self._size += len(data)
        if self._size < self._look_from:
            return b""
        body = b"".join(self._waiting)
        end = _last_end(body)
        self._keep(body[end:])
        self._count(body[:end])
        return body[:end]

    def end(self) -> bytes:
        """Return what is left: the last records, the very last perhaps without an end. Raises ``UnreadableError``."""
        left = b"".join(self._waiting)
        self._keep(b"")
        self._count(left)
        self.doubtful = self.doubtful or left.count(_QUOTE) % 2 == 1
        return left

    def has_formula(self, whole: bytes) -> bool:
        """Return True when a cell of these whole records is one that a spreadsheet takes for a formula.

        ``=`` or ``@`` with nothing behind it is none, and ``+`` and ``-`` begin telephone numbers. Raises
        ``UnreadableError``.
        """
        if not (b"=" in whole or b"@" in whole) or not _MAY_BE_FORMULA.search(whole):
            return False
        fields = (text.strip() for row in self.fields(whole) for text in row)
        return any(len(text) > 1 and text.startswith(("=", "@")) for text in fields)

    def fields(self, whole: bytes, errors: str = "replace") -> Iterator[list[str]]:
        """Return the fields of each of these whole records; ``errors`` is that of ``bytes.decode``.

        Raises ``UnreadableError``.
        """
        try:
            yield from csv.reader(_lines(whole.removeprefix(codecs.BOM_UTF8), errors), delimiter=self.separator)
        except csv.Error as exc:
            raise UnreadableError from exc

    def _count(self, whole: bytes) -> None:
        """Count whole records, of which the very last need not have an end."""
        body = whole
        if self._mark is None and whole:
            self._mark = codecs.BOM_UTF8 if whole.startswith(codecs.BOM_UTF8) else b""
            body = whole[len(self._mark) :]
        if not self.count:
            body = body.lstrip(b"\r\n")
            if body:
                self._read_header(body)
        records = body.rstrip(b"\r\n")
        if records:
            ends = _line_ends(records)
            self.count += self._blank + ends + 1
            self._blank = 0
            if not self.doubtful and ends < records.count(b"\n"):
                self.doubtful = _STRAY_QUOTE.search(_QUOTED.sub(_QUOTE, records)) is not None
        self._blank += max(0, _line_ends(body[len(records) :]) - bool(records))

    def _read_header(self, body: bytes) -> None:
        header = body[: _first_end(body)]
        bare = _QUOTED.sub(b"", header)
        separator = b"," if b"," in bare else max(_SEPARATORS, key=bare.count)
        self.separator = separator.decode() if separator in bare else ","
        self.header = (self._mark or b"") + header
        try:
            self.columns = len(next(csv.reader(_lines(header), delimiter=self.separator)))
        except csv.Error as exc:  # a return without a line feed: lines that end so are not told apart
            raise UnreadableError from exc

    def _keep(self, rest: bytes) -> None:
        if len(rest) > MAX_RECORD:
            raise UnreadableError
        self._waiting = [rest]
        self._size = len(rest)
        # The more waits for its end, the rarer it is looked at, so that a long record is not read again and again.
        self._look_from = PIECE + min(2 * self._size, MAX_RECORD)


def _last_end(body: bytes) -> int:
    """Return where the last whole record of ``body`` ends, which begins with a record; 0 when none is whole."""
    end = body.rfind(b"\n") + 1
    odd = body.count(_QUOTE, 0, end) % 2 if _QUOTE in body else 0
    while odd:
        before = body.rfind(b"\n", 0, end - 1) + 1
        odd ^= body.count(_QUOTE, before, end) % 2
        end = before
    return end


def _first_end(body: bytes) -> int:
    """Return where the first record of ``body`` ends."""
    end, odd = 0, 1
    while odd and end < len(body):
        begin, end = end, body.find(b"\n", end) + 1 or len(body)
        odd = (odd + body.count(_QUOTE, begin, end) + (not begin)) % 2
    return end


def _line_ends(text: bytes) -> int:
    """Return how many lines end outside of quotes."""
    outside = b"".join(text.split(_QUOTE)[::2]) if _QUOTE in text else text
    return len(outside) - len(outside.replace(b"\n", b""))  # twice as fast as to count them


def _lines(text: bytes, errors: str = "replace") -> io.StringIO:
    """Return text as :mod:`csv` wants it: a return without a line feed ends no line, and is an error to it."""
    return io.StringIO(text.decode("utf-8", errors), newline="\n")


def rows_of(pieces: Iterable[bytes]) -> Iterator[list[str]]:
    """Return the fields of each record of a CSV, the header first, however its letters are written.

    What fills the file up behind its text is left out. Raises ``UnreadableError``, and ``UnicodeDecodeError`` where
    letters would be lost: they may be in an encoding that nothing in the file names, such as Windows-1252.
    """
    records, encoding = Records(), _Encoding("strict")
    for piece in pieces:
        yield from records.fields(records.take(encoding.plain(piece)), "strict")
    yield from records.fields(records.take(encoding.end()), "strict")
    yield from records.fields(records.end().rstrip(PADDING), "strict")


class Counting:
    """Counts a CSV as its bytes come. It never raises: what cannot or should not be counted is passed over."""

    def __init__(self) -> None:
        self._records = Records()
        self._given_up = False
        self._formulas = False
        self._values = False
        """True when a cell below the header has something in it."""
        self._in_header = True
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

    def end(self) -> Contents:
        """Return what has come, in all."""
        if not self._given_up:
            try:
                self._look_at(self._records.take(self._encoding.end().rstrip(PADDING)))
                self._look_at(self._records.end())
            except UnreadableError:
                self._given_up = True
        if self._given_up or self._records.doubtful:
            return Contents(formulas=self._formulas)
        rows = max(self._records.count - 1, 0)
        return Contents(rows, self._records.columns, self._formulas, no_values=rows > 0 and not self._values)

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
        if whole and not self._values:
            header = self._records.header.removeprefix(codecs.BOM_UTF8)
            below = whole.partition(header)[2] if self._in_header and header else whole
            self._values = bool(below.replace(_NO_VALUE, b"").translate(None, _BETWEEN))
            self._in_header = self._in_header and not header


class _Encoding:
    """Give a text in plain bytes, however its letters are written; the first bytes wait until that can be told."""

    def __init__(self, errors: str = "replace") -> None:
        self._errors = errors
        self._head: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def plain(self, data: bytes) -> bytes:
        """Return what is known of the text."""
        if self._head is not None:
            data = self._head + data
            if len(data) < HEAD_BYTES:
                self._head = data
                return b""
            return self._begin(data)
        return self._decoder.decode(data).encode() if self._decoder else data

    def end(self) -> bytes:
        """Return what waited."""
        return self._begin(self._head) if self._head else b""

    def _begin(self, head: bytes) -> bytes:
        self._head = None
        encoding = encoding_of(head[:HEAD_BYTES])
        if encoding.name == PLAIN.name:
            return head
        self._decoder = codecs.getincrementaldecoder(encoding.name)(self._errors)
        return self.plain(head[len(encoding.mark) :])
