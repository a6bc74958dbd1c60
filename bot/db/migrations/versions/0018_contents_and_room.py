"""Keep a hash of what is in a report's file, and which report a run deletes to make room for its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("content_hash", sa.Text))
    op.add_column("runs", sa.Column("makes_room", sa.Text))
