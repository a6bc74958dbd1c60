"""What the randomised runs found: one answer lost, or one refusal at the wrong call, must not silence the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


@pytest.mark.parametrize("status", [401, 403, 409, 410, 428, 451])
def test_a_message_that_webex_refuses_to_show_is_answered_by_a_sentence(live: LiveBot, status: int) -> None:
    live.emulator.faults.add(method="GET", path="/v1/messages/?*", status=status, times=1)

    line = live.at(live.ada, live.group).says("help")

    assert "I couldn't answer this." in line.answer().words


@pytest.mark.parametrize("status", [400, 401, 403, 409, 410, 428, 451])
def test_the_sentence_that_ends_a_request_survives_a_refusal(live: LiveBot, status: int) -> None:
    live.emulator.faults.add(method="POST", path="/v1/messages", status=status, times=1)
    ada = live.at(live.ada)

    ada.says("report Y2lzY29zcGFyazov")

    assert "Check the ID" in ada.hears_privately("couldn't find that report").words


def test_a_card_that_webex_refuses_is_said_in_words(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    live.emulator.faults.add(method="POST", path="/v1/messages", status=413, times=1)

    (heard,) = live.at(live.ada).says(f"report {report.id}").answers()

    assert heard.card is None
    assert "In progress. I'll post the file here as soon as it's ready." in heard.words


def test_a_cancel_whose_answer_was_lost_is_answered_once_and_the_same(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    card = line.card()
    lost = live.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)

    ada.presses(card, "Cancel")

    line.hears("Canceled")
    assert lost.hits == 1
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert len(line.answers()) == 1


def test_a_refreshed_card_whose_answer_was_lost_is_not_posted_again_when_the_status_has_changed(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada)
    first = ada.says(f"report {report.id}").card()
    lost = live.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    world = live.emulator.world

    ada.presses(first, "Refresh")
    world.wait_for(lambda _: lost.hits)
    world.set_report(report.id, status="In progress")

    world.wait_for(lambda _: first.message.deleted)
    ada.says("help").card()
    cards = [one for one in world.messages(ada.space) if one.card and report.title in (one.markdown or "")]
    assert ["Checked" in (one.markdown or "") for one in cards if not one.deleted] == [True]


def test_an_error_whose_answer_was_lost_is_said_once(live: LiveBot) -> None:
    """Its reference is another one at each try; the refusals come one more time than the answer is lost."""
    for path in ("/v1/partner/reports", "/v1/reports"):
        live.emulator.faults.add(method="GET", path=path, status=403, times=2)
    lost = live.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    ada = live.at(live.ada)

    line = ada.says("reports")

    live.emulator.world.wait_for(lambda _: lost.hits)
    ada.says("help").card()
    assert len(line.answers()) == 1
