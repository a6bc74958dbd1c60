"""What is due is opened once, with the period of its planned day, and posted at the top level of its space."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from bot.db import origins, runs, schedules
from bot.db.origin import OriginState, PauseCause
from bot.db.requests import State
from bot.db.runs import Why
from bot.db.schedules import Schedule
from bot.db.tables import runs as runs_table
from bot.emulator.things import Template
from bot.queue import tasks
from bot.reports.schedules import LOOK_AGAIN, open_scheduled_run, put_schedules, set_next
from tests.origin_rows import add_schedule
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.runs import Run
    from bot.emulator.things import Person, Space
    from tests.stepped_bot import SteppedBot

MONDAY = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
"""8:00 in Berlin."""
A_WEEK, A_DAY = timedelta(days=7), timedelta(days=1)


@pytest.fixture(autouse=True)
def before_monday(stepped: SteppedBot) -> None:
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))
    stepped.clock.time = MONDAY - timedelta(minutes=10)


def scheduled(stepped: SteppedBot, space: Space | None = None, **values: Any) -> Schedule:
    """Insert a schedule of Ada's that is active, and put its job."""
    found = add_schedule(stepped.database, stepped.setup.ada, space or stepped.setup.group, stepped.clock(), **values)
    assert isinstance(found, Schedule)
    with stepped.database.begin() as tx:
        set_next(tx, found, stepped.clock())
        put_schedules(tx, stepped.queue)
    return now_is(stepped, found)


def now_is(stepped: SteppedBot, schedule: Schedule) -> Schedule:
    with stepped.database.read() as tx:
        found = origins.get(tx, schedule.origin)
    assert isinstance(found, Schedule)
    return found


def all_runs(stepped: SteppedBot) -> list[Run]:
    with stepped.database.read() as tx:
        rows = tx.execute(select(runs_table.c.id).order_by(runs_table.c.id)).scalars().all()
        return [found for row in rows if (found := runs.get(tx, row)) is not None]


def turn_to(stepped: SteppedBot, moment: datetime) -> None:
    """Turn the clock to a moment: from job to job for a while, and again shortly before it."""
    stepped.work()
    settled, shortly_before = stepped.clock() + timedelta(minutes=10), moment - timedelta(minutes=2)
    while (wait := stepped.next_wait()) is not None and stepped.clock() + timedelta(seconds=wait) < moment:
        if settled < stepped.clock() < shortly_before:
            stepped.clock.time = shortly_before
            stepped.work()
        else:
            stepped.wait(wait + 0.001)
    stepped.clock.time = moment
    stepped.work()


def files_in(stepped: SteppedBot, space: Space | None = None, person: Person | None = None) -> list[Any]:
    return [one for one in stepped.said(space, person) if one.files]


@pytest.mark.parametrize(
    ("about", "family"),
    [
        ({}, "partner"),
        ({"family": "organization", "template_id": "2", "title": "Meeting Details"}, "organization"),
    ],
)
@pytest.mark.parametrize("in_group", [True, False])
def test_a_report_is_run_watched_and_posted_at_the_top_level(
    stepped: SteppedBot, about: dict[str, str], family: str, in_group: bool
) -> None:
    ada = stepped.setup.ada
    space = stepped.setup.group if in_group else stepped.world.direct_space(ada, stepped.setup.bot)
    scheduled(stepped, space, **about)

    turn_to(stepped, MONDAY + timedelta(seconds=1))

    (run,) = all_runs(stepped)
    assert (run.why, run.planned_at) == (Why.DUE, MONDAY)
    (report,) = stepped.world.reports.values()
    assert (report.family, report.start, report.end) == (family, "2026-11-23", "2026-11-29")
    stepped.world.set_report(report.id, status="done")
    turn_to(stepped, MONDAY + timedelta(minutes=3))
    (file,) = files_in(stepped, space)
    assert file.parent_id is None
    assert len(stepped.said(space)) == 1, "a file, and no card"
    assert stepped.request().state is State.DELIVERED


