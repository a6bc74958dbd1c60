from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where there is no /proc, from which they read every process and its memory."""
    if sys.platform != "linux":
        for item in items:
            if "tests/killed" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="needs Linux: it finds processes and their memory in /proc"))


@pytest.fixture
def live(stage_alone: LiveBot) -> LiveBot:
    """Here the program runs in processes of its own."""
    return stage_alone
