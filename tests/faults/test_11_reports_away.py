"""Issue 11, §4: both families of reports are away at once. One line within ten seconds, gone when the card stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.reports import report_calls, trouble
from bot.services import MOST_REPORT_CALLS
from tests.stage import Heard

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.core.workbench import Workbench

LINE = "Webex Reports isn't responding right now. I'll keep trying; no action needed."
STEP, A_WHILE = 0.25, 5.0
SOON = 10.0
BOTH = "/v1/*reports*"
TROUBLES: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 502},
    {"status": 503},
    {"status": 504},
    {"cut": "before"},
    {"cut": "after"},
    {"cut": "middle"},
]


@pytest.fixture(params=["1:1", "group"])
def space(bench: Workbench, request: pytest.FixtureRequest) -> Space:
    stage = bench.stage
    return stage.group if request.param == "group" else bench.world.direct_space(stage.ada, stage.bot)


def pass_by(bench: Workbench, seconds: float) -> None:
    for _ in range(int(seconds / A_WHILE)):
        bench.wait(A_WHILE)


def lines(bench: Workbench, space: Space) -> list[Message]:
    return [one for one in bench.said(space) if "right now" in (one.markdown or one.text or "")]


def seconds_until_told(bench: Workbench, space: Space) -> float:
    asked = bench.clock.seconds()
    bench.work()
    while not lines(bench, space):
        assert bench.clock.seconds() - asked < SOON, "nothing was said in time"
        bench.wait(STEP)
    return bench.clock.seconds() - asked


def kinds(bench: Workbench, space: Space) -> list[str]:
    return ["card" if one.card else "file" if one.files else "words" for one in bench.said(space)]


@pytest.mark.parametrize(
    ("family", "fault"), [*(("partner", one) for one in TROUBLES), ("organization", TROUBLES[0])], ids=str
)
def test_one_line_soon_and_in_its_place_the_card(
    bench: Workbench, space: Space, family: str, fault: dict[str, Any]
) -> None:
    make = bench.stage.partner_report if family == "partner" else bench.stage.organization_report
    report = make("Quarterly Secrets")
    root = bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.emulator.faults.add(method="GET", path=BOTH, **fault)

    assert 1 < seconds_until_told(bench, space) < SOON
    pass_by(bench, 300)

    (one,) = bench.said(space)
    assert (one.markdown, one.parent_id) == (LINE, root.id)

    bench.emulator.faults.clear()
    pass_by(bench, 70)

    assert bench.request().state is State.DELIVERED
    assert kinds(bench, space) == ["card", "file"]
    assert bench.request().failing_since is None


@pytest.mark.parametrize(("partner", "organization"), [(503, None), (None, 503), (None, None)])
def test_a_family_that_hangs_is_as_bad(
    bench: Workbench, space: Space, monkeypatch: pytest.MonkeyPatch, partner: int | None, organization: int | None
) -> None:
    """It answers nothing for the patience of a call, so no error tells that it is away."""
    monkeypatch.setattr(trouble, "FIRST_ANSWER_PATIENCE", timedelta())  # the clock of the tests stands still
    monkeypatch.setattr(trouble, "SILENCE_PATIENCE", timedelta(seconds=0.2))
    monkeypatch.setattr(trouble, "LEAST_SILENCE", timedelta(seconds=0.1))
    report = bench.stage.partner_report(status="waiting")
    for path, status in (("/v1/partner/reports/*", partner), ("/v1/reports/*", organization)):
        delay = 0.0 if status else 2.0  # long enough for a busy machine
        bench.emulator.faults.add(method="GET", path=path, status=status or 503, delay=delay, times=1)
    seen: list[int] = []
    while_asking = bench.services.catalog.find

    def find(*args: Any, **more: Any) -> Any:
        try:
            return while_asking(*args, **more)
        finally:
            seen.append(len(lines(bench, space)))

    monkeypatch.setattr(bench.services.catalog, "find", find)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    assert seen == [1], "it is said while Webex is silent"
    assert len(lines(bench, space)) == 1
    pass_by(bench, A_WHILE)

    assert bench.request().state is State.OPEN
    assert kinds(bench, space) == ["card"]


def test_one_family_that_answers_is_enough(bench: Workbench, space: Space) -> None:
    report = bench.stage.organization_report()
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    pass_by(bench, 20)

    assert kinds(bench, space) == ["card", "file"]


def test_a_hiccup_of_a_second_is_worth_no_word(bench: Workbench, space: Space) -> None:
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path=BOTH, status=503, times=4)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    said: list[int] = []
    for _ in range(40):
        bench.wait(0.25)
        said.append(len(lines(bench, space)))

    assert max(said) == 0
    assert kinds(bench, space) == ["card", "file"]


@pytest.mark.parametrize("command", ["reports", "refresh {}", "again {}"])
def test_other_commands_say_it_as_soon(bench: Workbench, space: Space, command: str) -> None:
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(bench.stage.ada, command.format(report.id), space)

    assert seconds_until_told(bench, space) < SOON
    pass_by(bench, 120)
    assert [one.markdown for one in bench.said(space)] == [LINE]

    bench.emulator.faults.clear()
    pass_by(bench, 70)
    assert kinds(bench, space) == (["file"] if "again" in command else ["card"])


def test_the_line_goes_when_the_request_is_canceled(bench: Workbench, space: Space) -> None:
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    seconds_until_told(bench, space)
    bench.hears(bench.stage.ada, f"cancel {report.id}", space)
    pass_by(bench, 70)

    assert lines(bench, space) == []
    assert bench.request().state is State.CANCELED


def test_the_line_goes_when_the_answer_is_no(bench: Workbench, space: Space) -> None:
    report = bench.stage.partner_report(made_in_portal=True)
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    seconds_until_told(bench, space)
    bench.emulator.faults.clear()
    pass_by(bench, 70)

    assert lines(bench, space) == []
    assert bench.request().state is State.FAILED
    assert len(bench.said(space)) == 1


def test_it_is_said_once_and_goes_through_a_restart(bench: Workbench, space: Space) -> None:
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    seconds_until_told(bench, space)
    bench.restart()
    pass_by(bench, 120)
    assert len(bench.said(space)) == 1

    bench.restart()
    bench.emulator.faults.clear()
    pass_by(bench, 70)
    assert kinds(bench, space) == ["card", "file"]


def test_a_line_that_webex_does_not_delete_now_goes_later(bench: Workbench, space: Space) -> None:
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    seconds_until_told(bench, space)
    bench.emulator.faults.clear()
    failed = bench.emulator.faults.add(method="DELETE", path="/v1/messages/*", status=503, times=1)
    pass_by(bench, 70)
    assert failed.hits
    assert kinds(bench, space) == ["card", "file"]


def test_several_reports_of_one_message_share_one_line(bench: Workbench, space: Space) -> None:
    reports = [bench.stage.partner_report(status="waiting") for _ in range(5)]
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(bench.stage.ada, "report " + " ".join(one.id for one in reports), space)
    seconds_until_told(bench, space)
    pass_by(bench, 60)
    assert len(bench.said(space)) == 1

    bench.emulator.faults.clear()
    bench.emulator.faults.add(method="GET", path=f"/v1/partner/reports/{reports[3].id}", status=503)
    pass_by(bench, 70)
    assert kinds(bench, space) in ([], ["words"]), "no list while one of them is away, and never two lines"

    bench.emulator.faults.clear()
    pass_by(bench, 70)
    assert kinds(bench, space) == ["card"], "one list of all"


def test_reports_that_hang_leave_room_for_others(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where so many are asked for already, the request comes again by itself, and its person is told."""
    monkeypatch.setattr(report_calls, "LONGEST_WAIT", 0.01)
    report = bench.stage.partner_report()
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    for _ in range(MOST_REPORT_CALLS):
        bench.services.report_slots.acquire()
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    assert seconds_until_told(bench, space) < SOON
    assert bench.calls("GET", BOTH) == 0

    bench.services.report_slots.release()
    pass_by(bench, 20)
    assert kinds(bench, space) == ["card", "file"]


def test_where_others_read_along_the_line_tells_nothing_and_goes(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.hears(stage.ada, f"report {report.id}", stage.outside)
    direct = bench.world.direct_space(stage.ada, stage.bot)
    seconds_until_told(bench, stage.outside)
    pass_by(bench, 60)
    assert (kinds(bench, stage.outside), kinds(bench, direct)) == (["words"], [])

    bench.emulator.faults.clear()
    pass_by(bench, 70)
    assert kinds(bench, direct) == ["card", "file"]
    assert kinds(bench, stage.outside) == ["words"]


def test_a_press_is_told_as_well(bench: Workbench, space: Space) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    card = next(one for one in bench.said(space) if one.card)
    bench.emulator.faults.add(method="GET", path=BOTH, status=503)
    bench.pressed(bench.stage.ada, card, Heard(card).buttons["Send again"])
    seconds_until_told(bench, space)

    bench.emulator.faults.clear()
    pass_by(bench, 70)
    assert kinds(bench, space) == ["card", "file", "file"]
