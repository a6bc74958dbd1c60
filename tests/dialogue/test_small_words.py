"""Small words around what is meant: people in a hurry write them, and they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


@pytest.mark.parametrize(
    "text",
    [
        "is the calling usage report ready yet",
        'report "calling usage" please asap!!',
        "can u give me the calling usage report pls",
        "kindly send ur calling usage report, it's urgent, thx",
    ],
)
def test_a_report_is_found_among_them(live: LiveBot, text: str) -> None:
    live.partner_report("Calling Usage")
    live.partner_report("License Consumption")

    assert live.at(live.ada, live.group).says(text).file().content == CSV


@pytest.mark.parametrize("text", ["report calling usage, license consumption", "calling usage and license consumption"])
def test_two_titles_are_a_choice(live: LiveBot, text: str) -> None:
    for title in ("Calling Usage", "Calling Usage", "License Consumption", "Meeting Details"):
        live.partner_report(title)

    shown = live.at(live.ada).says(text).card().shown

    assert shown.startswith("Which report?\n3 reports fit ")
    assert "License Consumption" in shown
    assert "Meeting Details" not in shown


def test_who_may_see_them_is_a_question_for_help(live: LiveBot) -> None:
    said = live.at(live.ada, live.group).says("who else can see these reports?").card()

    assert "Everyone here sees the cards and the files." in said.shown


@pytest.mark.parametrize("text", ["cancel everything", "cancel all of them", "cancel all"])
def test_everything_is_all(live: LiveBot, text: str) -> None:
    for title in ("Calling Usage", "License Consumption"):
        live.partner_report(title, status="waiting")
    ada = live.at(live.ada)
    for title in ("calling usage", "license consumption"):
        ada.says(f"report {title}").card()

    assert "I found no request" not in ada.says(text).card().shown


def test_a_question_about_the_report_of_a_thread_names_no_request(live: LiveBot) -> None:
    live.partner_report("Calling Usage")
    ada = live.at(live.ada)
    line = ada.says("report calling usage")
    line.file()

    assert "Calling Usage" in ada.says("why is it so big??", parent_id=line.message.id).hears("35 bytes posted").words
