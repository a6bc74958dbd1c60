"""``schedule``, ``schedules``, ``run`` and ``unschedule``: what people write, press and read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from bot.db import runs, schedules, tables
from bot.db.runs import Why
from bot.db.schedules import Schedule
from bot.emulator.things import Template
from tests.live_bot import ADMIN_OF_BOTH, BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.runs import Run
    from bot.emulator.things import Person, Space
    from tests.stepped_bot import SteppedBot

SUNDAY = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
TYPED = "schedule calling usage every Monday 8:00 Europe/Berlin last week"
FAMILIES = {"partner": "calling usage", "organization": "meeting details"}


@pytest.fixture(autouse=True)
def on_sunday(stepped: SteppedBot) -> None:
    stepped.clock.time = SUNDAY
    for template in (
        Template(130, "partner", "Calling Usage", "Teams"),
        Template(131, "partner", "Calling Quality", "Teams"),
        Template(2, "organization", "Meeting Details", "Meetings", max_days=62),
        Template(20, "organization", "Audio Usage", "Meetings", needs_sites=True),
        Template(400, "organization", "User Activation", "Teams", takes_dates=False),
    ):
        stepped.world.add_template(template)


def says(stepped: SteppedBot, text: str, person: Person | None = None, space: Space | None = None) -> list[BotMessage]:
    """Write something; return what the bot says because of it, wherever."""
    before = everything(stepped)
    stepped.receive(person or stepped.setup.ada, text, space)
    stepped.work()
    return [one for one in map(BotMessage, everything(stepped)) if one.message not in before]


def presses(
    stepped: SteppedBot, heard: BotMessage, button: str, person: Person | None = None, **fields: str
) -> list[BotMessage]:
    """Press a button with what was entered; return what the bot says because of it."""
    before = everything(stepped)
    assert fields.keys() <= heard.fields.keys()
    data = heard.buttons[button] | heard.fields | fields
    stepped.pressed(person or stepped.setup.ada, heard.message, data)
    stepped.work()
    return [one for one in map(BotMessage, everything(stepped)) if one.message not in before]


def everything(stepped: SteppedBot) -> list[Any]:
    return [
        one for space in stepped.world.spaces.values() for one in stepped.world.messages(space)
        if one.person_id == stepped.setup.bot.id and not one.deleted
    ]  # fmt: skip


def stored(stepped: SteppedBot) -> list[Schedule]:
    with stepped.database.read() as tx:
        return schedules.find(tx)


def all_runs(stepped: SteppedBot) -> list[Run]:
    with stepped.database.read() as tx:
        rows = tx.execute(select(tables.runs.c.id).order_by(tables.runs.c.id)).scalars().all()
        return [found for row in rows if (found := runs.get(tx, row)) is not None]


@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize(("family", "title"), FAMILIES.items())
def test_typed_in_full_it_is_set_at_once_and_answered_with_its_next_runs(
    stepped: SteppedBot, family: str, title: str, in_group: bool
) -> None:
    space = stepped.setup.group if in_group else None
    (card,) = says(stepped, f"schedule {title} every Monday 08:00 Europe/Berlin last week", space=space)

    (schedule,) = stored(stepped)
    assert (schedule.family, schedule.title.casefold(), schedule.period) == (family, title, "last week")
    assert (schedule.rrule, schedule.time_zone) == ("FREQ=WEEKLY;BYDAY=MO", "Europe/Berlin")
    assert schedule.next_at == datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
    for said in ("Scheduled", "Every Monday 08:00, Europe/Berlin", "Runs as Ada Lovelace", schedule.reference):
        assert said in card.shown
    assert next_runs(card) == {
        "Mon, Nov 30, 2026, 08:00": "Nov 23–29, 2026",
        "Mon, Dec 7, 2026, 08:00": "Nov 30 – Dec 6, 2026",
        "Mon, Dec 14, 2026, 08:00": "Dec 7–13, 2026",
    }
    assert list(card.buttons) == ["Send a test now", "Change", "Pause", "Unschedule"]


def next_runs(heard: BotMessage) -> dict[str, str]:
    lines = heard.shown.splitlines()
    start = lines.index("Next runs, each with its period") + 1
    return dict(line.split(" · ") for line in lines[start : start + 3])


@pytest.mark.parametrize(
    ("words", "rrule", "period", "first"),
    [
        ("daily 7:00", "FREQ=DAILY", "yesterday", "2026-11-30T07:00"),
        ("every weekday 7:00", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "yesterday", "2026-11-30T07:00"),
        ("every Monday and Thursday 7:00", "FREQ=WEEKLY;BYDAY=MO,TH", "last 7 days", "2026-11-30T07:00"),
        ("every two weeks on Friday 7:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "last 14 days", "2026-12-04T07:00"),
        ("every month on the 1st 7:00", "FREQ=MONTHLY;BYMONTHDAY=1", "last month", "2026-12-01T07:00"),
        (
            "every month on the 31st 7:00",
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
            "last month",
            "2026-11-30T07:00",
        ),
        ("every first weekday 7:00", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", "last month", "2026-12-01T07:00"),
        (
            "on the last weekday of the month 7:00",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "last month",
            "2026-11-30T07:00",
        ),
        ("every 6 hours", "FREQ=HOURLY;INTERVAL=6", "today", "2026-11-29T18:00"),
        ("every hour", "FREQ=HOURLY", "today", "2026-11-29T17:00"),
    ],
)
def test_each_way_to_say_when_has_a_period_that_suits_it(
    stepped: SteppedBot, words: str, rrule: str, period: str, first: str
) -> None:
    says(stepped, f"schedule calling usage {words}")
    (schedule,) = stored(stepped)
    assert (schedule.rrule, schedule.period, schedule.time_zone) == (rrule, period, "UTC")
    assert f"{schedule.next_at:%Y-%m-%dT%H:%M}" == first


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        ("every weekday 7:00", "Friday and Saturday are in no report."),
        ("every Monday, Tuesday, Wednesday, Thursday, Friday and Sunday 7:00", "Friday is in no report."),
        ("every weekday 7:00 last 7 days", ""),
        ("daily 7:00", ""),
    ],
)
def test_the_days_that_are_in_no_report_are_said(stepped: SteppedBot, words: str, left_out: str) -> None:
    (card,) = says(stepped, f"schedule calling usage {words}")
    assert ("in no report" in card.shown) is bool(left_out)
    assert left_out in card.shown


def test_the_zone_is_the_persons_where_none_is_typed(stepped: SteppedBot) -> None:
    stepped.setup.ada.time_zone = "America/New_York"
    (card,) = says(stepped, "schedule calling usage every Monday 08:00")
    (schedule,) = stored(stepped)
    assert schedule.time_zone == "America/New_York"
    assert "Every Monday 08:00, America/New_York" in card.shown


def test_what_is_typed_besides_is_kept(stepped: SteppedBot) -> None:
    (card,) = says(
        stepped,
        "schedule calling usage every Monday 08:00 2026-05-01 to 2026-05-20 EU only if not blank named Weekly usage",
        space=stepped.setup.group,
    )
    (schedule,) = stored(stepped)
    assert (schedule.name, schedule.region, schedule.only_if) == ("Weekly usage", "EU", "not blank")
    assert schedule.period == "2026-05-01 to 2026-05-20"
    assert set(next_runs(card).values()) == {"May 1–20, 2026"}
    for said in ("Weekly usage", "Calling Usage · EU", "Each run is for the same days.", "Posted only if not blank."):
        assert said in card.shown


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("schedule calling usage 08:00", "How often should it run?"),
        ("schedule calling usage every week 08:00", "Which days of the week?"),
        ("schedule calling usage every month 08:00", "Which day of the month?"),
        ("schedule calling usage every 30 minutes 08:00", "an hour is the shortest interval"),
        ("schedule calling usage every 30 minutes", "an hour is the shortest interval"),
        ("schedule calling usage weekly", "Which days of the week?"),
        (
            "schedule calling usage every Monday 08:00 Europe/Atlantis",
            "“Europe/Atlantis” isn't a time zone that I know.",
        ),
        ("schedule calling usage every Monday 08:00 next week", "didn't understand “next week”"),
        ("schedule calling usage every Monday 08:00 only if blue", "only if"),
        ("schedule meeting details every month on the 1st 08:00 last 100 days", "covers at most 62 days"),
        ("schedule calling usage daily 08:00 today to 2027-01-31", "There's no data after"),
        ("schedule audio usage every Monday 08:00", "Which Webex site?"),
    ],
)
def test_what_is_missing_or_would_be_refused_is_asked_in_a_form(stepped: SteppedBot, text: str, complaint: str) -> None:
    (form,) = says(stepped, text)
    assert complaint in form.shown
    assert "Schedule" in form.buttons
    assert stored(stepped) == []


@pytest.mark.parametrize(
    "repeat", ["garbage", "FREQ", "A=B", "\0", "FREQ=SECONDLY;BYSETPOS=5", "FREQ=DAILY;BYMONTH=13"]
)
def test_what_no_client_offers_is_asked_again(stepped: SteppedBot, repeat: str) -> None:
    """Webex's API takes any text for a choice."""
    (form,) = says(stepped, "schedule calling usage")
    (again,) = presses(stepped, form, "Schedule", repeat=repeat)
    assert "I can't read when it should run." in again.shown or "too often" in again.shown
    assert "Schedule" in again.buttons
    assert stored(stepped) == []


