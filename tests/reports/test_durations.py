"""How long a report usually takes, and when it is checked by that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.db import reports, tables
from bot.messages.sentences import usually
from bot.reports.durations import LAST, Usual, interval, measured, usual, usual_of, wait_by_usual
from bot.webex.report import Phase, Report
from bot.webex.report_families import Family
from tests.reports.rows import NOW, report_row

if TYPE_CHECKING:
    from datetime import date

    from tests.stepped_bot import SteppedBot

POLL = 10.0
"""The stepped bot's POLL_INTERVAL."""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([], None), ([60, 70], None), ([60, 90, 70], Usual(60, 70)), ([40, 10, 30, 20], Usual(10, 25))],
)
def test_the_median_of_at_least_three_is_usual(seconds: list[float], expected: Usual | None) -> None:
    assert usual_of(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "10 s"), (44, "40 s"), (97, "100 s"), (365, "6 min"), (3600, "60 min"), (10_000, "3 hours")],
)
def test_it_is_said_roughly(seconds: float, said: str) -> None:
    assert usually(seconds) == f"Usually about {said} here."


@pytest.mark.parametrize(
    ("row", "report", "expected"),
    [
        ({}, {}, 360),
        ({"checked_at": NOW - timedelta(minutes=5)}, {}, 360),
        ({"checked_at": NOW - timedelta(minutes=6)}, {}, None),  # the bot was away: it may have been ready for long
        ({"phase": Phase.READY}, {}, None),
        ({}, {"status": "waiting"}, None),
        ({}, {"created": None}, None),
        ({}, {"created": NOW + timedelta(seconds=1)}, None),  # Webex's clock is ahead
    ],
)
def test_what_the_bot_saw_become_ready_is_measured(
    row: dict[str, Any], report: dict[str, Any], expected: int | None
) -> None:
    given_report: dict[str, Any] = {"status": "done", "created": NOW - timedelta(minutes=6)} | report
    seen = Report("R", Family.PARTNER, **given_report)
    before = report_row(**{"checked_at": NOW - timedelta(seconds=10)} | row)
    assert measured(before, seen, NOW, POLL) == expected


def checks(ready: float, shortest: float, known: Usual | None) -> list[float]:
    """Return the ages at which a report is checked that was requested when it was created, until it is found ready."""
    ages = [shortest]
    while ages[-1] < ready:
        age = ages[-1]
        ages.append(age + (wait_by_usual(age, age, known, shortest) if known else interval(age, shortest)))
    return ages


DURATIONS = st.floats(1, 40_000)


@given(DURATIONS, DURATIONS, st.floats(1, 3), st.floats(5, 600))
def test_what_takes_longer_than_usual_is_found_as_soon_as_without_knowing(
    soonest: float, more: float, times: float, shortest: float
) -> None:
    known = Usual(soonest, soonest + more)
    ready = known.median * times
    assert checks(ready, shortest, known)[-1] <= checks(ready, shortest, None)[-1] + shortest + 1e-6


AGES = st.floats(-1e8, 40_000)
"""Below nothing where a clock was set back, or Webex's is ahead."""


@given(st.tuples(AGES, AGES), st.tuples(DURATIONS, DURATIONS), st.floats(5, 600))
def test_no_check_comes_before_the_setting_nor_later_than_five_minutes(
    ages: tuple[float, float], usual_time: tuple[float, float], shortest: float
) -> None:
    (request_age, report_age), (soonest, more) = ages, usual_time
    wait = wait_by_usual(request_age, report_age, Usual(soonest, soonest + more), shortest)
    assert shortest <= wait <= max(shortest, 300)


@pytest.mark.parametrize("minutes", [2, 6, 20, 60, 240])
def test_a_usual_report_costs_fewer_checks_and_is_found_sooner(minutes: int) -> None:
    usual_time = minutes * 60
    known = Usual(usual_time * 0.85, usual_time)
    readies = [usual_time * percent / 100 for percent in range(85, 116)]
    before, after = ([(checks(ready, 15, one), ready) for ready in readies] for one in (None, known))

    assert mean(len(ages) for ages, _ in after) < 0.85 * mean(len(ages) for ages, _ in before)
    assert mean(ages[-1] - ready for ages, ready in after) < mean(ages[-1] - ready for ages, ready in before)


def finished(number: int, **more: Any) -> dict[str, Any]:
    """Return a row of a report that took so many seconds."""
    values: dict[str, Any] = {
        "report_id": f"R{number}",
        "family": "partner",
        "phase": "ready",
        "checked_at": NOW,
        "ready_at": NOW + timedelta(minutes=number),
        "template_id": "130",
        "period_days": 31,
        "seconds_to_ready": number,
    }
    return values | more


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        ({}, True),
        ({"period_days": 28}, True),
        ({"period_days": 7}, False),
        ({"period_days": None}, False),
        ({"template_id": "320"}, False),
        ({"template_id": None}, False),
        ({"family": "organization"}, False),
        ({"seconds_to_ready": None}, False),
    ],
)
def test_the_last_ones_of_the_same_kind_count(stepped: SteppedBot, other: dict[str, Any], counts: bool) -> None:
    with stepped.database.begin() as tx:
        for number in range(1, 3):
            tx.execute(tables.reports.insert(), finished(number))
        tx.execute(tables.reports.insert(), finished(3, **other))
    with stepped.database.read() as tx:
        found = usual(tx, report_row(template_id="130", period_days=30))
    assert found == (Usual(1, 2) if counts else None)


def test_only_the_last_ones_count(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        for number in range(1, 21):
            tx.execute(tables.reports.insert(), finished(number))
    with stepped.database.read() as tx:
        assert usual(tx, report_row(template_id="130", period_days=31)) == Usual(21 - LAST, 16)


def test_the_question_has_an_index(stepped: SteppedBot) -> None:
    values = {"template": "130", "family": "partner", "least": 20, "most": 46, "number": LAST}
    query = reports._SECONDS_OF_SIMILAR.params(values).compile(compile_kwargs={"literal_binds": True})
    with stepped.database.read() as tx:
        plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    assert "INDEX ix_reports_template_id" in plan[0].detail


def save(stepped: SteppedBot, family: Family, *, start: date | None, end: date | None, template_id: str = "") -> Any:
    report = Report(
        "R", family, "waiting", title="Usage", service="Teams", template_id=template_id, start=start, end=end
    )
    with stepped.database.begin() as tx:
        reports.save(tx, report, datetime.now(UTC))
    with stepped.database.read() as tx:
        return reports.get(tx, "R")


def test_a_report_is_stored_with_its_template_and_the_days_of_its_period(stepped: SteppedBot) -> None:
    first = NOW.date()
    row = save(stepped, Family.PARTNER, start=first, end=first + timedelta(days=6), template_id="130")
    assert (row.template_id, row.period_days) == ("130", 7)
    row = save(stepped, Family.ORGANIZATION, start=None, end=None)
    assert (row.template_id, row.period_days) == ("Teams: Usage", None)
    row = save(stepped, Family.ORGANIZATION, start=first, end=first - timedelta(days=1))
    assert row.period_days is None
