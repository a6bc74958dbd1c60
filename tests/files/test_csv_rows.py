"""Rows and columns of whatever was downloaded: counted right, bounded, and never a reason to fail."""

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
from bot.files.csv_rows import UNCOUNTED, Contents, Counting, Records, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BOM = codecs.BOM_UTF8
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1a\t;"), max_size=12)
"""Without what else may stand between fields: in a header of one field nobody could tell what it is."""
TOKENS = [b'"', b",", b"\n", b"\r\n", b"\r", b'""', b',"', b'",', b"a", b"b c", "ä".encode(), b"\x00", b"\xff"]
ANY_BYTES = st.binary(max_size=400) | st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join)
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=20)
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    columns = draw(st.integers(1, 5))
    row = st.lists(CELL, min_size=columns, max_size=columns).filter(lambda cells: cells[0].strip())
    return draw(st.lists(row, min_size=1, max_size=8))


def written(table: list[list[str]], quoting: int) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    return out.getvalue().encode()


def pieces(body: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for size in cycle(cuts):
        if at >= len(body):
            return
        yield body[at : at + size]
        at += size


def counted(body: bytes, cuts: list[int] | None = None) -> Contents:
    counting = Counting()
    for piece in pieces(body, cuts or [csv_rows.PIECE]):
        counting.take(piece)
    return counting.end()


def walked(made: Records, body: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """Return what was given at each step, and how many records it was said to be."""
    given: list[tuple[bytes, int]] = []
    before = 0
    for piece in body:
        given.append((made.take(piece), made.count - before))
        before = made.count
    given.append((made.end(), made.count - before))
    return given


@given(tables(), QUOTING, st.booleans(), st.booleans(), CUTS)
def test_any_table_is_counted(table: list[list[str]], quoting: int, mark: bool, last: bool, cuts: list[int]) -> None:
    """With line breaks, commas and quotes in its cells; with a byte order mark and a last line end, or without."""
    body = (BOM if mark else b"") + written(table, quoting)
    found = counted(body if last else body.removesuffix(b"\r\n"), cuts)
    assert (found.rows, found.columns) == (len(table) - 1, len(table[0]))


@settings(max_examples=300)
@given(tables(), QUOTING, st.booleans(), CUTS, st.sampled_from([1, 7, csv_rows.PIECE]))
def test_a_table_is_cut_between_its_records(
    table: list[list[str]], quoting: int, mark: bool, cuts: list[int], together: int
) -> None:
    body = (BOM if mark else b"") + written(table, quoting)
    made = Records()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_rows, "PIECE", together)
        made = Records()
        given = walked(made, pieces(body, cuts))
    assert b"".join(batch for batch, _ in given) == body
    assert made.header == (BOM if mark else b"") + written(table[:1], quoting)
    rows = 0
    for batch, number in given:
        found = list(csv.reader(io.StringIO(batch.removeprefix(BOM).decode(), newline="")))
        assert found == table[rows : rows + number]
        rows += number
    assert rows == made.count == len(table)


@given(ANY_BYTES, CUTS)
def test_any_bytes_come_back_as_they_are_and_are_no_reason_to_fail(body: bytes, cuts: list[int]) -> None:
    counted(body, cuts)
    try:
        given = walked(Records(), pieces(body, cuts))
    except UnreadableError:
        return
    assert b"".join(batch for batch, _ in given) == body


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", Contents(0, 0)),
        (BOM, Contents(0, 0)),
        (b"Name,Minutes\r\n", Contents(0, 2)),
        (BOM + b"Name,Minutes", Contents(0, 2)),
        (b"Name,Minutes\r\nAda,12\r\n\r\n\r\n", Contents(1, 2)),
        (b"\r\n\nName,Minutes\r\nAda,12", Contents(1, 2)),
        (b"Name,Minutes\nAda,12\n" + b"\n" * 200_000, Contents(1, 2)),
        (b"Name;Minutes\nAda;12\n", Contents(1, 2)),
        (b'Name\tMinutes\r\n"Lovelace,\nAda"\t12\r\n', Contents(1, 2)),
        (b'"Na\tme"\nAda\n', Contents(1, 1)),
        (b'"Na\n\nme",B\n"Ada\n\n",2\n', Contents(1, 2)),
        (b"Name,Of\tday;of night\n1,2\n", Contents(1, 2)),
        (b"Name,Minutes\r\nAda,12\r\n" + bytes(5000), Contents(1, 2)),
        (b"Name,Minutes\r\nAda,12\r\n\x1a", Contents(1, 2)),
        (b"Name,Minutes\r\nAda,\x00\r\n" * 5000, Contents(9999, 2)),
        (b"Name\x0bof host,Minutes\r\nAda,12\r\n", Contents(1, 2)),
        (b"Name,Minutes\n" + bytes(2_000_000), UNCOUNTED),
        (b"\xff\xfe", Contents(0, 0)),
        (b"#!Name,Minutes\n<b>,{}\n", Contents(1, 2)),
        (b"Name,Minutes\nAda,\xff\xfe\n", Contents(1, 2)),
        (b"Name,Minutes\rAda,12\rGrace,30\r", UNCOUNTED),
        (b"A\n \n\t\n", Contents(2, 1, no_values=True)),
        (b'A,B\n55",1\n2,2\n', UNCOUNTED),
        (b'A,Size (")\n1,2\n', UNCOUNTED),
        (b'A,B\n1,2\n1,"', UNCOUNTED),
        (b'A,B\n1,55"\n2,2\n3,65"\n', UNCOUNTED),
        (b'A,B\n1,x"y\n2,2"\n', UNCOUNTED),
        (b'A,B\n1,"x"y\n2,2"\n', UNCOUNTED),
        (b'A,B\n1,55" to 65"\n2,the "best" room\n', Contents(2, 2)),
        (b'A;B\n"x ""y""\nz";"\n"\n1;"""\n"""', Contents(2, 2)),
    ],
)
def test_the_smallest_files(body: bytes, found: Contents) -> None:
    assert counted(body) == found
    assert found.empty == (found.rows == 0)


