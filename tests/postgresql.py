"""A PostgreSQL server for the tests: started once, a fresh database for each test that wants one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, NullPool, create_engine, make_url, text

from tests.killed.program import family
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row

    Shape = Sequence[Row[Any]]

VARIABLE = "REPORTBOT_TEST_POSTGRESQL"
"""The URL of a server to use instead, whose user may make databases."""
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
"""Debian does not put these on the PATH."""
USER = "postgres"
"""Who the server runs as where the tests run as root, which it refuses."""
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "autovacuum": "off",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
"""As a server is set up by default, for what is measured."""
CHOICE_OF_COPY = (15,)
"""The version since which it can be said how a database is copied."""
ICU = (15,)
"""The version since which a database can have the order of a language that every build knows."""
MISSING = "no PostgreSQL server is installed here (Debian: postgresql)"
SHAPE = " UNION ALL ".join(
    f"SELECT '{catalog}', count(*), max(xmin::text::bigint) FROM {catalog}"
    for catalog in ("pg_attribute", "pg_constraint", "pg_proc", "pg_trigger", "pg_db_role_setting")
)
"""How many there are of each and the last change of one: rows of the tables change none of it."""
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
EMPTY = """
DO $$ DECLARE used text; BEGIN
    SET LOCAL session_replication_role = replica;  -- else the audit refuses
    SELECT string_agg(oid::regclass::text, ', ') INTO used FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'r' AND pg_relation_size(oid) > 0 AND relname <> 'alembic_version';
    IF used IS NOT NULL THEN
        EXECUTE 'TRUNCATE ' || used || ' RESTART IDENTITY CASCADE';
    END IF;
END $$
"""


def binary(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs, or None."""
    beside = BINARIES[-1].with_name(name) if BINARIES else None
    return str(beside) if beside and beside.exists() else shutil.which(name)


def available() -> bool:
    """Return whether the tests can have a server."""
    return VARIABLE in os.environ or (binary("postgres") is not None and binary("initdb") is not None)


class Server:
    """A server of the tests' own, on loopback, with its data in a temporary folder."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self._settings = settings
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> URL:
        return URL.create("postgresql+psycopg", USER, host="127.0.0.1", port=self.port, database="postgres")

    def create(self) -> None:
        """Make the data folder."""
        self._run("initdb", "-D", str(self.folder / "data"), "-A", "trust", "-U", USER, "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start, and return when it answers."""
        given = [f"-c{name}={value}" for name, value in self._settings.items()]
        command = [*_as_other_user(), binary("postgres") or "", "-D", str(self.folder / "data"), "-h", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-p", str(self.port), "-k", "", *given], stdout=log, stderr=log, cwd="/"
            )
        self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), tries=200)

    def stop(self, how: str = "fast") -> None:
        """Stop: ``fast`` ends the connections, ``immediate`` does not even write what is in memory."""
        if self.process is not None:
            self._run("pg_ctl", "stop", "-D", str(self.folder / "data"), "-m", how, "-w")
            self.process.wait(30)
            self.process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Have nothing of the server run in the block, as on a machine that stands still."""
        assert self.process is not None
        # The first process before the others are listed: it must not start one that is not stopped.
        first = self.process.pid
        os.kill(first, signal.SIGSTOP)
        while Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)
        stopped = family(first)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)

    def _run(self, program: str, *arguments: str, tries: int = 1) -> None:
        for left in reversed(range(tries)):
            done = subprocess.run(
                [*_as_other_user(), binary(program) or program, *arguments], capture_output=True, check=False, cwd="/"
            )
            if done.returncode == 0:
                return
            assert left, f"{program}: {done.stderr.decode()} {(self.folder / 'log').read_text()[-2000:]}"


@contextmanager
def server(**settings: str) -> Iterator[Server]:
    """Run a server for the block."""
    folder = Path(tempfile.mkdtemp(prefix="reportbot-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    made = Server(folder, QUICK | settings)
    try:
        made.create()
        made.start()
        yield made
    finally:
        made.stop("immediate")
        shutil.rmtree(folder)


@contextmanager
def server_url(**settings: str) -> Iterator[URL]:
    """Run a server for the block; gives its URL."""
    with server(**settings) as one:
        yield one.url


def _as_other_user() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam(USER)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")


class Databases:
    """Makes databases on a server, empty or with the tables of this version."""

    def __init__(self, url: URL | str, prefix: str) -> None:
        self._url = make_url(url)
        self._prefix = prefix
        self._count = 0
        self._made: list[str] = []
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._template: str | None = None
        self._shapes: dict[str, Shape] = {}
        self._again: list[str] = []

    def empty(self, encoding: str = "UTF8") -> str:
        """Make a database without tables and return its URL; if the server can, its texts are in a language's order."""
        in_words = encoding == "UTF8" and self._version >= ICU
        language = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" if in_words else ""
        name = self._new_name()
        self._execute(f"""CREATE DATABASE "{name}" TEMPLATE template0
            ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' {language}""")
        self._made.append(name)
        return self._address(name)

    def migrated(self) -> str:
        """Give a database with the tables, without rows; return its URL."""
        if self._template is None:
            self._make_template()
        if self._again:
            name = self._again.pop()
        else:
            name = self._new_name()
            quick = "STRATEGY FILE_COPY" if self._version >= CHOICE_OF_COPY else ""  # half as long, for a small one
            self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" {quick}')
            self._shapes[name] = self._shape(name)
        self._made.append(name)
        return self._address(name)

    def take_back(self) -> None:
        """End whatever uses what was made, and drop it; one that has the tables as they were is given again."""
        while self._made:
            name = self._made.pop()
            if name not in self._shapes or self._again:
                self._drop(name)
                continue
            name = self._out_of_reach(name)
            if self._is_emptied(name):
                self._again.append(name)
            else:
                self._drop(name)

    def close(self) -> None:
        """Drop what is kept for later."""
        for name in (*self._again, *([self._template] if self._template else [])):
            self._drop(name)
        self._engine.dispose()

    def _out_of_reach(self, had: str) -> str:
        """Give a database a new name: threads that had it, which end with their process, must not find it again."""
        self._execute(f'ALTER DATABASE "{had}" ALLOW_CONNECTIONS false')

        def unused() -> bool:
            with self._engine.connect() as connection:
                return not connection.execute(text(END_ALL), {"name": had}).all()

        until(unused, "the end of its connections")
        name = self._new_name()
        self._execute(f'ALTER DATABASE "{had}" RENAME TO "{name}"')
        self._execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        self._shapes[name] = self._shapes.pop(had)
        return name

    @cached_property
    def _version(self) -> tuple[int | str, ...]:
        with self._engine.connect() as connection:
            return connection.dialect.server_version_info or ()

    def _make_template(self) -> None:
        from bot.db.database import Database
        from bot.db.migrations import upgrade

        template = self.empty()
        database = Database(template)
        upgrade(database)
        database.close()
        self._template = self._made.pop()

    def _shape(self, name: str) -> Shape:
        with self._inside(name) as connection:
            return connection.execute(text(SHAPE)).all()

    def _is_emptied(self, name: str) -> bool:
        """Take out all rows, unless a test has changed the tables."""
        with self._inside(name) as connection:
            if connection.execute(text(SHAPE)).all() != self._shapes[name]:
                return False
            connection.execute(text(EMPTY))
        return True

    @contextmanager
    def _inside(self, name: str) -> Iterator[Connection]:
        engine = create_engine(self._url.set(database=name), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    def _new_name(self) -> str:
        self._count += 1
        return f"{self._prefix}_{self._count}"

    def _address(self, name: str) -> str:
        return self._url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)

    def _drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))
