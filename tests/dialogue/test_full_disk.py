"""A disk that is nearly full: a person is told at once, and what came by itself waits for room."""

from __future__ import annotations

import shutil
from collections import namedtuple
from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.files import storage
from tests.origin_rows import add_subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stepped_bot import SteppedBot

Usage = namedtuple("Usage", ["total", "used", "free"])  # noqa: PYI024 as shutil has it
FULL = "The bot's disk is nearly full, so the file wasn't downloaded."
AN_HOUR = 3600.0


@pytest.fixture
def frees(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have a subscription in the group space, and no room on the disk; return what frees it."""
    add_subscription(stepped.database, stepped.setup.ada, stepped.setup.group, stepped.clock(), family="partner")
    stepped.live_through(120)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 9 * 10**8, storage.KEEP_FREE - 1))
    return monkeypatch.undo


def said(stepped: SteppedBot) -> str:
    return "\n".join(one.markdown or one.text or "" for one in stepped.said(stepped.setup.group))


def files(stepped: SteppedBot) -> int:
    return sum(bool(one.files) for one in stepped.said(stepped.setup.group))


def test_a_subscriptions_report_is_posted_when_there_is_room(stepped: SteppedBot, frees: Callable[[], None]) -> None:
    stepped.setup.partner_report("Calling Usage")
    stepped.live_through(5 * AN_HOUR)
    assert said(stepped) == ""
    assert stepped.request().last_error == FULL
    assert stepped.downloads == 0, "Webex allows 30"

    frees()
    stepped.live_through(1.5 * AN_HOUR)

    assert files(stepped) == 1


def test_without_room_until_the_deadline_it_is_told_why(stepped: SteppedBot, frees: Callable[[], None]) -> None:
    stepped.setup.partner_report("Calling Usage")
    stepped.live_through(27 * AN_HOUR)
    assert stepped.request().state is State.EXPIRED
    assert f"failed. {FULL} I've stopped trying. It stays active." in said(stepped)

    frees()
    stepped.live_through(2 * AN_HOUR)
    assert files(stepped) == 0


def test_who_asks_is_told_at_once_and_the_subscription_waits_on(stepped: SteppedBot, frees: Callable[[], None]) -> None:
    report = stepped.setup.partner_report("Calling Usage")
    stepped.live_through(600)
    stepped.receive(stepped.setup.grace, f"report {report.id}")
    stepped.work()

    (card,) = stepped.said(person=stepped.setup.grace)
    assert f"{FULL} Ask again when the people who run this bot have freed some space." in (card.markdown or "")
    frees()
    stepped.live_through(1.5 * AN_HOUR)
    assert files(stepped) == 1


def test_a_subscriptions_report_waits_for_the_admin_token_too(stepped: SteppedBot, frees: Callable[[], None]) -> None:
    stepped.setup.partner_report("Calling Usage")
    stepped.live_through(600)
    frees()
    stepped.emulator.faults.add("GET", "/v1/partner/reports/*", status=403, times=None)
    stepped.live_through(3 * AN_HOUR)
    assert files(stepped) == 0

    stepped.emulator.faults.clear()
    stepped.live_through(1.5 * AN_HOUR)
    assert files(stepped) == 1
