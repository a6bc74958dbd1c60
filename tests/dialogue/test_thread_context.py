"""A command without a report means its thread's, else the person's only open request; else buttons ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

FAMILIES = ["partner", "organization"]
PLACES = ["1:1", "group"]


def report_of(live: LiveBot, family: str, title: str = "Calling Usage", **more: Any) -> Any:
    return (live.partner_report if family == "partner" else live.organization_report)(title, **more)


def place_of(live: LiveBot, place: str) -> Any:
    return live.group if place == "group" else None


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_in_a_thread_no_report_need_be_named(live: LiveBot, family: str, place: str) -> None:
    report = report_of(live, family, status="waiting")
    other = report_of(live, family, "Another", status="waiting")
    ada = live.at(live.ada, place_of(live, place))
    ada.says(f"report {other.id}").card()
    line = ada.says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)
    root = line.message.id

    assert "Calling Usage" in ada.says("why", parent_id=root).hears("stop waiting on").shown
    ada.says("refresh please", parent_id=root)
    assert "Checked" in line.hears("Checked").shown
    ada.says("cancel it", parent_id=root)
    assert "● Canceled" in line.hears("Canceled").shown
    live.on_record(other.id, State.OPEN)

    live.emulator.world.set_report(report.id, status="done")
    ada.says("again", parent_id=root)
    assert line.file().file is not None


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_outside_a_thread_it_is_the_only_open_request(live: LiveBot, family: str, place: str) -> None:
    report = report_of(live, family, status="waiting")
    ada = live.at(live.ada, place_of(live, place))
    line = ada.says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    assert "Calling Usage" in ada.says("why").card().shown
    ada.says("cancel").hears("Canceled")

    live.on_record(report.id, State.CANCELED)
    here = " in this space" if place == "group" else ""
    assert f"You have no pending requests{here}." in ada.says("cancel").answer().words


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_of_several_open_requests_a_button_chooses(live: LiveBot, family: str, place: str) -> None:
    ada = live.at(live.ada, place_of(live, place))
    wanted = [report_of(live, family, title, status="waiting") for title in ("Calling Usage", "Quality")]
    for one in wanted:
        ada.says(f"report {one.id}").card()
        live.on_record(one.id, State.OPEN)

    asked = ada.says("cancel")
    card = asked.card()
    assert "Which report?" in card.shown
    assert "Calling Usage" in card.shown
    assert "Quality" in card.shown
    assert card.buttons["Cancel"]["argument"] == wanted[0].id, "the newest comes first"

    ada.presses(card, "Cancel")
    assert "Canceled." in asked.hears("Canceled").words
    live.on_record(wanted[0].id, State.CANCELED)
    live.on_record(wanted[1].id, State.OPEN)


@pytest.mark.parametrize("family", FAMILIES)
def test_another_administrator_means_the_report_of_the_thread_too(live: LiveBot, family: str) -> None:
    report = report_of(live, family, status="waiting")
    ada, grace = live.at(live.ada, live.group), live.at(live.grace, live.group)
    line = ada.says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    grace.says("cancel", parent_id=line.message.id)

    assert "● Canceled" in line.hears("Canceled").shown


@pytest.mark.parametrize("settings", [{"ALLOWED_PARTNER_ROLES": "Partner Full Administrator"}])
@pytest.mark.parametrize("word", ["cancel", "why", "refresh", "again"])
def test_a_thread_about_another_family_is_not_known(live: LiveBot, word: str) -> None:
    report = live.partner_report("Secret Merger", status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    live.at(live.grace, live.group).says(word, parent_id=line.message.id)

    answer = line.answers(2)[-1]
    assert "Secret Merger" not in answer.words + answer.shown
    live.on_record(report.id, State.OPEN)


@pytest.mark.parametrize("word", ["cancel", "why", "refresh", "again"])
def test_who_may_not_ask_learns_nothing_of_a_thread(live: LiveBot, word: str) -> None:
    report = live.partner_report("Secret Merger", status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    live.at(live.nora, live.group).says(word, parent_id=line.message.id)

    line.hears("Only Webex administrators can get this report.")
    live.on_record(report.id, State.OPEN)


def test_directly_a_person_cancels_what_they_asked_for_elsewhere(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)

    said = live.at(live.ada).says("cancel").answer().words

    assert said == "Canceled. I won't post Calling Usage in the space where you asked for it."
    assert "● Canceled" in line.hears("Canceled").shown
    assert "no pending requests" in live.at(live.grace).says("cancel").answer().words


@pytest.mark.parametrize("family", FAMILIES)
def test_directly_a_person_looks_after_what_they_asked_for_elsewhere(live: LiveBot, family: str) -> None:
    report = report_of(live, family, status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()
    live.on_record(report.id, State.OPEN)
    ada = live.at(live.ada)

    asked = ada.says("refresh")
    card = asked.card()
    assert "You're waiting for this report in a space. I'll post the file there as soon as it's ready." in card.shown
    assert set(card.buttons) == {"Refresh", "Cancel"}
    ada.presses(card, "Cancel")

    asked.hears("Canceled. I won't post Calling Usage in the space where you asked for it.")
    assert "● Canceled" in line.hears("Canceled").shown


def test_in_a_group_space_what_was_asked_elsewhere_is_not_meant(live: LiveBot) -> None:
    report = live.partner_report("Secret Merger", status="waiting")
    live.at(live.ada).says(f"report {report.id}").card()
    live.on_record(report.id, State.OPEN)

    answer = live.at(live.ada, live.group).says("cancel").answer()

    assert "You have no pending requests in this space." in answer.words
    live.on_record(report.id, State.OPEN)


def test_a_card_without_a_request_is_meant_in_its_thread(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    live.partner_report("Another", status="waiting")
    ada = live.at(live.ada)
    line = ada.says(f"refresh {report.id}")
    line.card()

    ada.says("again", parent_id=line.message.id)

    line.hears("I'll post the file here as soon as it's ready.")


def test_a_word_that_names_no_report_is_not_taken_for_the_only_open_one(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    ada = live.at(live.ada)
    ada.says(f"report {report.id}").card()
    live.on_record(report.id, State.OPEN)

    assert "Which report?" in ada.says("cancel quality").card().shown
    live.on_record(report.id, State.OPEN)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_words_of_a_title_name_one_of_the_own_requests(live: LiveBot, family: str, place: str) -> None:
    ada = live.at(live.ada, place_of(live, place))
    wanted = [report_of(live, family, title, status="waiting") for title in ("Calling Usage", "Calling Quality")]
    lines = []
    for one in wanted:
        lines.append(ada.says(f"report {one.id}"))
        lines[-1].card()
        live.on_record(one.id, State.OPEN)

    assert "Calling Quality" in ada.says("why is calling quality still not ready?").card().shown
    both = ada.says("cancel calling").card()
    assert "Calling Usage" in both.shown
    assert "Calling Quality" in both.shown
    ada.says("cancel the calling usage report please")
    lines[0].hears("Canceled")
    live.on_record(wanted[0].id, State.CANCELED)
    live.on_record(wanted[1].id, State.OPEN)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("word", "button"), [("again", "Send again"), ("refresh", "Refresh")])
def test_words_of_a_title_that_nobody_asked_for_are_looked_up(
    live: LiveBot, family: str, place: str, word: str, button: str
) -> None:
    report_of(live, family, "Call Queues")
    report_of(live, family, "Quality of Calls")
    ada = live.at(live.ada, place_of(live, place))

    assert button in ada.says(f"{word} calls").card().buttons, "both have it"
    line = ada.says(f"{word} call queues")
    if word == "again":
        assert line.file().file is not None
    else:
        assert "Call Queues" in line.card().shown


@pytest.mark.parametrize("words", ["cancel qualty", "cancel calling qualty"])
def test_a_typing_error_is_a_guess_that_a_button_confirms(live: LiveBot, words: str) -> None:
    report = live.partner_report("Calling Quality", status="waiting")
    ada = live.at(live.ada)
    ada.says(f"report {report.id}").card()
    live.on_record(report.id, State.OPEN)

    asked = ada.says(words)

    assert "Calling Quality" in asked.card().shown
    live.on_record(report.id, State.OPEN)
    ada.presses(asked.card(), "Cancel")
    asked.hears("Canceled")


def test_a_cancel_without_a_report_that_is_killed_says_the_same_when_it_runs_again(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage", status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    stepped.receive(stepped.setup.ada, "cancel")
    stepped.points.kills_at = lambda name: name == "before the post"

    with pytest.raises(Crash):
        stepped.work()
    assert stepped.request().state is State.CANCELED
    stepped.points.kills_at = None
    stepped.restart()
    stepped.wait(120)

    assert stepped.said()[-1].text == "Canceled. I won't post Calling Usage in the space where you asked for it."


@pytest.mark.parametrize("word", ["again", "cancel", "refresh", "why"])
def test_a_command_with_an_id_costs_no_more_calls_than_before(stepped: SteppedBot, word: str) -> None:
    setup = stepped.setup
    report = setup.partner_report("Calling Usage", status="waiting")
    stepped.receive(setup.ada, f"report {report.id}", setup.group)
    stepped.work()
    stepped.emulator.calls.clear()

    stepped.receive(setup.ada, f"{word} {report.id}", setup.group)
    stepped.work()

    made = [f"{call.method} {call.path.split('/')[2]}" for call in stepped.emulator.calls if call.host == "api"]
    assert made == CALLS[word]


CALLS = {
    "again": ["GET messages", "GET partner", "GET memberships", "POST messages"],
    "cancel": ["GET messages", *["GET memberships", "POST messages"] * 2, "DELETE messages"],
    "refresh": ["GET messages", "GET memberships", "GET partner", "GET memberships", "POST messages"],
    "why": ["GET messages", "GET rooms", "GET memberships", "POST messages"],
}
"""The name of the space is the only call that was not made before; it is remembered for five minutes."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("word", "title"), [("again", "Send again"), ("refresh", "Refresh"), ("delete", "Delete…")])
def test_where_nothing_was_requested_the_newest_reports_are_offered(
    live: LiveBot, place: str, word: str, title: str
) -> None:
    live.partner_report("Calling Usage")
    root = live.at(live.ada, place_of(live, place)).says("hello").answer().message.parent_id

    card = live.at(live.ada, place_of(live, place)).says(word, parent_id=root).hears("Pick one below")

    assert "Calling Usage" in card.shown
    assert [one["title"] for one in card.actions] == [title]


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_done_is_not_offered(live: LiveBot, place: str) -> None:
    ada, unknown = live.at(live.ada, place_of(live, place)), "Y2lzY29zcGFyazovL3VzL1JFUE9SVC9ub3RoaW5n"
    report = live.partner_report("Calling Usage")
    ada.says(f"report {report.id}").file()
    live.on_record(report.id, State.DELIVERED)
    ada.says(f"report {live.partner_report('Quality', status='failed').id}").hears("Failed")
    ada.says(f"report {live.partner_report('Meetings', infected=True).id}").hears("Not sent")
    ada.says(f"report {unknown}").hears("couldn't find that report")

    def offered(word: str) -> list[str]:
        return [one.partition(":")[0] for one in ada.says(word).card().words.split("\n- ")[1:]]

    assert offered("again") == ["Calling Usage"]
    assert offered("delete") == offered("refresh") == ["Meetings", "Quality", "Calling Usage"]
    assert offered("why") == [f"Report …{unknown[-8:]}", "Meetings", "Quality", "Calling Usage"]


@pytest.mark.parametrize("place", PLACES)
def test_again_where_nothing_was_requested_offers_what_has_a_file(live: LiveBot, place: str) -> None:
    live.partner_report("Quality", status="failed")
    live.partner_report("Meetings", status="waiting")
    live.partner_report("Calling Usage")

    card = live.at(live.ada, place_of(live, place)).says("again").card()

    assert "Calling Usage" in card.shown
    assert [one["title"] for one in card.actions] == ["Send again", "Show reports"]


def test_again_where_no_report_is_ready_says_so(live: LiveBot) -> None:
    live.partner_report("Quality", status="failed")

    said = live.at(live.ada).says("again").answer().words

    assert "No report is ready yet. To see what there is, type reports." in said


@pytest.mark.parametrize("place", PLACES)
def test_why_where_nothing_was_requested_says_so(live: LiveBot, place: str) -> None:
    said = live.at(live.ada, place_of(live, place)).says("why").answer().words

    assert said.startswith("You haven't requested a report here yet.")
