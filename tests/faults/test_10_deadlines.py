"""Issue 4, item 10: a deadline that passes while nobody could look ends nothing that is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.db.requests import State
from bot.queue import tasks
from tests.stage import CSV

if TYPE_CHECKING:
    from tests.core.workbench import Workbench

HOUR = 3600.0
DAYS_AWAY = 3 * 24 * HOUR
LISTS, DETAILS = "/v1/partner/reports", "/v1/partner/reports/*"


def watched(bench: Workbench, **more: Any) -> Any:
    report = bench.stage.partner_report(**({"status": "In progress"} | more))
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    assert bench.request().state is State.OPEN
    return report


def words(bench: Workbench) -> str:
    return " ".join(f"{one.text}" for one in bench.said(bench.stage.group))


def files(bench: Workbench) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said(bench.stage.group) if one.files]


def test_a_report_that_was_done_while_the_bot_was_away_for_days_is_delivered(bench: Workbench) -> None:
    report = watched(bench)
    bench.world.set_report(report.id, status="done")
    bench.clock.turn(DAYS_AWAY)
    bench.restart()
    bench.work()

    assert files(bench) == [CSV]
    assert bench.request().state is State.DELIVERED


def test_so_is_one_that_the_list_does_not_show_and_whose_next_look_was_far_off(bench: Workbench) -> None:
    report = watched(bench, listed=False)
    for _ in range(12):
        bench.wait(1800)
    assert bench.request().state is State.OPEN
    bench.world.set_report(report.id, status="done")
    bench.clock.turn(20 * HOUR)
    bench.restart()
    bench.work()

    assert files(bench) == [CSV]


def test_one_that_is_not_done_then_ends_with_its_sentence(bench: Workbench) -> None:
    watched(bench)
    bench.clock.turn(DAYS_AWAY)
    bench.restart()
    bench.work()

    assert bench.request().state is State.EXPIRED
    assert "wasn't ready after 26 hours" in words(bench)
    assert bench.next_wait() is None, "nothing is watched any more"


def test_while_webex_says_nothing_the_deadline_waits_for_some_hours(bench: Workbench) -> None:
    report = watched(bench)
    bench.emulator.faults.add(method="GET", path=LISTS, status=503)
    bench.world.set_report(report.id, status="done")
    bench.wait(27 * HOUR)
    assert bench.request().state is State.OPEN, "nobody knows whether it is done"

    bench.emulator.faults.clear()
    bench.wait(600)

    assert files(bench) == [CSV]


def test_trouble_that_lasts_beyond_them_is_called_by_its_name(bench: Workbench) -> None:
    watched(bench)
    bench.emulator.faults.add(method="GET", path=LISTS, status=503)
    for _ in range(33):
        bench.wait(HOUR)
        bench.sweep.once()
        bench.work()

    assert bench.request().state is State.EXPIRED
    assert "Webex kept returning errors" in words(bench)
    assert "wasn't ready" not in words(bench)
    assert bench.next_wait() is None


def test_details_that_fail_say_nothing_either(bench: Workbench) -> None:
    report = watched(bench, listed=False)
    bench.emulator.faults.add(method="GET", path=DETAILS, status=503)
    bench.world.set_report(report.id, status="done")
    bench.wait(27 * HOUR)
    assert bench.request().state is State.OPEN

    bench.emulator.faults.clear()
    bench.wait(600)

    assert files(bench) == [CSV]


def test_a_file_that_was_ready_when_the_bot_went_away_for_days_is_posted(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="done")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    assert bench.request().state is State.OPEN
    bench.clock.turn(DAYS_AWAY)
    bench.restart()
    bench.work()

    assert files(bench) == [CSV]


def test_trouble_that_begins_when_the_bot_is_back_ends_nothing_at_once(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="done")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    bench.clock.turn(DAYS_AWAY)
    bench.emulator.faults.add(path="/v1/partner/reports*", status=503)
    bench.restart()
    bench.wait(HOUR)
    assert bench.request().state is State.OPEN

    bench.emulator.faults.clear()
    bench.wait(600)
    assert files(bench) == [CSV]


def test_nor_does_it_end_a_question_that_was_not_answered_yet(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="done")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.LOOKUP)
    bench.clock.turn(DAYS_AWAY)
    bench.emulator.faults.add(path="/v1/partner/reports*", status=503)
    bench.restart()
    bench.wait(HOUR)
    assert bench.request().state is State.OPEN

    for _ in range(6):
        bench.wait(HOUR)
    assert bench.request().state is State.EXPIRED
    assert words(bench).count("Webex kept returning errors") == 1
