"""``why <id>``: the history of a request in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db.requests import State

if TYPE_CHECKING:
    from tests.stage import Stage


def test_why_tells_a_delivered_report_step_by_step(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage")
    ada = stage.at(stage.ada, stage.group)
    line = ada.says(f"report {report.id}")
    line.file()
    stage.on_record(report.id, State.DELIVERED)

    card = ada.says(f"why {report.id}").card()

    for step in ("Requested at", "Partner report", "Ready at", "SHA-256", "File posted at"):
        assert step in card.shown
    assert set(card.buttons) == {"Send again"}


def test_why_tells_where_a_watch_stands_and_when_it_ends(stage: Stage) -> None:
    report = stage.partner_report(status="manual_processing")
    ada = stage.at(stage.ada)
    reference = ada.says(f"report {report.id}").card().words.rpartition("Reference ")[2].strip(". ")
    stage.on_record(report.id, State.OPEN)

    card = ada.says(f"why {reference.upper()}").card()

    assert "manual_processing" in card.shown.replace("\\", "")
    assert "I'll stop waiting at" in card.shown
    assert ", directly." in card.shown
    assert card.buttons == {}


def test_why_tells_nothing_to_who_may_not_ask(stage: Stage) -> None:
    report = stage.partner_report()
    stage.at(stage.ada, stage.group).says(f"report {report.id}").file()

    heard = stage.at(stage.nora, stage.group).says(f"why {report.id}").answer()

    assert heard.card is None
    assert "Only Webex administrators" in heard.words


def test_why_of_what_nobody_asked_for_says_so(stage: Stage) -> None:
    report = stage.partner_report()
    ada = stage.at(stage.ada)
    assert "Nobody has requested" in ada.says(f"why {report.id}").answer().words
    assert "I couldn't find a request “abc2345” here" in ada.says("why (reference abc2345)").answer().words


def test_why_with_the_reference_of_an_error_says_what_it_was(stage: Stage) -> None:
    ada = stage.at(stage.ada)
    stage.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=400)
    failed = ada.says(f"refresh {stage.partner_report().id}").hears("(reference ")
    reference = failed.words.rpartition("(reference ")[2].partition(")")[0]

    told = ada.says(f"why {reference}").answer().message.markdown or ""
    assert "`refresh`: error (not_found), at" in told
    assert "couldn't find a request" in stage.at(stage.grace).says(f"why {reference}").answer().words, (
        "that is another one's"
    )


def test_why_in_a_space_tells_nothing_of_what_was_asked_elsewhere(stage: Stage) -> None:
    report = stage.partner_report("Secret Merger Usage")
    ada = stage.at(stage.ada)
    ada.says(f"report {report.id}").file()
    stage.on_record(report.id, State.DELIVERED)

    answer = stage.at(stage.ada, stage.group).says(f"why {report.id}").answer()

    assert "Nobody has requested" in answer.words
    assert "Secret Merger" not in answer.words
    assert "Secret Merger" in ada.says(f"why {report.id}").card().shown


def test_why_of_a_request_that_joined_another_one_tells_as_much(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage", status="waiting")
    first = stage.at(stage.ada, stage.group).says(f"report {report.id}")
    first.card()
    stage.on_record(report.id, State.OPEN)
    grace = stage.at(stage.grace, stage.group)
    grace.says(f"report {report.id}").card()
    stage.emulator.world.set_report(report.id, status="done")
    first.file()
    stage.on_record(report.id, State.DELIVERED)

    shown = grace.says(f"why {report.id}").card().shown

    for step in (
        "one file serves both",
        "last status from Webex: done",
        "SHA-256",
        "File posted at",
    ):
        assert shown.count(step) == (1 if step == "one file serves both" else 2)
