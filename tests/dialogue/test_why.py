"""``why <id>``: the story of a request in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.ledger.deliveries import State

if TYPE_CHECKING:
    from tests.stage import Stage


def test_why_tells_a_delivered_report_step_by_step(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage")
    ada = stage.at(stage.ada, stage.group)
    line = ada.says(f"report {report.id}")
    line.file()
    stage.on_record(report.id, State.DONE)

    card = ada.says(f"why {report.id}").card()

    for step in ("Asked for just now", "partner family", "It was done at", "SHA-256", "Its file was posted."):
        assert step in card.shown
    assert set(card.buttons) == {"Send again"}


def test_why_tells_where_a_watch_stands_and_when_it_ends(stage: Stage) -> None:
    report = stage.partner_report(status="manual_processing")
    ada = stage.at(stage.ada)
    reference = ada.says(f"report {report.id}").card().words.rpartition("Reference ")[2].strip(". ")
    stage.on_record(report.id, State.PENDING)

    card = ada.says(f"why {reference.upper()}").card()

    assert "manual_processing" in card.shown.replace("\\", "")
    assert "At the latest at" in card.shown
    assert "1:1" in card.shown
    assert card.buttons == {}


def test_why_tells_nothing_to_who_may_not_ask(stage: Stage) -> None:
    report = stage.partner_report()
    stage.at(stage.ada, stage.group).says(f"report {report.id}").file()

    heard = stage.at(stage.nora, stage.group).says(f"why {report.id}").answer()

    assert heard.card is None
    assert "for administrators" in heard.words


def test_why_of_what_nobody_asked_for_says_so(stage: Stage) -> None:
    assert "Nobody asked" in stage.at(stage.ada).says("why abc").answer().words
