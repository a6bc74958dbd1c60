"""Carry everything over from one database into another, empty one: all rows of all tables, each compared afterwards.

It is one transaction on the target: what is interrupted leaves no row there, and may be done again. Nobody else may
have the old database open, since what was stored in it meanwhile would be lost.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import Integer, StaticPool, create_engine, func, make_url, select, text, tuple_
from sqlalchemy.exc import DBAPIError

from bot.db import api_tables, heartbeats, key_values, migrations, old_tables, tables
from bot.db.database import Database, Transaction
from bot.errors import BotError, DatabaseUnavailable, driver_says
from bot.ops.checks.data_dir import NARROW
from bot.queue import statements
from bot.settings import SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Table

    Values = dict[str, Any]

CHUNK: Final = 500
"""Rows that are copied and compared at once."""
NUL: Final = "\0"
"""The character that PostgreSQL can't hold in a text."""
INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"
OF_WORKERS: Final = frozenset({"workers"})
"""Tables about processes that run, of which none does."""
assert api_tables.api_keys.metadata is old_tables.posts.metadata is tables.metadata


class NotMoved(BotError):
    """Nothing was carried over."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was carried over of one table."""

    table: str
    rows: int
    without_nul: int
    """In how many values characters were replaced that the target can't hold."""


def all_tables() -> list[Table]:
    """Return all tables whose rows are carried over; those that others refer to come first."""
    found = (*tables.metadata.sorted_tables, *statements.metadata.sorted_tables)
    return [table for table in found if table.name not in OF_WORKERS]


def shown(url: str) -> str:
    """Return what a database is called, without its user and password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"SQLite ({parsed.database})"
    port = f":{parsed.port}" if parsed.port else ""
    return f"PostgreSQL ({parsed.host or 'this machine'}{port}/{parsed.database})"


def move(source: str, target: str, now: datetime, tell: Callable[[Moved], None]) -> bool:
    """Carry all rows over, telling of each table; raises ``NotMoved``.

    The old database is marked as a backup: who begins on it again begins as on one that was restored. Return True when
    it had that mark before, so that the new one has it, too.
    """
    database = Database(target)
    try:
        with _alone(source, now):
            pass  # nobody has it open, so it may be brought to this version
        if (encoding := database.narrow_encoding()) is not None:
            raise NotMoved(f"{shown(target)}: {NARROW.format(encoding=encoding)}")
        _migrate(source, "The database to read")
        _migrate(target, "The target")
        with _alone(source, now) as old, database.begin() as new:
            for tx in (old, new):
                tx.take_time()
            _check_empty(new, target)
            for table in all_tables():
                tell(_carry(old, new, table, clean=database.dialect == "postgresql"))
            if database.dialect == "postgresql":
                _set_sequences(new)
            was_marked = key_values.updated_at(old, key_values.RESTORED) is not None
            key_values.set(old, key_values.RESTORED, "", now)
    except (DBAPIError, DatabaseUnavailable) as error:
        cause = error.cause if isinstance(error, DatabaseUnavailable) else error
        raise NotMoved(f"Nothing was carried over: {driver_says(cause)}") from error
    else:
        return was_marked
    finally:
        database.close()


def _migrate(url: str, what: str) -> None:
    database = Database(url)
    try:
        migrations.upgrade(database)
        if migrations.current(database) != migrations.newest():
            raise NotMoved(f"{what} is of a newer version of this program: use that one.")
    finally:
        database.close()


@contextmanager
def _alone(url: str, now: datetime) -> Iterator[Transaction]:
    """Give a transaction on a database that nobody else uses, and keep it so. Raises ``NotMoved``."""
    is_file = url.startswith(SQLITE)
    with _sqlite_alone(Path(url.removeprefix(SQLITE))) if is_file else _server_alone(url, now) as tx:
        yield tx


@contextmanager
def _sqlite_alone(file: Path) -> Iterator[Transaction]:
    """Hold SQLite's exclusive lock: it is to be had only while no other connection is open, even one at rest."""
    if not file.exists():
        raise NotMoved(f"There is no database: {file} doesn't exist.")

    def connect() -> sqlite3.Connection:
        driver = sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=0, isolation_level=None)
        driver.execute("PRAGMA locking_mode=EXCLUSIVE")
        return driver

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            yield Transaction(connection)
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY":
            raise
        raise NotMoved(f"Another process has {file} open. Stop the bot, web and worker, and try again.") from error
    finally:
        engine.dispose()


@contextmanager
def _server_alone(url: str, now: datetime) -> Iterator[Transaction]:
    """Hold the lock of all writers, unless a process of the bot has shown itself lately."""
    database = Database(url)
    try:
        if migrations.current(database) is None:
            raise NotMoved(f"{shown(url)} is not a database of this bot.")
        with database.begin() as tx:
            seen = [key_values.updated_at(tx, name) for name in (heartbeats.WEB_SEEN, key_values.WORKER_SEEN)]
            if any(at is not None and abs(now - at) <= heartbeats.NOTICEABLE for at in seen):
                raise NotMoved("The bot runs, or has just ended. Stop web and worker, and try again in three minutes.")
            yield tx
    finally:
        database.close()


def _check_empty(tx: Transaction, url: str) -> None:
    for table in (*all_tables(), *(statements.metadata.tables[name] for name in OF_WORKERS)):
        if tx.execute(select(table).limit(1)).first() is not None:
            raise NotMoved(f"{shown(url)} is not empty: {table.name} has rows. Use a new database.")


def _carry(old: Transaction, new: Transaction, table: Table, *, clean: bool) -> Moved:
    """Copy a table's rows, and compare each with what is in the target then."""
    number = replaced = 0
    rows = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=CHUNK)
    for some in old.execute(rows).partitions():
        wanted = [{column.key: value for column, value in zip(table.columns, row, strict=True)} for row in some]
        for one in wanted:
            if "worker" in one:
                one["worker"] = None  # of a job: nobody runs it
            replaced += _without_nul(one) if clean else 0
        new.execute(table.insert(), wanted)
        _compare(new, table, wanted)
        number += len(wanted)
    if new.execute(select(func.count()).select_from(table)).scalar_one() != number:
        raise NotMoved(f"{table.name} has other rows in the target than in the old database. Nothing was carried over.")
    return Moved(table.name, number, replaced)


def _without_nul(row: Values) -> int:
    found = [name for name, value in row.items() if isinstance(value, str) and NUL in value]
    row.update({name: row[name].replace(NUL, INSTEAD) for name in found})
    return len(found)


def _compare(tx: Transaction, table: Table, wanted: Sequence[Values]) -> None:
    keys = list(table.primary_key.columns)
    which = tuple_(*keys).in_([tuple(one[key.key] for key in keys) for one in wanted])
    found = {
        tuple(row._mapping[key] for key in keys): tuple(row)  # noqa: SLF001 SQLAlchemy's public name begins so
        for row in tx.execute(select(table).where(which))
    }
    for one in wanted:
        key = tuple(one[column.key] for column in keys)
        if found.get(key) != tuple(one.values()):
            raise NotMoved(f"A row of {table.name} differs after it was copied. Nothing was carried over.")


def _set_sequences(tx: Transaction) -> None:
    """Have the next row of each table numbered after those that were carried over."""
    for table in all_tables():
        (*others, key) = table.primary_key.columns
        if not others and isinstance(key.type, Integer):
            last = f"SELECT coalesce(max({key.name}), 0) + 1 FROM {table.name}"  # noqa: S608 our own names
            tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), ({last}), false)"))
