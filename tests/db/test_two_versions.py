"""Two versions run side by side during a deploy: a migration adds, so what the older one says to the database works."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, inspect, literal_column, select, update

from bot.db import migrations
from bot.db.database import Database
from tests.db.test_retention_of_each_table import TABLES, row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 29, tzinfo=UTC)
FIRST = "0010"
"""The migrations before ran beside no version that is still in use."""
ADDS = {"create_table", "create_index", "add_column", "f", "get_bind"}
"""``op.f`` gives a name."""
STAYS = {"audit"}
"""Tables whose rows nobody deletes or changes."""
OFTEN = 8
"""How often a statement runs on one connection until psycopg has the server prepare it, and more."""
NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{newest}", None, None

def upgrade():
    for name in sa.inspect(op.get_bind()).get_table_names():
        if name != "alembic_version":
            op.add_column(name, sa.Column("next_note", sa.Text))
            op.add_column(name, sa.Column("next_number", sa.Integer, nullable=False, server_default="7"))
    op.create_table("next_things", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.create_index("ix_events_next_note", "events", ["next_note"])
"""
UPGRADE = """
import pathlib, sys
from bot.db import migrations
from bot.db.database import Database
migrations.HERE = pathlib.Path(sys.argv[1])
database = Database(sys.argv[2])
migrations.upgrade(database)
database.close()
"""


def says_everything(database: Database, number: int) -> None:
    """Say what the program says to each table: add a row, read it, change it, delete it."""
    for table in TABLES.values():
        values = row(table, NOW)
        keys = list(table.primary_key.columns)
        values |= {column.key: number if isinstance(values[column.key], int) else f"k{number}" for column in keys}
        values |= {name: f"k{number}" for name, value in values.items() if value == "x"}
        which = [column == values[column.key] for column in keys]
        with database.begin() as tx:
            tx.execute(table.insert().values(values))
        with database.read() as tx:
            assert dict(zip(values, _only(tx.execute(_columns(table, values).where(*which))), strict=True)) == values
        if table.name not in STAYS:
            other = next(name for name in values if name not in {column.key for column in keys})
            with database.begin() as tx:
                assert tx.execute(update(table).where(*which).values({other: values[other]})).rowcount == 1
                assert tx.execute(delete(table).where(*which)).rowcount == 1


def _columns(table: Any, values: dict[str, Any]) -> Any:
    return select(*(table.c[name] for name in values))


def _only(result: Any) -> tuple[Any, ...]:
    return tuple(result.one())


def next_version_migrates(url: str, tmp_path: Path) -> None:
    """Migrate as the next version does, in a process of its own."""
    folder = tmp_path / "next"
    shutil.copytree(migrations.HERE, folder)
    (folder / "versions" / "9999_next.py").write_text(NEXT.format(newest=migrations.newest()))
    subprocess.run([sys.executable, "-c", UPGRADE, str(folder), url], check=True, timeout=60)


def test_the_older_version_goes_on_while_and_after_the_next_one_migrates(migrated_url: str, tmp_path: Path) -> None:
    database = Database(migrated_url)
    failed: list[BaseException] = []
    warm, over = threading.Event(), threading.Event()
    rounds = 0

    def once() -> None:
        nonlocal rounds
        rounds += 1
        says_everything(database, rounds)

    def works() -> None:
        try:
            for _ in range(OFTEN):
                once()
            warm.set()
            while not over.is_set():
                once()
            for _ in range(OFTEN):
                once()
        except BaseException as error:  # noqa: BLE001 told by the test
            failed.append(error)
            warm.set()

    working = threading.Thread(target=works)
    working.start()
    assert warm.wait(60)
    before = rounds
    next_version_migrates(migrated_url, tmp_path)
    after = rounds
    over.set()
    working.join()
    assert failed == []
    assert OFTEN <= before < after < rounds, "it worked before, meanwhile and afterwards"

    # A process of the older version that starts now, also to go back to it, leaves the schema as it is and works.
    database.close()
    migrations.upgrade(database)
    assert migrations.current(database) == "9999"
    says_everything(database, rounds + 1)
    with database.read() as tx:
        number: Any = literal_column("next_number")
        query = select(number, func.count()).select_from(TABLES["audit"]).group_by(number)
        assert [tuple(one) for one in tx.execute(query)] == [(7, rounds + 1)]
        assert "next_things" in inspect(tx.connection).get_table_names()
    database.close()


def test_a_migration_only_adds() -> None:
    """What another version reads or writes stays as it is; a column that is added may be left out of an INSERT."""
    for file in sorted((migrations.HERE / "versions").glob("*.py")):
        if file.name < FIRST:
            continue
        for call in _operations(ast.parse(file.read_text(encoding="utf-8"))):
            what = ast.unparse(call.func).removeprefix("op.")
            if what == "alter_column" and [one.arg for one in call.keywords] == ["type_"]:
                assert ast.unparse(call.keywords[0].value) == "sa.Text(collation='C')", "only in what order texts are"
                continue
            assert what in ADDS, f"{file.name}: {what}"
            if what == "add_column":
                column = call.args[1]
                assert isinstance(column, ast.Call), file.name
                given = {one.arg: ast.unparse(one.value) for one in column.keywords}
                assert given.get("nullable") != "False" or "server_default" in given, (
                    f"{file.name}: {ast.unparse(call)}"
                )


def _operations(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "op":
            assert isinstance(node, ast.Call)
            yield node
