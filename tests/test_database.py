"""The store: whole or not at all, durable, one error when it is out of reach, and nothing of it before a fork."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, UniqueConstraint, dialects, func, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from structlog.testing import capture_logs

from bot.db.database import Database, Transaction
from bot.db.sqlite_file import SqliteFile
from bot.db.utc_datetime import UtcDateTime
from bot.errors import DatabaseUnavailable
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

metadata = MetaData()
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("resource", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("at", UtcDateTime),
    UniqueConstraint("resource", "key"),
)
NOON = datetime(2024, 3, 24, 12, tzinfo=UTC)


OPEN, SYNC = SqliteFile._open, SqliteFile.sync


@pytest.fixture(autouse=True)
def as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteFile, "_open", OPEN)
    monkeypatch.setattr(SqliteFile, "sync", SYNC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a b?c#d%20.db"  # what a URI would trip over


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database("sqlite:///" + str(path).replace("?", "%3F").replace("%20", "%2520"), lock_patience=0.2)
    with database.begin() as tx:
        tx.create_all(metadata)
    yield database
    database.close()


def _add(tx: Transaction, key: str, at: datetime | None = None) -> None:
    tx.execute(insert(events).values(resource="messages", key=key, at=at))


def _keys(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(events.c.key).order_by(events.c.id)).scalars())


def _add_and_fail(database: Database) -> None:
    with database.begin() as tx:
        tx.after_commit(lambda: pytest.fail("nothing was committed"))
        tx.when_visible(lambda: pytest.fail("nothing is visible"))
        _add(tx, "never")
        raise ZeroDivisionError


def _add_uncertain(tx: Transaction) -> None:
    tx.after_commit(lambda: pytest.fail("it is not certain"))
    _add(tx, "one")


def _add_too_much(tx: Transaction, word: str) -> None:
    tx.execute(text("PRAGMA max_page_count=1"))
    _add(tx, word * 10_000)


class TestTransaction:
    def test_it_commits_at_the_end_of_the_block(self, database, path):
        with database.begin() as tx:
            _add(tx, "one")
            assert _keys(database) == []
        assert _keys(database) == ["one"]
        assert path.exists()

    def test_it_rolls_back_on_an_exception(self, database):
        with pytest.raises(ZeroDivisionError):
            _add_and_fail(database)
        assert _keys(database) == []

    def test_what_comes_after_the_commit_runs_in_order_and_may_use_the_store(self, database):
        seen: list[object] = []

        def look() -> None:
            seen.append(_keys(database))

        def write() -> None:
            with database.begin() as tx:
                _add(tx, "two")

        with database.begin() as tx:
            for call in (look, write, look):
                tx.after_commit(call)
            _add(tx, "one")
            assert seen == []
        assert seen == [["one"], ["one", "two"]]

    def test_a_failure_after_the_commit_is_logged_and_stops_nothing(self, database):
        seen = []
        with capture_logs() as logs, database.begin() as tx:
            tx.after_commit(lambda: 1 // 0)
            tx.after_commit(lambda: seen.append(1))
        assert seen == [1]
        assert [line["event"] for line in logs] == ["after_commit_failed"]

    def test_a_transaction_inside_a_transaction_is_refused_at_once(self, database):
        with database.begin(), pytest.raises(RuntimeError, match="wait for itself"), database.begin():
            pytest.fail("there are two")
        with database.begin() as tx:
            _add(tx, "one")

    def test_a_read_sees_one_moment(self, database):
        count = select(func.count()).select_from(events)
        with database.read() as tx:
            assert tx.execute(count).scalar() == 0
            with database.begin() as other:
                _add(other, "late")
            assert tx.execute(count).scalar() == 0
        assert _keys(database) == ["late"]

    @pytest.mark.parametrize("durable", [True, False])
    def test_the_log_keeps_its_order_and_foreign_keys_are_on(self, database, durable):
        def pragma(tx: Transaction, name: str) -> object:
            return tx.execute(text(f"PRAGMA {name}")).scalar()

        with database.begin(durable=durable) as tx:
            assert (pragma(tx, "synchronous"), pragma(tx, "foreign_keys"), pragma(tx, "journal_mode")) == (1, 1, "wal")


class TestDurable:
    @pytest.fixture
    def synced(self, monkeypatch) -> list[tuple[str, int]]:
        """What was brought to the disk: the file, and its size then."""
        done: list[tuple[str, int]] = []

        def sync(handle: int) -> None:
            done.append((str(Path(f"/proc/self/fd/{handle}").readlink()), os.fstat(handle).st_size))

        monkeypatch.setattr("bot.db.sqlite_file.SYNC", sync)
        return done

    def test_a_durable_commit_is_on_the_disk_when_the_block_has_ended(self, database, path, synced):
        with database.begin() as tx:
            _add(tx, "one")
            assert synced == []
        log = path.with_name(f"{path.name}-wal")
        assert synced == [(str(log), log.stat().st_size)]

    def test_others_hear_of_it_once_and_before_it_is_on_the_disk(self, database, synced):
        heard = []

        def look() -> None:
            heard.append((_keys(database), len(synced)))

        with database.begin() as tx:
            for _ in range(2):
                tx.when_visible(look)
            _add(tx, "one")
        assert heard == [(["one"], 0)]
        assert len(synced) == 1

    def test_one_that_may_be_repeated_is_not(self, database, synced):
        with database.begin(durable=False) as tx:
            _add(tx, "one")
        assert synced == []

    def test_other_writers_do_not_wait_for_the_disk_and_share_the_next_time(self, database, monkeypatch):
        slow, go_on, times = threading.Event(), threading.Event(), []

        def sync(_handle: int) -> None:
            times.append(1)
            slow.set()
            assert go_on.wait(5)

        def write(key: str) -> None:
            with database.begin() as tx:
                _add(tx, key)

        monkeypatch.setattr("bot.db.sqlite_file.SYNC", sync)
        threads = [threading.Thread(target=write, args=(str(number),)) for number in range(6)]
        threads[0].start()
        assert slow.wait(5)
        for thread in threads[1:]:
            thread.start()
        until(lambda: len(_keys(database)) == 6, "they did not wait for the disk", 5)
        assert all(thread.is_alive() for thread in threads), "none has said that it is on the disk"
        go_on.set()
        for thread in threads:
            thread.join()
        assert len(times) == 2

    def test_a_disk_that_does_not_take_it_is_unavailability(self, database, monkeypatch):
        def sync(_handle: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr("bot.db.sqlite_file.SYNC", sync)
        with pytest.raises(DatabaseUnavailable), database.begin() as tx:
            _add_uncertain(tx)


class TestInsertOnce:
    VALUES = {"resource": "messages", "key": "one"}  # noqa: RUF012

    def test_the_first_gives_the_id_and_the_second_none(self, database):
        with database.begin() as tx:
            first = tx.insert_once(events, self.VALUES, ["resource", "key"])
            assert tx.insert_once(events, self.VALUES, ["resource", "key"]) is None
        with database.begin() as tx:
            assert tx.insert_once(events, self.VALUES, ["resource", "key"]) is None
            other = tx.insert_once(events, {**self.VALUES, "resource": "cards"}, ["resource", "key"])
        with database.read() as tx:
            assert list(tx.execute(select(events.c.id).order_by(events.c.id)).scalars()) == [first, other]

    def test_another_constraint_is_still_an_error(self, database):
        with pytest.raises(IntegrityError), database.begin() as tx:
            tx.insert_once(events, {"resource": None, "key": "one"}, ["resource", "key"])

    def test_ten_at_once_in_two_processes_are_one(self, database, path):
        database.close()
        with closing(multiprocessing.get_context("spawn").Process(target=_insert_five_times, args=(path,))) as other:
            other.start()
            _insert_five_times(path)
            other.join()
            assert other.exitcode == 0
        assert _keys(database) == ["same"]

    def test_postgresql_gets_the_same_statement(self):
        class Recorder:
            dialect: Any = dialects.registry.load("postgresql")()

            def execute(self, statement, parameters):
                self.sql = str(statement.compile(dialect=self.dialect))
                return self

            def scalar(self):
                return 7

        recorder: Any = Recorder()
        transaction = Transaction(recorder)
        assert transaction.insert_once(events, self.VALUES, ["resource", "key"]) == 7
        assert recorder.sql.endswith("ON CONFLICT (resource, key) DO NOTHING RETURNING events.id")


def _insert_five_times(path: Path) -> None:
    database = Database("sqlite:///" + str(path).replace("?", "%3F").replace("%20", "%2520"))

    def once() -> None:
        with database.begin() as tx:
            tx.insert_once(events, {"resource": "messages", "key": "same"}, ["resource", "key"])

    threads = [threading.Thread(target=once) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()


class TestUnavailable:
    def test_locked_for_too_long(self, database, path):
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            before = time.monotonic()
            with pytest.raises(DatabaseUnavailable) as caught, database.begin():
                pytest.fail("there are two writers")
            assert 0.2 <= time.monotonic() - before < 2
            assert _keys(database) == [], "a reader is not held up"
            other.execute("ROLLBACK")
        assert caught.value.cause is caught.value.__cause__
        assert "database is locked" in str(caught.value.cause)
        with database.begin() as tx:
            _add(tx, "one")

    def test_locked_for_a_moment_it_waits(self, database, path):
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            release = threading.Timer(0.05, lambda: other.execute("ROLLBACK"))
            release.start()
            with database.begin() as tx:
                _add(tx, "one")
            release.join()

    def test_held_too_long_by_a_thread_of_this_process(self, database):
        refused = []

        def write():
            with pytest.raises(DatabaseUnavailable) as caught, database.begin():
                pytest.fail("there are two writers")
            refused.append(caught.value.cause)

        with database.begin():
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        assert isinstance(refused[0], TimeoutError)

    def test_a_moved_file_is_not_replaced_by_an_empty_one(self, database, path, tmp_path):
        with database.begin() as tx:
            _add(tx, "one")
        path.rename(tmp_path / "elsewhere")
        for attempt in (database.begin, database.read):
            with pytest.raises(DatabaseUnavailable), attempt():
                pytest.fail("there is no file")
        assert not path.exists()
        (tmp_path / "elsewhere").rename(path)
        assert _keys(database) == ["one"]

    def test_a_file_put_in_the_place_of_ours_is_used(self, database, path, tmp_path):
        """A backup that was restored while we ran."""
        with closing(sqlite3.connect(tmp_path / "backup")) as backup, closing(sqlite3.connect(path)) as ours:
            ours.backup(backup)
        with database.begin() as tx:
            _add(tx, "lost with the old file")
        for part in tmp_path.glob(f"{path.name}*"):
            part.unlink()
        (tmp_path / "backup").rename(path)
        assert _keys(database) == []

    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(DatabaseUnavailable), Database(f"sqlite:///{tmp_path}/none/a.db").begin():
            pytest.fail("there is no folder")

    def test_what_is_no_database(self, tmp_path):
        (tmp_path / "a.db").write_text("something else entirely " * 100)
        database = Database(f"sqlite:///{tmp_path}/a.db")
        with pytest.raises(DatabaseUnavailable), database.read():
            pytest.fail("there is no database")

    def test_a_full_disk_and_no_word_of_what_was_written(self, database):
        with pytest.raises(DatabaseUnavailable) as caught, database.begin() as tx:
            _add_too_much(tx, "secret")
        assert "full" in str(caught.value.cause)
        assert "secret" not in str(caught.value.cause)
        database.close()
        assert _keys(database) == []

    def test_a_wrong_statement_is_not_unavailability(self, database):
        with pytest.raises(StatementError, match="no such table"), database.begin() as tx:
            tx.execute(text("SELECT * FROM nowhere"))


class TestOpening:
    def test_nothing_is_opened_before_the_first_transaction(self, tmp_path):
        database = Database(f"sqlite:///{tmp_path}/a.db")
        assert not (tmp_path / "a.db").exists()
        database.close()

    def test_use_after_a_fork_of_an_open_store_is_refused(self, database, monkeypatch):
        monkeypatch.setattr(os, "getpid", lambda: 1)
        with pytest.raises(RuntimeError, match="after the fork"), database.read():
            pytest.fail("a connection in two processes")

    def test_it_opens_again_after_close(self, database):
        database.close()
        assert _keys(database) == []

    @pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d"])
    def test_postgresql_is_known(self, url):
        assert Database(url).dialect == "postgresql"

    def test_the_driver_of_postgresql_is_not_loaded_for_sqlite(self):
        program = "import sys, bot.app, bot.cli.worker; sys.exit('psycopg' in sys.modules)"
        assert (
            subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=False).returncode == 0
        )

    @pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:"])
    def test_what_cannot_work_is_refused_with_a_remedy(self, url):
        with pytest.raises(ValueError, match="sqlite:///"):
            Database(url)


class TestUtcDateTime:
    def test_it_comes_back_in_utc_and_sorts_as_time_does(self, database):
        berlin = timezone(timedelta(hours=2))
        moments = [NOON, NOON.astimezone(berlin) - timedelta(hours=1), NOON + timedelta(microseconds=1)]
        with database.begin() as tx:
            for number, moment in enumerate(moments):
                _add(tx, str(number), moment)
            _add(tx, "none")
        with database.read() as tx:
            found = list(
                tx.execute(select(events.c.at).where(events.c.at.is_not(None)).order_by(events.c.at)).scalars()
            )
            later = list(tx.execute(select(events.c.key).where(events.c.at > NOON.astimezone(berlin))).scalars())
        assert found == sorted(moments)
        assert {moment.tzinfo for moment in found} == {UTC}
        assert later == ["2"]

    def test_a_naive_one_is_refused(self, database):
        with pytest.raises(StatementError, match="time zone"), database.begin() as tx:
            _add(tx, "one", datetime(2024, 3, 24, 12))  # noqa: DTZ001


def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{tmp_path}/bot.db")
        with database.begin() as tx:
            tx.execute(text("CREATE TABLE one (id INTEGER)"))
        assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
            "bot.db": 0o600,
            "bot.db-wal": 0o600,
            "bot.db-shm": 0o600,
        }
        database.close()
    finally:
        os.umask(before)


COMES_AND_GOES = """
import sqlite3, sys
from tests.waiting import until
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
connection.close()
"""


def test_the_database_is_for_its_owner_alone_behind_a_link_to_where_nothing_is_yet(tmp_path: Path) -> None:
    volume, link = tmp_path / "volume", tmp_path / "reportbot.db"
    volume.mkdir()
    link.symlink_to(volume / "real.db")
    database = Database(f"sqlite:///{link}")
    before = os.umask(0o022)
    try:
        with database.begin() as tx:
            tx.execute(text("CREATE TABLE a (b)"))
    finally:
        os.umask(before)
        database.close()

    assert (volume / "real.db").stat().st_mode & 0o777 == 0o600


def test_a_store_that_is_opened_takes_no_locks_away_from_another(tmp_path: Path) -> None:
    """Else a process that ends takes itself for the last one, and deletes the log into which others still write."""
    path = tmp_path / "bot.db"
    with closing(Database(f"sqlite:///{path}")) as one, closing(Database(f"sqlite:///{path}")) as other:
        with one.begin() as tx:
            tx.execute(text("CREATE TABLE one (id INTEGER)"))
        with other.read() as tx:
            tx.execute(text("SELECT * FROM one"))

        subprocess.run([sys.executable, "-c", COMES_AND_GOES, str(path)], check=True, timeout=30)

        assert path.with_name(f"{path.name}-wal").exists()
        with one.begin() as tx:
            tx.execute(text("INSERT INTO one VALUES (1)"))
        with closing(sqlite3.connect(path)) as outside:
            assert outside.execute("SELECT id FROM one").fetchall() == [(1,)]


def test_threads_that_open_a_new_database_at_once_keep_their_locks(tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"{number}.db"
        with closing(Database(f"sqlite:///{path}")) as database:
            ready = threading.Barrier(4)

            def write(key: int, database: Database = database, ready: threading.Barrier = ready) -> None:
                ready.wait(10)
                with database.begin() as tx:
                    tx.execute(text(f"CREATE TABLE t{key} (id INTEGER)"))

            threads = [threading.Thread(target=write, args=(key,)) for key in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            subprocess.run([sys.executable, "-c", COMES_AND_GOES, str(path)], check=True, timeout=30)

            assert path.with_name(f"{path.name}-wal").exists()
