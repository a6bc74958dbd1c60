"""The card of a request that ended: one that Webex takes, whatever the report is called, with the whole sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from bot.chat.ended import ENDS, ended_card
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.registry import registry
from bot.db.requests import CLOSED, State
from bot.emulator.cards import problems
from bot.messages.elements import sentence_in_card
from bot.reports.watch import failed, gone, too_long
from bot.text import escape_card, escape_markdown
from tests.core.test_story import ASKED, NOW
from tests.stage import actions_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.requests import Delivery

TITLES = st.text(st.sampled_from("\\`*_[]()<>~#&;ltamp{}\n ab会😀"), max_size=300)
SENTENCES: dict[str, Callable[[Delivery], str]] = {
    "failed": lambda one: failed(one.title),
    "gone": gone,
    "too long": too_long,
}


def test_every_end_without_a_file_has_its_card_but_a_refusal() -> None:
    """A refusal may be read by people who may not know of the report."""
    assert set(ENDS) == CLOSED - {State.DELIVERED, State.REFUSED}


@given(TITLES, TITLES, st.sampled_from(list(ENDS)), st.booleans(), st.sampled_from(sorted(SENTENCES)))
def test_any_end_makes_a_card_that_webex_takes(title: str, status: str, state: State, ready: bool, how: str) -> None:
    one = replace(ASKED, title=title, status=status, state=state, ready_at=NOW if ready else None)
    card = ended_card(one, SENTENCES[how](one))
    assert problems(card) == []
    assert {action["data"]["command"] for action in actions_of(card)} <= registry.words


@given(TITLES)
def test_a_title_stands_in_the_card_s_sentence_as_in_any_card(title: str) -> None:
    assert sentence_in_card(escape_markdown(title)) == escape_card(title)


@pytest.mark.parametrize(
    ("state", "ready", "word", "button"),
    [
        (State.FAILED, False, "Failed", "Ask again"),
        (State.FAILED, True, "Not sent", "Send again"),
        (State.EXPIRED, False, "Stopped waiting", "Ask again"),
        (State.UNSURE, True, "Perhaps sent", "Send again"),
        (State.CANCELED, False, "Cancelled", "Ask again"),
    ],
)
def test_the_word_and_the_buttons_tell_what_helps(state: State, ready: bool, word: str, button: str) -> None:
    one = replace(ASKED, title="Calling Usage", state=state, ready_at=NOW if ready else None)

    card = ended_card(one, "Because.")

    assert texts_of(card)[:4] == ["Calling Usage", f"● {word}", "Because.", "Reference abcd2345"]
    assert [action["title"] for action in actions_of(card)] == [button, "Why"]
