"""What comes without anybody asking: subscriptions, and schedules whose time comes during the run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bot import app
from bot.emulator.things import Template
from bot.queue import open_queue
from bot.reports.schedules import put_schedules
from tests.live_bot import ADMIN_OF_BOTH, actions_of
from tests.origin_rows import add_schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.origin import Origin
    from bot.emulator.report import Report
    from bot.emulator.things import Person, Space
    from tests.chaos.plan import Appear, Due
    from tests.chaos.stores import Row
    from tests.chaos.verdict import Tables
    from tests.chaos.webhook_sender import WebhookSender
    from tests.live_bot import LiveBot

FRESH, PLANNED = "Fresh", "Planned"
FIRST_TEMPLATE = 1000
FIRST_DAY = date(2025, 7, 1)
"""Of the schedules' data; no question is about so late a day."""
ASKS_AGAIN = 3.0
"""Seconds after which Mary asks once more to resume what is still paused."""
ROUND = 5.0
"""Seconds between a report's appearing and the round that sees it, and a little over."""


@dataclass
class Appeared:
    """A report that is ready without anybody's asking, and when."""

    step: Appear
    report: Report
    at: float

    @property
    def title(self) -> str:
        return self.report.title


@dataclass
class Planned:
    """A schedule with its time in this run; its template is its own."""

    step: Due
    origin: Origin
    title: str
    planned_at: str
    """As the database has it."""
    space: Space


@dataclass
class Pauses:
    """When a subscription was seen paused (monotonic); faults of policy pause it, and its owner resumes it."""

    since: float | None = None
    over: list[tuple[float, float]] = field(default_factory=list)
    asked_at: float = 0.0

    def overlaps(self, began: float) -> bool:
        """Return True when it may have been paused as a report was seen that appeared then."""
        spans = [*self.over, *([(self.since, time.monotonic())] if self.since is not None else [])]
        return any(end >= began and start <= began + ROUND for start, end in spans)


class Unasked:
    """Mary owns everything here, in spaces where nobody asks for anything."""

    def __init__(self, live: LiveBot, sender: WebhookSender) -> None:
        self._stage, self._sender = live, sender
        world = self._world = live.emulator.world
        self.mary: Person = world.add_person("Mary Jackson", live.acme, roles=ADMIN_OF_BOTH)
        self.spaces: dict[str, Space] = {
            "all": world.add_space("Every report", [self.mary, live.ada, live.bot]),
            "fresh": world.add_space("Fresh reports", [self.mary, live.grace, live.bot]),
            "1:1": world.direct_space(self.mary, live.bot),
            "planned": world.add_space("Planned reports", [self.mary, live.bot]),
        }
        self.appeared: list[Appeared] = []
        self.planned: list[Planned] = []
        self.pauses: dict[int, Pauses] = {}
        self._looked = 0.0

    def subscribe(self) -> None:
        """Have Mary type three subscriptions."""
        self._appear_once()
        self._say("subscribe fresh", self.spaces["fresh"])
        self._say("subscribe fresh", self.spaces["1:1"])
        self._say("subscribe all card only", self.spaces["all"])

    def confirm(self) -> bool:
        """Have Mary press the button of the question that comes before all reports are announced."""
        cards = [one for one in self._world.messages(self.spaces["all"]) if one.card]
        if not cards:
            return False
        (data,) = [one["data"] for one in actions_of(cards[0].card) if one["type"] == "Action.Submit"]
        self._sender.decide(self._world.press(self.mary, cards[0].id, data).id, "once")
        return True

    def _appear_once(self) -> None:
        """Have a report that the words of the subscriptions find, or they would be asked about."""
        self._stage.partner_report(FRESH)

    def _say(self, words: str, space: Space) -> None:
        mention = self._stage.bot if space.type == "group" else None
        self._sender.decide(self._world.say(self.mary, space, words, mention=mention).id, "once")

    def plan(self, steps: Sequence[Due]) -> None:
        """Store the schedules, each with a time in the run that is about to begin."""
        settings = self._stage.settings()
        database = app.open_database(settings)
        now = datetime.now(UTC)
        for step in steps:
            title = f"{PLANNED} {step.number:03}"
            template = FIRST_TEMPLATE + step.number
            self._world.add_template(Template(template, step.family, title, "Teams"))
            day = FIRST_DAY + timedelta(days=step.number)
            space = self.spaces["1:1" if step.where == "1:1" else "planned"]
            moment = now + timedelta(seconds=step.at)
            added = add_schedule(
                database,
                self.mary,
                space,
                now,
                family=step.family,
                template_id=str(template),
                title=title,
                period=f"{day} to {day}",
                rrule="FREQ=HOURLY",
                dtstart=f"{now + timedelta(days=2):%Y-%m-%dT%H}:00:00",
                next_at=moment,
            )
            stored = moment.isoformat(timespec="microseconds")
            self.planned.append(Planned(step, added.origin, title, stored, space))
        with database.begin() as tx:
            put_schedules(tx, open_queue(database, settings.data_dir))
        database.close()

    def created_for(self, one: Planned) -> list[Report]:
        """Return the reports that Webex has created for a schedule."""
        with self._world.lock:
            return [report for report in self._world.reports.values() if report.title == one.title]

    def appear(self, step: Appear) -> None:
        """Have reports of others become ready."""
        make = self._stage.partner_report if step.family == "partner" else self._stage.organization_report
        for number in range(step.number, step.number + step.many):
            more = {"status": "In progress", "ready_after_polls": 2} if step.pending else {}
            content = f"\ufeffNumber\r\n{FRESH} {number}\r\n".encode()
            made = make(f"{FRESH} figures {number:04}", content=content, **more)
            self.appeared.append(Appeared(step, made, time.monotonic()))

    def resume(self, tables: Tables) -> None:
        """Note which subscriptions are paused, and have Mary resume them."""
        now = time.monotonic()
        for row in tables.subscriptions:
            self._note(self.pauses.setdefault(row["id"], Pauses()), row, now)
        self._looked = now

    def _note(self, pauses: Pauses, row: Row, now: float) -> None:
        if row["state"] == "paused":
            if pauses.since is None:
                pauses.since = self._looked
            if now - pauses.asked_at > ASKS_AGAIN:
                pauses.asked_at = now
                self._say(f"resume {row['reference']}", self._world.spaces[row["room_id"]])
        elif pauses.since is not None:
            pauses.over.append((pauses.since, now))
            pauses.since = None
