"""The core on a workbench: put together on the emulator, run job by job in the test's own thread, under a set clock.

Nothing happens by itself: a test says what a person writes, lets the due jobs run, turns the clock, breaks things in
between, and looks at what stands in the space.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from bot import app
from bot.access.authorizer import Authorizer
from bot.access.bot_identity import BotIdentity
from bot.chat.answer import Answer
from bot.chat.context import Context
from bot.chat.dispatcher import Dispatcher
from bot.chat.living import LivingCard
from bot.db import events, migrations, requests
from bot.db.database import Database
from bot.db.events import Event
from bot.db.retention import Retention
from bot.files.downloader import Downloader
from bot.files.fetch import held_name
from bot.files.storage import TempDir
from bot.ops.catch_up import CatchUp
from bot.ops.maintenance import Maintenance
from bot.outbox import Outbox
from bot.queue import tasks
from bot.queue.fairness import COMMON
from bot.queue.runner import JobRunner
from bot.queue.sqlite import SqliteQueue
from bot.reports.deliver import Deliver
from bot.reports.report_messages import ReportMessages
from bot.reports.take_back import TakeBack
from bot.reports.tell import Tell
from bot.reports.waiting import Listening, Waiting, WaitingWatch
from bot.reports.watch import Watch
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.download import DownloadClient
from bot.webex.http import RateLimitGate
from bot.webex.people import Directory
from bot.webex.report import Family
from bot.webex.reports_api import ReportsApi
from bot.webex.tokens import StaticToken
from tests.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.db.database import Transaction
    from bot.db.requests import Delivery
    from bot.emulator import Emulator
    from bot.emulator.things import Message, Person, Space
    from bot.queue import Job

A_LITTLE = 0.001
CALLER_OF_BEGIN = 2
"""Frames from ``CountingStore.begin``, past contextlib's, to the function whose transaction it is."""
ONE_AT_A_TIME = {COMMON: 1}
ONE_BESIDE_FILES = {COMMON: 1, tasks.DELIVER: 0}
MOST_JOBS = 300
"""Runs after which a workbench that never comes to rest has failed."""


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


class CountingStore(Database):
    """A store whose commits have a point before and after."""

    points: Points

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Transaction]:
        whose = sys._getframe(CALLER_OF_BEGIN).f_code.co_qualname
        self.points(f"before the commit in {whose}")
        with super().begin(durable=durable) as tx:
            yield tx
        self.points(f"after the commit in {whose}")


class CountingChat(Chat):
    """The bot's chat, whose writes have a point before and after."""

    points: Points

    def post(self, *args: Any, **more: Any) -> Any:
        return self._between("post", lambda: Chat.post(self, *args, **more))

    def upload(self, *args: Any, **more: Any) -> Any:
        return self._between("upload", lambda: Chat.upload(self, *args, **more))

    def edit(self, *args: Any, **more: Any) -> Any:
        return self._between("edit", lambda: Chat.edit(self, *args, **more))

    def delete(self, *args: Any, **more: Any) -> Any:
        return self._between("delete", lambda: Chat.delete(self, *args, **more))

    def begin_upload(self, *args: Any, **more: Any) -> Any:
        begun = Chat.begin_upload(self, *args, **more)
        finish = begun.finish
        begun.finish = lambda words: self._between("end of an upload", lambda: finish(words))  # type: ignore[assignment, method-assign]
        return begun

    def _between(self, what: str, do: Callable[[], Any]) -> Any:
        self.points(f"before the {what}")
        done = do()
        self.points(f"after the {what}")
        return done


