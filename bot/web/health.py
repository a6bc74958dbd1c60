"""The pages for operators and machines: ``/healthz`` asks nobody, ``/readyz`` and ``/metrics`` ask the database.

Figures and details tell strangers how busy the bot is and what is wrong with it: they need ``OPS_TOKEN``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request

from bot.db import alerts, heartbeats, key_values
from bot.errors import DatabaseUnavailable
from bot.ops.gauges import Gauges
from bot.ops.ops_token import PROMETHEUS, TOKEN_NEEDED, is_operator
from bot.queue import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database
    from bot.metrics import Gauge
    from bot.queue import Queue

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Health:
    """What the pages need."""

    database: Database
    queue: Queue
    folder: Path
    """Where this process keeps its files."""
    now: Callable[[], datetime]
    render: Callable[[Iterable[Gauge]], bytes]
    migrated: Callable[[], bool]
    version: str
    rejected_calls: Callable[[], int] = lambda: 0
    """Return how many webhook calls failed signature verification in the last five minutes, at this process."""
    writable: Callable[[], bool] = lambda: True
    """Return True when the database takes what is written; without that every event is refused."""
    token: str | None = field(default=None, repr=False)
    """``OPS_TOKEN``; without it nobody sees figures and details."""


def add_routes(app: Flask, health: Health) -> None:
    """Serve ``/``, ``/healthz``, ``/readyz`` and ``/metrics``."""
    read_gauges = Gauges(health.database, health.queue, health.folder, health.now).read

    def root() -> Response:
        return Response("The Webex report bot is running.\n", content_type=TEXT)

    def healthz() -> Response:
        return jsonify(status="ok", version=health.version)

    def readyz() -> tuple[Response, int]:
        try:
            found = _look(health)
        except DatabaseUnavailable:
            found = {"database": "unavailable"}
        takes_events = found["database"] == "ok"
        ready = takes_events and found["first_answers"] == "ok"
        # The figure alone: a sender of forged events must not decide on the status.
        found["rejected_calls"] = {"last_5_minutes": health.rejected_calls()}
        details = found if _is_operator(health) else {}
        # While people wait, the code stays 200: after a 503 a load balancer would send no events, and they would be
        # lost rather than late.
        code = HTTPStatus.OK if takes_events else HTTPStatus.SERVICE_UNAVAILABLE
        return jsonify(status="ready" if ready else "not ready", **details), code

    def metrics() -> Response:
        if not _is_operator(health):
            return Response(TOKEN_NEEDED, 401, {"WWW-Authenticate": "Bearer"}, content_type=TEXT)
        return Response(health.render(read_gauges()), content_type=PROMETHEUS)

    app.add_url_rule("/", "root", root)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)


def _is_operator(health: Health) -> bool:
    return is_operator(request.headers.get("Authorization", ""), health.token)


def _look(health: Health) -> dict[str, Any]:
    if not health.migrated():
        return {"database": "not migrated yet"}
    with health.database.read() as tx:
        depth = health.queue.depth(tx)
        waited = health.queue.oldest_waiting_seconds(tx, without=tasks.BACKGROUND)
        running = heartbeats.worker_lives(tx, health.now())
        firing = alerts.firing(tx)
    if not health.writable():
        return {"database": "read-only"}
    prefix = key_values.REPORTS_REFUSED
    return {
        "database": "ok",
        "first_answers": "ok" if waited < tasks.LONG_WAIT else f"delayed by {waited:.0f} seconds",
        # Shown, not required: without a worker events are accepted, and they are answered when it comes.
        "worker": "running" if running else "not seen",
        "queue": dict(depth),
        "alerts": firing,
        "refused_families": [one.removeprefix(prefix) for one in firing if one.startswith(prefix)],
    }
