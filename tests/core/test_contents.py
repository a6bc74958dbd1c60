"""Rows and columns of whatever was downloaded: counted right, bounded, and never a reason to fail."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.files import csv_contents, csv_rows
from bot.files.csv_contents import UNCOUNTED, Contents, read_contents

if TYPE_CHECKING:
    from pathlib import Path

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\t;"), max_size=12)
"""Without what else may stand between fields: in a header of one field nobody could tell what it is."""
on_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
"""Each example overwrites the file of the one before."""


def written(table: list[list[str]], quoting: int) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting).writerows(table)  # type: ignore[arg-type]
    return out.getvalue().encode()


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in entries:
            archive.writestr(name, body)
    return out.getvalue()


def read(folder: Path, body: bytes, kind: str = "csv") -> Contents:
    path = folder / "file"
    path.write_bytes(body)
    return read_contents(path, kind)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    columns = draw(st.integers(1, 5))
    row = st.lists(CELL, min_size=columns, max_size=columns)
    return draw(st.lists(row, min_size=1, max_size=8))


@on_one_folder
@given(tables(), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans(), st.booleans())
def test_any_table_is_counted(tmp_path: Path, table: list[list[str]], quoting: int, mark: bool, packed: bool) -> None:
    """With line breaks, commas and quotes in its cells, with a byte order mark or without, plain or in a zip."""
    body = (b"\xef\xbb\xbf" if mark else b"") + written(table, quoting)
    found = read(tmp_path, zipped(("report.csv", body)), "zip") if packed else read(tmp_path, body)
    assert (found.rows, found.columns) == (len(table) - 1, len(table[0]))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", Contents(0, 0)),
        (b"\xef\xbb\xbf", Contents(0, 0)),
        (b"Name,Minutes\r\n", Contents(0, 2)),
        (b"\xef\xbb\xbfName,Minutes", Contents(0, 2)),
        (b"Name,Minutes\r\nAda,12\r\n\r\n\r\n", Contents(1, 2)),
        (b"Name;Minutes\nAda;12\n", Contents(1, 2)),
        (b'Name\tMinutes\r\n"Lovelace,\nAda"\t12\r\n', Contents(1, 2)),
        (b'"Na\tme"\nAda\n', Contents(1, 1)),
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
    ],
)
def test_the_smallest_files(tmp_path: Path, body: bytes, found: Contents) -> None:
    assert read(tmp_path, body) == found
    assert found.empty == (found.rows == 0)


@pytest.mark.parametrize("rows", [0, 1, 40_000])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_rows_are_counted_however_letters_are_written(tmp_path: Path, encoding: str, rows: int, packed: bool) -> None:
    """With a byte order mark or without; a line's end in a quoted field is none."""
    body = ("Name,Mi\u010anutes\r\n" + '"Ada\r\nB. \u0a0d",12\r\n' * rows).encode(encoding)
    found = read(tmp_path, zipped(("report.csv", body)), "zip") if packed else read(tmp_path, body)
    assert found == Contents(rows, 2)


def test_the_csv_of_a_zip_is_found_by_its_name(tmp_path: Path) -> None:
    body = zipped(("folder/", b""), ("readme.txt", b"x\ny\nz\n"), ("Usage.CSV", b"A,B\r\n1,2\r\n"))
    assert read(tmp_path, body, "zip") == Contents(1, 2)


def test_of_several_tables_none_is_counted(tmp_path: Path) -> None:
    body = zipped(("summary.csv", b"A,B\r\n"), ("usage.csv", b"A,B\r\n1,2\r\n"))
    assert read(tmp_path, body, "zip") == UNCOUNTED


def test_a_zip_without_entries_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, zipped(), "zip") == Contents(0, 0)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@on_one_folder
@given(data=st.data())
def test_no_broken_zip_is_a_reason_to_fail(tmp_path: Path, method: int, data: st.DataObject) -> None:
    body = bytearray(zipped(("report-ü.csv", b"Name,Minutes\r\n" * 40), method=method))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    read(tmp_path, bytes(body[: data.draw(st.integers(0, len(body)))]), "zip")


@on_one_folder
@given(st.binary(max_size=400) | st.lists(st.sampled_from([b'"', b"\x00", b",", b"\r", b"\n", b"a"])).map(b"".join))
def test_no_bytes_are_a_reason_to_fail(tmp_path: Path, body: bytes) -> None:
    read(tmp_path, body)
    read(tmp_path, body, "zip")


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_contents, "MAX_UNPACKED", 1_000_000)
    assert read(tmp_path, zipped(("report.csv", b"a,b\n" * 300_000)), "zip") == UNCOUNTED


@pytest.mark.parametrize(
    "body",
    [
        b"a" * 16_000_000,
        b'"' + (b"a" * 99 + b"\n") * 160_000,
        b'"a' + b'\nb","cc' * 2_000_000,
        b"aa," * 5_000_000,
        (b"aa," * 300_000 + b"\n") * 2,
    ],
    ids=["one line", "one field", "one row of many lines", "one line of many fields", "rows too wide"],
)
def test_a_file_without_ends_does_not_fill_the_memory(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "file").write_bytes(body)
    tracemalloc.start()
    try:
        assert read_contents(tmp_path / "file", "csv") == UNCOUNTED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000, "bytes"


def test_as_many_columns_as_may_be_are_counted(tmp_path: Path) -> None:
    wide = b",".join([b"x"] * csv_rows.MAX_COLUMNS)
    assert read(tmp_path, wide + b"\n" + wide) == Contents(1, csv_rows.MAX_COLUMNS)
    assert read(tmp_path, b"a,b\n" + wide + b",x\n") == UNCOUNTED


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blank_lines_cost_next_to_nothing(tmp_path: Path, end: bytes) -> None:
    """Five million of them in a zip of a few kilobytes, before and among the rows; within a row they are too much."""
    blank = end * 5_000_000
    started = time.thread_time()
    among = zipped(("report.csv", b"".join([blank, b"A,B", blank, b'"1', end * 9, b'",2', end])))
    assert read(tmp_path, among, "zip") == Contents(1, 2)
    within = zipped(("report.csv", b"".join([b"A,B", end, b'"1', blank, b'",2', end])))
    assert read(tmp_path, within, "zip") == UNCOUNTED
    assert time.thread_time() - started < 10, "seconds; each as a row it takes minutes"


def test_a_line_of_blanks_alone_is_a_row(tmp_path: Path) -> None:
    assert read(tmp_path, b"A\n \n\t\n") == Contents(2, 1)


def test_a_file_that_would_be_counted_for_minutes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one cell with a line's end in it, the slowest there are: many millions of them fit into a small zip."""
    monkeypatch.setattr(csv_contents, "MAX_WORK", 0.1)
    (tmp_path / "file").write_bytes(b'"\n"\n' * 4_000_000)
    started = time.thread_time()
    assert read_contents(tmp_path / "file", "csv") == UNCOUNTED
    assert time.thread_time() - started < 0.4, "seconds"


def test_a_large_report_is_counted_soon(tmp_path: Path) -> None:
    row = b'123456,"Lovelace, Ada",2026-01-01 10:00:00,ada@example.com,"US ""x""",Yes,12\r\n'
    body = zipped(("report.csv", b"A,B,C,D,E,F,G\r\n" + row * 150_000))
    started = time.thread_time()
    assert read(tmp_path, body, "zip") == Contents(150_000, 7)
    assert time.thread_time() - started < 1.5, "seconds for 11 MB; it takes a fifth of one"
