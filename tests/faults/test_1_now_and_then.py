"""Issue 4, item 1: a Webex that fails now and then, at any call, delays an answer by seconds and not by minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live_bot import CSV

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

SOON = {"Retry-After": "1"}


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
def test_when_calls_fail_the_card_and_the_file_come_soon_and_once(live: LiveBot, fails: dict[str, Any]) -> None:
    report = live.partner_report("Calling Usage")
    ada = live.at(live.ada, live.group)
    fault = live.emulator.faults.add(host="api", **fails)

    line = ada.says(f"report {report.id}")

    assert line.file().content == CSV
    assert [("card" if one.card else "file") for one in line.answers()] == ["card", "file"]
    assert fault.hits > 1


@pytest.mark.parametrize("fails", [{"status": 503}, {"cut": "before"}, {"status": 429, "headers": SOON}])
def test_a_download_host_that_fails_twice_is_asked_again(live: LiveBot, fails: dict[str, Any]) -> None:
    fault = live.emulator.faults.add("GET", host="download", times=2, **fails)

    line = live.at(live.ada, live.group).says(f"report {live.partner_report().id}")

    assert line.file()
    assert fault.hits == 2
    assert len(live.emulator.calls.calls_to("GET", "/v1/partner/reports/*")) == 1, "the card's details have the link"


def test_a_title_in_any_letters_comes_with_its_file(live: LiveBot) -> None:
    title = "Verbräuche ﬁnal 日本 📊 “Q1”"

    line = live.at(live.ada, live.group).says(f"report {live.partner_report(title).id}")

    assert title in line.card().shown
    assert line.file().content == CSV
