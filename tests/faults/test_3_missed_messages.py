"""Messages of which no webhook came are found by polling, also when nobody noticed that anything was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import heartbeats, key_values
from bot.errors import WebexError
from bot.messages.alerts import away
from bot.ops import catch_up
from bot.ops.catch_up import missed_messages
from bot.queue import tasks
from bot.queue.fairness import COMMON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.emulator.things import Space as EmulatedSpace
    from bot.webex.types import Message, Space
    from tests.core.workbench import Workbench

MINUTE = 60.0
AWAY = "I was away from"
HELP = "Show this help."


def minutes(bench: Workbench, number: int) -> None:
    """The program runs for so long: it sweeps every minute."""
    for _ in range(number):
        bench.sweep.once()
        bench.wait(MINUTE)


def runs(bench: Workbench) -> None:
    """It has run for a while, and looked."""
    minutes(bench, 12)
    bench.emulator.calls.clear()


def unannounced(bench: Workbench, text: str = "help", space: EmulatedSpace | None = None) -> None:
    """Someone writes to the bot, and no event comes of it."""
    stage = bench.stage
    space = space or bench.world.direct_space(stage.ada, stage.bot)
    mention: dict[str, Any] = {"mention": stage.bot} if space.type == "group" else {}
    bench.world.say(stage.ada, space, text, **mention)


def said(bench: Workbench, space: EmulatedSpace | None = None) -> list[str]:
    return [one.text or "" for one in bench.said(space)]


def test_a_message_whose_event_never_came_is_answered_without_a_word_about_it(bench: Workbench) -> None:
    runs(bench)
    unannounced(bench)
    unannounced(bench, space=bench.stage.group)
    minutes(bench, 12)

    for space in (None, bench.stage.group):
        (answer,) = said(bench, space)
        assert HELP in answer
    minutes(bench, 24)
    assert len(said(bench)) == 1


def test_missed_messages_are_an_alert_until_a_look_finds_none(bench: Workbench) -> None:
    look = missed_messages(bench.database).look
    runs(bench)
    assert look() is None
    for _ in range(3):
        unannounced(bench)
    minutes(bench, 11)
    assert "no webhook for at least one message and found it by polling" in (look() or "")
    minutes(bench, 11)
    assert look() is None


def test_an_announced_message_is_answered_once_and_is_no_alert(bench: Workbench) -> None:
    runs(bench)
    bench.hears(bench.stage.ada, "help")
    minutes(bench, 25)
    assert len(said(bench)) == 1
    assert missed_messages(bench.database).look() is None


def test_a_look_is_few_calls_where_nothing_is_new(bench: Workbench) -> None:
    bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    minutes(bench, 20)
    runs(bench)
    minutes(bench, 60)
    assert bench.calls("GET", "/v1/rooms") <= 6
    assert len(bench.emulator.calls) == bench.calls("GET", "/v1/rooms")


def test_after_an_outage_messages_are_looked_for_at_once_and_its_times_are_told(bench: Workbench) -> None:
    runs(bench)
    began = bench.clock()
    upstream = bench.operations.bot_upstream
    upstream.observed("GET", "/v1/rooms", None, 0.1)
    unannounced(bench)
    bench.clock.turn(4 * MINUTE)
    until = bench.clock()
    upstream.observed("GET", "/v1/rooms", 200, 0.1)
    minutes(bench, 1)

    (word, answer) = said(bench)
    assert word.startswith(f"{AWAY} {began:%b} {began.day}, {began:%H:%M} to {until:%H:%M} UTC")
    assert HELP in answer
    minutes(bench, 30)
    assert len(said(bench)) == 2
    assert bench.calls("GET", "/v1/rooms") <= 4, "the outage is covered once"


def test_an_outage_of_hours_hides_nothing_that_was_written_at_its_beginning(bench: Workbench) -> None:
    """No call gets through, and the process that knew of the outage dies in its middle."""
    runs(bench)
    bench.clock.turn(MINUTE)
    unannounced(bench)
    bench.emulator.faults.add(path="/v1/*", cut="before")
    minutes(bench, 20)
    bench.restart()
    minutes(bench, 40)
    assert said(bench) == []
    bench.emulator.faults.clear()
    minutes(bench, 3)

    (word, answer) = said(bench)
    assert word.startswith(AWAY)
    assert HELP in answer


def test_a_late_look_tells_of_a_downtime_without_a_restart_too(bench: Workbench) -> None:
    runs(bench)
    unannounced(bench)
    bench.emulator.faults.add(path="/v1/*", cut="before")
    minutes(bench, 40)
    bench.emulator.faults.clear()
    minutes(bench, 3)

    (word, answer) = said(bench)
    assert word.startswith(AWAY)
    assert HELP in answer


def test_a_restart_of_the_web_process_does_not_hide_a_longer_outage(bench: Workbench) -> None:
    runs(bench)
    unannounced(bench)
    bench.emulator.faults.add(path="/v1/*", cut="before")
    minutes(bench, 20)
    bench.restart()
    minutes(bench, 1)
    with bench.database.begin() as tx:
        catch_up.request(tx, bench.queue, bench.clock(), bench.clock())
    bench.emulator.faults.clear()
    minutes(bench, 2)

    (word, answer) = said(bench)
    assert word.startswith(AWAY)
    assert HELP in answer


def test_hundreds_of_messages_in_one_space_are_all_found(bench: Workbench) -> None:
    runs(bench)
    for _ in range(130):
        unannounced(bench)
        bench.clock.turn(3)  # so that it is no flood
    minutes(bench, 13)
    assert len(said(bench)) == 130


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_refused_look_is_repeated(bench: Workbench, status: int) -> None:
    runs(bench)
    unannounced(bench)
    bench.emulator.faults.add(method="GET", path="/v1/rooms", status=status, times=3)
    minutes(bench, 20)
    assert HELP in said(bench)[-1]


def test_a_space_that_is_always_refused_holds_the_others_up_for_no_moment_and_the_look_for_an_hour(
    bench: Workbench,
) -> None:
    runs(bench)
    unannounced(bench)
    unannounced(bench, space=bench.stage.group)
    read = bench.chat.written_to_bot

    def refused(space: Space, since: datetime) -> Sequence[Message]:
        if space.id == bench.stage.group.id:
            raise WebexError("GET messages", 409)
        return read(space, since)

    bench.chat.written_to_bot = refused  # type: ignore[method-assign,assignment]
    minutes(bench, 12)
    assert len(said(bench)) == 1
    minutes(bench, 70)
    with bench.database.read() as tx:
        looked = heartbeats.caught_up_until(tx)
    assert looked is not None
    assert bench.clock() - looked < timedelta(minutes=12)


def test_what_webex_does_not_know_for_a_moment_is_read_again_however_old_it_is(bench: Workbench) -> None:
    runs(bench)
    unannounced(bench)
    bench.emulator.faults.add(method="GET", path="/v1/messages/*", status=404, times=1)
    minutes(bench, 13)

    assert [HELP in one for one in said(bench)] == [True]


def test_a_downtime_of_days_promises_no_more_than_a_day() -> None:
    now = datetime(2026, 3, 29, 9, 40, tzinfo=UTC)
    assert "written in the meantime" in away(now - timedelta(hours=23), now, heartbeats.LONGEST)
    assert "written in the last 24 hours" in away(now - timedelta(hours=50), now, heartbeats.LONGEST)


def test_a_last_heartbeat_of_a_clock_that_was_ahead_is_no_downtime_to_tell_of(bench: Workbench) -> None:
    now = bench.clock()
    with bench.database.begin() as tx:
        key_values.set(tx, heartbeats.WEB_SEEN, "", now + timedelta(hours=1))
        downtime = heartbeats.beat(tx, now, started=True)
    assert downtime is not None
    assert not downtime.noticeable


def test_a_space_that_does_not_answer_holds_nobody_else_up(bench: Workbench) -> None:
    runs(bench)
    unannounced(bench)
    unannounced(bench, space=bench.stage.group)
    read = bench.chat.written_to_bot
    asked: list[str] = []

    def failing(space: Space, since: datetime) -> Sequence[Message]:
        asked.append(space.id)
        if space.id == bench.stage.group.id and len(asked) < 6:
            raise WebexError("GET messages", 503)
        return read(space, since)

    bench.chat.written_to_bot = failing  # type: ignore[method-assign,assignment]
    minutes(bench, 20)

    for space in (None, bench.stage.group):
        assert [HELP in one for one in said(bench, space)] == [True]
    others = [one for one in asked[:6] if one != bench.stage.group.id]
    assert len(others) <= 2, "the next tries go on with the one that failed; the answer in the other is news of it"


def test_after_a_clock_was_set_back_messages_are_found_again(bench: Workbench) -> None:
    runs(bench)
    bench.clock.turn(-20 * 3600)
    bench.queue.jobs.restart_waits()
    minutes(bench, 2)
    unannounced(bench)
    minutes(bench, 12)
    assert HELP in said(bench)[-1]


def test_two_looks_are_one_after_the_other(bench: Workbench) -> None:
    now = bench.clock()
    with bench.database.begin() as tx:
        catch_up.request(tx, bench.queue, now, now)
        catch_up.request(tx, bench.queue, now, now, key=catch_up.AFTER_HANDOVER)
    claims = bench.queue.jobs.take([], {COMMON: 16}).claims
    assert [claim.job.key for claim in claims if claim.job.task == tasks.CATCH_UP] == [catch_up.PERIODIC]


def test_downtimes_that_were_not_caught_up_on_are_told_as_one(bench: Workbench) -> None:
    runs(bench)
    began = bench.clock()
    unannounced(bench)
    for seconds in (20 * MINUTE, 5.0):
        bench.clock.turn(seconds)
        with bench.database.begin() as tx:
            catch_up.request(tx, bench.queue, bench.clock() - timedelta(seconds=seconds), bench.clock())
    until = bench.clock()
    bench.work()

    (word, answer) = said(bench)
    assert word.startswith(f"{AWAY} {began:%b} {began.day}, {began:%H:%M} to {until:%H:%M} UTC")
    assert HELP in answer
    with bench.database.read() as tx:
        assert heartbeats.downtime(tx) is None


def test_a_job_that_an_older_version_put_does_the_same(bench: Workbench) -> None:
    runs(bench)
    unannounced(bench)
    with bench.database.begin() as tx:
        bench.queue.put(tx, tasks.CATCH_UP, "1774773000-1774773600-silently", lock=catch_up.LOCK)
    bench.work()
    assert len(said(bench)) == 1
