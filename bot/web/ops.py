"""What operators and machines look at. ``/healthz`` asks nobody; ``/readyz`` and ``/metrics`` ask the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify

from bot.errors import StoreUnavailable
from bot.ledger import deliveries, facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.queue import Queue
    from bot.store import Store

WORKER_SILENT = timedelta(seconds=150)
"""The worker says every minute that it lives."""
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Ops:
    """What the pages need."""

    store: Store
    queue: Queue
    now: Callable[[], datetime]
    render: Callable[[Mapping[str, float]], bytes]
    migrated: Callable[[], bool]
    version: str
    unverified: Callable[[], int] = lambda: 0
    """How many webhook calls did not verify in the last five minutes, at this process."""
    writable: Callable[[], bool] = lambda: True
    """Whether the database takes what is written; without that every event is refused."""


def add_routes(app: Flask, ops: Ops) -> None:
    """Serve ``/healthz``, ``/readyz`` and ``/metrics``."""

    def healthz() -> Response:
        return jsonify(status="ok", version=ops.version)

    def readyz() -> tuple[Response, int]:
        try:
            found = _look(ops)
        except StoreUnavailable:
            return jsonify(status="not ready", database="cannot be reached", **_knocks(ops)), 503
        ready = found["database"] == "ok"
        return jsonify(status="ready" if ready else "not ready", **found, **_knocks(ops)), 200 if ready else 503

    def metrics() -> Response:
        return Response(ops.render(_gauges(ops)), content_type=PLAIN)

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)


def _look(ops: Ops) -> dict[str, Any]:
    if not ops.migrated():
        return {"database": "not migrated yet"}
    if not ops.writable():
        return {"database": "cannot be written"}
    with ops.store.read() as tx:
        depth = ops.queue.depth(tx)
        seen = facts.noted_at(tx, facts.WORKER_SEEN)
        troubles = facts.names(tx, facts.TROUBLE)
    alive = seen is not None and ops.now() - seen < WORKER_SILENT
    # The worker is said, not required: the door takes events without it, and they are served when it comes.
    worker = "alive" if alive else "not seen"
    return {"database": "ok", "worker": worker, "queue": dict(depth), "troubles": troubles}


def _knocks(ops: Ops) -> dict[str, Any]:
    """Said, and nothing else: the status must not be in the hands of whoever sends forged events."""
    return {"unverified_events": {"last_5_minutes": ops.unverified()}}


def _gauges(ops: Ops) -> dict[str, float]:
    try:
        with ops.store.read() as tx:
            depth = ops.queue.depth(tx)
            counted = deliveries.counts(tx)
    except StoreUnavailable:
        return {"reportbot_database_up": 0.0}
    gauges: dict[str, float] = {"reportbot_database_up": 1.0}
    gauges |= {f"reportbot_queue_{name}": float(value) for name, value in depth.items()}  # type: ignore[arg-type]
    return gauges | {f"reportbot_deliveries_{state}": float(number) for state, number in counted.items()}
