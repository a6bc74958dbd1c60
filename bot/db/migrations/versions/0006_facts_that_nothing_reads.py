"""Delete the facts of mechanisms that are gone: moved spaces, shared pauses, one figure for each web process."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    facts = sa.table("facts", sa.column("name", sa.Text))
    for prefix in ("moved_space:", "unverified:", "brake:"):
        op.execute(facts.delete().where(facts.c.name.startswith(prefix, autoescape=True)))
