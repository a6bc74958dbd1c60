"""The webhook secret is rotated without a single event lost: both verify, ``manifest apply`` signs with the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from structlog.testing import capture_logs

from bot.cli import manifest
from bot.emulator import Emulator
from tests.live_bot import OPS, PATIENCE, LiveBot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, NEW = "the old secret 0123456789", "the new secret 0123456789"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveBot]:
    with Emulator() as emulator:
        yield LiveBot(emulator, tmp_path / "data")


def apply(live: LiveBot, secrets: str, url: str) -> None:
    """Set the variable, and run ``reportbot manifest apply``."""
    live.environ |= {"WEBEX_WEBHOOK_SECRET": secrets, "PUBLIC_URL": url}
    assert manifest.apply(live.settings(), lambda _line: None) == 0


def signed_with(live: LiveBot) -> set[str | None]:
    return {hook.secret for hook in live.emulator.world.webhooks.values()}


def answers(live: LiveBot) -> None:
    """The bot answers, so its web process took the event."""
    live.at(live.ada).says("help").card()


def test_rotation_from_the_old_secret_to_the_new_one(live: LiveBot):
    world = live.emulator.world
    live.environ["WEBEX_WEBHOOK_SECRET"] = OLD
    with live.program() as url:
        apply(live, OLD, url)
        answers(live)
    live.emulator.deliver_webhooks = True

    # 1. Both are set, the new one first, and the bot starts again: Webex still signs with the old one.
    live.environ["WEBEX_WEBHOOK_SECRET"] = f"{NEW},{OLD}"
    with live.program() as url:
        for hook in world.webhooks.values():
            hook.target_url = f"{url}/webhooks/webex"
        assert signed_with(live) == {OLD}
        answers(live)
        # 2. The release's own command registers the new one, while the program runs.
        apply(live, f"{NEW},{OLD}", url)
        assert signed_with(live) == {NEW}
        answers(live)
        assert requests.get(f"{url}/readyz", headers=OPS, timeout=5).json()["rejected_calls"] == {"last_5_minutes": 0}
    live.emulator.deliver_webhooks = True

    # 3. The old one is taken away.
    with capture_logs():
        live.environ["WEBEX_WEBHOOK_SECRET"] = NEW
        with live.program() as url:
            apply(live, NEW, url)
            answers(live)
            assert 401 not in {each.status for each in world.deliveries}
            before = len(world.deliveries)
            for hook in world.webhooks.values():
                hook.secret = OLD
            world.say(live.ada, world.direct_space(live.ada, live.bot), "help")
            world.wait_for(lambda one: any(each.status == 401 for each in one.deliveries[before:]), timeout=PATIENCE)
