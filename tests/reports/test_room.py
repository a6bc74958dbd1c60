"""A schedule's run makes room for its report by deleting one of its own, and waits where it has none."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import audit, outcomes, reports, runs
from bot.db.audit import Channel
from bot.db.requests import State
from bot.db.runs import RunState, Why
from bot.emulator.things import Template
from bot.errors import WebexError
from bot.reports.quota import MOST_REPORTS
from bot.reports.requests import Asker
from bot.reports.room import says_full
from bot.reports.runs import open_run
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from tests.live_bot import CSV
from tests.reports.schedule_rows import add_schedule
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.origin import Origin
    from bot.emulator.things import Family as FamilyName
    from tests.stepped_bot import SteppedBot

FAMILIES = ["partner", "organization"]
PATHS = {"partner": "/v1/partner/reports", "organization": "/v1/reports"}
TITLE = "Calling Usage"
A_WHILE = 61.0


@pytest.fixture(autouse=True)
def template(stepped: SteppedBot) -> None:
    for family in ("partner", "organization"):
        stepped.world.add_template(Template(130, family, TITLE, "Teams", takes_dates=False))


def open_one(stepped: SteppedBot, origin: Origin, number: int, family: FamilyName = "partner") -> None:
    """Open one run of a schedule."""
    group, now = stepped.setup.group, stepped.clock()
    asker = Asker(f"{origin.key}:{number}", stepped.setup.ada.id, group.id, "group", None, now, origin)
    new = NewReport(family=Family(family), template_id="130")
    with stepped.database.begin() as tx:
        open_run(tx, stepped.services, asker, new, TITLE, why=Why.DUE, planned_at=now)


def run(stepped: SteppedBot, origin: Origin, number: int, family: FamilyName = "partner") -> str:
    """Have one run create its report and deliver it. Return the report's ID."""
    open_one(stepped, origin, number, family)
    stepped.work()
    deliver(stepped)
    return run_row(stepped, f"{origin.key}:{number}").report_id or ""


def deliver(stepped: SteppedBot) -> None:
    for report in stepped.world.reports.values():
        if report.status != "done":
            stepped.world.set_report(report.id, status="done", content=CSV)
    for _ in range(3):
        stepped.wait(A_WHILE)


def run_row(stepped: SteppedBot, event_key: str) -> runs.Run:
    with stepped.database.read() as tx:
        for row in count(1):
            found = runs.get(tx, row)
            assert found is not None
            if found.event_key == event_key:
                return found
    raise AssertionError


def fill(stepped: SteppedBot, family: FamilyName, number: int = MOST_REPORTS) -> list[str]:
    """Have others make reports until so many are there."""
    there = sum(one.family == family and not one.deleted for one in stepped.world.reports.values())
    return [stepped.world.add_report(family=family, title="Other", template_id=999).id for _ in range(number - there)]


def deleted(stepped: SteppedBot) -> list[str]:
    return [one.id for one in stepped.world.reports.values() if one.deleted]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_51st_report_replaces_the_oldest_of_the_same_schedule(stepped: SteppedBot, family: FamilyName) -> None:
    stepped.world.reports_kept = MOST_REPORTS
    other, origin = (add_schedule(stepped, reference=name, family=family) for name in ("other234", "sche2345"))
    of_other = run(stepped, other, 1, family)
    first, second = (run(stepped, origin, number, family) for number in (1, 2))
    fill(stepped, family)
    before = stepped.calls("GET", PATHS[family])
    open_one(stepped, origin, 3, family)
    stepped.work(until="watch")

    assert stepped.calls("GET", PATHS[family]) == before + 1
    assert deleted(stepped) == [first]
    deliver(stepped)
    assert run_row(stepped, "schedule:2:3").state is RunState.CREATED
    with stepped.database.read() as tx:
        (latest,) = outcomes.latest(tx, origin, 1)
        (row,) = [one for one in audit.latest(tx, 50, report_id=first) if one.act == "delete"]
        kept = reports.get(tx, first)
    assert latest.state is State.DELIVERED
    assert (row.channel, row.outcome, row.person_id) == (Channel.SYSTEM, "deleted", stepped.setup.ada.id)
    assert row.reference == run_row(stepped, "schedule:2:3").reference
    assert kept is not None
    assert kept.deleted_at is not None
    stepped.receive(stepped.setup.ada, f"audit {first}")
    stepped.work()
    assert "has a schedule that made room by deleting Calling Usage" in (stepped.said()[-1].text or "")
    stepped.receive(stepped.setup.ada, f"why {first}")
    stepped.work()
    assert f"deleted from Webex by its schedule, to make room for run {row.reference}" in (
        stepped.said()[-1].text or ""
    )

    run(stepped, origin, 4, family)
    assert deleted(stepped) == [first, second]
    assert of_other not in deleted(stepped)


