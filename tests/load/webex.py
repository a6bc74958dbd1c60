"""Webex at its real pace: 150 to 400 ms a call, and 429 to a token that calls more often than it may."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.bench.world import Asked, EmulatorControl, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection

    from bot.emulator import Emulator
    from bot.emulator.things import Space

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


@dataclass(frozen=True)
class Thread:
    """A message that asks for a report, and the card under it; by their IDs."""

    room: str
    asked: str
    card: str


@dataclass(frozen=True)
class OpenRequests:
    """The reports' IDs, the message that asks for the first, and all the others."""

    reports: list[str]
    asked: Asked
    threads: list[Thread]


class Limited:
    """A WSGI application before Webex's."""

    def __init__(
        self, application: Any, latency: tuple[float, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._application = application
        self._latency = latency
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[str, deque[float]] = defaultdict(deque)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        time.sleep(random.uniform(*self._latency))
        now, token = self._clock(), environ.get("HTTP_AUTHORIZATION", "")
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


class LoadControl(EmulatorControl):
    """What the load asks of the emulator besides."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        gate = emulator._api_gate
        gate._application = self._limited(gate._application)

    def _limited(self, application: Any) -> Limited:
        return Limited(application, LATENCY)

    def open_requests(self, reports: int, spaces: int, requests: int) -> OpenRequests:
        """Have so many reports that do not get ready, and messages in so many spaces that one of them was asked for."""
        world = self._emulator.world
        made = [
            world.add_report(family="partner", title=f"Waits {number}", status="In progress")
            for number in range(reports)
        ]
        rooms = [world.add_space(f"Space {number}", [self._people[0], self._bot]) for number in range(spaces)]
        asked = self.ask_for(made[0].id)
        threads = [self._thread(rooms[number % spaces]) for number in range(1, requests)]
        world.undelivered.clear()
        for room in rooms:  # else the bot looks into each for what it has missed
            room.created = room.last_activity = world.clock() - A_DAY
        return OpenRequests([one.id for one in made], asked, threads)

    def _thread(self, room: Space) -> Thread:
        world = self._emulator.world
        asked = world.say(self._people[0], room, "report", mention=self._bot)
        card = world.post(self._bot, room, markdown="In progress", attachments=[{}], parent_id=asked.id)
        asked.created = card.created = world.clock() - A_DAY  # no event tells the bot of it, so it would be missed
        return Thread(room.id, asked.id, card.id)

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


def serve_at_pace(calls: Connection, news: Connection) -> None:
    """The emulator's process."""
    serve(calls, news, LoadControl)
