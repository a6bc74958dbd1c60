"""The story of a request in plain words, from the ledger alone: for ``why`` in the chat and on the command line.

Which steps it has is pure (:func:`story`); :func:`gather` looks up what stands elsewhere than in the request's own row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.db import failures, requests
from bot.db import messages as by_key
from bot.db.requests import CLOSED, IN_HAND, State
from bot.db.tables import posts
from bot.queue import tasks
from bot.reports.watch import deliver_key, interval, watch_key
from bot.reports.whereto import DIRECT
from bot.text import ago, count, duration, size, strip_markdown, utc
from bot.webex.message_link import message_link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.database import Transaction
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
_PART = re.compile(r":(\d+)of(\d+):")
"""In the key of the post of a part."""


@dataclass(frozen=True, slots=True)
class Besides:
    """What the story needs besides the request's row."""

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
    shortest: float = 0.0
    """``POLL_INTERVAL``, in seconds; 0: how often it is looked at is not told."""


NOTHING = Besides()


def kept_for(days: int) -> str:
    """Say for how long requests are known, behind the sentence that nothing is known of one."""
    return f" Requests are kept for {days} day{'s' * (days > 1)}." if days else ""


def gather(tx: Transaction, delivery: Delivery, now: datetime, shortest: float = 0.0) -> Besides:
    """Look up the posted message and what hinders the request now."""
    joined = requests.get(tx, delivery.leader_id) if delivery.leader_id is not None else None
    served = joined or delivery
    hindrance = None
    job = _job_of(served)
    if job is not None:
        hindrance = failures.read(tx, *job, now)
    link, there, parts = _posted(tx, served)
    return Besides(link, there, parts, hindrance, _under_way(tx, served), joined, shortest)


def looked_after(delivery: Delivery, besides: Besides) -> Delivery:
    """The request with what is known of its report: where it joined another one, that one's."""
    of = besides.served
    if of is None:
        return delivery
    shared = {name: getattr(of, name) for name in ("status", "looks", "ready_at", "size", "sha256", "kind")}
    if delivery.state not in CLOSED:
        shared |= {"state": of.state, "next_look_at": of.next_look_at}
    return replace(delivery, **shared)


def _under_way(tx: Transaction, one: Delivery) -> bool:
    busy = (State.FETCHING, State.POSTING)
    return one.state is State.READY and bool(requests.of_report(tx, one.family or "", one.report_id, busy))


def _job_of(one: Delivery) -> tuple[str, str] | None:
    """The task and key of the job that the request waits for."""
    if one.state is State.ASKED:
        return tasks.ANSWER, str(one.id)
    if one.state is State.PENDING:
        return tasks.WATCH, watch_key(one.family or "", one.region)
    if one.state in IN_HAND:
        return tasks.DELIVER, deliver_key(one.family or "", one.report_id)
    return None


def _posted(tx: Transaction, one: Delivery) -> tuple[str | None, int, int]:
    """A link to the first message with the file, how many there are, and of how many parts.

    They may have come beside the thread, or 1:1.
    """
    mine = posts.c.key.startswith(f"delivery:{one.id}:file", autoescape=True) & (posts.c.state == by_key.SENT)
    rows = tx.execute(select(posts.c.key, posts.c.room_id, posts.c.message_id).where(mine).order_by(posts.c.id)).all()
    if not rows:
        return None, 0, 1
    part = _PART.search(rows[-1].key)
    return message_link(rows[0].room_id, rows[0].message_id), len(rows), int(part[2]) if part else 1


def story(delivery: Delivery, now: datetime, besides: Besides = NOTHING) -> list[str]:
    """One sentence a step, oldest first. The link is not among them: each place shows it in its own way."""
    return list(_steps(looked_after(delivery, besides), now, besides))


def outcome_of(row: Row) -> str:
    """What the audit has of an answer that no request for a report stands behind, as a refusal."""
    outcome, _, why = row.outcome.partition(":")
    at = f", at {utc(row.at)}" if row.at else ""
    return f"`{row.act}`: {outcome}{f' ({why})' if why else ''}{at}."


def _steps(one: Delivery, now: datetime, besides: Besides) -> Iterator[str]:
    private = one.private and one.room_type != DIRECT
    where = f"in a space{'; answered 1:1' if private else ''}" if one.room_type != DIRECT else "1:1"
    yield f"Asked for {ago(one.asked_at, now)} ({utc(one.asked_at)}), {where}."
    if one.family is not None:
        # It is learned right after policy has said yes.
        yield f"Allowed: the asker may have it{', but only 1:1' if private else ''}."
        family = "A partner report" if one.family == "partner" else "An organisation report"
        yield f"{family}; the last status that Webex gave it: “{one.status or 'none'}”."
    if besides.served is not None:
        yield "It was awaited there already, so this request joined that one: one file for both."
    if one.looks:
        yield f"I looked {count(one.looks, 'time')}{'' if one.state in CLOSED else ' until now'}."
    if one.ready_at is not None:
        yield f"It was done at {utc(one.ready_at)}."
    if one.size is not None and one.sha256:
        yield f"Downloaded: {size(one.size)} (SHA-256 {one.sha256[:SHOWN_OF_HASH]}…)."
    if one.state is State.PENDING:
        yield STANDS[one.state] + _next_look(one, now, besides)
        yield f"At the latest at {utc(one.deadline_at)} I stop, and say so."
    else:
        yield _stands(one, besides)
    if besides.hindrance is not None and one.state not in CLOSED:
        trouble = besides.hindrance
        yield f"Since {utc(trouble.since)} there is trouble: {trouble.words} I go on trying; nobody need do anything."
    if one.state is not State.DONE and besides.there and besides.parts > 1:
        yield f"{besides.there} of its {besides.parts} parts were posted."
    if one.settled_at is not None and one.state is not State.DONE:
        yield f"That was at {utc(one.settled_at)}."


def _stands(one: Delivery, besides: Besides) -> str:
    if one.state is State.DONE:
        parts = f" in {besides.parts} parts" if besides.parts > 1 else ""
        at = f" at {utc(one.settled_at)}" if one.settled_at else ""
        return f"Its file was posted{parts}{at}."
    if besides.under_way:
        return "It is done. Its file is being fetched for who asked before, and comes here too."
    if one.state is State.FETCHING and one.size is not None:
        return "I have its file, and post it to one after another of those who wait."
    return STANDS.get(one.state) or strip_markdown(one.reason or "") or f"It ended: {one.state.value}."


def _next_look(one: Delivery, now: datetime, besides: Besides) -> str:
    if one.next_look_at is not None and one.next_look_at > now:
        return f" The next look is at {utc(one.next_look_at)}."
    if not besides.shortest:
        return ""
    return f" The next look is within {duration(interval((now - one.asked_at).total_seconds(), besides.shortest))}."
