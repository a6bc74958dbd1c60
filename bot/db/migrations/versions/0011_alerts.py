"""Make the table of open alerts. The worker moves what key_values holds into it, once no older version runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("firing_since", UtcDateTime),
        sa.Column("told_at", UtcDateTime),
        sa.Column("resolved_at", UtcDateTime),
        sa.PrimaryKeyConstraint("name", "digest", name=op.f("pk_alerts")),
    )
