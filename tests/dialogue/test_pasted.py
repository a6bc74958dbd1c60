"""What people quote, mention and paste, with the HTML that their clients make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator.ids import plain_part

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.core.workbench import Workbench
    from tests.stage import Stage


def cards_in(bench: Workbench, space: Space | None = None) -> list[str]:
    return [str(one.card) for one in bench.said(space) if one.card]


def texts_in(bench: Workbench, space: Space | None = None) -> str:
    return "\n".join(one.text or "" for one in bench.said(space))


def mention_of_bot(bench: Workbench) -> str:
    return f'<spark-mention data-object-id="{plain_part(bench.stage.bot.id)}">Report</spark-mention>'


@pytest.mark.parametrize("where", ["group", "1:1"])
def test_a_quoted_cancel_cancels_nothing(bench: Workbench, where: str) -> None:
    space = bench.stage.group if where == "group" else None
    waiting = bench.stage.partner_report("Slow", status="In progress")
    wanted = bench.stage.partner_report("Wanted")
    bench.hears(bench.stage.ada, f"report {waiting.id}", space)
    bench.work()

    mention = mention_of_bot(bench) if space else ""
    html = f"<blockquote>cancel {waiting.id}</blockquote>{mention}report {wanted.id}"
    bench.hears(bench.stage.ada, f"cancel {waiting.id}\nReport report {wanted.id}", space, html=html)
    bench.work()

    assert bench.request(1).state is State.OPEN
    assert bench.request(2).report_id == wanted.id
    assert bench.request(2).state is State.DELIVERED
    assert "Canceled" not in texts_in(bench, space)


NOISE = "{id} for Mary-Ann from 2024-05-01 v2 👍"


def test_one_id_among_other_words_is_one_request_and_no_complaint(bench: Workbench) -> None:
    report = bench.stage.partner_report("Calling Usage")

    bench.hears(bench.stage.ada, f"report {NOISE.format(id=report.id)}")
    bench.work()

    assert [bool(one.card) for one in bench.said()] == [True, False]
    assert bench.request(1).report_id == report.id
    assert "valid report ID" not in texts_in(bench)


def test_every_word_takes_the_one_id(bench: Workbench) -> None:
    report = bench.stage.partner_report("Slow", status="In progress")
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()

    for word in ("refresh", "why", "again", "cancel"):
        bench.hears(bench.stage.ada, f"{word} {NOISE.format(id=report.id)}")
        bench.work()

    said = texts_in(bench)
    assert [bench.request(number).state for number in (1, 2)] == [State.CANCELED] * 2, "what was asked twice"
    assert "Canceled" in said
    assert "Nobody has requested" not in said
    assert "couldn't find a request" not in said
    assert "couldn't find that report" not in said


def test_reports_with_an_id_shows_that_one_and_asks_for_no_file(bench: Workbench) -> None:
    report = bench.stage.partner_report("Calling Usage")
    bench.stage.partner_report("Another")

    bench.hears(bench.stage.ada, f"reports {report.id} please")
    bench.work()

    [card] = cards_in(bench)
    assert "Calling Usage" in card
    assert "Another" not in card
    assert "Send file" in card
    assert bench.downloads == 0


@pytest.mark.parametrize(
    "html",
    [
        '<p>{bot} report <a href="https://reports.example/view?reportId={id}&amp;x=1">the May report</a></p>',
        '<p>{bot} could you <a href="https://go.example/?u=https%3A%2F%2Fx%2Freports%2F{id}">report</a> this</p>',
        "<div>Hi {bot}:</div><div>report&nbsp;<b>\u2066#{id}\u2069</b>…</div>",
        "report 「{id}」。 {bot}",
    ],
)
def test_an_id_comes_by_link_or_with_what_travels_along(stage: Stage, html: str) -> None:
    report = stage.organization_report()
    bot = f"<spark-mention data-object-type='person' data-object-id='{plain_part(stage.bot.id)}'>Report</spark-mention>"

    line = stage.at(stage.ada, stage.group).says("what Webex shows", html=html.format(bot=bot, id=report.id))

    assert "Meeting Details" in line.card().shown
    line.file()
    assert len(line.answers()) == 2


def test_an_address_to_audit_may_be_a_link_or_behind_other_words(bench: Workbench) -> None:
    ada, grace = bench.stage.ada, bench.stage.grace

    bench.hears(ada, f"audit of {grace.email}", html=f'audit of <a href="mailto:{grace.email}">{grace.email}</a>')
    bench.work()

    assert f"about “{grace.email}”" in texts_in(bench)


def test_a_person_who_is_mentioned_is_not_taken_for_everybody_by_audit(bench: Workbench) -> None:
    ada, grace = bench.stage.ada, bench.stage.grace
    somebody = f'<spark-mention data-object-id="{grace.id}">Grace Hopper</spark-mention>'

    for words in ("audit", "audit of"):
        bench.hears(ada, f"{words} Grace Hopper", html=f"<p>{words} {somebody}</p>")
        bench.work()

    assert cards_in(bench) == []
    assert texts_in(bench).count("an email address") == 2


@pytest.mark.parametrize(
    "text",
    [
        "Hi, could you please get me {id}?",
        "what's the status of {id}",
        "Title: Calling Usage | ID: {id}",
        "don't send {id}",
    ],
)
def test_an_id_without_a_command_shows_its_card_and_sends_no_file(bench: Workbench, text: str) -> None:
    report = bench.stage.partner_report("Calling Usage")

    bench.hears(bench.stage.ada, text.format(id=report.id))
    bench.work()

    [card] = cards_in(bench)
    assert "Calling Usage" in card
    assert "Send file" in card
    assert bench.downloads == 0


@pytest.mark.parametrize("text", ["{id}", "{id}\nThanks!", "please: {id}"])
def test_an_id_beside_mere_politeness_is_asked_for(bench: Workbench, text: str) -> None:
    report = bench.stage.partner_report("Calling Usage")

    bench.hears(bench.stage.ada, text.format(id=report.id))
    bench.work()

    assert bench.request(1).state is State.DELIVERED


def test_a_mistyped_word_is_guessed_also_before_an_id(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, f"cancle {bench.stage.partner_report().id}")
    bench.work()

    assert "Did you mean **cancel**?" in cards_in(bench)[0]


def test_nobody_learns_of_a_report_by_naming_it_without_a_command(bench: Workbench) -> None:
    report = bench.stage.partner_report("Calling Usage")

    bench.hears(bench.stage.nora, f"what about {report.id} ?")
    bench.work()

    said = "".join(f"{one.text} {one.card}" for one in bench.said(person=bench.stage.nora))
    assert said
    assert "Calling Usage" not in said


@pytest.mark.parametrize(
    "text",
    ["why is reference #reference1 late?", "why reference1", "Why: reference reference1", "why is reference1 late"],
)
def test_why_finds_the_reference_among_other_words(bench: Workbench, text: str) -> None:
    bench.hears(bench.stage.ada, f"report {bench.stage.partner_report('Slow', status='In progress').id}")
    bench.work()

    bench.hears(bench.stage.ada, text)
    bench.work()

    assert "Slow" in (bench.said()[-1].text or "")
    assert "couldn't find a request" not in texts_in(bench)


@pytest.mark.parametrize("words", ["cancel that one please", "report it for me", "again, for Mary"])
def test_plain_words_are_no_ids(bench: Workbench, words: str) -> None:
    bench.hears(bench.stage.ada, words)
    bench.work()

    [said] = bench.said()
    assert "Which report?" in (said.text or "")
