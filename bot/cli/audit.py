"""``reportbot audit`` and ``reportbot forget``: export the audit, and remove a person from what is kept.

Both need the database alone; names and email addresses are looked up in Webex.
"""

from __future__ import annotations

import json
import os
import shlex
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from bot import app
from bot.cli.database import migrated
from bot.cli.names import NameLookup
from bot.cli.terminal import plain, print_errors
from bot.db import audit, origins, reports, runs
from bot.errors import BotError, SettingsError
from bot.logs import register_secrets
from bot.messages.audit_list import AuditView
from bot.messages.names import DIRECTLY
from bot.ops.forget import forget as forget_person
from bot.queue import open_queue
from bot.settings import load
from bot.text import count, one_line
from bot.webex.client import Client
from bot.webex.people import Directory
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.database import Database
    from bot.ops.forget import Forgotten
    from bot.queue import Queue
    from bot.settings import Settings, StorageSettings

    Say = Callable[[str], None]

PAGE: Final = 1000
"""Rows that are read at a time: the export takes no more memory for a year than for a day, and blocks nobody."""

WHO_WIDTH: Final = 24
WHERE_WIDTH: Final = 24
ADDRESS_NEEDS_WEBEX: Final = (
    "Looking up an email address needs Webex, and these settings. Set them, or give the person's ID instead, which"
    " needs none of them:"
)
NOT_NEEDED: Final = {
    "WEBEX_BOT_TOKEN": "not-needed-for-a-look-up",
    "WEBEX_WEBHOOK_SECRET": "not needed for a look-up",
}
"""Values for settings that are required elsewhere: an address is looked up with the admin token."""
NOTHING_DONE: Final = 1
NOTHING_FOUND: Final = "No audit entries were found."
CHECK_ID: Final = " Check the ID (it's case-sensitive)."


class NobodyError(BotError):
    """No Webex user has that address."""


class ForgottenError(BotError):
    """This is a pseudonym: the person has been forgotten already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which audit rows to export; None means all."""

    person: str | None = None
    """An ID, or an email address."""
    report_id: str | None = None
    since: datetime | None = None
    limit: int | None = None


class _UndoError(Exception):
    """Rolls back a trial run."""


def export(settings: StorageSettings, wanted: Wanted, say: Say, *, as_json: bool) -> int:
    """Print each row, oldest first; return 0. Raises ``DatabaseUnavailable``; see ``_id_of``, too."""
    found = False
    with migrated(settings) as database:
        person_id = _id_of(wanted.person, database) if wanted.person else None
        names = None if as_json else NameLookup(database)
        for rows in _pages(database, wanted, person_id):
            found = found or bool(rows)
            for line in map(in_json, rows) if names is None else _in_words(database, rows, names):
                say(line)
    if not found and wanted.limit != 0:
        print_errors(f"reportbot: {NOTHING_FOUND}{CHECK_ID if wanted.person or wanted.report_id else ''}")
    return 0


def _pages(database: Database, wanted: Wanted, person_id: str | None) -> Iterator[list[Row]]:
    left, after = wanted.limit, 0
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with database.read() as tx:
            rows = audit.read(
                tx, limit=size, after=after, person_id=person_id, report_id=wanted.report_id, since=wanted.since
            )
        yield rows
        if len(rows) < size:
            return
        after = rows[-1].id
        left = None if left is None else left - len(rows)


def in_json(row: Row) -> str:
    """Return one JSON object: ``id``, ``at`` (ISO 8601, UTC), and the row's columns, null where there is none."""
    values = asdict(row)
    ordered = {"id": values.pop("id"), "at": values.pop("at").isoformat()}
    return json.dumps(ordered | values, ensure_ascii=False)


