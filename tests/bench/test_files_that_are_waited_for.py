"""The bench waits only for files that come: requests that are open together are for different reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tests.bench.__main__ import WARM_UP_EVENTS
from tests.bench.cards import IN_A_BLOCK, WARM_UP
from tests.bench.world import REPORTS_EACH, World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """With a webhook, whose events nobody delivers."""
    with World() as made:
        to = made.addresses
        hook = {"name": "messages", "resource": "messages", "event": "created", "targetUrl": "http://127.0.0.1:9/"}
        head = {"Authorization": f"Bearer {to.bot_token}"}
        requests.post(f"{to.api}/webhooks", json=hook, headers=head, timeout=10).raise_for_status()
        yield made


@pytest.mark.parametrize("each", [WARM_UP_EVENTS, IN_A_BLOCK, WARM_UP])
def test_a_sender_has_a_report_for_each_request_whose_file_is_waited_for(world: World, each: int) -> None:
    (row,) = world.ask(1, each)
    assert len({one.report_id for one in row}) == each


def test_a_file_that_may_not_come_is_not_waited_for_but_said(world: World) -> None:
    with pytest.raises(ValueError, match="some would get no file"):
        world.files_at(world.ask(1, REPORTS_EACH + 1))
