"""A refusal is about what was wanted, and names the role that it needs; roles are told to the person alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import FULL_ADMIN, PARTNER_READONLY_ADMIN, READONLY_ADMIN

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.live_bot import LiveBot

ORGANIZATION = "Running and deleting organization reports needs the role Full Administrator."
PARTNER = "Running and deleting partner reports needs the role Partner Full Administrator."


def reader(live: LiveBot) -> Person:
    """Return somebody in the group space who may only read, and only organization reports."""
    person = live.emulator.world.add_person("Hedy Only", live.acme, roles=[READONLY_ADMIN])
    live.emulator.world.join(live.group, person)
    return person


@pytest.mark.parametrize("words", ["new", "run again", "run calling usage", "delete calling usage"])
@pytest.mark.parametrize("role", [READONLY_ADMIN, PARTNER_READONLY_ADMIN], ids=["organization", "partner"])
def test_who_may_only_read_is_told_which_role_runs_and_deletes_each_report(
    live: LiveBot, words: str, role: str
) -> None:
    person = live.emulator.world.add_person("Hedy Only", live.acme, roles=[role])

    said = live.at(person).says(words).answer().words

    assert said.startswith("Read-only administrators can't do this. Ask a full administrator. You are: ")
    assert PARTNER in said
    assert ORGANIZATION in said
    for missing in ("ALLOWED_", "reports are for"):
        assert missing not in said


@pytest.mark.parametrize(("words", "button"), [("report", "Run again"), ("delete", "Delete")])
def test_a_press_on_the_card_of_another_family_names_the_role_that_it_needs(
    live: LiveBot, words: str, button: str
) -> None:
    report = live.partner_report("Secret Figures", status="failed")
    card = live.at(live.ada, live.group).says(f"{words} {report.id}").card()
    hedy = live.at(reader(live), live.group)

    hedy.presses(card, button)

    assert PARTNER in hedy.hears_privately("Read-only administrators can't do this.").words


def test_the_family_of_the_report_decides_which_role_is_named(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage")
    mary = live.emulator.world.add_person("Mary Both", live.acme, roles=[FULL_ADMIN, PARTNER_READONLY_ADMIN])

    said = live.at(mary).says(f"delete {report.id}").answer().words

    assert "Ask a partner full administrator." in said
    assert PARTNER in said
    assert "organization reports" not in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("reports", "Only Webex administrators can get reports."),
        ("templates", "Only Webex administrators can get reports."),
        ("settings", "Only Webex administrators can get reports."),
        ("new", "Only Webex administrators can run or delete reports."),
        ("run calling usage last week", "Only Webex administrators can run or delete reports."),
        ("delete calling usage", "Only Webex administrators can run or delete reports."),
        ("report calling usage", "Only Webex administrators can get this report."),
    ],
)
def test_somebody_without_a_role_is_refused_what_they_wanted(live: LiveBot, words: str, sentence: str) -> None:
    said = live.at(live.nora).says(words).answer().words

    assert said.startswith(sentence)
    assert ("Read-only" in said) == ("can get" in sentence)


def test_who_may_not_change_a_space_s_settings_is_told_who_may(live: LiveBot) -> None:
    hedy = reader(live)
    said = live.at(hedy, live.group).says("settings xlsx").answer().words
    assert said.startswith("Read-only administrators can't do this. Ask a full administrator.")

    directly = live.at(hedy).hears_privately("Read-only administrators").words
    assert "Changing the settings of a space needs the role Full Administrator." in directly
    for missing in ("ALLOWED_", "organization reports", "partner reports"):
        assert missing not in directly


@pytest.mark.parametrize("button", ["Mute for a week", "Unsubscribe"])
def test_a_refused_press_on_another_s_subscription_is_told_who_may_change_it(live: LiveBot, button: str) -> None:
    live.organization_report("Meeting Details")
    card = live.at(live.ada, live.group).says("subscribe meeting details organization").card()
    hedy = live.at(reader(live), live.group)

    hedy.presses(card, button)

    said = hedy.hears_privately("Read-only administrators can't do this. Ask a full administrator.").words
    what = "Muting, changing and ending other people's subscriptions and schedules needs the role Full Administrator."
    assert what in said
    assert "Running and deleting" not in said


def test_a_list_in_a_group_names_no_role_and_says_what_is_not_in_it(live: LiveBot) -> None:
    hedy = reader(live)
    live.organization_report("Meeting Details")
    for words in ("reports", "templates", "report nothing like it"):
        shown = live.at(hedy, live.group).says(words).card().shown
        assert "I didn't look for partner reports." in shown
        assert "Administrator" not in shown


def test_a_refused_press_is_answered_with_what_was_pressed_and_where(live: LiveBot) -> None:
    report = live.partner_report("Secret Figures", status="waiting")
    card = live.at(live.ada, live.group).says(f"report {report.id}").card()

    live.at(live.nora, live.group).presses(card, "Refresh")

    said = live.at(live.nora).hears_privately("Only Webex administrators").words
    assert f"You pressed a button for refresh in {live.group.title}." in said.replace("*", "").replace("`", "")
    assert "Secret" not in said
