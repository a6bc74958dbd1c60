"""Metrics for Prometheus, of all processes together: each writes its own files, and any of them can render the sum.

The files are in ``DATA_DIR/metrics``, named for the process's role and number. A process that starts removes those of
its role's dead processes. Labels contain no ID, person or space.

Nothing is counted before ``start_metrics``, which must run after a fork; tests do without it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER: Final = "metrics"
FILE_BYTES: Final = 256 * 1024
"""Of each file: room for some thousand values."""
BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
"""Seconds: an API call takes a tenth, a hanging one half a minute, a file of 100 MB minutes."""


log = structlog.get_logger(__name__)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _clear_dead(folder: Path, role: str) -> None:
    """Remove the files of this role's dead processes. Another role may run in another container."""
    for path in folder.glob(f"*_{role}-*.db"):
        pid = path.stem.rpartition("-")[2]
        if not pid.isdigit() or int(pid) == os.getpid() or not _is_alive(int(pid)):
            path.unlink(missing_ok=True)


class _Metrics:
    """The counters of this process; one object a folder."""

    def __init__(self, folder: Path, role: str) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # read at import and whenever a file is opened
        from prometheus_client import CollectorRegistry, Counter, Histogram, values  # noqa: PLC0415 the line above first

        self.folder = folder
        self._role = role
        _clear_dead(folder, role)
        self._allocate()
        values.ValueClass = values.MultiProcessValue(self._identity)  # type: ignore[no-untyped-call]
        own = CollectorRegistry()
        self.webhooks = Counter("reportbot_webhook_answers", "Webhook deliveries by our answer", ["code"], registry=own)
        self.calls = Counter(
            "reportbot_webex_calls", "Calls to Webex by outcome", ["method", "path", "status"], registry=own
        )
        self.seconds = Histogram(
            "reportbot_webex_call_seconds",
            "Duration of calls to Webex",
            ["method", "path"],
            buckets=BUCKETS,
            registry=own,
        )
        self.jobs = Counter("reportbot_jobs", "Jobs run by the worker", ["task", "outcome"], registry=own)
        self.events = Counter(
            "reportbot_outbound_events", "Attempts to send an outbound event", ["type", "outcome"], registry=own
        )

    def _identity(self) -> str:
        """Return this process's part of its files' names; a fork gets its own."""
        return f"{self._role}-{os.getpid()}"

    def _allocate(self) -> None:
        """Allocate the files on disk: a mapped page that cannot be allocated later would end the process.

        Raises ``OSError``.
        """
        for kind in ("counter", "histogram"):
            descriptor = os.open(self.folder / f"{kind}_{self._identity()}.db", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, FILE_BYTES)
            finally:
                os.close(descriptor)

    def render(self) -> bytes:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        everyone = CollectorRegistry()
        MultiProcessCollector(everyone, path=str(self.folder))  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


class _Running:
    """Hold this process's counters, once it has some."""

    metrics: _Metrics | None = None


def start_metrics(data_dir: Path, role: str) -> None:
    """Count into ``data_dir/metrics`` from now on, as a process of this role (``web``, ``worker``).

    Call it once in each process, after any fork. A second call with another folder counts there from then on.
    """
    folder = data_dir / FOLDER
    if _Running.metrics is not None and _Running.metrics.folder == folder:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _Running.metrics = _Metrics(folder, role)
    except OSError as exc:  # metrics are no reason to stop
        _Running.metrics = None
        log.warning("no_metrics", cause=exc.strerror)


def webhook_answered(code: int) -> None:
    """Count one answer to a webhook call."""
    if _Running.metrics is not None:
        _Running.metrics.webhooks.labels(str(code)).inc()


def webex_called(method: str, path: str, status: int | None, seconds: float) -> None:
    """Count one call to Webex; ``path`` is a template without ids, ``status`` None when no answer came."""
    if _Running.metrics is not None:
        _Running.metrics.calls.labels(method, path, str(status or "none")).inc()
        _Running.metrics.seconds.labels(method, path).observe(seconds)


def job_run(task: str, outcome: str) -> None:
    """Count one run of a job; ``outcome`` is one of the worker's few values."""
    if _Running.metrics is not None:
        _Running.metrics.jobs.labels(task, outcome).inc()


def event_sent(event_type: str, outcome: str) -> None:
    """Count one attempt to send an outbound event: ``delivered``, ``failed`` or ``given_up``."""
    if _Running.metrics is not None:
        _Running.metrics.events.labels(event_type, outcome).inc()


def render(gauges: Mapping[str, float] | None = None) -> bytes:
    """Return the metrics of all processes in Prometheus' text format.

    ``gauges`` are current values (``reportbot_queue_due`` …) that the caller has just read.
    """
    counted = _Running.metrics.render() if _Running.metrics is not None else b""
    now = "".join(f"# TYPE {name} gauge\n{name} {value:g}\n" for name, value in (gauges or {}).items())
    return counted + now.encode()
