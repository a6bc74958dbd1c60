"""The database's tables.

Webex's IDs, states and times; no text of messages, no names of people, no links, no file content.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
    true,
)

from bot.db.utc_datetime import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _index_of_some(table: str, column: str) -> Index:
    """Return an index of the rows in which a column has a value."""
    some = text(f"{column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=some, postgresql_where=some)


OPEN: Final = literal_column("'open'", Text)
DELETED: Final = literal_column("'deleted'", Text)
INTENDED: Final = literal_column("'intended'", Text)
"""What the conditions of some indexes name, written in the statement itself.

As a parameter, SQLite would prepare the statement anew at each call, since the index is right for one value only (up to
200 µs), and PostgreSQL would plan it anew.
"""
_OPEN_ROWS: Final = text("state = 'open'")
_INTENDED_ROWS: Final = text("state = 'intended'")

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

reports = Table(
    "reports",
    metadata,
    Column("report_id", Text, primary_key=True),
    Column("family", Text, nullable=False),
    Column("region", Text),
    Column("title", Text),
    Column("status", Text),
    Column("phase", Text, nullable=False),
    Column("details", Text),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("checks", Integer, nullable=False, server_default="0"),
    Column("missing", Integer, nullable=False, server_default="0"),
    Column("next_check_at", UtcDateTime),
    Column("ready_at", UtcDateTime),
    Column("file_size", BigInteger),
    Column("file_sha256", Text),
    Column("file_kind", Text),
    Column("content_hash", Text),
    Column("downloads", Integer, nullable=False, server_default="0"),
    Column("template_id", Text),
    Column("period_days", Integer),
    Column("seconds_to_ready", Integer),
    Column("blank", Text),
    Column("deleted_at", UtcDateTime),
    Column("deleted_by", Text),
    Column("on_behalf_of", Text),
    Index("ix_reports_template_id", "template_id"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("event_key", Text, nullable=False, unique=True),
    Column("person_id", Text, nullable=False),
    Column("room_id", Text),
    Column("room_type", Text),
    Column("thread_id", Text),
    Column("report_id", Text, nullable=False),
    Column("wants_card", Boolean, nullable=False, server_default=true()),
    Column("listed", Boolean, nullable=False, server_default=false()),
    Column("destination", Text, nullable=False, server_default="thread"),
    Column("notice", Text),
    Column("state", Text, nullable=False, server_default="open"),
    Column("reason", Text),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, nullable=False),
    Column("found_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("last_error", Text),
    Column("closed_at", UtcDateTime),
    Column("closed_by", Text),
    Column("file_message", Id),
    Column("subscription_id", Id),
    Column("schedule_id", Id),
    Column("key_id", Id),
    Column("content", Text),
    Column("cause", Text),
    Index("ix_requests_report_id", "report_id"),
    Index("ix_requests_thread_id", "thread_id"),
    Index("ix_requests_open", "state", sqlite_where=_OPEN_ROWS, postgresql_where=_OPEN_ROWS),
    # What each round asks for of a report that is waited for, so that it reads no row. With its state, or SQLite takes
    # the index above.
    Index(
        "ix_requests_open_report",
        *("state", "report_id", "found_at", "asked_at", "deadline_at"),
        sqlite_where=_OPEN_ROWS,
        postgresql_where=_OPEN_ROWS,
    ),
    _index_of_some("requests", "subscription_id"),
    _index_of_some("requests", "schedule_id"),
    _index_of_some("requests", "key_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("event_key", Text, nullable=False, unique=True),
    Column("person_id", Text, nullable=False),
    Column("room_id", Text),
    Column("room_type", Text),
    Column("thread_id", Text),
    Column("family", Text, nullable=False),
    Column("template_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("start_date", Text),
    Column("end_date", Text),
    Column("region", Text),
    Column("sites", Text),
    Column("time_zone", Text),
    Column("state", Text, nullable=False, server_default="open"),
    Column("reason", Text),
    Column("report_id", Text),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("schedule_id", Id),
    Column("planned_at", UtcDateTime),
    Column("why", Text),
    Column("key_id", Id),
    Column("cause", Text),
    Column("makes_room", Text),
    Column("on_behalf_of", Text),
    Index("ix_runs_report_id", "report_id"),
    Index("ix_runs_open", "state", sqlite_where=_OPEN_ROWS, postgresql_where=_OPEN_ROWS),
    _index_of_some("runs", "schedule_id"),
    _index_of_some("runs", "key_id"),
)


def _shared() -> list[Column[Any]]:
    """Return the columns that subscriptions and schedules have in common."""
    return [
        Column("id", Id, primary_key=True),
        Column("reference", Text, nullable=False, unique=True),
        Column("event_key", Text, nullable=False, unique=True),
        Column("person_id", Text, nullable=False),
        Column("room_id", Text, nullable=False),
        Column("room_type", Text, nullable=False),
        Column("state", Text, nullable=False, server_default="active"),
        Column("pause_cause", Text),
        Column("reason", Text),
        Column("created_at", UtcDateTime, nullable=False),
        Column("resumed_at", UtcDateTime),
        Column("ended_at", UtcDateTime),
    ]


subscriptions = Table(
    "subscriptions",
    metadata,
    *_shared(),
    Column("words", Text, nullable=False),
    Column("family", Text),
    Column("region", Text),
    Column("card_only", Boolean, nullable=False, server_default=false()),
    Column("muted_until", UtcDateTime),
    Column("on_behalf_of", Text),
)

schedules = Table(
    "schedules",
    metadata,
    *_shared(),
    Column("name", Text),
    Column("note", Text),
    Column("family", Text, nullable=False),
    Column("template_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("region", Text),
    Column("sites", Text),
    Column("period", Text),
    Column("rrule", Text, nullable=False),
    Column("dtstart", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("only_if", Text),
    Column("next_at", UtcDateTime),
    Column("on_behalf_of", Text),
    Column("takes_time_zone", Boolean, nullable=False, server_default=false()),
    Index("ix_schedules_next_at", "next_at"),
)

ready_reports = Table(
    "ready_reports",
    metadata,
    Column("family", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("report_id", Text, primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
)

confirmations = Table(
    "confirmations",
    metadata,
    Column("token", Text, primary_key=True),
    Column("person_id", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("argument", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_by", Text),
)

space_settings = Table(
    "space_settings",
    metadata,
    Column("room", Text, primary_key=True),
    Column("time_zone", Text),
    Column("file_format", Text),
    Column("placement", Text),
    Column("person_id", Text),
    Column("changed_at", UtcDateTime, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id),
    Column("key", Text, nullable=False),
    Column("slot", Text),
    Column("variant", Text),
    Column("room_id", Text),
    Column("person_id", Text),
    Column("parent_id", Text),
    Column("direct", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("message_id", Text),
    Column("fingerprint", Text),
    Column("intended_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Index(
        "uq_messages_key",
        "key",
        unique=True,
        sqlite_where=text("state <> 'deleted'"),
        postgresql_where=text("state <> 'deleted'"),
    ),
    Index("ix_messages_request_id", "request_id"),
    Index("ix_messages_message_id", "message_id"),
    Index("ix_messages_intended", "tried_at", sqlite_where=_INTENDED_ROWS, postgresql_where=_INTENDED_ROWS),
)

key_values = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("firing_since", UtcDateTime),
    Column("told_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
)

# Append-only: the triggers of migration 0002 say so to the database.
audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    # "door" in the database only: to rename it would break the version that runs beside this one during a deploy, and a
    # second column would have to be written into rows that nobody may change.
    Column("door", Text, nullable=False, key="channel"),
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
