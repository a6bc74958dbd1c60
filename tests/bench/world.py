"""Webex for the bench: the emulator in a process of its own, so that it shares no interpreter with who measures.

It is told what to do over one pipe, and tells of every card and file that it has taken over another.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Self

from bot.emulator import Emulator
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN, Template
from tests.bench.large_rows import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from multiprocessing.connection import Connection
    from types import TracebackType

    from bot.emulator import Message, Person, Report, Space
    from bot.emulator.things import Family

SENDERS = 20
REPORTS_EACH = 5
"""A person asks for these in turn where nobody waits for the files: one file may serve two requests for a report."""
CONTENT = "Name,Minutes\r\nAda,12\r\nGrace,30\r\n"
LARGE_ROWS = {"csv": 920_000, "zip": 2_200_000}
"""Rows of the large reports: 90 MB, as they are and zipped."""
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Asked:
    """One message `report <id>` that stands in a 1:1 space, and its signed webhook, which nobody has delivered yet."""

    message_id: str
    room_id: str
    report_id: str
    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Taken:
    """A card (or a file) that Webex has taken, as an answer to a message; `at` in seconds since 1970."""

    asked_id: str
    is_card: bool
    at: float


@dataclass(frozen=True)
class Addresses:
    """What the program's settings need."""

    api: str
    bot_token: str
    admin_token: str
    pid: int
    small: str
    """The id of a small report."""


@dataclass(frozen=True)
class Owner:
    """Who owns subscriptions and schedules, where, and of which template."""

    person_id: str
    room_id: str
    family: Family
    template_id: int


@dataclass(frozen=True)
class Large:
    """A report of some 90 MB, and the space where it is asked for."""

    report_id: str
    room_id: str
    kind: str
    size: int


