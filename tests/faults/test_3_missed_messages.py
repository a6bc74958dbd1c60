"""Messages of which no webhook came are found by polling, also when nobody noticed that anything was wrong."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from bot.db import heartbeats, key_values
from bot.errors import WebexError
from bot.messages.alerts import away
from bot.ops import catch_up_job
from bot.ops.catch_up import CatchUp, missed_messages
from bot.queue import tasks
from bot.queue.fairness import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.emulator.things import Space as EmulatedSpace
    from bot.webex.types import Message, Space
    from tests.stepped_bot import SteppedBot

MINUTE = 60.0
AWAY = "I was away from"
HELP = "for its examples."


def minutes(stepped: SteppedBot, number: int) -> None:
    """The program runs for so long: it sweeps every minute."""
    for _ in range(number):
        stepped.sweep.once()
        stepped.wait(MINUTE)


def period(began: datetime, until: datetime) -> str:
    """As it is said; the date once where it is the same day."""
    end = "" if began.date() == until.date() else f"{until:%b} {until.day}, "
    zone = " UTC" if end else ""
    return f"{began:%b} {began.day}, {began:%H:%M}{zone} to {end}{until:%H:%M} UTC"


def runs(stepped: SteppedBot) -> None:
    """It has run for a while, and looked."""
    minutes(stepped, 12)
    stepped.emulator.calls.clear()


def unannounced(stepped: SteppedBot, text: str = "help", space: EmulatedSpace | None = None) -> None:
    """Someone writes to the bot, and no event comes of it."""
    live = stepped.setup
    space = space or stepped.world.direct_space(live.ada, live.bot)
    mention: dict[str, Any] = {"mention": live.bot} if space.type == "group" else {}
    stepped.world.say(live.ada, space, text, **mention)


def said(stepped: SteppedBot, space: EmulatedSpace | None = None) -> list[str]:
    return [one.text or "" for one in stepped.said(space)]


def test_a_message_whose_event_never_came_is_answered_without_a_word_about_it(stepped: SteppedBot) -> None:
    runs(stepped)
    unannounced(stepped)
    unannounced(stepped, space=stepped.setup.group)
    minutes(stepped, 12)

    for space in (None, stepped.setup.group):
        (answer,) = said(stepped, space)
        assert HELP in answer
    minutes(stepped, 24)
    assert len(said(stepped)) == 1


def test_missed_messages_are_an_alert_until_a_look_finds_none(stepped: SteppedBot) -> None:
    look = missed_messages(stepped.database).look
    runs(stepped)
    assert look() is None
    for _ in range(3):
        unannounced(stepped)
    minutes(stepped, 11)
    assert "no webhook for at least one message and found it by polling" in (look() or "")
    minutes(stepped, 11)
    assert look() is None


@contextmanager
def group_refuses(stepped: SteppedBot) -> Iterator[None]:
    """Have Webex refuse, once, to list the group space's messages."""
    read, left = stepped.chat.written_to_bot, [WebexError("GET messages", 503)]

    def listed(space: Space, since: datetime) -> Sequence[Message]:
        if left and space.id == stepped.setup.group.id:
            raise left.pop()
        return read(space, since)

    with patch.object(stepped.chat, "written_to_bot", listed):
        yield
    assert not left


@pytest.mark.parametrize("several", [True, False])
def test_a_look_that_another_worker_has_ended_is_forgotten(stepped: SteppedBot, *, several: bool) -> None:
    """What one worker had found before it was refused is no alert for ever, and no reason to give up a space sooner."""
    one = stepped.operations.catch_up
    other = CatchUp(stepped.services) if several else one
    handlers, look = dict(stepped.worker._tasks), missed_messages(stepped.database).look
    stepped.worker._tasks = handlers

    def misses(*spaces: EmulatedSpace | None) -> None:
        """Have the one begin a look in which the group space is refused, and the other one end it."""
        for space in spaces:
            unannounced(stepped, space=space)
        handlers[tasks.CATCH_UP] = one
        with group_refuses(stepped):
            minutes(stepped, 10)
        handlers[tasks.CATCH_UP] = other
        minutes(stepped, 2)

    runs(stepped)
    misses(None, stepped.setup.group)
    assert len(said(stepped, stepped.setup.group)) == 1
    minutes(stepped, 80)  # an hour and more, in which the other one looks
    assert look() is None
    misses(stepped.setup.group)
    assert len(said(stepped, stepped.setup.group)) == 2
    handlers[tasks.CATCH_UP] = one
    minutes(stepped, 12)
    assert look() is None


