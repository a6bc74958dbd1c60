"""What may go well a moment later is tried again there and then, and nothing else is."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bot.errors import WebexError
from bot.webex.http import HttpTransport, RateLimitGate
from bot.webex.retry import AN_OUTAGE, LONGEST_TRY, LONGEST_WAIT, MAY_SUCCEED, WAITS, RetryPolicy
from bot.webex.tokens import StaticToken
from tests.webex.loopback import ALL_ERRORS, Loopback

TOKEN = "a-token-of-the-tests"


class Time:
    """A clock that goes on by sleeping only, and what was slept."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.passed += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def retries(time: Time) -> RetryPolicy:
    return RetryPolicy(sleep=time.sleep, clock=time.now, chance=lambda: 1.0)


@pytest.fixture
def transport(loopback: Loopback, closed: Any, time: Time, retries: RetryPolicy) -> HttpTransport:
    gate = RateLimitGate(clock=time.now, chance=lambda: 0.0)
    made: HttpTransport = closed(HttpTransport(loopback.url, StaticToken(TOKEN), gate=gate, retries=retries))
    return made


def ask(transport: HttpTransport, method: str = "GET") -> int:
    return transport.request(method, transport.base_url + "things").status_code


def in_turn(loopback: Loopback, *answers: Any) -> None:
    """Answer the first call with the first of these, and so on; the last one stays."""

    def answer(exchange: Any, _asked: Any) -> None:
        status, headers = answers[min(len(loopback.asked), len(answers)) - 1]
        exchange.reply(status, {}, headers)

    loopback.answer(answer)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("status", ALL_ERRORS)
def test_of_all_statuses_those_are_tried_again_that_may_go_well_and_do_no_harm(
    loopback: Loopback, transport: HttpTransport, time: Time, method: str, status: int
) -> None:
    loopback.always(status)

    with pytest.raises(WebexError) as caught:
        ask(transport, method)

    again = status == 429 or (method == "GET" and status in MAY_SUCCEED)
    assert caught.value.status == status
    assert len(loopback.asked) == (1 + len(WAITS) if again else 1)
    assert time.slept == (list(WAITS) if again else [])


def test_a_cut_read_is_tried_again_and_a_cut_post_is_not(loopback: Loopback, transport: HttpTransport) -> None:
    loopback.answer(lambda exchange, _: exchange.hang_up())

    for method in ("GET", "POST"):
        with pytest.raises(WebexError):
            ask(transport, method)

    asked = [one.method for one in loopback.asked]
    assert asked.count("POST") == 1
    assert asked.count("GET") > 1


def test_it_goes_on_as_if_nothing_had_been(loopback: Loopback, transport: HttpTransport, time: Time) -> None:
    in_turn(loopback, (503, {}), (502, {}), (200, {}))

    assert ask(transport) == 200
    assert time.slept == list(WAITS[:2])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_429_is_waited_for_as_long_as_it_says(
    loopback: Loopback, transport: HttpTransport, time: Time, method: str
) -> None:
    in_turn(loopback, (429, {"Retry-After": "1"}), (200, {}))

    assert ask(transport, method) == 200
    assert time.slept == [1.0]


def test_a_long_429_is_left_to_the_queue_and_so_is_who_is_held_back_by_it(
    loopback: Loopback, transport: HttpTransport, time: Time
) -> None:
    loopback.always(429, b"", {"Retry-After": str(LONGEST_WAIT + 1)})

    for _ in range(2):
        with pytest.raises(WebexError) as caught:
            ask(transport)
        assert caught.value.retry_after == LONGEST_WAIT + 1

    assert (len(loopback.asked), time.slept) == (1, [])


def test_who_is_held_back_for_a_moment_waits(loopback: Loopback, transport: HttpTransport, time: Time) -> None:
    transport.gate.pause(1.5)

    assert ask(transport, "POST") == 200
    assert time.slept == [1.5]


def test_a_call_that_failed_late_is_not_tried_again(retries: RetryPolicy, time: Time) -> None:
    tries = 0

    def slow() -> None:
        nonlocal tries
        tries += 1
        time.passed += LONGEST_TRY + 1
        raise WebexError("GET things", None, reached=None)

    with pytest.raises(WebexError):
        retries.call(slow, reads=True)
    assert tries == 1


def test_in_an_outage_nothing_is_repeated_until_something_goes_well(
    loopback: Loopback, transport: HttpTransport, time: Time
) -> None:
    loopback.always(503)
    for _ in range(AN_OUTAGE):
        with pytest.raises(WebexError):
            ask(transport)
    asked = len(loopback.asked)
    assert asked < AN_OUTAGE + 3 * (1 + len(WAITS)), "each call would have been made four times"

    with pytest.raises(WebexError):
        ask(transport)
    assert len(loopback.asked) == asked + 1

    loopback.always(200, {})
    ask(transport)
    loopback.always(503)
    with pytest.raises(WebexError):
        ask(transport)
    assert len(loopback.asked) == asked + 2 + 1 + len(WAITS)


def test_what_our_own_gate_held_back_is_no_sign_of_an_outage(retries: RetryPolicy, time: Time) -> None:
    def held_back() -> None:
        raise WebexError("GET x", 429, retry_after=1.0, reached=False)

    for _ in range(AN_OUTAGE):
        with pytest.raises(WebexError):
            retries.call(held_back, reads=True)
    time.slept.clear()
    answers = iter([WebexError("GET x", 503)])

    def fails_once() -> str:
        for error in answers:
            raise error
        return "well"

    assert retries.call(fails_once, reads=True) == "well"


def test_two_seconds_that_the_gate_made_longer_are_still_waited_for(retries: RetryPolicy) -> None:
    spread = RateLimitGate(chance=lambda: 1.0).spread(2.0)
    answers = iter([WebexError("POST x", 429, retry_after=spread)])

    def fails_once() -> str:
        for error in answers:
            raise error
        return "well"

    assert retries.call(fails_once, reads=False) == "well"


def test_a_refusal_is_no_outage(loopback: Loopback, transport: HttpTransport) -> None:
    loopback.always(404)
    for _ in range(AN_OUTAGE + 1):
        with pytest.raises(WebexError):
            ask(transport)
    loopback.always(503)
    with pytest.raises(WebexError):
        ask(transport)
    assert len(loopback.asked) == AN_OUTAGE + 2 + len(WAITS)


def test_chance_shortens_a_wait_by_half_at_most(loopback: Loopback, closed: Any, time: Time) -> None:
    retries = RetryPolicy(sleep=time.sleep, clock=time.now, chance=lambda: 0.0)
    transport = closed(HttpTransport(loopback.url, StaticToken(TOKEN), retries=retries))
    loopback.always(500)
    with pytest.raises(WebexError):
        ask(transport)
    assert time.slept == [wait / 2 for wait in WAITS]


def test_threads_share_it(loopback: Loopback, transport: HttpTransport) -> None:
    turns = threading.Lock()
    failed: set[str] = set()

    def first_of_each_fails(exchange: Any, asked: Any) -> None:
        with turns:
            fresh = asked.path not in failed
            failed.add(asked.path)
        exchange.reply(503 if fresh else 200, {})

    loopback.answer(first_of_each_fails)
    got: list[int] = []
    threads = [
        threading.Thread(
            target=lambda n=n: got.append(transport.request("GET", f"{transport.base_url}{n}").status_code)
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [200] * 8
