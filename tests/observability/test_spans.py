"""Traces of OpenTelemetry, as a receiver on this machine gets them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot import spans, tracing
from bot.db.requests import State
from bot.db.trace_ids import trace_id
from bot.logs import mask
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live_bot import LiveBot
    from tests.observability.conftest import Log
    from tests.stepped_bot import SteppedBot

TRACE = "0123456789abcdef0123456789abcdef"


class Receiver(Loopback):
    """Takes every span."""

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        bodies = [
            gzip.decompress(one.body) if one.headers.get("Content-Encoding") == "gzip" else one.body
            for one in self.asked
        ]
        return [ExportTraceServiceRequest.FromString(body) for body in bodies]

    @property
    def spans(self) -> list[Any]:
        groups = [group for request in self.requests for group in request.resource_spans]
        return [span for group in groups for scope in group.scope_spans for span in scope.spans]

    def of(self, trace: str) -> list[Any]:
        """Return the spans of one trace, in the order of their beginning."""
        found = [span for span in self.spans if span.trace_id.hex() == trace]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.always(200, b"")
    yield made
    made.stop()


@pytest.fixture
def exported(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[spans.Spans]:
    """Traces are switched on, as in both processes; the test stops them to have all sent."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.host}", "OTEL_SERVICE_NAME": "our-bot"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    made = spans.start_spans(environ, "worker", "webexapis.com")
    assert made is not None
    yield made
    if made.export in tracing._listeners:
        made.stop()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_the_steps_of_a_request_are_one_trace_from_the_webhook_on(
    receiver: Receiver, exported: spans.Spans, log: Log, live: LiveBot
):
    report = live.partner_report()
    line = live.at(live.ada).says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)
    trace = trace_id(f"messages:{line.message.id}")
    live.emulator.world.wait_for(lambda _: any(one.get("task") == "deliver" for one in log.grep(trace)))
    exported.stop()

    found = receiver.of(trace)
    first = found[0]
    jobs = [span for span in found if span.name.startswith("job ")]
    calls = [span for span in found if span not in jobs and span is not first]
    assert (first.name, first.parent_span_id, attributes(first)["http.response.status_code"]) == ("webhook", b"", 200)
    assert [span.name for span in jobs] == ["job event", "job lookup", "job deliver"]
    assert {span.parent_span_id for span in jobs} == {first.span_id}
    assert {span.parent_span_id for span in calls} <= {span.span_id for span in jobs}
    posts = [span for span in calls if span.name == "POST /v1/messages"]
    assert len(posts) == 2
    assert attributes(posts[0]) == {
        "http.request.method": "POST",
        "url.template": "/v1/messages",
        "server.address": "webexapis.com",
        "http.response.status_code": 200,
    }
    resource = receiver.requests[0].resource_spans[0].resource
    about = attributes(resource)
    assert (about["service.name"], about["reportbot.process"]) == ("our-bot", "worker")


def test_no_span_holds_an_id_a_token_or_a_link(receiver: Receiver, exported: spans.Spans, live: LiveBot):
    report = live.partner_report("A title of people's own")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)
    exported.stop()
    text = "\n".join(map(str, receiver.spans))
    secret = (live.ada.id, live.ada.email, live.group.id, report.id, line.message.id, "A title", "http://", "https://")
    assert "POST /v1/messages" in text
    assert not [one for one in (*secret, live.bot_token, live.admin_token) if one in text]


def test_what_serves_several_requests_links_to_the_other_traces(
    receiver: Receiver, exported: spans.Spans, stepped: SteppedBot
):
    report = stepped.setup.partner_report(status="In progress")
    asked = [stepped.receive(one, f"report {report.id}") for one in (stepped.setup.ada, stepped.setup.grace)]
    stepped.work()
    stepped.world.set_report(report.id, status="done")
    stepped.wait(10)
    exported.stop()
    traces = [trace_id(f"messages:{one.id}") for one in asked]
    (delivery,) = [span for span in receiver.spans if span.name == "job deliver"]
    assert delivery.trace_id.hex() == traces[0]
    assert [link.trace_id.hex() for link in delivery.links] == traces[1:]


def test_a_call_that_fails_is_an_error(receiver: Receiver, exported: spans.Spans):
    with tracing.step("lookup") as step:
        tracing.begin(TRACE)
        tracing.called("GET", "/v1/reports/{id}", None, 0.25)
        step.outcome = "failed"
    exported.stop()
    call, job = sorted(receiver.spans, key=lambda span: span.name)
    assert (call.status.code, job.status.code) == (2, 2)
    assert (call.end_time_unix_nano - call.start_time_unix_nano) == 250_000_000
    assert "http.response.status_code" not in attributes(call)


def test_what_was_done_for_nobody_without_a_call_is_no_span(receiver: Receiver, exported: spans.Spans):
    with tracing.step("schedules"):
        pass
    exported.stop()
    assert receiver.spans == []


def test_a_share_of_the_traces_is_whole_traces(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.host}"}
    for name, value in (environ | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    made = spans.start_spans(environ, "worker")
    assert made is not None
    traces = [trace_id(f"messages:{number}") for number in range(40)]
    for trace in traces:
        for name in ("webhook", "event", "lookup"):
            with tracing.step(name) as step:
                tracing.begin(trace)
                step.is_first, step.outcome = name == "webhook", "200" if name == "webhook" else "done"
    made.stop()
    numbers = [len(receiver.of(trace)) for trace in traces]
    assert set(numbers) == {0, 3}


def test_a_receiver_that_is_away_holds_up_nothing(monkeypatch: pytest.MonkeyPatch):
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    made = spans.start_spans(environ, "worker")
    assert made is not None
    with tracing.step("event") as step:
        tracing.begin(TRACE)
    assert step.seconds < 1
    made.stop()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_it_is_off_unless_switched_on(environ: dict[str, str]):
    assert spans.start_spans(environ, "web") is None


def test_the_keys_in_the_headers_are_masked_in_the_log(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.host}",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a-key%20of-the-receiver,x=y",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    made = spans.start_spans(environ, "web")
    assert made is not None
    made.stop()
    assert mask("sent a-key of-the-receiver") == "sent ***"


def test_without_it_nothing_of_opentelemetry_is_imported():
    code = (
        "import sys, bot.app, bot.web.application, bot.cli.worker\n"
        "from bot.spans import start_spans\n"
        "assert start_spans({}, 'worker') is None\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_where_the_extra_is_not_installed_the_log_says_what_to_do(monkeypatch: pytest.MonkeyPatch, log: Log):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert spans.start_spans({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "web") is None
    (line,) = log.lines
    assert line["remedy"] == "Install the extra: pip install 'webex-report-bot[traces]'."
