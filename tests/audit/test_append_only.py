"""The database itself refuses to change what was written; only retention and forgetting get through."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.db import audit
from bot.db.audit import Channel, Entry
from tests.audit.rows import rows

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


COLUMNS = "at, door, act, outcome) VALUES (1, '2026', 'chat', 'report', 'allowed')"


@pytest.fixture
def written(stepped: SteppedBot) -> SteppedBot:
    """Ten rows, a day apart; the newest is of now."""
    with stepped.database.begin() as tx:
        for age in range(9, -1, -1):
            entry = Entry(Channel.CHAT, "report", audit.ASKED, person_id="ada", report_id="r")
            audit.record(tx, entry, stepped.clock() - timedelta(days=age))
    return stepped


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET outcome = 'allowed'",
        "UPDATE audit SET at = '2020-01-01T00:00:00.000000+00:00'",
        "UPDATE audit SET id = id + 100",
        "UPDATE audit SET report_id = NULL",
        "UPDATE audit SET person_id = 'eve'",
        "UPDATE audit SET person_id = NULL",
        "UPDATE audit SET person_id = 'forgotten-1', outcome = 'allowed'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        *(
            pytest.param(statement, marks=pytest.mark.sqlite("its own words"))
            for statement in (
                "UPDATE audit SET rowid = rowid + 100",
                "UPDATE OR REPLACE audit SET rowid = 2 WHERE id = 1",
                "UPDATE OR REPLACE audit SET _rowid_ = 2 WHERE id = 1",
                "UPDATE OR REPLACE audit SET oid = 2 WHERE id = 1",
                "UPDATE OR REPLACE audit SET id = 2 WHERE id = 1",
                "UPDATE OR REPLACE audit SET person_id = 'forgotten-1', rowid = 2 WHERE id = 1",
                f"INSERT OR REPLACE INTO audit (rowid, {COLUMNS}",
                f"INSERT OR REPLACE INTO audit (id, {COLUMNS}",
            )
        ),
    ],
)
def test_the_database_refuses(written: SteppedBot, statement: str) -> None:
    before = rows(written)

    with pytest.raises(IntegrityError, match="append-only"), written.database.begin() as tx:
        tx.execute(text(statement))

    assert rows(written) == before
    assert len(before) == 10


def test_a_pseudonym_stays(written: SteppedBot) -> None:
    with written.database.begin() as tx:
        assert audit.rename(tx, "ada", "forgotten-1") == 10

    with pytest.raises(IntegrityError, match="append-only"), written.database.begin() as tx:
        audit.rename(tx, "forgotten-1", "forgotten-2")


def test_retention_deletes_what_is_old_and_nothing_else(written: SteppedBot) -> None:
    now = written.clock()
    with written.database.begin() as tx:
        assert audit.prune(tx, now - timedelta(days=5), now, 3) == 3
        assert audit.prune(tx, now - timedelta(days=5), now, 3) == 1
        assert audit.prune(tx, now - timedelta(days=5), now, 3) == 0

    assert [row.at for row in rows(written)] == [now - timedelta(days=age) for age in range(5, -1, -1)]
    with pytest.raises(IntegrityError, match="append-only"), written.database.begin() as tx:
        tx.execute(text("DELETE FROM audit"))
