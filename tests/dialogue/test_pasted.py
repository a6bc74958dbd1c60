"""What people quote, mention and paste, with the HTML that their clients make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator.ids import plain_part

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot


def cards_in(stepped: SteppedBot, space: Space | None = None) -> list[str]:
    return [str(one.card) for one in stepped.said(space) if one.card]


def texts_in(stepped: SteppedBot, space: Space | None = None) -> str:
    return "\n".join(one.text or "" for one in stepped.said(space))


def mention_of_bot(stepped: SteppedBot) -> str:
    return f'<spark-mention data-object-id="{plain_part(stepped.setup.bot.id)}">Report</spark-mention>'


@pytest.mark.parametrize("where", ["group", "1:1"])
def test_a_quoted_cancel_cancels_nothing(stepped: SteppedBot, where: str) -> None:
    space = stepped.setup.group if where == "group" else None
    waiting = stepped.setup.partner_report("Slow", status="In progress")
    wanted = stepped.setup.partner_report("Wanted")
    stepped.receive(stepped.setup.ada, f"report {waiting.id}", space)
    stepped.work()

    mention = mention_of_bot(stepped) if space else ""
    html = f"<blockquote>cancel {waiting.id}</blockquote>{mention}report {wanted.id}"
    stepped.receive(stepped.setup.ada, f"cancel {waiting.id}\nReport report {wanted.id}", space, html=html)
    stepped.work()

    assert stepped.request(1).state is State.OPEN
    assert stepped.request(2).report_id == wanted.id
    assert stepped.request(2).state is State.DELIVERED
    assert "Canceled" not in texts_in(stepped, space)


NOISE = "{id} for Mary-Ann from 2024-05-01 v2 👍"


def test_one_id_among_other_words_is_one_request_and_no_complaint(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage")

    stepped.receive(stepped.setup.ada, f"report {NOISE.format(id=report.id)}")
    stepped.work()

    assert [bool(one.card) for one in stepped.said()] == [True, False]
    assert stepped.request(1).report_id == report.id
    assert "valid report ID" not in texts_in(stepped)


def test_every_word_takes_the_one_id(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Slow", status="In progress")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()

    for word in ("refresh", "why", "again", "cancel"):
        stepped.receive(stepped.setup.ada, f"{word} {NOISE.format(id=report.id)}")
        stepped.work()

    said = texts_in(stepped)
    assert [stepped.request(number).state for number in (1, 2)] == [State.CANCELED] * 2, "what was asked twice"
    assert "Canceled" in said
    assert "Nobody has requested" not in said
    assert "couldn't find a request" not in said
    assert "couldn't find that report" not in said


def test_reports_with_an_id_shows_that_one_and_asks_for_no_file(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage")
    stepped.setup.partner_report("Another")

    stepped.receive(stepped.setup.ada, f"reports {report.id} please")
    stepped.work()

    [card] = cards_in(stepped)
    assert "Calling Usage" in card
    assert "Another" not in card
    assert "Send file" in card
    assert stepped.downloads == 0


@pytest.mark.parametrize(
    "html",
    [
        '<p>{bot} report <a href="https://reports.example/view?reportId={id}&amp;x=1">the May report</a></p>',
        '<p>{bot} could you <a href="https://go.example/?u=https%3A%2F%2Fx%2Freports%2F{id}">report</a> this</p>',
        "<div>Hi {bot}:</div><div>report&nbsp;<b>\u2066#{id}\u2069</b>…</div>",
        "report 「{id}」。 {bot}",
    ],
)
def test_an_id_comes_by_link_or_with_what_travels_along(live: LiveBot, html: str) -> None:
    report = live.organization_report()
    bot = f"<spark-mention data-object-type='person' data-object-id='{plain_part(live.bot.id)}'>Report</spark-mention>"

    line = live.at(live.ada, live.group).says("what Webex shows", html=html.format(bot=bot, id=report.id))

    assert "Meeting Details" in line.card().shown
    line.file()
    assert len(line.answers()) == 2


def test_an_address_to_audit_may_be_a_link_or_behind_other_words(stepped: SteppedBot) -> None:
    ada, grace = stepped.setup.ada, stepped.setup.grace

    stepped.receive(ada, f"audit of {grace.email}", html=f'audit of <a href="mailto:{grace.email}">{grace.email}</a>')
    stepped.work()

    assert f"about “{grace.email}”" in texts_in(stepped)


def test_a_person_who_is_mentioned_is_not_taken_for_everybody_by_audit(stepped: SteppedBot) -> None:
    ada, grace = stepped.setup.ada, stepped.setup.grace
    somebody = f'<spark-mention data-object-id="{grace.id}">Grace Hopper</spark-mention>'

    for words in ("audit", "audit of"):
        stepped.receive(ada, f"{words} Grace Hopper", html=f"<p>{words} {somebody}</p>")
        stepped.work()

    assert cards_in(stepped) == []
    assert texts_in(stepped).count("an email address") == 2


@pytest.mark.parametrize(
    "text",
    [
        "Hi, could you please get me {id}?",
        "what's the status of {id}",
        "Title: Calling Usage | ID: {id}",
        "don't send {id}",
    ],
)
def test_an_id_without_a_command_shows_its_card_and_sends_no_file(stepped: SteppedBot, text: str) -> None:
    report = stepped.setup.partner_report("Calling Usage")

    stepped.receive(stepped.setup.ada, text.format(id=report.id))
    stepped.work()

    [card] = cards_in(stepped)
    assert "Calling Usage" in card
    assert "Send file" in card
    assert stepped.downloads == 0


@pytest.mark.parametrize("text", ["{id}", "{id}\nThanks!", "please: {id}"])
def test_an_id_beside_mere_politeness_is_asked_for(stepped: SteppedBot, text: str) -> None:
    report = stepped.setup.partner_report("Calling Usage")

    stepped.receive(stepped.setup.ada, text.format(id=report.id))
    stepped.work()

    assert stepped.request(1).state is State.DELIVERED


def test_a_mistyped_word_is_guessed_also_before_an_id(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, f"cancle {stepped.setup.partner_report().id}")
    stepped.work()

    assert "Did you mean **cancel**?" in cards_in(stepped)[0]


def test_nobody_learns_of_a_report_by_naming_it_without_a_command(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage")

    stepped.receive(stepped.setup.nora, f"what about {report.id} ?")
    stepped.work()

    said = "".join(f"{one.text} {one.card}" for one in stepped.said(person=stepped.setup.nora))
    assert said
    assert "Calling Usage" not in said


@pytest.mark.parametrize(
    "text",
    ["why is reference #reference1 late?", "why reference1", "Why: reference reference1", "why is reference1 late"],
)
def test_why_finds_the_reference_among_other_words(stepped: SteppedBot, text: str) -> None:
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report('Slow', status='In progress').id}")
    stepped.work()

    stepped.receive(stepped.setup.ada, text)
    stepped.work()

    assert "Slow" in (stepped.said()[-1].text or "")
    assert "couldn't find a request" not in texts_in(stepped)


@pytest.mark.parametrize("words", ["cancel that one please", "report it for me", "again, for Mary"])
def test_plain_words_are_no_ids(stepped: SteppedBot, words: str) -> None:
    stepped.receive(stepped.setup.ada, words)
    stepped.work()

    [said] = stepped.said()
    assert (said.text or "").startswith(
        ("Which report?", "You have no pending requests.", "I found no report for “for Mary”.")
    )