class EmulatorControl:
    """The emulator and what the bench can ask of it; runs in the emulator's process."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        world = emulator.world
        acme = world.add_organization("Acme", is_partner=True)
        roles = [FULL_ADMIN, PARTNER_FULL_ADMIN]
        self._people = [world.add_person(f"Ada {number}", acme, roles=roles) for number in range(SENDERS)]
        self._bot = world.add_bot("Report Bot", acme)
        self._tokens = world.add_token(self._bot, kind="bot"), world.add_token(self._people[0], kind="integration")
        self._reports = [[self._report(person, number) for number in range(REPORTS_EACH)] for person in self._people]
        self._space = world.add_space("All of us", [*self._people, self._bot])
        emulator.deliver_webhooks = False  # the senders deliver, and measure

    def _report(self, person: Person, number: int) -> Report:
        world = self._emulator.world
        report = world.add_report(family="partner", title=f"Usage {person.last_name} {number}", content=CONTENT)
        world.body_of(report)  # its file is made now, not while someone measures
        return report

    def addresses(self) -> Addresses:
        return Addresses(self._emulator.api_url, *self._tokens, os.getpid(), self._reports[0][0].id)

    def ask(self, senders: int, each: int) -> list[list[Asked]]:
        """So many new messages of each of so many senders, in the 1:1 space of each."""
        wanted = [count % REPORTS_EACH for count in range(each)]
        return [self._asked(index, [self._reports[index][one].id for one in wanted]) for index in range(senders)]

    def ask_once(self, senders: int, each: int, first: int) -> list[list[Asked]]:
        """The same, each for another report: those of a person are numbered, and these begin with `first`."""
        for person, known in zip(self._people[:senders], self._reports, strict=False):
            known += [self._report(person, number) for number in range(len(known), first + each)]
        wanted = slice(first, first + each)
        return [self._asked(index, [one.id for one in self._reports[index][wanted]]) for index in range(senders)]

    def _asked(self, index: int, wanted: list[str]) -> list[Asked]:
        space = self._emulator.world.direct_space(self._people[index], self._bot)
        return self._said(index, space, [(f"report {report_id}", report_id) for report_id in wanted])

    def _said(self, index: int, space: Space, texts: list[tuple[str, str]]) -> list[Asked]:
        """Have a person write texts, each with the id of the report that it asks for, if any."""
        world = self._emulator.world
        mention = self._bot if space.type == "group" else None
        with world.lock:
            said = [world.say(self._people[index], space, text, mention=mention) for text, _ in texts]
            events = {event.data_id: event for event in world.undelivered if event.resource == "messages"}
            world.undelivered.clear()
        return [
            Asked(message.id, space.id, report_id, event.target_url, event.body, dict(event.headers))
            for message, (_, report_id) in zip(said, texts, strict=True)
            for event in [events[message.id]]
        ]

    def ask_for_files(self, number: int) -> Asked:
        """One message of the first person, for so many reports."""
        person = self._people[0]
        ids = " ".join(self._report(person, REPORTS_EACH + count).id for count in range(number))
        (asked,) = self._said(0, self._emulator.world.direct_space(person, self._bot), [(f"report {ids}", "")])
        return asked

    def flood(self, number: int) -> list[Asked]:
        """So many messages of the first person in the space of all."""
        return self._said(0, self._space, [("help", "")] * number)

    def first_questions(self, index: int) -> list[Asked]:
        """Have a person write `help` and ask for a report, in the space of all and 1:1."""
        first, second = (report.id for report in self._reports[index][:2])
        alone = self._emulator.world.direct_space(self._people[index], self._bot)
        return [
            *self._said(index, self._space, [("help", ""), (f"report {first}", first)]),
            *self._said(index, alone, [("help", ""), (f"report {second}", second)]),
        ]

    def pending(self) -> str:
        """Return the ID of a report that does not get ready."""
        return self._emulator.world.add_report(family="partner", title="Pending", status="In progress").id

    def standing(self) -> Owner:
        """Have as many reports of the other family, and a template; return who may own subscriptions and schedules."""
        world = self._emulator.world
        for number in range(SENDERS * REPORTS_EACH):
            world.add_report(family="organization", title=f"Meetings {number}", content=CONTENT)
        world.add_template(Template(130, "partner", "Usage", "Teams"))
        return Owner(self._people[0].id, self._space.id, "partner", 130)

    def slow_downloads(self, seconds: float) -> None:
        """Have each download begin so much later."""
        self._emulator.faults.add("GET", host="download", delay=seconds)

    def large(self) -> list[Large]:
        """Return the large reports; they are made now, which takes a while."""
        world = self._emulator.world
        room = world.direct_space(self._people[0], self._bot)
        found = []
        for kind, number in LARGE_ROWS.items():
            report = world.add_report(
                family="partner", title=f"Large {kind}", content=partial(rows, number), as_zip=kind == "zip"
            )
            found.append(Large(report.id, room.id, kind, world.body_of(report).size))
        return found

    def ask_for(self, report_id: str) -> Asked:
        """Return a new message of the first person."""
        (asked,) = self._asked(0, [report_id])
        return asked

    def card_of(self, asked_id: str) -> tuple[str, list[dict[str, Any]]]:
        """Fallback text and attachments of the card that answered a message."""
        found = self._emulator.world.all_messages.values()
        card = next(one for one in found if one.parent_id == asked_id and one.card)
        return card.markdown or "", card.attachments

    def behave(self, latency: float, hang: float, line: float, busy: float) -> None:
        """Every answer of the API takes so many seconds longer; with `hang`, calls from now on hang for as long.

        `line`: bytes a second of each request and answer. With `busy`, each answer is a 429 with that `Retry-After`.
        """
        self._emulator.line_speed = line
        self._emulator.latency = latency
        self._emulator.faults.clear()
        if hang:
            self._emulator.faults.add(path="/v1/*", host="api", delay=hang)
        if busy:
            retry_after = {"Retry-After": f"{busy:.0f}"}
            self._emulator.faults.add(path="/v1/*", host="api", status=429, headers=retry_after)

    def tell(self, news: Connection) -> None:
        """Send whatever the bot posts, until the other end is closed."""
        world = self._emulator.world
        version, last = 0, ""
        while not world.closing.is_set():
            version = world.wait_for_version(version, LOOK_SECONDS)
            with world.lock:
                newest = _newer_than(last, reversed(world.all_messages.values()))
            if newest:
                last = newest[0].id
            for message in reversed(newest):
                if message.parent_id and message.person_id == self._bot.id and (message.card or message.files):
                    news.send(_taken(message))


def _newer_than(last: str, newest_first: Iterable[Message]) -> list[Message]:
    return list(takewhile(lambda message: message.id != last, newest_first))


def _taken(message: Message) -> Taken:
    return Taken(message.parent_id or "", is_card=message.card is not None, at=message.created)


def _serve(calls: Connection, news: Connection) -> None:
    """The process: do as told until the bench closes its end, or is gone."""
    serve(calls, news, EmulatorControl)


def serve(calls: Connection, news: Connection, kind: type[EmulatorControl]) -> None:
    """Do as told, by a control of this kind."""
    with Emulator() as emulator:
        control = kind(emulator)
        threading.Thread(target=_tell, args=(control, news), daemon=True).start()
        while True:
            try:
                name, arguments = calls.recv()
            except EOFError:
                return
            calls.send(getattr(control, name)(*arguments))


def _tell(control: EmulatorControl, news: Connection) -> None:
    try:
        control.tell(news)
    except (BrokenPipeError, ConnectionResetError):
        return  # the bench has ended


class World:
    """The bench's end: calls, and what has been heard."""

    def __init__(self, serve: Callable[[Connection, Connection], None] | None = None) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._calls, calls = spawn.Pipe()
        self._news, news = spawn.Pipe()
        self._process = spawn.Process(target=serve or _serve, args=(calls, news), daemon=True)
        self._process.start()
        calls.close()
        news.close()
        self._heard = threading.Lock()
        self._taken: dict[bool, dict[str, float]] = {True: {}, False: {}}
        self._awaited: dict[tuple[bool, str], threading.Event] = {}
        """Who waits for what: each is woken alone, since twenty threads that wake for every card delay each other."""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.addresses: Addresses = self.call("addresses")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.close()
        self._process.join(PATIENCE_SECONDS)
        self._listener.join(PATIENCE_SECONDS)
        self._news.close()

    def call(self, name: str, *arguments: Any) -> Any:
        """Have the emulator's process do something, and return what it returns."""
        self._calls.send((name, arguments))
        return self._calls.recv()

    def _listen(self) -> None:
        while True:
            try:
                taken: Taken = self._news.recv()
            except (EOFError, OSError):
                return
            with self._heard:
                self._taken[taken.is_card][taken.asked_id] = taken.at
                awaited = self._awaited.pop((taken.is_card, taken.asked_id), None)
            if awaited is not None:
                awaited.set()

    def ask(self, senders: int, each: int) -> list[list[Asked]]:
        """See `EmulatorControl`."""
        asked: list[list[Asked]] = self.call("ask", senders, each)
        return asked

    def ask_once(self, senders: int, each: int, first: int = 0) -> list[list[Asked]]:
        """See `EmulatorControl`."""
        asked: list[list[Asked]] = self.call("ask_once", senders, each, first)
        return asked

    def card_of(self, asked_id: str) -> tuple[str, list[dict[str, Any]]]:
        """See `EmulatorControl`."""
        words, attachments = self.call("card_of", asked_id)
        return words, attachments

    def large(self) -> list[Large]:
        """See `EmulatorControl`."""
        found: list[Large] = self.call("large")
        return found

    def ask_for(self, report_id: str) -> Asked:
        """See `EmulatorControl`."""
        asked: Asked = self.call("ask_for", report_id)
        return asked

    def ask_for_files(self, number: int) -> Asked:
        """See `EmulatorControl`."""
        asked: Asked = self.call("ask_for_files", number)
        return asked

    def flood(self, number: int) -> list[Asked]:
        """See `EmulatorControl`."""
        asked: list[Asked] = self.call("flood", number)
        return asked

    def first_questions(self, person: int) -> list[Asked]:
        """See `EmulatorControl`."""
        asked: list[Asked] = self.call("first_questions", person)
        return asked

    def pending(self) -> str:
        """See `EmulatorControl`."""
        return str(self.call("pending"))

    def standing(self) -> Owner:
        """See `EmulatorControl`."""
        found: Owner = self.call("standing")
        return found

    def slow_downloads(self, seconds: float) -> None:
        """See `EmulatorControl`."""
        self.call("slow_downloads", seconds)

    def behave(self, *, latency: float = 0.0, hang: float = 0.0, line: float = 0.0, busy: float = 0.0) -> None:
        """See `EmulatorControl`."""
        self.call("behave", latency, hang, line, busy)

    def card_at(self, asked_id: str) -> float:
        """Wait for the card that answers this message; when Webex took it, in seconds since 1970."""
        return self._wait(asked_id, is_card=True)

    def card_if_there(self, asked_id: str) -> float | None:
        """Return when Webex took the card that answers this message; None when it has none yet."""
        with self._heard:
            return self._taken[True].get(asked_id)

    def file_at(self, asked_id: str) -> float:
        """Return the same for the file; the report must have been asked for once in its space, see `files_at`."""
        return self._wait(asked_id, is_card=False)

    def files_at(self, asked: Sequence[Sequence[Asked]]) -> list[float]:
        """Return the same for the files of all senders' requests, each the only one for its report: see `ask_once`.

        One file serves two requests for the same report in a space that are open together.
        """
        everything = [one for row in asked for one in row]
        if len({(one.room_id, one.report_id) for one in everything}) < len(everything):
            raise ValueError("two requests for a report in a space: one of them may get no file")
        return [self.file_at(one.message_id) for one in everything]

    def _wait(self, asked_id: str, *, is_card: bool) -> float:
        with self._heard:
            if asked_id in self._taken[is_card]:
                return self._taken[is_card][asked_id]
            awaited = self._awaited.setdefault((is_card, asked_id), threading.Event())
        if not awaited.wait(PATIENCE_SECONDS):
            raise TimeoutError(f"no {'card' if is_card else 'file'} within {PATIENCE_SECONDS:g} seconds")
        return self._taken[is_card][asked_id]

    def taken_between(self, began: float, ended: float) -> tuple[int, int]:
        """Return how many cards and files came in a stretch of time."""
        with self._heard:
            cards, files = (
                sum(began <= at < ended for at in self._taken[is_card].values()) for is_card in (True, False)
            )
        return cards, files
