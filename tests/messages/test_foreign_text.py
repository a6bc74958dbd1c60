"""Foreign text is read as it is, whatever a client makes of markdown, and finds its report when it is copied back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.chat.letters import plain
from bot.chat.parser import parse
from bot.emulator.mentions import from_markdown
from bot.messages.elements import sentence_in_card
from bot.text import LOOK_ALIKES, escape_card, escape_markdown, folded, one_line
from bot.webex.types import Person
from tests.messages.clients import in_commonmark, in_documented_subset, in_extended_markdown

TITLES = {
    "1. Quarter": "1\u2024 Quarter",
    "12) Months": "12⁾ Months",
    "1.": "1\u2024",
    "1.5 million": "1.5 million",
    "- item": "\u2010 item",
    "---": "\u2010--",
    "+ more": "˖ more",
    "# head": "\u266f head",
    "> quote": "› quote",
    "a*b*c": "a∗b∗c",
    "**bold**": "∗∗bold∗∗",
    "_x_": "ˍxˍ",
    "Active_Hosts_2024.csv": "Active_Hosts_2024.csv",
    "~~no~~": "∼∼no∼∼",
    "`code`": "ˋcodeˋ",
    "[click](https://evil.example)": "⁅click⁆(https:/∕evil.example)",
    "![x](https://evil.example)": "!⁅x⁆(https:/∕evil.example)",
    "https://evil.example": "https:/∕evil.example",
    "<@personEmail:ada@acme.example>": "‹@personEmail:ada@acme.example›",
    "<b>x</b>": "‹b›x‹/b›",
    "R&amp;D": "R&amp⁏D",
    "&#91;x": "&♯91;x",
    "R&D; AT&T": "R&D⁏ AT&T",
    "C:\\new": "C:∖new",
    "\\[x\\]": "∖⁅x∖⁆",
    "{{DATE(2024-01-01T00:00:00Z)}}": "{❴DATE(2024-01-01T00:00:00Z)}}",
    "Usage (EU)- x": "Usage (EU)\u2010 x",
    "Usage (EU)1. x": "Usage (EU)1\u2024 x",
    "Usage (EU) - 2024": "Usage (EU) - 2024",
    "PC/Server usage": "PC/Server usage",
    "Ünïcödé 会議 👍": "Ünïcödé 会議 👍",
    "a | b = c, 50 %": "a | b = c, 50 %",
}
BOT = Person("Y2lzPEOPLE", "Report Bot", "Report", "Y2lzORG")
MARKS = "\\`*_[]()<>~#&;{}\n /1.-+)|!@:=^$a"
FOREIGN = st.text(st.one_of(st.sampled_from(MARKS), st.characters(exclude_categories=["Cs"])), max_size=80)
CLIENTS = [in_commonmark, in_extended_markdown, in_documented_subset, str]
"""The last shows text as it is, as some clients do in a FactSet."""


@pytest.mark.parametrize(("title", "shown"), TITLES.items())
def test_what_a_card_says_for_a_title(title: str, shown: str) -> None:
    assert escape_card(title) == shown
    assert escape_markdown(title) == shown
    assert folded(shown) == title


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Us\u00ada\u034fge\ufe0f\U000e0100", "Usage"),
        ("Usage\u200b\u202e\u2066 2024", "Usage 2024"),
        ("\u3164\u2800Usage\U000e0041\U000e007f", "Usage"),
        ("\U0001d414\U0001d42c\U0001d41a\U0001d420\U0001d41e \U0001d7d9", "Usage 1"),
        ("\u845b\U000e0100\u98fe\u533a\uff08\u6771\u4eac\uff09", "\u845b\u98fe\u533a\uff08\u6771\u4eac\uff09"),
        ("Us\u0430ge", "Us\u0430ge"),
        (
            "\u05d3\u05d5\u05d7 \u0627\u0644\u062a\u0642\u0631\u064a\u0631",
            "\u05d3\u05d5\u05d7 \u0627\u0644\u062a\u0642\u0631\u064a\u0631",
        ),
    ],
)
def test_what_nobody_sees_goes_and_the_letters_of_every_script_stay(title: str, shown: str) -> None:
    assert escape_card(title) == shown


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("title", TITLES)
def test_people_read_the_title_in_every_client(title: str, client) -> None:
    seen = client(escape_card(title))

    assert folded(seen) == title
    assert "\\" not in seen


@pytest.mark.parametrize("client", CLIENTS)
@given(text=FOREIGN)
def test_no_client_makes_more_of_foreign_text_than_text(client, text: str) -> None:
    shown = escape_card(text)

    assert client(shown) == shown
    assert not set("\\`*~[]<>") & set(shown)


@given(FOREIGN)
def test_what_was_copied_from_a_card_is_what_webex_calls_the_report(title: str) -> None:
    assert folded(escape_card(title)) == folded(one_line(title))
    assert folded(folded(title)) == folded(title)


@given(FOREIGN)
def test_what_was_made_harmless_stays_as_it_is(text: str) -> None:
    assert escape_card(escape_card(text)) == escape_card(text)


@given(FOREIGN, st.integers(1, 50))
def test_it_is_as_long_as_was_allowed(text: str, longest: int) -> None:
    assert len(escape_card(text, longest)) <= longest


@given(FOREIGN)
def test_a_message_with_it_mentions_nobody_and_holds_no_html(text: str) -> None:
    asked: list[str] = []

    def find(_: str, value: str) -> None:
        asked.append(value)

    text_seen, html, mentioned = from_markdown(f"The report **{escape_markdown(text) or 'Report'}** is done", find)

    assert (asked, mentioned) == ([], [])
    assert text_seen == f"The report {escape_markdown(text) or 'Report'} is done"
    assert html.count("<") == 4, "the paragraph and the bold title"


def test_every_look_alike_is_one_character_that_composes_to_no_mark() -> None:
    """Normalizing (NFC, as clients and databases do) must not bring the mark back."""
    assert len(set(LOOK_ALIKES.values())) == len(LOOK_ALIKES)
    for mark, look_alike in LOOK_ALIKES.items():
        assert len(look_alike) == 1
        assert unicodedata.normalize("NFC", look_alike) == look_alike
        assert mark != look_alike


def test_a_secret_with_marks_in_it_is_masked_in_look_alikes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_hidden", logs._Hidden())
    logs.register_secrets("p*ss_[word]//~1")

    assert logs.redact(f"Usage {escape_card('p*ss_[word]//~1')} 2024") == f"Usage {logs.MASK} 2024"


@given(FOREIGN)
def test_words_copied_from_a_card_are_read_as_if_they_had_been_typed(title: str) -> None:
    assert plain(escape_card(title)) == plain(one_line(title))


@pytest.mark.parametrize("report_id", ["-abc_-_D", "_a__b_", "--a--", "Y2lzY29_", "a=-_="])
def test_an_id_copied_from_a_card_is_the_id(report_id: str) -> None:
    copied = parse(f"report {escape_card(report_id)}", "", BOT, {"report"}, direct=True)

    assert (copied.word, copied.rest) == ("report", (report_id,))


def test_a_card_shows_no_code_of_our_own_sentences() -> None:
    assert sentence_in_card("Write `report abc_d*e`, **now**.") == "Write **report abc_d∗e**, **now**."
