"""What is looked at in a thread of its own: all of it, in order, and whatever goes wrong comes out."""

from __future__ import annotations

import threading

import pytest

from bot.files import aside
from bot.files.aside import MOST_WAITING, Aside


@pytest.fixture(params=[0, 3, 10**9], ids=["at once", "after three bytes", "never"])
def beside_from(request, monkeypatch):
    """From which byte on a thread looks."""
    monkeypatch.setattr(aside, "WORTH_IT_FROM", request.param)


@pytest.mark.usefixtures("beside_from")
def test_every_piece_is_looked_at_in_order():
    seen: list[bytes] = []
    one = Aside(seen.append)
    for number in range(100):
        one.take(b"%d" % number)
    one.end()
    assert seen == [b"%d" % number for number in range(100)]
    one.abandon()


@pytest.mark.usefixtures("beside_from")
def test_what_goes_wrong_comes_out_and_nobody_waits_for_ever():
    def look(piece: bytes) -> None:
        if piece == b"bad":
            raise ValueError("oh")

    def give() -> None:
        one.take(b"good")
        one.take(b"bad")
        for _ in range(3 * MOST_WAITING):
            one.take(b"good")
        one.end()

    one = Aside(look)
    with pytest.raises(ValueError, match="oh"):
        give()
    one.abandon()


def test_a_small_file_needs_no_thread():
    one = Aside(lambda _: None)
    before = threading.active_count()
    one.take(b"x" * 1000)
    assert threading.active_count() == before
    one.end()


def test_who_gives_faster_than_can_be_looked_at_waits(monkeypatch):
    monkeypatch.setattr(aside, "WORTH_IT_FROM", 0)
    goes_on, given = threading.Event(), threading.Semaphore(0)
    one = Aside(lambda _: (goes_on.wait(10), None)[1])

    def give() -> None:
        for _ in range(MOST_WAITING + 5):
            one.take(b"x")
            given.release()

    giver = threading.Thread(target=give)
    giver.start()
    for _ in range(MOST_WAITING):
        assert given.acquire(timeout=10)
    assert giver.is_alive(), "at most so many wait, and one is looked at"
    goes_on.set()
    giver.join(10)
    one.end()


def test_when_it_is_abandoned_no_more_is_looked_at_and_the_thread_ends(monkeypatch):
    monkeypatch.setattr(aside, "WORTH_IT_FROM", 0)
    seen: list[bytes] = []
    begun, goes_on = threading.Event(), threading.Event()

    def look(piece: bytes) -> None:
        seen.append(piece)
        begun.set()
        assert goes_on.wait(10)

    one = Aside(look)
    for number in range(3):
        one.take(b"%d" % number)
    assert begun.wait(10)
    thread = one._thread
    threading.Timer(0.05, goes_on.set).start()
    one.abandon()
    one.abandon()
    assert seen == [b"0"]
    assert thread is not None
    assert not thread.is_alive()


def test_without_threads_it_is_looked_at_on_the_way(monkeypatch):
    def none_left(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(aside, "WORTH_IT_FROM", 0)
    monkeypatch.setattr("threading.Thread.start", none_left)
    seen: list[bytes] = []
    one = Aside(seen.append)
    one.take(b"a")
    one.take(b"b")
    one.end()
    assert seen == [b"a", b"b"]