def test_without_a_time_the_form_proposes_one(stepped: SteppedBot) -> None:
    (form,) = says(stepped, "schedule calling usage every Monday")
    assert stored(stepped) == []
    assert (form.fields["repeat"], form.fields["days"], form.fields["time"]) == ("FREQ=WEEKLY", "MO", "08:00")
    assert "?" not in form.shown
    presses(stepped, form, "Schedule")
    assert [one.dtstart for one in stored(stepped)] == ["2026-11-30T08:00:00"]


@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize(("family", "title"), FAMILIES.items())
def test_a_form_makes_it_too(stepped: SteppedBot, family: str, title: str, in_group: bool) -> None:
    space = stepped.setup.group if in_group else None
    (form,) = says(stepped, f"schedule {title}", space=space)
    assert form.fields["zone"] == "UTC"
    assert "?" not in form.shown, "nothing is complained of yet"
    (card,) = presses(
        stepped, form, "Schedule", repeat="FREQ=WEEKLY", days="MO,TH", time="07:30", zone="Berlin", period="yesterday",
        name="My usage", note="For the meeting", only_if="changed, more than 100 rows",
    )  # fmt: skip

    (schedule,) = stored(stepped)
    assert (schedule.family, schedule.rrule, schedule.time_zone) == (family, "FREQ=WEEKLY;BYDAY=MO,TH", "Europe/Berlin")
    assert (schedule.name, schedule.note) == ("My usage", "For the meeting")
    assert schedule.only_if == "changed, more than 100 rows"
    assert "every Monday and Thursday 07:30, Europe/Berlin" in card.shown
    assert "For the meeting" in card.shown
    assert form.message.deleted, "the answer takes its place"


