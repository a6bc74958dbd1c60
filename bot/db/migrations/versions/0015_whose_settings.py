"""Keep whose settings those of a 1:1 space are, so that they go when the person is forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("space_settings", sa.Column("person_id", sa.Text))
