"""What ``/metrics`` says of what happened, and of what is in the database."""

from __future__ import annotations

import shutil
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot import app, metrics
from bot.access.token_store import DatabaseTokenStore
from bot.db import alerts, heartbeats, key_values
from bot.db.delivery_outcomes import CANNOT_SUCCEED, OUTCOMES, outcome_of
from bot.db.requests import State
from bot.db.runs import RunState
from bot.metrics import Gauge
from bot.ops.gauges import Gauges
from bot.queue import tasks
from bot.webex.http import RateLimitGate
from bot.webex.tokens import TokenState
from tests.live_bot import CSV

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stepped_bot import SteppedBot

    Figures = Callable[[], dict[str, float]]


@pytest.mark.parametrize(
    ("state", "cause", "outcome"),
    [
        ("delivered", "", "success"),
        ("halted", "not_blank", "halted"),
        ("canceled", "", "halted"),
        ("refused", "outsiders", "halted"),
        ("refused", "roles_unreadable", "failure"),
        ("failed", "not_found", "halted"),
        ("failed", "webex_404", "halted"),
        ("failed", "webex_410", "halted"),
        ("failed", "few_downloads_left", "halted"),
        ("failed", "space_closed", "halted"),
        ("failed", "by_webex", "failure"),
        ("failed", "webex_500", "failure"),
        ("failed", "given_up", "failure"),
        ("expired", "not_done_in_time", "failure"),
        ("unsure", "unsure", "failure"),
    ],
)
def test_what_people_chose_and_what_cannot_succeed_is_no_failure(state: str, cause: str, outcome: str):
    assert outcome_of(state, cause) == outcome


def test_every_way_to_end_has_an_outcome():
    ends = {state.value for state in State} | {state.value for state in RunState}
    assert ends - {"open", "created"} == set(OUTCOMES)
    assert set(OUTCOMES.values()) == set(metrics.OUTCOMES)
    assert all(cause == cause.lower() for cause in CANNOT_SUCCEED)


def test_a_report_that_is_posted_is_a_success_and_its_bytes_are_counted(stepped: SteppedBot, figures: Figures):
    report = stepped.setup.partner_report(content=CSV)
    before = figures()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    after = figures()
    assert before['reportbot_deliveries_total{outcome="success"}'] == 0  # so that the first one is an increase
    assert after['reportbot_deliveries_total{outcome="success"}'] == 1
    assert after['reportbot_deliveries_total{outcome="failure"}'] == 0
    assert after['reportbot_events_total{outcome="success"}'] == 1
    assert after["reportbot_posted_bytes_total"] == len(CSV)
    assert after['reportbot_webex_calls_total{code="200",method="POST",path="/v1/messages"}'] == 2
    assert after["reportbot_open_requests"] == 0


def test_a_report_that_is_not_there_is_halted(stepped: SteppedBot, figures: Figures):
    stepped.receive(stepped.setup.ada, "report nothing-like-it")
    stepped.work()
    found = figures()
    assert found['reportbot_deliveries_total{outcome="halted"}'] == 1
    assert found['reportbot_deliveries_total{outcome="failure"}'] == 0


def test_a_report_that_webex_could_not_make_is_a_failure(stepped: SteppedBot, figures: Figures):
    report = stepped.setup.partner_report(status="In progress")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    waiting = figures()
    assert (waiting["reportbot_open_requests"], waiting["reportbot_watched_reports"]) == (1, 1)
    assert waiting['reportbot_queue_jobs{state="delayed"}'] == 1
    stepped.world.set_report(report.id, status="failed")
    stepped.wait(10)
    found = figures()
    assert found['reportbot_deliveries_total{outcome="failure"}'] == 1
    assert (found["reportbot_open_requests"], found["reportbot_watched_reports"]) == (0, 0)


def test_the_database_says_how_late_things_are(stepped: SteppedBot, figures: Figures):
    stepped.receive(stepped.setup.ada, "help")
    now = stepped.clock()
    with stepped.database.begin() as tx:
        key_values.set(tx, key_values.WORKER_SEEN, "", now)
        key_values.set(tx, heartbeats.WEB_SEEN, "", now - timedelta(seconds=7))
        key_values.set(tx, f"{key_values.ADMIN_TOKEN_ENDS}refresh", str(now.timestamp() + 86400), now)
        alerts.change(tx, alerts.add(tx, "webhooks", "digest", now), firing_since=now)
    stepped.clock.turn(90)
    found = figures()
    assert found["reportbot_first_answer_wait_seconds"] == pytest.approx(90, abs=1)
    assert found["reportbot_queue_oldest_due_seconds"] == pytest.approx(90, abs=1)
    assert found['reportbot_queue_jobs{state="due"}'] == 1
    assert found["reportbot_worker_last_seen_timestamp_seconds"] == pytest.approx(now.timestamp())
    assert found["reportbot_web_last_seen_timestamp_seconds"] == pytest.approx(now.timestamp() - 7)
    ends = found['reportbot_admin_token_expiry_timestamp_seconds{token="refresh"}']
    assert ends == pytest.approx(now.timestamp() + 86400)
    assert found['reportbot_check_failing{check="webhooks"}'] == 1
    assert found["reportbot_database_up"] == 1