def test_its_next_run_is_set_with_it(stepped: SteppedBot) -> None:
    schedule = scheduled(stepped)
    assert schedule.next_at == MONDAY
    turn_to(stepped, MONDAY)
    assert now_is(stepped, schedule).next_at == MONDAY + A_WEEK


def test_of_what_was_missed_only_the_last_is_run_once(stepped: SteppedBot) -> None:
    schedule = scheduled(stepped)
    stepped.stop()
    stepped.clock.time = MONDAY + 3 * A_WEEK + timedelta(days=2)
    stepped.start()
    stepped.work()
    stepped.restart()
    stepped.work()

    (run,) = all_runs(stepped)
    assert (run.why, run.planned_at) == (Why.LATE, MONDAY + 3 * A_WEEK)
    assert (run.start_date, run.end_date) == (date(2026, 12, 14), date(2026, 12, 20)), "of the day that was planned"
    assert now_is(stepped, schedule).next_at == MONDAY + 4 * A_WEEK


@pytest.mark.parametrize("hours", [1, 3, 26])
def test_a_clock_that_is_set_back_runs_nothing_twice(stepped: SteppedBot, hours: int) -> None:
    schedule = scheduled(stepped, rrule="FREQ=HOURLY", period="yesterday")
    turn_to(stepped, MONDAY + timedelta(hours=2))
    before = [one.planned_at for one in all_runs(stepped)]
    assert before == [MONDAY + timedelta(hours=number) for number in range(3)]
    stepped.clock.turn(100.0 - 3600.0 * hours)  # and no look comes at the same second as before
    stepped.restart()
    with stepped.database.begin() as tx:  # as if it were resumed by this clock
        set_next(tx, schedule, stepped.clock())
    for _ in range(12 * hours):
        stepped.wait(300.0)
    assert [one.planned_at for one in all_runs(stepped) if one.planned_at in before] == before


def test_a_clock_that_is_set_forward_opens_the_run_within_a_minute(stepped: SteppedBot) -> None:
    scheduled(stepped)
    stepped.work()
    stepped.clock.turn(3600.0 * 5)
    stepped.wait(LOOK_AGAIN)
    (run,) = all_runs(stepped)
    assert (run.why, run.planned_at) == (Why.LATE, MONDAY)


def test_wherever_it_is_killed_a_run_is_made_once_and_posted_once(stepped: SteppedBot) -> None:
    schedule = scheduled(stepped, time_zone="UTC", dtstart="2026-11-30T07:00:00")
    planned = MONDAY
    for number, deadly in enumerate(stepped.deadly_points(), 1):
        stepped.clock.time = planned + timedelta(seconds=1)
        stepped.points.passed, stepped.points.deadly = 0, deadly
        killed = False
        try:
            stepped.work()
        except Crash:
            killed = True
        stepped.points.deadly = None
        if killed:
            stepped.restart()
        turn_to(stepped, planned + timedelta(minutes=3))
        made = [one for one in all_runs(stepped) if one.planned_at == planned]
        assert len(made) == 1, deadly
        assert (len(stepped.world.reports), len(files_in(stepped, stepped.setup.group))) == (number, number)
        planned += A_WEEK
        assert now_is(stepped, schedule).next_at == planned
        if not killed:
            break
    assert deadly > 5


def test_a_job_that_is_missing_is_put_again(stepped: SteppedBot) -> None:
    scheduled(stepped)
    with stepped.database.begin() as tx:
        stepped.queue.drop(tx, tasks.SCHEDULES, ["all"])
    stepped.clock.time = MONDAY
    stepped.sweep.once()
    stepped.work()
    assert len(all_runs(stepped)) == 1


