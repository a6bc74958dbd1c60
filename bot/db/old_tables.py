"""Tables of version 0.1.0: kept for one release, since its processes may still run during an upgrade."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false, true

from bot.db.tables import Id, metadata
from bot.db.utc_datetime import UtcDateTime

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("origin", Text, nullable=False, unique=True),
    Column("asker_id", Text, nullable=False),
    Column("room_id", Text),
    Column("room_type", Text),
    Column("parent_id", Text),
    Column("report_id", Text, nullable=False),
    Column("family", Text),
    Column("region", Text),
    Column("title", Text),
    Column("status", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("leader_id", Id, ForeignKey("deliveries.id")),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("carded", Boolean, nullable=False, server_default=true()),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("next_look_at", UtcDateTime),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("missing", Integer, nullable=False, server_default="0"),
    Column("ready_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Column("size", BigInteger),
    Column("sha256", Text),
    Column("kind", Text),
    Column("card_key", Text),
    Index("ix_deliveries_state", "state"),
    Index("ix_deliveries_report_id", "report_id"),
    Index("ix_deliveries_leader_id", "leader_id"),
)

posts = Table(
    "posts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("room_id", Text),
    Column("person_id", Text),
    Column("parent_id", Text),
    Column("direct", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("message_id", Text),
    Column("intended_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("shows", Text),
    Column("said", Text),
    Index("ix_posts_message_id", "message_id"),
    Index("ix_posts_state", "state"),
)
