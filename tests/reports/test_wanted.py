"""Which messages a request's rows ask for: ``wanted()`` over state, destination, card, older request and trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from bot.db.requests import PERSON, State
from bot.messages.sentences import SPACE_CLOSED_NOTICE
from bot.reports.trouble import DELIVERY_PATIENCE, FIRST_ANSWER_PATIENCE
from bot.reports.wanted_messages import Slot, ThreadState, Wanted, name_of, wanted
from bot.webex.report import Phase
from tests.reports.rows import NOW, message_row, report_row, request_row

CLOSED_WITHOUT_FILE = [State.FAILED, State.CANCELED, State.EXPIRED, State.UNSURE]
UNFOUND: dict[str, Any] = {"found_at": None}


def thread_of(phase: Phase | None, *, elsewhere: bool = False, card: str = "", **request: Any) -> ThreadState:
    """Return a request with its report (None: it was never asked for), and with a card where ``card`` names one."""
    one = request_row(**({"reason": "Because."} | request))
    standing = (message_row(name_of(one, Slot.CARD, card)),) if card else ()
    return ThreadState(one, None if phase is None else report_row(phase=phase), elsewhere, standing)


def test_a_file_that_comes_in_the_same_thread_is_not_announced_twice() -> None:
    again = replace(thread_of(Phase.READY, elsewhere=True, wants_card=False), same_thread=True)
    assert slots(again) == []
    assert slots(replace(again, same_thread=False)) == ["card ready:elsewhere"]


def slots(state: ThreadState) -> list[str]:
    return [f"{one.slot} {one.variant}".strip() for one in wanted(state, NOW)]


@pytest.mark.parametrize(
    ("phase", "elsewhere", "request_values", "expected"),
    [
        (None, False, UNFOUND, []),
        (Phase.PENDING, False, UNFOUND, []),  # another person's request has found it: this one's rights are not known
        (Phase.PENDING, False, {}, ["card pending"]),
        (Phase.PENDING, True, {}, ["card pending:elsewhere"]),
        (Phase.PENDING, False, {"revision": 2}, ["card pending.2"]),
        (Phase.READY, False, {}, ["card ready"]),
        (Phase.READY, True, {}, ["card ready:elsewhere"]),
        (Phase.READY, True, {"revision": 1}, ["card ready:elsewhere.1"]),
        (Phase.FAILED, False, {}, ["card pending"]),  # its requests are being closed
        (Phase.READY, False, {"wants_card": False}, []),
    ],
)
def test_an_open_request_has_a_card_once_its_report_was_found(
    phase: Phase | None, elsewhere: bool, request_values: dict[str, Any], expected: list[str]
) -> None:
    assert slots(thread_of(phase, elsewhere=elsewhere, **request_values)) == expected


BLANK = '{"likeliest": "The report is empty"}'


@pytest.mark.parametrize(
    ("phase", "request_values", "card", "expected"),
    [
        (Phase.READY, {}, "ready", ["card ready:blank"]),  # in place of the one that was there before the download
        (Phase.READY, {"revision": 1}, "", ["card ready:blank.1"]),
        (Phase.READY, {"wants_card": False}, "", []),  # the file's message says it
        (Phase.PENDING, {}, "", ["card pending"]),  # Webex generates it again
        (Phase.READY, {"state": State.DELIVERED}, "ready:blank", ["card ready:blank"]),
        (Phase.READY, {"state": State.DELIVERED}, "ready", ["card ready"]),
        (Phase.READY, {"state": State.DELIVERED}, "", []),
        (Phase.READY, {"state": State.CANCELED}, "ready:blank", ["card canceled"]),
    ],
)
def test_the_card_of_a_report_without_anything_in_it_says_so(
    phase: Phase, request_values: dict[str, Any], card: str, expected: list[str]
) -> None:
    found = thread_of(phase, card=card, **request_values)
    assert found.row is not None
    assert slots(replace(found, row=replace(found.row, blank=BLANK))) == expected


@pytest.mark.parametrize("state", CLOSED_WITHOUT_FILE)
@pytest.mark.parametrize("phase", Phase)
def test_a_request_that_was_closed_without_its_file_says_so_once(state: State, phase: Phase) -> None:
    """On its card where it has one, else in a sentence."""
    assert slots(thread_of(phase, state=state)) == [f"card {state}"]
    assert slots(thread_of(phase, state=state, revision=1)) == [f"card {state}.1"]
    assert slots(thread_of(phase, state=state, wants_card=False)) == [f"end {state}"]
    assert slots(thread_of(phase, state=state, **UNFOUND)) == [f"end {state}"]
    assert slots(thread_of(phase, state=state, reason=None, **UNFOUND)) == []


@pytest.mark.parametrize("phase", [None, *Phase])
@pytest.mark.parametrize("more", [{}, {"wants_card": False}, {"revision": 1}, {"destination": PERSON}])
def test_a_refused_request_shows_nothing_of_the_report(phase: Phase | None, more: dict[str, Any]) -> None:
    assert slots(thread_of(phase, state=State.REFUSED, card="pending", **more)) == ["end refused"]


@pytest.mark.parametrize(
    ("card", "more", "expected"),
    [
        ("ready", {}, ["card ready"]),
        ("pending", {}, []),  # it promises what has come: the file stands below it
        ("", {}, []),
        ("ready.2", {}, ["card ready.2"]),
        ("pending.2", {}, []),
        ("ready.1", {"revision": 1}, ["card delivered.1"]),
        ("ready", {"destination": PERSON}, ["card ready"]),
        ("ready", {"wants_card": False}, ["card ready"]),
    ],
)
def test_a_delivered_request_keeps_a_right_card_and_gets_none_but_by_refresh(
    card: str, more: dict[str, Any], expected: list[str]
) -> None:
    assert slots(thread_of(Phase.READY, state=State.DELIVERED, card=card, **more)) == expected


def test_a_delivered_request_gets_no_second_card_where_it_was_redirected_to() -> None:
    in_space = thread_of(Phase.READY, state=State.DELIVERED, card="ready")
    redirected = replace(in_space, request=replace(in_space.request, destination=PERSON))
    assert wanted(redirected, NOW) == []


@pytest.mark.parametrize(
    ("request_values", "since", "told"),
    [
        (UNFOUND, FIRST_ANSWER_PATIENCE, True),
        (UNFOUND, FIRST_ANSWER_PATIENCE - timedelta(seconds=1), False),
        ({}, DELIVERY_PATIENCE, True),
        ({}, DELIVERY_PATIENCE - timedelta(seconds=1), False),
    ],
)
def test_trouble_is_told_after_its_patience_beside_the_card(
    request_values: dict[str, Any], since: timedelta, told: bool
) -> None:
    at = NOW - since
    state = thread_of(Phase.PENDING, failing_since=at, asked_at=at, **request_values)
    assert (Wanted(Slot.TROUBLE) in wanted(state, NOW)) is told
    assert ("card pending" in slots(state)) is (request_values != UNFOUND)


@pytest.mark.parametrize("state", [one for one in State if one is not State.OPEN])
def test_a_closed_request_tells_of_no_trouble(state: State) -> None:
    """Whatever its row still says."""
    since = NOW - timedelta(days=1)
    assert "trouble" not in slots(thread_of(Phase.PENDING, state=state, failing_since=since, asked_at=since))


@pytest.mark.parametrize("state", State)
def test_the_space_is_told_once_that_the_answer_went_to_the_person(state: State) -> None:
    more: dict[str, Any] = {"state": state, "notice": SPACE_CLOSED_NOTICE}
    assert "notice" in slots(thread_of(Phase.PENDING, destination=PERSON, **more))
    assert "notice" not in slots(thread_of(Phase.PENDING, **more))
    assert "notice" not in slots(thread_of(Phase.PENDING, destination=PERSON, state=state))


@pytest.mark.parametrize(
    ("state", "phase", "wants_card", "elsewhere"), list(product(State, Phase, [True, False], [True, False]))
)
def test_at_most_one_message_says_how_it_stands(state: State, phase: Phase, wants_card: bool, elsewhere: bool) -> None:
    found = wanted(thread_of(phase, elsewhere=elsewhere, state=state, wants_card=wants_card), NOW)
    assert len([one for one in found if one.slot in {Slot.CARD, Slot.END}]) <= 1


def test_a_message_of_another_variant_or_place_has_another_key() -> None:
    here, directly = request_row(), request_row(destination=PERSON)
    keys = [name_of(one, Slot.CARD, variant).key for one in (here, directly) for variant in ("pending", "pending.1")]
    assert len(set(keys)) == len(keys)
    assert name_of(here, Slot.NOTICE) == name_of(directly, Slot.NOTICE), "the notice stands in the space"


def listed_of(*items: tuple[State, Phase | None]) -> ThreadState:
    """Return the first request of a message with several IDs, whose requests stand like this."""
    rows = tuple(
        (
            request_row(id=n, listed=True, state=state, reason="Because.", found_at=NOW if phase else None),
            None if phase is None else report_row(report_id=str(n), phase=phase),
        )
        for n, (state, phase) in enumerate(items, 1)
    )
    return ThreadState(rows[0][0], rows[0][1], elsewhere=False, standing=(), listed=rows)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([(State.OPEN, None), (State.OPEN, Phase.READY)], []),  # each is looked up first
        ([(State.OPEN, Phase.PENDING), (State.OPEN, Phase.READY)], ["card list:pending"]),
        ([(State.OPEN, Phase.READY), (State.DELIVERED, Phase.READY)], ["card list:settled"]),
        ([(State.FAILED, None), (State.OPEN, Phase.PENDING)], ["card list:pending1"]),
        ([(State.FAILED, None), (State.CANCELED, Phase.PENDING)], ["card list:settled2"]),
        ([(State.REFUSED, None), (State.OPEN, Phase.READY)], ["card list:settled1"]),
        ([(State.REFUSED, None), (State.REFUSED, None)], ["end refused"]),
    ],
)
def test_several_ids_in_one_message_have_one_list_card(
    items: list[tuple[State, Phase | None]], expected: list[str]
) -> None:
    assert slots(listed_of(*items)) == expected


def test_the_others_of_a_list_say_nothing_of_their_own() -> None:
    for state in State:
        assert slots(thread_of(Phase.PENDING, state=state, listed=True)) == []
