"""Buttons do what the typed words do, and ask policy of the presser."""

from __future__ import annotations

import pytest

from bot.db.requests import State
from tests.live_bot import CSV, LiveBot


def test_refresh_replaces_the_card(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    old = line.card()
    live.emulator.world.set_report(report.id, status="In progress")

    ada.presses(old, "Refresh")

    live.emulator.world.wait_for(lambda _: old.message.deleted)
    assert "● In progress" in line.card().shown


@pytest.mark.parametrize("place", ["1:1", "group"])
def test_refresh_in_another_thread_shows_the_own_request_there(live: LiveBot, place: str) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group if place == "group" else None)
    line = ada.says(f"report {report.id}")
    first = line.card()
    live.on_record(report.id, State.OPEN)

    here = ada.says("refresh")
    card = here.card()
    assert "● In progress\nI'll post the file here as soon as it's ready. I'll stop waiting on " in card.shown
    assert ", next check within 0.1 s" in card.shown
    assert f"Reference {first.buttons['Why?']['argument']}" in card.words
    assert list(card.buttons) == ["Refresh", "Cancel", "Why?"]

    ada.presses(card, "Refresh")
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    again = here.card()
    assert again.buttons == card.buttons
    assert [one.message.id for one in line.answers()] == [first.message.id], "the card of the request stays"

    ada.presses(again, "Cancel")
    here.hears("Canceled. I won't post this report here.")
    assert "● Canceled" in line.hears("Canceled").shown


def test_refresh_shows_nobody_the_request_of_somebody_else(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    live.at(live.ada, live.group).says(f"report {report.id}").card()
    live.on_record(report.id, State.OPEN)

    card = live.at(live.grace, live.group).says(f"refresh {report.id}").card()

    assert "Someone here already asked for this report." in card.shown
    assert "Reference" not in card.words


def test_cancel_ends_the_wait(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")

    ada.presses(line.card(), "Cancel")

    card = line.hears("Canceled")
    assert "● Canceled\nI won't post this report here." in card.shown
    assert set(card.buttons) == {"Ask again", "Why?"}
    live.emulator.world.set_report(report.id, status="done")
    assert "Nobody is waiting" in ada.says(f"cancel {report.id}").answer().words
    # The card is the whole answer: the one before it goes a moment after this one came.
    live.emulator.world.wait_for(lambda _: [heard.message.id for heard in line.answers()] == [card.message.id])


def test_send_again_sends_the_file_without_another_card(live: LiveBot) -> None:
    report = live.partner_report()
    ada = live.at(live.ada)
    line = ada.says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)

    ada.presses(line.card(), "Send again")

    heard = line.answers(3)
    assert [one.card is not None for one in heard] == [True, False, False]
    assert [one.content for one in heard if one.file] == [CSV, CSV]


def test_notify_me_makes_the_card_that_of_a_request(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"refresh {report.id}")
    card = line.card()
    assert "You're not waiting for this report." in card.shown

    ada.presses(card, "Notify me when it's ready")

    waiting = line.hears("I'll post the file here as soon as it's ready.")
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert [heard.message.id for heard in line.answers()] == [waiting.message.id]
    live.emulator.world.set_report(report.id, status="done")
    assert line.file().content == CSV


def test_again_for_a_report_that_has_to_be_waited_for_says_so(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    line = live.at(live.ada).says(f"again {report.id}")

    assert "I'll post the file here as soon as it's ready." in line.card().shown

    live.emulator.world.set_report(report.id, status="done")
    assert line.file().content == CSV
    assert "● Ready" in line.card().shown


def test_a_refresh_after_the_file_says_that_it_was_posted(live: LiveBot) -> None:
    report = live.partner_report()
    ada = live.at(live.ada)
    line = ada.says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)

    ada.presses(line.card(), "Refresh")

    assert "● Ready\nI've posted the file already." in line.hears("already").shown


def test_a_button_of_the_list_gets_the_report(live: LiveBot) -> None:
    live.partner_report("Old", created=1_700_000_000.0)
    live.organization_report("New", created=1_760_000_000.0)
    ada = live.at(live.ada)
    listed = ada.says("reports").card()
    assert listed.shown.index("New") < listed.shown.index("Old"), "newest first"

    line = ada.presses(listed, "Get")

    assert line.file().content == CSV


def test_somebody_else_who_presses_is_asked_for_by_policy(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    card = line.card()

    nora = live.at(live.nora, live.group)
    nora.presses(card, "Cancel")

    assert "Only Webex administrators can get this report." in nora.hears_privately("administrators").words
    assert not [heard for heard in line.answers() if "administrators" in heard.words], "not before the others"
    live.emulator.world.set_report(report.id, status="done")
    line.file()
