"""The audit, and the triggers that keep it append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A later migration that changes the table in batch mode (SQLite) makes it again: it must make the triggers again, too.
FIXED = "id, at, door, room_id, act, report_id, outcome, reference, tracking"
PSEUDONYM = "forgotten-%"
"""What may take a person's place; see bot/ops/forget.py."""
KEPT_SINCE = "SELECT value FROM facts WHERE name = 'audit_kept_since'"
"""Noted by the retention before it deletes; see bot/db/audit.py."""

SQLITE = (
    # INSERT OR REPLACE would delete without asking the DELETE trigger.
    """CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
       WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
       BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE OF {FIXED} ON audit
       BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    f"""CREATE TRIGGER audit_person_only_forgotten BEFORE UPDATE OF person_id ON audit
       WHEN NEW.person_id IS NULL OR NEW.person_id NOT LIKE '{PSEUDONYM}'
         OR OLD.person_id IS NULL OR OLD.person_id LIKE '{PSEUDONYM}'
       BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    f"""CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
       WHEN OLD.at >= coalesce(({KEPT_SINCE}), '')
       BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
)

POSTGRESQL = (
    """CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'restrict_violation'; END $$""",
    f"""CREATE TRIGGER audit_no_update BEFORE UPDATE OF {FIXED} ON audit
       FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    f"""CREATE TRIGGER audit_person_only_forgotten BEFORE UPDATE OF person_id ON audit FOR EACH ROW
       WHEN (NEW.person_id IS NULL OR NEW.person_id NOT LIKE '{PSEUDONYM}'
         OR OLD.person_id IS NULL OR OLD.person_id LIKE '{PSEUDONYM}')
       EXECUTE FUNCTION audit_append_only()""",
    # A trigger's WHEN takes no subquery there, so this one has its own function.
    f"""CREATE FUNCTION audit_delete_only_old() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
         IF OLD.at < ({KEPT_SINCE})::timestamptz THEN RETURN OLD; END IF;
         RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'restrict_violation';
       END $$""",
    """CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
       FOR EACH ROW EXECUTE FUNCTION audit_delete_only_old()""",
    """CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
       FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()""",
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("room_id", sa.Text(), nullable=True),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_person_id", "audit", ["person_id"], unique=False)
    op.create_index("ix_audit_report_id", "audit", ["report_id"], unique=False)
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
