"""Metrics for Prometheus, of all processes of one machine together: each writes its own files, and any renders the sum.

The files are in ``DATA_DIR/metrics``, named for the process's role and number. Labels contain no ID, person or space.
What the database knows is no counter: ``ops/gauges.py`` reads it at each scrape.

Nothing is counted before ``start_metrics``, which must run after a fork; tests do without it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from prometheus_client.metrics_core import Metric

FOLDER: Final = "metrics"
FILE_BYTES: Final = 256 * 1024
"""Of each file: room for some thousand values."""
MOST_DEAD: Final = 16
"""Files of dead processes that are kept while another process of their role lives."""
ACK_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds: an answer to Webex takes some milliseconds."""
CALL_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Seconds: an API call takes a tenth, a hanging one half a minute."""
RENDER_TRIES: Final = 3
"""A process that starts may remove a file that is being read."""

SUCCESS, HALTED, FAILURE = "success", "halted", "failure"
"""Outcomes. What people chose, or what cannot succeed, is halted; alerts look at failures alone."""
OUTCOMES: Final = (SUCCESS, HALTED, FAILURE)

log = structlog.get_logger(__name__)


class Gauge(NamedTuple):
    """One current value, read for the scrape that shows it."""

    name: str
    help: str
    value: float
    label: tuple[str, str] | None = None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _clear_dead(folder: Path, role: str) -> None:
    """Remove the files of this role's dead processes. Another role may run in another container.

    While another process of the role lives they are kept: if a sum fell by a part alone, Prometheus would take it for a
    restart from zero, and count what is left once more.
    """
    dead, others_live = [], False
    for path in folder.glob(f"*_{role}-*.db"):
        pid = path.stem.rpartition("-")[2]
        if pid.isdigit() and int(pid) != os.getpid() and _is_alive(int(pid)):
            others_live = True
        else:
            dead.append(path)
    if not others_live or len(dead) > MOST_DEAD:
        for path in dead:
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

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"reportbot_{name}", about, labels, registry=own)

        self.webhooks = counter("webhook_answers", "Webhook calls by the bot's answer.", "code")
        self.ack = Histogram(
            "reportbot_webhook_ack_seconds", "Time until a webhook call is answered.", buckets=ACK_BUCKETS, registry=own
        )
        self.events = counter("events", "Webhook events that were acted on, by outcome.", "outcome")
        self.deliveries = counter(
            "deliveries", "Reports that were asked for, by people and by schedules, by outcome.", "outcome"
        )
        self.posted = counter("posted_bytes", "Bytes of the files that were posted to Webex.")
        self.calls = counter("webex_calls", "Calls to Webex by the answer's code (none: no answer).", *_CALL, "code")
        self.seconds = Histogram(
            "reportbot_webex_call_seconds", "Duration of calls to Webex.", _CALL, buckets=CALL_BUCKETS, registry=own
        )
        self.waits = counter("rate_limit_wait_seconds", "Time for which 429s held back a token's calls.", "token")
        self.jobs = counter("jobs", "Runs of jobs by the worker.", "task", "outcome")
        self.outbound = counter("outbound_events", "Attempts to send an outbound event.", "type", "outcome")
        for each in (self.events, self.deliveries):
            for outcome in OUTCOMES:  # so that the first one is an increase
                each.labels(outcome)
        for code in ("200", "500", "503"):
            self.webhooks.labels(code)
        for token in ("bot", "admin"):
            self.waits.labels(token)

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

    def collect(self) -> Iterable[Metric]:
        """Return the sums of all processes."""
        from prometheus_client import CollectorRegistry  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        found: Any = MultiProcessCollector(CollectorRegistry(), path=str(self.folder))  # type: ignore[no-untyped-call]
        for _ in range(RENDER_TRIES):
            with suppress(FileNotFoundError):
                return list(found.collect())
        return []


_CALL: Final = ("method", "path")


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


def webhook_answered(code: int, seconds: float) -> None:
    """Count one answer to a webhook call."""
    if _Running.metrics is not None:
        _Running.metrics.webhooks.labels(str(code)).inc()
        _Running.metrics.ack.observe(seconds)


def event_settled(outcome: str) -> None:
    """Count one event that was acted on: ``success``, ``halted`` or ``failure``."""
    if _Running.metrics is not None:
        _Running.metrics.events.labels(outcome).inc()


def delivery_ended(outcome: str) -> None:
    """Count one report that was asked for: ``success``, ``halted`` or ``failure``."""
    if _Running.metrics is not None:
        _Running.metrics.deliveries.labels(outcome).inc()


def file_posted(size: int) -> None:
    """Count the bytes of one file that was posted."""
    if _Running.metrics is not None:
        _Running.metrics.posted.inc(size)


def webex_called(method: str, path: str, status: int | None, seconds: float) -> None:
    """Count one call to Webex; ``path`` is a template without ids, ``status`` None when no answer came."""
    if _Running.metrics is not None:
        _Running.metrics.calls.labels(method, path, str(status or "none")).inc()
        _Running.metrics.seconds.labels(method, path).observe(seconds)


def rate_limited(token: str, seconds: float) -> None:
    """Count the seconds for which a 429 holds back the calls of a token: ``bot`` or ``admin``."""
    if _Running.metrics is not None:
        _Running.metrics.waits.labels(token).inc(seconds)


def expect_jobs(tasks: Iterable[str]) -> None:
    """Show that no job of these tasks has failed yet, so that the first one that does is an increase."""
    if _Running.metrics is not None:
        for task in tasks:
            _Running.metrics.jobs.labels(task, "failed")


def job_run(task: str, outcome: str) -> None:
    """Count one run of a job; ``outcome`` is one of the worker's few values."""
    if _Running.metrics is not None:
        _Running.metrics.jobs.labels(task, outcome).inc()


def event_sent(event_type: str, outcome: str) -> None:
    """Count one attempt to send an outbound event: ``delivered``, ``failed`` or ``given_up``."""
    if _Running.metrics is not None:
        _Running.metrics.outbound.labels(event_type, outcome).inc()


class _Page:
    """All metrics of one scrape, as Prometheus' library wants them."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        if _Running.metrics is not None:
            yield from _Running.metrics.collect()
        families: dict[str, GaugeMetricFamily] = {}
        for one in self._gauges:
            label, value = one.label or ("", "")
            family = families.setdefault(
                one.name, GaugeMetricFamily(one.name, one.help, labels=[label] if label else [])
            )
            family.add_metric([value] if label else [], one.value)
        yield from families.values()


def render(gauges: Iterable[Gauge] = ()) -> bytes:
    """Return the metrics of all processes in Prometheus' text format, and current values."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

    everything = CollectorRegistry()
    everything.register(_Page(list(gauges)))
    return generate_latest(everything)
