"""Bring a database, empty or old, to what this version needs. Any process may do it, at the same time as others."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import inspect, text

from bot.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

    from bot.db.database import Database

log = structlog.get_logger(__name__)

HERE = Path(__file__).parent
VERSIONS = "alembic_version"
DATABASE_AWAY, CRASHED = 2.0, 60.0
"""Seconds between tries to migrate a database: while it is away, and after an error that nobody foresaw."""
_one_at_a_time = threading.Lock()
"""Alembic's context is the whole process's: a first request may migrate while the start does."""


def newest() -> str:
    """Return the revision that this version of the program needs: the last file's number."""
    return max(path.name.partition("_")[0] for path in (HERE / "versions").glob("[0-9]*_*.py"))


def current(database: Database) -> str | None:
    """Return the revision that the database has."""
    with database.read() as tx:
        if not inspect(tx.connection).has_table(VERSIONS):
            return None
        found: str | None = tx.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar()  # noqa: S608 our own name
        return found


def upgrade(database: Database) -> None:
    """Migrate, in one write transaction: anyone who comes second finds it done.

    A database that is newer than the program (two versions side by side in a deploy) is left as it is. Raises
    ``DatabaseUnavailable``.
    """
    if current(database) != newest():
        _upgrade(database)


def _upgrade(database: Database) -> None:
    # Alembic is loaded only where there is something to do: it takes 10 MB for as long as the process lives.
    from alembic import command  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with _one_at_a_time, database.begin() as tx:
        tx.take_time()
        before = MigrationContext.configure(tx.connection).get_current_revision()
        if before == newest():
            return  # another process was first
        if before is not None and before not in known:
            log.warning("database_is_newer", revision=before)
            return
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")
    log.info("database_migrated", before=before, now=newest())


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config


class Migration:
    """Migrates when it can, at the latest when it is asked whether it has."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done = False

    def __call__(self) -> bool:
        """Return True when the schema is this version's. Raises ``DatabaseUnavailable``."""
        if not self._done:
            upgrade(self._database)
            self._done = True
        return True

    def until_done(self, stop: threading.Event) -> None:
        """Try until it works: the database may come later than the program."""
        while not stop.is_set():
            try:
                self()
            except DatabaseUnavailable as error:
                log.debug("database_away_at_start", cause=str(error))  # the database has logged it
                stop.wait(DATABASE_AWAY)
            except Exception:  # what runs after it must begin all the same, once somebody has mended this
                log.exception("migration_crashed")
                stop.wait(CRASHED)
            else:
                return
