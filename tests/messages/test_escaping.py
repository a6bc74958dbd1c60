"""Numbers, times and foreign text in words that cannot be misread."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import count, duration, escape_markdown, one_line, size, strip_markdown, when

NOW = datetime(2024, 3, 24, 17, 13, tzinfo=UTC)
FOREIGN = st.text(
    st.one_of(st.sampled_from("\\`*_[]()<>~#&\n\r\t \u202e\u200b1.-+"), st.characters(exclude_categories=["Cs"]))
)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (1_234_567, "1.2 MB"),
        (100_000_000, "100.0 MB"),
        (3_400_000_000, "3.4 GB"),
    ],
)
def test_sizes(number: int, words: str) -> None:
    assert size(number) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12345, "12,345 rows")])
def test_counts(number: int, words: str) -> None:
    assert count(number, "row") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (45, "45 s"), (3600, "60 min"), (26 * 3600, "26 hours"), (3 * 86400, "3 days")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(0, 1e7))
def test_a_duration_in_words_is_right_within_a_tenth_or_a_second(seconds: float) -> None:
    number, unit = duration(seconds).split()
    said = int(number) * {"s": 1, "min": 60, "hours": 3600, "days": 86400}[unit]
    assert abs(said - seconds) <= max(1, seconds * 0.3)


def test_a_time_is_said_in_utc() -> None:
    assert when(NOW.astimezone()) == "Mar 24, 17:13 UTC"


@given(FOREIGN, st.integers(1, 50))
def test_foreign_text_is_one_line_of_bounded_length(text: str, longest: int) -> None:
    made = one_line(text, longest)
    assert len(made) <= longest
    assert made == " ".join(made.split())
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", made)


@given(FOREIGN)
def test_a_sentence_without_its_marks_still_holds_the_foreign_text(text: str) -> None:
    sentence = f"**{escape_markdown(text)}** is `done`. [Show it](webexteams://im?space=1&message=2)"
    assert strip_markdown(sentence) == f"{escape_markdown(text)} is “done”. Show it"
