"""The worker's start, as processes of a deploy come and go."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bot import app
from bot.emulator import Emulator
from tests.live_bot import LiveBot

if TYPE_CHECKING:
    from pathlib import Path


def test_a_worker_that_is_stopped_before_its_database_is_migrated_ends_quietly(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with Emulator() as emulator:
        services = app.build_services(LiveBot(emulator, tmp_path / "data").settings())

        app.build_worker(services).run(stop)

        services.close()
