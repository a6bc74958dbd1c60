"""Make the tables of runs, confirmations and settings of spaces; reports say how long they took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for name, kind in (("template_id", sa.Text), ("period_days", sa.Integer), ("seconds_to_ready", sa.Integer)):
        op.add_column("reports", sa.Column(name, kind))
    op.create_index("ix_reports_template_id", "reports", ["template_id"])
    op.create_table(
        "runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("event_key", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text),
        sa.Column("room_type", sa.Text),
        sa.Column("thread_id", sa.Text),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("template_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("start_date", sa.Text),
        sa.Column("end_date", sa.Text),
        sa.Column("region", sa.Text),
        sa.Column("sites", sa.Text),
        sa.Column("time_zone", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="open"),
        sa.Column("reason", sa.Text),
        sa.Column("report_id", sa.Text),
        sa.Column("asked_at", UtcDateTime, nullable=False),
        sa.Column("tried_at", UtcDateTime),
        sa.Column("closed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("reference", name=op.f("uq_runs_reference")),
        sa.UniqueConstraint("event_key", name=op.f("uq_runs_event_key")),
    )
    op.create_index("ix_runs_report_id", "runs", ["report_id"])
    open_ones = sa.text("state = 'open'")
    op.create_index("ix_runs_open", "runs", ["state"], sqlite_where=open_ones, postgresql_where=open_ones)
    op.create_table(
        "confirmations",
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("argument", sa.Text, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_by", sa.Text),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_confirmations")),
    )
    op.create_table(
        "space_settings",
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text),
        sa.Column("file_format", sa.Text),
        sa.Column("placement", sa.Text),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_space_settings")),
    )