def test_what_was_entered_stands_in_the_next_form(stepped: SteppedBot) -> None:
    (form,) = says(stepped, "schedule calling usage")
    (again,) = presses(stepped, form, "Schedule", repeat="FREQ=MONTHLY", date="31", time="x", zone="Nowhere", name="X")
    assert "At what time?" in again.shown
    assert "“Nowhere” isn't a time zone" in again.shown
    kept = {name: again.fields[name] for name in ("repeat", "date", "zone", "name")}
    assert kept == {"repeat": "FREQ=MONTHLY", "date": "31", "zone": "Nowhere", "name": "X"}


def test_words_that_fit_two_templates_are_asked_about_and_the_rest_is_kept(stepped: SteppedBot) -> None:
    (which,) = says(stepped, "schedule calling every Monday 08:00 Europe/Berlin last week")
    arguments = [one["data"]["argument"] for one in which.actions]
    assert arguments == [f"partner:{number} every Monday 08:00 Europe/Berlin last week" for number in (130, 131)]
    stepped.pressed(stepped.setup.ada, which.message, which.actions[0]["data"])
    stepped.work()
    (schedule,) = stored(stepped)
    assert (schedule.title, schedule.rrule, schedule.period) == ("Calling Usage", "FREQ=WEEKLY;BYDAY=MO", "last week")