def test_an_announced_message_is_answered_once_and_is_no_alert(stepped: SteppedBot) -> None:
    runs(stepped)
    stepped.receive(stepped.setup.ada, "help")
    minutes(stepped, 25)
    assert len(said(stepped)) == 1
    assert missed_messages(stepped.database).look() is None


def test_a_look_is_few_calls_where_nothing_is_new(stepped: SteppedBot) -> None:
    stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)
    minutes(stepped, 20)
    runs(stepped)
    minutes(stepped, 60)
    assert stepped.calls("GET", "/v1/rooms") <= 6
    assert len(stepped.emulator.calls) == stepped.calls("GET", "/v1/rooms")


def test_after_an_outage_messages_are_looked_for_at_once_and_its_times_are_told(stepped: SteppedBot) -> None:
    runs(stepped)
    began = stepped.clock()
    upstream = stepped.operations.bot_upstream
    upstream.observed("GET", "/v1/rooms", None, 0.1)
    unannounced(stepped)
    stepped.clock.turn(4 * MINUTE)
    until = stepped.clock()
    upstream.observed("GET", "/v1/rooms", 200, 0.1)
    minutes(stepped, 1)

    (word, answer) = said(stepped)
    assert word.startswith(f"{AWAY} {period(began, until)}")
    assert HELP in answer
    minutes(stepped, 30)
    assert len(said(stepped)) == 2
    assert stepped.calls("GET", "/v1/rooms") <= 4, "the outage is covered once"


def test_an_outage_of_hours_hides_nothing_that_was_written_at_its_beginning(stepped: SteppedBot) -> None:
    """No call gets through, and the process that knew of the outage dies in its middle."""
    runs(stepped)
    stepped.clock.turn(MINUTE)
    unannounced(stepped)
    stepped.emulator.faults.add(path="/v1/*", cut="before")
    minutes(stepped, 20)
    stepped.restart()
    minutes(stepped, 40)
    assert said(stepped) == []
    stepped.emulator.faults.clear()
    minutes(stepped, 3)

    (word, answer) = said(stepped)
    assert word.startswith(AWAY)
    assert HELP in answer


def test_a_late_look_tells_of_a_downtime_without_a_restart_too(stepped: SteppedBot) -> None:
    runs(stepped)
    unannounced(stepped)
    stepped.emulator.faults.add(path="/v1/*", cut="before")
    minutes(stepped, 40)
    stepped.emulator.faults.clear()
    minutes(stepped, 3)

    (word, answer) = said(stepped)
    assert word.startswith(AWAY)
    assert HELP in answer


def test_a_restart_of_the_web_process_does_not_hide_a_longer_outage(stepped: SteppedBot) -> None:
    runs(stepped)
    unannounced(stepped)
    stepped.emulator.faults.add(path="/v1/*", cut="before")
    minutes(stepped, 20)
    stepped.restart()
    minutes(stepped, 1)
    with stepped.database.begin() as tx:
        catch_up_job.put(tx, stepped.queue, stepped.clock(), stepped.clock())
    stepped.emulator.faults.clear()
    minutes(stepped, 2)

    (word, answer) = said(stepped)
    assert word.startswith(AWAY)
    assert HELP in answer


def test_hundreds_of_messages_in_one_space_are_all_found(stepped: SteppedBot) -> None:
    runs(stepped)
    for _ in range(130):
        unannounced(stepped)
        stepped.clock.turn(3)  # so that it is no flood
    minutes(stepped, 13)
    assert len(said(stepped)) == 130


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_refused_look_is_repeated(stepped: SteppedBot, status: int) -> None:
    runs(stepped)
    unannounced(stepped)
    stepped.emulator.faults.add(method="GET", path="/v1/rooms", status=status, times=3)
    minutes(stepped, 20)
    assert HELP in said(stepped)[-1]


def test_a_space_that_is_always_refused_holds_the_others_up_for_no_moment_and_the_look_for_an_hour(
    stepped: SteppedBot,
) -> None:
    runs(stepped)
    unannounced(stepped)
    unannounced(stepped, space=stepped.setup.group)
    read = stepped.chat.written_to_bot

    def refused(space: Space, since: datetime) -> Sequence[Message]:
        if space.id == stepped.setup.group.id:
            raise WebexError("GET messages", 409)
        return read(space, since)

    stepped.chat.written_to_bot = refused  # type: ignore[method-assign,assignment]
    minutes(stepped, 12)
    assert len(said(stepped)) == 1
    minutes(stepped, 70)
    with stepped.database.read() as tx:
        looked = heartbeats.caught_up_until(tx)
    assert looked is not None
    assert stepped.clock() - looked < timedelta(minutes=12)


