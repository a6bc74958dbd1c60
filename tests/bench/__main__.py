"""How quick the bot is: `make bench`, or `python -m tests.bench` from the repository's root; about seven minutes.

The program runs as deployed (the Procfile's web and worker), the emulator in a process of its own, the senders in this
one; everything on 127.0.0.1, on a fresh database for each line, and all of it is ended at the end.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from tests.bench import costs, figures, large, plain_handler, polls, queue_bench, standing, turns, write_lock
from tests.bench.cards import WARM_UP, Comparison, acks_of_waiting_senders
from tests.bench.figures import Limits, Spread, said
from tests.bench.product import Product, cpu_seconds, memory
from tests.bench.senders import Acks, closed_loop, even_pace, own_cost, request_bytes
from tests.bench.world import REPORTS_EACH, SENDERS, Asked, World
from tests.postgresql import DURABLE, MISSING, Databases, available, server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LATENCY: Final = 0.05
HANG: Final = 30.0
BUSY: Final = 2.0
"""Seconds of a `Retry-After`."""
ACK: Final = Limits(p50=5.0, p99=50.0)
RATIOS: Final = {1: 1.10, SENDERS: 2.0}
"""How much longer than the bare chain a card may take at that latency, by senders."""
RATIOS_ON_POSTGRESQL: Final = {SENDERS: 2.5}
MORE_FOR_TWO: Final = 1.1
"""How much more processor time two workers may take for a report than one."""
OWN_WORK: Final = 20.0
"""Milliseconds from webhook to card without any latency, one sender."""
PROCESSOR_TIME: Final = 30.0
"""Milliseconds of the worker for a delivered report."""
RATE: Final = 30.0
"""Delivered reports a second, at 20 senders."""
MEMORY: Final = 150.0
"""MiB of web and worker together, idle."""
START: Final = 2000.0
"""Milliseconds from a start to the first card."""
STARTS: Final = 5
COUNTS: Final = costs.Costs(writes=7, reads=8, statements=25, calls=7)
PLAIN_EACH: Final = 10
"""Requests of each sender to the plain handler."""
SETTLED_SECONDS: Final = 3.0
"""Until a start is over, so that what is measured is idle."""
WARM_UP_EVENTS: Final = REPORTS_EACH
"""Of all senders together, but one of each at least."""
LOOP_SECONDS: Final = 4.0
MOST_A_SECOND: Final = 1500
"""Events prepared for a closed loop: more than the web process takes."""
PACE: Final = 100.0
CALM: Final = 20.0
PACE_SECONDS: Final = 10.0
FLOOR_EVENTS: Final = 2000
"""Requests of all senders together."""
FLOOR_SECONDS: Final = 2.0
BLOCKS: Final = {1: 20, SENDERS: 3}
"""Of the comparison of cards, by senders: some hundred cards each."""


@dataclass(frozen=True)
class Case:
    """What one line is about; `pace`: events a second instead of a closed loop; `polls`: programs wait meanwhile."""

    name: str
    senders: int = 1
    latency: float = 0.0
    hang: float = 0.0
    busy: float = 0.0
    pace: float = 0.0
    polls: bool = False
    limits: Limits | None = None


ACKS: Final = (
    Case("API    0 ms,  1 sender "),
    Case("API    0 ms, 20 senders", senders=SENDERS),
    Case("API   50 ms,  1 sender ", latency=LATENCY),
    Case("API   50 ms, 20 senders", senders=SENDERS, latency=LATENCY, limits=ACK),
    Case("API   50 ms, 100 a second", senders=SENDERS, latency=LATENCY, pace=PACE, limits=ACK),
    Case("API hangs,   20 senders", senders=SENDERS, hang=HANG, limits=ACK),
    Case("API hangs,   100 a second", senders=SENDERS, hang=HANG, pace=PACE, limits=ACK),
    Case("API answers 429, 100 a second", senders=SENDERS, busy=BUSY, pace=PACE, limits=ACK),
    Case("50 long polls and a receiver that hangs,  20 a second", pace=CALM, polls=True, limits=ACK),
    Case("50 long polls and a receiver that hangs, 100 a second", senders=SENDERS, pace=PACE, polls=True, limits=ACK),
)
CARDS: Final = (
    Case("API    0 ms,  1 sender"),
    Case("API    0 ms, 20 senders", senders=SENDERS),
    Case("API   50 ms,  1 sender", latency=LATENCY),
    Case("API   50 ms, 20 senders", senders=SENDERS, latency=LATENCY),
)
WAITING: Final = Case("API   50 ms, 20 senders that wait for their card", senders=SENDERS, latency=LATENCY, limits=ACK)
WAITING_EACH: Final = 70
"""Reports of each sender: more than it can ask for in that time, since a card takes three calls of 50 ms."""


class Bench:
    """The emulator and the program, and what is measured on them."""

    def __init__(self, world: World, product: Product, ratios: dict[int, float] = RATIOS) -> None:
        self._world = world
        self._product = product
        self._ratios = ratios
        self.met: list[bool] = []
        """Each expectation's outcome."""
        self._worker_seconds = self._web_seconds = self._emulator_seconds = 0.0
        """Processor time of all workers, of web, and of the emulator, in the last block that was measured."""

    def cards(self, case: Case) -> tuple[float, float]:
        """One line of the comparison of cards.

        Return the milliseconds for a report: of web and workers, and of the emulator, whose work is always the same.
        """
        say(case.name)
        self._world.behave(latency=case.latency)
        with self._product.running() as pids, self._processors(pids) as used:
            comparison = Comparison(self._world, self._product.port, case.senders)
            cards = comparison.run(BLOCKS[case.senders])
        bot, bare = Spread.of(cards.bot), Spread.of(cards.bare)
        ratio = bot.p50 / bare.p50
        verdict = ""
        if case.latency == LATENCY:
            most = self._ratios[case.senders]
            verdict = f"  expected ≤ {most}: {self._expect(ratio <= most and not cards.failures)}"
        elif case.senders == 1:
            own = bot.p50 <= OWN_WORK
            verdict = f"  expected p50 ≤ {OWN_WORK:g} ms: {self._expect(own)}"
        rate = len(cards.bot) / cards.bot_elapsed
        acks = Spread.of(cards.acks)
        say(f"  webhook to card  {bot}")
        say(f"  bare chain       {bare}")
        say(f"  ratio of the medians {ratio:.2f}{verdict}   (of p99 {bot.p99 / bare.p99:.2f})")
        say(f"  its ack          {acks}" + self._verdict(case, acks, cards.failures))
        say(f"  file after card  {Spread.of(cards.files)}")
        say(f"  meanwhile {rate:.0f} cards/s; {used[0]}")
        number = len(cards.bot) + WARM_UP * case.senders
        worker = self._worker_seconds / number * 1000
        say(
            f"  processor time of the worker for a report {worker:.1f} ms  expected ≤ {PROCESSOR_TIME:g}: "
            f"{self._expect(worker <= PROCESSOR_TIME)}"
        )
        if case.senders > 1 and case.latency:
            plain = plain_handler.rate(self._world, case.senders, PLAIN_EACH, comparison.card)
            say(f"  a synchronous Flask handler with the SDK gives {plain:.0f} cards/s")
            reports = len(cards.files) / cards.elapsed
            say(f"  with their files {reports:.0f} reports/s  expected ≥ {RATE:g}: {self._expect(reports >= RATE)}")
        return worker + self._web_seconds / number * 1000, self._emulator_seconds / number * 1000

    def counts(self) -> None:
        """A line for what a report costs, 1:1 and in a group space."""
        for name, in_group in (("1:1  ", False), ("group", True)):
            found = costs.of_a_report(in_group=in_group)
            say(f"{name}  {found}  expected ≤ {COUNTS}: {self._expect(found <= COUNTS)}")

    def memory(self) -> None:
        """A line for the memory of an idle bot, on a database that needs no migration and has no work left."""
        with self._product.running():
            pass
        with self._product.running(warm=True) as pids:
            time.sleep(SETTLED_SECONDS)
            used = {name: memory(pid) for name, pid in pids.items()}
        whole = sum(used.values())
        parts = ", ".join(f"{name} {number:.0f}" for name, number in used.items())
        say(f"idle: {whole:.0f} MiB ({parts})  expected ≤ {MEMORY:g}: {self._expect(whole <= MEMORY)}")

    def starts(self) -> None:
        """A line for the time from a start to the first card, on a database that needs no migration."""
        self._world.behave(latency=LATENCY)
        with self._product.running():
            pass
        seconds = []
        for number in range(STARTS):
            asked = self._world.ask_once(1, 1, number)
            began = time.time()
            with self._product.running(warm=True):
                closed_loop(self._product.port, _requests(asked), LOOP_SECONDS)
                seconds.append(self._world.card_at(asked[0][0].message_id) - began)
        spread = Spread.of(seconds)
        say(f"  {spread}  expected max ≤ {START:g} ms: {self._expect(spread.highest <= START)}")

    def write_lock(self) -> None:
        """A line for each thing that reads many open requests and writes little."""
        for held in write_lock.lines():
            say(f"{held}  expected ≤ {write_lock.SLICE * 1000:g} ms each: {self._expect(held.met)}")

    def _expect(self, met: bool) -> str:
        self.met.append(met)
        return said(met=met)

    def acks(self, case: Case) -> None:
        """One line about acknowledgements alone."""
        self._world.behave(latency=case.latency)
        seconds = PACE_SECONDS if case.pace else LOOP_SECONDS
        number = int(case.pace * seconds) if case.pace else int(MOST_A_SECOND * seconds)
        with self._product.running() as pids:
            self._warm_up(case.senders)
            rows = _requests(self._world.ask(case.senders, -(-number // case.senders)))
            self._world.behave(latency=case.latency, hang=case.hang, busy=case.busy)
            began = time.time()
            beside = polls.polling(self._world, self._product) if case.polls else nullcontext()
            with beside, self._processors(pids) as used:
                if case.pace:
                    in_turn = [request for turn in zip(*rows, strict=True) for request in turn]
                    acks = even_pace(self._product.port, in_turn[:number], case.pace, case.senders)
                else:
                    acks = closed_loop(self._product.port, rows, seconds)
            cards, files = self._world.taken_between(began, time.time())
            queue = self._product.readiness().get("queue")
        spread = Spread.of(acks.seconds)
        say(f"{case.name}  {spread}" + self._verdict(case, spread, acks.failures))
        waiting = queue["due"] if isinstance(queue, dict) else "?"
        say(
            f"  {_rate(acks)}; meanwhile {cards} cards and {files} files posted, "
            f"{waiting} jobs left; {used[0]}" + _troubles(acks)
        )

    def acks_of_waiting_senders(self) -> None:
        """A line about the acknowledgements of senders that wait for their card."""
        self._world.behave(latency=WAITING.latency)
        # Written before the first start: what is written after it and has no webhook, the bot finds and answers.
        asked = self._world.ask_once(WAITING.senders, WAITING_EACH)
        with self._product.running() as pids, self._processors(pids) as used:
            acks = acks_of_waiting_senders(self._world, self._product.port, asked, PACE_SECONDS)
        spread = Spread.of(acks.seconds)
        say(f"{WAITING.name}  {spread}" + self._verdict(WAITING, spread, acks.failures))
        say(f"  {_rate(acks)}; {used[0]}")

    def large(self) -> None:
        """A line for each large report and speed of the line to Webex."""
        for report in self._world.large():
            for line in large.LINES:
                found = large.compare(self._world, self._product, report, line)
                self.met += [found.ratio <= large.RATIO, found.grown <= large.EXTRA_MEMORY]
                speed = f"{line / large.MEGA:.0f} MB/s" if line else "no limit"
                say(f"{report.kind} of {report.size / large.MEGA:.0f} MB, {speed}")
                say(
                    f"  card to file {found.bot:.2f} s, bare copy {found.bare:.2f} s: ratio {found.ratio:.2f}  "
                    f"expected ≤ {large.RATIO}: {said(met=self.met[-2])}, aim ≤ {large.AIM}: "
                    f"{said(met=found.ratio <= large.AIM)}"
                )
                say(
                    f"  the worker grew by {found.grown:.1f} MiB  expected ≤ {large.EXTRA_MEMORY:g}: "
                    f"{said(met=self.met[-1])}"
                )

    def turns(self) -> None:
        """A line for each thing that one person can do and others must not wait for."""
        for name, answers in turns.lines(self._world, self._product, LATENCY):
            spread = Spread.of(answers)
            self.met.append(turns.LIMITS.met(spread))
            say(f"{name:36}  {spread}  expected p99 ≤ {turns.LIMITS.p99:g} ms: {said(met=self.met[-1])}")

    def standing(self) -> None:
        """A line for what subscriptions and schedules cost, and one for all schedules due at once."""
        used = standing.idle(self._world, self._product)
        shares = ", ".join(f"{name} {100 * share:.2f} %" for name, share in used.items())
        met = self._expect(sum(used.values()) <= standing.IDLE)
        say(f"idle: {shares} of a core  expected ≤ {100 * standing.IDLE:g} %: {met}")
        self._world.behave(latency=LATENCY)
        due = standing.due_at_once(self._world, self._product)
        opened = self._expect(due.opened <= standing.OPENED_WITHIN)
        say(
            f"all due at once: the last run was opened after {due.opened:.1f} s  "
            f"expected ≤ {standing.OPENED_WITHIN:g}: {opened}"
        )
        spread = Spread.of(due.answers)
        met = self._expect(standing.LIMITS.met(spread))
        say(f"  first answers meanwhile  {spread}  expected p99 ≤ {standing.LIMITS.p99:g} ms: {met}")

    def floors(self) -> None:
        """What senders and machine add to any figure, and the least that gunicorn and Flask take for an answer."""
        with self._product.running():
            health = self._product.health_request()
            for senders in (1, SENDERS):
                each = FLOOR_EVENTS // senders
                spread = Spread.of(own_cost(_requests(self._world.ask(senders, each)), FLOOR_SECONDS).seconds)
                say(f"the sender alone,   {_senders(senders)}  {spread}")
                idle = closed_loop(self._product.port, [[health] * each] * senders, FLOOR_SECONDS)
                say(f"/healthz, no event, {_senders(senders)}  {Spread.of(idle.seconds)}  {_rate(idle)}")

    def _warm_up(self, senders: int) -> None:
        """A whole dialogue of each sender, and some events: caches are full and connections open."""
        asked = self._world.ask_once(senders, max(1, WARM_UP_EVENTS // senders))
        closed_loop(self._product.port, _requests(asked), LOOP_SECONDS)
        self._world.files_at(asked)

    def _verdict(self, case: Case, spread: Spread, failures: int) -> str:
        wrong = f"  {failures} ANSWERS WERE NOT 200" if failures else ""
        if case.limits is None:
            return wrong
        self.met.append(case.limits.met(spread) and not failures)
        return f"{wrong}  expected {case.limits}: {said(met=self.met[-1])}"

    @contextmanager
    def _processors(self, pids: dict[str, int]) -> Iterator[list[str]]:
        """Return who used the processors in the block, in cores; said afterwards in the list."""
        all_pids = {**pids, "emulator": self._world.addresses.pid, "sender": os.getpid()}
        before = {name: cpu_seconds(pid) for name, pid in all_pids.items()}
        began = time.perf_counter()
        used: list[str] = []
        yield used
        elapsed = time.perf_counter() - began
        shares = ((name, (cpu_seconds(pid) - before[name]) / elapsed) for name, pid in all_pids.items())
        taken = {name: cpu_seconds(pid) - before[name] for name, pid in all_pids.items()}
        self._worker_seconds = sum(taken[name] for name in pids if name != "web")
        self._web_seconds, self._emulator_seconds = taken["web"], taken["emulator"]
        used.append("cores used: " + ", ".join(f"{name} {share:.2f}" for name, share in shares))


def _requests(asked: Sequence[Sequence[Asked]]) -> list[list[bytes]]:
    return [[request_bytes(one) for one in row] for row in asked]


def _senders(number: int) -> str:
    return f"{number:2d} sender{'s' if number > 1 else ' '}"


def _rate(acks: Acks) -> str:
    return f"{len(acks.seconds) / acks.elapsed:.0f} answers/s"


def _troubles(acks: Acks) -> str:
    return f"; the sender itself was late by {Spread.of(acks.late)}" if acks.late else ""


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def acks_of_waiting(folder: Path, databases: Databases | None = None, workers: int = 1) -> list[bool]:
    """Say the line of senders that wait for their card, with a Webex of its own, and return what was met.

    The emulator gets slower with every report and message that it has.
    """
    with World() as world:
        product = Product(world.addresses, folder, databases, workers)
        product.release()
        bench = Bench(world, product)
        bench.acks_of_waiting_senders()
    return bench.met


def on_postgresql(world: World, folder: Path) -> list[bool]:
    """Run the comparison of cards with one worker and with two, and return what was met.

    There and back, since the machine may get faster or slower meanwhile; how much so, the work of the emulator tells.
    """
    if not available():
        say(MISSING)
        return []
    met: list[bool] = []
    ours: dict[int, list[float]] = {1: [], 2: []}
    emulators: dict[int, list[float]] = {1: [], 2: []}
    with server(**DURABLE) as running:
        databases = Databases(running.url, "bench")
        for number, workers in enumerate((1, 2, 2, 1)):
            product = Product(world.addresses, folder / f"postgresql-{number}", databases, workers)
            bench = Bench(world, product, RATIOS_ON_POSTGRESQL)
            say(f"{workers} worker{'s' if workers > 1 else ''}, API 50 ms, {SENDERS} senders")
            own, emulator = bench.cards(CARDS[-1])
            ours[workers].append(own)
            emulators[workers].append(emulator)
            if number < len(ours):
                met += acks_of_waiting(folder / f"waiting-{number}", databases, workers)
            met += bench.met
        databases.close()
    ratio, same_work = sum(ours[2]) / sum(ours[1]), sum(emulators[2]) / sum(emulators[1])
    met.append(ratio <= MORE_FOR_TWO)
    say(f"processor time of web and workers for a report, two workers against one: ratio {ratio:.2f}")
    say(f"  expected ≤ {MORE_FOR_TWO}: {said(met=met[-1])}; of the emulator, whose work is the same: {same_work:.2f}")
    return met


def main() -> None:
    """Measure everything, print it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    for line in figures.machine():
        say(line)
    with tempfile.TemporaryDirectory(prefix="reportbot-bench-") as folder, World() as world:
        product = Product(world.addresses, Path(folder))
        product.release()
        bench = Bench(world, product)
        say("\nWEBHOOK TO CARD: `report <id>` 1:1 for a report that is done, next one right after the card;")
        say("from sending the webhook until Webex has the card. The file of each is fetched and posted meanwhile.")
        for case in CARDS:
            bench.cards(case)
        say("\nTHE SAME ON POSTGRESQL, which writes each commit to the disk")
        bench.met += on_postgresql(world, Path(folder))
        say("\nACKNOWLEDGEMENT: each sender posts `report <id>` events without a pause, waiting for the 200 only, or")
        say("for the card where that is said;")
        say("the worker serves what it can of them. Without a pause the mean is the number of senders")
        say("divided by the answers a second, so the lines of /healthz (no signature, no database) are the floor.")
        bench.floors()
        bench.met += acks_of_waiting(Path(folder) / "waiting")
        for case in ACKS:
            bench.acks(case)
        say("\nFIRST ANSWERS beside one person who takes all: `help` and `report <id>` of the others, in one space and")
        say("1:1, API 50 ms; from sending the webhook until Webex has the help or the card.")
        bench.turns()
        say(
            f"\n{standing.NUMBER} SUBSCRIPTIONS AND {standing.NUMBER} SCHEDULES beside a hundred reports of each family"
        )
        with World() as fresh:  # in the other one, reports of a thousand events are listed
            fresh_product = Product(fresh.addresses, Path(folder) / "standing")
            fresh_product.release()
            fresh_bench = Bench(fresh, fresh_product)
            fresh_bench.standing()
        bench.met += fresh_bench.met
        say("\nLARGE REPORTS: from the card to the file, against the bare copy of the same bytes, turn and turn about;")
        say("the line's speed is that of each connection to Webex. The worker's growth is that of its peak memory.")
        bench.large()
        say("\nSTART of web and worker: until the card for a webhook that is sent when they are ready, API 50 ms")
        bench.starts()
        say("\nMEMORY of web and worker together (PSS)")
        bench.memory()
    say("\nWHAT A DELIVERED REPORT COSTS, warm")
    bench.counts()
    say(f"\nWRITE LOCK held beside {write_lock.REQUESTS} open requests for {write_lock.REPORTS} reports")
    bench.write_lock()
    say("\nQUEUE")
    queue_bench.main()
    say(f"\n{sum(bench.met)} of {len(bench.met)} expectations are met")
    say(f"all of it took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
