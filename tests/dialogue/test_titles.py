"""``report <words>``: reports are found by their titles, and nothing is guessed that may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator.things import FULL_ADMIN, Template
from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot


def list_calls(stepped: SteppedBot) -> list[str]:
    """Return the calls that list reports."""
    return [call.path for call in stepped.emulator.calls if call.path.endswith("/reports")]


BOTH = pytest.mark.parametrize("family", ["partner", "organization"])
PLACES = pytest.mark.parametrize("place", ["1:1", "group"])


def made(live: LiveBot, family: str, title: str = "Calling Usage", **more):
    return (live.partner_report if family == "partner" else live.organization_report)(title, **more)


@BOTH
@PLACES
@pytest.mark.parametrize("words", ["calling usage", "usage", "CALLING USAGE", "caling usgae", "the usage, please"])
def test_one_report_that_fits_is_fetched(live: LiveBot, family: str, place: str, words: str) -> None:
    report = made(live, family)
    made(live, family, "Meeting Details")
    line = live.at(live.ada, live.group if place == "group" else None).says(f"report {words}")

    assert line.card().shown.startswith("Calling Usage\n● Ready")
    assert line.file().content == CSV
    live.on_record(report.id, State.DELIVERED)


@BOTH
def test_of_a_report_that_was_run_often_the_newest_is_fetched(live: LiveBot, family: str) -> None:
    made(live, family, created=1_700_000_000.0, start="2026-09-01", end="2026-09-30", content=b"old")
    made(live, family, created=1_760_000_000.0, start="2026-10-01", end="2026-10-31")

    line = live.at(live.ada).says("report calling usage")

    assert line.file().content == CSV
    assert len(line.answers()) == 2


def test_the_period_tells_which_run_is_meant(live: LiveBot) -> None:
    live.partner_report(created=1_700_000_000.0, start="2025-09-01", end="2025-09-30", content=b"old,file\r\n1,2\r\n")
    live.partner_report(created=1_760_000_000.0, start="2025-10-01", end="2025-10-31")

    line = live.at(live.ada).says("report calling usage September 2025")

    assert line.file().content == b"old,file\r\n1,2\r\n"


def test_the_exact_title_wins_over_longer_ones(live: LiveBot) -> None:
    live.partner_report("Partner Calling Usage", content=b"other")
    live.partner_report("Calling Usage")

    assert live.at(live.ada).says("report calling usage").file().content == CSV


@PLACES
def test_of_several_reports_one_is_chosen_from_the_newest_five(live: LiveBot, place: str) -> None:
    reports = [
        live.partner_report(f"Calling Usage {name}", created=1_760_000_000.0 + number)
        for number, name in enumerate(["One", "Two", "Three", "Four", "Five", "Six"])
    ]
    ada = live.at(live.ada, live.group if place == "group" else None)

    card = ada.says("report usage").card()

    assert card.shown.splitlines()[:2] == ["Which report?", "6 reports fit “usage”; here are 5 of them. Pick one."]
    titles = [line for line in card.shown.splitlines() if line.startswith("Calling Usage")]
    assert titles == [f"Calling Usage {name}" for name in ["Six", "Five", "Four", "Three", "Two"]]
    offered = [one["data"]["argument"] for one in card.actions if one["title"] == "Get"]
    assert offered == [report.id for report in reversed(reports[1:])]
    assert card.buttons["Show all"] == {"command": "reports", "argument": "usage"}
    assert ada.presses(card, "Get").file().content == CSV


def test_the_same_title_in_two_families_or_regions_is_a_choice(live: LiveBot) -> None:
    live.partner_report("Usage")
    live.organization_report("Usage")

    card = live.at(live.ada).says("report usage").card()

    assert card.shown.startswith("Which report?\n2 reports fit “usage”. Pick one.")


@PLACES
def test_when_nothing_fits_the_nearest_are_shown(live: LiveBot, place: str) -> None:
    live.partner_report("Calling Usage")
    live.partner_report("Meeting Details")
    ada = live.at(live.ada, live.group if place == "group" else None)

    card = ada.says("report calling minutes").card()

    lines = card.shown.splitlines()
    assert lines[:3] == [
        "No such report",
        "I found no report for “calling minutes”. The closest one:",
        "Calling Usage",
    ]
    assert "Meeting Details" not in card.shown
    assert ada.presses(card, "Get").file().content == CSV


@PLACES
def test_runs_for_two_regions_can_be_told_apart(live: LiveBot, place: str) -> None:
    days = {"start": "2025-10-01", "end": "2025-10-31", "status": "waiting"}
    runs = [live.partner_report(region=region, **days) for region in ("EU", "US")]
    ada = live.at(live.ada, live.group if place == "group" else None)

    lines = [ada.says(f"report {run.id}") for run in runs]
    for line, run, region in zip(lines, runs, ("EU", "US"), strict=True):
        card = line.card()
        assert f"\nOct 1–31, 2025 · {region}" in card.shown
        assert f"(Oct 1–31, 2025 · {region})" in card.words
        live.on_record(run.id, State.OPEN)
    pending = ada.says("pending").card()
    assert "Oct 1–31, 2025 · EU · requested" in pending.shown
    assert "Oct 1–31, 2025 · US · requested" in pending.shown
    live.emulator.world.set_report(runs[0].id, status="done")
    assert lines[0].file().words.startswith("Calling Usage · Oct 1–31, 2025 · EU · ")


@BOTH
@PLACES
def test_of_two_titles_in_one_message_both_are_among_the_nearest(live: LiveBot, family: str, place: str) -> None:
    made(live, family, "Meeting Details", created=1_700_000_000.0)
    for number in range(6):
        made(live, family, "Calling Usage", created=1_760_000_000.0 + number)
    ada = live.at(live.ada, live.group if place == "group" else None)

    card = ada.says("report calling usage and meeting details").card()

    titles = [line for line in card.shown.splitlines() if line in {"Calling Usage", "Meeting Details"}]
    assert titles == ["Calling Usage", "Meeting Details", *["Calling Usage"] * 3]


@PLACES
@pytest.mark.parametrize(("words", "filtered"), [("", ""), ("2025", " for “2025”")])
def test_a_page_that_there_is_not_leads_to_the_first(live: LiveBot, place: str, words: str, filtered: str) -> None:
    live.partner_report("Calling Usage", start="2025-10-01", end="2025-10-31")
    ada = live.at(live.ada, live.group if place == "group" else None)

    card = ada.says(f"reports {words} page 2").card()

    assert f"There is only 1 report{filtered}." in card.shown
    assert card.buttons == {"Show reports": {"command": "reports"} | ({"argument": words} if words else {})}
    assert "1 report" in ada.presses(card, "Show reports").hears("Calling Usage").shown


@PLACES
def test_what_is_missing_is_said_before_the_nearest_and_not_between(live: LiveBot, place: str) -> None:
    live.organization_report("Calling Usage")
    live.emulator.faults.add(method="GET", path="/v1/partner/reports", status=403, times=None)

    card = live.at(live.ada, live.group if place == "group" else None).says("report calling minutes").card()

    note, first = card.shown.splitlines()[1:3]
    assert note.startswith("I found no report for “calling minutes”. Not shown: ")
    assert note.endswith(" The closest one:")
    assert first == "Calling Usage"


@BOTH
@PLACES
def test_a_number_that_no_title_has_is_no_template(live: LiveBot, family: str, place: str) -> None:
    made(live, family, "Meeting Details", template_id=1)
    made(live, family, "Partner Meeting Details", template_id=2)
    ada = live.at(live.ada, live.group if place == "group" else None)

    card = ada.says("report meeting details 2").card()

    assert card.shown.startswith("No such report\nI found no report for “meeting details 2”. The closest ones:\n")
    assert {"Meeting Details", "Partner Meeting Details"} <= set(card.shown.splitlines())


def test_when_nothing_is_like_it_there_is_a_way_on(live: LiveBot) -> None:
    live.partner_report("Calling Usage")

    card = live.at(live.ada).says("report qwertz").card()

    assert card.shown == "No such report\nI found no report for “qwertz”."
    assert card.buttons["Show reports"] == {"command": "reports"}
    assert card.buttons["Run a report"] == {"command": "new", "argument": "qwertz"}


def test_a_period_without_a_report_is_shown_as_dates(live: LiveBot) -> None:
    live.partner_report("Calling Usage", start="2025-10-01", end="2025-10-31")

    card = live.at(live.ada).says("report calling usage May 2024").card()

    assert card.shown.splitlines()[1] == (
        "I found no report for “calling usage May 2024” (May 1–31, 2024). The closest one:"
    )


def test_a_report_of_other_days_is_offered_and_not_fetched(live: LiveBot) -> None:
    live.partner_report("Calling Usage", start="2025-09-15", end="2025-10-14", created=1_760_000_000.0)
    live.partner_report("Calling Usage", start="2025-06-01", end="2025-06-30", created=1_760_000_001.0)

    card = live.at(live.ada).says("report calling usage October 2025").card()

    assert card.shown.startswith("No such report\nI found no report for “calling usage October 2025” (Oct 1–31, 2025).")
    assert "Sep 15 – Oct 14, 2025" in card.shown
    assert "Jun 1–30, 2025" not in card.shown, "the nearest touch the period"


def test_report_alone_offers_the_newest_five(live: LiveBot) -> None:
    for number in range(7):
        live.partner_report(f"Usage {number}", created=1_760_000_000.0 + number)

    card = live.at(live.ada).says("report").card()

    assert "Which report? Pick one below, or type **report** and its title or ID. 1–5 of 7, newest first." in card.shown
    assert [line for line in card.shown.splitlines() if line.startswith("Usage")] == [
        f"Usage {number}" for number in (6, 5, 4, 3, 2)
    ]
    assert card.buttons["Show all"] == {"command": "reports"}


@pytest.mark.parametrize("person", ["ada", "grace"])
def test_read_only_administrators_find_reports_too(live: LiveBot, person: str) -> None:
    live.organization_report("Meeting Details")

    assert live.at(getattr(live, person)).says("report meeting details").file().content == CSV


@pytest.mark.parametrize("words", ["calling usage", "qwertz", "x9", ""])
def test_somebody_without_a_role_learns_nothing_of_any_title(stepped: SteppedBot, words: str) -> None:
    stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.nora, f"report {words}")
    stepped.work()

    (said,) = stepped.said(person=stepped.setup.nora)
    assert (said.text or "").startswith("Only Webex administrators can get ")
    assert list_calls(stepped) == []


def test_the_reports_of_a_family_that_the_person_may_not_use_are_not_searched(stepped: SteppedBot) -> None:
    stepped.setup.partner_report("Secret Figures")
    stepped.setup.organization_report("Meeting Details")
    henry = stepped.world.add_person("Henry Ford", stepped.setup.acme, roles=[FULL_ADMIN])
    stepped.receive(henry, "report secret figures")
    stepped.work()

    (said,) = stepped.said(person=henry)
    assert (said.text or "").startswith("I found no report for “secret figures”. I didn't look for partner")
    assert list_calls(stepped) == ["/v1/reports"]


def test_with_people_from_outside_the_choice_is_answered_directly(live: LiveBot) -> None:
    live.partner_report("Calling Usage One")
    live.partner_report("Calling Usage Two")
    ada = live.at(live.ada, live.outside)

    line = ada.says("report usage")

    assert "Calling Usage Two" in ada.hears_privately("2 reports fit").shown
    assert [heard.words for heard in line.answers()] == [
        "There are external people in this space, so I've replied to you directly."
    ]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param("foo/bar", "“foo/bar” isn't a valid report ID.", id="no ID at all"),
        pytest.param("abc123", "I couldn't find that report. Check the ID", id="one that is unknown"),
        pytest.param("Y2lzY29zcGFyazovL3VzL1JF", "I couldn't find that report. Check the ID", id="the start of one"),
    ],
)
def test_what_may_be_an_id_and_is_no_title_is_answered_as_an_id(live: LiveBot, words: str, shown: str) -> None:
    live.partner_report("Calling Usage")

    assert shown in live.at(live.ada).says(f"report {words}").answer().words


def test_a_title_like_an_id_is_found(live: LiveBot) -> None:
    live.partner_report("In/Out_2025-10 x9")

    assert live.at(live.ada).says("report in/out_2025-10").file().content == CSV


def test_an_id_is_asked_for_without_a_list(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()

    assert len(stepped.said()) == 2
    assert list_calls(stepped) == []


def test_a_title_costs_one_list_of_each_family_more_than_an_id(stepped: SteppedBot) -> None:
    stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.ada, "report calling usage")
    stepped.work()

    assert len(stepped.said()) == 2
    assert sorted(list_calls(stepped)) == ["/v1/partner/reports", "/v1/reports"]


def test_a_hostile_title_is_shown_as_text(live: LiveBot) -> None:
    live.partner_report("[Usage](http://evil.example) <@personEmail:x@y.z> \u202egnp")
    live.partner_report("Usage" + "x" * 2000)

    card = live.at(live.ada).says("report usage .* [a](b)").card()

    assert "](" not in card.shown
    assert "<@" not in (card.message.markdown or "")


FILTERS = [
    ("reports failed", ["Broken"]),
    ("reports in progress", ["Slow"]),
    ("reports ready", ["Meeting Details", "Calling Usage"]),
    ("reports partner", ["Slow", "Calling Usage"]),
    ("reports organization", ["Broken", "Meeting Details"]),
    ("reports calling", ["Calling Usage"]),
    ("reports September 2025", ["Meeting Details", "Calling Usage"]),
    ("reports partner sep 2025", ["Calling Usage"]),
    ("reports week 42 2025", ["Slow"]),
    ("Reports Failed page 1", ["Broken"]),
]


@pytest.mark.parametrize(("words", "titles"), FILTERS)
@PLACES
def test_a_list_is_filtered_by_words(live: LiveBot, words: str, titles: list[str], place: str) -> None:
    live.partner_report("Calling Usage", created=1_760_000_000.0, start="2025-09-01", end="2025-09-30")
    live.organization_report("Meeting Details", created=1_760_000_001.0, start="2025-09-08", end="2025-09-14")
    live.partner_report("Slow", status="waiting", created=1_760_000_002.0, start="2025-10-13", end="2025-10-19")
    live.organization_report("Broken", status="failed", created=1_760_000_003.0, start="2025-08-01", end="2025-08-31")
    all_titles = {"Calling Usage", "Meeting Details", "Slow", "Broken"}

    card = live.at(live.grace, live.group if place == "group" else None).says(words).card()

    assert [line for line in card.shown.splitlines() if line in all_titles] == titles
    assert f"{len(titles)} report" in card.shown


def test_a_filter_by_region_asks_that_region(live: LiveBot) -> None:
    live.partner_report("Usage at home")
    live.partner_report("Usage in Europe", region="EU")

    card = live.at(live.ada).says("reports eu").card()

    assert "Usage in Europe" in card.shown
    assert "Usage at home" not in card.shown
    assert live.at(live.ada).says("report usage europe").file().content == CSV


def test_paging_keeps_the_filter(live: LiveBot) -> None:
    for number in range(12):
        live.partner_report(f"Calling Usage {number}", status="failed")
    live.partner_report("Meeting Details")
    ada = live.at(live.ada)
    card = ada.says("reports usage failed").card()
    assert "1–10 of 12 for “usage failed”, newest first." in card.shown
    assert card.buttons["More"] == {"command": "reports", "argument": "usage failed page 2"}

    ada.presses(card, "More")

    direct = live.emulator.world.direct_space(live.ada, live.bot)
    live.emulator.world.wait_for(
        lambda world: any("11–12 of 12" in (one.markdown or "") for one in world.messages(direct))
    )


def test_a_filter_that_fits_nothing_says_so_and_shows_the_nearest(live: LiveBot) -> None:
    live.partner_report("Calling Usage")

    card = live.at(live.ada).says("reports calling failed").card()

    assert "I found no report for “calling failed”. The closest one:\nCalling Usage" in card.shown


def test_a_mistyped_filter_asks_whether_it_is_meant(live: LiveBot) -> None:
    live.partner_report("Calling Usage")

    card = live.at(live.ada).says("reports calling usgae").card()

    assert "No report has exactly these words: “calling usgae”.\nCalling Usage" in card.shown


@PLACES
def test_a_report_that_is_not_there_can_be_run(live: LiveBot, place: str) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Calling"))
    ada = live.at(live.ada, live.group if place == "group" else None)

    card = ada.says("report calling usage May 2026 EU").card()

    assert card.shown == "No such report\nI found no report for “calling usage May 2026 EU” (May 1–31, 2026)."
    assert card.buttons["Run Calling Usage"] == {
        "command": "new",
        "argument": "partner:130 2026-05-01 to 2026-05-31 EU",
    }


@pytest.mark.parametrize("person", ["grace", "ada"])
def test_it_is_offered_only_to_who_may_run_it(live: LiveBot, person: str) -> None:
    live.emulator.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))

    card = live.at(getattr(live, person)).says("report meeting detials").card()

    assert ("Run Meeting Details" in card.buttons) is (person == "ada")
    assert "Show reports" in card.buttons


def test_templates_that_cannot_be_listed_are_not_offered(live: LiveBot) -> None:
    live.emulator.faults.add(method="GET", path="/v1/report/templates", status=403, times=None)
    live.emulator.faults.add(method="GET", path="/v1/partner/reports/templates", status=403, times=None)

    assert set(live.at(live.ada).says("report qwertz").card().buttons) == {"Show reports"}


def test_words_without_a_template_lead_to_what_can_be_run(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Calling"))
    ada = live.at(live.ada)
    card = ada.says("report calling minutes").card()

    assert card.buttons["Run a report"] == {"command": "new", "argument": "calling minutes"}
    assert "Calling Usage" in ada.presses(card, "Run a report").answers(2)[-1].shown


# ---------------------------------------------------------------------- other regions


def seen_in(live: LiveBot, region: str) -> None:
    """Have the bot see a report of a region."""
    made = live.partner_report("Seen Before", region=region)
    live.at(live.ada).says(f"report {made.id}").file()


@pytest.mark.parametrize("in_group", [False, True])
def test_what_is_not_in_the_home_region_is_looked_for_in_those_seen_before(live: LiveBot, in_group: bool) -> None:
    seen_in(live, "EU")
    live.partner_report("License Consumption")
    live.partner_report("Calling Quality", region="EU")
    ada = live.at(live.ada, live.group if in_group else None)

    line = ada.says("report calling quality")
    assert " · EU" in line.card().shown
    assert line.file()
    listed = ada.says("reports calling").card()
    assert "I looked in your home region and in EU." in listed.shown
    assert "Calling Quality" in listed.shown
    asked = [one.query.get("regionId") for one in live.emulator.calls.calls_to("GET", "/v1/partner/reports")]
    assert "CA" not in asked, "no report of it was ever seen"


def test_what_is_in_the_home_region_costs_no_call_for_another(live: LiveBot) -> None:
    seen_in(live, "EU")
    ada = live.at(live.ada)
    live.partner_report("Calling Quality", region="EU")
    live.partner_report("Calling Usage")
    ada.says("reports").card()
    live.emulator.calls.clear()

    card = ada.says("reports calling").card()

    assert "Calling Usage" in card.shown
    assert "Calling Quality" not in card.shown
    assert [one.query for one in live.emulator.calls.calls_to("GET", "/v1/partner/reports")] == [{}]


def test_what_is_nowhere_is_said_with_where_it_was_looked_for(live: LiveBot) -> None:
    seen_in(live, "EU")
    live.partner_report("License Consumption")

    said = live.at(live.ada).says("report zebra crossing").card()

    assert "I found no report for “zebra crossing”." in said.shown
    assert "I looked in your home region and in EU." in said.shown
