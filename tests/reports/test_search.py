"""What words name: exact titles, all words, small typing errors, and nothing that was not meant."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports import search as search_module
from bot.reports.search import ExactSearch, Searchable, asked_for, is_same_title, matching, search, taken
from bot.text import escape_card


@dataclass(frozen=True)
class Thing:
    title: str
    service: str = ""
    family: str = "partner report"
    about: str = ""


def texts(thing: Thing) -> Searchable:
    return Searchable(thing.title, (thing.service, thing.family), (thing.about,))


USAGE = Thing("Calling Usage", "Calling", about="EU Oct 1–31, 2026 October Ready done")
BY_USER = Thing("Calling Usage by User", "Calling", about="US Oct 1–31, 2026 October In progress running")
QUALITY = Thing("Media Quality", "Calling", about="US Sep 1–30, 2026 September Failed")
MEETINGS = Thing("Meetings Summary", "Meetings", "organization report", about="Nov 2, 2026 November Ready done")
DETAILS = Thing("Meeting Details", "Meetings", "organization report", about="Nov 1, 2026 November Ready done")
THINGS = [USAGE, BY_USER, QUALITY, MEETINGS, DETAILS]


def found(words: str, things: list[Thing] = THINGS) -> list[Thing]:
    return list(search(words.split(), things, texts).items)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("calling usage", [USAGE], id="exact title wins"),
        pytest.param("CALLING   usage", [USAGE], id="in any case"),
        pytest.param("callingusage", [USAGE], id="without the blank"),
        pytest.param("calling-usage", [USAGE], id="with a hyphen"),
        pytest.param("usage calling", [USAGE, BY_USER], id="in any order, the shorter title first"),
        pytest.param("usage", [USAGE, BY_USER], id="one word"),
        pytest.param("call us", [BY_USER, QUALITY], id="two letters are no start of a word: us is a region"),
        pytest.param("call quality", [QUALITY], id="a word of the service and one of the title"),
        pytest.param("media us", [QUALITY], id="region"),
        pytest.param("usage eu", [USAGE], id="another region"),
        pytest.param("calling in progress", [BY_USER], id="status"),
        pytest.param("failed", [QUALITY], id="status alone"),
        pytest.param("usage september", [], id="another month"),
        pytest.param("organization", [MEETINGS, DETAILS], id="family"),
        pytest.param("org details", [DETAILS], id="the start of a word"),
        pytest.param("meetings", [MEETINGS, DETAILS], id="plural and singular"),
        pytest.param("please send me the calling usage report", [USAGE], id="a sentence"),
        pytest.param("calling usage please asap", [USAGE], id="in a hurry"),
        pytest.param("media quality and meeting details", [QUALITY, DETAILS], id="two titles"),
        pytest.param("media quality, calling usage, zebra", [], id="two titles, and something else"),
        pytest.param("", [], id="nothing"),
        pytest.param("the report, please", [], id="only politeness"),
    ],
)
def test_words_find(words: str, expected: list[Thing]) -> None:
    assert found(words) == expected
    assert search(words.split(), THINGS, texts).exact is (bool(expected) or not asked_for(words.split()))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("calling usgae", [USAGE, BY_USER]),
        ("callling usage", [USAGE, BY_USER]),
        ("caling usage", [USAGE, BY_USER]),
        ("meetign detials", [DETAILS]),
        ("media qualty", [QUALITY]),
        ("organisation details", [DETAILS]),
        ("partnr usage user", [BY_USER]),
    ],
)
def test_typing_errors_are_forgiven_and_are_called_a_guess(words: str, expected: list[Thing]) -> None:
    answer = search(words.split(), THINGS, texts)

    assert list(answer.items) == expected
    assert not answer.exact


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("billing usage", id="another word of as many letters"),
        pytest.param("zone", id="no status is guessed: done"),
        pytest.param("calling usage 2025", id="no year is guessed"),
        pytest.param("faild", id="no status is guessed: failed"),
        pytest.param("meeting dates", id="two letters of a short word"),
        pytest.param("everything", id="nothing like it"),
    ],
)
def test_what_is_too_far_off_is_not_guessed(words: str) -> None:
    assert found(words) == []


def test_a_typing_error_counts_only_where_nothing_fits_as_it_is() -> None:
    user, users = Thing("Used Devices"), Thing("User Devices")

    assert found("used devices", [users, user]) == [user]
    assert found("usr devices", [user, users]) == []
    assert found("usee devices", [user, users]) == [user, users], "equally near: nobody chooses for the person"


def test_nearest_are_offered_when_nothing_fits() -> None:
    answer = search(["calling", "minutes"], THINGS, texts)

    assert answer.items == ()
    assert answer.nearest == (USAGE, BY_USER, QUALITY)
    assert search(["qwertz"], THINGS, texts).nearest == ()


def test_equals_keep_the_order_in_which_they_were_given() -> None:
    newest, older = Thing("Calling Usage", about="Oct"), Thing("Calling Usage", about="Sep")

    assert found("calling usage", [newest, older]) == [newest, older]
    assert found("usage", [older, newest]) == [older, newest]


def test_a_title_made_of_fillers_is_found_by_all_of_them() -> None:
    assert found("the report", [Thing("The Report"), USAGE]) == [Thing("The Report")]


def test_a_filter_hides_nothing_that_has_the_words() -> None:
    assert matching(["calling", "usage"], THINGS, texts).items == (USAGE, BY_USER)
    assert matching([], THINGS, texts).items == tuple(THINGS)
    assert matching(["usgae"], THINGS, texts).items == (USAGE, BY_USER)
    assert matching(["qwertz"], THINGS, texts).items == ()


def test_what_a_search_takes_fits_a_button() -> None:
    assert taken(["calling", "usage"]) == ("calling", "usage")
    assert taken(["please", "the", "*" * 50]) == ()
    assert taken(["calling", "x" * 10_000]) == ("calling",)
    assert len(taken(["usage"] * 10_000)) == 20


HOSTILE = [
    "\u202egnillaC egasU",
    "Call\u200bing\u2060 Usage",
    "\u2066Calling Usage\u2069",
    "С\u0430lling Usage",  # noqa: RUF001 two Cyrillic letters
    "Ｃalling Usage",  # noqa: RUF001 a wide letter
    "Calling.* Usage(",
    "[Calling](http://evil.example) <b>Usage</b>",
    "C" * 2_000,
    "Calling Usage " * 150,
    "Calling Usage\x00\n\r\t",
    "%s {0} $(reboot) '; DROP TABLE reports; --",
    "كالينج استخدام",
    "उपयोग रिपोर्ट",
    "📞📈",
    "İstanbul kullanımı ß",  # noqa: RUF001
    "",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_found_by_its_own_words_and_hides_no_other(title: str) -> None:
    things = [Thing(title), USAGE]
    copied = escape_card(title).removesuffix("…")

    assert USAGE in found("calling usage", things)
    if len(title) <= 200 and asked_for([title]):
        assert Thing(title) in found(copied, things), "copied from a card"


def test_a_look_alike_title_is_another_title() -> None:
    look_alike = Thing("С\u0430lling Usage")  # noqa: RUF001

    assert found("Calling Usage", [look_alike, USAGE]) == [USAGE]
    assert not is_same_title(look_alike.title, USAGE.title)
    assert is_same_title("Call\u200bing Usage", "calling usage")


anything = st.text(max_size=60)
plain_words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


@given(st.lists(anything, max_size=8), st.lists(anything, max_size=6))
def test_a_search_gives_each_item_at_most_once_and_none_of_its_own(titles: list[str], words: list[str]) -> None:
    things = list(enumerate(titles))
    answer = search(words, things, lambda one: Searchable(one[1]))

    assert not (answer.items and answer.nearest)
    for group in (answer.items, answer.nearest):
        assert len(set(group)) == len(group)
        assert set(group) <= set(things)
    assert search(words, things, lambda one: Searchable(one[1])) == answer, "the same again"


@given(st.lists(plain_words, min_size=1, max_size=6), st.lists(anything, max_size=6), st.randoms())
def test_a_title_is_found_by_itself_and_by_its_words_in_any_order(title: list[str], others: list[str], chance) -> None:
    things = [*others, " ".join(title)]
    shuffled = list(title)
    chance.shuffle(shuffled)

    assert things[-1] in search(title, things, Searchable).items
    if asked_for(title):
        assert things[-1] in matching(shuffled, things, Searchable).items


@given(
    st.lists(plain_words, min_size=1, max_size=4), st.lists(st.lists(plain_words, min_size=1, max_size=4), max_size=5)
)
def test_what_is_called_exact_has_every_word(words: list[str], titles: list[list[str]]) -> None:
    answer = search(words, [" ".join(title) for title in titles], Searchable)

    if answer.exact and answer.items:
        for title in answer.items:
            same = title.replace(" ", "") == "".join(words)
            assert same or all(
                any(one.startswith(word) or one.rstrip("s") == word.rstrip("s") for one in title.split())
                for word in asked_for(words)
            )


short_words = st.text("ab1sé", min_size=1, max_size=5)


@given(short_words, st.lists(short_words, min_size=1, max_size=3), st.text("s1 ", max_size=2))
def test_all_words_at_once_fit_as_one_by_one(word: str, texts: list[str], more: str) -> None:
    """What a subscription finds is judged by the rule for two words, which search and typing errors use."""
    texts.append(word + more)
    asked = asked_for([word])
    known = {one for text in texts for one in search_module._words_of(text)}
    fits = all(any(search_module._fits(one, other) for other in known) for one in asked)
    thing = Searchable(texts[0], exactly=tuple(texts[1:]))
    assert ExactSearch([thing], lambda one: one).find([word]) == ([thing] if fits else [])
