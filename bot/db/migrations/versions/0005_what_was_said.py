"""What each try of a post said, as fingerprints: so that its message is told from all others of the same space."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("posts", sa.Column("said", sa.Text(), nullable=True))
    op.create_index("ix_posts_state", "posts", ["state"])
