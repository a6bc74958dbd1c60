"""A press counts on a card that the bot posted, where it stands; what its data claim harms nobody else's request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import audit
from bot.webex.types import Target

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.core.workbench import Workbench


def lunch(bench: Workbench, author: Person, space: Space, report_id: str) -> Message:
    """Someone else's card, whose button asks for a report."""
    data = {"command": "report", "argument": report_id}
    card: dict[str, Any] = {
        "type": "AdaptiveCard",
        "version": "1.3",
        "body": [{"type": "TextBlock", "text": "Lunch at 12?"}],
        "actions": [{"type": "Action.Submit", "title": "Yes", "data": data}],
    }
    attachments = [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}]
    text = "@Report Bot Lunch at 12?"
    return bench.world.post(author, space, text=text, attachments=attachments, mentioned=[bench.stage.bot.id])


def outcomes(bench: Workbench) -> list[str]:
    with bench.database.read() as tx:
        return [row.outcome for row in audit.read(tx, limit=100)]


@pytest.mark.parametrize("gone", [False, True], ids=["standing", "deleted since"])
def test_a_card_of_somebody_else_asks_for_nothing(bench: Workbench, gone: bool) -> None:
    space, report = bench.stage.group, bench.stage.partner_report()
    card = lunch(bench, bench.stage.nora, space, report.id)
    bench.pressed(bench.stage.ada, card, {"command": "report", "argument": report.id})
    if gone:
        bench.world.delete(card, bench.stage.nora)

    bench.work()
    while bench.next_wait() is not None:
        bench.wait_for_next()

    assert bench.said(space) == []
    assert bench.said() == []
    assert outcomes(bench) == ["failed:webex_404" if gone else "failed:not_ours"]


def test_a_card_of_ours_that_the_ledger_does_not_know_counts(bench: Workbench) -> None:
    """The database was lost, the cards were not."""
    space, report = bench.stage.group, bench.stage.partner_report()
    card = {"type": "AdaptiveCard", "version": "1.3", "body": []}
    posted = bench.chat.post(Target(room_id=space.id), markdown="a card of before", card=card)
    message = bench.world.all_messages[posted.message_id]

    bench.pressed(bench.stage.ada, message, {"command": "report", "argument": report.id})
    bench.work()

    assert [one for one in bench.said(space) if one.files]


def test_a_card_that_a_new_one_replaced_in_the_moment_of_the_press_counts(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    (card,) = bench.said(bench.stage.group)
    data = {"command": "refresh", "argument": report.id}
    bench.pressed(bench.stage.ada, card, data)
    bench.pressed(bench.stage.grace, card, data)

    bench.work()

    assert card.deleted
    assert len([one for one in bench.said(bench.stage.group) if one.card]) == 1


@pytest.mark.parametrize("argument", ["{other}", "{other} {unknown}", "{unknown}", "{mine} {other}"])
def test_refresh_with_another_report_s_id_leaves_every_request_its_card(bench: Workbench, argument: str) -> None:
    group = bench.stage.group
    mine, other = (bench.stage.partner_report(title, status="waiting") for title in ("Mine", "Other"))
    bench.hears(bench.stage.ada, f"report {mine.id}", group)
    bench.work()
    (card,) = bench.said(group)
    asked = argument.format(mine=mine.id, other=other.id, unknown=bench.stage.partner_report("Else").id)

    bench.pressed(bench.stage.grace, card, {"command": "refresh", "argument": asked})
    bench.work()

    shown = [str(one.card) for one in bench.said(group) if one.card]
    assert len([one for one in shown if "Mine" in one]) == 1
    assert card.deleted is argument.startswith("{mine}")


def test_refresh_takes_back_no_list_and_no_help(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    for word in ("reports", "help"):
        bench.hears(bench.stage.ada, word, bench.stage.group)
    bench.work()
    cards = bench.said(bench.stage.group)
    assert len(cards) == 2

    for card in cards:
        bench.pressed(bench.stage.grace, card, {"command": "refresh", "argument": report.id})
    bench.work()

    assert not [one for one in cards if one.deleted]


def test_a_refreshed_card_of_a_report_that_nobody_awaits_is_replaced_by_the_next(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"refresh {report.id}", bench.stage.group)
    bench.work()
    (card,) = bench.said(bench.stage.group)

    bench.pressed(bench.stage.ada, card, {"command": "refresh", "argument": report.id})
    bench.work()

    assert card.deleted
    assert len(bench.said(bench.stage.group)) == 1


def test_who_is_answered_privately_leaves_another_s_request_its_card(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    (card,) = bench.said(bench.stage.group)
    bench.world.join(bench.stage.group, bench.stage.ethan)
    bench.clock.turn(31)

    bench.pressed(bench.stage.grace, card, {"command": "refresh", "argument": report.id})
    bench.work()

    assert not card.deleted
    assert [one for one in bench.said(person=bench.stage.grace) if one.card]
