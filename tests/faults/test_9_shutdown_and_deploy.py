"""A stop ends or hands back what is in hand, and a new version goes on where the old one left off."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text

from bot import app
from bot.db import migrations
from bot.webex.chat import Chat
from bot.webex.report_lists import ReportList
from bot.webex.tokens import StaticToken
from bot.webex.types import Target
from tests.killed.program import WEB, family, parents
from tests.live_bot import CSV
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Start
    from tests.killed.program import Program
    from tests.live_bot import Conversation, LiveBot

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: it finds processes in /proc")

WORKER = (sys.executable, "-m", "bot", "worker")
IN_HASTE = """
from bot.cli.main import main
from bot.queue.sqlite import SqliteQueue

SqliteQueue.work.__kwdefaults__["grace"] = 0.2
raise SystemExit(main(["worker"]))
"""
HASTY = (sys.executable, "-c", IN_HASTE)
"""A worker whose time to end is over in a moment, so that nobody has to wait a minute for it."""
AT_ONCE = """
from bot import app
from bot.cli.main import main

app.HANDOVER = 0.0
raise SystemExit(main(["worker"]))
"""
SUCCESSOR = (sys.executable, "-c", AT_ONCE)
"""A worker that looks at once for what was missed while another one had the queue."""


class Slow:
    """A file of which the second half comes when it is let."""

    def __init__(self) -> None:
        self.half, self.goes_on = threading.Event(), threading.Event()

    def content(self) -> Iterator[bytes]:
        yield CSV[:20]
        self.half.set()
        assert self.goes_on.wait(30)
        yield CSV[20:]

    def asked(self, live: LiveBot) -> Conversation:
        """Have it asked for, until half of it has come."""
        report = live.partner_report(content=self.content, size=len(CSV), checksum=None)
        line = live.at(live.ada, live.group).says(f"report {report.id}")
        assert self.half.wait(30)
        return line


def only_the_file_after_the_card(live: LiveBot, line: Conversation) -> None:
    assert line.file().content == CSV
    live.at(live.grace).says("help").card()  # asked afterwards, answered afterwards
    assert ["card" if one.card else "file" for one in line.answers()] == ["card", "file"]


def ended(program: Program) -> int:
    """Wait for its end; gives the exit code."""
    return int(program.process.wait(25))


def rooms(live: LiveBot) -> list[str]:
    """Return what lies in the folder for files."""
    return [str(path.relative_to(live.folder)) for path in (live.folder / "files").rglob("*") if path.is_file()]


def halves(live: LiveBot) -> list[str]:
    """Return what lies there and is not whole; a file that was delivered stays a while, until its worker ends."""
    return [name for name in rooms(live) if name.endswith(".part")]


def test_a_stop_lets_the_file_in_hand_be_posted(stage_alone: LiveBot, start: Start) -> None:
    live = stage_alone
    web, worker = start(WEB), start(WORKER, answers=False)
    live.register(web.url)
    slow = Slow()
    line = slow.asked(live)

    worker.process.send_signal(signal.SIGTERM)
    slow.goes_on.set()

    assert ended(worker) == 0
    assert line.file().content == CSV
    assert rooms(live) == []


@pytest.mark.sqlite("its queue is made impatient")
def test_what_does_not_end_in_time_is_handed_back_and_posted_by_the_next(stage_alone: LiveBot, start: Start) -> None:
    live = stage_alone
    web, worker = start(WEB), start(HASTY, answers=False)
    live.register(web.url)
    slow = Slow()
    line = slow.asked(live)

    worker.process.send_signal(signal.SIGTERM)
    assert ended(worker) == 0
    assert [one["handed_back"] for one in worker.lines("queue_worker_ended")] == [1]
    assert len(rooms(live)) == 1, "half a file is left"
    slow.goes_on.set()

    start(WORKER, answers=False)
    only_the_file_after_the_card(live, line)
    until(lambda: not halves(live), "the end of what was left")


@pytest.mark.sqlite("where a second worker waits")
def test_a_second_worker_waits_for_the_first_and_takes_over(stage_alone: LiveBot, start: Start) -> None:
    """As two versions do for a moment: the old one ends what it has begun, meanwhile the new one does nothing."""
    live = stage_alone
    web, old = start(WEB), start(WORKER, answers=False)
    live.register(web.url)
    until(lambda: old.lines("queue_worker_started"), "the first worker")
    slow = Slow()
    first = slow.asked(live)

    new = start(WORKER, answers=False)
    until(lambda: new.lines("queue_worker_waits"), "that the second one waits")
    assert len(rooms(live)) == 1, "the second one leaves the first one's files alone"
    old.process.send_signal(signal.SIGTERM)
    second = live.at(live.grace).says(f"report {live.partner_report().id}")
    slow.goes_on.set()

    only_the_file_after_the_card(live, first)
    assert ended(old) == 0
    until(lambda: new.lines("queue_worker_started"), "that the second one works")
    only_the_file_after_the_card(live, second)
    third = live.at(live.ada).says(f"report {live.partner_report().id}")
    only_the_file_after_the_card(live, third)
    # Which of them takes what is asked in the moment of the stop is open.
    until(lambda: len(old.lines("report_delivered")) + len(new.lines("report_delivered")) == 3, "the log of all three")


@pytest.mark.sqlite("where a second worker waits")
def test_a_second_worker_takes_over_from_one_that_was_killed(stage_alone: LiveBot, start: Start) -> None:
    live = stage_alone
    web, old = start(WEB), start(WORKER, answers=False)
    live.register(web.url)
    until(lambda: old.lines("queue_worker_started"), "the first worker")
    slow = Slow()
    line = slow.asked(live)
    new = start(WORKER, answers=False)
    until(lambda: new.lines("queue_worker_waits"), "that the second one waits")

    old.kill()
    slow.goes_on.set()

    only_the_file_after_the_card(live, line)


@pytest.mark.sqlite("where a second worker waits")
def test_what_was_sent_to_the_old_web_process_while_it_was_dead_is_answered_by_the_new_one(
    stage_alone: LiveBot, start: Start
) -> None:
    """Two whole versions side by side, and a router that has not heard yet that the old one was killed."""
    live = stage_alone
    old = start()
    live.register(old.url)
    old.worker()
    start(WEB)
    new = start(SUCCESSOR, answers=False)
    until(lambda: new.lines("queue_worker_waits"), "that the second one waits")

    live.emulator.deliver_webhooks = False
    line = live.at(live.grace).says("help")
    old.kill()

    line.card()


def test_a_stop_of_the_whole_leaves_no_process_and_no_file(stage_alone: LiveBot, start: Start) -> None:
    live = stage_alone
    program = start()
    live.register(program.url)
    everybody = family(program.process.pid)
    slow = Slow()
    line = slow.asked(live)

    os.kill(program.process.pid, signal.SIGTERM)
    slow.goes_on.set()

    assert ended(program) == 0
    assert line.file().content == CSV
    assert not set(everybody) & set(parents())
    assert rooms(live) == []


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_a_new_version_goes_on_with_what_an_old_one_left_in_an_old_database(
    stage_alone: LiveBot, start: Start, revision: str
) -> None:
    """The old one has shown its card for a pending report, and was stopped."""
    live = stage_alone
    report = live.partner_report(status="In progress")
    question = live.at(live.ada, live.group).says(f"report {report.id}")
    chat = Chat(live.emulator.api_url, StaticToken(live.bot_token))
    card = {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock", "text": "In progress"}]}
    shown = chat.post(Target(live.group.id, question.message.id), markdown="In progress", card=card)
    chat.close()
    _left_by_an_old_version(live, revision, question, report.id, shown.message_id)
    live.emulator.world.set_report(report.id, status="done")

    program = start()
    live.register(program.url)

    assert question.file().content == CSV
    said = [(bool(one.card), "In progress" in one.shown) for one in question.answers(2)]
    assert said == [(True, False), (False, False)], "one card, which says done now, and one file"


def _left_by_an_old_version(live: LiveBot, revision: str, question: Conversation, report_id: str, card_id: str) -> None:
    now = app.now()
    database = app.open_database(live.settings())
    config = migrations._config()
    with database.begin() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, revision)
        message = question.message
        times = {"now": now.isoformat(), "later": (now + timedelta(hours=20)).isoformat()}
        where = {"room": message.room_id, "message": message.id, "report": report_id, "asker": message.person_id}
        tx.execute(
            text(
                "INSERT INTO deliveries (reference, origin, asker_id, room_id, room_type, parent_id, report_id, family,"
                " title, status, state, asked_at, deadline_at) VALUES ('oldreference', :origin, :asker, :room, 'group',"
                " :message, :report, 'partner', 'Calling Usage', 'In progress', 'pending', :now, :later)"
            ),
            where | times | {"origin": f"messages:{message.id}:{report_id}"},
        )
        tx.execute(
            text(
                "INSERT INTO posts (key, room_id, parent_id, direct, state, message_id, intended_at, settled_at)"
                " VALUES ('delivery:1:card', :room, :message, FALSE, 'sent', :card, :now, :now)"
            ),
            where | times | {"card": card_id},
        )
        tx.execute(
            text(
                "INSERT INTO events (resource, event, data_id, room_id, room_type, person_id, received_at, state)"
                " VALUES ('messages', 'created', :message, :room, 'group', :asker, :now, 'done')"
            ),
            where | times,
        )
        tx.execute(
            text("INSERT INTO jobs (task, key, due, since, place, attempt) VALUES ('watch', :key, :due, :due, 1, 1)"),
            {"key": ReportList("partner").key, "due": now.timestamp()},
        )
    database.close()
