"""One run: the plan is carried out, everything recovers, and within a deadline every question must have its ending."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from bot.emulator import Emulator
from tests.chaos import plan as plans
from tests.chaos.callers import Callers
from tests.chaos.people import People
from tests.chaos.plan import Appear, Ask, Due, Freeze, Kill, Lock, Order, Outage, Press, Restart, Step, Trouble
from tests.chaos.receiver import Receiver
from tests.chaos.stores import PostgresqlStore, SqliteStore
from tests.chaos.system import System
from tests.chaos.unasked import Unasked
from tests.chaos.unasked_verdict import UnaskedVerdict
from tests.chaos.verdict import Tables, Verdict, read
from tests.chaos.webhook_sender import WebhookSender
from tests.live_bot import LiveBot
from tests.postgresql import Databases, server
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.emulator.faults import Fault
    from tests.chaos.stores import Store
    from tests.postgresql import Server

TICK = 0.02
PROGRESS_SECONDS = 15.0
LOOK = 0.5
MUST_BE_FOUND_WITHIN = 45.0
"""Seconds. A webhook that is lost while the web process lives is found at its next start, which looks back two minutes
behind its last sign of life. So someone starts it again in time, as a deploy would."""
READABLE_WITHIN = 30.0
"""Seconds. While a new process recovers what a killed one left of the database, nobody else can read it."""
SUBSCRIPTIONS = 3
RECOVERS_WITHIN = 150.0
"""Seconds from the end of all trouble to the ending of every question: waits between tries go up to a minute."""


@dataclass
class Outcome:
    """What a run came to."""

    seed: int
    requests: int
    presses: int
    kills: int
    faults: int
    deliveries_of_webhooks: dict[str, int]
    webhooks_silenced: int
    presses_lost: int
    seconds_to_recover: float
    verdict: Verdict
    unasked: UnaskedVerdict
    calls: dict[str, int]
    told_otherwise: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing said twice that could be known."""
        return not self.lost and not self.twice

    @property
    def lost(self) -> list[str]:
        """Return what was lost."""
        return self.verdict.lost + self.unasked.lost

    @property
    def twice(self) -> list[str]:
        """Return what was said or done twice."""
        return self.verdict.twice + self.unasked.twice

    def figures(self) -> dict[str, Any]:
        """Return what is printed, by name."""
        otherwise = ", ".join(f"{reason} {number}" for reason, number in sorted(self.told_otherwise.items()))
        return {
            "seed": self.seed,
            "requests": f"{self.requests}, and {self.presses} presses",
            "webhooks": ", ".join(f"{fate} {number}" for fate, number in sorted(self.deliveries_of_webhooks.items())),
            "silenced by Webex": self.webhooks_silenced,
            "kills": self.kills,
            "faults injected": self.faults,
            "delivered": self.verdict.delivered,
            "told otherwise": f"{sum(self.told_otherwise.values())} ({otherwise})",
            "presses lost with their webhook": self.presses_lost,
            "unknown": self.verdict.unknown,
            "said twice, unknowable": self.verdict.unknowable,
            **self.unasked.figures(),
            "calls of the API": ", ".join(f"{status} {number}" for status, number in sorted(self.calls.items())),
            "seconds to recover": round(self.seconds_to_recover, 1),
            "lost": len(self.lost),
            "said twice": len(self.twice),
        }


