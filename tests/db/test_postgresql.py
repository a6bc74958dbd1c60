"""What a transaction promises on PostgreSQL: whole or not at all, one writer, one snapshot, on the disk at its end."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError

from bot.db import migrations
from bot.db import postgresql as server_module
from bot.db.database import Database
from bot.errors import DatabaseUnavailable
from tests.postgresql import MISSING, available, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from bot.db.database import Transaction
    from tests.postgresql import Databases

    Use = Callable[[], AbstractContextManager[Transaction]]

pytestmark = pytest.mark.sqlite("no test of this file has a bot: once is enough")

ADD = text("INSERT INTO things VALUES (1)")
COUNT = text("SELECT count(*) FROM things")
ONE = text("SELECT 1")
WRITTEN = text("SELECT pg_current_wal_insert_lsn() - '0/0'")
ON_DISK = text("SELECT pg_current_wal_flush_lsn() - '0/0'")


@pytest.fixture
def processes(postgresql: Databases) -> Iterator[list[Database]]:
    url = postgresql.empty()
    found = [Database(url), Database(url)]
    _make_table(found[0])
    yield found
    for one in found:
        one.close()
    postgresql.take_back()


def _make_table(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(text("CREATE TABLE things (id integer)"))


def _count(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(COUNT).scalar_one())


def test_what_raises_is_undone(processes: list[Database]) -> None:
    def fail() -> None:
        with processes[0].begin() as tx:
            tx.execute(ADD)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert _count(processes[0]) == 0


def test_another_process_writes_when_this_one_has_committed(processes: list[Database]) -> None:
    here, there = processes
    seen: list[int] = []

    def count_and_add() -> None:
        with there.begin() as tx:
            seen.append(tx.execute(COUNT).scalar_one())
            tx.execute(ADD)

    with here.begin() as tx:
        other = threading.Thread(target=count_and_add)
        other.start()
        other.join(0.3)
        assert other.is_alive()
        tx.execute(ADD)
    other.join()

    assert seen == [1]
    assert _count(here) == 2


def test_a_reader_sees_one_snapshot_and_cannot_write(processes: list[Database]) -> None:
    here, there = processes
    with here.read() as tx:
        before = tx.execute(COUNT).scalar_one()
        with there.begin() as writing:
            writing.execute(ADD)
        assert tx.execute(COUNT).scalar_one() == before
    assert _count(here) == before + 1

    with pytest.raises(DatabaseUnavailable), here.read() as tx:
        tx.execute(ADD)


def test_a_broken_transaction_harms_no_later_one(processes: list[Database]) -> None:
    with pytest.raises(DBAPIError), processes[0].begin() as tx:
        tx.execute(text("SELECT * FROM nothing"))

    with processes[0].begin() as tx:
        tx.execute(ADD)
    assert _count(processes[0]) == 1


@pytest.mark.skipif(not available(), reason=MISSING)
def test_what_is_committed_is_on_the_disk() -> None:
    with server(synchronous_commit="on", wal_writer_delay="10s") as running:
        database = Database(running.url.render_as_string(hide_password=False))
        _make_table(database)
        with database.begin() as tx:
            tx.execute(ADD)
            written = tx.execute(WRITTEN).scalar_one()
        with database.read() as tx:
            assert tx.execute(ON_DISK).scalar_one() > written
        with database.begin(durable=False) as tx:
            tx.execute(ADD)
            written = tx.execute(WRITTEN).scalar_one()
        with database.read() as tx:
            assert tx.execute(ON_DISK).scalar_one() < written
        database.close()


@pytest.mark.skipif(not available(), reason=MISSING)
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_restart_of_the_server_that_nobody_saw_is_no_error(how: str) -> None:
    with server() as running:
        database = Database(running.url.render_as_string(hide_password=False))
        uses: tuple[Use, ...] = (database.begin, database.read, partial(database.read, snapshot=False))
        for use in uses:
            with use(), database.read():  # two connections, which are kept
                pass
            running.stop(how)
            running.start()
            with use() as tx:
                assert tx.execute(ONE).scalar_one() == 1
        database.close()


def test_a_server_that_hangs_is_out_of_reach_until_it_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(server_module, "CONNECT_SECONDS", 2)
    with server() as running:
        database = Database(running.url.render_as_string(hide_password=False))
        _make_table(database)
        with running.paused():
            with pytest.raises(DatabaseUnavailable), database.read():
                pass
            with pytest.raises(DatabaseUnavailable), database.begin():
                pass
        with database.begin() as tx:
            tx.execute(ADD)
        assert _count(database) == 1
        database.close()


def test_only_what_was_told_so_may_take_longer(processes: list[Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "ANSWER_SECONDS", 0.2)
    slow = text("SELECT pg_sleep(0.6)")

    def run(*, take_time: bool) -> None:
        with processes[0].begin() as tx:
            if take_time:
                tx.take_time()
            tx.execute(slow)

    run(take_time=True)
    with pytest.raises(DatabaseUnavailable):
        run(take_time=False)


def test_the_server_plans_a_statement_that_is_often_used_once(processes: list[Database]) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT count(*) FROM things'")
    for _ in range(7):
        assert _count(processes[0]) == 0
    with processes[0].read() as tx:
        assert tx.execute(prepared).scalar_one() == 1


def test_a_result_is_described_when_somebody_asks(processes: list[Database]) -> None:
    with closing(processes[0].server.own_connection()) as connection:
        rows = connection.execute("SELECT 1 AS one, 'a' AS two").description
        assert rows is not None
        assert [(column.name, column[0]) for column in rows] == [("one", "one"), ("two", "two")]
        assert connection.execute("SET LOCAL lock_timeout = 0").description is None


def test_a_user_who_may_not_make_tables_is_told_the_cause(postgresql: Databases) -> None:
    """Since PostgreSQL 15 only the database's owner may, unless told otherwise."""
    address = postgresql.empty()
    owner = Database(address)
    name = f"weak_{os.getpid()}"
    with owner.begin() as tx:
        tx.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'"))
        tx.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    url = make_url(address).set(username=name, password=name)
    weak = Database(url.render_as_string(hide_password=False))
    try:
        with pytest.raises(DatabaseUnavailable) as refused:
            migrations.upgrade(weak)
        assert "The cause: permission denied for schema public" in refused.value.in_full
        assert "permission" not in refused.value.sentence, "people in Webex read that"
    finally:
        weak.close()
        with owner.begin() as tx:
            tx.execute(text(f"DROP ROLE {name}"))
        owner.close()
        postgresql.take_back()


