"""The log shows no secret; the figures are those of all living processes."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import structlog

from bot import metrics
from bot.logs import mask, new_reference, register_secrets, start_logging
from bot.metrics import Gauge

if TYPE_CHECKING:
    from pathlib import Path


SHORT, LONG = 8_000, 64_000
"""Letters of a line; a pattern that begins again at each of them takes 64 times as long for eight times as many."""
AT_MOST = 3 * LONG // SHORT
"""Times as long as for the short one."""


@pytest.fixture
def out():
    """Return a log to write to; afterwards logging is as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_json_with_time_level_process_and_keywords(out):
    start_logging("web", stream=out)
    structlog.get_logger("bot.web").info("stored", reference="k7m2p9qa")
    line = json.loads(out.getvalue())
    assert line["event"] == "stored"
    assert (line["level"], line["process"], line["logger"], line["reference"]) == (
        "info",
        "web",
        "bot.web",
        "k7m2p9qa",
    )
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_go_through_the_same_formatter(out):
    start_logging("web", stream=out)
    logging.getLogger("gunicorn.error").info("Booting worker with pid: %d", 7)
    logging.getLogger("werkzeug").info("GET / 200")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["Booting worker with pid: 7"]


def test_text_is_for_people_and_holds_one_event_a_line(out):
    start_logging("worker", form="text", stream=out)
    structlog.get_logger("bot").warning("refused", why="line\nbreak")
    assert out.getvalue().count("\n") == 1
    assert "refused" in out.getvalue()
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("form", ["json", "text"])
def test_keys_of_the_api_and_tokens_of_hooks_are_in_no_line(out, form):
    start_logging("web", stream=out, form=form)
    token = "0123456789-ABCDEFGHIJ_klmnopqrstuvwxyz01234"
    logging.getLogger("gunicorn.access").info('"POST /hooks/rbh_%s HTTP/1.1" 202', token)
    structlog.get_logger("bot").info(f"rbk_{token}", key=f"rbk_{token}", path=f"/hooks/rbh_{token}?x=1")
    structlog.get_logger("bot").error("failed", exc_info=ValueError(f"rbk_{token}"))
    assert "0123456789" not in out.getvalue()
    assert "/hooks/rbh_***" in out.getvalue()
    structlog.get_logger("bot").info("listed", prefix="rbk_abcdef")
    assert "rbk_abcdef" in out.getvalue()