def test_bare_it_asks_which_report(stepped: SteppedBot) -> None:
    (card,) = says(stepped, "schedule")
    (form,) = presses(stepped, card, "Continue", template="organization:2")
    assert "New schedule: Meeting Details" in form.shown


def test_a_guess_is_shown_before_it_is_set(stepped: SteppedBot) -> None:
    (form,) = says(stepped, "schedule calling usge every Monday 08:00 Europe/Berlin last week")
    assert stored(stepped) == []
    fields = {name: form.fields[name] for name in ("repeat", "days", "time", "zone", "period")}
    expected = {"repeat": "FREQ=WEEKLY", "days": "MO", "time": "08:00", "zone": "Europe/Berlin", "period": "last week"}
    assert fields == expected
    presses(stepped, form, "Schedule")
    assert len(stored(stepped)) == 1


@pytest.mark.parametrize("text", [TYPED, "schedule", "schedule change weekly", "unschedule weekly usage"])
@pytest.mark.parametrize("name", ["grace", "nora"])
@pytest.mark.parametrize("in_group", [False, True])
def test_only_who_may_run_reports_may_schedule_them(stepped: SteppedBot, text: str, name: str, in_group: bool) -> None:
    person = getattr(stepped.setup, name)
    heard = says(stepped, text, person, stepped.setup.group if in_group else None)
    assert stored(stepped) == []
    assert all(one.card is None for one in heard)
    assert heard


def test_in_a_space_with_outsiders_nothing_is_scheduled(stepped: SteppedBot) -> None:
    heard = says(stepped, TYPED, space=stepped.setup.outside)
    assert stored(stepped) == []
    assert [one for one in heard if "I didn't schedule anything" in one.words]
    assert all("Calling" not in one.words for one in heard)


def test_a_test_is_sent_now_and_its_times_stay(stepped: SteppedBot) -> None:
    (card,) = says(stepped, TYPED, space=stepped.setup.group)
    (schedule,) = stored(stepped)
    heard = presses(stepped, card, "Send a test now")
    assert [one for one in heard if "I'm running" in one.words]
    (run,) = all_runs(stepped)
    assert (run.why, run.start_date) == (Why.TEST, date(2026, 11, 16)), "last week, of today"
    assert stored(stepped) == [schedule]
    stepped.wait(61)
    assert [one for one in stepped.said(stepped.setup.group) if one.files and one.parent_id is None]
    presses(stepped, card, "Send a test now")
    assert len(all_runs(stepped)) == 2


def test_a_button_that_is_tapped_twice_runs_it_once(stepped: SteppedBot) -> None:
    (card,) = says(stepped, TYPED, space=stepped.setup.group)
    presses(stepped, card, "Send a test now")
    stepped.clock.turn(1)
    (said,) = presses(stepped, card, "Send a test now")
    assert "a moment ago" in said.words
    assert len(all_runs(stepped)) == 1


@pytest.mark.parametrize("words", ["{reference}", "weekly usage", "weekly"])
def test_run_runs_it_by_reference_or_name(stepped: SteppedBot, words: str) -> None:
    says(stepped, f"{TYPED} named Weekly usage", space=stepped.setup.group)
    (schedule,) = stored(stepped)
    heard = says(stepped, f"run {words.format(reference=schedule.reference)}", space=stepped.setup.group)
    assert [one for one in heard if "I'm running" in one.words]
    assert [one.why for one in all_runs(stepped)] == [Why.BY_HAND]


