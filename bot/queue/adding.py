"""A row that is added to PostgreSQL with its job: one statement."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, Text, bindparam, cast, literal, select
from sqlalchemy.dialects.postgresql import insert

from bot.queue.statements import NEXT_PLACE, jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Executable, Table

    from bot.queue.jobs import RowWithJob


@cache
def adds(table: Table, names: tuple[str, ...], unique: tuple[str, ...], task: str) -> Executable:
    """Return the statement for a row with the columns ``names``; its row count is that of the jobs."""
    (primary_key,) = table.primary_key.columns
    added = (
        insert(table)
        .values({name: bindparam(_of_row(name), type_=table.c[name].type) for name in names})
        .on_conflict_do_nothing(index_elements=unique)
        .returning(primary_key.label("row_id"))
        .cte()
    )
    due = bindparam("of_due", type_=Float)
    job = {
        "task": literal(task),
        "key": cast(added.c.row_id, Text),
        "lock": bindparam("of_lock", type_=Text),
        "person": bindparam("of_person", type_=Text),
        "due": due,
        "since": due,
        "place": NEXT_PLACE,
        "attempt": literal(1),
    }
    return insert(jobs).from_select(list(job), select(*job.values()).select_from(added))


def values_of(row: RowWithJob, due: float) -> Mapping[str, Any]:
    """Return the statement's parameters."""
    of_row = {_of_row(name): value for name, value in row.values.items()}
    return of_row | {"of_lock": row.lock, "of_person": row.person, "of_due": due}


def _of_row(name: str) -> str:
    return f"row_{name}"
