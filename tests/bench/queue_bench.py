"""How quick the queue is, on each database and beside a peer: `python -m tests.bench.queue_bench`.

Prints the time from commit to start on an idle worker in another process, what a put costs, jobs a second with empty
handlers (also beside 10,000 jobs under one lock), and the CPU that an idle worker uses.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.db.database import Database
from bot.queue import open_queue
from bot.queue.job_table import create_tables
from tests.postgresql import DURABLE, MISSING, Databases, available, server

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bot.queue import Job, Queue

LATENCY_JOBS = 300
FLOOD_JOBS = 2000
CROWD = 10_000
IDLE_SECONDS = 5.0
THREADS = 8


def _open(folder: Path, url: str) -> tuple[Database, Queue]:
    database = Database(url)
    return database, open_queue(database, folder)


def _worker(folder: Path, url: str, pipe: Connection) -> None:
    """Report the start of every job; on a request, the CPU seconds used so far."""
    database, queue = _open(folder, url)
    stop = threading.Event()
    sending = threading.Lock()

    def handle(job: Job) -> None:
        started = time.monotonic()
        with sending:
            pipe.send((job.key, started))

    def answer() -> None:
        while pipe.recv() != "stop":
            usage = resource.getrusage(resource.RUSAGE_SELF)
            with sending:
                pipe.send(("cpu", usage.ru_utime + usage.ru_stime))
        stop.set()

    threading.Thread(target=answer, daemon=True).start()
    queue.work(handle, threads=THREADS, stop=stop)
    database.close()


def ms(values: list[float], share: float) -> str:
    return f"{sorted(values)[int(len(values) * share)] * 1000:.2f} ms"


def _latency(database: Database, queue: Queue, pipe: Any) -> None:
    latencies, puts = [], []
    for number in range(LATENCY_JOBS):
        before = time.monotonic()
        with database.begin() as tx:
            queue.put(tx, "bench", str(number), lock=f"space-{number}")
        committed = time.monotonic()
        _, started = pipe.recv()
        puts.append(committed - before)
        latencies.append(started - committed)
        time.sleep(0.005)  # the worker settles and falls asleep: this measures an idle one
    print(f"commit to start, idle: p50 {ms(latencies, 0.5)}, p99 {ms(latencies, 0.99)}")
    print(f"put with its commit:   p50 {ms(puts, 0.5)}, p99 {ms(puts, 0.99)}")


def _rate(database: Database, queue: Queue, pipe: Any, title: str) -> None:
    with database.begin() as tx:
        for number in range(FLOOD_JOBS):
            queue.put(tx, "bench", f"{title} {number}")
    began = time.monotonic()
    for _ in range(FLOOD_JOBS):
        pipe.recv()
    print(f"jobs a second, {title}: {FLOOD_JOBS / (time.monotonic() - began):.0f}")


def _crowd(database: Database, queue: Queue) -> None:
    """Many jobs under the lock of one that does not end while the others are measured: they are due, and in the way."""
    with database.begin() as tx:
        for number in range(CROWD):
            queue.put(tx, "crowd", str(number), lock="one space")


def _cpu(pipe: Any) -> float:
    pipe.send("cpu")
    name, seconds = pipe.recv()
    assert name == "cpu"
    return float(seconds)


def _measure(url: str) -> None:
    """Measure ours on one database; `{folder}` in the URL is a new folder."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        url = url.format(folder=folder)
        database, queue = _open(Path(folder), url)
        create_tables(database)
        pipe, far_end = spawn.Pipe()
        worker = spawn.Process(target=_worker, args=(Path(folder), url, far_end))
        worker.start()
        _latency(database, queue, pipe)
        before = _cpu(pipe)
        time.sleep(IDLE_SECONDS)
        print(f"CPU of an idle worker: {(_cpu(pipe) - before) / IDLE_SECONDS:.2%}")
        _rate(database, queue, pipe, "alone")
        pipe.send("stop")
        worker.join()

        _crowd(database, queue)
        stop = threading.Event()
        go_on = threading.Event()
        done = threading.Semaphore(0)

        def handle(job: Job) -> None:
            if job.task == "crowd":
                go_on.wait()
            else:
                done.release()

        beside = threading.Thread(target=lambda: queue.work(handle, threads=THREADS, stop=stop, grace=5.0))
        beside.start()
        with database.begin() as tx:
            for number in range(FLOOD_JOBS):
                queue.put(tx, "bench", str(number))
        began = time.monotonic()
        for _ in range(FLOOD_JOBS):
            done.acquire()
        print(f"jobs a second, beside {CROWD} under one lock: {FLOOD_JOBS / (time.monotonic() - began):.0f}")
        stop.set()
        go_on.set()
        beside.join()
        database.close()


def main() -> None:
    from tests.bench import queue_peer

    print(f"ours on SQLite (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    _measure("sqlite:///{folder}/bench.db")
    if not available():
        print(MISSING)
        return
    with server(**DURABLE) as running:
        databases = Databases(running.url, "queue")
        ours, theirs = databases.empty(), databases.empty()
        databases.close()
        print(f"ours on PostgreSQL (load average {os.getloadavg()[0]:.1f})")
        _measure(ours)
        print(f"Procrastinate on PostgreSQL (load average {os.getloadavg()[0]:.1f})")
        queue_peer.main(theirs)


if __name__ == "__main__":
    main()