@pytest.mark.parametrize("rows", [0, 1, 40_000])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_rows_are_counted_however_letters_are_written(encoding: str, rows: int) -> None:
    """With a byte order mark or without; a line end in a quoted field ends no row."""
    body = ("Name,Mi\u010anutes\r\n" + '"Ada\r\nB. \u0a0d",12\r\n' * rows).encode(encoding)
    assert counted(body) == Contents(rows, 2)


def test_a_large_file_is_not_counted_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_UNPACKED", 1_000_000)
    assert counted(b"a,b\n" * 300_000) == UNCOUNTED


def test_a_file_that_would_be_counted_for_minutes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one cell with a line end in it, the slowest there are: many millions of them fit into a small zip."""
    monkeypatch.setattr(csv_rows, "MAX_WORK", 0.1)
    started = time.thread_time()
    assert counted(b'"\n"\n' * 4_000_000) == UNCOUNTED
    assert time.thread_time() - started < 0.4, "seconds"


@pytest.mark.parametrize(
    "body",
    [b"a" * 16_000_000, b'"' + (b"a" * 99 + b"\n") * 160_000, b'"a' + b'\nb","cc' * 2_000_000, b"aa," * 5_000_000],
    ids=["one line", "one field", "one row of many lines", "one line of many fields"],
)
def test_a_file_without_ends_does_not_fill_the_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        assert counted(body) == UNCOUNTED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000, "bytes"


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
    assert counted(b'A\n"' + b"x\n" * 450_000 + b'"\nend\n') == Contents(2, 1)


def test_pieces_of_one_letter_cost_no_more_than_their_number() -> None:
    """A host that drips its answer must not make us look at the same bytes again and again."""
    started = time.thread_time()
    assert counted(b"A,B\n" + b'"' + b"x" * 500_000 + b'"\n', [1]) == Contents(1, 2)
    assert time.thread_time() - started < 10, "seconds; it takes one"


@pytest.mark.parametrize(
    ("quoting", "every"),
    [(csv.QUOTE_MINIMAL, 0), (csv.QUOTE_MINIMAL, 30), (csv.QUOTE_ALL, 0)],
    ids=["no quotes", "a few quotes", "all quoted"],
)
def test_large_files_are_counted_at_once(quoting: int, every: int) -> None:
    """Twice what Python's reader takes, which is written in C; a step of ours for each field would take ten times."""
    row = ["Ada Lovelace", "2026-01-01T10:00:00.000+00:00", "ada@example.com", "NA", "Trunk-West"] * 2
    needing = ["Lovelace, Ada", *row[1:]]
    table = [[str(number), *(needing if every and number % every == 0 else row)] for number in range(150_000)]
    body = written(table, quoting)
    started = time.thread_time()
    assert sum(1 for _ in csv.reader(io.StringIO(body.decode(), newline=""))) == 150_000
    least = time.thread_time() - started
    started = time.thread_time()
    assert counted(body).rows == 149_999
    assert time.thread_time() - started < 4 * least


@pytest.mark.parametrize(
    ("body", "no_values"),
    [
        (b"a,b\r\n", False),  # there are no rows
        (b"", False),
        (b"a,b\r\n1,2\r\n", False),
        (b"a,b\r\nNA,NA\r\nNA,NA\r\n", True),
        (BOM + b'\r\n"a","b"\r\n"NA",""\r\n,\r\n', True),
        (b"a;b\nNA;NA\n", True),
        (b"a\tb\nNA\tNA", True),
        (b"a,b\r\nNA,0\r\n", False),
        (b"a,b\r\nNAN,NA\r\n", False),
        (b"a,b\r\nANNA,NA\r\n", False),
        (b"NA,NA\r\nNA,NA\r\n", True),
        (b"a,b\r\n" + b"NA,NA\r\n" * 50_000, True),
        (b"a,b\r\n" + b"NA,NA\r\n" * 50_000 + b"NA,x\r\n", False),
        ("a,b\nNA,NA\n".encode("utf-16"), True),
    ],
)
def test_cells_without_anything_in_them_are_noticed(body: bytes, no_values: bool) -> None:
    assert counted(body, [10_000]).no_values is no_values
