"""What is read for each report is found by an index, and the statement says which one is right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

SCAN = re.compile(r"SCAN (requests|reports|messages|runs|events|audit)( USING .*)?")
"""How SQLite says that it reads a table, or an index of it, from end to end."""


def test_no_statement_is_prepared_anew_for_the_state_that_an_index_names(stepped: SteppedBot) -> None:
    """SQLite does so where the value of an index's condition is a parameter; PostgreSQL plans it anew."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):  # what others write may be such a state
            values = parameters.values() if isinstance(parameters, dict) else parameters
            found.extend((statement, value) for value in values if value in ("open", "deleted"))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}", stepped.setup.group)
        stepped.work()
        pending = stepped.setup.partner_report(status="waiting")
        stepped.receive(stepped.setup.ada, f"report {pending.id}", stepped.setup.group)
        stepped.work()
        stepped.world.set_report(pending.id, status="done")
        stepped.wait(60)
        stepped.sweep.once()
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert stepped.request(2).closed_at is not None
    assert found == []


@pytest.mark.sqlite("its way of saying how it reads")
def test_no_round_looks_through_what_is_over(stepped: SteppedBot) -> None:
    """Closed requests, their reports and messages are kept for long: only what is open or without outcome is read."""
    pending = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {pending.id}", stepped.setup.group)
    stepped.work()
    stepped.sweep.once()  # old rows are looked for once an hour, and now
    found: set[str] = set()

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            found.update(f"{row[-1]}: {statement}" for row in plan if SCAN.fullmatch(row[-1]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        stepped.wait(60)  # a look at the lists
        stepped.sweep.once()
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert found == set()
