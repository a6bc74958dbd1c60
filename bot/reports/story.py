"""The story of a request in plain words, from the ledger alone: for ``why``. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.ledger.deliveries import State
from bot.plain_words import ago, count, size, utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.ledger.deliveries import Delivery

STANDS = {
    State.ASKED: "I have not had Webex's answer about it yet, and go on asking.",
    State.PENDING: "It is not done yet. I go on looking.",
    State.READY: "It is done. I am about to fetch its file.",
    State.FETCHING: "I am fetching its file.",
    State.POSTING: "I have its file and am posting it.",
    State.DONE: "Its file was posted.",
    State.CANCELLED: "It was cancelled.",
    State.UNKNOWN: "Webex never said whether the file was posted, and I could not look.",
}
SHOWN_OF_HASH = 16


def story(delivery: Delivery, now: datetime) -> list[str]:
    """One sentence a step, oldest first."""
    return list(_steps(delivery, now))


def _steps(one: Delivery, now: datetime) -> Iterator[str]:
    where = "1:1" if one.private or one.room_type == "direct" else "in a space"
    yield f"Asked for {ago(one.asked_at, now)} ({utc(one.asked_at)}), {where}."
    if one.family is not None:
        yield f"Webex knew it as a report of the {one.family} family; its last status was “{one.status or 'none'}”."
    if one.leader_id is not None:
        yield "It was awaited there already, so this request joined that one: one file for both."
    if one.looks:
        yield f"I looked {count(one.looks, 'time')} until now."
    if one.ready_at is not None:
        yield f"It was done at {utc(one.ready_at)}."
    if one.size is not None and one.sha256:
        yield f"Its file has {size(one.size)} (SHA-256 {one.sha256[:SHOWN_OF_HASH]}…)."
    if one.state is State.PENDING:
        yield f"{STANDS[one.state]} At the latest at {utc(one.deadline_at)} I stop, and say so."
    else:
        yield STANDS.get(one.state) or one.reason or f"It ended: {one.state.value}."
    if one.settled_at is not None:
        yield f"That was at {utc(one.settled_at)}."
