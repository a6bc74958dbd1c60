"""``run again`` and ``last``: the same report for the same place, and never for another one unsaid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import Template
from bot.webex import catalog

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

CALLING = Template(130, "partner", "Calling Usage", "Teams")
HISTORY = Template(500, "organization", "Calling Detailed Call History", "Calling")
AUDIO = Template(20, "organization", "Audio Usage", "Meetings", needs_sites=True)
ACTIVATION = Template(400, "organization", "User Activation", "Teams", takes_dates=False)
AUGUST = {"start": "2026-08-01", "end": "2026-08-31"}
FORM = "with a period, for example"
"""What the text beside a form says."""


@pytest.fixture(autouse=True)
def templates(live: LiveBot) -> None:
    for template in (CALLING, HISTORY, AUDIO, ACTIVATION):
        live.emulator.world.add_template(template)


def places(live: LiveBot) -> list[tuple[str, str]]:
    """Return region and sites of what Webex has, oldest first."""
    return [(one.region, one.site_list) for one in live.emulator.world.reports.values()]


@pytest.mark.parametrize("words", ["last", "run again {}"])
def test_it_names_the_region_and_another_period_keeps_it(live: LiveBot, words: str) -> None:
    ada = live.at(live.ada)
    ada.says("new calling usage 2026-08-01 to 2026-08-31 UK").card()
    (report,) = live.emulator.world.reports.values()

    line = ada.says(words.format(report.id))
    card = line.hears("Run Calling Usage for region UK again?")
    assert "Run Calling Usage for region UK again?" in card.shown
    ada.presses(card, "Another period…")
    form = line.hears(FORM)
    assert form.fields["region"] == "UK"
    ada.presses(form, "Run", {"start": "2026-07-01", "end": "2026-07-31"})
    line.hears("I'll post the file here")

    assert places(live) == [("UK", ""), ("UK", "")]


def test_the_home_region_is_not_named(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", template_id=130, **AUGUST)
    ada = live.at(live.ada)
    line = ada.says(f"run again {report.id}")

    ada.presses(line.hears("Run Calling Usage again?"), "Another period…")

    assert line.hears(FORM).fields["region"] == "home"


def test_it_names_the_sites_and_another_period_keeps_them(live: LiveBot) -> None:
    ada = live.at(live.ada)
    ada.says("new audio usage 2026-08-01 to 2026-08-31 acme.webex.com").card()

    line = ada.says("last")
    ada.presses(line.hears("Run Audio Usage for acme.webex.com again?"), "Another period…")

    assert line.hears(FORM).fields["sites"] == "acme.webex.com"


def test_a_report_without_a_period_has_no_other_period(live: LiveBot) -> None:
    ada = live.at(live.ada)
    ada.says("new user activation").card()

    assert set(ada.says("last").card().buttons) == {"Run"}


@pytest.mark.parametrize("status", ["failed", "done"])
def test_without_a_template_of_its_title_the_nearest_is_offered_for_its_period(live: LiveBot, status: str) -> None:
    report = live.organization_report("Detailed Call History", status=status, **AUGUST)
    ada = live.at(live.ada)
    line = ada.says(f"run again {report.id}")

    card = line.card()
    assert "I couldn't find a template “Detailed Call History”." in card.shown
    assert "User Activation" not in card.shown
    ada.presses(card, "Run…")
    line.hears("I'll post the file here")

    made = list(live.emulator.world.reports.values())[-1]
    assert (made.title, made.start, made.end) == ("Calling Detailed Call History", *AUGUST.values())


@pytest.mark.parametrize(
    "words", ["run again {}", "new zebra 2026-08-01 to 2026-08-31 EU", "report zebra 2026-08-01 to 2026-08-31 EU"]
)
def test_where_none_is_near_none_is_chosen_and_the_rest_is_kept(live: LiveBot, words: str) -> None:
    report = live.partner_report("Quokka", template_id=999, region="EU", **AUGUST)
    ada = live.at(live.ada)
    line = ada.says(words.format(report.id))

    card = line.card()
    if words.startswith("report"):
        ada.presses(card, "Run a report")
        card = line.hears("Which report do you want to run?")
    assert card.fields == {"template": ""}
    ada.presses(card, "Continue", {"template": "partner:130"})
    line.hears("I'll post the file here")

    made = list(live.emulator.world.reports.values())[-1]
    assert (made.title, made.start, made.end, made.region) == ("Calling Usage", *AUGUST.values(), "EU")


@pytest.mark.parametrize("typed", ["new zebra last month", "schedule zebra"])
def test_continue_without_a_choice_asks_for_one_and_the_card_stays(live: LiveBot, typed: str) -> None:
    ada = live.at(live.ada, live.group)
    line = ada.says(typed)
    card = line.card()

    ada.presses(card, "Continue")

    live.at(live.ada).hears_privately("Choose a report first, on the card “Which report")
    assert len(line.answers()) == 1
    assert not card.message.deleted


def test_the_last_report_whose_template_is_gone_is_offered_by_the_nearest(
    live: LiveBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "TEMPLATES_FRESH", timedelta(0))
    ada = live.at(live.ada)
    ada.says("new calling usage 2026-08-01 to 2026-08-31 EU").card()
    live.emulator.world.templates.remove(CALLING)
    live.emulator.world.add_template(Template(131, "partner", "Usage of Calling", "Teams"))

    card = ada.says("last").card()

    assert card.buttons["Run…"]["argument"] == "partner:131 2026-08-01 to 2026-08-31 EU"


@pytest.mark.parametrize("status", ["done", "failed"])
@pytest.mark.parametrize("text", ["run it again for 2026-07-01 to 2026-07-31", "run again 2026-07-01 to 2026-07-31"])
def test_in_a_thread_it_is_offered_for_the_period_that_is_said(live: LiveBot, text: str, status: str) -> None:
    live.partner_report("Calling Usage", template_id=130, status=status, **AUGUST)
    ada = live.at(live.ada)
    line = ada.says("report calling usage")
    line.card()

    ada.says(text, parent_id=line.message.id)
    if status == "done":
        ada.presses(line.hears("Run Calling Usage again?"), "Run for Jul 1–31, 2026")
    live.emulator.world.wait_for(lambda world: len(world.reports) > 1)

    made = list(live.emulator.world.reports.values())[-1]
    assert (made.title, made.start, made.end) == ("Calling Usage", "2026-07-01", "2026-07-31")


@pytest.mark.parametrize("text", ["rerun", "same but for yesterday pls", "and the one from last week?"])
def test_other_words_for_it_come_back_with_a_button(live: LiveBot, text: str) -> None:
    live.partner_report("Calling Usage", template_id=130, **AUGUST)
    ada = live.at(live.ada)
    line = ada.says("report calling usage")
    line.file()

    card = ada.says(text, parent_id=line.message.id).hears("Did you mean")
    (button,) = (title for title in card.buttons if title.startswith("run again"))
    ada.presses(card, button)

    line.hears("Run Calling Usage again?")


def test_in_a_thread_it_is_scheduled(live: LiveBot) -> None:
    live.partner_report("Calling Usage", template_id=130, **AUGUST)
    ada = live.at(live.ada)
    line = ada.says("report calling usage")
    line.file()

    ada.says("schedule it every Monday 8:00", parent_id=line.message.id)

    line.hears("Calling Usage: Every Monday 08:00, UTC.")
