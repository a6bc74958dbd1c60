"""Records are found as Python's csv reader finds them, wherever the bytes are cut, and as quickly as most need it."""

from __future__ import annotations

import codecs
import csv
import io
import time
import tracemalloc
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.files import csv_rows
from bot.files.csv_rows import Records, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TOKENS = [b'"', b",", b"\n", b"\r\n", b'""', b',"', b'",', b"a", b"b c", "ä".encode(), b"\x00", b"\xff"]
BODIES = st.builds(
    lambda mark, tokens: mark + b"".join(tokens),
    st.sampled_from([b"", codecs.BOM_UTF8]),
    st.lists(st.sampled_from(TOKENS), max_size=40),
)
WITH_RETURNS = st.lists(st.sampled_from([*TOKENS, b"\r"]), max_size=30).map(b"".join)
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=20)
TOGETHER = st.sampled_from([1, 7, csv_rows.PIECE])


def by_csv(body: bytes) -> list[list[str]]:
    """What csv reads; blank lines are no rows."""
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace").replace("\r\n", "\n")
    return [row for row in csv.reader(text.split("\n")) if row]


def pieces(body: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for size in cycle(cuts):
        if at >= len(body):
            return
        yield body[at : at + size]
        at += size


def walked(made: Records, body: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """What was given at each step, and how many records it was said to be."""
    given: list[tuple[bytes, int]] = []
    before = 0
    for piece in body:
        given.append((made.take(piece), made.count - before))
        before = made.count
    given.append((made.end(), made.count - before))
    return given


@settings(max_examples=600)
@given(BODIES, CUTS, TOGETHER)
def test_any_bytes_are_cut_where_csv_ends_a_row(body: bytes, cuts: list[int], together: int) -> None:
    """Stray, doubled and open quotes, line breaks in quotes, blank lines, half letters: in any pieces."""
    made = Records(together=together)
    given = walked(made, pieces(body, cuts))
    rows = by_csv(body)

    assert b"".join(batch for batch, _ in given) == body
    assert made.count == len(rows)
    assert made.columns == (len(rows[0]) if rows else 0)
    for batch, number in given:
        assert len(by_csv(batch)) == number
    whole = [len(row) for batch, _ in given for row in by_csv(batch)]
    assert whole == [len(row) for row in rows]


@settings(max_examples=300)
@given(BODIES, CUTS, TOGETHER)
def test_the_header_is_the_first_row_with_the_byte_order_mark(body: bytes, cuts: list[int], together: int) -> None:
    made = Records(together=together)
    walked(made, pieces(body, cuts))
    rows = by_csv(body)
    assert bool(made.header) == bool(rows)
    if len(rows) > 1:
        assert by_csv(made.header) == rows[:1]
    if rows:
        assert made.header.endswith(b"\n")
        assert made.header.startswith(codecs.BOM_UTF8) == body.startswith(codecs.BOM_UTF8)


@settings(max_examples=300)
@given(WITH_RETURNS, CUTS, TOGETHER)
def test_a_return_in_the_middle_of_a_line_is_read_as_csv_reads_it(body: bytes, cuts: list[int], together: int) -> None:
    made = Records(together=together)
    try:
        rows: int | None = len(by_csv(body))
    except csv.Error:
        rows = None
    try:
        walked(made, pieces(body, cuts))
    except UnreadableError:
        assert rows is None
    else:
        assert made.count == rows


@pytest.mark.parametrize("start", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_file_in_utf_16_is_not_cut(start: bytes) -> None:
    """Its letters have two bytes, and one of them may look like the end of a line."""
    with pytest.raises(UnreadableError):
        walked(Records(), [start + "A,B\n1,2\n".encode("utf-16-le")])


@pytest.mark.parametrize("line", [b"a" * 99 + b"\n", b'""', b'""\n', b'\nb","cc'], ids=repr)
def test_a_record_that_does_not_end_is_given_up_before_it_fills_the_memory(line: bytes) -> None:
    made = Records()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError):
            walked(made, chain([b'"a'], repeat(line * (csv_rows.PIECE // len(line)), 1000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000, "bytes, though 60 MB would come"


def test_a_record_as_long_as_may_be_is_whole() -> None:
    body = b'A\n"' + b"x\n" * 450_000 + b'"\nend\n'
    made = Records()
    walked(made, pieces(body, [csv_rows.PIECE]))
    assert made.count == 3


def test_pieces_of_one_letter_cost_no_more_than_their_number() -> None:
    """A host that drips its answer must not make us look at the same bytes again and again."""
    body = b"A,B\n" + b'"' + b"x" * 500_000 + b'"\n'
    made = Records()
    started = time.thread_time()
    walked(made, pieces(body, [1]))
    assert made.count == 2
    assert time.thread_time() - started < 5, "seconds; it takes a fifth of one"


def csv_of(rows: int, *, quoting: int, every: int = 0) -> bytes:
    """A report of about 170 bytes a row; with ``every``, a field of each so-many-th row needs quotes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=quoting)  # type: ignore[arg-type]
    for number in range(rows):
        name = "Lovelace, Ada" if every and number % every == 0 else "Ada Lovelace"
        writer.writerow([number, name, "2026-01-01T10:00:00.000+00:00", "ada@example.com", "NA", "Trunk-West"] * 2)
    return out.getvalue().encode()


@pytest.mark.parametrize(
    ("quoting", "every", "limit"),
    [(csv.QUOTE_MINIMAL, 0, 0.5), (csv.QUOTE_MINIMAL, 30, 0.6), (csv.QUOTE_ALL, 0, 3.0)],
    ids=["no quotes", "a few quotes", "all quoted"],
)
def test_large_files_are_walked_at_once(quoting: int, every: int, limit: float) -> None:
    """The limits are several times what is measured: tests run beside each other."""
    body = csv_of(150_000, quoting=quoting, every=every)
    made = Records()
    started = time.thread_time()
    walked(made, pieces(body, [csv_rows.PIECE]))
    assert made.count == 150_000
    assert time.thread_time() - started < limit, f"seconds for {len(body):,} bytes"
