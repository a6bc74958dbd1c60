"""Where the records of a CSV end, found in its bytes as they come: to count them, and to cut a file between them.

It agrees with :mod:`csv` on every quote, but most lines of a report hold none, and then a line is a record: that needs
no look at each letter. A regular expression passes over quoted fields, and only what is odd (a line of many fields, a
carriage return in the middle of one) is read as :mod:`csv` does. A record has a greatest size, so memory has one too.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FIELD: Final = 1_000_000
"""Letters of one field; more is no report of Webex's."""
MAX_RECORD: Final = 1_000_000
"""Bytes that are held while no record ends, about. As a row of Python's, a record takes up to thirty times as much."""
MAX_COLUMNS: Final = 10_000
"""Fields of one record; Webex's reports have some fifty."""
PIECE: Final = 64 * 1024
"""Bytes that are looked at together; as much as fits into a processor's nearest memory."""

_UTF16_STARTS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WINDOW: Final = MAX_COLUMNS // 2
"""Bytes; a line of more than :data:`MAX_COLUMNS` fields has a window of so many, counted from the start, to itself."""

_COMMA: Final = b","
_SEPARATORS: Final = (b"\t", b";")
"""What else may stand between fields, where the header has no comma."""
_QUOTE: Final = b'"'
_QUOTED = re.compile(rb'"[^"]*"')
_BLANK = re.compile(rb"\n\n")
_BLANK_OR_ODD = re.compile(rb"\r(?!\n[^\r\n])")
"""A return that ends no line, or the end before a blank line. It begins with one letter, which is sought quickly."""
_LINE_ENDS = re.compile(rb"\n+")
_MAY_BE_FORMULA = (re.compile(rb"""=(?<![^\s,;"\xbf]=)"""), re.compile(rb"""@(?<![^\s,;"\xbf]@)"""))
"""What begins a formula, behind what may stand before a cell (the last is a byte order mark's end). Two patterns, since
one that begins with one letter is sought three times as quickly."""


class _Fields(NamedTuple):
    """How fields are told apart in a file."""

    separator: str
    before_quoted: bytes
    """What stands before a field in quotes: the separator, or the end of the line before."""
    on_its_line: re.Pattern[bytes]
    """As far as quoted fields hold no end of a line; behind it is the end, or a quote."""


@cache
def _fields(separator: bytes) -> _Fields:
    # A quoted field of csv begins after a comma or at a line's beginning, and ends at the first quote that is not
    # doubled. Any other quote stands for itself. The repetition is bounded because the engine keeps a note of every
    # round.
    pattern = rb"""[^"]*+ (?: (?<![^%s\n]) "[^"\n]*+ (?: "(?!") | (?:""[^"\n]*+)+ "(?!") ) [^"]*+ ){0,1000}"""
    return _Fields(separator.decode(), separator + b"\n", re.compile(pattern % re.escape(separator), re.VERBOSE))


def _fields_of(line: bytes) -> _Fields:
    """Tell by the header's first line what stands between its fields: a comma, unless it has none."""
    bare = _QUOTED.sub(b"", line)
    separator = _COMMA if _COMMA in bare else max(_SEPARATORS, key=bare.count)
    return _fields(separator if separator in bare else _COMMA)


csv.field_size_limit(MAX_FIELD)


class UnreadableError(Exception):
    """Not a CSV in bytes of ASCII's kind, or one with a record that is larger or wider than any report's."""


class Records:
    """Takes a file's bytes in pieces of any size and gives them back in whole records: a few, many, or none yet."""

    def __init__(self, *, together: int = PIECE) -> None:
        self.count = 0
        """Records so far, the header among them. A blank line is none."""
        self.columns = 0
        """Fields of the header."""
        self.header = b""
        """The first record as it stands in the file, with its line's end, and with the byte order mark if there is one;
        empty until it is whole."""
        self._together = together
        self._waiting: list[bytes] = []
        self._size = 0
        self._look_from = together
        self._mark: bytes | None = None
        """The file's byte order mark; None until its beginning was seen."""
        self._fields = _fields(_COMMA)

    def take(self, data: bytes) -> bytes:
        """Give the records that are whole by now and were not given before, as they came. Raises ``UnreadableError``.

        Small pieces wait until there is something to look at.
        """
        self._waiting.append(data)
        self._size += len(data)
        if self._size < self._look_from:
            return b""
        return self._look(b"".join(self._waiting))

    def end(self) -> bytes:
        """Give what is left: the last records, the very last perhaps without an end. Raises ``UnreadableError``."""
        left = b"".join(self._waiting)
        closed = left + b"\n"
        open_from = len(self._look(closed, last=True))
        if open_from < len(closed):  # a quote that is never closed: all that follows is its field
            self._add(_number_read(closed[open_from:], self._fields), closed[open_from:])
        self._keep(b"")
        return left

    def has_formula(self, whole: bytes) -> bool:
        """Return whether a cell of these whole records is one that a spreadsheet takes for a formula.

        ``=`` or ``@`` with nothing behind it is none, and ``+`` and ``-`` begin telephone numbers. Raises
        ``UnreadableError``.
        """
        if not any(pattern.search(whole) for pattern in _MAY_BE_FORMULA):
            return False
        rows = _rows(io.BytesIO(whole.removeprefix(self._mark or b"")), self._fields)
        return any(len(text) > 1 and text.startswith(("=", "@")) for row in rows for text in map(str.strip, row))

    def _look(self, data: bytes, *, last: bool = False) -> bytes:
        mark = b""
        if self._mark is None:
            if len(data) < len(codecs.BOM_UTF8) and not last:
                return b""
            if data.startswith(_UTF16_STARTS):
                raise UnreadableError
            mark = self._mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        body = data[len(mark) :]
        if not self.count:
            self._fields = _fields_of(body.lstrip(b"\r\n")[:PIECE].partition(b"\n")[0])
        spans, end = _over_line_ends(body, body.rfind(b"\n") + 1, self._fields)
        whole = body[:end]
        self._add(_number(_without(whole, spans) if spans else whole, self._fields), whole)
        self._keep(body[end:])
        return mark + whole if mark else whole

    def _add(self, number: int, body: bytes) -> None:
        if number and not self.count:
            self.header, self.columns = _first(body, self._fields)
            self.header = (self._mark or b"") + self.header
        self.count += number

    def _keep(self, rest: bytes) -> None:
        if len(rest) > MAX_RECORD:
            raise UnreadableError
        self._waiting = [rest]
        self._size = len(rest)
        # The more waits for its end, the rarer it is looked at, so that a long record is not read again and again.
        self._look_from = self._together + min(2 * self._size, MAX_RECORD)