def test_a_server_that_cannot_be_written_to_gets_no_connection(postgresql: Databases) -> None:
    """As a standby to which the server's name still leads after a failover: a connection to it would stay there."""
    url = postgresql.empty()
    owner, name = Database(url), make_url(url).database
    _make_table(owner)

    def set_read_only(value: str) -> None:
        with owner.read(snapshot=False) as tx:
            tx.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'))

    set_read_only("on")
    late = Database(url)
    with pytest.raises(DatabaseUnavailable) as refused, late.read() as tx:
        tx.execute(COUNT)
    assert "read-only" in str(refused.value.cause)

    set_read_only("off")
    with late.begin() as tx:
        tx.execute(ADD)
    assert _count(late) == 1
    late.close()
    owner.close()
    postgresql.take_back()


def test_of_several_hosts_in_the_url_the_one_that_answers_is_taken(postgresql: Databases) -> None:
    url = make_url(postgresql.empty())
    hosts = {"host": f"{url.host},{url.host}", "port": f"1,{url.port}"}
    several = URL.create(url.drivername, url.username, url.password, database=url.database, query=hosts)
    database = Database(several.render_as_string(hide_password=False))
    _make_table(database)
    assert _count(database) == 0
    database.close()
    postgresql.take_back()


@pytest.mark.parametrize(
    ("parameter", "shows"),
    [
        ("application_name=mine", ("application_name", "mine")),
        ("options=-c%20work_mem%3D1234kB", ("work_mem", "1234kB")),
        ("options=-c%20work_mem%3D1234kB", ("idle_in_transaction_session_timeout", f"{server_module.IDLE_SECONDS}s")),
        (
            "options=-c%20default_transaction_read_only%3Don&target_session_attrs=any",
            ("default_transaction_read_only", "on"),
        ),
    ],
)
def test_parameters_in_the_url_count(postgresql: Databases, parameter: str, shows: tuple[str, str]) -> None:
    database = Database(f"{postgresql.empty()}?{parameter}")
    name, value = shows
    with database.read() as tx:
        assert tx.execute(text(f"SHOW {name}")).scalar_one() == value
    database.close()
    postgresql.take_back()