def test_the_level_is_kept(out):
    start_logging("web", level="warning", stream=out)
    structlog.get_logger("bot").info("quiet")
    structlog.get_logger("bot").warning("loud")
    assert "quiet" not in out.getvalue()
    assert "loud" in out.getvalue()


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_hidden_value_comes_out_nowhere(out, form):
    """By keyword, nested, in the event, in a traceback, from a library; with letters that JSON and addresses escape."""
    secret = 's3cr3t"value/with+odd=letters'
    register_secrets(secret)
    start_logging("web", form=form, stream=out)
    log = structlog.get_logger("bot")
    log.info("plain", token=secret, nested={"a": [secret]})
    event = f"in the event {secret}"
    log.info(event)
    logging.getLogger("library").warning("from a library: %s", secret)
    try:
        {"another": 1}[secret]
    except KeyError:
        log.exception("failed")
    assert "failed" in out.getvalue()
    assert "s3cr3t" not in out.getvalue()
    assert "odd=letters" not in out.getvalue()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer ***"),
        ("bearer abc.def-ghi_jkl==", "bearer ***"),
        ("the bearer is ill", "the bearer is ill"),
        ("GET https://h.webex.com/api?reportId=x&sign=y done", "GET https://h.webex.com/api?*** done"),
        ("url: /api?sign=y (Caused by", "url: /api?*** (Caused by"),
        ('{"url": "https://h/api?sign=y", "a": 1}', '{"url": "https://h/api?***", "a": 1}'),
        ("postgresql://bot:pass@db/reports", "postgresql://***@db/reports"),
        ("postgresql://bot:pass@db/reports?sslmode=x", "postgresql://***@db/reports?***"),
        ("is this and/or that? yes", "is this and/or that? yes"),
        ("what? https://example.com/a", "what? https://example.com/a"),
        ("(see /a?x=1) and /b?y=2\\n", "(see /a?***) and /b?***\\n"),
        ("/a??x=1 b?c/d?e ./f?g", "/a?*** b?c/d?e ./f?***"),
        ("/a? b", "/a? b"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize("unit", ["/", "a-", "./", "a:/", "://", "?", "/?", "/?)", "bearer ", "://a:", "?/", "a@"])
def test_a_long_line_takes_no_longer_than_its_length_asks_for(unit):
    def work(letters: int) -> float:
        line, took = unit * (letters // len(unit)), []
        for _ in range(3):
            before = time.thread_time()
            mask(line)
            took.append(time.thread_time() - before)
        return min(took)

    assert work(LONG) < AT_MOST * work(SHORT)


def test_short_values_are_not_hidden_since_they_would_tear_holes_into_words():
    register_secrets("a", "", "abc")
    assert mask("abcdef a") == "abcdef a"


def test_references_are_eight_letters_without_look_alikes():
    found = {new_reference() for _ in range(500)}
    assert len(found) == 500
    assert all(re.fullmatch("[2-9a-hjkmnp-z]{8}", reference) for reference in found)


COUNTER = """
import sys
from pathlib import Path
from bot import metrics
metrics.start_metrics(Path(sys.argv[1]), sys.argv[2])
metrics.webhook_answered(200, 0.004)
metrics.webex_called("GET", "/people/{id}", None, 0.02)
metrics.job_run("answer", "done")
metrics.event_sent("webhook.test", "delivered")
print("counted", flush=True)
sys.stdin.read(1)
print(metrics.render().decode(), flush=True)
"""


def counting(folder: Path, role: str = "web") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTER, str(folder), role], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def test_figures_are_of_all_processes_and_a_start_clears_only_those_of_the_dead(tmp_path):
    first, second = counting(tmp_path, "worker"), counting(tmp_path)
    second.send_signal(signal.SIGKILL)
    second.communicate(timeout=10)
    killed = set((tmp_path / "metrics").iterdir())
    third = counting(tmp_path)
    left = set((tmp_path / "metrics").iterdir()) & killed
    assert {path.name for path in left} == {f"{kind}_worker-{first.pid}.db" for kind in ("counter", "histogram")}
    text, _ = third.communicate("x", timeout=10)
    assert 'reportbot_webhook_answers_total{code="200"} 2.0' in text  # the first and the third
    assert 'reportbot_webex_calls_total{code="none",method="GET",path="/people/{id}"} 2.0' in text
    assert 'reportbot_webex_call_seconds_bucket{le="0.1",method="GET",path="/people/{id}"} 2.0' in text
    assert 'reportbot_jobs_total{outcome="done",task="answer"} 2.0' in text
    assert 'reportbot_outbound_events_total{outcome="delivered",type="webhook.test"} 2.0' in text
    first.communicate("x", timeout=10)


def test_a_fork_counts_into_files_of_its_own(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bot import metrics; folder = Path(sys.argv[1])\n"
        "metrics.start_metrics(folder, 'web'); metrics.webhook_answered(200, 0.1)\n"
        "child = os.fork()\n"
        "metrics.webhook_answered(200, 0.1)\n"
        "if child:\n"
        "    os.waitpid(child, 0); print(metrics.render().decode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=20, check=True
    )
    assert 'reportbot_webhook_answers_total{code="200"} 3.0' in done.stdout
    assert len(list((tmp_path / "metrics").glob("counter_*.db"))) == 2


def test_figures_of_the_moment_are_added():
    assert (
        metrics.render([Gauge("reportbot_jobs", "Jobs.", 3, ("state", state)) for state in ("due", "delayed")])
        .decode()
        .endswith(
            "# HELP reportbot_jobs Jobs.\n# TYPE reportbot_jobs gauge\n"
            'reportbot_jobs{state="due"} 3.0\nreportbot_jobs{state="delayed"} 3.0\n'
        )
    )


def test_nothing_is_counted_before_the_start(monkeypatch):
    monkeypatch.setattr(metrics._Running, "metrics", None)
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)  # another test of this process may have started
    metrics.webhook_answered(200, 0.1)
    metrics.webex_called("GET", "/x", 200, 1.0)
    metrics.job_run("x", "y")
    assert metrics.render() == b""
    assert os.environ.get("PROMETHEUS_MULTIPROC_DIR") is None
