"""Issue 11: Webex's list says one thing of a report, and its details another. Nobody goes without a file for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.emulator.report import Shape
from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

LIST, DETAILS = "/v1/partner/reports", "/v1/partner/reports/*"


def watched(stepped: SteppedBot, *, listed: str, detailed: str) -> Any:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    stepped.world.set_report(report.id, status=detailed)
    item = {"reportId": report.id, "title": report.title, "status": listed}
    stepped.emulator.faults.add(method="GET", path=LIST, status=200, body=[item])
    return report


def files(stepped: SteppedBot) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in stepped.said(stepped.setup.group) if one.files]


def pass_by(stepped: SteppedBot, seconds: float, step: float = 30.0) -> None:
    for _ in range(int(seconds / step)):
        stepped.wait(step)


@pytest.mark.parametrize("listed", ["failed", "ERROR"])
def test_a_failure_is_believed_when_the_details_say_so_too(stepped: SteppedBot, listed: str) -> None:
    report = watched(stepped, listed=listed, detailed="waiting")
    before = stepped.calls("GET", DETAILS)
    pass_by(stepped, 3600)
    assert stepped.request().state is State.OPEN
    assert stepped.calls("GET", DETAILS) - before < 12, "at growing intervals"

    stepped.world.set_report(report.id, status="done")
    pass_by(stepped, 3600)
    assert files(stepped) == [CSV]


def test_a_failure_of_both_is_one(stepped: SteppedBot) -> None:
    watched(stepped, listed="failed", detailed="Failure")
    pass_by(stepped, 60)

    assert stepped.request().state is State.FAILED


def test_a_list_that_lags_for_ever_ends_no_report_that_is_ready(stepped: SteppedBot) -> None:
    watched(stepped, listed="In progress", detailed="done")
    pass_by(stepped, 25 * 3600, 1800)
    assert stepped.request().state is State.OPEN
    pass_by(stepped, 2 * 3600, 1800)

    assert files(stepped) == [CSV]


def test_it_ends_with_its_deadline_where_both_agree(stepped: SteppedBot) -> None:
    watched(stepped, listed="In progress", detailed="In progress")
    before = stepped.calls("GET", DETAILS)
    pass_by(stepped, 27 * 3600, 1800)

    assert stepped.request().state is State.EXPIRED
    assert stepped.calls("GET", DETAILS) - before == 1


def test_who_refreshes_sees_it_ready_and_gets_it(stepped: SteppedBot) -> None:
    report = watched(stepped, listed="In progress", detailed="done")
    pass_by(stepped, 600)
    stepped.receive(stepped.setup.grace, f"refresh {report.id}", stepped.setup.group)
    stepped.work()

    assert files(stepped) == [CSV]
    assert stepped.request().state is State.DELIVERED
    assert len(stepped.said(stepped.setup.group)) == 3, "the card, the file, and the answer to who refreshed"


@pytest.mark.parametrize("listed", [True, False])
def test_a_link_that_comes_later_than_the_status_is_waited_for(stepped: SteppedBot, listed: bool) -> None:
    without = Shape(wrap="flat", names={"downloadURL": "somethingElse"})
    report = stepped.setup.partner_report(shape=without, listed=listed)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    pass_by(stepped, 300)
    assert files(stepped) == []
    stepped.world.set_report(report.id, shape=Shape())
    pass_by(stepped, 600)

    assert files(stepped) == [CSV]


def test_a_link_that_never_comes_is_told(stepped: SteppedBot) -> None:
    without = Shape(wrap="flat", names={"downloadURL": "somethingElse"})
    report = stepped.setup.partner_report(shape=without)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    pass_by(stepped, 3600)

    assert stepped.request().state is State.FAILED
    assert "no download link" in (stepped.request().reason or "")
    assert stepped.calls("GET", DETAILS) < 12
