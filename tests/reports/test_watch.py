"""The watch: how often it looks, what it asks, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.db import requests
from bot.db.requests import State
from bot.reports.durations import LONGEST_INTERVAL, interval
from bot.reports.watch import LONGEST_DETAILS_INTERVAL, details_interval
from tests.live_bot import CSV

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot

POLL = 10.0
"""The stepped bot's POLL_INTERVAL."""
AGES = st.floats(0, 1e8)
SHORTEST = st.floats(0.05, 1e5)
PARTNER, ORGANIZATION = "/v1/partner/reports", "/v1/reports"


@given(AGES, SHORTEST)
def test_an_interval_is_never_below_the_setting_nor_above_five_minutes(age: float, shortest: float) -> None:
    assert shortest <= interval(age, shortest) <= max(LONGEST_INTERVAL, shortest)


@given(AGES, AGES, SHORTEST)
def test_intervals_grow_with_age(one: float, other: float, shortest: float) -> None:
    assert interval(min(one, other), shortest) <= interval(max(one, other), shortest)


@given(st.integers(0, 10**9), SHORTEST)
def test_details_of_an_absent_report_are_asked_at_growing_intervals(missing: int, shortest: float) -> None:
    wait = details_interval(missing, shortest)
    assert shortest <= wait <= max(shortest, LONGEST_DETAILS_INTERVAL)
    assert details_interval(missing + 1, shortest) >= wait


@pytest.mark.parametrize(("age", "seconds"), [(0, 15), (100, 15), (600, 60), (3000, 300), (90000, 300)])
def test_a_report_of_minutes_is_seen_in_seconds_and_one_of_hours_in_minutes(age: float, seconds: float) -> None:
    assert interval(age, 15) == seconds


def watched(stepped: SteppedBot, number: int = 1, **report: Any) -> list[Any]:
    """So many pending reports that Ada waits for in the group space."""
    reports = [stepped.setup.partner_report(f"Report {n}", **({"status": "waiting"} | report)) for n in range(number)]
    for one in reports:
        stepped.receive(stepped.setup.ada, f"report {one.id}", stepped.setup.group)
    stepped.work()
    stepped.emulator.calls.clear()
    return reports


def words(messages: list[Message]) -> str:
    return "\n".join(one.text or "" for one in messages)


def test_one_list_call_a_round_serves_every_watch(stepped: SteppedBot) -> None:
    reports = watched(stepped, 12)
    for one in reports[:5]:
        stepped.receive(stepped.setup.grace, f"report {one.id}")
    stepped.work()
    stepped.emulator.calls.clear()

    for _ in range(3):
        stepped.wait(POLL)

    assert stepped.calls("GET", PARTNER) == 3
    assert stepped.calls("GET", f"{PARTNER}/*") == 0


def test_each_family_and_region_has_one_list_call_of_its_own(stepped: SteppedBot) -> None:
    for region in ("US", "EU"):
        watched(stepped, 2, region=region)
    organization = stepped.setup.organization_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {organization.id}")
    stepped.work()
    stepped.emulator.calls.clear()

    stepped.wait(POLL)

    asked = [call.query.get("regionId") for call in stepped.emulator.calls.calls_to("GET", PARTNER)]
    assert sorted(map(str, asked)) == ["EU", "US"]
    assert stepped.calls("GET", ORGANIZATION) == 1


def test_the_intervals_follow_the_youngest_watch(stepped: SteppedBot) -> None:
    watched(stepped)
    for _ in range(40):
        stepped.wait_for_next()
    old = stepped.next_wait() or 0
    assert old > 3 * POLL

    watched(stepped)

    assert (stepped.next_wait() or 0) <= POLL
    stepped.wait(POLL)
    assert (stepped.next_wait() or 0) <= POLL


def test_a_long_watch_costs_few_calls(stepped: SteppedBot) -> None:
    watched(stepped)
    began = stepped.clock.seconds()
    while stepped.clock.seconds() - began < 8 * 3600:
        stepped.wait_for_next()
    assert stepped.calls("GET", PARTNER) < 150, "one each five minutes, and some more at first"
    assert stepped.calls("GET", PARTNER) == len(stepped.emulator.calls)


def test_details_are_asked_only_for_what_is_absent_and_ever_less(stepped: SteppedBot) -> None:
    (absent,) = watched(stepped, listed=False)
    watched(stepped, 3)

    for _ in range(60):
        stepped.wait(POLL)

    looked = [call.at for call in stepped.emulator.calls.calls_to("GET", f"{PARTNER}/*")]
    assert 5 <= len(looked) <= 8, "10, 20, 40, 80, 160, 320 s apart, not 60 times"
    assert stepped.report(1).missing == len(looked)
    assert {call.path.rsplit("/", 1)[1] for call in stepped.emulator.calls.calls_to("GET", f"{PARTNER}/*")} == {
        absent.id
    }


