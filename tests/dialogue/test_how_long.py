"""How long a report usually takes here is told while it is waited for, and times the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live_bot import BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Space
    from tests.stepped_bot import SteppedBot

SIX_MINUTES = 360.0
LISTS = {"partner": "/v1/partner/reports", "organization": "/v1/reports"}
FAMILIES = pytest.mark.parametrize("family", ["partner", "organization"])


def ask(stepped: SteppedBot, family: str, *, seconds: float, space: Space | None = None, **more: Any) -> Any:
    """Have Ada ask for a report that Webex begins to generate now and that takes so long."""
    make = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    report = make("Usage", status="waiting", ready_after_seconds=seconds, **more)
    report.first_asked = stepped.clock.seconds()
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work()
    return report


def until_ready(stepped: SteppedBot) -> float:
    """Let time pass until nobody waits any more; return how long that took."""
    began = stepped.clock.seconds()
    while stepped.next_wait() is not None:
        stepped.wait_for_next()
    return stepped.clock.seconds() - began


def shown(stepped: SteppedBot, space: Space | None) -> str:
    """Return the texts of the newest card."""
    return next(BotMessage(one).shown for one in reversed(stepped.said(space)) if one.card)


@FAMILIES
@pytest.mark.parametrize("group", [False, True])
def test_the_fourth_person_is_told_how_long_it_usually_takes(stepped: SteppedBot, family: str, group: bool) -> None:
    space = stepped.setup.group if group else None
    for _ in range(3):
        ask(stepped, family, seconds=SIX_MINUTES, space=space)
        assert "Usually" not in shown(stepped, space)
        until_ready(stepped)

    ask(stepped, family, seconds=SIX_MINUTES, space=space)
    assert "I'll stop waiting on " in shown(stepped, space)
    assert "UTC. Usually about 6 min here.\n" in shown(stepped, space)

    until_ready(stepped)
    assert "Usually" not in shown(stepped, space), "it is ready"
    ask(stepped, family, seconds=SIX_MINUTES, space=space, start="2026-01-01", end="2026-01-02")
    assert "Usually" not in shown(stepped, space), "nothing is known of reports for two days"


@FAMILIES
def test_what_is_known_saves_calls_and_time(stepped: SteppedBot, family: str) -> None:
    figures = []
    for _ in range(4):
        stepped.emulator.calls.clear()
        ask(stepped, family, seconds=SIX_MINUTES)
        took = until_ready(stepped)
        figures.append((stepped.calls("GET", LISTS[family]), took - SIX_MINUTES))
    *_, (calls_before, late_before), (calls, late) = figures

    assert calls < calls_before / 2
    assert late <= late_before
    assert late <= 2 * stepped.services.poll_interval


def test_what_was_ready_when_it_was_asked_for_is_not_measured(stepped: SteppedBot) -> None:
    for _ in range(3):
        stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report('Usage').id}")
        stepped.work()
    assert [stepped.report(number).seconds_to_ready for number in (1, 2, 3)] == [None] * 3


def test_a_refreshed_card_says_truly_when_it_is_checked_next(stepped: SteppedBot) -> None:
    ask(stepped, "partner", seconds=100_000)
    for _ in range(40):
        stepped.wait_for_next()
    assert (stepped.next_wait() or 0) > 30

    card = stepped.said()[-1]
    stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Refresh"])
    stepped.work()

    assert "next check within 10 s" in shown(stepped, None)
    assert (stepped.next_wait() or 0) <= 10
