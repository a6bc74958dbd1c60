"""Make the tables of outbound events: the webhooks that other systems have registered, and what is sent to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("key_id", Id, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("secret_number", sa.Integer, nullable=False, server_default="1"),
        sa.Column("rotated_at", UtcDateTime),
        sa.Column("failing_since", UtcDateTime),
        sa.Column("not_before", UtcDateTime),
        sa.Column("disabled_at", UtcDateTime),
        sa.Column("disabled_reason", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("reference", name=op.f("uq_webhooks_reference")),
    )
    op.create_table(
        "outbound_events",
        sa.Column("id", Id, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("webhook_id", Id, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime),
        sa.Column("last_status", sa.Integer),
        sa.Column("answer", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbound_events_event_id")),
    )
    op.create_index("ix_outbound_events_webhook_id_state", "outbound_events", ["webhook_id", "state"])