def test_what_webex_does_not_know_for_a_moment_is_read_again_however_old_it_is(stepped: SteppedBot) -> None:
    runs(stepped)
    unannounced(stepped)
    stepped.emulator.faults.add(method="GET", path="/v1/messages/*", status=404, times=1)
    minutes(stepped, 13)

    assert [HELP in one for one in said(stepped)] == [True]


def test_a_downtime_of_days_promises_no_more_than_a_day() -> None:
    now = datetime(2026, 3, 29, 9, 40, tzinfo=UTC)
    assert "written in the meantime" in away(now - timedelta(hours=23), now, heartbeats.LONGEST)
    assert "written in the last 24 hours" in away(now - timedelta(hours=50), now, heartbeats.LONGEST)


def test_a_last_heartbeat_of_a_clock_that_was_ahead_is_no_downtime_to_tell_of(stepped: SteppedBot) -> None:
    now = stepped.clock()
    with stepped.database.begin() as tx:
        key_values.set(tx, heartbeats.WEB_SEEN, "", now + timedelta(hours=1))
        downtime = heartbeats.beat(tx, now, started=True)
    assert downtime is not None
    assert not downtime.noticeable


def test_a_space_that_does_not_answer_holds_nobody_else_up(stepped: SteppedBot) -> None:
    runs(stepped)
    unannounced(stepped)
    unannounced(stepped, space=stepped.setup.group)
    read = stepped.chat.written_to_bot
    asked: list[str] = []

    def failing(space: Space, since: datetime) -> Sequence[Message]:
        asked.append(space.id)
        if space.id == stepped.setup.group.id and len(asked) < 6:
            raise WebexError("GET messages", 503)
        return read(space, since)

    stepped.chat.written_to_bot = failing  # type: ignore[method-assign,assignment]
    minutes(stepped, 20)

    for space in (None, stepped.setup.group):
        assert [HELP in one for one in said(stepped, space)] == [True]
    others = [one for one in asked[:6] if one != stepped.setup.group.id]
    assert len(others) <= 2, "the next tries go on with the one that failed; the answer in the other is news of it"


def test_after_a_clock_was_set_back_messages_are_found_again(stepped: SteppedBot) -> None:
    runs(stepped)
    stepped.clock.turn(-20 * 3600)
    stepped.queue.restart_waits()
    minutes(stepped, 2)
    unannounced(stepped)
    minutes(stepped, 12)
    assert HELP in said(stepped)[-1]


def test_two_looks_are_one_after_the_other(stepped: SteppedBot) -> None:
    now = stepped.clock()
    with stepped.database.begin() as tx:
        catch_up_job.put(tx, stepped.queue, now, now)
        catch_up_job.put(tx, stepped.queue, now, now, key=catch_up_job.AFTER_HANDOVER)
    claims = stepped.queue.take([], {COMMON: 16}).claims
    assert [claim.job.key for claim in claims if claim.job.task == tasks.CATCH_UP] == [catch_up_job.PERIODIC]


def test_downtimes_that_were_not_caught_up_on_are_told_as_one(stepped: SteppedBot) -> None:
    runs(stepped)
    began = stepped.clock()
    unannounced(stepped)
    for seconds in (20 * MINUTE, 5.0):
        stepped.clock.turn(seconds)
        with stepped.database.begin() as tx:
            catch_up_job.put(tx, stepped.queue, stepped.clock() - timedelta(seconds=seconds), stepped.clock())
    until = stepped.clock()
    stepped.work()

    (word, answer) = said(stepped)
    assert word.startswith(f"{AWAY} {period(began, until)}")
    assert HELP in answer
    with stepped.database.read() as tx:
        assert heartbeats.downtime(tx) is None


def test_a_job_that_an_older_version_put_does_the_same(stepped: SteppedBot) -> None:
    runs(stepped)
    unannounced(stepped)
    with stepped.database.begin() as tx:
        stepped.queue.put(tx, tasks.CATCH_UP, "1774773000-1774773600-silently", lock=catch_up_job.LOCK)
    stepped.work()
    assert len(said(stepped)) == 1
