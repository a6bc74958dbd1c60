"""The demo's clock: two processes that are told of the same moves show the same time, which never goes back."""

from __future__ import annotations

import time

from bot.cli.demo_clock import RATE, Move, MovingClock

DAY = 86_400.0


def test_it_goes_with_the_machine_until_it_is_moved() -> None:
    clock = MovingClock()
    assert abs(clock.seconds() - time.time()) < 1.0
    assert abs(clock.now().timestamp() - time.time()) < 1.0
    assert not clock.moves


def test_a_move_takes_a_while_and_is_the_same_for_all_who_are_told_of_it() -> None:
    began = time.monotonic()
    webex, bot = MovingClock(), MovingClock()
    move = Move(began, DAY)
    webex.move(move)
    bot.move(Move(**move.as_json()))
    ahead = webex.seconds() - time.time()
    assert 0.0 <= ahead < DAY
    assert webex.moves
    assert abs(webex.seconds() - bot.seconds()) < RATE  # the second is asked a moment later


def test_moves_add_up_and_it_never_goes_back() -> None:
    clock, long_ago = MovingClock(), time.monotonic() - 60.0
    clock.move(Move(long_ago, DAY))
    assert round(clock.seconds() - time.time()) == DAY
    before = clock.monotonic()
    clock.move(Move(time.monotonic(), DAY))
    assert clock.monotonic() >= before
    assert clock.moves
    clock.move(Move(long_ago, DAY))  # told late
    assert clock.monotonic() >= before