def test_below_the_cap_nothing_is_deleted(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped)
    run(stepped, origin, 1)
    fill(stepped, "partner", MOST_REPORTS - 1)
    run(stepped, origin, 2)
    assert deleted(stepped) == []


def test_what_its_conditions_held_back_may_go_too(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped, only_if="more than 100 rows")
    first = run(stepped, origin, 1)
    fill(stepped, "partner")
    run(stepped, origin, 2)
    assert deleted(stepped) == [first]


@pytest.mark.parametrize("family", FAMILIES)
def test_with_none_of_its_own_it_waits_and_then_says_so(stepped: SteppedBot, family: FamilyName) -> None:
    other, origin = (add_schedule(stepped, reference=name, family=family) for name in ("other234", "sche2345"))
    run(stepped, other, 1, family)
    fill(stepped, family)
    open_one(stepped, origin, 1, family)
    stepped.work()
    for _ in range(11):
        stepped.wait(310)
        assert run_row(stepped, "schedule:2:1").state is RunState.OPEN
    stepped.wait(310)

    ended = run_row(stepped, "schedule:2:1")
    assert (ended.state, ended.cause) == (RunState.FAILED, "no_room")
    name = "partner report" if family == "partner" else "organization report"
    assert ended.reason == (
        f"I couldn't run “Calling Usage”. Webex keeps at most 50 {name}s, and all places are taken. Of this schedule's "
        "own there's none that I could delete, and I leave those of others alone. Type `delete old` to make room. "
        f"(reference {ended.reference})"
    )
    assert deleted(stepped) == []
    assert len([one for one in stepped.world.reports.values() if one.family == family]) == MOST_REPORTS


def test_it_goes_on_when_somebody_makes_room(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped)
    others = fill(stepped, "partner")
    open_one(stepped, origin, 1)
    stepped.work()
    stepped.wait(310)
    stepped.world.set_report(others[0], deleted=True)
    stepped.wait(310)
    assert run_row(stepped, "schedule:1:1").state is RunState.CREATED
    assert deleted(stepped) == others[:1]


def test_what_somebody_waits_for_is_not_deleted(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped)
    first, second = run(stepped, origin, 1), run(stepped, origin, 2)
    fill(stepped, "partner")
    stepped.world.set_report(first, status="In progress", ready_after_seconds=None)
    stepped.clock.turn(A_WHILE)
    stepped.receive(stepped.setup.grace, f"report {first}")
    stepped.work()
    open_one(stepped, origin, 3)
    stepped.work()
    assert deleted(stepped) == [second]


@pytest.mark.parametrize("family", FAMILIES)
def test_webex_may_keep_fewer_than_is_known(stepped: SteppedBot, family: FamilyName) -> None:
    origin = add_schedule(stepped, family=family)
    first = run(stepped, origin, 1, family)
    fill(stepped, family, 3)
    stepped.world.reports_kept = 3
    open_one(stepped, origin, 2, family)
    stepped.work()
    stepped.wait(2)
    assert run_row(stepped, "schedule:1:2").state is RunState.CREATED
    assert deleted(stepped) == [first]


