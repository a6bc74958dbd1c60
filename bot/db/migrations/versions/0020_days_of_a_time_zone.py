"""Keep of a schedule whether its template takes a time zone, so that its days are those of the schedule's zone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedules", sa.Column("takes_time_zone", sa.Boolean, nullable=False, server_default=sa.false()))
