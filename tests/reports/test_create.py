"""A run creates one report, wherever the program is killed and whatever Webex answers."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from bot.db import runs
from bot.db.requests import GROUP
from bot.emulator.things import READONLY_ADMIN, Template
from bot.errors import WebexError
from bot.queue import tasks
from bot.reports.create import Create
from bot.reports.requests import Asker
from bot.reports.runs import open_run
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from tests.live_bot import CSV, BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.access.policy import Decision
    from bot.db.runs import Run
    from bot.emulator.report import Report
    from tests.stepped_bot import SteppedBot

ASK = "new calling usage 2026-10-01 to 2026-10-31"
POST = ("POST", "/v1/partner/reports")
AN_HOUR = 3700.0


@pytest.fixture(autouse=True)
def template(stepped: SteppedBot) -> None:
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))


def created(stepped: SteppedBot) -> list[Report]:
    return list(stepped.world.reports.values())


def run_row(stepped: SteppedBot) -> Run:
    with stepped.database.read() as tx:
        found = runs.get(tx, 1)
    assert found is not None
    return found


def files(stepped: SteppedBot) -> int:
    return len([one for one in stepped.said(stepped.setup.group) if one.files])


def cards(stepped: SteppedBot) -> list[str]:
    return [BotMessage(one).shown for one in stepped.said(stepped.setup.group) if one.card]


def assert_one_is_created(stepped: SteppedBot) -> None:
    """Also after every wait and try that may follow: one report, which is the run's."""
    for _ in range(3):
        stepped.wait(11)
    (report,) = created(stepped)
    assert run_row(stepped).report_id == report.id


def asks(stepped: SteppedBot, text: str = ASK) -> None:
    stepped.receive(stepped.setup.ada, text, stepped.setup.group)


def test_wherever_it_is_killed_one_report_is_created_and_delivered_once(stepped: SteppedBot) -> None:
    for number in count(1):
        stepped.clock.turn(AN_HOUR)
        asks(stepped)
        before = len(created(stepped))
        stepped.points.passed, stepped.points.deadly = 0, number
        try:
            stepped.work()
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(11)
        else:
            break
        finally:
            stepped.points.deadly = None
        new = created(stepped)[before:]
        assert len(new) == 1, f"at point {number}"
        stepped.world.set_report(new[0].id, status="done", content=CSV)
        for _ in range(3):
            stepped.wait(61)
            stepped.sweep.once()
            stepped.work()
        assert files(stepped) == number, f"at point {number}"
    assert number > 5


@pytest.mark.parametrize("text", [ASK, "new meeting details 2026-10-01 to 2026-10-31"])
@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"status": 504}])
def test_a_lost_answer_makes_no_second_report(stepped: SteppedBot, text: str, fault: dict[str, Any]) -> None:
    for path in ("/v1/partner/reports", "/v1/reports"):
        stepped.emulator.faults.add("POST", path, times=1, **fault)
    asks(stepped, text)
    stepped.work()
    stepped.wait(10)

    assert len(created(stepped)) == 1
    assert ["● In progress" in one for one in cards(stepped)] == [True]
    assert run_row(stepped).report_id == created(stepped)[0].id


