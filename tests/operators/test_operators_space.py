"""``OPERATORS_SPACE`` in any spelling: alerts stand in the space, whose ID Webex may spell otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.leader import Leader
from bot.emulator import ids
from bot.errors import WebexError
from bot.messages.alerts import NOT_IN_SPACE
from bot.ops.alerts import Alerts, Check
from bot.ops.checks import operators_space
from bot.settings import load

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.stepped_bot import SteppedBot

SPELLINGS = [
    "{uuid}",
    "webexteams://im?space={uuid}",
    "https://web.webex.com/spaces/{uuid}",
    "ciscospark://us/ROOM/{uuid}",
    "{us}",
    "{id}==",
]


def in_another_cluster(stepped: SteppedBot) -> Space:
    """Return a space of the bot's whose ID names a cluster, as Webex gives it to people outside the United States."""
    space = stepped.world.add_space("Operators", [stepped.setup.ada, stepped.setup.bot])
    stepped.world.move_space(space, "nothing")  # before the bot is there to hear of it
    return space


def setting(stepped: SteppedBot, written: str, space: Space) -> str:
    uuid = ids.plain_part(space.id)
    stepped.setup.environ["OPERATORS_SPACE"] = written.format(uuid=uuid, us=ids.webex_id(ids.ROOM, uuid), id=space.id)
    read = load(stepped.setup.environ).operators_space
    assert read is not None
    return read


@pytest.mark.parametrize("written", SPELLINGS)
def test_alerts_are_told_there_however_the_space_is_written(stepped: SteppedBot, written: str) -> None:
    space = in_another_cluster(stepped)
    wanted = setting(stepped, written, space)
    check = operators_space.check(wanted, stepped.chat.spaces, stepped.database, stepped.clock)
    lamp = Check("lamp", lambda: "The lamp is out.", "It is lit again.")

    Alerts(
        stepped.database,
        stepped.outbox,
        wanted,
        [check, lamp],
        stepped.clock,
        leader=Leader(stepped.database, "alerts"),
    ).look()

    assert ["The lamp is out." in (one.text or "") for one in stepped.said(space)] == [True]


def test_a_space_without_the_bot_is_an_alert_until_the_bot_is_added(stepped: SteppedBot) -> None:
    space = stepped.world.add_space("Operators", [stepped.setup.ada])
    check = operators_space.check(space.id, stepped.chat.spaces, stepped.database, stepped.clock)

    assert check.look() == NOT_IN_SPACE
    stepped.world.join(space, stepped.setup.bot)
    assert check.look() is None
    calls = stepped.calls("GET", "/v1/rooms")
    assert check.look() is None
    assert stepped.calls("GET", "/v1/rooms") == calls, "found once is enough"


def test_while_webex_is_away_nobody_knows(stepped: SteppedBot) -> None:
    check = operators_space.check(stepped.setup.group.id, stepped.chat.spaces, stepped.database, stepped.clock)
    stepped.emulator.faults.add(path="/v1/rooms", status=503)

    with pytest.raises(WebexError):
        check.look()
    stepped.emulator.faults.clear()
    assert check.look() is None
