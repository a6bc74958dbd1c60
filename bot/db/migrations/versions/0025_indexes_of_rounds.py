"""Find a report's open requests, and messages without an outcome, by an index: rounds looked through all rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")
OF_A_REPORT = ("state", "report_id", "found_at", "asked_at", "deadline_at")
INTENDED = sa.text("state = 'intended'")


def upgrade() -> None:
    op.create_index("ix_requests_open_report", "requests", OF_A_REPORT, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_messages_intended", "messages", ["tried_at"], sqlite_where=INTENDED, postgresql_where=INTENDED)
