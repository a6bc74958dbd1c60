"""The core, step by step: put together on the emulator, run job by job in the test's own thread, under a set clock.

Nothing happens by itself: a test says what a person writes, lets the due jobs run, turns the clock, breaks things in
between, and looks at what stands in the space.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from bot import app
from bot.chat.answer_limit import AnswerLimit
from bot.db import events, migrations, reports, requests, tables
from bot.db.database import Database
from bot.db.events import Event
from bot.files.fetch import held_name
from bot.ops.operations import build_operations
from bot.outbox import Outbox
from bot.queue import tasks
from bot.queue.fairness import COMMON
from bot.queue.postgresql import PostgresqlQueue
from bot.queue.runner import JobRunner
from bot.queue.sqlite import SqliteQueue
from bot.reports.report_messages import ReportMessages
from bot.reports.thread import Thread
from bot.services import Clock
from tests.live_bot import LiveBot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bot.db.database import Transaction
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.emulator import Emulator
    from bot.emulator.things import Message, Person, Space
    from bot.queue import Job
    from bot.queue.jobs import Claim
    from bot.webex.chat import Chat

A_LITTLE = 0.001
CALLER_OF_BEGIN = 2
"""Frames from ``CountingStore.begin``, past contextlib's, to the function whose transaction it is."""
ONE_AT_A_TIME = {COMMON: 1}
ONE_BESIDE_FILES = {COMMON: 1, tasks.DELIVER: 0}
ONE_FILE = {COMMON: 0, tasks.DELIVER: 1}
MOST_JOBS = 300
"""Runs after which a bot that never comes to rest has failed."""

MOST_POINTS = 300
"""Points of one scenario after which a test that kills at each has failed."""


class Crash(BaseException):
    """The process is gone at this point: no code of the program catches it."""


