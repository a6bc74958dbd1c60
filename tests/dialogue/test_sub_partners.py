"""Reports of a sub-partner: Webex knows them only in calls that name the organization."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.emulator import ids
from bot.emulator.things import PARTNER_FULL_ADMIN, Template
from tests.live_bot import CSV, BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.emulator.report import Report
    from bot.emulator.things import Organization
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

PERIOD = "2026-10-01 to 2026-10-31"
PATH = "/v1/partner/reports"
NAMED = "onBehalfOfSubPartnerOrgId"
REFUSED = "Webex doesn't give me reports of organization "


def has_sub_partner(setup: LiveBot) -> Organization:
    setup.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    setup.emulator.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))
    return setup.emulator.world.add_organization("Initech", sub_partner_of=setup.acme)


@pytest.fixture
def initech(live: LiveBot) -> Organization:
    return has_sub_partner(live)


def uuid_of(organization: Organization) -> str:
    return ids.plain_part(organization.id)


def the_report(live: LiveBot) -> Report:
    (report,) = live.emulator.world.reports.values()
    return report


def partner_calls(live: LiveBot) -> list[bool]:
    """Return of each call to partner reports whether it named an organization.

    The bare lists are left out: they show in which role the token reads partner reports, and what can be run again.
    """
    calls = [one for one in live.emulator.calls if "/partner/reports" in one.path]
    bare = {("GET", PATH), ("GET", f"{PATH}/templates")}
    return [NAMED in one.query for one in calls if one.query or (one.method, one.path) not in bare]


@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize("spelling", ["{id}", "{id}=", "{uuid}", "organization {uuid}"])
def test_a_report_is_run_watched_and_delivered_for_it(
    live: LiveBot, initech: Organization, in_group: bool, spelling: str
) -> None:
    ada = live.at(live.ada, live.group if in_group else None)
    named = spelling.format(id=initech.id, uuid=uuid_of(initech))
    line = ada.says(f"new calling usage {PERIOD} for {named}")

    card = line.card()
    assert f"Oct 1–31, 2026 · US · for organization {uuid_of(initech)}" in card.shown
    assert "● In progress" in card.shown
    report = the_report(live)
    assert (report.sub_partner, report.start) == (initech.id, "2026-10-01")
    live.emulator.world.set_report(report.id, status="done", content=CSV)
    assert line.file()
    assert len(line.answers()) == 2, "one card and one file"
    assert partner_calls(live)
    assert all(partner_calls(live))


@pytest.mark.parametrize("in_group", [False, True])
def test_what_was_run_for_it_is_sent_again_run_again_and_deleted(
    live: LiveBot, initech: Organization, in_group: bool
) -> None:
    ada = live.at(live.ada, live.group if in_group else None)
    line = ada.says(f"new calling usage {PERIOD} for {initech.id}")
    line.card()
    report = the_report(live)
    live.emulator.world.set_report(report.id, status="done", content=CSV)
    line.file()
    live.on_record(report.id, State.DELIVERED)

    assert ada.says(f"again {report.id}").file()
    offered = ada.says(f"run again {report.id}").card()
    assert f"Run Calling Usage for organization {uuid_of(initech)} again?" in offered.shown
    ada.presses(offered, "Run for Oct 1–31, 2026")
    live.emulator.world.wait_for(lambda world: len(world.reports) == 2)
    assert {one.sub_partner for one in live.emulator.world.reports.values()} == {initech.id}

    asked = ada.says(f"delete {report.id}")
    ada.presses(asked.card(), "Delete")
    asked.hears(f"Deleted Calling Usage (Oct 1–31, 2026 · US · for organization {uuid_of(initech)}).")
    assert report.deleted
    assert all(partner_calls(live))


def test_its_reports_are_listed_found_and_chosen(live: LiveBot, initech: Organization) -> None:
    ada = live.at(live.ada)
    own = live.partner_report("License Consumption")
    theirs = live.partner_report("Calling Usage", sub_partner=initech.id)

    listed = ada.says(f"reports for {initech.id}").card()
    assert f"1 report for organization {uuid_of(initech)}" in listed.shown
    assert "License Consumption" not in listed.shown
    assert ada.presses(listed, "Get").file()
    assert ada.says(f"report calling usage for {uuid_of(initech)}").file()
    assert ada.says(f"report {theirs.id}").file(), "it is known since then"
    assert "Calling Usage" not in ada.says("reports").card().shown
    assert not own.deleted


def test_an_unknown_id_is_found_where_its_organization_is_named(live: LiveBot, initech: Organization) -> None:
    ada = live.at(live.ada)
    theirs = live.partner_report("Calling Usage", sub_partner=initech.id, region="EU")

    ada.says(f"report {theirs.id}").hears("I couldn't find that report.")
    assert ada.says(f"report {theirs.id} for {initech.id}").file()
    assert ada.says(f"again {theirs.id}").file()


def test_an_organization_without_reports_has_a_sentence(live: LiveBot, initech: Organization) -> None:
    said = live.at(live.ada).says(f"reports for {initech.id}").card()

    assert f"There are no reports for organization {uuid_of(initech)}." in said.shown


@pytest.mark.parametrize(
    "text",
    [
        "report Y2lzY29zcGFyazovL3VzL1JFUE9SVC84NDdlNWY4OGJhNWE0YTc2OTEzNzQyZTg5ODhiNjk2OA for {}",
        f"new calling usage {PERIOD} for {{}}",
        "reports for {}",
        "report calling usage for {}",
        "templates for {}",
        "run calling usage last month for {}",
    ],
)
@pytest.mark.parametrize("in_group", [False, True])
def test_webex_decides_for_whom(live: LiveBot, initech: Organization, text: str, in_group: bool) -> None:
    ada = live.at(live.ada, live.group if in_group else None)

    ada.says(text.format(live.globex.id)).hears(f"{REFUSED}{uuid_of(live.globex)}.")

    assert not live.emulator.world.reports


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_that_comes_with_the_creation_is_said(live: LiveBot, initech: Organization, status: int) -> None:
    live.emulator.faults.add("POST", "/v1/partner/reports", status=status, times=None)

    said = live.at(live.ada).says(f"new calling usage {PERIOD} for {initech.id}").answers()[0].words

    assert {400: "Webex rejected", 403: "Webex doesn't let me run", 404: REFUSED}[status] in said


def test_the_form_has_a_field_only_where_an_organization_was_named_or_used(
    live: LiveBot, initech: Organization
) -> None:
    ada = live.at(live.ada)
    assert "organization" not in ada.says("new calling usage").card().fields

    form = ada.says(f"new calling usage for {initech.id}").card()
    assert form.fields["organization"] == initech.id
    line = ada.presses(form, "Run", {"start": "2026-10-01", "end": "2026-10-31"})
    line.hears("I'll post the file here")
    assert the_report(live).sub_partner == initech.id

    again = ada.says("new calling usage").card()
    assert again.fields["organization"] == "home"
    ada.presses(again, "Run", {"start": "2026-10-01", "end": "2026-10-31"})
    live.emulator.world.wait_for(lambda world: len(world.reports) == 2)
    assert [one.sub_partner for one in live.emulator.world.reports.values()] == [initech.id, None]
    assert "organization" not in live.at(live.ada, live.group).says("new calling usage").card().fields


def test_the_same_report_of_another_organization_is_not_the_same(live: LiveBot, initech: Organization) -> None:
    ada = live.at(live.ada)
    ada.says(f"new calling usage {PERIOD}").card()
    assert "● In progress" in ada.says(f"new calling usage {PERIOD} for {initech.id}").card().shown

    offered = ada.says(f"new calling usage {PERIOD} for {initech.id}").card()
    assert "This report was run" in offered.shown
    ada.presses(offered, "Get that one").hears("You already asked for this report.")


def test_read_only_administrators_get_its_reports_and_run_none(live: LiveBot, initech: Organization) -> None:
    grace = live.at(live.grace)
    live.partner_report("Calling Usage", sub_partner=initech.id)

    assert grace.says(f"report calling usage for {initech.id}").file()
    grace.says(f"new calling usage {PERIOD} for {initech.id}").hears("Read-only administrators can't do this.")


def test_who_may_have_organization_reports_only_is_told_that_these_are_partner_reports(
    live: LiveBot, initech: Organization
) -> None:
    live.ada.roles.remove(PARTNER_FULL_ADMIN)

    said = live.at(live.ada).says(f"reports for {initech.id}")
    said.hears("Only partner reports can be those of another organization")


# ---------------------------------------------------------------------- kills and lost answers


def asks(stepped: SteppedBot, organization: Organization) -> None:
    text = f"new calling usage {PERIOD} for {organization.id}"
    stepped.receive(stepped.setup.ada, text, stepped.setup.group)


@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"status": 504}])
def test_a_lost_answer_makes_no_second_report_of_a_sub_partner(stepped: SteppedBot, fault: dict[str, Any]) -> None:
    initech = has_sub_partner(stepped.setup)
    stepped.emulator.faults.add("POST", "/v1/partner/reports", times=1, **fault)
    asks(stepped, initech)
    stepped.work()
    stepped.wait(10)

    assert [one.sub_partner for one in stepped.world.reports.values()] == [initech.id]
    shown = [BotMessage(one).shown for one in stepped.said(stepped.setup.group) if one.card]
    assert ["● In progress" in one for one in shown] == [True]


def test_wherever_it_is_killed_one_report_is_created_for_the_organization_and_delivered_once(
    stepped: SteppedBot,
) -> None:
    initech = has_sub_partner(stepped.setup)
    for number in count(1):
        stepped.clock.turn(3700)
        asks(stepped, initech)
        before = len(stepped.world.reports)
        stepped.points.passed, stepped.points.deadly = 0, number
        try:
            stepped.work()
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(11)
        else:
            break
        finally:
            stepped.points.deadly = None
        new = list(stepped.world.reports.values())[before:]
        assert [one.sub_partner for one in new] == [initech.id], f"at point {number}"
        stepped.world.set_report(new[0].id, status="done", content=CSV)
        stepped.live_through(3 * 61, step=61)
        files = [one for one in stepped.said(stepped.setup.group) if one.files]
        assert len(files) == number, f"at point {number}"
    assert number > 5


def test_a_watch_of_two_organizations_costs_one_list_call_each(stepped: SteppedBot) -> None:
    initech = has_sub_partner(stepped.setup)
    for sub_partner in (None, initech.id, initech.id):
        report = stepped.setup.partner_report(status="waiting", sub_partner=sub_partner)
        named = f" for {sub_partner}" if sub_partner else ""
        stepped.receive(stepped.setup.ada, f"report {report.id}{named}")
        stepped.work()
    stepped.emulator.calls.clear()
    stepped.wait(20)

    lists = [one for one in stepped.emulator.calls if one.path == "/v1/partner/reports"]
    assert sorted(NAMED in one.query for one in lists) == [False, True]
    assert [one for one in stepped.emulator.calls if one.path.startswith("/v1/partner/reports/")] == []


# ---------------------------------------------------------------------- by themselves


def test_a_schedule_runs_reports_of_the_organization_it_was_set_for(stepped: SteppedBot) -> None:
    initech = has_sub_partner(stepped.setup)
    text = f"schedule calling usage every Monday 8:00 UTC last week for {initech.id}"
    stepped.receive(stepped.setup.ada, text, stepped.setup.group)
    stepped.work()
    for _ in range(8):
        stepped.wait(24 * 3600)

    made = list(stepped.world.reports.values())
    assert made
    assert {one.sub_partner for one in made} == {initech.id}


def test_a_subscription_announces_the_reports_of_its_organization_alone(stepped: SteppedBot) -> None:
    initech = has_sub_partner(stepped.setup)
    stepped.receive(stepped.setup.ada, f"subscribe all reports for {initech.id}")
    stepped.work()
    asked = stepped.said()[-1]
    stepped.pressed(stepped.setup.ada, asked, BotMessage(asked).buttons["Subscribe"])
    stepped.work()
    stepped.wait(60)
    stepped.setup.partner_report("License Consumption")
    stepped.setup.partner_report("Calling Usage", sub_partner=initech.id)
    for _ in range(3):
        stepped.wait(60)

    posted = [one.markdown or "" for one in stepped.said() if one.files]
    assert ["Calling Usage" in one for one in posted] == [True]
