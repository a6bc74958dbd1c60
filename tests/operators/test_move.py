"""``reportbot migrate`` carries every row over to an empty database, or nothing; with the bot stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from bot.access.token_store import FACT, derived
from bot.cli.main import main
from bot.cli.migrate import MARKED
from bot.db import key_values, migrations
from bot.db.database import Database
from bot.ops import move as moving
from bot.ops.checks import data_dir
from bot.ops.checks.doctor_line import Setup, State
from bot.ops.move import NotMoved, all_tables, move, shown
from tests.db.test_retention_of_each_table import TABLES, row
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.ops.checks.doctor_line import Found
    from tests.postgresql import Databases
    from tests.stepped_bot import SteppedBot

pytestmark = pytest.mark.sqlite("the bot of these tests moves from SQLite, to a PostgreSQL of their own")
KEY = "k" * 64
MANY = 1200
"""Rows of one table, more than are copied at once."""


@pytest.fixture
def target(postgresql: Databases) -> Iterator[str]:
    url = postgresql.empty()
    yield url
    postgresql.take_back()


@pytest.fixture
def source(machine: SteppedBot) -> str:
    """A database of a bot that has worked and was stopped, with a row in every table."""
    live = machine.setup
    report = live.partner_report()
    pending = live.partner_report(status="waiting")
    for text_ in (f"report {report.id}", f"report {pending.id}", "help"):
        machine.receive(live.ada, text_)
    machine.work()
    now = machine.clock()
    with machine.database.begin() as tx:
        for table in all_tables():
            if tx.execute(select(table).limit(1)).first() is None:
                tx.execute(table.insert().values(row(table, now)))
        old = row(TABLES["deliveries"], now) | {"id": 2, "origin": "y", "reference": "y", "leader_id": 1}
        tx.execute(TABLES["deliveries"].insert().values(old))
        many = [
            row(TABLES["events"], now) | {"id": number + 1000, "data_id": f"m{number} \N{SNOWMAN} 'ö'"}
            for number in range(MANY)
        ]
        tx.execute(TABLES["events"].insert(), many)
        token = derived([KEY.encode()], FACT).encrypt(b"the refresh token").decode()
        key_values.set(tx, FACT, token, now)
    machine.stop()
    (live.folder / "secret.key").write_text(KEY)
    return live.settings().database_url.get_secret_value()


def all_rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    database = Database(url)
    try:
        with database.read() as tx:
            return {table.name: sorted(map(tuple, tx.execute(select(table))), key=repr) for table in all_tables()}
    finally:
        database.close()


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["migrate", *words]) == code
    told = capsys.readouterr()
    return told.err if code else told.out


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://bot:secret@127.0.0.1:5433/reportbot", "PostgreSQL (127.0.0.1:5433/reportbot)"),
        ("postgresql://bot@db.example.com/reportbot", "PostgreSQL (db.example.com/reportbot)"),
        ("postgresql:///reportbot", "PostgreSQL (this machine/reportbot)"),
        ("sqlite:////var/lib/reportbot.db", "SQLite (/var/lib/reportbot.db)"),
    ],
)
def test_a_database_is_named_with_its_port_and_without_its_user(url: str, name: str) -> None:
    assert shown(url) == name


def with_password(url: str) -> str:
    return url.replace("postgres@", "postgres:m4rk3d-password@")


def test_every_row_of_every_table_is_carried_over(
    source: str, target: str, machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    before = all_rows(source)
    said = run(capsys, "--from", source, "--to", with_password(target))

    assert all_rows(target) == before
    lines = dict(line.replace(",", "").split() for line in said.splitlines()[: len(before)])
    assert lines == {name: str(len(rows)) for name, rows in before.items()}
    total = f"{sum(map(len, before.values())):,}"
    assert f"Carried over {total} rows from SQLite ({machine.setup.folder}/reportbot.db) to PostgreSQL (127" in said
    assert f"Set SECRET_KEY to the content of {machine.setup.folder}/secret.key" in said
    assert "NUL" not in said
    assert "m4rk3d" not in said
    assert KEY not in said
    database = Database(target)
    with database.read() as tx:
        kept = key_values.get(tx, FACT) or ""
    assert derived([KEY.encode()], FACT).decrypt(kept.encode()) == b"the refresh token"
    with database.begin() as tx:  # the next row is numbered after those that came, in each table
        for table in all_tables():
            (*others, key) = table.primary_key.columns
            if others or key.name != "id":
                continue
            values = {name: value for name, value in row(table, machine.clock()).items() if name != "id"}
            fresh = {name: f"new {value}" if value == "x" else value for name, value in values.items()}
            made = tx.execute(table.insert().values(fresh).returning(key)).scalar_one()
            assert made == max(one[0] for one in before[table.name]) + 1, table.name
    with pytest.raises(DBAPIError, match="append-only"), database.begin() as tx:
        tx.execute(text("DELETE FROM audit"))
    database.close()


def test_the_old_database_is_marked_as_a_backup(source: str, target: str, machine: SteppedBot) -> None:
    before = all_rows(source)
    move(source, target, machine.clock(), lambda _: None)
    after = all_rows(source)
    assert {name for name in before if before[name] != after[name]} == {"facts"}
    assert [one[0] for one in after["facts"] if one not in before["facts"]] == [key_values.RESTORED]


def test_who_carries_it_over_a_second_time_is_told_that_the_new_one_is_marked(
    source: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert MARKED not in run(capsys, "--from", source, "--to", f"sqlite:///{tmp_path}/wrong.db")
    assert MARKED in run(capsys, "--from", source, "--to", target)
    assert key_values.RESTORED in [one[0] for one in all_rows(target)["facts"]]


def test_a_rehearsal_with_a_copy_marks_nothing_else(
    source: str, target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", str(tmp_path / "copy.db")]) == 0
    assert MARKED in run(capsys, "--from", f"sqlite:///{tmp_path}/copy.db", "--to", target)
    assert key_values.RESTORED not in [one[0] for one in all_rows(source)["facts"]]


def test_characters_that_postgresql_cannot_hold_are_replaced_and_told(
    source: str, target: str, machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.closing(sqlite3.connect(machine.setup.folder / "reportbot.db")) as opened:
        opened.execute("UPDATE reports SET title = 'a' || char(0) || 'b'")
        changed = opened.total_changes
        opened.commit()
    said = run(capsys, "--from", source, "--to", target)
    assert f"{changed} texts had a NUL character" in said
    assert {one[3] for one in all_rows(target)["reports"]} == {"a\N{REPLACEMENT CHARACTER}b"}


def test_it_refuses_while_a_process_has_the_database_open(source: str, target: str, machine: SteppedBot) -> None:
    """An idle one, too: the web process keeps its connections open."""
    code = (
        "import sys; from bot.db.database import Database; d = Database(sys.argv[1])\n"
        "with d.read(): pass\n"
        "print('open', flush=True); sys.stdin.read(1)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(NotMoved, match=r"Another process has .* open. Stop the bot"):
            move(source, target, machine.clock(), lambda _: None)
    finally:
        other.communicate("x")
    move(source, target, machine.clock(), lambda _: None)


def test_nobody_stores_anything_in_the_old_database_meanwhile(source: str, target: str, machine: SteppedBot) -> None:
    failed: list[str] = []

    def starts_the_bot(_: object) -> None:
        with contextlib.closing(sqlite3.connect(machine.setup.folder / "reportbot.db", timeout=0)) as opened:
            try:
                opened.execute("SELECT 1 FROM facts")
            except sqlite3.OperationalError as error:
                failed.append(str(error))

    move(source, target, machine.clock(), starts_the_bot)
    assert failed == ["database is locked"] * len(all_tables())


def test_a_target_with_rows_is_refused(source: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--from", source, "--to", target)
    before = all_rows(target)
    assert "is not empty: " in run(capsys, "--from", source, "--to", with_password(target), code=1)
    assert all_rows(target) == before


@pytest.mark.parametrize(
    ("given", "new", "told"),
    [
        ("sqlite:////none/here.db", "{target}", (1, "There is no database")),
        ("{source}", "{source}", (1, "are the same database")),
        ("{source}", "mysql://u:m4rk3d-password@h/d", (2, "--to is not a database that the bot knows")),
        ("{source}", "postgresql://u:m4rk3d-password@127.0.0.1:9/d", (1, "Nothing was carried over")),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], given: str, new: str, told: tuple[int, str]
) -> None:
    known = {name: request.getfixturevalue(name) for name in ("source", "target")}
    code, words = told
    said = run(capsys, "--from", given.format(**known), "--to", new.format(**known), code=code)
    assert words in said
    assert "m4rk3d" not in said
    assert "Traceback" not in said


def test_an_address_that_cannot_be_read_is_a_wrong_setting_and_not_shown(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--from", source, "--to", "postgresql://bot:p@Zebra99@127.0.0.1:port/db")
    said = run(capsys, *words, code=2)
    assert "--to is not a database address that can be read" in said
    assert "Zebra99" not in said


def test_a_database_that_cannot_store_every_letter_is_refused_and_named_by_the_doctor(
    source: str, target: str, postgresql: Databases, machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = postgresql.empty("LATIN1")
    said = run(capsys, "--from", source, "--to", narrow, code=1)
    assert "encoding is LATIN1, which can't store every letter" in said
    assert "ENCODING 'UTF8' TEMPLATE template0" in said
    assert found_by_doctor(machine, narrow) == (State.FAILED, said.partition(": ")[2].partition(": ")[2].strip())
    migrations.upgrade(Database(narrow))
    assert found_by_doctor(machine, narrow)[1].endswith("pg_dump and pg_restore while the bot is stopped.")
    for one in (target, postgresql.empty("SQL_ASCII")):
        assert found_by_doctor(machine, one)[0] is State.NOTE


def found_by_doctor(machine: SteppedBot, url: str) -> Found:
    """Return what the line about the database says of this one."""
    database = Database(url)
    setup = replace(Setup(machine.services.settings, *[None] * 8), database=database)  # type: ignore[arg-type]
    (line,) = data_dir.database(setup)
    database.close()
    return line.state, line.text


def test_one_address_alone_is_refused(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--from and --to belong together" in run(capsys, "--from", source, code=2)


def test_without_addresses_it_migrates_the_schema(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys) == f"The database is at {migrations.newest()}.\n"


def test_a_difference_undoes_everything(
    source: str, target: str, machine: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last table has another value than the old database: nothing of the others is there either."""
    compare = moving._compare

    def changed_behind_its_back(tx: Any, table: Any, wanted: Any) -> None:
        if table.name == "jobs":
            tx.execute(text("UPDATE jobs SET attempt = attempt + 1"))
        compare(tx, table, wanted)

    monkeypatch.setattr(moving, "_compare", changed_behind_its_back)
    with pytest.raises(NotMoved, match="A row of jobs differs"):
        move(source, target, machine.clock(), lambda _: None)
    assert {name: rows for name, rows in all_rows(target).items() if rows} == {}
    assert key_values.RESTORED not in [one[0] for one in all_rows(source)["facts"]]


