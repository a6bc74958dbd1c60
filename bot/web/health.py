"""What operators and machines look at. ``/healthz`` asks nobody; ``/readyz`` and ``/metrics`` ask the database.

Figures and details tell strangers how busy the bot is and what ails it: they are for anyone who has ``OPS_TOKEN``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request

from bot.db import alerts, key_values, requests
from bot.errors import DatabaseUnavailable
from bot.queue import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.db.database import Database
    from bot.queue import Queue

WORKER_SILENT = timedelta(seconds=150)
"""The worker says every minute that it lives."""
TEXT = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Health:
    """What the pages need."""

    database: Database
    queue: Queue
    now: Callable[[], datetime]
    render: Callable[[Mapping[str, float]], bytes]
    migrated: Callable[[], bool]
    version: str
    unverified: Callable[[], int] = lambda: 0
    """How many webhook calls did not verify in the last five minutes, at this process."""
    writable: Callable[[], bool] = lambda: True
    """Whether the database takes what is written; without that every event is refused."""
    token: str | None = field(default=None, repr=False)
    """``OPS_TOKEN``; without it nobody sees figures and details."""


def add_routes(app: Flask, ops: Health) -> None:
    """Serve ``/``, ``/healthz``, ``/readyz`` and ``/metrics``."""

    def root() -> Response:
        return Response("The Webex report bot is running.\n", content_type=TEXT)

    def healthz() -> Response:
        return jsonify(status="ok", version=ops.version)

    def readyz() -> tuple[Response, int]:
        try:
            found = _look(ops)
        except DatabaseUnavailable:
            found = {"database": "cannot be reached"}
        takes_events = found["database"] == "ok"
        ready = takes_events and found["waiting"] == "ok"
        details = found | _rejected_calls(ops) if _is_operator(ops) else {}
        # While people wait, the code stays 200: after a 503 a load balancer would send no events, and they would be
        # lost rather than late.
        return jsonify(status="ready" if ready else "not ready", **details), 200 if takes_events else 503

    def metrics() -> Response:
        if not _is_operator(ops):
            needed = "The figures are for anyone who sends OPS_TOKEN: Authorization: Bearer <OPS_TOKEN>.\n"
            return Response(needed, 401, {"WWW-Authenticate": "Bearer"}, content_type=TEXT)
        return Response(ops.render(_gauges(ops)), content_type=PROMETHEUS)

    app.add_url_rule("/", "root", root)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)


def _is_operator(ops: Health) -> bool:
    """Whether the request holds the token; compared in constant time, so that it cannot be guessed letter by letter."""
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if ops.token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(sent.strip().encode(), ops.token.encode())


def _look(ops: Health) -> dict[str, Any]:
    if not ops.migrated():
        return {"database": "not migrated yet"}
    if not ops.writable():
        return {"database": "cannot be written"}
    with ops.database.read() as tx:
        depth = ops.queue.depth(tx)
        waited = ops.queue.oldest_waiting_seconds(tx, without=tasks.BACKGROUND)
        seen = key_values.updated_at(tx, key_values.WORKER_SEEN)
        firing = alerts.firing(tx)
    alive = seen is not None and ops.now() - seen < WORKER_SILENT
    # The worker is said, not required: the door takes events without it, and they are served when it comes.
    worker = "alive" if alive else "not seen"
    refused = [
        one.removeprefix(key_values.REPORTS_REFUSED) for one in firing if one.startswith(key_values.REPORTS_REFUSED)
    ]
    waiting = "ok" if waited < tasks.LONG_WAIT else f"somebody has waited {waited:.0f} seconds for a first answer"
    found = {"database": "ok", "waiting": waiting, "worker": worker, "queue": dict(depth), "alerts": firing}
    return found | {"refused_families": refused}


def _rejected_calls(ops: Health) -> dict[str, Any]:
    """Give the figure alone: a sender of forged events must not decide on the status."""
    return {"rejected_calls": {"last_5_minutes": ops.unverified()}}


def _gauges(ops: Health) -> dict[str, float]:
    try:
        with ops.database.read() as tx:
            depth = ops.queue.depth(tx)
            counted = requests.counts(tx)
    except DatabaseUnavailable:
        return {"reportbot_database_up": 0.0}
    gauges: dict[str, float] = {"reportbot_database_up": 1.0}
    gauges |= {f"reportbot_queue_{name}": float(value) for name, value in depth.items()}  # type: ignore[arg-type]
    return gauges | {f"reportbot_requests_{state}": float(number) for state, number in counted.items()}