def test_run_asks_which_of_several_is_meant(stepped: SteppedBot) -> None:
    for number in (1, 2):
        says(stepped, f"{TYPED} named Weekly {number}", space=stepped.setup.group)
    (which,) = says(stepped, "run weekly", space=stepped.setup.group)
    assert all_runs(stepped) == []
    stepped.pressed(stepped.setup.ada, which.message, which.actions[1]["data"])
    stepped.work()
    assert [one.schedule_id for one in all_runs(stepped)] == [stored(stepped)[1].id]


def test_a_paused_one_can_be_resumed_changed_and_run_by_hand(stepped: SteppedBot) -> None:
    says(stepped, f"{TYPED} named Weekly usage", space=stepped.setup.group)
    says(stepped, "pause weekly usage", space=stepped.setup.group)
    (card,) = says(stepped, "schedules weekly usage", space=stepped.setup.group)
    assert list(card.buttons) == ["Resume", "History", "Change", "Unschedule"]
    assert "Paused" in card.shown
    (form,) = presses(stepped, card, "Change")
    presses(stepped, form, "Save", time="10:00")
    stepped.wait(2 * 86400.0)
    assert all_runs(stepped) == [], "changed, and still paused"
    presses(stepped, card, "Resume")
    (schedule,) = stored(stepped)
    assert schedule.next_at == datetime(2026, 12, 7, 9, 0, tzinfo=UTC)


def test_run_with_a_title_is_still_new(stepped: SteppedBot) -> None:
    says(stepped, TYPED, space=stepped.setup.group)
    says(stepped, "run calling usage 2026-05-01 to 2026-05-20", space=stepped.setup.group)
    assert [one.schedule_id for one in all_runs(stepped)] == [None]


@pytest.mark.parametrize("by", ["typed", "pressed"])
def test_a_schedule_is_changed_by_a_form_that_has_all_of_it(stepped: SteppedBot, by: str) -> None:
    (card,) = says(stepped, f"{TYPED} EU only if changed named Weekly usage", space=stepped.setup.group)
    if by == "pressed":
        (form,) = presses(stepped, card, "Change")
    else:
        (form,) = says(stepped, "schedule change weekly usage", space=stepped.setup.group)
    assert form.fields == {
        "repeat": "FREQ=WEEKLY", "days": "MO", "date": "1", "time": "08:00", "zone": "Europe/Berlin",
        "period": "last week", "region": "EU", "name": "Weekly usage", "note": "", "only_if": "changed",
    }  # fmt: skip
    (changed,) = presses(
        stepped, form, "Save", repeat="FREQ=DAILY", time="09:15", period="yesterday", name="", note="N"
    )
    (schedule,) = stored(stepped)
    assert "Changed" in changed.shown
    assert (schedule.rrule, schedule.name, schedule.note, schedule.region) == ("FREQ=DAILY", None, "N", "EU")
    assert schedule.next_at == datetime(2026, 11, 30, 8, 15, tzinfo=UTC)


def test_a_full_administrator_changes_one_of_another_space_directly(stepped: SteppedBot) -> None:
    olga = stepped.world.add_person("Olga Owner", stepped.setup.acme, roles=ADMIN_OF_BOTH)
    stepped.world.join(stepped.setup.group, olga)
    says(stepped, f"{TYPED} named Secret merger", olga, stepped.setup.group)
    (schedule,) = stored(stepped)
    elsewhere = stepped.world.add_space("Elsewhere", [stepped.setup.ada, stepped.setup.nora, stepped.setup.bot])
    heard = says(stepped, f"schedule change {schedule.reference} every day 9:30", space=elsewhere)
    notice, form = sorted(heard, key=lambda one: one.message.room_id != elsewhere.id)
    assert notice.words == "That's from another space, so I've replied to you directly."
    presses(stepped, form, "Save")
    assert (stored(stepped)[0].rrule, stored(stepped)[0].room_id) == ("FREQ=DAILY", stepped.setup.group.id)
    assert [one.text for one in stepped.said(elsewhere)] == [notice.message.text]


