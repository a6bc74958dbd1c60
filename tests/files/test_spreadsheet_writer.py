"""Every cell of a CSV is in the spreadsheet as it stands: no formula, no link, no ID that became a rounded number."""

from __future__ import annotations

import csv
import io
import tracemalloc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.files import spreadsheet
from bot.files.spreadsheet import Outcome, to_xlsx
from bot.files.spreadsheet_writer import main
from tests.files.xlsx import cells, number_format, widths

if TYPE_CHECKING:
    from pathlib import Path

MOST = 100_000_000


def written(folder: Path, body: bytes) -> dict[str, tuple[str, str]]:
    source, target = folder / "csv", folder / "xlsx"
    source.write_bytes(body)
    assert main([str(source), str(target), str(MOST)]) is Outcome.WRITTEN
    return cells(target)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("https://evil.example")',
        "@SUM(1)",
        "+1 555 0100",
        "-1+2",
        "{=1}",
        "https://example.com/",
        "mailto:ada@example.com",
        "internal:Sheet1!A1",
        "007",
        "1e5",
        "12345678901234567890",
        "123456789012",
        "1.",
        ".5",
        "-",
        "-0",
        "-0.00",
        "1.0000000",
        "1,000",
        " 1",
        "٣",
        "NaN",
        "inf",
        "true",
        "2026-10-01",
        "2026-10-01T12:00:00Z",
        "a\nb",
        "<b>&amp;</b>",
        "_x0041_",
        "é🎉",
        "\x0b",
    ],
)
def test_text_stays_text(tmp_path: Path, cell: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["Name"], [cell]])
    found = written(tmp_path, out.getvalue().encode())
    assert found["A2"][0] == "text"
    assert found["A2"][1] in {cell, "A"}, "the reader here unescapes what was text from the start"


@pytest.mark.parametrize("cell", ["0", "7", "12345678901", "-3", "12.50", "0.25", "-0.125", "123456789.123456"])
def test_plain_numbers_are_numbers_to_calculate_with(tmp_path: Path, cell: str) -> None:
    assert written(tmp_path, f"Minutes,Note\r\n{cell},x\r\n".encode())["A2"] == ("number", f"{float(cell):.16g}")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("44", "General"),
        ("40", "General"),
        ("44.1", "General"),
        ("44.10", "0.00"),
        ("-44.0", "0.0"),
        ("0.000000", "0.000000"),
        ("12345.12345", "General"),
        ("-12345.12345", "General"),
        ("123456.12345", "0.00000"),
        ("-123456789.123456", "0.000000"),
        ("-12345678901", "General"),
    ],
)
def test_numbers_are_shown_as_they_stand_in_a_column_that_is_wide_enough(tmp_path: Path, cell: str, shown: str) -> None:
    assert written(tmp_path, f"Minutes,Note\r\n{cell},x,{cell}\r\n1,x\r\n".encode())["C2"][0] == "number"
    assert number_format(tmp_path / "xlsx", "A2") == shown
    assert number_format(tmp_path / "xlsx", "A3") == "General"
    first, other, without_header = widths(tmp_path / "xlsx")
    assert min(first, without_header) > len(cell)
    assert 10 <= other < 11


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Meeting Number", "text"),
        ("Conference ID", "text"),
        ("USER_ID", "text"),
        ("SessionID", "text"),
        ("Site UUID", "text"),
        ("Phone", "text"),
        ("Client version", "text"),
        ("Access code", "text"),
        ("Number of participants", "number"),
        ("Duration", "number"),
        ("Paid minutes", "number"),
    ],
)
def test_numbers_that_name_things_are_text(tmp_path: Path, header: str, kind: str) -> None:
    assert written(tmp_path, f"{header}\r\n44\r\n".encode())["A2"] == (kind, "44")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_it_is_read_however_it_is_written(tmp_path: Path, encoding: str, separator: str) -> None:
    body = f'Name{separator}Minutes\r\n"Ada{separator}\r\nL."{separator}12\r\n'.encode(encoding) + b"\0\x1a"[:0]
    found = written(tmp_path, body)
    assert found["A1"] == ("text", "Name")
    assert found["A2"] == ("text", f"Ada{separator}\r\nL.")
    assert found["B2"] == ("number", "12")


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_no_text_becomes_anything_else(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    rows = [["header", *row] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    body = out.getvalue().encode(errors="replace")
    found = written(tmp_path_factory.mktemp("rows"), body)
    assert all(kind == "text" or float(value) is not None for kind, value in found.values())
    assert [found[f"A{at}"] for at in range(1, len(rows) + 1)] == [("text", "header")] * len(rows)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"A\n" + b"1\n" * 1_048_576, Outcome.TOO_MANY),
        (b"A\n" + b"1," * 16_384 + b"1\n", Outcome.TOO_MANY),
        (b"A\n" + b"x" * 32_768 + b"\n", Outcome.TOO_MANY),
        (b"A\n" + b"x" * 2_000_000 + b"\n", Outcome.UNREADABLE),
        (b"A\n1\r2\n", Outcome.UNREADABLE),
        ("A\nKöln\n".encode("cp1252"), Outcome.UNREADABLE),
        ("Köln\n".encode("cp1252"), Outcome.UNREADABLE),
        (b"A\n" + b"1\n" * 200_000 + b"\xff", Outcome.UNREADABLE),
        (("A\nKöln\n" * 1000).encode("utf-16") + b"\x00\xd8\x00\x00", Outcome.UNREADABLE),
    ],
    ids=["rows", "columns", "letters", "record", "line end", "cell", "header", "last byte", "half a pair"],
)
def test_what_excel_does_not_take_is_told(tmp_path: Path, body: bytes, outcome: Outcome) -> None:
    (tmp_path / "csv").write_bytes(body)
    assert to_xlsx(tmp_path / "csv", tmp_path / "xlsx", MOST) is outcome


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    (tmp_path / "csv").write_bytes(b"A\n1\n")
    assert main([str(tmp_path / "csv"), str(tmp_path / "xlsx"), str(MOST)]) is Outcome.DISK_FULL


