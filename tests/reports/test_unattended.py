"""What a subscription or schedule asks for goes to its space, or nowhere; nobody is told of it besides its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import origins, outcomes, subscriptions
from bot.db.origin import OriginState, PauseCause
from bot.db.requests import Content, State
from bot.reports.requests import Asker, open_request
from tests.live_bot import BotMessage

if TYPE_CHECKING:
    from bot.db.origin import Origin
    from bot.emulator.things import Family
    from tests.stepped_bot import SteppedBot


def subscription(stepped: SteppedBot) -> Origin:
    with stepped.database.begin() as tx:
        row = subscriptions.add(tx, shared(stepped) | {"words": "calling usage"})
        assert row is not None
        (found,) = subscriptions.find(tx)
    assert found.id == row
    return found.origin


def shared(stepped: SteppedBot) -> dict[str, Any]:
    return {
        "reference": "subs2345",
        "event_key": "messages:S",
        "person_id": stepped.setup.ada.id,
        "room_id": stepped.setup.group.id,
        "room_type": "group",
        "created_at": stepped.clock(),
    }


def ask(stepped: SteppedBot, content: Content, report_id: str, origin: Origin | None = None) -> None:
    origin = origin or subscription(stepped)
    group = stepped.setup.group
    asker = Asker(origin.key, stepped.setup.ada.id, group.id, "group", None, stepped.clock(), origin)
    with stepped.database.begin() as tx:
        assert open_request(tx, stepped.services, asker, report_id, content=content)


def posted(stepped: SteppedBot) -> list[BotMessage]:
    return [BotMessage(one) for one in stepped.said(stepped.setup.group)]


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_card_alone_costs_no_download(stepped: SteppedBot, family: Family) -> None:
    report = stepped.world.add_report(family=family, title="Calling Usage")
    ask(stepped, Content.CARD, report.id)
    stepped.work()
    (card,) = posted(stepped)
    assert "Calling Usage" in card.shown
    assert not card.message.files
    assert stepped.downloads == 0
    assert stepped.request().state is State.DELIVERED


def test_a_file_alone_comes_without_a_card_also_when_it_takes_long(stepped: SteppedBot) -> None:
    add = stepped.world.add_report
    report = add(family="partner", title="Calling Usage", status="In progress", ready_after_polls=3)
    ask(stepped, Content.FILE, report.id)
    stepped.work()
    assert posted(stepped) == []
    for _ in range(6):
        stepped.wait(60.0)
    (file,) = posted(stepped)
    assert file.message.files
    assert stepped.request().state is State.DELIVERED


def test_what_was_posted_meanwhile_is_not_posted_again(stepped: SteppedBot) -> None:
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    before = posted(stepped)

    ask(stepped, Content.FILE, report.id)
    stepped.work()

    assert posted(stepped) == before
    assert stepped.request(2).state is State.DELIVERED
    assert stepped.request(2).file_message == stepped.request(1).file_message
    assert stepped.downloads == 1


@pytest.mark.parametrize("content", [Content.FILE, Content.CARD])
def test_with_an_outsider_in_the_space_nobody_gets_it(stepped: SteppedBot, content: Content) -> None:
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    stepped.world.join(stepped.setup.group, stepped.setup.ethan)
    origin = subscription(stepped)
    ask(stepped, content, report.id, origin)
    stepped.work()
    assert posted(stepped) == []
    (told,) = stepped.said(person=stepped.setup.ada)
    assert "external people" in (told.text or "")
    with stepped.database.read() as tx:
        (outcome,) = outcomes.latest(tx, origin, 5)
        paused = origins.get(tx, origin)
    assert paused is not None
    assert (paused.state, paused.pause_cause) == (OriginState.PAUSED, PauseCause.OUTSIDERS)
    assert (outcome.state, outcome.cause, outcome.failed) == (State.REFUSED, "outsiders", True)
