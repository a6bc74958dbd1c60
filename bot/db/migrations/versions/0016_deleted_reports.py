"""Keep when a report was deleted by the bot, and for whom: its thread says so instead of that it is unknown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("deleted_at", UtcDateTime))
    op.add_column("reports", sa.Column("deleted_by", sa.Text))
