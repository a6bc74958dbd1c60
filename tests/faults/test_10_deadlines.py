"""Issue 4, item 10: a deadline that passes while nobody could look ends nothing that is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.db.requests import State
from bot.queue import tasks
from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

HOUR = 3600.0
DAYS_AWAY = 3 * 24 * HOUR
LISTS, DETAILS = "/v1/partner/reports", "/v1/partner/reports/*"


def watched(stepped: SteppedBot, **more: Any) -> Any:
    report = stepped.setup.partner_report(**({"status": "In progress"} | more))
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    assert stepped.request().state is State.OPEN
    return report


def words(stepped: SteppedBot) -> str:
    return " ".join(f"{one.text}" for one in stepped.said(stepped.setup.group))


def files(stepped: SteppedBot) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in stepped.said(stepped.setup.group) if one.files]


def test_a_report_that_was_done_while_the_bot_was_away_for_days_is_delivered(stepped: SteppedBot) -> None:
    report = watched(stepped)
    stepped.world.set_report(report.id, status="done")
    stepped.clock.turn(DAYS_AWAY)
    stepped.restart()
    stepped.work()

    assert files(stepped) == [CSV]
    assert stepped.request().state is State.DELIVERED


def test_so_is_one_that_the_list_does_not_show_and_whose_next_look_was_far_off(stepped: SteppedBot) -> None:
    report = watched(stepped, listed=False)
    for _ in range(12):
        stepped.wait(1800)
    assert stepped.request().state is State.OPEN
    stepped.world.set_report(report.id, status="done")
    stepped.clock.turn(20 * HOUR)
    stepped.restart()
    stepped.work()

    assert files(stepped) == [CSV]


def test_one_that_is_not_done_then_ends_with_its_sentence(stepped: SteppedBot) -> None:
    watched(stepped)
    stepped.clock.turn(DAYS_AWAY)
    stepped.restart()
    stepped.work()

    assert stepped.request().state is State.EXPIRED
    assert "wasn't ready after 26 hours" in words(stepped)
    assert stepped.next_wait() is None, "nothing is watched any more"


def test_while_webex_says_nothing_the_deadline_waits_for_some_hours(stepped: SteppedBot) -> None:
    report = watched(stepped)
    stepped.emulator.faults.add(method="GET", path=LISTS, status=503)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(27 * HOUR)
    assert stepped.request().state is State.OPEN, "nobody knows whether it is done"

    stepped.emulator.faults.clear()
    stepped.wait(600)

    assert files(stepped) == [CSV]


def test_trouble_that_lasts_beyond_them_is_called_by_its_name(stepped: SteppedBot) -> None:
    watched(stepped)
    stepped.emulator.faults.add(method="GET", path=LISTS, status=503)
    stepped.live_through(33 * HOUR, step=HOUR)

    assert stepped.request().state is State.EXPIRED
    assert "Webex kept returning errors" in words(stepped)
    assert "wasn't ready" not in words(stepped)
    assert stepped.next_wait() is None


def test_details_that_fail_say_nothing_either(stepped: SteppedBot) -> None:
    report = watched(stepped, listed=False)
    stepped.emulator.faults.add(method="GET", path=DETAILS, status=503)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(27 * HOUR)
    assert stepped.request().state is State.OPEN

    stepped.emulator.faults.clear()
    stepped.wait(600)

    assert files(stepped) == [CSV]


def test_a_file_that_was_ready_when_the_bot_went_away_for_days_is_posted(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="done")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    assert stepped.request().state is State.OPEN
    stepped.clock.turn(DAYS_AWAY)
    stepped.restart()
    stepped.work()

    assert files(stepped) == [CSV]


def test_trouble_that_begins_when_the_bot_is_back_ends_nothing_at_once(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="done")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    stepped.clock.turn(DAYS_AWAY)
    stepped.emulator.faults.add(path="/v1/partner/reports*", status=503)
    stepped.restart()
    stepped.wait(HOUR)
    assert stepped.request().state is State.OPEN

    stepped.emulator.faults.clear()
    stepped.wait(600)
    assert files(stepped) == [CSV]


def test_nor_does_it_end_a_question_that_was_not_answered_yet(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="done")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work(until=tasks.LOOKUP)
    stepped.clock.turn(DAYS_AWAY)
    stepped.emulator.faults.add(path="/v1/partner/reports*", status=503)
    stepped.restart()
    stepped.wait(HOUR)
    assert stepped.request().state is State.OPEN

    for _ in range(6):
        stepped.wait(HOUR)
    assert stepped.request().state is State.EXPIRED
    assert words(stepped).count("Webex kept returning errors") == 1
