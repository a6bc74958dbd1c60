"""The posted file's name is safe whatever Webex calls it, and ends in what it is."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.files.file_name import CONTENT_TYPES, file_name, safe_stem
from bot.text import INVISIBLE
from bot.webex.report import Report
from bot.webex.report_families import Family

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
ODD = st.text(
    st.one_of(st.sampled_from('/\\.:*?"<>|%\x00\r\n\u202e\u200b\uff0f\ufe52 conCOM1'), st.characters()), max_size=300
)


def named(
    name: str = "", kind: str = "csv", title: str = "", *, start: date | None = None, end: date | None = None
) -> str:
    report = Report("id", Family.PARTNER, "done", file_name=name, title=title, start=start, end=end)
    return file_name(report, kind)


@given(ODD, ODD, st.sampled_from(sorted(CONTENT_TYPES)))
@example("con." + "a" * 300, "", "csv")
@example("com\u00b9", "", "zip")
@example("..", "..", "csv")
@example("a.csv\u202egpj.exe", "", "csv")
def test_any_name_is_made_safe(name: str, title: str, kind: str) -> None:
    made = named(name, kind, title)

    assert not INVISIBLE.search(made)
    stem, _, extension = made.rpartition(".")
    assert extension == kind, "the true extension, and no other after it"
    assert stem
    assert len(made) <= 125
    assert not set(made) & set('/\\:*?"<>|%')
    assert not [letter for letter in made if unicodedata.category(letter)[0] == "C"]
    assert made[0] not in ". -"
    assert ".." not in made
    assert not RESERVED.match(made)
    assert made == " ".join(made.split())


@pytest.mark.parametrize(
    ("name", "kind", "made"),
    [
        ("Calling_Usage_2024-02-23.csv", "csv", "Calling_Usage_2024-02-23.csv"),
        ("Calling_Usage_2024-02-23.csv", "zip", "Calling_Usage_2024-02-23.zip"),
        ("../../etc/passwd", "csv", "etc-passwd.csv"),
        ("C:\\Windows\\evil.csv", "csv", "C_-Windows-evil.csv"),
        ("PC/Server usage.csv", "zip", "PC-Server usage.zip"),
        ("PC \\ Server usage", "csv", "PC - Server usage.csv"),
        ("PC\uff0fServer\uff3cusage", "csv", "PC-Server-usage.csv"),
        ("Audio//Video", "csv", "Audio-Video.csv"),
        ("/", "csv", "report.csv"),
        ("Bericht März (EU).CSV", "csv", "Bericht März (EU).csv"),
        ("会議.csv", "zip", "会議.zip"),
        ("con", "csv", "report con.csv"),
        ("....", "csv", "report.csv"),
        ("con .usage", "csv", "report con .usage.csv"),
        ("\u845b\U000e0100\u98fe", "csv", "\u845b\u98fe.csv"),
        ("Us\u00adage\u3164\u2800\ufe0f\U000e0041", "csv", "Usage.csv"),
        ("\U0001d414\U0001d42c\U0001d41a\U0001d420\U0001d41e", "csv", "Usage.csv"),
        ("Q1\u2044Q2\u2215Q3", "csv", "Q1_Q2_Q3.csv"),
        ("Us\u0430ge", "csv", "Us\u0430ge.csv"),
    ],
)
def test_a_name_stays_readable(name: str, kind: str, made: str) -> None:
    assert named(name, kind) == made


def test_without_a_name_it_is_the_title_and_the_period() -> None:
    start, end = date(2024, 2, 23), date(2024, 3, 24)
    assert named(title="Calling Usage", start=start, end=end) == "Calling Usage 2024-02-23 2024-03-24.csv"
    assert named() == "report.csv"


def test_a_slash_in_a_title_is_no_path() -> None:
    start, end = date(2024, 2, 23), date(2024, 3, 24)
    made = named(title="PC/Server usage", start=start, end=end)
    assert made == "PC-Server usage 2024-02-23 2024-03-24.csv"


@pytest.mark.parametrize("family", list(Family))
def test_both_families_are_named_alike(family: Family) -> None:
    """Only the partner family has a name for the file."""
    start, end = date(2024, 2, 23), date(2024, 3, 24)
    name = "Calling_Usage_2024-02-23.csv" if family is Family.PARTNER else ""
    report = Report("id", family, "done", title="Calling Usage", file_name=name, start=start, end=end)
    assert file_name(report, "zip") == "Calling Usage 2024-02-23 2024-03-24.zip"


@given(ODD)
def test_making_safe_twice_changes_nothing_more(name: str) -> None:
    once = safe_stem(name)
    assert safe_stem(once + ".csv") == once
