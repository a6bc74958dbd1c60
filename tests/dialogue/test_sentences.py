"""Messages without a command: politeness, words mistyped, and wishes in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

PLACES = pytest.mark.parametrize("place", ["1:1", "group"])
BOTH = pytest.mark.parametrize("family", ["partner", "organization"])


def made(live: LiveBot, family: str, title: str = "Calling Usage"):
    return (live.partner_report if family == "partner" else live.organization_report)(title)


@PLACES
@pytest.mark.parametrize("who", ["ada", "grace", "nora"])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("hi", "Hello! I get Webex reports and post their files."),
        ("good morning", "Hello! I get Webex reports and post their files."),
        ("thanks!", "You're welcome!"),
        ("ok", "Okay."),
        ("\N{THUMBS UP SIGN}", "Okay."),
    ],
)
def test_politeness_gets_two_lines_and_no_card(
    stepped: SteppedBot, text: str, answer: str, who: str, place: str
) -> None:
    stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    person = getattr(stepped.setup, who)
    space = stepped.setup.group if place == "group" else None
    stepped.emulator.calls.clear()
    stepped.receive(person, text, space)
    stepped.work()

    said = stepped.said(space, person=None if space else person)[-1]
    assert (said.markdown or "").split("  \n") == [answer, "Type `reports` to see what there is, or `help`."]
    assert said.card is None
    assert [call.method for call in stepped.emulator.calls] == ["GET", "POST"], "the message is read, and answered"


@PLACES
@BOTH
@pytest.mark.parametrize("who", ["ada", "grace"])
def test_a_sentence_that_names_a_report_gets_it(live: LiveBot, family: str, place: str, who: str) -> None:
    report = made(live, family)
    made(live, family, "Calling Usage by User")
    person = getattr(live, who)

    line = live.at(person, live.group if place == "group" else None).says("please send me the calling usage report")

    assert line.file().content == CSV
    live.on_record(report.id, State.DELIVERED)


@PLACES
@pytest.mark.parametrize("text", ["Calling Usage report", "the calling usage report", "usage report, please"])
def test_a_title_before_the_word_is_read_too(live: LiveBot, text: str, place: str) -> None:
    live.partner_report("Calling Usage")
    live.partner_report("Meeting Details")

    assert live.at(live.ada, live.group if place == "group" else None).says(text).file().content == CSV


def test_a_sentence_that_may_mean_several_is_a_choice(live: LiveBot) -> None:
    live.partner_report("Calling Usage One")
    live.partner_report("Calling Usage Two")

    card = live.at(live.ada).says("please send me the calling usage report").card()

    assert card.shown.startswith("Which report?\n2 reports fit “calling usage”. Pick one.")


def test_a_sentence_with_a_typing_error_is_asked_back(live: LiveBot) -> None:
    live.partner_report("Calling Usage")
    ada = live.at(live.ada)

    card = ada.says("please send me the caling usgae report").card()

    assert "No report has exactly these words: “caling usgae”.\nCalling Usage" in card.shown
    assert ada.presses(card, "Get").file().content == CSV


@pytest.mark.parametrize(
    "text", ["please get me a coffee", "what's for lunch", "good luck", "don't send me the calling usage report"]
)
def test_what_means_no_report_is_not_understood(live: LiveBot, text: str) -> None:
    live.partner_report("Calling Usage")

    card = live.at(live.ada).says(text).card()

    assert card.shown == f"I didn't understand “{text}”. Try **reports** or **help**."
    assert set(card.buttons) == {"Show reports", "Help"}


def test_a_title_alone_is_offered_and_not_fetched(live: LiveBot) -> None:
    live.partner_report("Calling Usage")
    ada = live.at(live.ada, live.group)

    card = ada.says("Calling Usage").card()

    assert "This report fits “Calling Usage”.\nCalling Usage" in card.shown
    assert ada.presses(card, "Get").file().content == CSV


@pytest.mark.parametrize("text", ["calling usage May 2020", "May 2020 usage", "show me the calling usage of May 2020"])
def test_a_title_with_a_period_of_which_there_is_none_gets_those_of_other_days(live: LiveBot, text: str) -> None:
    live.partner_report("Calling Usage", start="2026-10-01", end="2026-10-31")

    card = live.at(live.ada).says(text).card()

    assert "(May 1–31, 2020). The closest one:\nCalling Usage" in card.shown
    assert {"Get", "Run a report"} < set(card.buttons)


def test_words_that_no_report_has_are_not_understood_for_a_period_in_them(live: LiveBot) -> None:
    live.partner_report("Calling Usage", start="2026-10-01", end="2026-10-31")

    card = live.at(live.ada).says("lunch in May 2020").card()

    assert card.shown == "I didn't understand “lunch in May 2020”. Try **reports** or **help**."


def test_somebody_without_a_role_learns_nothing_by_a_sentence(live: LiveBot) -> None:
    live.partner_report("Calling Usage")
    nora = live.at(live.nora)

    assert (
        "Only Webex administrators can get this report." in nora.says("please send me the usage report").answer().words
    )
    assert nora.says("calling usage").card().shown.startswith("I didn't understand “calling usage”.")


def test_show_me_the_reports_lists_them(live: LiveBot) -> None:
    live.partner_report("Calling Usage")
    live.partner_report("Broken", status="failed")

    assert "2 reports, newest first." in live.at(live.ada).says("please show me all the reports").card().shown
    assert "1 report for “failed”" in live.at(live.ada).says("please show me all failed reports").card().shown


@PLACES
@pytest.mark.parametrize(
    ("text", "button"),
    [
        ("reprot abc", {"command": "report", "argument": "abc"}),
        ("reprots failed 2", {"command": "reports", "argument": "failed 2"}),
        ("cancle it", {"command": "cancel", "argument": "it"}),
        (
            "could you please run calling usage for last month",
            {"command": "new", "argument": "calling usage last month"},
        ),
        ("hlep", {"command": "help"}),
    ],
)
def test_a_word_mistyped_comes_back_with_a_button_that_does_it(
    live: LiveBot, text: str, button: dict[str, str], place: str
) -> None:
    card = live.at(live.ada, live.group if place == "group" else None).says(text).card()

    assert card.shown == f"I didn't understand “{text}”. Did you mean **{button['command']}**?"
    assert card.buttons[" ".join(button.values())] == button


def test_the_button_of_a_mistyped_word_keeps_an_id_to_the_letter(live: LiveBot) -> None:
    report = live.partner_report()
    ada = live.at(live.ada)
    card = ada.says(f"reprot {report.id}").card()
    (title,) = [one for one in card.buttons if one.startswith("report ")]

    assert card.buttons[title]["argument"] == report.id
    assert ada.presses(card, title).file().content == CSV


def test_hostile_text_cannot_break_out_of_the_card(live: LiveBot) -> None:
    card = live.at(live.ada).says("[click](http://evil.example) <@personEmail:x@y.z>").card()

    assert "](" not in card.shown, "a link needs both brackets side by side"
    assert "<@personEmail" not in (card.message.markdown or "")


@pytest.mark.parametrize(
    "text", ["show me last month's calling usage", "last month calling usage", "send the new calling usage"]
)
def test_a_usual_word_in_a_sentence_is_no_command(live: LiveBot, text: str) -> None:
    live.partner_report("Calling Usage", start="2026-10-01", end="2026-10-31")
    shown = live.at(live.ada).says(text).card().shown

    assert "Calling Usage" in shown
    assert "Run" not in shown
