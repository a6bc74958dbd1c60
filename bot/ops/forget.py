"""Replace a person by a pseudonym in every table, in one transaction.

What happened can still be counted (the same person is the same pseudonym in every row of one run), but nothing here
leads back: the pseudonym is random and stored nowhere else, and the ID of the person's 1:1 space with the bot is
removed too. What the person does afterwards is stored under their ID again.

IDs of messages stay: by these nothing is answered or posted a second time. They name nobody who wrote a message, but to
Webex itself and to those to whom Webex shows it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Table, delete, func, select, update

from bot.db import audit, messages, requests
from bot.db import events as received
from bot.db.api_tables import api_keys
from bot.db.audit import DIRECT, PSEUDONYM, Channel, Entry
from bot.db.carry_over import STATES
from bot.db.id_spellings import spellings
from bot.db.messages import INTENDED
from bot.db.old_tables import deliveries, posts
from bot.db.origin import Kind, Origin, OriginState, PauseCause
from bot.db.requests import State
from bot.db.runs import RunState
from bot.db.tables import OPEN, confirmations, events, reports, runs, schedules, space_settings, subscriptions
from bot.db.tables import messages as messages_table
from bot.db.tables import requests as requests_table
from bot.messages.sentences import OWNER_FORGOTTEN
from bot.queue import tasks
from bot.reports.requests import put_outcome, put_thread
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement

    from bot.db.database import Transaction
    from bot.queue import Queue

RANDOM_BYTES = 10
ASKED = (
    *((table.c.person_id, table.c.room_id, table.c.room_type == DIRECT) for table in (requests_table, runs, events)),
    (deliveries.c.asker_id, deliveries.c.room_id, deliveries.c.room_type == DIRECT),
)
"""Of what people wrote and asked for: the person, the space, and whether it is a 1:1 space."""
OWNED = tuple((table.c.person_id, table.c.room_id, table.c.room_type == DIRECT) for table in (subscriptions, schedules))
"""The same of what they own."""
SENT = tuple((table.c.person_id, table.c.room_id, table.c.direct) for table in (messages_table, posts))
"""The same of what the bot sent. Version 0.1.0's tables (deliveries, posts) may not be carried over yet."""
PEOPLE = (*(person for person, _, _ in (*ASKED, *OWNED, *SENT)), reports.c.deleted_by, api_keys.c.created_by)
"""Columns with a person's ID but the audit's."""
ROOMS = tuple(room_id for _, room_id, _ in (*ASKED, *OWNED, *SENT))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """In how many rows the person was replaced, by table, and how many open requests and unread events ended."""

    ended: int
    unread: int
    audit: int
    requests: int
    events: int
    messages: int
    settings: int
    stopped: int
    """Subscriptions and schedules that have ended, or wait for another owner."""
    keys: int
    """Keys of the API that the person has made; they work on, since they are the organization's own."""

    @property
    def nobody(self) -> bool:
        """Return True when nothing named this person."""
        asked = (self.audit, self.requests, self.events, self.messages)
        return not any((*asked, self.settings, self.stopped, self.keys))


def forget(tx: Transaction, queue: Queue, person_id: str, now: datetime) -> Forgotten:
    """Close what is open for a person, drop their jobs, and put a pseudonym in their place.

    The audit says that someone was forgotten, and not who.
    """
    stopped = _stop_owned(tx, queue, person_id, now)
    ended = _close_requests(tx, queue, person_id, now)
    rooms = _direct_spaces(tx, person_id)
    theirs = _is(tx, events.c.person_id, person_id)
    unread = received.end(tx, theirs | events.c.room_id.in_(rooms), audit.FORGET, now)
    _drop_jobs(tx, queue, person_id)
    tx.execute(delete(confirmations).where(_is(tx, confirmations.c.person_id, person_id)))
    chosen = tx.execute(delete(space_settings).where(_is(tx, space_settings.c.person_id, person_id))).rowcount
    pseudonym = PSEUDONYM + secrets.token_hex(RANDOM_BYTES)
    replaced = {
        column.table.name: tx.execute(
            update(column.table).where(_is(tx, column, person_id)).values({column: pseudonym})
        ).rowcount
        for column in PEOPLE
    }
    for room_id in rooms:
        _forget_space(tx, room_id, pseudonym)
    renamed = audit.rename(tx, person_id, pseudonym)
    audit.record(tx, Entry(channel=Channel.CLI, act=audit.FORGET, outcome="done"), now)
    return Forgotten(
        ended=ended,
        unread=len(unread),
        audit=renamed,
        requests=replaced[requests_table.name] + replaced[runs.name] + replaced[deliveries.name],
        events=replaced[events.name],
        messages=replaced[messages_table.name] + replaced[posts.name],
        settings=chosen,
        stopped=stopped,
        keys=replaced[api_keys.name],
    )