def test_a_lost_answer_makes_no_second_report_while_webex_does_not_list_the_first(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(*POST, cut="after", times=1)
    asks(stepped)
    stepped.work()
    (first,) = created(stepped)
    stepped.world.set_report(first.id, listed=False)
    stepped.wait(5)
    assert created(stepped) == [first]
    stepped.world.set_report(first.id, listed=True)

    stepped.wait(6)

    assert created(stepped) == [first]
    assert run_row(stepped).report_id == first.id


@contextmanager
def while_policy_is_asked(stepped: SteppedBot, do: Callable[[], object]) -> Iterator[None]:
    """Have something happen once, after policy was asked and before Webex is."""
    decide, left = stepped.services.authorizer.decide, [do]

    def slow(*args: Any, **more: Any) -> Decision:
        decision = decide(*args, **more)
        if left and "origin" in more:  # for a run, not for the message that asks for it
            left.pop()()
        return decision

    with patch.object(stepped.services.authorizer, "decide", slow):
        yield
    assert not left


def test_what_is_canceled_while_policy_is_asked_is_not_created(stepped: SteppedBot) -> None:
    def cancel() -> None:
        with stepped.database.begin() as tx:
            assert runs.close(tx, 1, runs.RunState.CANCELED, stepped.clock.now())

    asks(stepped)
    with while_policy_is_asked(stepped, cancel):
        stepped.work()
    stepped.wait(11)

    assert created(stepped) == []
    assert run_row(stepped).state is runs.RunState.CANCELED


def test_a_worker_that_stood_still_creates_nothing_that_another_one_has_created(stepped: SteppedBot) -> None:
    """Its machine slept for minutes after it had asked policy, so the others took it for dead."""

    def sleep() -> None:
        stepped.clock.turn(120)
        Create(stepped.services).run("1")

    asks(stepped)
    with while_policy_is_asked(stepped, sleep):
        stepped.work()
    assert_one_is_created(stepped)


def test_what_another_worker_began_is_not_taken_for_refused(stepped: SteppedBot) -> None:
    """A worker that stood still in its call ends with 429 while the answer to the other one's call was lost."""

    def sleep(_: NewReport) -> str:
        stepped.clock.turn(120)
        stepped.emulator.faults.add(*POST, cut="after", times=1)
        with patch.object(stepped.services.catalog, "create", create), pytest.raises(WebexError):
            Create(stepped.services).run("1")
        raise WebexError("POST partner/reports", 429)

    create = stepped.services.catalog.create
    asks(stepped)
    with patch.object(stepped.services.catalog, "create", sleep):
        stepped.work()
    assert_one_is_created(stepped)


def test_what_a_call_without_an_answer_created_is_looked_for_from_the_end_of_the_call(stepped: SteppedBot) -> None:
    def hangs(_: NewReport) -> str:
        stepped.clock.turn(60)
        raise WebexError("POST partner/reports", None, reached=None)

    asks(stepped)
    with patch.object(stepped.services.catalog, "create", hangs):
        stepped.work()
    stepped.wait(1)
    assert created(stepped) == []
    late = stepped.setup.partner_report("Calling Usage", template_id=130, start="2026-10-01", end="2026-10-31")
    stepped.wait(10)

    assert created(stepped) == [late]
    assert run_row(stepped).report_id == late.id


def test_a_lost_answer_makes_no_second_report_of_a_template_that_is_new_at_webex(stepped: SteppedBot) -> None:
    """Programs name only its ID, and an organization report tells only its title."""
    asks(stepped, "templates")
    stepped.work()
    stepped.world.add_template(Template(7, "organization", "Room Usage", "Devices"))
    stepped.emulator.faults.add("POST", "/v1/reports", cut="after", times=1)
    setup, day = stepped.setup, date(2026, 10, 1)
    asker = Asker("api:1", setup.ada.id, setup.group.id, GROUP, None, stepped.clock.now())
    with stepped.database.begin() as tx:
        open_run(tx, stepped.services, asker, NewReport(Family.ORGANIZATION, "7", day, day), "")
    stepped.work()
    assert_one_is_created(stepped)


def test_a_report_of_another_site_is_not_taken_for_the_one_whose_answer_was_lost(stepped: SteppedBot) -> None:
    stepped.world.add_template(Template(20, "organization", "Audio Usage", "Meetings", needs_sites=True))
    days = {"start": "2026-10-01", "end": "2026-10-02"}
    other = stepped.setup.organization_report("Audio Usage", site_list="other.webex.com", **days)
    stepped.emulator.faults.add("POST", "/v1/reports", cut="before", times=1)

    asks(stepped, "new audio usage 2026-10-01 to 2026-10-02 acme.webex.com")
    stepped.work()
    stepped.wait(11)

    assert [one.site_list for one in created(stepped)] == ["other.webex.com", "acme.webex.com"]
    assert run_row(stepped).report_id != other.id


def test_while_webex_does_not_show_the_report_that_is_said(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add("GET", "/v1/partner/reports/Y*", status=404)
    asks(stepped)
    stepped.work()
    stepped.wait(4)
    (told,) = stepped.said(stepped.setup.group)
    assert "Webex has created the report but doesn't show it yet. I'll keep trying" in (told.text or "")

    stepped.emulator.faults.clear()
    stepped.wait(4)

    assert ["● In progress" in one for one in cards(stepped)] == [True]
    assert len(stepped.said(stepped.setup.group)) == 1


def test_a_report_that_webex_never_shows_is_not_said_to_have_a_wrong_id(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add("GET", "/v1/partner/reports/Y*", status=404)
    asks(stepped)
    stepped.work()
    for _ in range(5):
        stepped.wait(30)

    (told,) = stepped.said(stepped.setup.group)
    assert "Webex has created this report but doesn't show it. Type reports in a few minutes" in (told.text or "")


def test_what_webex_refused_to_hear_is_not_looked_for(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(*POST, status=429, headers={"Retry-After": "5"}, times=1)
    asks(stepped)
    stepped.work()
    lists = stepped.calls("GET", "/v1/partner/reports")
    assert run_row(stepped).tried_at is None

    stepped.wait(10)

    assert len(created(stepped)) == 1
    assert stepped.calls("GET", "/v1/partner/reports") == lists


def test_trouble_is_told_once_and_goes_when_it_is_over(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(*POST, status=503)
    asks(stepped)
    stepped.work()
    for _ in range(4):
        stepped.wait(30)
    (told,) = stepped.said(stepped.setup.group)
    assert "I'll keep trying" in (told.text or "")

    stepped.emulator.faults.clear()
    stepped.wait(61)

    assert ["● In progress" in one for one in cards(stepped)] == [True]
    assert len(stepped.said(stepped.setup.group)) == 1


def test_trouble_that_lasts_an_hour_ends_it_with_a_sentence(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(*POST, status=503)
    asks(stepped)
    stepped.work()
    stepped.wait(AN_HOUR)

    assert [one.text for one in stepped.said(stepped.setup.group) if "couldn't run" in (one.text or "")]
    assert len(stepped.said(stepped.setup.group)) == 1
    assert run_row(stepped).state is runs.RunState.FAILED


def test_a_report_that_webex_does_not_know_yet_is_waited_for(stepped: SteppedBot) -> None:
    asks(stepped)
    stepped.work(until=tasks.LOOKUP)
    (report,) = created(stepped)
    stepped.emulator.faults.add("GET", f"/v1/partner/reports/{report.id}", status=404, times=1)
    stepped.work()
    assert not cards(stepped)

    stepped.wait(3)

    assert ["● In progress" in one for one in cards(stepped)] == [True]


def test_who_may_not_write_any_more_runs_nothing(stepped: SteppedBot) -> None:
    asks(stepped)
    stepped.work(until=tasks.CREATE)
    stepped.setup.ada.roles = [READONLY_ADMIN]
    stepped.directory.forget()
    stepped.work()

    assert not created(stepped)
    assert "Read-only administrators can't do this." in (stepped.said(stepped.setup.group)[0].text or "")
    assert run_row(stepped).state is runs.RunState.REFUSED


def test_each_lost_answer_is_waited_for(stepped: SteppedBot) -> None:
    """Webex lists a report some seconds later, however often it was asked for one before."""
    seen: dict[str, float] = {}

    def list_later() -> None:
        for one in stepped.world.reports.values():
            now = stepped.clock.seconds()
            stepped.world.set_report(one.id, listed=now - seen.setdefault(one.id, now) >= 8)

    stepped.emulator.faults.add(*POST, status=503, times=1)
    stepped.emulator.faults.add(*POST, cut="after", times=2)
    asks(stepped)
    stepped.work()
    for _ in range(60):
        list_later()
        stepped.wait(1)

    assert len(created(stepped)) == 1
