"""Make the tables of subscriptions and schedules; requests and runs say which of them they were made for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _shared() -> list[sa.Column[object]]:
    return [
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("event_key", sa.Text, nullable=False),
        sa.Column("person_id", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("room_type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="active"),
        sa.Column("pause_cause", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("resumed_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
    ]


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        *_shared(),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("family", sa.Text),
        sa.Column("region", sa.Text),
        sa.Column("card_only", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("muted_until", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("reference", name=op.f("uq_subscriptions_reference")),
        sa.UniqueConstraint("event_key", name=op.f("uq_subscriptions_event_key")),
    )
    op.create_table(
        "schedules",
        *_shared(),
        sa.Column("name", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("template_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("region", sa.Text),
        sa.Column("sites", sa.Text),
        sa.Column("period", sa.Text),
        sa.Column("rrule", sa.Text, nullable=False),
        sa.Column("dtstart", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("only_if", sa.Text),
        sa.Column("next_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("reference", name=op.f("uq_schedules_reference")),
        sa.UniqueConstraint("event_key", name=op.f("uq_schedules_event_key")),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])
    op.create_table(
        "ready_reports",
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("report_id", sa.Text, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("family", "region", "report_id", name=op.f("pk_ready_reports")),
    )
    for table, name in (("requests", "subscription_id"), ("requests", "schedule_id"), ("runs", "schedule_id")):
        op.add_column(table, sa.Column(name, Id))
    for table, name in (("requests", "content"), ("requests", "cause"), ("runs", "why"), ("runs", "cause")):
        op.add_column(table, sa.Column(name, sa.Text))
    op.add_column("runs", sa.Column("planned_at", UtcDateTime))
    for table, name in (("requests", "subscription_id"), ("requests", "schedule_id"), ("runs", "schedule_id")):
        some = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_{table}_{name}", table, [name], sqlite_where=some, postgresql_where=some)
