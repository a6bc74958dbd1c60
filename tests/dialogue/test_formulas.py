"""A file with cells that a spreadsheet would run comes to the byte as Webex made it, and its line says so."""

from __future__ import annotations

import io
import random
import zipfile
from typing import TYPE_CHECKING

import pytest

from bot.files import csv_rows
from bot.files.csv_rows import Counting
from bot.reports import deliver

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

WARNING = "Some cells look like formulas; import as text."
FORMULA = '=HYPERLINK("https://evil.example","x")'
QUOTED = '"=HYPERLINK(""https://evil.example"",""x"")"'


@pytest.mark.parametrize(
    ("rows", "warned"),
    [
        ("Ada,=1+1\r\n", True),
        (f"{QUOTED},12\r\n", True),
        ("Ada,@SUM(1)\r\n", True),
        ('Ada,"@SUM(1)"\r\n', True),
        ('"Ada\r\nB.",12\r\nGrace,=1+1', True),
        ('Ada," =1+1"\r\n', True),
        ("Ada,+1 555 0100\r\nGrace,-1\r\n", False),
        ("Ada,ada@example.com\r\nGrace,a=b\r\n", False),
        ("Ada,=\r\nGrace,@\r\n", False),
        ('"Lovelace,=Ada",12\r\n', False),
        ('"Lovelace\n=Ada",12\r\n', False),
        ('"Ada ""=1"" Lovelace",12\r\n', False),
    ],
)
def test_the_line_of_a_file_with_formulas_says_so(live: LiveBot, rows: str, warned: bool) -> None:
    content = f"\ufeffName,Minutes\r\n{rows}".encode()
    report = live.partner_report(content=content)

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.content == content
    assert (WARNING in file.words) is warned
    assert "2 columns" in file.words


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_in_utf_16_and_in_a_zip_too(live: LiveBot, encoding: str, as_zip: bool) -> None:
    content = f"Name,Minutes\r\nAda,12\r\nGrace,{QUOTED}\r\n".encode(encoding)
    report = live.partner_report(content=content, as_zip=as_zip)

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert WARNING in file.words
    if as_zip:
        with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
            assert archive.read(archive.namelist()[0]) == content
    else:
        assert file.content == content


def test_the_first_part_of_a_large_file_says_it_for_all(live: LiveBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", 300_000)
    body = "".join(f"{random.Random(row).randbytes(20).hex()},{row}\r\n" for row in range(24_000))
    report = live.partner_report(content=f"Name,Minutes\r\n{body}Grace,{FORMULA}\r\n".encode())

    line = live.at(live.ada).says(f"report {report.id}")
    parts = [heard for heard in line.answers(4) if heard.file is not None]

    assert [WARNING in part.words for part in parts] == [True, False, False]


def test_what_was_found_is_said_although_the_rest_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "MAX_UNPACKED", 1_000_000)
    counting = Counting()
    counting.take(b"A,B\n=1+1,2\n" + b"a,b\n" * 500_000)

    assert (counting.end().rows, counting.end().formulas) == (None, True)


def test_formulas_in_the_header_and_at_the_very_beginning_count() -> None:
    for body in (b"=1+1,B\n", b"\xef\xbb\xbf=1+1,B\n1,2\n", b"A;@SUM(1)\n1;2\n", b'A\t"=1+1"\n'):
        counting = Counting()
        counting.take(body)
        assert counting.end().formulas, body