class Run:
    """Everything of one run; `play` it once."""

    def __init__(self, emulator: Emulator, folder: Path, seed: int, server: Server | None = None) -> None:
        self.seed = seed
        self.emulator = emulator
        self._folder = folder
        shared: dict[str, str] = {}
        self.store: Store = SqliteStore(folder / "data" / "reportbot.db")
        if server is not None:
            databases = Databases(server.url, "chaos")
            url = databases.empty()
            databases.close()
            self.store = PostgresqlStore(server, url)
            shared = {"DATABASE_URL": url, "SECRET_KEY": "k" * 32}
        environ = {"POLL_INTERVAL": "0.3", "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"} | shared
        self.setup = LiveBot(emulator, folder / "data", **environ)
        self.sender = WebhookSender(emulator)
        self.people = People(self.setup, self.sender)
        machines = [folder / "data"] if server is None else [folder / "data", folder / "data of another machine"]
        self.system = System(self.setup.environ, machines, folder / "log", random.Random(seed))
        self.unasked = Unasked(self.setup, self.sender)
        self.callers = Callers(self.setup, self.system.url, Receiver(seed))
        self._faults: list[Fault] = []
        self._locks: list[threading.Thread] = []
        self._began = 0.0
        self._next_progress = PROGRESS_SECONDS
        self._look_at_pauses = 0.0
        self._unpressed: list[Press] = []

    def play(self, steps: list[Step]) -> Outcome:
        """Carry out the steps, recover, and judge."""
        self.setup.register(self.system.url)
        try:
            self._until(self.store.has_started, "the first start")  # nothing from before it is answered
            self._begin_unasked(steps)
            self._began = time.monotonic()
            for step in steps:
                while self._now() < step.at:
                    self._tick()
                self._do(step)
            seconds = self._recover()
            return self._judged(seconds)
        finally:
            self.store.recover()
            self.system.stop()
            self.sender.close()
            self.callers.close()

    def _begin_unasked(self, steps: list[Step]) -> None:
        """Have the subscriptions stand and the schedules stored before there is trouble."""
        self.unasked.subscribe()
        self._until(self.unasked.confirm, "the question about all reports")
        self._until(lambda: len(self._tables().subscriptions) == SUBSCRIPTIONS, "the subscriptions")
        self._until(lambda: self._tables().looked_at, "the first look for subscriptions")
        self.callers.begin([step for step in steps if isinstance(step, Order)])
        self.unasked.plan([step for step in steps if isinstance(step, Due)])

    def _show_progress(self) -> None:
        if self._began and self._now() >= self._next_progress:
            print(f"  {self._now():.0f} s", flush=True)
            self._next_progress += PROGRESS_SECONDS

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _tick(self) -> None:
        """Let time pass: start what died, send the webhooks that are due, let reports fail."""
        self._show_progress()
        self.store.tick()
        self.system.tick()
        self.sender.send_due()
        self.people.fail_reports(self._now())
        self._resume()
        waiting = [since for since in self.sender.missed.values() if since > self.system.web_started]
        if waiting and time.monotonic() - min(waiting) > MUST_BE_FOUND_WITHIN:
            self.system.restart_web()
        time.sleep(TICK)

    def _resume(self) -> None:
        """Have what policy paused, for faults that were no policy, resumed by its owner."""
        now = time.monotonic()
        if self._began and now >= self._look_at_pauses and (tables := read(self.store)) is not None:
            self.unasked.resume(tables)
            self._look_at_pauses = now + LOOK

    def _until(self, what: Callable[[], bool], name: str) -> None:
        """Let time pass until something is so."""

        def so() -> bool:
            self._tick()
            return what()

        until(so, name)

    def _do(self, step: Step) -> None:
        match step:
            case Ask():
                self.people.ask(step)
            case Press():
                self._unpressed.append(step)
            case Trouble(fault=fault):
                self._faults.append(self.emulator.faults.add(**fault | {"headers": _headers(fault)}))
            case Kill(whom=whom, gently=gently):
                self.system.kill(whom, gently=gently)
            case Outage(seconds=seconds):
                self.system.outage(seconds)
                self.store.age()
            case Appear():
                self.unasked.appear(step)
            case Order():
                self.callers.order(step)
            case Lock() | Restart() | Freeze():
                self._disturb(step)
            case Due():
                pass  # by itself
        self._press()

    def _disturb(self, step: Lock | Restart | Freeze) -> None:
        match step:
            case Lock(seconds=seconds):
                thread = threading.Thread(target=self.store.hold_lock, args=(seconds,), daemon=True)
                thread.start()
                self._locks.append(thread)
            case Restart():
                self.store.restart()
            case Freeze(seconds=seconds):
                self.store.freeze(seconds)

    def _press(self) -> None:
        """Press what is to be pressed; on a slow machine the first cards come late, and people wait for one."""
        self._unpressed = [one for one in self._unpressed if not self.people.press(one)]

    def _recover(self) -> float:
        """End all trouble, let the web processes start once more if something was lost, and wait for every ending."""
        self.emulator.faults.clear()
        self.store.recover()
        for thread in self._locks:
            thread.join()
        self.people.fail_reports(self._now(), all_of_them=True)
        self._until(lambda: self.sender.empty, "the last webhook")
        if any(since > self.system.web_started for since in self.sender.missed.values()):
            self.system.restart_web()
        began = time.monotonic()
        deadline = began + RECOVERS_WITHIN
        repeated = False
        look = 0.0
        while time.monotonic() < deadline:
            self._tick()
            if time.monotonic() >= look:
                self._press()
                if self.callers.idle and not repeated:
                    self.callers.repeat()
                    repeated = True
                tables = self._tables()
                if (
                    self.sender.empty
                    and self.callers.idle
                    and not self._verdict(tables).lost + self._unasked(tables).lost
                ):
                    break
                look = time.monotonic() + LOOK
        return time.monotonic() - began

    def _tables(self) -> Tables:
        deadline = time.monotonic() + READABLE_WITHIN
        while (tables := read(self.store)) is None:
            assert time.monotonic() < deadline, "the database cannot be read"
            self._tick()
        return tables

    def _verdict(self, tables: Tables) -> Verdict:
        return Verdict(self.setup, self.people, self.sender.received, tables)

    def _unasked(self, tables: Tables) -> UnaskedVerdict:
        return UnaskedVerdict(self.setup, self.unasked, self.callers, tables)

    def _judged(self, seconds: float) -> Outcome:
        # Whatever is still on its way may yet be said a second time: wait until a question asked now is answered.
        last = Ask(self._now(), -1, "grace", "1:1", "help", "partner", "once")
        self.people.ask(last)
        self._until(
            lambda: seconds >= RECOVERS_WITHIN or not self._verdict(self._tables()).lost,
            "an answer to the last question",
        )
        tables = self._tables()
        self._keep(tables)
        verdict = self._verdict(tables)
        presses = [one.action_id for one in self.people.pressed]
        return Outcome(
            seed=self.seed,
            requests=len(self.people.asked) - 1,
            presses=len(presses),
            kills=self.system.signals,
            faults=sum(fault.hits for fault in self._faults),
            deliveries_of_webhooks=dict(self.sender.fates),
            webhooks_silenced=self.sender.silenced,
            presses_lost=sum(one not in self.sender.received for one in presses),
            seconds_to_recover=seconds,
            verdict=verdict,
            unasked=self._unasked(tables),
            calls=dict(self.callers.calls),
            told_otherwise=dict(verdict.otherwise),
        )

    def _keep(self, tables: Tables) -> None:
        """Write what the verdict is about, for who looks for a cause."""
        with self.emulator.world.lock:
            said = [vars(one) for one in self.emulator.world.messages_of(self.setup.bot)]
        found = {"said": said} | vars(tables)
        (self._folder / "found.json").write_text(json.dumps(found, default=str, indent=1))


def _headers(fault: dict[str, Any]) -> dict[str, str]:
    dates = {plans.DATE_SOON: timedelta(seconds=2), plans.DATE_PAST: -timedelta(days=1)}
    return {
        name: format_datetime(datetime.now(UTC) + dates[value], usegmt=True) if value in dates else value
        for name, value in fault.get("headers", {}).items()
    }


def run(seed: int, seconds: float, requests: int, folder: Path, *, on_postgresql: bool = False) -> Outcome:
    """Play the plan of a seed: so many seconds of trouble, so many questions."""
    # What has been committed must outlive a crash of the server, though not one of this machine.
    durable = {"synchronous_commit": "on", "full_page_writes": "on"}
    steps = plans.plan(seed, seconds, requests, has_server=on_postgresql)
    with server(**durable) if on_postgresql else nullcontext() as database, Emulator() as emulator:
        emulator.world.lists_threads = True  # the verdict is about lost answers that can be looked for
        return Run(emulator, folder, seed, database).play(steps)
