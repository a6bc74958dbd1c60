"""In whose turn a job runs. Jobs from before are nobody's: they take turns as one person's do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("person", sa.Text(), nullable=False, server_default=""))
    op.create_index("jobs_turn", "jobs", ["task", "person", "due", "place", "lock"])
