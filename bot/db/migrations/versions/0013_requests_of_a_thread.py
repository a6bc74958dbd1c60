"""Find the requests of a thread: a command without a report means its thread's."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_requests_thread_id", "requests", ["thread_id"])
