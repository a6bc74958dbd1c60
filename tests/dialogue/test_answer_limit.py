"""Two bots that answer each other are stopped; a person who asks for much is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.chat.answer_limit import MOST, PAUSE, STOPPED, TROUBLE, AnswerLimit
from bot.chat.dispatcher import Dispatcher
from bot.db import audit, events
from bot.db.database import Database
from bot.db.leader import Leader
from bot.emulator import Emulator, ids
from bot.messages.alerts import ANSWERING_EVERYWHERE
from bot.ops.alerts import Alerts
from bot.queue import tasks
from bot.webex.types import Person
from tests.audit.rows import rows
from tests.live_bot import LiveBot
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.db.database import Transaction
    from bot.db.events import Event
    from bot.db.messages import Message
    from bot.db.space_settings import SpaceSettings
    from bot.emulator.things import Space
    from tests.stepped_bot import SteppedBot


class LimitedBot:
    """The program in pieces, with its answer limit and operators who hear of it in a space of their own."""

    def __init__(self, stepped: SteppedBot) -> None:
        self.stepped = stepped
        self.space = stepped.world.add_space("Operators", [stepped.setup.ada, stepped.setup.bot])
        self.restarted()

    def restarted(self) -> None:
        stepped = self.stepped
        self.limit = AnswerLimit(stepped.clock)
        reader = Dispatcher(stepped.services, self.limit)
        stepped.worker._tasks = {**stepped.worker._tasks, tasks.EVENT: reader}
        self.operators = Alerts(
            stepped.database,
            stepped.outbox,
            self.space.id,
            [self.limit.check()],
            stepped.clock,
            leader=Leader(stepped.database, "alerts"),
        )

    def floods(self, number: int, words: str = "hello", space: Space | None = None, seconds: float = 0.1) -> None:
        for _ in range(number):
            self.stepped.receive(self.stepped.setup.ethan, words, space)
            self.stepped.wait(seconds)

    def answers(self, space: Space | None = None) -> int:
        return len(self.stepped.said(space, self.stepped.setup.ethan))

    def told(self) -> list[str]:
        self.operators.look()
        return [one.markdown or "" for one in self.stepped.said(self.space)]


@pytest.fixture
def limited(stepped: SteppedBot) -> LimitedBot:
    return LimitedBot(stepped)


def test_after_twenty_answers_in_ten_seconds_the_author_gets_none_there(limited: LimitedBot) -> None:
    limited.floods(MOST)
    assert limited.told() == []
    limited.floods(5)

    assert limited.answers() == MOST
    assert limited.told() == limited.told() == [f"**⚠ Problem:** {TROUBLE}"]
    assert [row.outcome for row in rows(limited.stepped)].count(STOPPED) == 5
    assert {row.person_id for row in rows(limited.stepped) if row.outcome == STOPPED} == {
        limited.stepped.setup.ethan.id
    }


def test_others_and_other_spaces_are_answered(limited: LimitedBot) -> None:
    stepped = limited.stepped
    limited.floods(MOST + 1, space=stepped.setup.outside)
    before = limited.answers(stepped.setup.outside)

    limited.floods(1)
    stepped.receive(stepped.setup.ada, "hello", stepped.setup.outside)
    stepped.work()

    assert limited.answers() == 1
    assert limited.answers(stepped.setup.outside) == before + 1


def test_it_is_released_after_ten_minutes_and_resolved_once(limited: LimitedBot) -> None:
    limited.floods(MOST + 1)
    limited.told()
    limited.stepped.clock.turn(PAUSE.total_seconds() + 1)
    limited.floods(MOST + 1)
    assert limited.answers() == 2 * MOST
    assert len(limited.told()) == 1, "it is the same alert"

    limited.stepped.clock.turn(PAUSE.total_seconds() + 1)
    limited.told()
    limited.stepped.clock.turn(PAUSE.total_seconds() + 1)
    assert limited.told()[1:] == [f"**✅ Resolved:** {ANSWERING_EVERYWHERE}"]
    limited.floods(1)
    assert limited.answers() == 2 * MOST + 1


def test_a_new_worker_counts_from_zero_and_tells_nobody_twice(limited: LimitedBot) -> None:
    limited.floods(MOST + 1)
    limited.told()
    limited.restarted()
    limited.told()
    limited.stepped.clock.turn(60)  # what one person may ask is counted again
    limited.floods(MOST + 1)

    assert limited.answers() == 2 * MOST
    assert len(limited.told()) == 1


def test_a_person_who_writes_slowly_or_rarely_is_answered(limited: LimitedBot) -> None:
    limited.floods(MOST + 5, seconds=0.6)
    assert limited.answers() == MOST + 5


def test_messages_that_waited_for_a_worker_are_no_flood(limited: LimitedBot) -> None:
    for _ in range(MOST + 5):
        limited.stepped.receive(limited.stepped.setup.ethan, "hello")
        limited.stepped.clock.turn(5)
    limited.stepped.work()

    assert limited.answers() == MOST + 5


def test_requests_for_reports_do_not_count(limited: LimitedBot) -> None:
    stepped = limited.stepped
    reports = [stepped.setup.partner_report(f"Usage {number}") for number in range(MOST + 5)]
    for report in reports:
        stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()

    assert sum(bool(one.files) for one in stepped.said()) == MOST + 5
    stepped.receive(stepped.setup.ada, "x")
    stepped.work()
    assert "“x”" in (stepped.said()[-1].markdown or "")
    assert limited.told() == []


def test_unreadable_messages_count_too(limited: LimitedBot) -> None:
    for _ in range(MOST + 5):
        limited.stepped.emulator.faults.add(method="GET", path="/v1/messages/?*", status=403, times=1)
        limited.floods(1)

    assert limited.answers() == MOST
    assert len(limited.told()) == 1


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveBot]:
    """The program, which Webex lets know nothing of itself: another id, another address, and no message is its own."""

    def nobody(*_: object) -> Message | None:
        return None

    to_handle = events.get_to_handle

    def never_its_own(tx: Transaction, event_id: int) -> tuple[Event, bool, SpaceSettings] | None:
        found = to_handle(tx, event_id)
        return found and (found[0], False, found[2])

    monkeypatch.setattr("bot.db.messages.by_message", nobody)
    monkeypatch.setattr("bot.db.events.get_to_handle", never_its_own)
    known = Person.goes_by
    monkeypatch.setattr(
        Person, "goes_by", lambda who, *given: who.emails != ("report-bot@webex.bot",) and known(who, *given)
    )
    with Emulator() as emulator:
        made = LiveBot(emulator, tmp_path / "data")
        made.bot.own_id = ids.new_id(ids.PEOPLE)
        with made.program() as url:
            made.register(url)
            yield made


def outcomes(live: LiveBot) -> set[str]:
    database = Database(live.settings().database_url.get_secret_value())
    try:
        with database.read() as tx:
            return {row.outcome for row in audit.read(tx, limit=100)}
    finally:
        database.close()


def test_a_bot_that_does_not_know_itself_stops_talking_to_itself(stranger: LiveBot) -> None:
    world = stranger.emulator.world
    stranger.at(stranger.ada).says("hello").answer()
    space = world.direct_space(stranger.ada, stranger.bot)

    until(lambda: STOPPED in outcomes(stranger), "the bot has stopped")

    assert len(world.messages(space)) == 1 + 1 + MOST, "Ada's words, the answer to them, and those to itself"
