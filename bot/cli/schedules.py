"""``reportbot schedules export`` and ``import``: subscriptions and schedules as a YAML file.

Both need the database alone, and may run beside the bot. Names are asked of Webex where it answers. Who owns an
imported one, and whether it may be in its space, is asked of policy at its next use, as always.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot import app
from bot.cli import schedules_file
from bot.cli.database import migrated
from bot.cli.names import NameLookup
from bot.cli.schedules_file import Fault
from bot.cli.terminal import print_errors
from bot.db import api_keys, audit, origins, schedules, subscriptions
from bot.db.audit import Channel
from bot.db.origin import Kind, OriginState
from bot.db.schedules import Schedule
from bot.errors import BotError
from bot.queue import open_queue
from bot.reports.schedules import put_schedules, set_next
from bot.reports.subscriptions import watch_from_now
from bot.text import count
from bot.webex.ids import same_id
from bot.webex.types import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bot.cli.schedules_file import Entry
    from bot.db.database import Transaction
    from bot.db.subscriptions import Subscription
    from bot.queue import Queue
    from bot.settings import StorageSettings

    Say = Callable[[str], None]

DONE: Final = 0
WRONG_FILE: Final = 1
STANDARD_INPUT: Final = "-"
CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"
_WHEN: Final = ("rrule", "dtstart", "time_zone", "state")
"""Columns by which a schedule's next run is computed."""


class UnreadableFileError(BotError):
    """The file can't be read."""


class _UndoError(Exception):
    """Rolls back what must not be kept."""


@dataclass(slots=True)
class _Imported:
    """What an import did, or would do."""

    done: list[tuple[str, Entry]] = field(default_factory=list)
    """What was done with each entry."""
    faults: list[Fault] = field(default_factory=list)

    def number(self, what: str) -> int:
        """Return how many entries were created, changed or left."""
        return sum(one == what for one, _ in self.done)


def export(settings: StorageSettings, say: Say) -> int:
    """Print all subscriptions and schedules that have not ended; return 0. Raises ``DatabaseUnavailable``."""
    with migrated(settings) as database:
        with database.read() as tx:
            rows = origins.going(tx)
        spaces = [row.room_id for row in rows if row.room_type == GROUP]
        names = NameLookup(database).of((row.person_id for row in rows), spaces)
    for line in schedules_file.written(rows, names):
        say(line)
    return DONE


def import_file(settings: StorageSettings, file: str, say: Say, *, dry_run: bool) -> int:
    """Create or update what a file holds, or change nothing and print what is wrong with it; return 0 or 1.

    With ``dry_run`` only print what it would do. Raises ``UnreadableFileError`` and ``DatabaseUnavailable``.
    """
    entries, faults = schedules_file.read(_text_of(file))
    if not faults:
        with migrated(settings) as database:
            imported = _Imported()
            with suppress(_UndoError), database.begin() as tx:
                queue = open_queue(database, settings.data_dir)
                _import(tx, queue, entries, imported)
                if imported.faults or dry_run:
                    raise _UndoError
                put_schedules(tx, queue)
        faults = imported.faults
    if faults:
        name = "standard input" if file == STANDARD_INPUT else file
        print_errors(*(f"{name}:{one.line}: {one.sentence}" for one in faults))
        print_errors(f"reportbot: Nothing was changed: the file has {count(len(faults), 'fault')}.")
        return WRONG_FILE
    _tell(imported, say, dry_run=dry_run)
    return DONE


def _text_of(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFileError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{file} isn't a text in UTF-8.") from error


def _import(tx: Transaction, queue: Queue, entries: Sequence[Entry], imported: _Imported) -> None:
    now = app.now()
    for entry in entries:
        row = origins.with_reference(tx, entry.reference)
        if row is not None and row.origin.kind is not entry.kind:
            told = f"reference: {entry.reference} is a {row.origin.kind.value} here."
            imported.faults.append(Fault(entry.line, told))
            continue
        owner = entry.values["person_id"]
        if (row is None or not same_id(row.person_id, owner)) and _is_unknown_key(tx, owner):
            told = f"owner: {owner} isn't an API key here, or it's revoked. `reportbot keys list` shows the keys."
            imported.faults.append(Fault(entry.line, told))
            continue
        if entry.kind is Kind.SUBSCRIPTION:
            values = entry.values
            watch_from_now(tx, queue, values["family"], values["region"], values["on_behalf_of"])
        done = _create(tx, entry, now) if row is None else _update(tx, entry, row, now)
        imported.done.append((done, entry))
        if done != UNCHANGED:
            values = entry.values
            place = audit.place(values["room_id"], values["room_type"])
            audit.record(
                tx, audit.Entry(Channel.CLI, audit.IMPORT, done, room_id=place, reference=entry.reference), now
            )


def _is_unknown_key(tx: Transaction, owner: str) -> bool:
    """Return True for a key of the API that doesn't exist, or is revoked."""
    key_id = api_keys.key_id_of(owner)
    return key_id is not None and api_keys.get(tx, key_id) is None


def _create(tx: Transaction, entry: Entry, now: datetime) -> str:
    values = entry.values | {"event_key": f"import:{entry.reference}", "created_at": now}
    if entry.kind is Kind.SUBSCRIPTION:
        subscriptions.add(tx, values)
    else:
        schedules.add(tx, values)
        _set_next(tx, entry, now)
    return CREATED


def _update(tx: Transaction, entry: Entry, row: Subscription | Schedule, now: datetime) -> str:
    """Make a row what the file says; one that has ended goes on."""
    before = schedules_file.columns_of(row)
    changed = {name: value for name, value in entry.values.items() if value != before[name]}
    if not changed:
        return UNCHANGED
    if changed.get("state") == OriginState.ACTIVE:
        changed["resumed_at"] = now
    if "state" in changed:
        changed["ended_at"] = None
    origins.set_values(tx, row.origin, **changed)
    if entry.kind is Kind.SCHEDULE and any(name in changed for name in _WHEN):
        _set_next(tx, entry, now)
    return CHANGED


def _set_next(tx: Transaction, entry: Entry, now: datetime) -> None:
    schedule = origins.with_reference(tx, entry.reference)
    assert isinstance(schedule, Schedule)
    if schedule.state is OriginState.ACTIVE or schedule.waits:
        set_next(tx, schedule, now)
    else:
        schedules.set_values(tx, schedule.id, next_at=None)


def _tell(imported: _Imported, say: Say, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    for done, entry in imported.done:
        if done != UNCHANGED:
            label = entry.values.get("name") or entry.values.get("title") or entry.values.get("words") or "all reports"
            say(f"{entry.kind.value} {entry.reference} “{label}”: {would}{done}")
    say(
        f"{imported.number(CREATED)} {would}created, {imported.number(CHANGED)} {would}changed, "
        f"{imported.number(UNCHANGED)} {would}left as they are."
    )
    if dry_run:
        say("Nothing was changed.")
