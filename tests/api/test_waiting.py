"""Many calls that wait at once: each hears of its end, nobody holds up another, and one look is for all."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bot.errors import DatabaseUnavailable
from bot.web.api import polls as polls_module
from bot.web.api import reports
from bot.web.api.concurrency import AT_ONCE, MOST_CALLS, MOST_OF_KEY, Concurrency
from bot.web.api.polls import MOST_POLLS, Polls
from tests.api.test_reports import ORDER
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.api.conftest import Api, Caller

PATIENCE = 20.0
MANY = 20


def test_many_programs_wait_for_their_deliveries_and_each_hears_of_its_end(api: Api) -> None:
    callers = [api.caller(name=f"program {number}") for number in range(MANY)]
    pending = api.live.partner_report(status="In progress")
    order = {"reportId": pending.id, "spaceId": api.live.group.id}
    made = [one.post("/deliveries", order)["id"] for one in callers]
    with ThreadPoolExecutor(MANY) as pool:
        waiting = [
            pool.submit(one.get, f"/deliveries/{delivery}?wait=30") for one, delivery in zip(callers, made, strict=True)
        ]
        time.sleep(0.5)  # a call that did not wait would have been answered
        assert not any(one.done() for one in waiting)
        callers[0].call("DELETE", f"/deliveries/{made[0]}", status=204)
        assert waiting[0].result(PATIENCE)["status"] == "canceled"
        assert not any(one.done() for one in waiting[1:])
        for caller, delivery in zip(callers[1:], made[1:], strict=True):
            caller.call("DELETE", f"/deliveries/{delivery}", status=204)
        assert {one.result(PATIENCE)["status"] for one in waiting} == {"canceled"}


def test_of_a_report_that_webex_has_not_created_the_end_is_heard_too(
    api: Api, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "ANSWER_PATIENCE", 0.0)
    api.live.emulator.faults.add("POST", "/v1/partner/reports", delay=3.0)
    order = ORDER | {"deliverTo": {"spaceId": api.live.group.id}}
    delivery = caller.post("/reports", order)["deliveryId"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(caller.get, f"/deliveries/{delivery}?wait=30")
        time.sleep(0.5)
        assert not waiting.done()
        caller.call("DELETE", f"/deliveries/{delivery}", status=204)
        assert waiting.result(PATIENCE)["status"] == "canceled"


def test_orders_by_title_at_once_all_have_their_turn(api: Api, caller: Caller) -> None:
    api.live.partner_report(title="Calling Usage")
    api.live.emulator.latency = 0.05
    order = {"title": "calling usage", "spaceId": api.live.group.id}
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: caller.post("/deliveries", order, once=str(number)), range(8)))
    assert len({one["id"] for one in made}) == 8


@pytest.fixture
def asked() -> list[Collection[str]]:
    return []


def test_one_look_is_for_all_that_wait(asked: list[Collection[str]]) -> None:
    """What ends while others wait frees its own call only; with nobody waiting, nobody looks."""
    done: set[str] = set()

    def ended(references: Collection[str]) -> set[str]:
        asked.append(references)
        return done & set(references)

    polls = Polls(ended)
    with ThreadPoolExecutor(3) as pool:
        first, *others = [pool.submit(polls.wait, one, PATIENCE) for one in ("a", "b", "c")]
        until(lambda: asked[-1:] == [{"a", "b", "c"}], "all three wait")
        done.add("a")
        first.result(PATIENCE)
        assert not any(one.done() for one in others)
        done.update("bc")
        for one in others:
            one.result(PATIENCE)
    until(lambda: all(one.name != "polls" for one in threading.enumerate()), "the thread has ended")
    done.clear()
    began = time.monotonic()
    polls.wait("d", 0.1)
    assert time.monotonic() - began < PATIENCE / 2


def test_one_more_than_may_wait_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls_module, "MOST_POLLS", 1)
    done: set[str] = set()
    polls = Polls(lambda references: done & set(references))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(polls.wait, "a", PATIENCE)
        until(lambda: polls._waiting, "the first one waits")
        polls.wait("b", 2 * PATIENCE)
        assert not waiting.done()
        done.add("a")
        waiting.result(PATIENCE)
    assert MOST_POLLS >= 50


def test_without_a_database_nobody_waits() -> None:
    def away(_: Collection[str]) -> set[str]:
        raise DatabaseUnavailable(OSError())

    began = time.monotonic()
    Polls(away).wait("a", PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2


def test_a_look_that_crashes_keeps_nobody_waiting_and_is_not_the_last(asked: list[Collection[str]]) -> None:
    def crashes_at_first(references: Collection[str]) -> set[str]:
        asked.append(references)
        if len(asked) == 1:
            raise KeyError(next(iter(references)))
        return set(references)

    polls = Polls(crashes_at_first)
    began = time.monotonic()
    with capture_logs() as lines:
        polls.wait("a", PATIENCE)
    polls.wait("b", PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2
    assert [line["event"] for line in lines] == ["polls_crashed"]


def test_where_no_thread_can_be_started_no_place_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    polls = Polls(set)
    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(RuntimeError):
        polls.wait("a", PATIENCE)
    assert not polls._waiting


def waits_for_its_turn(places: Concurrency, key: int) -> bool:
    with places.place(key, PATIENCE) as taken:
        return taken


def test_turns_are_few_and_so_is_the_line() -> None:
    places = Concurrency()
    held = [places.place(1, PATIENCE) for _ in range(AT_ONCE)]
    assert all(one.__enter__() for one in held), "one key may have all of them"
    with places.place(1, 0.01) as taken:
        assert not taken
    with ThreadPoolExecutor(MOST_CALLS) as pool:
        line = [pool.submit(waits_for_its_turn, places, 1) for _ in range(MOST_OF_KEY - AT_ONCE)]
        until(lambda: places._calls[1] == MOST_OF_KEY, "as many as one key may have are in line")
        with places.place(1, 2 * PATIENCE) as taken:
            assert not taken
        line += [pool.submit(waits_for_its_turn, places, 2) for _ in range(MOST_CALLS - MOST_OF_KEY)]
        until(lambda: places._calls.total() == MOST_CALLS, "the line is full")
        with places.place(3, 2 * PATIENCE) as taken:
            assert not taken
        for one in held:
            one.__exit__(None, None, None)
        assert all(one.result(PATIENCE) for one in line)


def test_a_key_without_a_turn_comes_before_one_that_has_one() -> None:
    places, order = Concurrency(), []
    go_on = threading.Event()

    def call(key: int) -> None:
        with places.place(key, PATIENCE) as taken:
            assert taken
            order.append(key)
            assert go_on.wait(PATIENCE)

    first, second = places.place(1, PATIENCE), places.place(1, PATIENCE)
    first.__enter__()
    second.__enter__()
    with ThreadPoolExecutor(MOST_CALLS) as pool:
        line = [pool.submit(call, 1) for _ in range(5)]
        until(lambda: places._calls[1] == 7, "five wait")
        line.append(pool.submit(call, 2))
        until(lambda: places._calls[2] == 1, "the other key waits, too")
        first.__exit__(None, None, None)
        until(lambda: order, "one has its turn")
        assert order == [2]
        second.__exit__(None, None, None)
        go_on.set()
        for one in line:
            one.result(PATIENCE)


def test_a_key_that_asks_for_all_at_once_leaves_others_their_answer(api: Api, caller: Caller) -> None:
    other = api.caller(name="other")
    api.live.emulator.faults.add("GET", "/v1/*reports*", delay=0.1, times=None)
    with ThreadPoolExecutor(24) as pool:
        flood = [pool.submit(caller.session.get, f"{caller.address}/api/v1/reports", timeout=40) for _ in range(24)]
        until(lambda: any(one.done() for one in flood), "one is refused")
        other.get("/reports")
        assert not all(one.done() for one in flood)
        assert {one.result(PATIENCE).status_code for one in flood} == {200, 503}
