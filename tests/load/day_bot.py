"""The bot of the simulated day: web and worker in one process, as in the demo, by a clock that runs fast."""

from __future__ import annotations

import threading
import time
from typing import Final

from bot import process
from bot.cli import demo_bot
from bot.cli.demo_clock import MovingClock

TIMES: Final = 120.0
"""How much faster the clock runs: a day takes twelve minutes."""


class FastClock(MovingClock):
    """A clock that runs fast while it is moved; what waits by it waits as much shorter."""

    def __init__(self) -> None:
        super().__init__(TIMES - 1)  # the machine's own second comes on top

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds / TIMES if self.moves else seconds)


class FastStop(threading.Event):
    """What the bot's rounds wait for, each time until the next round: these come as much sooner."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the stop."""
        return super().wait(None if timeout is None else timeout / TIMES)


if __name__ == "__main__":
    process.limit_malloc_arenas()
    process.limit_thread_stacks()
    process.set_thread_switch_interval()
    demo_bot.run(FastClock(), FastStop())
