"""``OPERATORS_SPACE`` in any spelling: alerts stand in the space, whose ID Webex may spell otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import ids
from bot.errors import WebexError
from bot.messages.alerts import NOT_IN_SPACE
from bot.ops.alerts import Alerts, Check
from bot.ops.checks import operators_space
from bot.settings import load

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.core.workbench import Workbench

SPELLINGS = [
    "{uuid}",
    "webexteams://im?space={uuid}",
    "https://web.webex.com/spaces/{uuid}",
    "ciscospark://us/ROOM/{uuid}",
    "{us}",
    "{id}==",
]


def in_another_cluster(bench: Workbench) -> Space:
    """Return a space of the bot's whose ID names a cluster, as Webex gives it to people outside the United States."""
    space = bench.world.add_space("Operators", [bench.stage.ada, bench.stage.bot])
    bench.world.move_space(space, "nothing")  # before the bot is there to hear of it
    return space


def setting(bench: Workbench, written: str, space: Space) -> str:
    uuid = ids.plain_part(space.id)
    bench.stage.environ["OPERATORS_SPACE"] = written.format(uuid=uuid, us=ids.webex_id(ids.ROOM, uuid), id=space.id)
    read = load(bench.stage.environ).operators_space
    assert read is not None
    return read


@pytest.mark.parametrize("written", SPELLINGS)
def test_alerts_are_told_there_however_the_space_is_written(bench: Workbench, written: str) -> None:
    space = in_another_cluster(bench)
    wanted = setting(bench, written, space)
    check = operators_space.check(wanted, bench.chat.spaces, bench.database, bench.clock)
    lamp = Check("lamp", lambda: "The lamp is out.", "It is lit again.")

    Alerts(bench.database, bench.outbox, wanted, [check, lamp], bench.clock).look()

    assert ["The lamp is out." in (one.text or "") for one in bench.said(space)] == [True]


def test_a_space_without_the_bot_is_an_alert_until_the_bot_is_added(bench: Workbench) -> None:
    space = bench.world.add_space("Operators", [bench.stage.ada])
    check = operators_space.check(space.id, bench.chat.spaces, bench.database, bench.clock)

    assert check.look() == NOT_IN_SPACE
    bench.world.join(space, bench.stage.bot)
    assert check.look() is None
    calls = bench.calls("GET", "/v1/rooms")
    assert check.look() is None
    assert bench.calls("GET", "/v1/rooms") == calls, "found once is enough"


def test_while_webex_is_away_nobody_knows(bench: Workbench) -> None:
    check = operators_space.check(bench.stage.group.id, bench.chat.spaces, bench.database, bench.clock)
    bench.emulator.faults.add(path="/v1/rooms", status=503)

    with pytest.raises(WebexError):
        check.look()
    bench.emulator.faults.clear()
    assert check.look() is None
