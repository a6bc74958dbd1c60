"""The tables of the HTTP API and of what belongs to it: keys, incoming hooks, webhooks for outbound events."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from bot.db.tables import Id, metadata
from bot.db.utc_datetime import UtcDateTime

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("spaces", Text),
    Column("rights", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

api_answers = Table(
    "api_answers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key_id", Id, nullable=False),
    Column("route", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("body_sha256", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("key_id", "route", "idempotency_key"),
)

api_questions = Table(
    "api_questions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key_id", Id, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text),
    Column("asked_at", UtcDateTime, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("key_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("secret_number", Integer, nullable=False, server_default="1"),
    Column("rotated_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("disabled_reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
)

outbound_events = Table(
    "outbound_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("webhook_id", Id, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime),
    Column("last_status", Integer),
    Column("answer", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_outbound_events_webhook_id_state", "webhook_id", "state"),
)

hooks = Table(
    "hooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("key_id", Id, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("action", Text, nullable=False),
    Column("room_id", Text, nullable=False),
    Column("title", Text),
    Column("family", Text),
    Column("template_id", Text),
    Column("period", Text),
    Column("sealed_secret", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("called_at", UtcDateTime),
    Column("told_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

hook_calls = Table(
    "hook_calls",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("hook_id", Id, nullable=False),
    Column("body_sha256", Text, nullable=False),
    # 1 for the newest call with this body, null for the others: so there is one newest, in however many processes.
    Column("newest", Integer),
    Column("title", Text),
    Column("period", Text),
    Column("called_at", UtcDateTime, nullable=False),
    Column("handled_at", UtcDateTime),
    UniqueConstraint("hook_id", "body_sha256", "newest"),
)
