"""A press counts on a card that the bot posted, where it stands; what its data claim harms nobody else's request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import audit
from bot.text import MAX_TEXT_BYTES
from bot.webex.types import Target
from tests.live_bot import BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot


def lunch(stepped: SteppedBot, author: Person, space: Space, report_id: str) -> Message:
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
    return stepped.world.post(author, space, text=text, attachments=attachments, mentioned=[stepped.setup.bot.id])


def outcomes(stepped: SteppedBot) -> list[str]:
    with stepped.database.read() as tx:
        return [row.outcome for row in audit.read(tx, limit=100)]


@pytest.mark.parametrize("gone", [False, True], ids=["standing", "deleted since"])
def test_a_card_of_somebody_else_asks_for_nothing(stepped: SteppedBot, gone: bool) -> None:
    space, report = stepped.setup.group, stepped.setup.partner_report()
    card = lunch(stepped, stepped.setup.nora, space, report.id)
    stepped.pressed(stepped.setup.ada, card, {"command": "report", "argument": report.id})
    if gone:
        stepped.world.delete(card, stepped.setup.nora)

    stepped.work()
    while stepped.next_wait() is not None:
        stepped.wait_for_next()

    assert stepped.said(space) == []
    assert stepped.said() == []
    assert outcomes(stepped) == ["failed:webex_404" if gone else "failed:not_ours"]


def test_a_card_of_ours_that_the_database_does_not_know_counts(stepped: SteppedBot) -> None:
    """The database was lost, the cards were not."""
    space, report = stepped.setup.group, stepped.setup.partner_report()
    card = {"type": "AdaptiveCard", "version": "1.3", "body": []}
    posted = stepped.chat.post(Target(room_id=space.id), markdown="a card of before", card=card)
    message = stepped.world.all_messages[posted.message_id]

    stepped.pressed(stepped.setup.ada, message, {"command": "report", "argument": report.id})
    stepped.work()

    assert [one for one in stepped.said(space) if one.files]


def test_a_card_that_a_new_one_replaced_in_the_moment_of_the_press_counts(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    (card,) = stepped.said(stepped.setup.group)
    data = {"command": "refresh", "argument": report.id}
    stepped.pressed(stepped.setup.ada, card, data)
    stepped.pressed(stepped.setup.grace, card, data)

    stepped.work()

    assert card.deleted
    assert len([one for one in stepped.said(stepped.setup.group) if one.card]) == 1


@pytest.mark.parametrize("argument", ["{other}", "{other} {unknown}", "{unknown}", "{mine} {other}"])
def test_refresh_with_another_report_s_id_leaves_every_request_its_card(stepped: SteppedBot, argument: str) -> None:
    group = stepped.setup.group
    mine, other = (stepped.setup.partner_report(title, status="waiting") for title in ("Mine", "Other"))
    stepped.receive(stepped.setup.ada, f"report {mine.id}", group)
    stepped.work()
    (card,) = stepped.said(group)
    asked = argument.format(mine=mine.id, other=other.id, unknown=stepped.setup.partner_report("Else").id)

    stepped.pressed(stepped.setup.grace, card, {"command": "refresh", "argument": asked})
    stepped.work()

    shown = [str(one.card) for one in stepped.said(group) if one.card]
    assert len([one for one in shown if "Mine" in one]) == 1
    assert card.deleted is argument.startswith("{mine}")


def test_refresh_takes_back_no_list_and_no_help(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    for word in ("reports", "help"):
        stepped.receive(stepped.setup.ada, word, stepped.setup.group)
    stepped.work()
    cards = stepped.said(stepped.setup.group)
    assert len(cards) == 2

    for card in cards:
        stepped.pressed(stepped.setup.grace, card, {"command": "refresh", "argument": report.id})
    stepped.work()

    assert not [one for one in cards if one.deleted]


def test_a_refreshed_card_of_a_report_that_nobody_awaits_is_replaced_by_the_next(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"refresh {report.id}", stepped.setup.group)
    stepped.work()
    (card,) = stepped.said(stepped.setup.group)

    stepped.pressed(stepped.setup.ada, card, {"command": "refresh", "argument": report.id})
    stepped.work()

    assert card.deleted
    assert len(stepped.said(stepped.setup.group)) == 1


def test_who_is_answered_privately_leaves_another_s_request_its_card(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    (card,) = stepped.said(stepped.setup.group)
    stepped.world.join(stepped.setup.group, stepped.setup.ethan)
    stepped.clock.turn(31)

    stepped.pressed(stepped.setup.grace, card, {"command": "refresh", "argument": report.id})
    stepped.work()

    assert not card.deleted
    assert [one for one in stepped.said(person=stepped.setup.grace) if one.card]


def test_of_a_long_argument_only_as_much_is_read_as_can_be_typed(stepped: SteppedBot) -> None:
    """Webex bounds what is typed, and not what a client sends as a button's data."""
    stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    (card,) = stepped.said()
    for spaces in (MAX_TEXT_BYTES - len("audit"), MAX_TEXT_BYTES):
        stepped.pressed(stepped.setup.ada, card, {"command": "help", "argument": f"{' ' * spaces}audit"})
        stepped.work()

    whole, cut = stepped.said()[1:]

    assert BotMessage(whole).words.startswith("audit: ")
    assert cut.text == card.text
