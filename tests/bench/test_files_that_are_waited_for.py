"""The bench waits only for files that come: those of requests that are the only ones for their report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

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


def test_requests_whose_files_are_waited_for_are_each_for_another_report(world: World) -> None:
    rows = [world.ask_once(2, 4, first) for first in (0, 4, 8)]
    asked = [one for row in rows for sender in row for one in sender]
    assert len({one.report_id for one in asked}) == len(asked) == 24


def test_a_file_that_may_not_come_is_not_waited_for_but_said(world: World) -> None:
    with pytest.raises(ValueError, match="may get no file"):
        world.files_at(world.ask(1, REPORTS_EACH + 1))
