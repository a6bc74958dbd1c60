"""What is read for each report is found by an index, and the statement says which one is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

from bot.db import reports, requests

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


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
def test_the_open_requests_of_a_report_are_found_however_many_are_open(stepped: SteppedBot) -> None:
    found: list[str] = []

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        found.extend(row[-1] for row in plan if "requests" in row[-1])

    with stepped.database.read() as tx:
        event.listen(Engine, "before_cursor_execute", note)
        try:
            requests.waiting_for(tx, "x", 1)
            reports.ready_and_awaited(tx)
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    assert found == ["SEARCH requests USING INDEX ix_requests_open (report_id=?)"] * 2
