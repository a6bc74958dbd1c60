"""Procrastinate with the same empty jobs, beside ours on PostgreSQL; it is in no lock: `pip install procrastinate`."""

from __future__ import annotations

import importlib
import multiprocessing
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tests.bench.queue_bench import FLOOD_JOBS, LATENCY_JOBS, THREADS, ms

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TASK = "bench"


def _app(url: str, pipe: Any = None) -> Any:
    library = importlib.import_module("procrastinate")
    app = library.App(connector=library.PsycopgConnector(conninfo=url))
    sending = threading.Lock()

    def started(key: str) -> None:
        at = time.monotonic()
        with sending:
            pipe.send((key, at))

    app.task(name=TASK)(started)
    return app


def _worker(url: str, pipe: Connection) -> None:
    app = _app(url, pipe)
    with app.open():
        pipe.send(("ready", 0.0))
        app.run_worker(concurrency=THREADS, install_signal_handlers=False)


def main(url: str) -> None:
    """Print the lines that `queue_bench` prints of ours."""
    if find_spec("procrastinate") is None:
        print("Procrastinate is not installed, so there is no peer to compare with: pip install procrastinate")
        return
    spawn = multiprocessing.get_context("spawn")
    pipe, far_end = spawn.Pipe()
    app = _app(url)
    with app.open():
        app.schema_manager.apply_schema()
        worker = spawn.Process(target=_worker, args=(url, far_end), daemon=True)
        worker.start()
        pipe.recv()
        task = app.tasks[TASK]
        puts, latencies = [], []
        for number in range(LATENCY_JOBS):
            before = time.monotonic()
            task.defer(key=str(number))
            committed = time.monotonic()
            _, started = pipe.recv()
            puts.append(committed - before)
            latencies.append(started - committed)
            time.sleep(0.005)
        print(f"commit to start, idle: p50 {ms(latencies, 0.5)}, p99 {ms(latencies, 0.99)}")
        print(f"put with its commit:   p50 {ms(puts, 0.5)}, p99 {ms(puts, 0.99)}")
        task.batch_defer(*({"key": str(number)} for number in range(FLOOD_JOBS)))
        began = time.monotonic()
        for _ in range(FLOOD_JOBS):
            pipe.recv()
        print(f"jobs a second, alone: {FLOOD_JOBS / (time.monotonic() - began):.0f}")
        worker.kill()
        worker.join()