def test_without_a_schedule_there_is_no_job(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        put_schedules(tx, stepped.queue)
    assert [one.task for one in stepped.work()] == [tasks.SCHEDULES]
    stepped.sweep.once()
    assert stepped.work() == []


@pytest.mark.parametrize("state", [OriginState.PAUSED, OriginState.ENDED])
def test_what_is_paused_or_ended_does_not_run(stepped: SteppedBot, state: OriginState) -> None:
    schedule = scheduled(stepped)
    with stepped.database.begin() as tx:
        if state is OriginState.PAUSED:
            origins.pause(tx, schedule.origin, PauseCause.PERSON, "")
        else:
            origins.end(tx, schedule.origin, stepped.clock())
    turn_to(stepped, MONDAY + timedelta(hours=1))
    assert all_runs(stepped) == []


def test_one_that_cannot_be_read_keeps_nobody_from_running(stepped: SteppedBot) -> None:
    odd = scheduled(stepped)
    well = scheduled(stepped)
    with stepped.database.begin() as tx:
        schedules.set_values(tx, odd.id, time_zone="Europe/Atlantis")
    turn_to(stepped, MONDAY)
    assert [one.schedule_id for one in all_runs(stepped)] == [well.id]
    assert now_is(stepped, odd).pause_cause is PauseCause.FAILURES


def test_many_that_are_due_at_once_are_taken_some_at_a_time(stepped: SteppedBot) -> None:
    for _ in range(25):
        scheduled(stepped)
    stepped.clock.time = MONDAY
    ran = [one.task for one in stepped.work(until=tasks.CREATE)]
    ran += [one.task for one in stepped.work()]
    assert ran.count(tasks.SCHEDULES) >= 3
    assert len(all_runs(stepped)) == 25


def test_a_run_by_hand_leaves_the_cadence_alone(stepped: SteppedBot) -> None:
    schedule = scheduled(stepped)
    with stepped.database.begin() as tx:
        made = [
            open_scheduled_run(
                tx, stepped.services, schedule, Why.BY_HAND, planned_at=stepped.clock(), event_key="messages:M"
            )
            for _ in range(2)
        ]
    assert made[1] is None, "the same event makes one"
    assert now_is(stepped, schedule).next_at == MONDAY
    turn_to(stepped, MONDAY)
    assert [one.why for one in all_runs(stepped)] == [Why.BY_HAND, Why.DUE]


def test_days_are_those_of_the_schedules_zone(stepped: SteppedBot) -> None:
    auckland: dict[str, Any] = {
        "time_zone": "Pacific/Auckland",
        "dtstart": "2026-11-30T08:00:00",
        "rrule": "FREQ=DAILY",
    }
    stepped.clock.time = datetime(2026, 11, 29, 18, 0, tzinfo=UTC)
    scheduled(stepped, period="yesterday", takes_time_zone=True, **auckland)
    turn_to(stepped, datetime(2026, 11, 29, 19, 0, tzinfo=UTC))
    (run,) = all_runs(stepped)
    assert (run.start_date, run.time_zone) == (date(2026, 11, 29), "Pacific/Auckland")


def test_paused_for_outsiders_it_is_tried_at_its_times_and_resumes_when_they_have_left(stepped: SteppedBot) -> None:
    ethan, group = stepped.setup.ethan, stepped.setup.group
    schedule = scheduled(stepped, rrule="FREQ=DAILY", period="yesterday")
    stepped.world.join(group, ethan)
    turn_to(stepped, MONDAY + timedelta(seconds=1))
    turn_to(stepped, MONDAY + A_DAY + timedelta(seconds=1))
    assert now_is(stepped, schedule).pause_cause is PauseCause.OUTSIDERS
    assert [one.state for one in all_runs(stepped)] == ["refused", "refused"]
    assert stepped.world.reports == {}
    (told,) = stepped.said()
    assert "external people" in (told.text or "")

    stepped.world.leave(group, ethan)
    turn_to(stepped, MONDAY + 2 * A_DAY + timedelta(seconds=1))
    (report,) = stepped.world.reports.values()
    stepped.world.set_report(report.id, status="done")
    turn_to(stepped, MONDAY + 2 * A_DAY + timedelta(minutes=3))
    assert len(files_in(stepped)) == 0
    assert len(files_in(stepped, group)) == 1
    now = now_is(stepped, schedule)
    assert (now.state, now.next_at) == (OriginState.ACTIVE, MONDAY + 3 * A_DAY)
    assert [("left the space, so" in (one.text or "")) for one in stepped.said()] == [False, True]
