"""Compare keys letter by letter on PostgreSQL: in a language's order, what begins with a key is in no range.

``tables.py`` does not say so: SQLAlchemy would write the collation behind each parameter.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("requests", "event_key", type_=sa.Text(collation="C"))
        op.alter_column("messages", "key", type_=sa.Text(collation="C"))
