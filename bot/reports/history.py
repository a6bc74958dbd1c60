"""Reads what the history of a request needs; its sentences are in ``messages/history.py``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.db import failures, requests
from bot.db import messages as by_key
from bot.db.requests import IN_HAND, State
from bot.db.tables import posts
from bot.messages.history import HistoryFacts
from bot.queue import tasks
from bot.reports.watch import deliver_key, interval, watch_key
from bot.webex.message_link import message_link

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.requests import Delivery

_PART = re.compile(r":(\d+)of(\d+):")
"""In the key of the post of a part."""


def load(tx: Transaction, delivery: Delivery, now: datetime, shortest: float = 0.0) -> HistoryFacts:
    """Read the posted message and what hinders the request now; ``shortest`` is ``POLL_INTERVAL`` in seconds."""
    joined = requests.get(tx, delivery.leader_id) if delivery.leader_id is not None else None
    served = joined or delivery
    hindrance = None
    job = _job_of(served)
    if job is not None:
        hindrance = failures.read(tx, *job, now)
    within = interval((now - served.asked_at).total_seconds(), shortest) if shortest else 0.0
    link, there, parts = _posted(tx, served)
    return HistoryFacts(link, there, parts, hindrance, _under_way(tx, served), joined, within)


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