@pytest.mark.parametrize("name", ["weekly usage", "{reference}"])
def test_what_is_typed_behind_its_name_stands_in_the_form(stepped: SteppedBot, name: str) -> None:
    says(stepped, f"{TYPED} EU named Weekly usage", space=stepped.setup.group)
    (schedule,) = stored(stepped)
    named = name.format(reference=schedule.reference)
    (form,) = says(stepped, f"schedule change {named} every weekday 9:30 last 7 days", space=stepped.setup.group)
    changed = {"repeat": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "time": "09:30", "period": "last 7 days"}
    kept = {"zone": "Europe/Berlin", "region": "EU", "name": "Weekly usage", "days": ""}
    assert form.fields.items() >= (changed | kept).items()
    assert "Change a schedule: Weekly usage" in form.shown
    assert f"`schedule change {schedule.reference} every Monday 08:00 last week`" in (form.message.markdown or "")
    (wrong,) = says(stepped, f"schedule change {named} every blue moon", space=stepped.setup.group)
    assert "I didn't understand “every blue moon”." in wrong.shown
    assert stored(stepped) == [schedule]
    presses(stepped, form, "Save")
    assert stored(stepped)[0].period == "last 7 days"


def test_the_same_schedule_again_is_made_and_said_to_be_there(stepped: SteppedBot) -> None:
    (first,) = says(stepped, TYPED, space=stepped.setup.group)
    assert "same times" not in first.shown
    (before,) = stored(stepped)
    (again,) = says(stepped, TYPED, space=stepped.setup.group)
    assert f"Calling Usage ({before.reference}) runs the same report at the same times." in again.shown
    (elsewhere,) = says(stepped, TYPED)
    assert "same times" not in elsewhere.shown


