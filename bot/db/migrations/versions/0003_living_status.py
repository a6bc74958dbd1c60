"""Which post is a request's card now, and what a card says: so that the card follows the request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("card_key", sa.Text(), nullable=True))
    op.add_column("posts", sa.Column("shows", sa.Text(), nullable=True))
