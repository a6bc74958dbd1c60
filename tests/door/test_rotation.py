"""The webhook secret is rotated without a single event lost: both verify, ``manifest apply`` signs with the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from structlog.testing import capture_logs

from bot.cli import manifest
from bot.emulator import Emulator
from tests.stage import OPS, PATIENCE, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, NEW = "the old secret 0123456789", "the new secret 0123456789"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Emulator() as emulator:
        yield Stage(emulator, tmp_path / "data")


def apply(stage: Stage, secrets: str, door: str) -> None:
    """Set the variable, and run ``reportbot manifest apply``."""
    stage.environ |= {"WEBEX_WEBHOOK_SECRET": secrets, "PUBLIC_URL": door}
    assert manifest.apply(stage.settings(), lambda _line: None) == 0


def signed_with(stage: Stage) -> set[str | None]:
    return {hook.secret for hook in stage.emulator.world.webhooks.values()}


def answers(stage: Stage) -> None:
    """The bot answers, so its door took the event."""
    stage.at(stage.ada).says("help").card()


def test_rotation_from_the_old_secret_to_the_new_one(stage: Stage):
    world = stage.emulator.world
    stage.environ["WEBEX_WEBHOOK_SECRET"] = OLD
    with stage.program() as door:
        apply(stage, OLD, door)
        answers(stage)
    stage.emulator.deliver_webhooks = True

    # 1. Both are set, the new one first, and the bot starts again: Webex still signs with the old one.
    stage.environ["WEBEX_WEBHOOK_SECRET"] = f"{NEW},{OLD}"
    with stage.program() as door:
        for hook in world.webhooks.values():
            hook.target_url = f"{door}/webhooks/webex"
        assert signed_with(stage) == {OLD}
        answers(stage)
        # 2. The release's own command registers the new one, while the program runs.
        apply(stage, f"{NEW},{OLD}", door)
        assert signed_with(stage) == {NEW}
        answers(stage)
        assert requests.get(f"{door}/readyz", headers=OPS, timeout=5).json()["rejected_calls"] == {"last_5_minutes": 0}
    stage.emulator.deliver_webhooks = True

    # 3. The old one is taken away.
    with capture_logs():
        stage.environ["WEBEX_WEBHOOK_SECRET"] = NEW
        with stage.program() as door:
            apply(stage, NEW, door)
            answers(stage)
            for hook in world.webhooks.values():
                hook.secret = OLD
            world.say(stage.ada, world.direct_space(stage.ada, stage.bot), "help")
            world.wait_for(lambda one: one.deliveries[-1].status == 401, timeout=PATIENCE)
