"""Which requests joined another one, by an index: without it each deleted request costs a look through all of them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deliveries_leader_id", "deliveries", ["leader_id"])
