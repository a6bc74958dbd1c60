"""A thousand subscriptions cost no call more than the list, and next to no processor while nothing is new."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bot.db import ready_reports, subscriptions
from bot.reports.watch import Watch
from bot.webex.report_lists import ReportList

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot

SUBSCRIPTIONS, LISTED, ROUNDS = 1000, 200, 10
MOST = 0.05
"""Seconds of a processor for a round: a third of one percent at a round each 15 seconds, on a slow machine."""


def test_a_round_of_a_thousand_subscriptions_with_nothing_new_is_cheap(stepped: SteppedBot) -> None:
    setup = stepped.setup
    with stepped.database.begin() as tx:
        for number in range(SUBSCRIPTIONS):
            values = {"reference": f"R{number}", "event_key": f"messages:{number}", "person_id": setup.ada.id}
            where = {"room_id": setup.group.id, "room_type": "group", "created_at": stepped.clock()}
            assert subscriptions.add(tx, values | where | {"words": f"calling usage {number % 100}"})
    for number in range(LISTED):
        setup.partner_report(f"Calling Usage {number}")
    watch, which = Watch(stepped.services), ReportList("partner")
    stepped.emulator.calls.clear()
    for _ in range(2):
        watch.run(which.key)
    assert len(stepped.emulator.calls) == stepped.calls("GET", "/v1/partner/reports") == 2

    listed = stepped.services.catalog.listing(*which)
    stepped.services.catalog.listing = lambda *_: listed  # type: ignore[method-assign]
    stepped.emulator.calls.clear()
    began = time.process_time()
    for _ in range(ROUNDS):
        watch.run(which.key)
    seconds = (time.process_time() - began) / ROUNDS

    assert len(stepped.emulator.calls) == 0
    assert seconds < MOST
    with stepped.database.begin() as tx:
        assert ready_reports.unseen(tx, which, listed, stepped.clock()) == ([], False)
