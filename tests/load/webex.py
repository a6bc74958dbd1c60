"""Webex at its real pace: 150 to 400 ms a call, and 429 to a token that calls more often than it may."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.bench.world import Asked, Puppet, play

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

    from bot.emulator import Emulator

LATENCY: Final = (0.15, 0.40)
WINDOW: Final = 60.0
MOST_IN_A_MINUTE: Final = 300
A_DAY: Final = 86_400.0


@dataclass(frozen=True)
class Counted:
    """The calls of the API since they were counted last, by whose token it was (bot or admin)."""

    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Answered with 429."""
    busiest: dict[str, int] = field(default_factory=dict)
    """The most in any minute."""


class Limited:
    """A WSGI application before Webex's."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._taken: dict[str, deque[float]] = defaultdict(deque)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        time.sleep(random.uniform(*LATENCY))
        now, token = time.monotonic(), environ.get("HTTP_AUTHORIZATION", "")
        with self._lock:
            taken = self._taken[token]
            while taken and taken[0] < now - WINDOW:
                taken.popleft()
            wait = taken[0] + WINDOW - now if len(taken) >= MOST_IN_A_MINUTE else 0.0
            if not wait:
                taken.append(now)
        if not wait:
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        head = [("Retry-After", str(int(wait) + 1)), ("Content-Type", "application/json")]
        start_response("429 Too Many Requests", head)
        return [b'{"message": "Too many requests"}']


class LoadPuppet(Puppet):
    """What the load asks of the emulator besides."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        gate = emulator._api_gate
        gate._application = Limited(gate._application)

    def crowd(self, reports: int, spaces: int) -> tuple[list[str], list[str], Asked]:
        """Have so many reports that do not get ready, and spaces; also a message that asks for the first."""
        world = self._emulator.world
        made = [
            world.add_report(family="partner", title=f"Waits {number}", status="In progress")
            for number in range(reports)
        ]
        rooms = [world.add_space(f"Space {number}", [self._people[0], self._bot]) for number in range(spaces)]
        for room in rooms:  # else the bot looks into each for what it has missed
            room.created = room.last_activity = time.time() - A_DAY
        return [one.id for one in made], [one.id for one in rooms], self.ask_for(made[0].id)

    def counted(self) -> Counted:
        """Count the calls since the last time."""
        calls = [call for call in self._emulator.calls if call.host == "api" and call.token_owner is not None]
        self._emulator.calls.clear()
        found = Counted()
        at: dict[str, list[float]] = defaultdict(list)
        for call in calls:
            whose = "bot" if call.token_owner == self._bot else "admin"
            found.calls[whose] += 1
            found.refused[whose] += call.status == 429
            at[whose].append(call.at)
        for whose, times in at.items():
            times.sort()
            first = 0
            for last, moment in enumerate(times):
                while times[first] < moment - WINDOW:
                    first += 1
                found.busiest[whose] = max(found.busiest.get(whose, 0), last - first + 1)
        return found


def play_at_pace(calls: Connection, news: Connection) -> None:
    """The emulator's process."""
    play(calls, news, LoadPuppet)
