"""The ledger's tables. Ids of Webex, states and times; no text of messages, no names, no links, no file content."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from bot.db.database import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("resource", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("data_id", Text, nullable=False),
    Column("room_id", Text),
    Column("room_type", Text),
    Column("person_id", Text),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False, server_default="new"),
    Column("outcome", Text),
    Column("settled_at", UtcDateTime),
    UniqueConstraint("resource", "event", "data_id"),
    Index("ix_events_state", "state"),
    Index("ix_events_received_at", "received_at", "person_id"),
)

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

key_values = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
)

# Append-only: the triggers of migration 0002 say so to the database.
audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("door", Text, nullable=False),
    Column("person_id", Text),
    Column("room_id", Text),
    Column("act", Text, nullable=False),
    Column("report_id", Text),
    Column("outcome", Text, nullable=False),
    Column("reference", Text),
    Column("tracking", Text),
    Index("ix_audit_at", "at"),
    Index("ix_audit_person_id", "person_id"),
    Index("ix_audit_report_id", "report_id"),
)
