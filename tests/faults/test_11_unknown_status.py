"""Issue 11, §4: a status that is no word we know counts as pending, and its file is carefully tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from tests.core.workbench import Crash
from tests.stage import CSV, Heard

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.core.workbench import Workbench

MINUTE, HOUR = 60.0, 3600.0
UNKNOWN = "which I don't know; the file is complete."


def pass_by(bench: Workbench, seconds: float, step: float = MINUTE) -> None:
    for _ in range(int(seconds / step)):
        bench.wait(step)


def asked_for(bench: Workbench, status: Any = "PREPARED", space: Space | None = None, **more: Any) -> Any:
    report = bench.stage.partner_report("Calling Usage", **({"status": status, "has_file": True} | more))
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    assert bench.request().state is State.OPEN
    return report


def files(bench: Workbench, space: Space | None = None) -> list[Message]:
    return [one for one in bench.said(space) if one.files]


def line(bench: Workbench, space: Space | None = None) -> str:
    (one,) = files(bench, space)
    assert one.files[0].path.read_bytes() == CSV
    return one.markdown or ""


def card(bench: Workbench, space: Space | None = None) -> str:
    (one,) = [one for one in bench.said(space) if one.card]
    return Heard(one).shown


@pytest.mark.parametrize("family", ["partner", "organization"])
@pytest.mark.parametrize("group", [False, True])
def test_what_proves_whole_is_posted_after_ten_minutes(bench: Workbench, family: str, group: bool) -> None:
    space = bench.stage.group if group else bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    make = bench.stage.partner_report if family == "partner" else bench.stage.organization_report
    report = make(status="PREPARED", has_file=True)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    pass_by(bench, 9 * MINUTE)
    assert "● In progress" in card(bench, space)
    assert "Status in Webex: PREPARED" in card(bench, space)
    assert bench.downloads == 0

    pass_by(bench, 6 * MINUTE)

    assert bench.downloads == 1
    assert "Webex's status is “PREPARED”, which I don't know; the file is complete." in line(bench, space)
    assert "● Ready" in card(bench, space)
    assert "Status in Webex: PREPARED" in card(bench, space)
    assert "The file follows below." in card(bench, space)
    assert bench.request().state is State.DELIVERED


@pytest.mark.parametrize("status", ["", None, 7, "完了", "generated_ok", "***"])
def test_whatever_is_no_word_of_ours_is_tried(bench: Workbench, status: Any) -> None:
    asked_for(bench, status)
    pass_by(bench, 16 * MINUTE)

    said = line(bench)
    assert UNKNOWN in said or "Webex gives no status for this report; the file is complete." in said


@pytest.mark.parametrize("status", ["waiting", "QUEUED", "In_Progress", "manual-processing", "Generating "])
def test_what_is_surely_pending_is_never_tried(bench: Workbench, status: str) -> None:
    report = asked_for(bench, status)
    pass_by(bench, 3 * HOUR, 5 * MINUTE)
    assert (bench.downloads, len(bench.said())) == (0, 1)

    bench.world.set_report(report.id, status="COMPLETED ")
    pass_by(bench, 6 * MINUTE)
    assert "don't know" not in line(bench)


BROKEN: list[dict[str, Any]] = [
    {"has_file": False},
    {"html_error": True},
    {"claimed_length": len(CSV) + 10},
    {"infected": True},
    {"checksum": "0" * 32},
    {"unscannable": True},
    {"locked_times": 100},
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_what_does_not_prove_whole_changes_nothing(bench: Workbench, broken: dict[str, Any]) -> None:
    report = asked_for(bench, **broken)
    (before,) = bench.said()
    asked: list[float] = []
    start = bench.clock.seconds()
    for _ in range(24 * 12):
        had = bench.downloads
        bench.wait(5 * MINUTE)
        assert bench.downloads - had <= 1
        if bench.downloads > had:
            asked.append(bench.clock.seconds() - start)

    assert len(asked) == 3
    assert asked[0] >= 10 * MINUTE
    assert asked[1] - asked[0] < asked[2] - asked[1]
    assert [one.id for one in bench.said()] == [before.id]
    assert bench.request().state is State.OPEN

    bench.world.set_report(report.id, status="Finished", has_file=True, **dict.fromkeys(set(broken) - {"has_file"}))
    bench.world.set_report(report.id, locked_times=0)
    pass_by(bench, 10 * MINUTE)
    assert "don't know" not in line(bench)


def test_it_ends_with_its_deadline_and_the_word(bench: Workbench) -> None:
    asked_for(bench, has_file=False)
    pass_by(bench, 27 * HOUR, 5 * MINUTE)

    assert bench.request().state is State.EXPIRED
    assert "“PREPARED”" in (bench.request().reason or "")
    assert bench.downloads == 3


@pytest.mark.parametrize(
    ("then", "state"), [("done", State.DELIVERED), ("FAILED", State.FAILED), ("error", State.FAILED)]
)
def test_a_word_that_is_known_later_says_it(bench: Workbench, then: str, state: State) -> None:
    report = asked_for(bench)
    pass_by(bench, 5 * MINUTE)
    bench.world.set_report(report.id, status=then)
    pass_by(bench, 3 * MINUTE)

    assert bench.request().state is state
    assert bench.downloads == (state is State.DELIVERED)
    assert all("don't know" not in (one.markdown or "") for one in bench.said())


def test_ten_minutes_are_those_of_one_word(bench: Workbench) -> None:
    report = asked_for(bench)
    for status in ("ASSEMBLED", "waiting", "PREPARED", "ASSEMBLED", "prepared"):
        pass_by(bench, 8 * MINUTE)
        bench.world.set_report(report.id, status=status)
    assert bench.downloads == 0
    pass_by(bench, 4 * MINUTE)
    bench.world.set_report(report.id, status="Pre-Pared")
    pass_by(bench, 12 * MINUTE)

    assert "“Pre-Pared”" in line(bench)


def test_restarts_and_further_requests_do_not_begin_the_count_again(bench: Workbench) -> None:
    report = asked_for(bench, has_file=False)
    pass_by(bench, 8 * MINUTE)
    bench.restart()
    pass_by(bench, 8 * MINUTE)
    assert bench.downloads == 1
    for _ in range(20):
        bench.hears(bench.stage.ada, f"cancel {report.id}")
        bench.work()
        bench.hears(bench.stage.ada, f"report {report.id}")
        bench.work()
        bench.restart()
        pass_by(bench, HOUR, 5 * MINUTE)

    assert bench.downloads == 3


def test_a_kill_in_the_middle_costs_a_try(bench: Workbench) -> None:
    asked_for(bench)

    def die() -> None:
        raise Crash("in the middle")

    bench.while_fetching(die)
    with pytest.raises(Crash):
        pass_by(bench, 20 * MINUTE)
    bench.restart()
    pass_by(bench, 50 * MINUTE)
    assert (bench.downloads, files(bench)) == (1, [])
    pass_by(bench, 20 * MINUTE)
    assert bench.downloads == 2
    assert UNKNOWN in line(bench)


def test_one_that_proved_whole_is_posted_though_webex_does_not_take_it_at_once(bench: Workbench) -> None:
    asked_for(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=3)
    pass_by(bench, 20 * MINUTE)

    assert UNKNOWN in line(bench)
    assert bench.request().state is State.DELIVERED


def remove_kept_file(bench: Workbench) -> None:
    """As happens a quarter of an hour after the file was proved."""
    for path in bench.folder.rglob("*"):
        if path.is_file():
            path.unlink()


def test_who_asks_later_has_no_ten_minutes_to_wait(bench: Workbench) -> None:
    report = asked_for(bench)
    pass_by(bench, 16 * MINUTE)
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    pass_by(bench, 2 * MINUTE)
    assert UNKNOWN in line(bench, bench.stage.group)
    for _ in range(4):
        remove_kept_file(bench)
        bench.hears(bench.stage.ada, f"again {report.id}")
        pass_by(bench, 2 * MINUTE)
    assert (len(files(bench)), bench.downloads) == (5, 5)
    remove_kept_file(bench)

    bench.world.set_report(report.id, has_file=False)
    bench.hears(bench.stage.ada, f"again {report.id}")
    pass_by(bench, 20 * HOUR, 5 * MINUTE)
    assert len(files(bench)) == 5
    assert bench.downloads <= 5 + 3


def test_all_who_wait_are_served_by_one_try(bench: Workbench) -> None:
    report = asked_for(bench)
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    pass_by(bench, 16 * MINUTE)

    assert bench.downloads == 1
    assert UNKNOWN in line(bench)
    assert UNKNOWN in line(bench, bench.stage.group)


def test_without_a_link_there_is_nothing_to_try(bench: Workbench) -> None:
    asked_for(bench, shape=_without_link())
    calls = bench.calls("GET", "/v1/partner/reports/*")
    pass_by(bench, 2 * HOUR)

    assert (bench.downloads, len(bench.said())) == (0, 1)
    assert bench.calls("GET", "/v1/partner/reports/*") - calls <= 2 * HOUR / (10 * MINUTE)


def _without_link() -> Any:
    from bot.emulator.report import Shape

    return Shape(wrap="flat", names={"downloadURL": "somethingElse"})


@pytest.mark.parametrize(
    ("listed", "detailed", "tells"), [("PREPARED", "done", False), ("done", "PREPARED", True), ("PREPARED", "x", True)]
)
def test_the_list_says_one_thing_and_the_details_another(
    bench: Workbench, listed: str, detailed: str, tells: bool
) -> None:
    report = bench.stage.partner_report(status="waiting", has_file=True)
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    bench.world.set_report(report.id, status=detailed)
    item = {"reportId": report.id, "title": report.title, "status": listed}
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports", status=200, body=[item])
    calls = bench.calls("GET", "/v1/partner/reports/*")
    pass_by(bench, 40 * MINUTE, 15)

    assert ("don't know" in line(bench)) is tells
    assert bench.calls("GET", "/v1/partner/reports/*") - calls < 15


def test_it_can_be_canceled_at_any_time(bench: Workbench) -> None:
    report = asked_for(bench)

    def cancel() -> None:
        bench.hears(bench.stage.ada, f"cancel {report.id}")
        bench.work_beside()

    bench.while_fetching(cancel)
    pass_by(bench, 20 * MINUTE)

    assert files(bench) == []
    assert bench.request().state is State.CANCELED
