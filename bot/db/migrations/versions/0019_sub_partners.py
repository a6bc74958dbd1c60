"""Reports, runs, subscriptions and schedules say for which sub-partner organization Webex is asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("reports", "runs", "subscriptions", "schedules"):
        op.add_column(table, sa.Column("on_behalf_of", sa.Text))