def test_others_that_take_the_place_cost_the_schedule_no_second_report(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped)
    first = run(stepped, origin, 1)
    run(stepped, origin, 2)
    fill(stepped, "partner")
    stepped.emulator.faults.add("POST", PATHS["partner"], status=503, times=1)
    open_one(stepped, origin, 3)
    stepped.work()
    fill(stepped, "partner")
    for _ in range(13):
        stepped.wait(310)
    assert deleted(stepped) == [first]
    assert "I deleted this schedule's oldest, but others have taken its place" in (
        run_row(stepped, "schedule:1:3").reason or ""
    )


def test_a_report_that_was_only_found_in_the_list_is_never_deleted(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped)
    stepped.emulator.faults.add("POST", PATHS["partner"], cut="after", times=1)
    open_one(stepped, origin, 1)
    stepped.work()
    stepped.wait(11)
    deliver(stepped)
    assert run_row(stepped, "schedule:1:1").state is RunState.CREATED
    second = run(stepped, origin, 2)
    fill(stepped, "partner")
    run(stepped, origin, 3)
    assert deleted(stepped) == [second]


def test_who_may_not_delete_any_more_deletes_nothing(stepped: SteppedBot) -> None:
    origin = add_schedule(stepped)
    run(stepped, origin, 1)
    fill(stepped, "partner")
    catalog, listing = stepped.services.catalog, stepped.services.catalog.listing

    def lose_the_role(*args: Any) -> Any:
        stepped.setup.ada.roles = []
        stepped.clock.turn(600)  # roles that were read a while ago are read again
        return listing(*args)

    catalog.listing = lose_the_role  # type: ignore[assignment,method-assign]
    open_one(stepped, origin, 2)
    stepped.work()
    assert run_row(stepped, "schedule:1:2").state is RunState.REFUSED
    assert deleted(stepped) == []


@pytest.mark.parametrize(
    ("status", "message", "full"),
    [
        (400, "The organization holds as many reports as it can; delete one first.", True),
        (403, "Maximum number of reports reached", True),
        (409, "Report quota exceeded", True),
        (400, "startDate is wrong", False),
        (403, "missing scope", False),
        (429, "Too many requests", False),
        (503, "limit", False),
    ],
)
def test_webex_may_say_in_other_words_that_it_keeps_no_more(status: int, message: str, full: bool) -> None:
    assert says_full(WebexError("POST reports", status, message=message)) is full


@pytest.mark.parametrize("lost", ["", "DELETE", "POST"])
def test_wherever_it_is_killed_one_is_deleted_and_one_created(stepped: SteppedBot, lost: str) -> None:
    origin = add_schedule(stepped)
    others = add_schedule(stepped, reference="other234")
    of_others = run(stepped, others, 1)
    for number in count(2):
        own = run(stepped, origin, -number)
        fill(stepped, "partner")
        before = set(stepped.world.reports)
        gone = len(deleted(stepped))
        open_one(stepped, origin, number)
        if lost:
            path = f"{PATHS['partner']}{'/*' if lost == 'DELETE' else ''}"
            stepped.emulator.faults.add(lost, path, cut="after", times=1)
        stepped.points.passed, stepped.points.deadly = 0, number - 1
        crashed = False
        try:
            stepped.work(until="lookup")
        except Crash:
            crashed = True
            stepped.points.deadly = None
            stepped.restart()
        stepped.points.deadly = None
        stepped.work(until="lookup")
        for _ in range(3):
            stepped.wait(11)
        stepped.emulator.faults.clear()

        assert deleted(stepped)[gone:] == [own], f"at point {number - 1}"
        (new,) = set(stepped.world.reports) - before
        assert run_row(stepped, f"{origin.key}:{number}").report_id == new, f"at point {number - 1}"
        with stepped.database.read() as tx:
            rows = [one for one in audit.latest(tx, 50, report_id=own) if one.act == "delete"]
        assert len(rows) == 1, f"at point {number - 1}"
        deliver(stepped)
        stepped.world.set_report(new, deleted=True)
        if not crashed:
            break
    assert number > 5
    assert of_others not in deleted(stepped)
