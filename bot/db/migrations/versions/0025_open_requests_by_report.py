"""Find a report's open requests by its ID: the index of the open ones had nothing but their state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.drop_index("ix_requests_open", "requests")
    op.create_index("ix_requests_open", "requests", ["report_id"], sqlite_where=OPEN, postgresql_where=OPEN)
