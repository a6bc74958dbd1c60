"""The story of a request, for every state that it can be in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.db.requests import Delivery, State
from bot.messages.history import story

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ASKED = Delivery(
    id=1,
    reference="abcd2345",
    origin="messages:1:r",
    asker_id="p",
    room_id="s",
    room_type="group",
    parent_id="m",
    report_id="r",
    family=None,
    region=None,
    title=None,
    status=None,
    state=State.OPEN,
    reason=None,
    leader_id=None,
    private=False,
    carded=True,
    asked_at=NOW - timedelta(minutes=10),
    deadline_at=NOW + timedelta(hours=26),
    next_look_at=None,
    looks=0,
    missing=0,
    ready_at=None,
    settled_at=None,
    size=None,
    sha256=None,
    kind=None,
)


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_sentence(state: State) -> None:
    told = story(replace(ASKED, state=state, reason="Because."), NOW)

    assert told[0] == "Asked for 10 min ago (2026-11-23 11:50 UTC), in a space."
    assert len(told) >= 2, "and where it stands"


def test_the_whole_story() -> None:
    told = story(
        replace(
            ASKED,
            state=State.DELIVERED,
            family="partner",
            status="done",
            looks=12,
            ready_at=NOW - timedelta(minutes=2),
            settled_at=NOW - timedelta(minutes=1),
            size=1234,
            sha256="ab" * 32,
        ),
        NOW,
    )

    assert told == [
        "Asked for 10 min ago (2026-11-23 11:50 UTC), in a space.",
        "Allowed: the asker may have it.",
        "A partner report; the last status that Webex gave it: “done”.",
        "I looked 12 times.",
        "It was done at 2026-11-23 11:58 UTC.",
        "Downloaded: 1.2 KB (SHA-256 abababababababab…).",
        "Its file was posted at 2026-11-23 11:59 UTC.",
    ]
