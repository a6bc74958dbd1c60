"""Export steps and their calls to Webex as OpenTelemetry spans, when its standard variables switch that on.

A step tells at its end when it began and which calls it made, so spans are made of it then, in one go. The trace ID is
that of the log, and the first span's ID is made of it: so every process knows its parent, and nothing is handed on.

Nothing of OpenTelemetry is imported before ``start_spans``. The extra ``traces`` installs it.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import structlog

import bot
from bot import tracing
from bot.logs import register_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.tracing import Call, Step

log = structlog.get_logger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Variables that switch it on."""
HEADERS: Final = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
NOT_INSTALLED: Final = "Install the extra: pip install 'webex-report-bot[traces]'."
SPAN_ID: Final = 2**64 - 1
"""The bits of a trace ID that are the ID of its first span."""
DOWNLOAD: Final = "download"
"""The path of calls to a download host, whose address is a secret."""


def is_on(environ: Mapping[str, str]) -> bool:
    """Return True when OpenTelemetry's variables ask for traces."""
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    none = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return not (off or none) and any(environ.get(name, "").strip() for name in ENDPOINTS)


def start_spans(environ: Mapping[str, str], process: str, api_host: str | None = None) -> Spans | None:
    """Export this process's steps from now on, if that is switched on. Call it after any fork.

    ``environ`` must be the process's own, since OpenTelemetry reads it too. ``api_host``: where calls to Webex go.
    """
    if not is_on(environ):
        return None
    register_secrets(*_secrets_in(environ))
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: F401, PLC0415 whether it is there
    except ImportError:
        log.warning("no_traces", remedy=NOT_INSTALLED)
        return None
    made = Spans(environ, process, api_host)
    tracing.listen(made.export)
    log.info("traces_exported")
    return made


def _secrets_in(environ: Mapping[str, str]) -> list[str]:
    """Return what the headers for the receiver hold: often a key."""
    pairs = [pair for name in HEADERS for pair in environ.get(name, "").split(",")]
    values = [pair.partition("=")[2].strip() for pair in pairs]
    return [one for value in values for one in (value, unquote(value)) if one]


class Spans:
    """Make spans of steps, and send them from a thread of OpenTelemetry's."""

    def __init__(self, environ: Mapping[str, str], process: str, api_host: str | None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        about = {"service.version": bot.__version__, "reportbot.process": process}
        if not environ.get("OTEL_SERVICE_NAME", "").strip():
            about["service.name"] = "reportbot"
        self._ids = _ids()
        self._provider = TracerProvider(resource=Resource.create(about), id_generator=self._ids)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("bot", bot.__version__)
        self._api_host = api_host

    def stop(self) -> None:
        """Send what is left, and export nothing more. Without it, the end of the process does."""
        tracing.unlisten(self.export)
        self._provider.shutdown()

    def export(self, step: Step) -> None:
        """Make the spans of a step; never raises. What was done for nobody, and without a call, is left out."""
        if not (step.trace_ids or step.calls):
            return
        try:
            self._export(step)
        except Exception:  # a span is no reason to fail
            log.exception("spans_not_exported")

    def _export(self, step: Step) -> None:
        from opentelemetry.trace import Link, SpanKind, set_span_in_context  # noqa: PLC0415

        first, *others = step.trace_ids or ("",)
        parent = None
        if step.is_first:
            self._ids.next(int(first, 16))
        elif first:
            parent = set_span_in_context(self._first_span(first))
        attributes: dict[str, Any] = {"reportbot.outcome": step.outcome}
        if step.is_first:
            attributes = {"http.request.method": "POST", "http.response.status_code": int(step.outcome)}
        span = self._tracer.start_span(
            step.name if step.is_first else f"job {step.name}",
            context=parent,
            kind=SpanKind.SERVER if step.is_first else SpanKind.CONSUMER,
            attributes=attributes,
            links=[Link(self._first_span(other).get_span_context()) for other in others],
            start_time=step.began,
        )
        self._export_calls(span, step.calls)
        failed = step.outcome == "failed" or (step.is_first and int(step.outcome) >= HTTPStatus.INTERNAL_SERVER_ERROR)
        _end(span, step.ended, failed=failed)

    def _export_calls(self, parent: Any, calls: Sequence[Call]) -> None:
        from opentelemetry.trace import SpanKind, set_span_in_context  # noqa: PLC0415

        within = set_span_in_context(parent)
        for call in calls:
            attributes: dict[str, Any] = {"http.request.method": call.method, "url.template": call.path}
            if self._api_host and call.path != DOWNLOAD:
                attributes["server.address"] = self._api_host
            if call.status is not None:
                attributes["http.response.status_code"] = call.status
            span = self._tracer.start_span(
                f"{call.method} {call.path}",
                context=within,
                kind=SpanKind.CLIENT,
                attributes=attributes,
                start_time=call.began,
            )
            _end(span, call.ended, failed=call.status is None or call.status >= HTTPStatus.BAD_REQUEST)

    def _first_span(self, trace_id: str) -> Any:
        """Return the span with which a trace begins, in whichever process it was made; sampled as it was there."""
        from opentelemetry.sdk.trace.sampling import Decision  # noqa: PLC0415
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags  # noqa: PLC0415

        number = int(trace_id, 16)
        sampled = self._provider.sampler.should_sample(None, number, "").decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        return NonRecordingSpan(SpanContext(number, number & SPAN_ID, is_remote=True, trace_flags=flags))


def _end(span: Any, ended: int, *, failed: bool) -> None:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415

    if failed:
        span.set_status(StatusCode.ERROR)
    span.end(ended)


def _ids() -> Any:
    """Return what makes the IDs of spans: random ones, and those of a trace's first span."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415

    class Ids(RandomIdGenerator):
        """Make the next root span that of a given trace."""

        def __init__(self) -> None:
            self._next = threading.local()

        def next(self, trace_id: int) -> None:
            """Have the next span of this thread, which has no parent, begin this trace."""
            self._next.trace = self._next.span = trace_id

        def generate_trace_id(self) -> int:
            given: int = self._next.__dict__.pop("trace", 0)
            return given or super().generate_trace_id()

        def generate_span_id(self) -> int:
            given: int = self._next.__dict__.pop("span", 0) & SPAN_ID
            return given or super().generate_span_id()

    return Ids()