def test_a_kill_in_the_middle_leaves_nothing_and_it_may_be_done_again(
    source: str, target: str, machine: SteppedBot
) -> None:
    code = (
        "import os, signal, sys; from bot.app import now; from bot.ops.move import move\n"
        "def tell(one):\n"
        "    if one.table == 'reports': os.kill(os.getpid(), signal.SIGKILL)\n"
        "move(sys.argv[1], sys.argv[2], now(), tell)"
    )
    done = subprocess.run([sys.executable, "-c", code, source, target], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    before = all_rows(source)
    until(lambda: not any(all_rows(target).values()), "the server has noticed")
    move(source, target, machine.clock(), lambda _: None)
    assert all_rows(target) == before


def test_the_way_back_is_the_same(source: str, target: str, machine: SteppedBot, tmp_path: Path) -> None:
    before = all_rows(source)
    move(source, target, machine.clock(), lambda _: None)
    back = f"sqlite:///{tmp_path / 'back.db'}"
    database = Database(target)
    with database.begin() as tx:
        key_values.set(tx, key_values.WORKER_SEEN, "", machine.clock())
    with pytest.raises(NotMoved, match="The bot runs, or has just ended"):
        move(target, back, machine.clock(), lambda _: None)
    database.close()

    machine.clock.turn(600)
    move(target, back, machine.clock(), lambda _: None)
    after = all_rows(back)
    assert {name for name in before if before[name] != after[name]} == {"facts"}


def test_writers_of_postgresql_wait_for_the_move_and_find_rows_or_none(
    source: str, target: str, machine: SteppedBot
) -> None:
    """A process that begins on the target meanwhile waits, so its first rows are not in the way."""
    engine = create_engine(target.replace("postgresql://", "postgresql+psycopg://"))
    seen: list[int] = []

    def look(_: object) -> None:
        with engine.connect() as other:
            seen.append(other.execute(text("SELECT count(*) FROM events")).scalar_one())

    thread_alive = threading.active_count()
    move(source, target, machine.clock(), look)
    assert set(seen) == {0}
    with engine.connect() as other:
        assert other.execute(text("SELECT count(*) FROM events")).scalar_one() > MANY
    engine.dispose()
    assert threading.active_count() == thread_alive