def test_an_absent_report_that_is_done_is_delivered(stepped: SteppedBot) -> None:
    (absent,) = watched(stepped, listed=False)
    stepped.world.set_report(absent.id, status="done")
    stepped.wait(POLL)
    assert [one.files[0].path.read_bytes() for one in stepped.said(stepped.setup.group) if one.files] == [CSV]


def test_a_report_that_is_listed_again_is_asked_by_the_list_again(stepped: SteppedBot) -> None:
    (absent,) = watched(stepped, listed=False)
    stepped.wait(POLL)
    stepped.world.set_report(absent.id, listed=True)
    stepped.wait(POLL)
    assert (stepped.report().missing, stepped.report().next_check_at) == (0, None)


def test_a_list_that_is_refused_leads_to_details(stepped: SteppedBot) -> None:
    (report,) = watched(stepped)
    stepped.emulator.faults.add(path=PARTNER, status=403)
    stepped.world.set_report(report.id, status="done")

    stepped.wait(POLL)

    assert stepped.request().state is State.DELIVERED


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_list_that_fails_for_now_is_asked_again_no_sooner_than_webex_wishes(stepped: SteppedBot, status: int) -> None:
    (report,) = watched(stepped)
    stepped.emulator.faults.add(path=PARTNER, status=status, headers={"Retry-After": "50"}, times=1)
    stepped.wait(POLL)
    stepped.world.set_report(report.id, status="done")

    stepped.wait(49)
    assert stepped.request().state is State.OPEN
    stepped.wait(12)  # a pause after a 429 is spread a little

    assert stepped.request().state is State.DELIVERED


def test_the_deadline_is_said_once_with_the_last_status(stepped: SteppedBot) -> None:
    """By a card in the place of the one that said pending."""
    watched(stepped, status="manual_processing")
    before = stepped.said(stepped.setup.group)

    stepped.wait(26 * 3600 - 1)
    assert stepped.said(stepped.setup.group) == before
    for _ in range(3):
        stepped.wait(300)
        stepped.sweep.once()

    (said,) = stepped.said(stepped.setup.group)
    assert said.card
    assert said.id != before[0].id
    assert "wasn't ready after 26 hours" in (said.text or "")
    assert "manual_processing" in (said.markdown or "").replace("\\", "")
    assert "Ask again to keep waiting." in (said.markdown or "")
    assert stepped.request().state is State.EXPIRED
    assert stepped.next_wait() is None, "nothing is watched any more"


def test_a_report_that_webex_forgets_is_gone_after_three_answers(stepped: SteppedBot) -> None:
    (report,) = watched(stepped)
    stepped.world.set_report(report.id, deleted=True)

    for seconds in (POLL, 10, 20):
        assert stepped.request().state is State.OPEN
        stepped.wait(seconds)

    assert stepped.request().state is State.FAILED
    assert words(stepped.said(stepped.setup.group)).count("isn't in Webex any more") == 1
    assert stepped.calls("GET", f"{PARTNER}/{report.id}") == 3


def test_an_unknown_status_stays_pending_and_is_kept_verbatim(stepped: SteppedBot) -> None:
    (report,) = watched(stepped)
    stepped.world.set_report(report.id, status="Äußerst manual_processing…")
    stepped.wait(POLL)
    assert (stepped.request().state, stepped.report().status) == (State.OPEN, "Äußerst manual_processing…")


def test_a_watch_goes_on_after_a_restart(stepped: SteppedBot) -> None:
    """Also when every job was lost with it: the database is the truth."""
    (report,) = watched(stepped)
    with stepped.database.begin() as tx:
        tx.connection.exec_driver_sql("DELETE FROM jobs")
    stepped.restart()
    stepped.world.set_report(report.id, status="done")

    stepped.wait(POLL)

    assert stepped.request().state is State.DELIVERED
    assert len([one for one in stepped.said(stepped.setup.group) if one.files]) == 1


def test_reports_that_are_done_together_are_delivered_each_once(stepped: SteppedBot) -> None:
    reports = watched(stepped, 3)
    stepped.receive(stepped.setup.grace, f"report {reports[0].id}")
    stepped.work()
    for one in reports:
        stepped.world.set_report(one.id, status="done")

    stepped.wait(POLL)

    assert len([one for one in stepped.said(stepped.setup.group) if one.files]) == 3
    assert len([one for one in stepped.said(person=stepped.setup.grace) if one.files]) == 1
    assert stepped.downloads == 3
    with stepped.database.read() as tx:
        assert [one.state for one in requests.find(tx)] == ["delivered"] * 4