def test_one_row_is_in_memory_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "csv").write_bytes(b"A,B\n" + b"some text,1\n" * 15_000)
    tracemalloc.start()
    try:
        assert main([str(tmp_path / "csv"), str(tmp_path / "xlsx"), str(MOST)]) is Outcome.WRITTEN
        peak = tracemalloc.get_traced_memory()[1]
        assert peak < 2_000_000, peak
    finally:
        tracemalloc.stop()


def test_a_process_of_its_own_writes_it(tmp_path: Path) -> None:
    (tmp_path / "csv").write_bytes(b"Name,Minutes\nAda,12\n")
    assert to_xlsx(tmp_path / "csv", tmp_path / "xlsx", MOST) is Outcome.WRITTEN
    assert cells(tmp_path / "xlsx")["B2"] == ("number", "12")
    assert to_xlsx(tmp_path / "csv", tmp_path / "xlsx", 10) is Outcome.TOO_LARGE


def test_the_process_sees_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(_: list[str], **how: Any) -> object:
        seen.update(how)
        return SimpleNamespace(returncode=1, stderr=b"Traceback: Ada Lovelace\nKeyError: 'Ada'")

    monkeypatch.setenv("WEBEX_ADMIN_TOKEN", "token")
    monkeypatch.setattr("subprocess.run", run)
    assert to_xlsx(tmp_path / "csv", tmp_path / "xlsx", MOST) is Outcome.UNREADABLE
    assert "WEBEX_ADMIN_TOKEN" not in seen["env"]


def test_a_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "csv").write_bytes(b"Name\n" * 1_000)
    monkeypatch.setattr(spreadsheet, "TIMEOUT", 0.001)
    assert to_xlsx(tmp_path / "csv", tmp_path / "xlsx", MOST) is Outcome.TOO_LARGE
