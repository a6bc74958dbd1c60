"""What happened to a request, in sentences: for ``why`` in the chat and on the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.db.requests import CLOSED, State
from bot.text import ago, count, duration, size, strip_markdown, utc
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.failures import Hindrance
    from bot.db.requests import Delivery

STANDS = {
    State.ASKED: "I have not had Webex's answer about it yet, and go on asking.",
    State.PENDING: "It is not done yet. I go on looking.",
    State.READY: "It is done. I am about to fetch its file.",
    State.FETCHING: "I am fetching its file.",
    State.POSTING: "I have its file and am posting it.",
    State.CANCELLED: "It was cancelled.",
    State.UNKNOWN: "Webex never said whether the file was posted, and I could not look.",
}
SHOWN_OF_HASH = 16


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """What the sentences need besides the request's row."""

    link: str | None = None
    """To the message with the file."""
    there: int = 0
    """How many messages with the file, or a part of it, were posted."""
    parts: int = 1
    """How many the file has."""
    hindrance: Hindrance | None = None
    under_way: bool = False
    """Its file is being fetched or posted for somebody who asked before."""
    served: Delivery | None = None
    """The request that it joined, which is the one that is looked after."""
    next_check_within: float = 0.0
    """Seconds until the next look at the latest; 0: that is not told."""


NOTHING = HistoryFacts()


def kept_for(days: int) -> str:
    """Say for how long requests are known, behind the sentence that nothing is known of one."""
    return f" Requests are kept for {days} day{'s' * (days > 1)}." if days else ""


def looked_after(delivery: Delivery, facts: HistoryFacts) -> Delivery:
    """The request with what is known of its report: where it joined another one, that one's."""
    of = facts.served
    if of is None:
        return delivery
    shared = {name: getattr(of, name) for name in ("status", "looks", "ready_at", "size", "sha256", "kind")}
    if delivery.state not in CLOSED:
        shared |= {"state": of.state, "next_look_at": of.next_look_at}
    return replace(delivery, **shared)


def story(delivery: Delivery, now: datetime, facts: HistoryFacts = NOTHING) -> list[str]:
    """One sentence a step, oldest first. The link is not among them: each place shows it in its own way."""
    return list(_steps(looked_after(delivery, facts), now, facts))


def outcome_of(row: Row) -> str:
    """What the audit has of an answer that no request for a report stands behind, as a refusal."""
    outcome, _, why = row.outcome.partition(":")
    at = f", at {utc(row.at)}" if row.at else ""
    return f"`{row.act}`: {outcome}{f' ({why})' if why else ''}{at}."


def _steps(one: Delivery, now: datetime, facts: HistoryFacts) -> Iterator[str]:
    private = one.private and one.room_type != DIRECT
    where = f"in a space{'; answered 1:1' if private else ''}" if one.room_type != DIRECT else "1:1"
    yield f"Asked for {ago(one.asked_at, now)} ({utc(one.asked_at)}), {where}."
    if one.family is not None:
        # It is learned right after policy has said yes.
        yield f"Allowed: the asker may have it{', but only 1:1' if private else ''}."
        family = "A partner report" if one.family == "partner" else "An organisation report"
        yield f"{family}; the last status that Webex gave it: “{one.status or 'none'}”."
    if facts.served is not None:
        yield "It was awaited there already, so this request joined that one: one file for both."
    if one.looks:
        yield f"I looked {count(one.looks, 'time')}{'' if one.state in CLOSED else ' until now'}."
    if one.ready_at is not None:
        yield f"It was done at {utc(one.ready_at)}."
    if one.size is not None and one.sha256:
        yield f"Downloaded: {size(one.size)} (SHA-256 {one.sha256[:SHOWN_OF_HASH]}…)."
    if one.state is State.PENDING:
        yield STANDS[one.state] + _next_look(one, now, facts)
        yield f"At the latest at {utc(one.deadline_at)} I stop, and say so."
    else:
        yield _stands(one, facts)
    if facts.hindrance is not None and one.state not in CLOSED:
        trouble = facts.hindrance
        yield f"Since {utc(trouble.since)} there is trouble: {trouble.words} I go on trying; nobody need do anything."
    if one.state is not State.DONE and facts.there and facts.parts > 1:
        yield f"{facts.there} of its {facts.parts} parts were posted."
    if one.settled_at is not None and one.state is not State.DONE:
        yield f"That was at {utc(one.settled_at)}."


def _stands(one: Delivery, facts: HistoryFacts) -> str:
    if one.state is State.DONE:
        parts = f" in {facts.parts} parts" if facts.parts > 1 else ""
        at = f" at {utc(one.settled_at)}" if one.settled_at else ""
        return f"Its file was posted{parts}{at}."
    if facts.under_way:
        return "It is done. Its file is being fetched for who asked before, and comes here too."
    if one.state is State.FETCHING and one.size is not None:
        return "I have its file, and post it to one after another of those who wait."
    return STANDS.get(one.state) or strip_markdown(one.reason or "") or f"It ended: {one.state.value}."


def _next_look(one: Delivery, now: datetime, facts: HistoryFacts) -> str:
    if one.next_look_at is not None and one.next_look_at > now:
        return f" The next look is at {utc(one.next_look_at)}."
    if not facts.next_check_within:
        return ""
    return f" The next look is within {duration(facts.next_check_within)}."
