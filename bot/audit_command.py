"""``reportbot audit`` and ``reportbot forget``: the audit for those who run the machine.

Both work while Webex is down; only an e-mail address has to be looked up there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from bot import wiring
from bot.errors import BotError
from bot.ledger import audit
from bot.ledger.forget import forget as forget_person
from bot.ledger.forget import is_pseudonym
from bot.plain_words import count
from bot.webex.client import Client
from bot.webex.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from bot.ledger.audit import Row
    from bot.settings import Settings
    from bot.store import Store

    Say = Callable[[str], None]

PAGE: Final = 1000
"""Rows that are read at a time: the export takes no more memory for a year than for a day, and holds up nobody."""


class NobodyError(BotError):
    """Webex knows nobody with this address."""


class ForgottenError(BotError):
    """This is a pseudonym: whoever it was is forgotten already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows; None means all."""

    person: str | None = None
    """An id, or an e-mail address."""
    report_id: str | None = None
    since: datetime | None = None
    limit: int | None = None


def export(settings: Settings, wanted: Wanted, say: Say, *, as_json: bool) -> int:
    """Say each row, oldest first; 0. Raises ``StoreUnavailable``, and ``WebexError`` when an address is looked up."""
    store = wiring.open_store(settings)
    try:
        wiring.Migration(store)()
        person_id = _id_of(wanted.person, settings, store) if wanted.person else None
        for row in _rows(store, wanted, person_id):
            say(in_json(row) if as_json else in_words(row))
    except BrokenPipeError:
        # Whoever reads has seen enough (``| head``); what Python still wants to flush at its end goes nowhere.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        store.close()
    return 0


def _rows(store: Store, wanted: Wanted, person_id: str | None) -> Iterator[Row]:
    left, after = wanted.limit, 0
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with store.read() as tx:
            rows = audit.read(
                tx, limit=size, after=after, person_id=person_id, report_id=wanted.report_id, since=wanted.since
            )
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1].id
        left = None if left is None else left - len(rows)


def in_json(row: Row) -> str:
    """One JSON object: ``id``, ``at`` (ISO 8601, UTC), and the row's words and ids, null where there is none."""
    values = asdict(row)
    ordered = {"id": values.pop("id"), "at": values.pop("at").isoformat()}
    return json.dumps(ordered | values, ensure_ascii=False)


def in_words(row: Row) -> str:
    """One line for a terminal."""
    when = row.at.isoformat(timespec="seconds") if row.at else ""
    ids = {
        "person": row.person_id,
        "space": row.room_id,
        "report": row.report_id,
        "reference": row.reference,
        "tracking": row.tracking,
    }
    named = (f"{name}={value}" for name, value in ids.items() if value)
    return " ".join([when, row.door.value, row.act, row.outcome, *named])


def forget(settings: Settings, person: str, say: Say) -> int:
    """Forget somebody, and say in how many rows they were; 0. Raises what ``export`` does."""
    store = wiring.open_store(settings)
    try:
        wiring.Migration(store)()
        person_id = _id_of(person, settings, store)
        if is_pseudonym(person_id):
            raise ForgottenError
        with store.begin() as tx:
            done = forget_person(tx, person_id, wiring.now())
        emptied = store.empty_log()
    finally:
        store.close()
    say(f"Ended what was open: {count(done.ended, 'delivery') if done.ended == 1 else f'{done.ended} deliveries'}.")
    say(
        f"Replaced the person in {count(done.audit, 'row')} of the audit, {done.deliveries} of the deliveries, "
        f"{done.events} of the events and {done.posts} of the posts."
    )
    if not emptied:
        say("The database was in use all the time: parts of what was there stay on the disk until its log is emptied.")
    say("The id of their 1:1 space with the bot went, too; ids of messages stay, so that nothing is said twice.")
    say("Webex itself, and logs, exports and backups of before, still name the person.")
    return 0


def _id_of(person: str, settings: Settings, store: Store) -> str:
    """The id, looked up in Webex with the admin token for an address."""
    if "@" not in person:
        return person
    client = Client(settings.webex_api_url, wiring.admin_token(settings, store))
    try:
        found = Directory(client).find(person)
    finally:
        client.close()
    if found is None:
        raise NobodyError
    return found
