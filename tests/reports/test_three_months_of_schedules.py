"""50 schedules for three months: each run is made once, whatever happens to the bot and to the clocks on the walls.

Daylight saving begins in America and Europe and ends in Australia and New Zealand. There are a leap day, restarts
in each hour, kills at random commits, and two outages. What is expected is found day by day, without the bot's code.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.db import schedules
from bot.db.runs import Why
from bot.db.schedules import Schedule
from bot.db.tables import runs as runs_table
from bot.reports.schedules import Schedules, set_next
from tests.origin_rows import add_schedule
from tests.reports.slow_recurrence import RULES, minute_of, moments
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

START, DAYS = datetime(2028, 1, 20, tzinfo=UTC), 91
END = START + timedelta(days=DAYS)
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Sydney", "America/Santiago", "Pacific/Auckland"),
    *("UTC", "Australia/Lord_Howe", "America/St_Johns", "Europe/London", "Asia/Kathmandu"),
)
TIMES = ("02:30", "08:00", "00:00", "23:59", "03:00", "01:30", "02:00", "12:15")
HOURLY = "FREQ=HOURLY;INTERVAL=6"
PERIODS = ("yesterday", "last week", "last month")
OUTAGES = (
    (datetime(2028, 2, 28, 5, tzinfo=UTC), datetime(2028, 3, 2, 9, tzinfo=UTC)),  # the leap day is in it
    (datetime(2028, 3, 26, 0, tzinfo=UTC), datetime(2028, 3, 26, 7, tzinfo=UTC)),  # the change in Europe is in it
)
FULL_RESTART = 6
"""Hours after which the program is put together again, with its database."""
AN_HOUR = timedelta(hours=1)


def cases() -> list[tuple[str, str, str, str]]:
    """Return 50 schedules: rule, time, zone, period."""
    rules = [*RULES, HOURLY]
    return [
        (rules[n % len(rules)], TIMES[n % len(TIMES)], ZONES[n % len(ZONES)], PERIODS[n % len(PERIODS)])
        for n in range(50)
    ]


def expected_of(rule: str, clock: str, zone_name: str) -> list[tuple[datetime, Why]]:
    """Return when it runs and why, found day by day: of what falls into an outage only the last, at its end."""
    zone = ZoneInfo(zone_name)
    start = datetime.fromisoformat(f"2028-01-17T{clock}:00")
    if rule == HOURLY:
        local = [start + number * timedelta(hours=6) for number in range((DAYS + 6) * 4)]
        planned = sorted({minute_of(one, zone) for one in local})
    else:
        planned = list(moments(rule, start, zone, DAYS + 6, date(2028, 1, 17)))
    found = [(one, Why.DUE) for one in planned if START < one < END]
    for begin, end in OUTAGES:
        missed = [one for one, _ in found if begin <= one <= end]
        found = [pair for pair in found if pair[0] not in missed[:-1]]
        late = {one for one in missed if end - one > timedelta(minutes=5)}
        found = [(one, Why.LATE if one in late else why) for one, why in found]
    return found


def period_of(words: str, day: date) -> tuple[str, str]:
    """Return the days that the words mean on a day."""
    if words == "yesterday":
        start = end = day - timedelta(days=1)
    elif words == "last week":
        start = day - timedelta(days=day.weekday() + 7)
        end = start + timedelta(days=6)
    else:
        end = day.replace(day=1) - timedelta(days=1)
        start = end.replace(day=1)
    return start.isoformat(), end.isoformat()


def test_each_run_is_made_once(stepped: SteppedBot) -> None:
    stepped.clock.time = START
    made = {}
    for rule, clock, zone, period in cases():
        about: dict[str, Any] = {
            "rrule": rule,
            "dtstart": f"2028-01-17T{clock}:00",
            "time_zone": zone,
            "period": period,
        }
        found = add_schedule(stepped.database, stepped.setup.ada, stepped.setup.group, START, **about)
        assert isinstance(found, Schedule)
        made[found.id] = found
        with stepped.database.begin() as tx:
            set_next(tx, found, START)

    chance = random.Random(1)
    kills = 0
    hour = START
    while hour < END:
        if not any(begin <= hour < end for begin, end in OUTAGES):
            kills += an_hour(stepped, hour, chance)
        hour += AN_HOUR

    assert kills > 100
    columns = [runs_table.c[name] for name in ("schedule_id", "planned_at", "why", "start_date", "end_date")]
    with stepped.database.read() as tx:
        rows = list(tx.execute(select(*columns).order_by(runs_table.c.planned_at)))
    for row_id, schedule in made.items():
        wanted = [
            (one, why.value, *period_of(schedule.period or "", one.astimezone(ZoneInfo(schedule.time_zone)).date()))
            for one, why in expected_of(schedule.rrule, schedule.dtstart[11:16], schedule.time_zone)
        ]
        assert [tuple(row)[1:] for row in rows if row.schedule_id == row_id] == wanted, schedule
    assert len(rows) > 2000


def an_hour(stepped: SteppedBot, hour: datetime, chance: random.Random) -> int:
    """Restart the bot, and have it open what is due within an hour. Return how often it was killed."""
    stepped.clock.time = hour
    kills = 0
    if hour.hour % FULL_RESTART == 0:  # it takes some milliseconds
        stepped.stop()
        stepped.start()
    task = Schedules(stepped.services)  # else all that is in memory between two runs
    while stepped.clock() < hour + AN_HOUR:
        stepped.points.passed, stepped.points.deadly = 0, chance.choice([None, None, None, 1, 2])
        try:
            again = task.run("all")
        except Crash:
            kills += 1
            task = Schedules(stepped.services)
            continue
        finally:
            stepped.points.deadly = None
        assert again is not None
        if again.seconds:
            assert again.seconds <= 60
            with stepped.database.read() as tx:
                first = schedules.first_time(tx)
            assert first is not None
            stepped.clock.time = first
    return kills
