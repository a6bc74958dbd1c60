"""Programs that the queue's tests run as processes of their own, to kill them: a worker and a putter.

They come from a fork server that has imported everything, because twenty interpreters would take ten seconds to start.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import threading
import time
from typing import TYPE_CHECKING

from bot.queue import Job, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from tests.queue.support import Engine

servers = multiprocessing.get_context("forkserver")
servers.set_forkserver_preload(
    ["bot.queue.sqlite", "bot.queue.postgresql", "tests.queue.programs", "tests.queue.support"]
)


@contextlib.contextmanager
def process(target: Callable[..., None], *args: object) -> Iterator[ForkServerProcess]:
    """Run `target` in a process; whatever happens, it is gone at the end."""
    running = servers.Process(target=target, args=args)
    running.start()
    try:
        yield running
    finally:
        running.kill()
        running.join()
        running.close()


def lines(notes: Path) -> list[str]:
    """Return what a program has noted so far (whole lines; each was one write)."""
    return notes.read_text().splitlines() if notes.exists() else []


def _note(notes: int, line: str) -> None:
    os.write(notes, f"{line}\n".encode())


def _open_notes(notes: Path) -> int:
    return os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def work(engine: Engine, notes: Path, seed: int) -> None:
    """Work until SIGTERM; note every job at its end. One run in five asks to be repeated, and is not noted."""
    database, queue = engine.open()
    out = _open_notes(notes)
    chance = random.Random(seed)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def handle(job: Job) -> RetryLater | None:
        time.sleep(chance.uniform(0, 0.004))
        if chance.random() < 0.2:
            return RetryLater(0.01)
        _note(out, job.key)
        return None

    queue.work(handle, threads=4, stop=stop)
    database.close()


def work_slowly(engine: Engine, notes: Path, seconds: float) -> None:
    """Work until SIGTERM with one thread; note `start key` and, so many seconds later, `end key`."""
    database, queue = engine.open()
    out = _open_notes(notes)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def handle(job: Job) -> None:
        _note(out, f"start {job.key}")
        time.sleep(seconds)
        _note(out, f"end {job.key}")

    queue.work(handle, threads=1, stop=stop)
    _note(out, "returned")
    database.close()


def put_until_killed(engine: Engine, notes: Path) -> None:
    """Put one job a transaction, and note it after the commit."""
    database, queue = engine.open()
    out = _open_notes(notes)
    number = 0
    while True:
        with database.begin() as tx:
            queue.put(tx, "task", str(number))
        _note(out, str(number))
        number += 1


def put_all(engine: Engine, keys: list[str], times: int) -> None:
    """Put the same keys over and over."""
    database, queue = engine.open()
    for _ in range(times):
        for key in keys:
            with database.begin() as tx:
                queue.put(tx, "task", key)
    database.close()
