"""Issue 4, item 1: a Webex that fails now and then, at any call, delays an answer by seconds and not by minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.webex.retry import WAITS
from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

SOON = {"Retry-After": "1"}
SECONDS = 30.0


@pytest.fixture
def retrying(stepped: SteppedBot) -> SteppedBot:
    """The program with the quick retries of production."""
    stepped.quick_retries = WAITS
    stepped.restart()
    return stepped


def asked(stepped: SteppedBot) -> list[str]:
    """Ask for a report, and return what was said when nothing waits any more; it must be there soon."""
    report = stepped.setup.partner_report("Calling Usage")
    begin = stepped.clock.seconds()
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    while stepped.next_wait() is not None:
        stepped.wait_for_next()
        assert stepped.clock.seconds() - begin < SECONDS
    assert stepped.clock.seconds() - begin < SECONDS
    said = stepped.said(stepped.setup.group)
    assert [one.files[0].path.read_bytes() for one in said if one.files] == [CSV]
    return ["card" if one.card else "file" for one in said]


@pytest.mark.parametrize(
    "fails",
    [
        {"every": 4, "status": 429, "headers": SOON},
        {"every": 2, "status": 429},
        {"every": 2, "method": "GET", "status": 500},
        {"every": 2, "method": "GET", "cut": "before"},
        {"times": 2, "method": "POST", "status": 503},
    ],
    ids=str,
)
def test_when_calls_fail_the_card_and_the_file_come_soon_and_once(retrying: SteppedBot, fails: dict[str, Any]) -> None:
    fault = retrying.emulator.faults.add(host="api", **fails)

    assert asked(retrying) == ["card", "file"]
    assert fault.hits > 1


@pytest.mark.parametrize("fails", [{"status": 503}, {"cut": "before"}, {"status": 429, "headers": SOON}])
def test_a_download_host_that_fails_twice_is_asked_again(retrying: SteppedBot, fails: dict[str, Any]) -> None:
    fault = retrying.emulator.faults.add("GET", host="download", times=2, **fails)

    assert asked(retrying) == ["card", "file"]
    assert fault.hits == 2
    assert retrying.calls("GET", "/v1/partner/reports/*") == 1, "the card's details have the link"


def test_a_title_in_any_letters_comes_with_its_file(live: LiveBot) -> None:
    title = "Verbräuche ﬁnal 日本 📊 “Q1”"

    line = live.at(live.ada, live.group).says(f"report {live.partner_report(title).id}")

    assert title in line.card().shown
    assert line.file().content == CSV
