"""The audit keeps its rows under every name of their number, and holds no id of a 1:1 space.

SQLite knows a row's number as ``rowid``, ``_rowid_`` and ``oid``, too, and a trigger that lists columns sees none of
these: with ``UPDATE OR REPLACE`` one row could be put in another's place. A 1:1 space's id leads to its person as
surely as their own does, so it would undo ``forget``: in its place stands a plain word.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A later migration that changes the table in batch mode (SQLite) makes it again: it must make the triggers again, too.
FIXED = ("id", "at", "door", "room_id", "act", "report_id", "outcome", "reference", "tracking")
SQLITE = f"""CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
   WHEN {" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in FIXED)}
   BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"""
DIRECT, DIRECT_SPACE = "direct", "1:1"
"""Webex's type of such a space, and the audit's word for it; see bot/db/audit.py."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_update")
        _forget_direct_spaces()
        op.execute(SQLITE)
    else:
        op.execute("ALTER TABLE audit DISABLE TRIGGER audit_no_update")
        _forget_direct_spaces()
        op.execute("ALTER TABLE audit ENABLE TRIGGER audit_no_update")


def _forget_direct_spaces() -> None:
    """What the ledger knows to be a 1:1 space; what it does not know stays as it is."""
    room, kind = sa.column("room_id", sa.Text()), sa.column("room_type", sa.Text())
    direct = sa.column("direct", sa.Boolean())
    known = sa.union(
        *(sa.select(room).select_from(sa.table(name)).where(kind == DIRECT) for name in ("events", "deliveries")),
        sa.select(room).select_from(sa.table("posts")).where(direct),
    ).subquery()
    audit = sa.table("audit", sa.column("room_id"))
    op.execute(sa.update(audit).where(audit.c.room_id.in_(sa.select(known.c.room_id))).values(room_id=DIRECT_SPACE))
