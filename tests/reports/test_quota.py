"""How much room Webex leaves, by what it lists, and what is old enough to go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.reports import quota
from bot.webex.report import Report
from bot.webex.report_families import Family

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


def listed(number: int, family: Family = Family.PARTNER) -> list[Report]:
    return [Report(f"{family.value}{one}", family, "done") for one in range(number)]


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize(("number", "room"), [(0, True), (49, True), (50, False), (51, False)])
def test_there_is_room_for_one_below_the_cap_of_each_family(family: Family, number: int, room: bool) -> None:
    other = next(one for one in Family if one is not family)
    assert quota.room_for_one([*listed(number, family), *listed(49, other)], family) is room


def test_what_is_scarce_is_told_by_family_from_forty_on() -> None:
    assert quota.scarce([]) == {}
    assert quota.scarce(listed(39)) == {}
    both = [*listed(39, Family.ORGANIZATION), *listed(40)]
    assert quota.scarce(both) == {Family.PARTNER: 40}


@pytest.mark.parametrize(
    ("status", "age", "awaited", "goes"),
    [
        ("done", quota.OLD_AFTER + A_SECOND, False, True),
        ("failed", quota.OLD_AFTER + A_SECOND, False, True),
        ("done", quota.OLD_AFTER, False, False),
        ("done", quota.OLD_AFTER + A_SECOND, True, False),
        ("In progress", 100 * quota.OLD_AFTER, False, False),
        ("a word that nobody knows", 100 * quota.OLD_AFTER, False, False),
        ("done", None, False, False),
    ],
)
def test_what_is_finished_old_and_awaited_by_nobody_may_go(
    status: str, age: timedelta | None, awaited: bool, goes: bool
) -> None:
    report = Report("R", Family.PARTNER, status, created=None if age is None else NOW - age)
    assert quota.old([report], {"R"} if awaited else set(), NOW) == ([report] if goes else [])


def test_the_oldest_go_first_and_twenty_at_once() -> None:
    reports = [
        Report(str(days), Family.PARTNER, "done", created=NOW - timedelta(days=days))
        for days in (*range(15, 30), 99, *range(30, 50))
    ]
    found = quota.old(reports, set(), NOW)
    assert [one.id for one in found] == [str(days) for days in (99, *range(49, 30, -1))]
