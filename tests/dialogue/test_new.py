"""``new``: a report is run, watched and delivered, with everything typed or by a form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.db.requests import State
from bot.emulator.things import PARTNER_FULL_ADMIN, Template
from bot.reports import quota
from bot.webex import catalog
from tests.live_bot import LiveBot, actions_of

CALLING = Template(130, "partner", "Calling Usage", "Teams")
LICENSES = Template(320, "partner", "License Consumption", "Teams")
DETAILS = Template(2, "organization", "Meeting Details", "Meetings", max_days=62)
AUDIO = Template(20, "organization", "Audio Usage", "Meetings", needs_sites=True)
ACTIVATION = Template(400, "organization", "User Activation", "Teams", takes_dates=False)


@pytest.fixture(autouse=True)
def templates(live: LiveBot) -> None:
    for template in (CALLING, LICENSES, DETAILS, AUDIO, ACTIVATION):
        live.emulator.world.add_template(template)


def created(live: LiveBot) -> list[tuple[str, str, str, str, str]]:
    """Return what was created in Webex, oldest first."""
    return [
        (one.title, one.start, one.end, one.region if one.family == "partner" else "", one.site_list)
        for one in live.emulator.world.reports.values()
    ]


def last_month() -> tuple[str, str]:
    last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    return last.replace(day=1).isoformat(), last.isoformat()


@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("new calling usage 2026-10-01 to 2026-10-31", ("Calling Usage", "2026-10-01", "2026-10-31", "US", "")),
        ("new calling usage 2026-10-01 to 2026-10-31 EU", ("Calling Usage", "2026-10-01", "2026-10-31", "EU", "")),
        (
            "run Calling Usage in europe 2026-10-01 to 2026-10-02",
            ("Calling Usage", "2026-10-01", "2026-10-02", "EU", ""),
        ),
        ("new partner:130 2026-10-01 2026-10-31", ("Calling Usage", "2026-10-01", "2026-10-31", "US", "")),
        ("new 2 2026-09-01 to 2026-10-31", ("Meeting Details", "2026-09-01", "2026-10-31", "", "")),
        (
            "new audio usage 2026-10-01 to 2026-10-02 acme.webex.com",
            ("Audio Usage", "2026-10-01", "2026-10-02", "", "acme.webex.com"),
        ),
    ],
)
def test_with_everything_typed_it_runs_at_once(
    live: LiveBot, text: str, expected: tuple[str, ...], in_group: bool
) -> None:
    line = live.at(live.ada, live.group if in_group else None).says(text)

    card = line.card()
    assert expected[0] in card.shown
    assert "● In progress" in card.shown
    assert created(live) == [expected]
    (report,) = live.emulator.world.reports.values()
    live.emulator.world.set_report(report.id, status="done")
    assert line.file()
    assert len(line.answers()) == 2, "one card and one file"


def test_last_month_is_that_of_the_space(live: LiveBot) -> None:
    live.at(live.ada).says("new calling usage last month").card()

    assert created(live) == [("Calling Usage", *last_month(), "US", "")]


def test_a_template_without_dates_needs_none(live: LiveBot) -> None:
    live.at(live.ada).says("new user activation").card()

    assert [one[0] for one in created(live)] == ["User Activation"]


def test_a_form_keeps_what_was_entered_and_says_what_is_wrong(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new calling usage EU")
    form = line.card()
    start, end = last_month()
    assert form.fields == {"start": start, "end": end, "region": "EU"}

    ada.presses(form, "Run", {"start": "2026-01-05", "end": "2026-03-05"})
    again = line.hears("at most 31 days")
    assert again.fields == {"start": "2026-01-05", "end": "2026-03-05", "region": "EU"}
    live.emulator.world.wait_for(lambda _: form.message.deleted)
    ada.presses(again, "Run", {"end": "2026-01-01"})
    again = line.hears("The last day is before the first.")
    ada.presses(again, "Run", {"end": "2026-01-31", "region": "CA"})

    assert "● In progress" in line.hears("I'll post the file here").shown
    assert created(live) == [("Calling Usage", "2026-01-05", "2026-01-31", "CA", "")]
    live.emulator.world.wait_for(lambda _: again.message.deleted)


@pytest.mark.parametrize("period", ["10/1/2026 - 10/15/2026", "vom 1. bis 15. Mai", "Feb 30"])
def test_a_period_that_is_not_understood_is_asked_for_and_not_replaced_by_another(live: LiveBot, period: str) -> None:
    form = live.at(live.ada).says(f"new calling usage {period}").card()

    assert "I didn't understand “" in form.shown
    assert "Which period?" in form.shown
    assert (form.fields["start"], form.fields["end"]) == ("", ""), "a press of Run must not run last month"
    assert not created(live)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("new calling usage 2026-01-01 to 2026-02-28", "at most 31 days; that's 59."),
        ("new calling usage 2024-01-01 to 2024-01-02", "There's no data before Jan 1, 2025."),
        ("new calling usage 2036-10-01 to 2036-10-02", "There's no data after "),
        ("new audio usage 2026-10-01 to 2026-10-02", "Which Webex site?"),
    ],
)
def test_what_webex_would_refuse_is_refused_first(live: LiveBot, text: str, wrong: str) -> None:
    card = live.at(live.ada).says(text).card()

    assert wrong in card.shown
    assert not created(live)
    assert not [call for call in live.emulator.calls if call.method == "POST" and call.path.endswith("/reports")]


def test_a_typing_error_is_confirmed_by_one_button(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new caling usag 2026-10-01 to 2026-10-31")
    card = line.card()
    assert "Calling Usage · Oct 1–31, 2026" in card.shown

    ada.presses(card, "Run")

    line.hears("I'll post the file here")
    assert created(live) == [("Calling Usage", "2026-10-01", "2026-10-31", "US", "")]


def test_several_templates_are_offered_with_what_was_typed(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new usage 2026-10-01 to 2026-10-31")
    card = line.card()
    assert "Calling Usage" in card.shown
    assert "Audio Usage" in card.shown

    arguments = [one["data"]["argument"] for one in actions_of(card.card) if one["title"] == "Run…"]
    assert sorted(arguments) == ["organization:20 2026-10-01 to 2026-10-31", "partner:130 2026-10-01 to 2026-10-31"]
    live.emulator.world.press(live.ada, card.message.id, {"command": "new", "argument": max(arguments)})

    line.hears("I'll post the file here")


def test_new_alone_asks_which_and_then_for_the_rest(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new")
    card = line.card()

    ada.presses(card, "Continue", {"template": "organization:2"})

    form = line.hears("Meeting Details")
    assert set(form.fields) == {"start", "end"}
    ada.presses(form, "Run")
    line.hears("I'll post the file here")
    assert created(live) == [("Meeting Details", *last_month(), "", "")]


def test_what_is_no_template_is_said(live: LiveBot) -> None:
    assert "I couldn't find a template “zebra”" in live.at(live.ada).says("new zebra").card().shown


def test_the_same_report_is_offered_within_the_hour(live: LiveBot) -> None:
    ada = live.at(live.ada)
    text = "new calling usage 2026-10-01 to 2026-10-31"
    ada.says(text).card()
    assert len(created(live)) == 1

    line = ada.says(text)
    card = line.card()
    assert "This report was run less than a minute ago" in card.shown
    assert len(created(live)) == 1
    ada.presses(card, "Run anyway")
    line.hears("I'll post the file here")

    assert len(created(live)) == 2


def test_another_site_is_not_the_same_report(live: LiveBot) -> None:
    ada = live.at(live.ada)
    ada.says("new audio usage 2026-10-01 to 2026-10-02 acme.webex.com").card()

    ada.says("new audio usage 2026-10-01 to 2026-10-02 other.webex.com").hears("I'll post the file here")

    assert [one[4] for one in created(live)] == ["acme.webex.com", "other.webex.com"]


def test_what_is_no_site_stays_in_the_form_and_is_said(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new audio usage 2026-10-01 to 2026-10-02")

    ada.presses(line.card(), "Run", {"sites": "acme, https://b.webex.com/"})

    form = line.hears("I didn't understand “acme”.")
    assert form.fields["sites"] == "acme, b.webex.com"
    assert not created(live)


def test_the_same_words_twice_run_one_report(live: LiveBot) -> None:
    live.emulator.faults.add("POST", "/v1/partner/reports", delay=0.5)
    ada = live.at(live.ada)
    text = "new calling usage 2026-10-01 to 2026-10-31"

    first, second = ada.says(text), ada.says(text)

    said = [one.words for line in (first, second) for one in line.answers()]
    assert sum("I'm already running this report." in one for one in said) == 1
    assert len(created(live)) == 1


def test_a_button_that_is_tapped_twice_runs_one_report(live: LiveBot) -> None:
    ada = live.at(live.ada)
    ada.says("new calling usage 2026-08-01 to 2026-08-31").card()
    line = ada.says("last")
    card = line.card()

    ada.presses(card, "Run for Sep 1–30, 2026")
    ada.presses(card, "Run for Sep 1–30, 2026")

    line.hears("I'm already running this report.")
    line.hears("I'll post the file here")
    assert [one[1] for one in created(live)] == ["2026-08-01", "2026-09-01"]


def test_a_report_that_webex_does_not_list_yet_is_offered_all_the_same(live: LiveBot) -> None:
    ada = live.at(live.ada)
    text = "new calling usage 2026-10-01 to 2026-10-31"
    ada.says(text).card()
    (report,) = live.emulator.world.reports.values()
    live.emulator.world.set_report(report.id, listed=False)

    card = ada.says(text).card()

    assert card.buttons["Get that one"]["argument"] == report.id
    assert len(created(live)) == 1


@pytest.mark.parametrize("text", ["new calling usage last month", "last", "run again {}"])
def test_a_family_whose_templates_are_not_listed_is_named(
    live: LiveBot, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(catalog, "TEMPLATES_FRESH", timedelta(0))
    ada = live.at(live.ada)
    ada.says("new calling usage 2026-08-01 to 2026-08-31").card()
    (report,) = live.emulator.world.reports
    live.emulator.faults.add("GET", "/v1/partner/reports/templates", status=409)

    said = ada.says(text.format(report)).answer()

    assert "I couldn't find a template “" in (said.shown or said.words)
    assert "Partner reports are missing from this list. Webex reports a conflict" in (said.shown or said.words)


def test_while_templates_are_missing_what_words_name_is_confirmed_first(live: LiveBot) -> None:
    live.emulator.faults.add("GET", "/v1/partner/reports/templates", status=409)
    ada = live.at(live.ada)

    line = ada.says("new usage 2026-10-01 to 2026-10-02 acme.webex.com")

    card = line.card()
    assert "Audio Usage" in card.shown
    assert not created(live)
    ada.presses(card, "Run")
    line.hears("I'll post the file here")


def test_a_template_that_is_gone_is_said(live: LiveBot) -> None:
    card = live.at(live.ada).says("new partner:999 last week").card()

    assert "I couldn't find a template “partner:999”." in card.shown


@pytest.mark.parametrize("text", ["run it again", "run this report again please", "run again please"])
def test_run_it_again_means_the_report_of_the_thread(live: LiveBot, text: str) -> None:
    ada = live.at(live.ada, live.group)
    report = live.partner_report("Calling Usage", start="2026-08-01", end="2026-08-31", template_id=130)
    line = ada.says(f"report {report.id}")
    line.file()

    ada.says(text, parent_id=line.message.id)

    assert "Run for Aug 1–31, 2026" in line.hears("Run Calling Usage again?").buttons


def test_a_report_of_the_end_of_time_can_be_run_again(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", start="9999-12-01", end="9999-12-31", template_id=130)

    assert "Another period…" in live.at(live.ada).says(f"run again {report.id}").card().buttons


@pytest.mark.parametrize("word", ["new calling usage last month", "run again", "last"])
def test_read_only_administrators_run_nothing(live: LiveBot, word: str) -> None:
    line = live.at(live.grace).says(word)

    assert "Read-only administrators can't do this. Ask a full administrator." in line.answer().words
    assert not created(live)


def test_in_a_space_with_outsiders_the_report_comes_directly(live: LiveBot) -> None:
    live.at(live.ada, live.outside).says("new calling usage 2026-10-01 to 2026-10-31")

    heard = live.at(live.ada).hears_privately("I'll post the file here")

    assert "Calling Usage" in heard.shown


def test_only_the_families_that_someone_may_write_are_offered(live: LiveBot) -> None:
    lena = live.emulator.world.add_person("Lena", live.acme, roles=[PARTNER_FULL_ADMIN])

    card = live.at(lena).says("new usage 2026-10-01 to 2026-10-31").card()

    assert "Audio Usage" not in card.shown


def test_last_and_run_again_offer_the_same_and_the_next_period(live: LiveBot) -> None:
    ada = live.at(live.ada)
    assert "You haven't run a report here yet" in ada.says("last").answer().words
    ada.says("new calling usage 2026-08-01 to 2026-08-31").card()

    line = ada.says("last")
    card = line.card()
    assert set(card.buttons) == {"Run for Aug 1–31, 2026", "Run for Sep 1–30, 2026", "Another period…"}
    ada.presses(card, "Run for Sep 1–30, 2026")
    line.hears("I'll post the file here")

    assert [one[1] for one in created(live)] == ["2026-08-01", "2026-09-01"]


def test_a_report_is_run_again_by_its_id(live: LiveBot) -> None:
    report = live.organization_report("Meeting Details", start="2026-09-01", end="2026-09-30", template_id=2)
    card = live.at(live.ada).says(f"run again {report.id}").card()

    assert "Run for Sep 1–30, 2026" in card.buttons
    assert "Run for Oct 1–31, 2026" in card.buttons


def test_a_refusal_of_webex_is_said_with_what_was_wanted(live: LiveBot) -> None:
    live.emulator.faults.add("POST", "/v1/partner/reports", status=400)

    line = live.at(live.ada).says("new calling usage 2026-10-01 to 2026-10-31")

    said = line.hears("I couldn't run “Calling Usage”").words
    assert "Webex rejected the request" in said
    assert "reference" in said


def test_the_scope_that_the_admin_token_lacks_is_named_to_the_person_alone(live: LiveBot) -> None:
    live.emulator.faults.add("POST", "/v1/partner/reports", status=403)

    line = live.at(live.ada, live.group).says("new calling usage 2026-10-01 to 2026-10-31")

    assert "reports_write" not in line.hears("Webex doesn't let me run or delete partner reports.").words
    told = live.at(live.ada).hears_privately("Webex doesn't let me run or delete partner reports.").words
    assert "needs the scopes spark-admin:reports_write and" in told


def test_templates_are_listed_with_what_they_take(live: LiveBot) -> None:
    line = live.at(live.ada).says("templates usage")

    card = line.card()
    assert "2 templates for “usage”." in card.shown
    assert "Teams · partner report · up to 31 days · data Jan 1, 2025" in card.shown
    assert "asks for a site" in card.shown
    assert "Run…" in card.buttons


def test_a_page_after_the_last_is_the_last(live: LiveBot) -> None:
    assert "5 templates." in live.at(live.ada).says("templates 7").card().shown


def test_templates_for_read_only_administrators_have_no_button(live: LiveBot) -> None:
    card = live.at(live.grace).says("templates").card()

    assert "Calling Usage" in card.shown
    assert "Run…" not in card.buttons


def test_run_again_in_a_thread_means_its_report(live: LiveBot) -> None:
    ada = live.at(live.ada, live.group)
    report = live.partner_report("Calling Usage", start="2026-08-01", end="2026-08-31", template_id=130)
    line = ada.says(f"report {report.id}")
    line.file()

    ada.says("run again", parent_id=line.message.id)

    card = line.hears("Run Calling Usage again?")
    assert "Run for Aug 1–31, 2026" in card.buttons
    assert not created(live)[1:]


def test_of_two_templates_with_one_title_none_is_run_again_by_a_guess(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(3, "organization", "Meeting Details", "Meetings"))
    report = live.organization_report("Meeting Details", status="failed", start="2026-08-01", end="2026-08-31")
    ada = live.at(live.ada)
    line = ada.says(f"report {report.id}")

    ada.presses(line.card(), "Run again")

    card = line.hears("Which report do you want to run?")
    arguments = [one["data"]["argument"] for one in actions_of(card.card) if one["title"] == "Run…"]
    assert arguments == ["organization:2 2026-08-01 to 2026-08-31", "organization:3 2026-08-01 to 2026-08-31"]
    assert len(created(live)) == 1


def test_a_report_that_failed_is_run_again_by_one_press(live: LiveBot) -> None:
    ada = live.at(live.ada)
    days = {"start": "2026-08-01", "end": "2026-08-31"}
    report = live.partner_report("Calling Usage", template_id=130, status="failed", **days)
    line = ada.says(f"report {report.id}")

    ada.presses(line.card(), "Run again")

    line.hears("I'll post the file here")
    assert [one[:3] for one in created(live)] == [("Calling Usage", "2026-08-01", "2026-08-31")] * 2


def test_a_period_that_is_not_over_ends_with_the_data_and_is_shown_first(live: LiveBot) -> None:
    today = datetime.now(UTC).date()
    first = today - timedelta(days=3)
    text = f"new calling usage {first} to {today + timedelta(days=5)}"

    card = live.at(live.ada).says(text).card()

    assert card.buttons["Run"]["argument"] == f"partner:130 {first} to {today}"
    assert not created(live)


def test_a_space_with_outsiders_is_told_once_that_the_answer_goes_directly(live: LiveBot) -> None:
    line = live.at(live.ada, live.outside).says("new calling usage 2026-10-01 to 2026-10-31")
    live.at(live.ada).hears_privately("I'll post the file here")
    (report,) = live.emulator.world.reports.values()
    live.emulator.world.set_report(report.id, status="done")
    live.on_record(report.id, State.DELIVERED)

    assert [one.words for one in line.answers()] == [
        "There are external people in this space, so I've replied to you directly."
    ]


def test_a_report_for_which_webex_may_have_no_room_is_advised_against(live: LiveBot) -> None:
    live.emulator.world.reports_kept = 50
    old = live.emulator.world.clock() - 20 * 24 * 3600
    for number in range(50):
        live.partner_report(title=f"Old {number}", created=old)
    ada = live.at(live.ada)

    card = ada.says("new calling usage 2026-10-01 to 2026-10-31").card()

    assert "Webex keeps at most 50 partner reports, and 50 are in use, so it may refuse another one." in card.shown
    assert not live.emulator.calls.calls_to("POST", "/v1/partner/reports")
    offered = ada.presses(card, "Delete old reports").hears("Delete these 20 reports?")
    ada.presses(offered, "Delete all 20").hears("Deleted 20 reports:")
    ada.presses(card, "Run anyway")
    live.emulator.world.wait_for(lambda _: live.emulator.calls.calls_to("POST", "/v1/partner/reports"))


def test_the_next_period_is_offered_when_it_is_over(live: LiveBot) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    ada = live.at(live.ada)
    ada.says(f"new calling usage {yesterday} to {yesterday}").card()

    card = ada.says("last").card()

    assert [one for one in card.buttons if one.startswith("Run for ")] == [
        f"Run for {yesterday:%b} {yesterday.day}, {yesterday.year}"
    ]


@pytest.mark.parametrize("days", ["tomorrow", "next month", "next 7 days"])
def test_days_to_come_have_a_sentence(live: LiveBot, days: str) -> None:
    form = live.at(live.ada).says(f"new calling usage {days}").card()

    assert f"“{days}” is in the future; Webex has no data for it yet." in form.shown
    assert "Which period?" in form.shown
    assert (form.fields["start"], form.fields["end"]) == ("", "")
    assert not created(live)


def test_of_a_period_that_is_too_long_the_last_days_can_be_run_at_once(live: LiveBot) -> None:
    ada = live.at(live.ada)
    line = ada.says("new calling usage 2026-01-01 to 2026-03-31 EU")
    form = line.card()
    assert "at most 31 days; that's 90." in form.shown

    ada.presses(form, "Run for Mar 1–31, 2026", {"region": "CA"})

    line.hears("I'll post the file here")
    assert created(live) == [("Calling Usage", "2026-03-01", "2026-03-31", "CA", "")]


def test_no_shorter_period_is_offered_where_that_would_not_run_either(live: LiveBot) -> None:
    line = live.at(live.ada).says("new audio usage 2026-01-01 to 2026-09-30")
    assert list(line.card().buttons) == ["Run"], "a site is missing, too"


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_list_that_webex_refuses_is_no_reason_not_to_run_a_report(live: LiveBot, status: int) -> None:
    ada = live.at(live.ada)
    ada.says("new calling usage").card()  # by its list it is known who may have partner reports
    live.emulator.faults.add("GET", "/v1/partner/reports", status=status, times=1)

    assert "● In progress" in ada.says("new calling usage 2026-10-01 to 2026-10-31").card().shown
    assert len(created(live)) == 1


def test_a_failed_report_is_run_again_only_where_webex_has_room(live: LiveBot) -> None:
    ada = live.at(live.ada)
    failed = live.partner_report("Calling Usage", status="failed")
    for _ in range(quota.MOST_REPORTS - 1):
        live.partner_report("Old Usage", created=1.0)

    said = ada.says(f"run again {failed.id}").card()

    assert "Webex keeps at most 50 partner reports, and 50 are in use" in said.shown
    ada.presses(said, "Run anyway")
    live.emulator.world.wait_for(lambda world: len(world.reports) == quota.MOST_REPORTS + 1)
