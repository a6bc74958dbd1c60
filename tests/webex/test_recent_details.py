"""Details under a minute old are reused by the same process; their link lives in memory only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.queue import tasks
from bot.webex.recent_details import FRESH, MOST, RecentDetails
from bot.webex.report import Report
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

NOW = datetime(2026, 3, 24, tzinfo=UTC)


def details_calls(stepped: SteppedBot) -> int:
    return stepped.calls("GET", "/v1/partner/reports/*") + stepped.calls("GET", "/v1/reports/*")


def files(stepped: SteppedBot) -> int:
    return sum(bool(one.files) for one in stepped.said())


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_ready_report_costs_one_details_call_of_its_family_from_card_to_file(
    stepped: SteppedBot, family: str
) -> None:
    make = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    report = make()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()

    assert (stepped.request().state, files(stepped), stepped.downloads) == (State.DELIVERED, 1, 1)
    path = "/v1/partner/reports/*" if family == "partner" else "/v1/reports/*"
    assert stepped.calls("GET", path) == 1


def test_each_request_asks_for_details_of_its_own(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    for _ in range(2):
        stepped.receive(stepped.setup.ada, f"again {report.id}")
        stepped.work()

    assert (files(stepped), details_calls(stepped)) == (2, 2)


def test_details_that_are_a_minute_old_are_asked_for_again(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    stepped.wait(60)

    assert (files(stepped), details_calls(stepped)) == (1, 2)


def test_another_process_knows_nothing_of_the_link_and_nothing_on_the_disk_does(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    link = stepped.world.download_link(report)
    host = link.partition("?")[0].encode()
    for path in stepped.folder.parent.rglob("*"):
        if path.is_file():
            assert host not in path.read_bytes(), path
            assert b"signature=" not in path.read_bytes(), path

    stepped.restart()
    stepped.work()

    assert (files(stepped), details_calls(stepped)) == (1, 2)


@pytest.mark.parametrize("status", [401, 403, 410])
def test_a_link_that_is_refused_is_asked_for_again_once(stepped: SteppedBot, status: int) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(path="/api", host="download", status=status, times=1)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()

    assert (stepped.request().state, files(stepped), details_calls(stepped)) == (State.DELIVERED, 1, 2)


@pytest.mark.parametrize("status", [401, 403, 410])
def test_a_link_that_is_refused_twice_is_told(stepped: SteppedBot, status: int) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(path="/api", host="download", status=status)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()

    assert (stepped.request().state, files(stepped), details_calls(stepped)) == (State.FAILED, 0, 2)


def test_a_report_that_was_deleted_in_between_is_not_served(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    stepped.world.set_report(report.id, deleted=True)
    stepped.work()

    assert (stepped.request().state, files(stepped)) == (State.FAILED, 0)
    assert "isn't in Webex any more" in (stepped.request().reason or "")


def test_policy_is_asked_right_before_the_file_all_the_same(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    grace = stepped.setup.grace  # Ada is whose the admin token is
    stepped.receive(grace, "reports")  # her roles are known for five minutes from here on
    stepped.work()
    stepped.clock.turn(280)
    stepped.receive(grace, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    grace.roles.clear()
    stepped.wait(40)

    assert (stepped.request().state, details_calls(stepped), stepped.downloads) == (State.REFUSED, 1, 0)
    assert not any(one.files for one in stepped.said(person=grace))


def ready(report_id: str, at: datetime = NOW, *, status: str = "done", link: str = "https://example.com/x") -> Report:
    return Report(report_id, Family.PARTNER, status, fetched_at=at, download_url=link)


def test_only_what_is_ready_recent_and_has_a_link_is_kept() -> None:
    now = NOW
    recent = RecentDetails(lambda: now)
    for one in (ready("pending", status="waiting"), ready("bare", link=""), ready("ready")):
        recent.keep(one)
    assert [recent.get("partner", one) is not None for one in ("pending", "bare", "ready")] == [False, False, True]
    assert recent.get("organization", "ready") is None
    now = NOW - FRESH
    assert recent.get("partner", "ready") is None, "the clock was set back"

    recent.keep(ready("ready", now))
    recent.keep(ready("ready", now, status="In progress"))
    assert recent.get("partner", "ready") is None, "Webex makes it again"


def test_it_is_bounded() -> None:
    recent = RecentDetails(lambda: NOW + timedelta(seconds=1))
    for number in range(MOST + 1):
        recent.keep(ready(str(number)))
    assert recent.get("partner", "0") is None
    assert recent.get("partner", str(MOST)) is not None
