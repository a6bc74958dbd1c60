"""The people of a run: what they ask and press, in which space, and the reports that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.emulator.problems import Refusal
from bot.emulator.things import Template
from bot.messages.elements import COMMAND
from tests.live_bot import actions_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emulator.report import Report
    from bot.emulator.things import Message, Person, Space
    from tests.chaos.plan import Ask, Press
    from tests.chaos.webhook_sender import WebhookSender
    from tests.live_bot import LiveBot

NOWHERE = "Y2lzY29zcGFyazovL3VzL1JFUE9SVC9ub3doZXJl"
"""The id of no report."""
TEMPLATE = 130
FIRST_DAY = date(2025, 1, 1)
"""Of the data; other reports of a run are of 2026."""
FAILS_AFTER = 3.0
"""Seconds after which a report that is going to fail has failed."""


@dataclass(frozen=True)
class Asked:
    """A question, as it stands in its space."""

    ask: Ask
    message: Message
    found: Report | None
    created: Callable[[], list[Report]]
    """The reports that came of it, where it was to run one: each question is about a day of its own."""

    @property
    def report(self) -> Report | None:
        return self.found or next(iter(self.created()), None)

    @property
    def root(self) -> str:
        return self.message.id


@dataclass(frozen=True)
class Pressed:
    """A press, and the question under whose card it was."""

    action_id: str
    word: str
    under: Asked
    reference: str
    """Of the request that the card belongs to; empty where it belongs to none."""


class People:
    """Say and press what the plan says."""

    def __init__(self, live: LiveBot, sender: WebhookSender) -> None:
        self._stage = live
        self._world = live.emulator.world
        self._sender = sender
        self.asked: dict[int, Asked] = {}
        self.pressed: list[Pressed] = []
        for family in ("partner", "organization"):
            self._world.add_template(Template(TEMPLATE, family, "Calling Usage", "Teams"))

    def ask(self, ask: Ask) -> None:
        """Write the question."""
        report = self._report(ask)
        person: Person = getattr(self._stage, ask.who)
        space = self._space(ask, person)
        words = ask.what if ask.what == "help" else f"report {report.id if report else NOWHERE}"
        if ask.what == "delete":
            words = words.replace("report", "delete", 1)
        if ask.what == "new":
            words = f"new {ask.family}:{TEMPLATE} {_day_of(ask)} to {_day_of(ask)}"
        mention = self._stage.bot if space.type == "group" else None
        message = self._world.say(person, space, words, mention=mention)
        self._sender.decide(message.id, ask.fate)
        self.asked[ask.number] = Asked(ask, message, report, partial(self._created, ask))

    def _created(self, ask: Ask) -> list[Report]:
        with self._world.lock:
            return [one for one in self._world.reports.values() if one.start == _day_of(ask) and ask.what == "new"]

    def _space(self, ask: Ask, person: Person) -> Space:
        if ask.where == "1:1" or (ask.where == "outside" and ask.who != "ada"):
            return self._world.direct_space(person, self._stage.bot)
        return self._stage.outside if ask.where == "outside" else self._stage.group

    def _report(self, ask: Ask) -> Report | None:
        if ask.what in {"nowhere", "help", "new"}:
            return None
        if ask.like is not None and ask.like in self.asked:
            return self.asked[ask.like].report
        rows = "".join(f"{ask.number},{row}\r\n" for row in range(20))
        ways: dict[str, dict[str, Any]] = {
            "pending": {"status": "In progress", "ready_after_polls": 2 + ask.number % 3},
            "fails": {"status": "waiting"},
            "failed": {"status": "failed"},
            "zip": {"as_zip": True},
        }
        make = self._stage.partner_report if ask.family == "partner" else self._stage.organization_report
        report: Report = make(
            f"Report {ask.number}", content=f"\ufeffNumber,Row\r\n{rows}".encode(), **ways.get(ask.what, {})
        )
        return report

    def fail_reports(self, now: float, *, all_of_them: bool = False) -> None:
        """What is going to fail does so in its time; `now`: seconds since the run began."""
        for one in self.asked.values():
            due = all_of_them or now > one.ask.at + FAILS_AFTER
            if one.ask.what == "fails" and due and one.report is not None and one.report.status == "waiting":
                self._world.set_report(one.report.id, status="failed")

    def press(self, press: Press) -> bool:
        """Press a button of the newest card in the thread of a question, or of the next one that has a card by now.

        False: there is no card yet.
        """
        order = sorted(self.asked.values(), key=lambda one: (one.ask.number < press.ask, one.ask.number))
        found = ((one, card) for one in order if one.report is not None for card in reversed(self._cards_of(one)))
        under, card, buttons = next(
            ((one, card, buttons) for one, card in found if (buttons := _buttons_of(card))), (None, None, [])
        )
        if under is None or card is None:
            return False
        data = buttons[press.choice % len(buttons)]
        try:
            action = self._world.press(getattr(self._stage, under.ask.who), card, data)
        except Refusal:
            return True  # a refresh took the card away in this very moment
        self._sender.decide(action.id, press.fate)
        self.pressed.append(Pressed(action.id, str(data[COMMAND]), under, str(data.get("reference", ""))))
        return True

    def _cards_of(self, asked: Asked) -> list[Message]:
        space = self._world.spaces[asked.message.room_id]
        return [
            one
            for one in self._world.messages(space)
            if one.parent_id == asked.root and one.person_id == self._stage.bot.id and one.card
        ]


def _day_of(ask: Ask) -> str:
    return (FIRST_DAY + timedelta(days=ask.number)).isoformat()


def _buttons_of(card: Message) -> list[dict[str, Any]]:
    """Return what its buttons send; the history of a request that is open has none."""
    return [one["data"] for one in actions_of(card.card) if one["type"] == "Action.Submit"]
