"""Statements that each database spells in its own way, built once: building one holds up the other writers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Executable, Table


@cache
def insert_once(table: Table, conflict: tuple[str, ...], dialect: str) -> Executable:
    """Return an INSERT that gives the row's ID, or nothing where a row like it is there. Columns come as parameters."""
    (key,) = table.primary_key.columns
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing(index_elements=conflict or None).returning(key)


@cache
def upsert(
    table: Table, columns: tuple[str, ...], conflict: tuple[str, ...], keep: tuple[str, ...], dialect: str
) -> Executable:
    """Return an INSERT of these columns that changes the row with the same ``conflict`` columns if it is there.

    Of the columns ``keep`` a value that is there stays.
    """
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    changed = {
        name: func.coalesce(table.c[name], insert.excluded[name]) if name in keep else insert.excluded[name]
        for name in columns
        if name not in conflict
    }
    return insert.on_conflict_do_update(index_elements=conflict, set_=changed)