def _stop_owned(tx: Transaction, queue: Queue, person_id: str, now: datetime) -> int:
    """Stop a person's subscriptions and schedules; those of group spaces are offered there. Return how many."""
    number = 0
    for kind, (person, _, direct) in zip((Kind.SUBSCRIPTION, Kind.SCHEDULE), OWNED, strict=True):
        table = person.table
        assert isinstance(table, Table)
        going = (_is(tx, person, person_id), table.c.state != OriginState.ENDED.value)
        ended = update(table).where(*going, direct).values(state=OriginState.ENDED.value, ended_at=now)
        paused = {"state": OriginState.PAUSED.value, "pause_cause": PauseCause.NOT_ALLOWED.value}
        waits = update(table).where(*going).values(paused | {"reason": OWNER_FORGOTTEN})
        number += tx.execute(ended).rowcount
        offered = tx.execute(waits.returning(table.c.id)).scalars().all()
        number += len(offered)
        for row in offered:
            put_outcome(tx, queue, Origin(kind, row))
    return number


def _close_requests(tx: Transaction, queue: Queue, person_id: str, now: datetime) -> int:
    """Close a person's open requests and runs, and return how many these were. Their threads are told nothing."""
    open_ones = requests.find(tx, _is(tx, requests_table.c.person_id, person_id), requests_table.c.state == OPEN)
    for request in open_ones:
        # The file may be in the space by now: nobody can say.
        begun = messages.has_file(tx, request.id)
        requests.close(tx, request, State.UNSURE if begun else State.CANCELED, now, cause=audit.FORGET)
        for other in requests.open_for(tx, request.report_id):
            if request.is_answered_with(other):
                put_thread(tx, queue, other)
    theirs = (_is(tx, runs.c.person_id, person_id), runs.c.state == OPEN)
    ended = tx.execute(update(runs).where(*theirs).values(state=RunState.FAILED.value, closed_at=now)).rowcount
    old = (_is(tx, deliveries.c.asker_id, person_id), deliveries.c.state.not_in(STATES))
    ended += tx.execute(update(deliveries).where(*old).values(state="cancelled")).rowcount
    return len(open_ones) + ended


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
    """Return the 1:1 spaces of a person with the bot, by what they wrote, asked for, and were sent there."""
    queries = [
        select(room_id).where(_is(tx, column, person_id), direct) for column, room_id, direct in (*ASKED, *OWNED, *SENT)
    ]
    # A button's event does not say what kind of space it is in: what was sent there tells.
    by_them = _is(tx, events.c.person_id, person_id)
    for _, room_id, direct in SENT:
        queries.append(select(events.c.room_id).where(by_them, events.c.room_id.in_(select(room_id).where(direct))))
    rooms = {room_id for query in queries for room_id in tx.execute(query).scalars() if room_id}
    return {other for room_id in rooms for column in ROOMS for other in spellings(tx, column, room_id)}


def _forget_space(tx: Transaction, room_id: str, pseudonym: str) -> None:
    """Take a 1:1 space's ID out of every row; what is answered later finds the space by its message or its person.

    A message that is on its way keeps it until Webex has answered: it is looked for there before it is sent again.
    """
    for _, column, _ in ASKED:
        tx.execute(update(column.table).where(column == room_id).values({column: None}))
    for _, column, _ in OWNED:
        tx.execute(update(column.table).where(column == room_id).values({column: pseudonym}))
    for table in (messages_table, posts):
        settled = table.c.state != INTENDED
        tx.execute(update(table).where(table.c.room_id == room_id, settled).values(room_id=None))
        # Some keys name the space; they stay unique, since no two of them are alike but for it.
        named = table.c.key.contains(room_id, autoescape=True)
        tx.execute(update(table).where(named, settled).values(key=func.replace(table.c.key, room_id, pseudonym)))