class Points:
    """The points between two steps of the program; the one chosen, by its number or its name, is where it is killed."""

    def __init__(self) -> None:
        self.passed = 0
        self.deadly: int | None = None
        self.kills_at: Callable[[str], bool] | None = None

    def __call__(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.deadly or (self.kills_at is not None and self.kills_at(name)):
            raise Crash(name)


def counts_writes(points: Points, database: Database, chat: Chat) -> None:
    """Have a point before and after each commit and each call that writes to a space."""
    begin, begin_upload = database.begin, chat.begin_upload

    @contextmanager
    def counted_begin(**how: bool) -> Iterator[Transaction]:
        whose = sys._getframe(CALLER_OF_BEGIN).f_code.co_qualname
        points(f"before the commit in {whose}")
        with begin(**how) as tx:
            yield tx
        points(f"after the commit in {whose}")

    def counted(what: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            points(f"before the {what}")
            done = do(*args, **more)
            points(f"after the {what}")
            return done

        return call

    def counted_upload(*args: Any, **more: Any) -> Any:
        begun = begin_upload(*args, **more)
        begun.finish = counted("end of an upload", begun.finish)  # type: ignore[method-assign]
        return begun

    database.begin = counted_begin  # type: ignore[method-assign]
    chat.begin_upload = counted_upload  # type: ignore[method-assign]
    for what in ("post", "upload", "edit", "delete"):
        setattr(chat, what, counted(what, getattr(chat, what)))


class SetClock(Clock):
    """The time of bot and emulator alike; it stands still until it is turned."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.time.timestamp()

    def monotonic(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.turn(seconds)

    def jitter(self) -> float:
        return 0.0

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class SteppedBot:
    """Emulator, people, spaces, and the program in pieces."""

    quick_retries: Sequence[float] = ()
    """Seconds between the tries of one call: none, so that what a test breaks is broken once."""

    def __init__(self, emulator: Emulator, folder: Path, database_file: Path, **environ: str) -> None:
        self.emulator = emulator
        self.world = emulator.world
        self.clock = SetClock()
        emulator.world.clock = self.clock.seconds
        self.setup = LiveBot(emulator, folder, **environ)
        self.points = Points()
        self.folder = folder / "files"
        for made in (folder, self.folder):
            made.mkdir(mode=0o700, exist_ok=True)
        if self.setup.databases is None:
            shutil.copy(database_file, folder / "reportbot.db")
        self._references = count(1)
        self.start()

    def start(self) -> None:
        """Put the program together, with nothing in its memory."""
        settings = self.setup.settings()
        services = app.build_services(settings, clock=self.clock, retry_waits=self.quick_retries)
        settle = (timedelta(), timedelta())
        self.services = services = replace(
            services,
            outbox=Outbox(
                services.database,
                services.chat,
                services.identity.person,
                self.clock,
                settle=settle,
                database_waits=(),
            ),
            new_reference=lambda: f"reference{next(self._references)}",
        )
        counts_writes(self.points, services.database, services.chat)
        assert isinstance(services.queue, SqliteQueue | PostgresqlQueue)
        self.database, self.queue, self.chat = services.database, services.queue, services.chat
        self.directory, self.outbox = services.directory, services.outbox
        self.files, self.temp_dir = services.downloader, services.temp_dir
        self.thread = Thread(services, ReportMessages(services))
        self.operations = build_operations(services)
        self.sweep = self.operations.maintenance
        self.worker = JobRunner(
            self.queue,
            app.build_tasks(services, self.operations, AnswerLimit(self.clock)),
            new_reference=services.new_reference,
            observe=lambda _task, _outcome: None,
        )

    def stop(self) -> None:
        """End the program, in order or after a crash: nothing of it is left but what is on the disk."""
        self.services.close()

    def restart(self) -> None:
        """A new process on the same disk; it sweeps first, as the real one does.

        Old rows are looked for as seldom as by a process that goes on: half of a restart's time would go into it.
        """
        looked = self.sweep._retention._finished
        self.stop()
        self.start()
        self.sweep._retention._finished = looked
        self.temp_dir.clear()
        self.sweep.once()

    def work_until_killed(self, point: int, *, until: str | None = None) -> None:
        """Work, be killed at this point (if it comes so far), and start again."""
        self.points.passed, self.points.deadly = 0, point
        with suppress(Crash):
            self.work(until=until)
        self.points.deadly = None
        self.restart()

    def deadly_points(self, *, half: bool = False) -> Iterator[int]:
        """Yield the points to be killed at: each, or two of four, as always on PostgreSQL: restarts take longer there.

        Both sides of a commit are among the two.
        """
        half |= self.setup.databases is not None
        yield from (one for one in range(1, MOST_POINTS) if not half or one % 4 in {1, 2})
        raise AssertionError("it never comes to its end")

    def receive(self, person: Person, text: str, space: Space | None = None, **how: Any) -> Message:
        """Somebody writes to the bot (1:1 when no space is named), and the event is kept as the web process does."""
        space = space or self.world.direct_space(person, self.setup.bot)
        if space.type == "group":
            how.setdefault("mention", self.setup.bot)
        message = self.world.say(person, space, text, **how)
        self._keep(Event("messages", "created", message.id, space.id, space.type, person.id))
        return message

    def pressed(self, person: Person, message: Message, data: dict[str, Any]) -> None:
        """Somebody presses a button."""
        action = self.world.press(person, message.id, data)
        space = self.world.spaces[message.room_id]
        self._keep(Event("attachmentActions", "created", action.id, space.id, None, person.id))

    def _keep(self, event: Event) -> None:
        with Database.begin(self.database) as tx:
            event_id = events.record(tx, event, self.clock())
            assert event_id is not None
            self.queue.put(tx, tasks.EVENT, str(event_id), lock=event.lock, person=event.person_key)

    def work(self, *, until: str | None = None) -> list[Job]:
        """Run what is due, one job after the other, until nothing is (or such a task is next); gives what ran."""
        ran: list[Job] = []
        while len(ran) < MOST_JOBS:
            claims = self.queue.take([], ONE_AT_A_TIME).claims
            if not claims or claims[0].job.task == until:
                if claims and isinstance(self.queue, PostgresqlQueue):
                    self.queue.leave()  # where taking a job is written down
                return ran
            self.run(claims[0])
            ran.append(claims[0].job)
        raise AssertionError(f"the jobs never come to an end: {ran[-5:]}")

    def work_beside(self) -> None:
        """Run what is due but deliveries: one of them is running, and calls this in its middle."""
        while claims := self.queue.take([], ONE_BESIDE_FILES).claims:
            self.run(claims[0])

    def work_files_first(self) -> None:
        """Run what is due, each delivery as soon as it is put, as on a machine with a thread to spare."""
        while claims := self.queue.take([], ONE_FILE).claims or self.queue.take([], ONE_AT_A_TIME).claims:
            self.run(claims[0])

    def run(self, claim: Claim) -> None:
        """Run one job, and write how it ended."""
        with self.queue.running(claim):
            outcome = self.worker.handle(claim.job)
        self.queue.settle(claim, outcome)

    def while_fetching(self, do: Callable[[], object]) -> None:
        """Do something at the end of each download, before the file is posted."""
        fetch = self.files.download

        def download(*args: Any, **more: Any) -> Any:
            held = fetch(*args, **more)
            do()
            return held

        self.files.download = download  # type: ignore[method-assign]

    @property
    def files_left(self) -> list[Path]:
        """The files in the bot's folder for files, but those that were delivered and are kept a while."""
        with self.database.read() as tx:
            done = {one.report_id for one in requests.find(tx, tables.requests.c.state == "delivered")}
            kept = {held_name(row.family, row.report_id) for one in done if (row := reports.get(tx, one)) is not None}
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name not in kept]

    def wait(self, seconds: float, *, until: str | None = None) -> list[Job]:
        """Turn the clock and run what is due then."""
        self.clock.turn(seconds)
        return self.work(until=until)

    def live_through(self, seconds: float, *, step: float = 300.0) -> None:
        """Let time pass in pieces, each with the maintenance of its end and what that put."""
        end = self.clock.seconds() + seconds
        while self.clock.seconds() < end:
            self.wait(min(step, end - self.clock.seconds()))
            self.sweep.once()
            self.work()

    def wait_for_next(self) -> list[Job]:
        """Turn the clock to the next job (and a little over, since it counts in microseconds) and run what is due."""
        wait = self.next_wait()
        assert wait is not None, "nothing waits for its time"
        return self.wait(wait + A_LITTLE)

    def next_wait(self) -> float | None:
        """Seconds until the next job is due."""
        return self.queue.take([], ONE_AT_A_TIME).seconds

    def request(self, number: int = 1) -> Request:
        """The request of that row."""
        with self.database.read() as tx:
            found = requests.get(tx, number)
        assert found is not None
        return found

    def report(self, number: int = 1) -> ReportRow:
        """What the database has of that request's report."""
        with self.database.read() as tx:
            found = reports.get(tx, self.request(number).report_id)
        assert found is not None
        return found

    def said(self, space: Space | None = None, person: Person | None = None) -> list[Message]:
        """What the bot has said in a space, or 1:1 to somebody (Ada)."""
        where = space or self.world.direct_space(person or self.setup.ada, self.setup.bot)
        return [one for one in self.world.messages(where) if one.person_id == self.setup.bot.id and not one.deleted]

    def calls(self, method: str, path: str) -> int:
        """How many calls the program has made to these addresses of the API."""
        return len(self.emulator.calls.calls_to(method, path, "api"))

    @property
    def downloads(self) -> int:
        """How often the download host was asked."""
        return sum(call.host == "download" for call in self.emulator.calls)


def migrated(path: Path) -> Path:
    """Make a database as the program needs it: copied for each test, since a migration takes a while."""
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    database.close()
    return path