def test_a_whole_name_wins_and_which_one_tells_the_times(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    for text in (
        TYPED,
        "schedule calling usage every day 9:00",
        f"{TYPED} named Usage",
        f"{TYPED} named Usage in Asia",
    ):
        says(stepped, text, space=space)
    (near,) = says(stepped, "unschedule usge in asia", space=space)
    assert "Nothing here is called “usge in asia”. Did you mean this?" in near.shown
    assert list(near.buttons) == ["Unschedule"]
    assert len(stored(stepped)) == 4
    says(stepped, "unschedule usage", space=space)
    assert [one.name for one in stored(stepped)] == [None, None, "Usage in Asia"]
    (which,) = says(stepped, "schedule change calling usage", space=space)
    assert "2 are called “calling usage”. Which one?" in which.shown
    assert "Schedule · every day 09:00, UTC · " in which.shown


def test_without_a_name_only_what_fits_is_offered(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    for name in ("One", "Two"):
        says(stepped, f"{TYPED} named {name}", space=space)
    assert [one.words for one in says(stepped, "resume", space=space)] == ["Nothing here is paused."]
    assert [one.words for one in says(stepped, "takeover", space=space)] == ["Nothing here needs another owner."]
    says(stepped, "pause one", space=space)
    (which,) = says(stepped, "pause", space=space)
    assert ("Two" in which.shown, "One" in which.shown) == (True, False)


def test_a_rule_that_the_form_cannot_make_stays_as_it_is(stepped: SteppedBot) -> None:
    (card,) = says(stepped, "schedule calling usage on the third Tuesday of the month 08:00", space=stepped.setup.group)
    (form,) = presses(stepped, card, "Change")
    assert form.fields["repeat"] == "FREQ=MONTHLY;BYDAY=3TU"
    presses(stepped, form, "Save", time="10:00")
    (schedule,) = stored(stepped)
    assert (schedule.rrule, schedule.dtstart) == ("FREQ=MONTHLY;BYDAY=3TU", "2026-12-15T10:00:00")


def test_a_reader_may_not_change_test_or_end_it(stepped: SteppedBot) -> None:
    (card,) = says(stepped, TYPED, space=stepped.setup.group)
    before = stored(stepped)
    for button in ("Send a test now", "Change", "Unschedule"):
        heard = presses(stepped, card, button, stepped.setup.grace)
        assert heard
        assert all(one.message.room_id != stepped.setup.group.id for one in heard), "told directly"
    assert stored(stepped) == before
    assert all_runs(stepped) == []


def test_it_is_unscheduled_and_can_be_had_again(stepped: SteppedBot) -> None:
    says(stepped, f"{TYPED} EU only if not blank named Weekly usage", space=stepped.setup.group)
    (before,) = stored(stepped)
    (said,) = says(stepped, "unschedule weekly usage", space=stepped.setup.group)
    assert "won't run anymore" in said.words
    assert stored(stepped) == []
    stepped.wait(2 * 86400.0)
    assert all_runs(stepped) == []
    presses(stepped, said, "Schedule it again")
    (again,) = stored(stepped)
    for name in ("family", "template_id", "rrule", "time_zone", "period", "region", "only_if", "name"):
        assert getattr(again, name) == getattr(before, name), name


def test_a_second_press_makes_no_second_schedule(stepped: SteppedBot) -> None:
    says(stepped, f"{TYPED} named Weekly usage", space=stepped.setup.group)
    (said,) = says(stepped, "unschedule weekly usage", space=stepped.setup.group)
    (made,) = presses(stepped, said, "Schedule it again")
    (again,) = presses(stepped, said, "Schedule it again")

    assert "Scheduled Weekly usage" in made.words
    assert "Already scheduled Weekly usage" in again.words
    assert len(stored(stepped)) == 1


def test_a_form_that_is_pressed_twice_makes_one_schedule(stepped: SteppedBot) -> None:
    (form,) = says(stepped, "schedule calling usage every Monday", space=stepped.setup.group)
    stepped.pressed(stepped.setup.ada, form.message, form.buttons["Schedule"] | form.fields)
    stepped.pressed(stepped.setup.ada, form.message, form.buttons["Schedule"] | form.fields)
    stepped.work()

    assert len(stored(stepped)) == 1


def test_unschedule_alone_asks_which(stepped: SteppedBot) -> None:
    says(stepped, TYPED, space=stepped.setup.group)
    (which,) = says(stepped, "unschedule", space=stepped.setup.group)
    assert len(stored(stepped)) == 1
    presses(stepped, which, "Unschedule")
    assert stored(stepped) == []


def test_the_list_is_of_this_space_and_directly_of_the_person(stepped: SteppedBot) -> None:
    setup = stepped.setup
    says(stepped, f"{TYPED} named In the group", space=setup.group)
    says(stepped, f"{TYPED} named Mine alone")
    (here,) = says(stepped, "schedules", setup.grace, setup.group)
    assert "In the group" in here.shown
    assert "Mine alone" not in here.shown
    (mine,) = says(stepped, "schedules")
    assert "In the group" in mine.shown
    assert "Mine alone" in mine.shown
    assert "in **Admin reports**" in mine.shown
    (none,) = says(stepped, "schedules", setup.grace)
    assert "You have no schedules" in none.words
    (shown,) = presses(stepped, here, "Show", setup.grace)
    assert "Every Monday 08:00, Europe/Berlin" in shown.shown.replace("every", "Every")


@pytest.mark.parametrize(("name", "sees"), [("ada", True), ("grace", False), ("nora", False)])
def test_those_of_all_spaces_are_for_full_administrators_and_directly(
    stepped: SteppedBot, name: str, sees: bool
) -> None:
    says(stepped, f"{TYPED} named In the group", space=stepped.setup.group)
    heard = says(stepped, "schedules all", getattr(stepped.setup, name), stepped.setup.group)
    shown = [one for one in heard if "In the group" in one.shown]
    assert bool(shown) is sees
    assert all(one.message.room_id != stepped.setup.group.id for one in shown)
    assert bool([one for one in heard if "see the schedules of all spaces" in one.words]) is not sees


def test_a_long_list_has_pages(stepped: SteppedBot) -> None:
    for number in range(10):
        says(stepped, f"{TYPED} named Number {number}", space=stepped.setup.group)
    (first,) = says(stepped, "schedules", space=stepped.setup.group)
    assert "Number 7" in first.shown
    assert "Number 8" not in first.shown
    (second,) = presses(stepped, first, "More")
    assert "Number 9" in second.shown


def test_the_audit_has_each_act(stepped: SteppedBot) -> None:
    group = stepped.setup.group
    (card,) = says(stepped, f"{TYPED} named Weekly usage", space=group)
    presses(stepped, card, "Send a test now")
    (form,) = presses(stepped, card, "Change")
    presses(stepped, form, "Save", time="10:00")
    stepped.wait(60)
    says(stepped, "run weekly usage", space=group)
    says(stepped, "unschedule weekly usage", stepped.setup.grace, group)
    says(stepped, "unschedule weekly usage", space=group)

    (schedule,) = everything_stored(stepped)
    columns = tables.audit.c
    with stepped.database.read() as tx:
        rows = tx.execute(select(columns.channel, columns.act, columns.outcome, columns.reference).order_by(columns.id))
        acts = [(row.channel, row.act, row.outcome, row.reference == schedule.reference) for row in rows]
    assert [one for one in acts if one[0] in {"chat", "button"}] == [
        ("chat", "schedule", "asked", True),
        ("button", "schedule", "asked", False),  # the run's own reference
        ("button", "schedule", "allowed", True),
        ("button", "schedule", "allowed", True),
        ("chat", "run", "asked", False),
        ("chat", "unschedule", "refused:read_only", False),  # the refusal's
        ("chat", "unschedule", "allowed", True),
    ]


def everything_stored(stepped: SteppedBot) -> list[Schedule]:
    with stepped.database.read() as tx:
        return [Schedule.read(row) for row in tx.execute(select(tables.schedules))]


FAR = "schedule calling usage every month on the 25th 08:00"


@pytest.mark.threads_listed
@pytest.mark.parametrize("text", [FAR, "unschedule weekly usage", "run weekly usage"])
def test_wherever_it_is_killed_it_is_done_once_and_said_once(stepped: SteppedBot, text: str) -> None:
    group = stepped.setup.group
    for number in count(1):
        if text != FAR:
            says(stepped, f"{FAR} named Weekly usage", space=group)
        stepped.clock.turn(3600.0)
        before = (
            len(stored(stepped)),
            len(all_runs(stepped)),
            len([one for one in stepped.said(group) if not one.files]),
        )
        stepped.receive(stepped.setup.ada, text, group)
        stepped.points.passed, stepped.points.deadly = 0, number
        killed = False
        try:
            stepped.work(until="create")
        except Crash:
            killed = True
        stepped.points.deadly = None
        if killed:
            stepped.restart()
        for _ in range(3):
            stepped.wait(61)
        after = (
            len(stored(stepped)),
            len(all_runs(stepped)),
            len([one for one in stepped.said(group) if not one.files]),
        )
        change = tuple(now - then for now, then in zip(after, before, strict=True))
        expected = {FAR: (1, 0, 1), "unschedule weekly usage": (-1, 0, 1), "run weekly usage": (0, 1, 1)}[text]
        assert change == expected, (f"at point {number}", [one.text for one in stepped.said(group)[-3:]])
        if text == "run weekly usage":
            says(stepped, "unschedule weekly usage", space=group)
        stepped.clock.time += timedelta(hours=1)
        if not killed:
            break
    assert number > 3


def test_every_quarter_is_the_first_day_of_each_for_the_quarter_before(stepped: SteppedBot) -> None:
    stepped.world.add_template(Template(132, "partner", "Whole Year", "Teams", max_days=366))
    (heard,) = says(stepped, "schedule whole year every quarter 8:00 Europe/Berlin")
    assert "Every quarter 08:00, Europe/Berlin" in heard.shown
    assert "Fri, Jan 1, 2027, 08:00, for Oct 1 – Dec 31, 2026" in heard.words
    assert "Thu, Apr 1, 2027, 08:00, for Jan 1 – Mar 31, 2027" in heard.words


def test_every_quarter_of_a_template_that_takes_two_months_is_for_the_last_month(stepped: SteppedBot) -> None:
    (heard,) = says(stepped, "schedule meeting details quarterly 08:00 Europe/Berlin")
    assert "Fri, Jan 1, 2027, 08:00, for Dec 1–31, 2026" in heard.words