class Clock:
    """The time of bot and emulator alike; it stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Workbench:
    """Emulator, people, spaces, and the program in pieces."""

    def __init__(self, emulator: Emulator, folder: Path, database_file: Path, **environ: str) -> None:
        self.emulator = emulator
        self.world = emulator.world
        self.clock = Clock()
        emulator.world.clock = self.clock.seconds
        self.stage = Stage(emulator, folder, **environ)
        self.points = Points()
        self.folder = folder / "files"
        self.folder.mkdir(parents=True, mode=0o700)
        shutil.copy(database_file, folder / "reportbot.db")
        self._references = count(1)
        self.outage: tuple[datetime, datetime] | None = None
        self.start()

    def start(self) -> None:
        """Put the program together, with nothing in its memory."""
        settings = self.stage.settings()
        self.database = CountingStore(settings.database_url.get_secret_value())
        self.database.points = self.points
        self.queue = SqliteQueue(self.database, settings.data_dir, clock=self.clock.seconds)
        bot_token, admin = self.stage.bot_token, StaticToken(self.stage.admin_token)
        one, other = (RateLimitGate(self.clock.seconds, chance=lambda: 0.0) for _ in range(2))
        self.chat = CountingChat(settings.webex_api_url, StaticToken(bot_token), gate=one)
        self.chat.points = self.points
        client = Client(settings.webex_api_url, admin, gate=other)
        identity = BotIdentity(self.database, self.chat, bot_token, self.clock)
        self.directory = Directory(client, clock=self.clock.seconds)
        guard = Authorizer(self.directory, self.chat, identity.person, lambda our_org: app.rules(settings, our_org))
        families = [Family(one) for one in settings.report_families]
        catalog = Listening(ReportsApi(client, now=self.clock), families, now=self.clock)
        self.outbox = Outbox(self.database, self.chat, identity.person, self.clock, settle=(timedelta(), timedelta()))
        self.messages = ReportMessages(self.database, self.outbox, guard, self.clock)
        self.card = LivingCard(self.database, self.outbox, self.messages, self.clock)
        self.temp_dir = TempDir(self.folder)
        download_client = DownloadClient(admin, settings.report_download_hosts)
        self.files = Downloader(download_client, temp_dir=self.temp_dir)
        self.context = Context(
            database=self.database,
            queue=self.queue,
            catalog=catalog,
            guard=guard,
            outbox=self.outbox,
            messages=self.messages,
            card=self.card,
            chat=self.chat,
            directory=self.directory,
            now=self.clock,
            new_reference=lambda: f"reference{next(self._references)}",
            watch_deadline=timedelta(seconds=settings.watch_deadline),
            poll_interval=settings.poll_interval,
            kept_days=settings.audit_days,
        )
        self.sweep = Maintenance(
            self.database,
            self.queue,
            self.folder,
            self.temp_dir,
            self.clock,
            retention=Retention(self.database, settings.audit_days, self.clock),
            outage=lambda: self.outage,
        )
        catch_up = CatchUp(
            database=self.database,
            queue=self.queue,
            spaces=self.chat,
            outbox=self.outbox,
            bot=identity.person,
            now=self.clock,
            outage=lambda: self.outage,
        )
        deliver = Deliver(
            database=self.database,
            queue=self.queue,
            catalog=catalog,
            files=self.files,
            chat=self.chat,
            messages=self.messages,
            outbox=self.outbox,
            card=self.card,
            folder=self.folder,
            temp_dir=self.temp_dir,
            now=self.clock,
            poll_interval=settings.poll_interval,
        )
        self.worker = JobRunner(
            self.queue,
            {
                tasks.EVENT: Dispatcher(self.context, identity.person),
                tasks.ANSWER: Waiting(
                    tasks.ANSWER, Answer(self.context), self.database, self.queue, self.outbox, self.clock
                ),
                tasks.WATCH: WaitingWatch(
                    Watch(self.database, self.queue, catalog, self.clock, settings.poll_interval),
                    catalog,
                    self.database,
                    self.queue,
                    self.outbox,
                    self.clock,
                ),
                tasks.DELIVER: Waiting(tasks.DELIVER, deliver, self.database, self.queue, self.outbox, self.clock),
                tasks.CATCH_UP: catch_up,
                tasks.TAKE_BACK: TakeBack(self.outbox),
                tasks.TELL: Tell(self.database, self.outbox, self.messages, self.card, self.clock),
            },
            new_reference=self.context.new_reference,
            observe=lambda _task, _outcome: None,
        )
        self._close = [self.database.close, self.chat.close, client.close, download_client.close, self.temp_dir.close]

    def stop(self) -> None:
        """End the program, in order or after a crash: nothing of it is left but what is on the disk."""
        for close in self._close:
            close()

    def restart(self) -> None:
        """A new process on the same disk; it sweeps first, as the real one does."""
        self.stop()
        self.start()
        self.sweep.once()

    def hears(self, person: Person, text: str, space: Space | None = None, **how: Any) -> Message:
        """Somebody writes to the bot (1:1 when no space is named), and the event is kept as the door keeps it."""
        space = space or self.world.direct_space(person, self.stage.bot)
        if space.type == "group":
            how.setdefault("mention", self.stage.bot)
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
            claims, _ = self.queue.take([], ONE_AT_A_TIME)
            if not claims or claims[0].job.task == until:
                return ran
            outcome = self.worker.handle(claims[0].job)
            self.queue.settle(claims[0], outcome)
            ran.append(claims[0].job)
        raise AssertionError(f"the jobs never come to an end: {ran[-5:]}")

    def work_beside(self) -> None:
        """Run what is due but deliveries: one of them is running, and calls this in its middle."""
        while claims := self.queue.take([], ONE_BESIDE_FILES)[0]:
            self.queue.settle(claims[0], self.worker.handle(claims[0].job))

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
            done = requests.in_state(tx, requests.State.DONE)
        kept = {held_name(one.family or "", one.report_id) for one in done}
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name not in kept]

    def wait(self, seconds: float, *, until: str | None = None) -> list[Job]:
        """Turn the clock and run what is due then."""
        self.clock.turn(seconds)
        return self.work(until=until)

    def wait_for_next(self) -> list[Job]:
        """Turn the clock to the next job (and a little over, since it counts in microseconds) and run what is due."""
        wait = self.next_wait()
        assert wait is not None, "nothing waits for its time"
        return self.wait(wait + A_LITTLE)

    def next_wait(self) -> float | None:
        """Seconds until the next job is due."""
        return self.queue.take([], ONE_AT_A_TIME)[1]

    def delivery(self, number: int = 1) -> Delivery:
        """The delivery of that row."""
        with self.database.read() as tx:
            found = requests.get(tx, number)
        assert found is not None
        return found

    def said(self, space: Space | None = None, person: Person | None = None) -> list[Message]:
        """What the bot has said in a space, or 1:1 to somebody (Ada)."""
        where = space or self.world.direct_space(person or self.stage.ada, self.stage.bot)
        return [one for one in self.world.messages(where) if one.person_id == self.stage.bot.id and not one.deleted]

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
