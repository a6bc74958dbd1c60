"""Make the tables of incoming hooks and of their calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.db.utc_datetime import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("key_id", Id, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("room_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("family", sa.Text),
        sa.Column("template_id", sa.Text),
        sa.Column("period", sa.Text),
        sa.Column("sealed_secret", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("called_at", UtcDateTime),
        sa.Column("told_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
        sa.UniqueConstraint("reference", name=op.f("uq_hooks_reference")),
        sa.UniqueConstraint("sha256", name=op.f("uq_hooks_sha256")),
    )
    op.create_table(
        "hook_calls",
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("hook_id", Id, nullable=False),
        sa.Column("body_sha256", sa.Text, nullable=False),
        sa.Column("newest", sa.Integer),
        sa.Column("title", sa.Text),
        sa.Column("period", sa.Text),
        sa.Column("called_at", UtcDateTime, nullable=False),
        sa.Column("handled_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_calls")),
        sa.UniqueConstraint("reference", name=op.f("uq_hook_calls_reference")),
        sa.UniqueConstraint("hook_id", "body_sha256", "newest", name=op.f("uq_hook_calls_hook_id_body_sha256_newest")),
    )
