"""Make the table of workers, and note who runs a job: with PostgreSQL there may be several."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("worker", sa.Text))
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
    )