def _over_line_ends(body: bytes, stop: int, fields: _Fields) -> tuple[list[tuple[int, int]], int]:
    """The quoted fields that hold the end of a line (from, to), and where the last whole record ends.

    ``body`` begins with a record, and ``stop`` is behind the end of a line.
    """
    spans: list[tuple[int, int]] = []
    if body.find(_QUOTE, 0, stop) < 0:
        return spans, stop
    at = 0
    while (at := _end(fields.on_its_line.match(body, at, stop))) < stop:
        if at and body[at - 1] not in fields.before_quoted:
            at += 1
            continue
        begin, at = at, _closed(body, at, stop)
        if not at:
            return spans, _last_record(body, spans, begin)
        spans.append((begin, at))
    return spans, stop


def _end(found: re.Match[bytes] | None) -> int:
    return found.end() if found else 0


def _closed(body: bytes, at: int, stop: int) -> int:
    """Where the quoted field ends that begins at ``at``; 0 when it does not, before ``stop``."""
    at += 1
    while (at := body.find(_QUOTE, at, stop) + 1) and body.startswith(_QUOTE, at):
        at += 1
    return at


def _last_record(body: bytes, spans: list[tuple[int, int]], at: int) -> int:
    """Where the record begins that is not whole at ``at``; its fields are taken from ``spans``."""
    while True:
        begin = body.rfind(b"\n", spans[-1][1] if spans else 0, at) + 1
        if begin or not spans:
            return begin
        at, _ = spans.pop()


def _without(whole: bytes, spans: list[tuple[int, int]]) -> bytes:
    """Whole records with an empty field for each of these, so that every record is on one line."""
    begins = [0, *(to for _, to in spans)]
    ends = [*(begin for begin, _ in spans), len(whole)]
    return b'""'.join(whole[begin:end] for begin, end in zip(begins, ends, strict=True))


def _number(flat: bytes, fields: _Fields) -> int:
    """How many records these lines are."""
    bare = flat.replace(b"\r", b"")
    ends = len(bare) - len(bare.replace(b"\n", b""))  # twice as fast as to count them
    if not _has_long_line(bare) and not _has_odd_line(flat, len(flat) - len(bare), ends):
        return ends
    lines = flat.replace(b"\r\n", b"\n")
    if b"\r" not in lines and not _has_long_line(lines):
        return len(_LINE_ENDS.findall(lines.lstrip(b"\n")))
    return _number_read(lines, fields)


def _number_read(body: bytes, fields: _Fields) -> int:
    return sum(1 for _ in _rows(io.BytesIO(body), fields))


def _has_odd_line(flat: bytes, returns: int, ends: int) -> bool:
    """Whether a line may be blank or have a return elsewhere than at its end. ``flat`` ends with a line."""
    if not returns:
        return flat.startswith(b"\n") or _BLANK.search(flat) is not None
    odd = _BLANK_OR_ODD.search(flat)
    return returns != ends or flat.startswith(b"\r") or odd is None or odd.end() != len(flat) - 1


def _has_long_line(lines: bytes) -> bool:
    return any(lines.find(b"\n", at, at + _WINDOW) < 0 for at in range(0, len(lines) - _WINDOW, _WINDOW))


def _first(body: bytes, fields: _Fields) -> tuple[bytes, int]:
    """The first record as it stands there, and the number of its fields."""
    raw = io.BytesIO(body)
    row = next(_rows(raw, fields))
    end = raw.tell()
    begin = len(body[:end]) - len(body[:end].lstrip(b"\r\n"))
    return body[begin:end], len(row)


def _rows(raw: io.BytesIO, fields: _Fields) -> Iterator[list[str]]:
    """The records as csv reads them, no further than asked for."""
    try:
        for row in csv.reader((line.decode("utf-8", "replace") for line in raw), delimiter=fields.separator):
            if len(row) > MAX_COLUMNS:
                raise UnreadableError
            if row:
                yield row
    except csv.Error as exc:
        raise UnreadableError from exc
