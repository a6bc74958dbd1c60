"""The answer to a post is lost in a group space, whose threads Webex most likely shows no bot: it cannot look.

Where it can is tried all over ``tests/core/test_outbox.py`` and ``tests/faults``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from tests.core.posting import GENTLY

if TYPE_CHECKING:
    from bot.emulator.faults import Cut
    from tests.stepped_bot import SteppedBot

FILE = 1
"""Posts before the file's: the card."""


@pytest.mark.parametrize(("cut", "files"), [("after", 1), ("before", 0)])
def test_a_file_that_may_be_there_is_told_and_never_posted_again(stepped: SteppedBot, cut: Cut, files: int) -> None:
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut=cut, skip=FILE, times=1)
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    for _ in range(3):
        stepped.wait(GENTLY)

    there = stepped.said(stepped.setup.group)
    assert len([one for one in there if one.files]) == files
    assert stepped.request().state is State.UNSURE
    assert [one.text or "" for one in there if "check" in (one.text or "")], [one.text for one in there]
    assert stepped.next_wait() is None


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_card_that_may_be_there_holds_up_no_file(stepped: SteppedBot, cut: Cut) -> None:
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut=cut, times=1)
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    for _ in range(3):
        stepped.wait(GENTLY)

    there = stepped.said(stepped.setup.group)
    assert len([one for one in there if one.files]) == 1
    assert len([one for one in there if one.card]) <= 1
