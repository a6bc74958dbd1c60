"""Issue 11: Webex's list says one thing of a report, and its details another. Nobody goes without a file for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.emulator.report import Shape
from tests.stage import CSV

if TYPE_CHECKING:
    from tests.core.workbench import Workbench

LIST, DETAILS = "/v1/partner/reports", "/v1/partner/reports/*"


def watched(bench: Workbench, *, listed: str, detailed: str) -> Any:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    bench.world.set_report(report.id, status=detailed)
    item = {"reportId": report.id, "title": report.title, "status": listed}
    bench.emulator.faults.add(method="GET", path=LIST, status=200, body=[item])
    return report


def files(bench: Workbench) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said(bench.stage.group) if one.files]


def pass_by(bench: Workbench, seconds: float, step: float = 30.0) -> None:
    for _ in range(int(seconds / step)):
        bench.wait(step)


@pytest.mark.parametrize("listed", ["failed", "ERROR"])
def test_a_failure_is_believed_when_the_details_say_so_too(bench: Workbench, listed: str) -> None:
    report = watched(bench, listed=listed, detailed="waiting")
    before = bench.calls("GET", DETAILS)
    pass_by(bench, 3600)
    assert bench.request().state is State.OPEN
    assert bench.calls("GET", DETAILS) - before < 12, "at growing intervals"

    bench.world.set_report(report.id, status="done")
    pass_by(bench, 3600)
    assert files(bench) == [CSV]


def test_a_failure_of_both_is_one(bench: Workbench) -> None:
    watched(bench, listed="failed", detailed="Failure")
    pass_by(bench, 60)

    assert bench.request().state is State.FAILED


def test_a_list_that_lags_for_ever_ends_no_report_that_is_ready(bench: Workbench) -> None:
    watched(bench, listed="In progress", detailed="done")
    pass_by(bench, 25 * 3600, 300)
    assert bench.request().state is State.OPEN
    pass_by(bench, 2 * 3600, 300)

    assert files(bench) == [CSV]


def test_it_ends_with_its_deadline_where_both_agree(bench: Workbench) -> None:
    watched(bench, listed="In progress", detailed="In progress")
    before = bench.calls("GET", DETAILS)
    pass_by(bench, 27 * 3600, 300)

    assert bench.request().state is State.EXPIRED
    assert bench.calls("GET", DETAILS) - before == 1


def test_who_refreshes_sees_it_ready_and_gets_it(bench: Workbench) -> None:
    report = watched(bench, listed="In progress", detailed="done")
    pass_by(bench, 600)
    bench.hears(bench.stage.grace, f"refresh {report.id}", bench.stage.group)
    bench.work()

    assert files(bench) == [CSV]
    assert bench.request().state is State.DELIVERED
    assert len(bench.said(bench.stage.group)) == 3, "the card, the file, and the answer to who refreshed"


@pytest.mark.parametrize("listed", [True, False])
def test_a_link_that_comes_later_than_the_status_is_waited_for(bench: Workbench, listed: bool) -> None:
    without = Shape(wrap="flat", names={"downloadURL": "somethingElse"})
    report = bench.stage.partner_report(shape=without, listed=listed)
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    pass_by(bench, 300)
    assert files(bench) == []
    bench.world.set_report(report.id, shape=Shape())
    pass_by(bench, 600)

    assert files(bench) == [CSV]


def test_a_link_that_never_comes_is_told(bench: Workbench) -> None:
    without = Shape(wrap="flat", names={"downloadURL": "somethingElse"})
    report = bench.stage.partner_report(shape=without)
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    pass_by(bench, 3600)

    assert bench.request().state is State.FAILED
    assert "no download link" in (bench.request().reason or "")
    assert bench.calls("GET", DETAILS) < 12
