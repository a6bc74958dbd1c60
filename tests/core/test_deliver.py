"""The file: what happens between a report that is done and its file in the space."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from bot import tasks
from bot.ledger.deliveries import State
from bot.reports import deliver
from tests.stage import CSV

if TYPE_CHECKING:
    from tests.core.workbench import Workbench


def test_the_steps_come_in_order(bench: Workbench) -> None:
    """Details anew, policy again, the download, the post: after the card, each asked of Webex anew."""
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    bench.emulator.calls.clear()

    bench.work()

    steps = [f"{call.method} {call.path.rsplit('/', 1)[-1]}" for call in bench.emulator.calls]
    assert steps == [f"GET {report.id}", "GET memberships", "GET api", "GET memberships", "POST messages"]
    assert bench.delivery().state is State.DONE
    assert [one.files[0].path.read_bytes() for one in bench.said(bench.stage.group) if one.files] == [CSV]
    assert list(bench.folder.iterdir()) == [], "the file is removed afterwards"
