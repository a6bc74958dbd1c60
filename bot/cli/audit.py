"""``reportbot audit`` and ``reportbot forget``: the audit for those who run the machine.

Both need the database alone; only an e-mail address has to be looked up in Webex.
"""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from bot import app
from bot.db import audit
from bot.errors import BotError
from bot.ops.forget import forget as forget_person
from bot.ops.forget import is_pseudonym
from bot.queue import open_queue
from bot.text import count
from bot.webex.client import Client
from bot.webex.people import Directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.database import Database
    from bot.ops.forget import Forgotten
    from bot.queue import Queue
    from bot.settings import Settings, StorageSettings

    Say = Callable[[str], None]
    Find = Callable[[str, Database], str | None]
    """Looks up an e-mail address: the person's id, or None."""

PAGE: Final = 1000
"""Rows that are read at a time: the export takes no more memory for a year than for a day, and holds up nobody."""


ADDRESS_NEEDS_WEBEX: Final = (
    "To look up an e-mail address I need Webex, and these settings. Give the person's ID instead, which needs none of"
    " them, or set them:"
)
NOT_NEEDED: Final = {
    "WEBEX_BOT_TOKEN": "not-needed-to-look-somebody-up",
    "WEBEX_WEBHOOK_SECRET": "not needed to look somebody up",
}
"""Stands for settings that an operator need not have at hand: an address is looked up with the admin token."""
NOTHING_DONE: Final = 1


class NobodyError(BotError):
    """Webex knows nobody with this address."""


class ForgottenError(BotError):
    """This is a pseudonym: who it was is forgotten already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows; None means all."""

    person: str | None = None
    """An id, or an e-mail address."""
    report_id: str | None = None
    since: datetime | None = None
    limit: int | None = None


class _UndoError(Exception):
    """Rolls back what was done to see what it would do."""


def export(settings: StorageSettings, wanted: Wanted, say: Say, *, find: Find, as_json: bool) -> int:
    """Say each row, oldest first; 0. Raises ``DatabaseUnavailable``, and what ``find`` does for an address."""
    database = app.open_database(settings)
    try:
        app.Migration(database)()
        person_id = _id_of(wanted.person, find, database) if wanted.person else None
        for row in _rows(database, wanted, person_id):
            say(in_json(row) if as_json else in_words(row))
    finally:
        database.close()
    return 0


def _rows(database: Database, wanted: Wanted, person_id: str | None) -> Iterator[Row]:
    left, after = wanted.limit, 0
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with database.read() as tx:
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


def forget(settings: StorageSettings, person: str, say: Say, *, find: Find, sure: bool) -> int:
    """Forget somebody, and say in how many rows they were; 0. Raises what ``export`` does.

    Unless ``sure``, only say what it would do, and change nothing; 1. So it is when nothing names the person.
    """
    database = app.open_database(settings)
    try:
        app.Migration(database)()
        person_id = _id_of(person, find, database)
        if is_pseudonym(person_id):
            raise ForgottenError
        done = _forgotten(database, open_queue(database, settings.data_dir), person_id, sure=sure)
        if done.nobody or not sure:
            _say_trial(done, person, say)
            return NOTHING_DONE
        emptied = database.empty_log()
    finally:
        database.close()
    say(f"Ended what was open: {_open(done)}.")
    say(f"Replaced the person in {_rows_of(done)}.")
    if not emptied:
        say("The database was in use all the time: parts of what was there stay on the disk until its log is emptied.")
    say("The id of their 1:1 space with the bot went, too; ids of messages stay, so that nothing is said twice.")
    say("Webex itself, and logs, exports and backups of before, still name the person.")
    return 0


def _say_trial(done: Forgotten, person: str, say: Say) -> None:
    if done.nobody:
        say("Nothing that is kept names this person. Check the ID: it is case-sensitive.")
        return
    say(f"This would end what is open ({_open(done)}),")
    say(f"and replace the person in {_rows_of(done)}.")
    say(f"There is no way back. Nothing has been changed; to do it: reportbot forget {shlex.quote(person)} --yes")


def _forgotten(database: Database, queue: Queue, person_id: str, *, sure: bool) -> Forgotten:
    """Do it; unless ``sure``, or when it found nobody, undo it: what is said is what would happen."""
    with suppress(_UndoError), database.begin() as tx:
        done = forget_person(tx, queue, person_id, app.now())
        if done.nobody or not sure:
            raise _UndoError
    return done


def _open(done: Forgotten) -> str:
    requests = count(done.ended, "delivery") if done.ended == 1 else f"{done.ended} deliveries"
    unread = f", {count(done.unread, 'event')} not read yet" if done.unread else ""
    return f"{requests}{unread}"


def _rows_of(done: Forgotten) -> str:
    return (
        f"{count(done.audit, 'row')} of the audit, {done.requests} of the deliveries, "
        f"{done.events} of the events and {done.posts} of the posts"
    )


def _id_of(person: str, find: Find, database: Database) -> str:
    """The id, looked up in Webex for an address."""
    if "@" not in person:
        return person
    found = find(person, database)
    if found is None:
        raise NobodyError
    return found


def find_person(email: str, settings: Settings, database: Database) -> str | None:
    """Ask Webex, with the admin token, for the id of anyone who has this address."""
    client = Client(settings.webex_api_url, app.admin_token(settings, database))
    try:
        return Directory(client).find(email)
    finally:
        client.close()