def _in_words(database: Database, rows: Sequence[Row], lookup: NameLookup) -> Iterator[str]:
    """Yield a line for each row, with names in columns."""
    with database.read() as tx:
        titles = reports.titles(tx, {row.report_id for row in rows if row.report_id}, tuple(Family))
        references = {row.reference for row in rows if row.reference}
        titles |= runs.titles(tx, references, tuple(Family))
        made_for = origins.of_references(tx, references)
    names = lookup.of((row.person_id for row in rows), (row.room_id for row in rows))
    view = AuditView(names, titles, origins=made_for)
    for row in rows:
        when = f"{row.at:%Y-%m-%d %H:%M:%S}" if row.at else ""
        where = DIRECTLY if audit.is_direct(row.room_id) else names.space(row.room_id) if row.room_id else ""
        columns = [when, _column(names.person(row.person_id), WHO_WIDTH), _column(where, WHERE_WIDTH)]
        said = ". ".join(filter(None, (view.deed(row), view.ended(row))))
        yield "  ".join([*columns, plain(said), *([f"({row.reference})"] if row.reference else [])])


def _column(words: str, width: int) -> str:
    return f"{one_line(words, width):{width}}"


def forget(settings: StorageSettings, person: str, say: Say, *, sure: bool) -> int:
    """Forget a person, and print in how many rows they were; return 0. Raises what ``export`` does.

    Unless ``sure``, only print what it would do, and change nothing; return 1, also when nothing names the person.
    """
    with migrated(settings) as database:
        person_id = _id_of(person, database)
        if audit.is_pseudonym(person_id):
            raise ForgottenError
        done = _forgotten(database, open_queue(database, settings.data_dir), person_id, sure=sure)
        if done.nobody or not sure:
            _say_trial(done, person, say)
            return NOTHING_DONE
        emptied = database.empty_log()
    say(f"Ended {_open(done)}.")
    if done.stopped:
        say(f"Stopped {_owned(done)}.")
    say(f"Replaced the person in {_rows_of(done)}.")
    if done.settings:
        say("Deleted the settings of their 1:1 space.")
    if not emptied:
        say("The database was busy, so deleted data stays on disk until SQLite's log is emptied.")
    say("The ID of their 1:1 space was removed, too; IDs of messages stay, so that nothing is posted twice.")
    say("Webex itself, and earlier logs, exports and backups, still name the person.")
    return 0


def _say_trial(done: Forgotten, person: str, say: Say) -> None:
    if done.nobody:
        say(f"Nothing that is kept names this person.{CHECK_ID}")
        return
    say(f"This would end {_open(done)},")
    say(f"and replace the person in {_rows_of(done)}.")
    if done.stopped:
        say(f"It would stop {_owned(done)}.")
    if done.settings:
        say("The settings of their 1:1 space would be deleted.")
    say(f"It can't be undone. Nothing has been changed; to do it: reportbot forget {shlex.quote(person)} --yes")


def _forgotten(database: Database, queue: Queue, person_id: str, *, sure: bool) -> Forgotten:
    """Forget the person and return what was done; unless ``sure``, or when nothing names them, roll it back."""
    with suppress(_UndoError), database.begin() as tx:
        done = forget_person(tx, queue, person_id, app.now())
        if done.nobody or not sure:
            raise _UndoError
    return done


def _open(done: Forgotten) -> str:
    unread = f" and {count(done.unread, 'unread event')}" if done.unread else ""
    return f"{count(done.ended, 'open request')}{unread}"


def _owned(done: Forgotten) -> str:
    one = done.stopped == 1
    return f"{done.stopped} {'subscription or schedule' if one else 'subscriptions and schedules'} of theirs"


def _rows_of(done: Forgotten) -> str:
    return (
        f"{count(done.audit, 'audit row')}, {count(done.requests, 'request')}, {count(done.events, 'event')} and "
        f"{count(done.messages, 'message')}"
    )


def _id_of(person: str, database: Database) -> str:
    """Return the person's ID; an address is looked up in Webex, and only that needs Webex's settings."""
    if "@" not in person:
        return person
    try:
        settings = load(NOT_NEEDED | os.environ)
    except SettingsError as error:
        raise SettingsError([ADDRESS_NEEDS_WEBEX, *error.problems]) from None
    register_secrets(*settings.secret_values())
    found = find_person(person, settings, database)
    if found is None:
        raise NobodyError
    return found


def find_person(email: str, settings: Settings, database: Database) -> str | None:
    """Ask Webex, with the admin token, for the ID of the person with this address, or None."""
    client = Client(settings.webex_api_url, app.admin_token(settings, database))
    try:
        return Directory(client).find(email)
    finally:
        client.close()