def test_a_database_that_is_away_is_said_so_and_nothing_else_of_it(stepped: SteppedBot, tmp_path):
    from bot.db.database import Database

    away = Gauges(Database(f"sqlite:///{tmp_path}/none/bot.db"), stepped.queue, stepped.folder, stepped.clock).read()
    said = {one.name: one.value for one in away}
    assert said.pop("reportbot_disk_free_bytes") > 0, "which each process looks at itself"
    assert said == {"reportbot_build_info": 1, "reportbot_database_up": 0}


def test_a_folder_that_is_gone_is_not_said_to_be_full(stepped: SteppedBot, tmp_path):
    found = Gauges(stepped.database, stepped.queue, tmp_path / "gone", stepped.clock).read()
    assert "reportbot_disk_free_bytes" not in {one.name for one in found}


def test_the_first_job_that_fails_is_an_increase(stepped: SteppedBot, figures: Figures):
    metrics.expect_jobs([tasks.DELIVER])
    assert figures()['reportbot_jobs_total{outcome="failed",task="deliver"}'] == 0


def test_the_seconds_for_which_429s_hold_back_calls_are_counted_once():
    held: list[float] = []
    time = [100.0]
    gate = RateLimitGate(lambda: time[0], lambda: 0.0, held.append)
    gate.pause(10)
    time[0] += 4
    gate.pause(10)  # six of them are counted
    gate.pause(1)
    assert held == [10, 4]


def test_a_database_that_hangs_holds_up_no_counter(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.ops.gauges.DATABASE_TIMEOUT", 0.05)
    going_on, begun = threading.Event(), []

    def hangs(*_: object) -> list[Gauge]:
        begun.append(1)
        assert going_on.wait(20)
        return [Gauge("reportbot_x", "About x.", 1.0)]

    monkeypatch.setattr("bot.ops.gauges._read", hangs)
    gauges = Gauges(stepped.database, stepped.queue, stepped.folder, stepped.clock)
    for _ in range(2):
        assert [one.value for one in gauges.read() if one.name == "reportbot_database_up"] == [0]
    assert len(begun) == 1  # the second one has waited for the first
    going_on.set()
    monkeypatch.setattr("bot.ops.gauges.DATABASE_TIMEOUT", 20.0)
    assert [one.value for one in gauges.read() if one.name != "reportbot_disk_free_bytes"] == [1, 1, 1]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_own_linter_finds_nothing_in_it(stepped: SteppedBot, figures: Figures):
    report = stepped.setup.partner_report(content=CSV)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    metrics.webhook_answered(200, 0.01)
    metrics.rate_limited("bot", 1.0)
    metrics.event_sent("webhook.test", "delivered")
    page = metrics.render(Gauges(stepped.database, stepped.queue, stepped.folder, stepped.clock).read())
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (done.returncode, done.stderr + done.stdout) == (0, b"")


def test_labels_are_few_and_hold_no_id(stepped: SteppedBot, figures: Figures):
    report = stepped.setup.partner_report(content=CSV)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    text = "\n".join(figures())
    ids = (report.id, stepped.setup.ada.id, stepped.setup.group.id, stepped.request().reference)
    assert not [one for one in ids if one in text]
    assert len(figures()) < 250


def test_a_start_beside_a_living_process_keeps_the_sums(tmp_path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "metrics"
    folder.mkdir()
    dead = folder / "counter_web-999999999.db"
    dead.touch()
    (folder / "counter_web-1.db").touch()  # process 1 lives, whose ever it is
    metrics._clear_dead(folder, "web")
    assert dead.exists()  # a sum that falls by a part would be taken for a restart from zero
    (folder / "counter_web-1.db").unlink()
    metrics._clear_dead(folder, "web")
    assert not dead.exists()


def test_gauges_with_a_label_are_one_family():
    page = metrics.render(
        [Gauge("reportbot_x", "About x.", 1, ("of", "a")), Gauge("reportbot_x", "About x.", 2, ("of", "b"))]
    )
    assert page.count(b"# TYPE reportbot_x gauge") == 1


def test_how_late_the_most_overdue_schedule_is(stepped: SteppedBot, figures: Figures):
    from tests.reports.schedule_rows import add_schedule

    add_schedule(stepped, next_at=stepped.clock() - timedelta(minutes=20))
    assert figures()["reportbot_schedules_late_seconds"] == pytest.approx(1200, abs=1)


def test_when_the_admin_token_ends_is_known_from_its_renewal_on(stepped: SteppedBot, figures: Figures, tmp_path: Path):
    store = DatabaseTokenStore(stepped.database, tmp_path, lambda **_: [b"k" * 32], lambda *_: None)
    state = TokenState("access-0123456789", "refresh-0123456789", 2e9, 1.9e9, "seed", refresh_ends_at=3e9)
    store.save(state)
    series = "reportbot_admin_token_expiry_timestamp_seconds"
    assert (figures()[f'{series}{{token="access"}}'], figures()[f'{series}{{token="refresh"}}']) == (2e9, 3e9)
    store.save(replace(state, refresh_ends_at=None))  # Webex need not say it
    assert f'{series}{{token="refresh"}}' not in figures()
    app._note_settings(stepped.services)  # these have a plain token
    assert f'{series}{{token="access"}}' not in figures()
