"""Issue 4, item 1: a Webex that fails now and then, at any call, delays an answer by seconds and not by minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.stage import CSV

if TYPE_CHECKING:
    from tests.stage import Stage

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
def test_when_calls_fail_the_card_and_the_file_come_soon_and_once(stage: Stage, fails: dict[str, Any]) -> None:
    report = stage.partner_report("Calling Usage")
    ada = stage.at(stage.ada, stage.group)
    fault = stage.emulator.faults.add(host="api", **fails)

    line = ada.says(f"report {report.id}")

    assert line.file().content == CSV
    assert [("card" if one.card else "file") for one in line.answers()] == ["card", "file"]
    assert fault.hits > 1


@pytest.mark.parametrize("fails", [{"status": 503}, {"cut": "before"}, {"status": 429, "headers": SOON}])
def test_a_download_host_that_fails_twice_is_asked_again(stage: Stage, fails: dict[str, Any]) -> None:
    fault = stage.emulator.faults.add("GET", host="download", times=2, **fails)

    line = stage.at(stage.ada, stage.group).says(f"report {stage.partner_report().id}")

    assert line.file()
    assert fault.hits == 2
    assert len(stage.emulator.calls.calls_to("GET", "/v1/partner/reports/*")) == 1, "the card's details have the link"


def test_a_title_in_any_letters_comes_with_its_file(stage: Stage) -> None:
    title = "Verbräuche ﬁnal 日本 📊 “Q1”"

    line = stage.at(stage.ada, stage.group).says(f"report {stage.partner_report(title).id}")

    assert title in line.card().shown
    assert line.file().content == CSV
