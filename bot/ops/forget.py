"""Forgets who somebody was: their id gives way to a pseudonym, everywhere in the ledger, in one transaction.

What happened stays countable (the same person is the same pseudonym in every row of one run), but nothing here leads
back: the pseudonym is random and kept nowhere else, and the id of their 1:1 space with the bot, which what they do
later has too, goes with their own. What the person does afterwards is recorded anew, under their id.

What stays are the ids of messages: by these nothing is answered or posted a second time. They tell nobody who wrote a
message but Webex itself, and those to whom Webex shows it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from bot.db import audit, messages, requests
from bot.db import events as received
from bot.db.audit import DIRECT, Door, Entry
from bot.db.id_spellings import spellings
from bot.db.messages import INTENDED
from bot.db.requests import OPEN, State
from bot.db.tables import events
from bot.db.tables import messages as messages_table
from bot.db.tables import requests as requests_table
from bot.queue import tasks
from bot.reports.requests import put_thread
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement

    from bot.db.database import Transaction
    from bot.queue import Queue

MARK = "forgotten-"
"""How a pseudonym begins; the audit's triggers take nothing else in a person's place."""
RANDOM_BYTES = 10


@dataclass(frozen=True, slots=True)
class Forgotten:
    """In how many rows somebody was replaced, by table, and how many open deliveries and events not read yet ended."""

    ended: int
    unread: int
    audit: int
    requests: int
    events: int
    messages: int

    @property
    def nobody(self) -> bool:
        """Whether nothing named this person."""
        return not any((self.audit, self.requests, self.events, self.messages))


def is_pseudonym(person_id: str) -> bool:
    """Whether this stands for somebody who was forgotten."""
    return person_id.startswith(MARK)


def forget(tx: Transaction, queue: Queue, person_id: str, now: datetime) -> Forgotten:
    """End what is open for a person, in the queue too, and put a pseudonym in their place.

    The audit says that, and not who it was.
    """
    open_ones = requests.find(tx, _is(tx, requests_table.c.person_id, person_id), requests_table.c.state == OPEN)
    for request in open_ones:
        # The file may be in the space by now: nobody can say.
        begun = messages.was_intended(tx, f"request:{request.id}:file")
        requests.close(tx, request, State.UNSURE if begun else State.CANCELED, now, cause=audit.FORGET)
        for other in requests.open_for(tx, request.report_id):
            if request.is_answered_with(other):
                put_thread(tx, queue, other)
    rooms = _direct_spaces(tx, person_id)
    theirs = _is(tx, events.c.person_id, person_id)
    unread = received.end(tx, theirs | events.c.room_id.in_(rooms), audit.FORGET, now)
    _drop_jobs(tx, queue, person_id)
    pseudonym = MARK + secrets.token_hex(RANDOM_BYTES)
    replaced = {
        table.name: tx.execute(update(table).where(_is(tx, column, person_id)).values({column: pseudonym})).rowcount
        for table, column in (
            (requests_table, requests_table.c.person_id),
            (events, events.c.person_id),
            (messages_table, messages_table.c.person_id),
        )
    }
    for room_id in rooms:
        _forget_space(tx, room_id, pseudonym)
    renamed = audit.rename(tx, person_id, pseudonym)
    audit.record(tx, Entry(door=Door.CLI, act=audit.FORGET, outcome="done"), now)
    return Forgotten(
        ended=len(open_ones), unread=len(unread), audit=renamed, requests=replaced.pop("deliveries"), **replaced
    )


def _drop_jobs(tx: Transaction, queue: Queue, person_id: str) -> None:
    """Remove the jobs on a person's rows: nobody is left to be answered or told."""
    asked = select(requests_table.c.id).where(_is(tx, requests_table.c.person_id, person_id))
    wrote = select(events.c.id).where(_is(tx, events.c.person_id, person_id))
    for query, names in ((asked, (tasks.LOOKUP, tasks.THREAD)), (wrote, (tasks.EVENT,))):
        keys = [str(one) for one in tx.execute(query).scalars()]
        for task in names:
            queue.drop(tx, task, keys)
    queue.drop(tx, tasks.RATE_NOTICE, [id_key(person_id)])
    queue.forget_person(tx, id_key(person_id))  # others may wait for a file that comes in this person's turn


def _is(tx: Transaction, column: Column[str], an_id: str) -> ColumnElement[bool]:
    """Return the condition that a column holds this person or space, in any spelling."""
    return column.in_(spellings(tx, column, an_id))


def _direct_spaces(tx: Transaction, person_id: str) -> set[str]:
    """The 1:1 spaces of a person with the bot, by what they wrote, asked for, and were told there."""
    asked = select(requests_table.c.room_id).where(
        _is(tx, requests_table.c.person_id, person_id), requests_table.c.room_type == DIRECT
    )
    by_them = _is(tx, events.c.person_id, person_id)
    wrote = select(events.c.room_id).where(by_them, events.c.room_type == DIRECT)
    told = select(messages_table.c.room_id).where(
        _is(tx, messages_table.c.person_id, person_id), messages_table.c.direct
    )
    # A button's event does not say what kind of space it is in: what was said there tells.
    pressed = select(events.c.room_id).where(
        by_them, events.c.room_id.in_(select(messages_table.c.room_id).where(messages_table.c.direct))
    )
    found = (tx.execute(query).scalars().all() for query in (asked, wrote, told, pressed))
    rooms = {room_id for rooms in found for room_id in rooms if room_id}
    columns = (requests_table.c.room_id, events.c.room_id, messages_table.c.room_id)
    return {other for room_id in rooms for column in columns for other in spellings(tx, column, room_id)}


def _forget_space(tx: Transaction, room_id: str, pseudonym: str) -> None:
    """Take a 1:1 space's id out of every row; what is read or said again finds the space by its message, or its person.

    A post that is on its way keeps it until Webex has answered: it is looked for there before it is said again.
    """
    tx.execute(update(requests_table).where(requests_table.c.room_id == room_id).values(room_id=None))
    tx.execute(update(events).where(events.c.room_id == room_id).values(room_id=None))
    settled = (messages_table.c.room_id == room_id, messages_table.c.state != INTENDED)
    tx.execute(update(messages_table).where(*settled).values(room_id=None))
    # Some keys name the space; they stay unique, since no two of them are alike but for it.
    named = (messages_table.c.key.contains(room_id, autoescape=True), messages_table.c.state != INTENDED)
    tx.execute(update(messages_table).where(*named).values(key=func.replace(messages_table.c.key, room_id, pseudonym)))
