"""One ID finds every step of a request in the log, from the webhook to the posted file."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from bot import tracing
from bot.db.requests import State
from bot.db.trace_ids import trace_id
from bot.emulator import Template
from bot.reports.schedules import put_schedules
from bot.reports.timers import Timers
from tests.live_bot import CSV
from tests.reports.schedule_rows import add_schedule

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.live_bot import LiveBot
    from tests.observability.conftest import Log
    from tests.stepped_bot import SteppedBot

PERSON = "Y2lzY29zcGFyazovL3VzL01FU1NBR0UvMTExMTExMTEtMTExMS0xMTExLTExMTEtMTExMTExMTExMTEx"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("messages:m1", "messages:m1:r1"),
        ("messages:m1:r1", "messages:m1:r2"),
        ("messages:m1:retry:abcd2345", "messages:m1:retry:abcd2345:r1"),
        ("hook:12", "hook:12:r1"),
        ("api:abcd2345", "api:abcd2345:r1"),
        ("schedule:7:2026-11-29T10:00Z", "schedule:7:2026-11-29T10:00Z:r1"),
        (f"messages:{PERSON}", f"messages:{PERSON}=="),  # Webex spells an ID in several ways
    ],
)
def test_what_came_of_one_event_has_one_trace_id(one: str, other: str):
    assert trace_id(one) == trace_id(other)
    assert len(trace_id(one)) == 32
    assert int(trace_id(one), 16)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("messages:m1", "messages:m2"),
        ("messages:m1", "attachmentActions:m1"),
        ("schedule:7:2026-11-29T10:00Z", "schedule:7:2026-11-30T10:00Z"),
        ("subscription:3:r1", "subscription:3:r2"),
    ],
)
def test_other_events_have_others(one: str, other: str):
    assert trace_id(one) != trace_id(other)


def test_one_id_finds_every_step_from_the_webhook_to_the_file(log: Log, live: LiveBot):
    report = live.partner_report(status="In progress")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()
    live.emulator.world.set_report(report.id, status="done")
    line.file()
    live.on_record(report.id, State.DELIVERED)
    trace = trace_id(f"messages:{line.message.id}")
    live.emulator.world.wait_for(lambda _: any(one.get("task") == "deliver" for one in log.grep(trace)))

    lines = log.grep(trace)
    steps = [one["event"] if one["event"] != "job_run" else f"{one['task']} {one['outcome']}" for one in lines]
    jobs = (["event done"], ["report_found", "lookup done"], ["report_downloaded", "report_delivered", "deliver done"])
    for of_job in jobs:
        assert [one for one in steps if one in of_job] == of_job
    for alone in ("webhook_stored", "report_ready"):  # jobs may begin before what put them has written its own line
        assert steps.count(alone) == 1
    reference = next(one["reference"] for one in lines if one["event"] == "report_found")
    assert [one["event"] for one in log.grep(reference)] == ["report_found", "report_delivered"]
    tracking = [one for step in lines for one in step.get("tracking", [])]
    assert len(tracking) == len(set(tracking)) >= 6
    assert [one["event"] for one in log.grep(tracking[0])] == ["job_run"]


def test_the_lines_of_a_request_hold_no_token_no_link_and_nothing_of_a_person(log: Log, live: LiveBot):
    report = live.partner_report("A title of people's own")
    line = live.at(live.ada).says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)
    text = json.dumps(log.grep(trace_id(f"messages:{line.message.id}")))
    secret = (live.ada.id, live.ada.email, "A title", "http", live.bot_token, live.admin_token, line.message.id)
    assert "report_delivered" in text
    assert not [one for one in secret if one in text]


@pytest.mark.parametrize("together", [True, False], ids=["one file in a space", "a file each"])
def test_one_line_serves_all_who_wait_for_one_report(log: Log, stepped: SteppedBot, together: bool):
    report = stepped.setup.partner_report(status="In progress")
    people, space = (stepped.setup.ada, stepped.setup.grace), stepped.setup.group if together else None
    asked = [stepped.receive(one, f"report {report.id}", space) for one in people]
    stepped.work()
    stepped.world.set_report(report.id, status="done", content=CSV)
    stepped.wait(10)
    for one in asked:
        found = [line["event"] for line in log.grep(trace_id(f"messages:{one.id}"))]
        assert [found.count(event) for event in ("report_ready", "report_downloaded", "report_delivered")] == [1, 1, 1]


def test_who_comes_while_the_file_is_fetched_finds_its_post_too(log: Log, stepped: SteppedBot):
    report = stepped.setup.partner_report()
    later: list[Message] = []

    def ask() -> None:
        later.append(stepped.receive(stepped.setup.grace, f"report {report.id}", stepped.setup.group))
        stepped.work_beside()

    stepped.while_fetching(ask)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    found = log.grep(trace_id(f"messages:{later[0].id}"))
    assert "report_delivered" in [line["event"] for line in found]
    assert {"task": "deliver", "outcome": "done"}.items() <= found[-1].items()


def test_a_schedules_run_has_one_trace_id_from_its_time_on(log: Log, stepped: SteppedBot):
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    add_schedule(stepped, next_at=stepped.clock())
    with stepped.database.begin() as tx:
        put_schedules(tx, stepped.queue)
    stepped.work()
    (due,) = log.grep("schedule_due")
    events = [line["event"] for line in log.grep(due["trace_id"])]
    assert {"schedule_due", "report_created", "report_found"} <= set(events)


def test_what_a_step_starts_in_another_thread_belongs_to_it():
    done = threading.Event()

    def later() -> None:
        tracing.answered("TRACKING_1")
        done.set()

    with tracing.step("deliver") as step:
        Timers().start(0.0, later)
        assert done.wait(10)
    assert step.tracking == ["TRACKING_1"]


def test_a_line_about_one_of_many_requests_does_not_list_them_all():
    with tracing.step("deliver"):
        tracing.join("1" * 32)
        assert tracing.add_trace(None, "info", {"reference": "abcd2345"})["trace_id"] == "1" * 32
        tracing.join("2" * 32, "1" * 32)
        assert tracing.add_trace(None, "info", {"event": "x"})["trace_ids"] == ["1" * 32, "2" * 32]
        assert tracing.add_trace(None, "info", {"reference": "abcd2345"}) == {"reference": "abcd2345"}


def test_without_a_step_nothing_is_gathered():
    tracing.begin("1" * 32)
    tracing.answered("TRACKING_1")
    tracing.called("GET", "/v1/rooms", 200, 0.1)
    assert tracing.add_trace(None, "info", {"event": "x"}) == {"event": "x"}
