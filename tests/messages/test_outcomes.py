"""Each card about a pause is one that Webex takes, and what people called their schedules makes no markdown there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.origin import OriginState, PauseCause
from bot.db.outcomes import Outcome
from bot.db.requests import State
from bot.db.schedules import Schedule
from bot.db.subscriptions import Subscription
from bot.emulator.cards import problems
from bot.messages import outcomes, reassignment
from bot.messages.origins import which_one
from bot.text import MAX_TEXT_BYTES
from tests.live_bot import texts_of

if TYPE_CHECKING:
    from bot.webex.types import Card

NOW = datetime(2026, 11, 29, 16, tzinfo=UTC)
REASON = "Webex couldn't generate the report. (reference abcdefgh)"
LONG = "Weekly **figures** <b>[x](https://evil.example) " * 20


def shared(reference: str = "ujygvtra") -> dict[str, Any]:
    return {
        "id": 1,
        "reference": reference,
        "event_key": "messages:M",
        "person_id": "P",
        "room_id": "R",
        "room_type": "group",
        "state": OriginState.PAUSED,
        "pause_cause": PauseCause.FAILURES,
        "reason": REASON,
        "created_at": NOW,
    }


def made(kind: type[Any], **values: Any) -> Any:
    return kind(**dict.fromkeys(kind.__dataclass_fields__) | shared() | values)


def subscription(words: str = LONG) -> Subscription:
    found: Subscription = made(Subscription, words=words, card_only=False)
    return found


def schedule(name: str = LONG) -> Schedule:
    times = {"rrule": "FREQ=DAILY", "dtstart": "2026-11-29T16:00:00", "time_zone": "UTC", "next_at": NOW}
    found: Schedule = made(Schedule, name=name, title="Calling Usage", family="partner", **times)
    return found


def cards(owned: Subscription | Schedule) -> list[tuple[str, Card]]:
    return [
        outcomes.paused_by_failures(owned, REASON, 5),
        outcomes.paused_by_failures(owned, REASON, 5, space=LONG),
        outcomes.paused_for_taking_over(owned, outcomes.why("not_administrator")),
        outcomes.paused_by_person(owned),
        outcomes.stays_paused(owned, "read_only"),
        outcomes.active(owned, NOW),
        outcomes.active(owned, NOW, owner=LONG),
        which_one([owned] * 30, ["figures"], "Pause", "pause"),
        which_one([owned, owned], [], "", "reassign"),
        reassignment.confirmation([owned] * 25, LONG, 3, token="t" * 22, until=NOW),
    ]


@pytest.mark.parametrize("owned", [subscription(), schedule()], ids=["subscription", "schedule"])
def test_webex_takes_each_card(owned: Subscription | Schedule) -> None:
    for said, card in cards(owned):
        assert problems(card) == []
        assert len(said.encode()) < MAX_TEXT_BYTES
        for words in [said, *texts_of(card)]:
            assert "<b>" not in words
            assert "](" not in words
            assert "**figures**" not in words
        assert "ujygvtra" in json.dumps(card) or "Reassign" in json.dumps(card)


def test_what_is_told_says_why_what_follows_and_what_to_do() -> None:
    failure = Outcome("abcdefgh", State.FAILED, "webex_400", "I couldn't run “X”. Too old. (reference abcdefgh)", NOW)
    assert outcomes.failing(schedule("Weekly"), failure, 5) == (
        "⚠ The schedule **Weekly** failed. I couldn't run “X”. Too old. I'll run it again as planned, and pause "
        "it after 5 failures in a row. To run it now, type `run ujygvtra`. (reference abcdefgh)"
    )
    assert outcomes.failing(subscription("calling usage"), failure, 5, space="Admin reports").startswith(
        "⚠ Your subscription to **calling usage** in **Admin reports** failed. I couldn't run “X”. Too old. It stays "
    )


def test_nobody_is_told_to_ask_again_who_has_not_asked() -> None:
    for remedy in (" Ask again to start over.", " Ask me directly.", " Ask again later, or run the report again."):
        failure = Outcome("abcdefgh", State.FAILED, "webex_503", f"I stopped trying.{remedy}", NOW)
        assert "failed. I stopped trying. I'll run it again" in outcomes.failing(schedule("Weekly"), failure, 5)
        said, _ = outcomes.paused_by_failures(schedule("Weekly"), failure.sentence, 5)
        assert said.endswith("I stopped trying. (reference abcdefgh)")


@pytest.mark.parametrize(
    ("cause", "reason", "words"),
    [
        (PauseCause.NOT_ALLOWED, "not_administrator", "You may no longer get these reports. I've offered it to the"),
        (PauseCause.NOT_ALLOWED, "read_only", "Your role lets you read reports, but not run them. I've offered it"),
        (PauseCause.NOT_ALLOWED, "asker_left", "You've left the space. Another administrator there can take it over."),
        (PauseCause.NOT_ALLOWED, "space_not_allowed", "in that space. Ask the people who run this bot to allow it."),
        (
            PauseCause.OUTSIDERS,
            "outsiders",
            "external people in the space. I'll resume it after they've left.",
        ),
        (
            PauseCause.SPACE_CLOSED,
            "space_closed",
            "or only moderators may post. Add me to the space again, or make me a",
        ),
        (PauseCause.SPACE_CLOSED, "members_unknown", "Add me to the space again, and I'll resume it."),
    ],
)
def test_an_owner_is_told_why_and_what_to_do(cause: PauseCause, reason: str, words: str) -> None:
    said = outcomes.paused_for_owner(schedule("Weekly"), cause, reason, space="Admin reports")
    assert said.startswith("⚠ Your schedule **Weekly** in **Admin reports** is paused. ")
    assert words in said
    assert said.endswith("(reference ujygvtra)")
