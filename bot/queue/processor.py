"""Keep a process on one processor, and move it to another when that one is taken.

Python runs one of a process's threads at a time. A thread that reads from a socket lets go of the interpreter for a
moment: with two processors another thread wakes up and takes it meanwhile, so threads wake and wait for each other at
every call, and a report costs half as much again. With one processor the read has returned before anyone wakes up.
"""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 2.0
"""Seconds."""
TAKEN: Final = 0.1
"""A processor that is idle for less than this share of the time is taken…"""
OWN: Final = 0.6
"""…by others, when this process has got less than this share of it."""
FREE: Final = 0.5
"""A processor that is idle for more than this share of the time is free."""
STATISTICS: Final = Path("/proc/stat")
THREADS: Final = Path("/proc/self/task")
IDLE_FIELDS: Final = slice(4, 6)
"""Of a processor's line: idle, and waiting for a disk; in clock ticks."""


def keep_to_one_processor() -> None:
    """Have this process, and the threads that it starts from now on, run on one of the processors that it may use.

    Does nothing where there is one only, or none can be chosen (macOS).
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    if not STATISTICS.exists():  # hidden by systemd's ProcSubset=pid, for example
        log.info("processor_not_chosen", cause=f"{STATISTICS} is not there")
        return
    allowed = os.sched_getaffinity(0)
    if len(allowed) > 1:
        mine = random.choice(sorted(allowed))  # noqa: S311 no secret
        _use(mine)
        threading.Thread(target=_keep, args=(mine, allowed), name="processor", daemon=True).start()


def next_processor(mine: int, idle: Mapping[int, float], own: float) -> int:
    """Return the processor to use from now on: ``mine``, unless others take it while another one is free.

    ``idle``: the share of the time for which each processor was idle; ``own``: the share that this process used.
    """
    freest = max(idle, key=lambda one: idle[one])
    crowded = idle.get(mine, 0.0) < TAKEN and own < OWN
    return freest if crowded and idle[freest] > FREE else mine


def _keep(mine: int, allowed: Collection[int]) -> None:
    while True:
        try:
            mine = _moved(mine, allowed)
        except OSError as error:  # there are too many open files, say
            log.debug("processor_not_looked_at", cause=error.strerror)
            time.sleep(LOOK_EVERY)


def _moved(mine: int, allowed: Collection[int]) -> int:
    """Watch the processors for a while; return the one that is used from now on."""
    ticks = os.sysconf("SC_CLK_TCK")
    before, own, began = _idle_ticks(allowed), time.process_time(), time.monotonic()
    time.sleep(LOOK_EVERY)
    after, elapsed = _idle_ticks(allowed), time.monotonic() - began
    idle = {one: (after[one] - before[one]) / ticks / elapsed for one in after if one in before}
    chosen = next_processor(mine, idle, (time.process_time() - own) / elapsed) if idle else mine
    if chosen != mine:
        _use(chosen)
    return chosen


def _use(number: int) -> None:
    for thread in THREADS.iterdir():
        with suppress(OSError):  # it has just ended, or the machine's administrator has taken the processor away
            os.sched_setaffinity(int(thread.name), {number})


def _idle_ticks(allowed: Collection[int]) -> dict[int, int]:
    """Return for how long each processor was idle since the machine started."""
    lines = (line.split() for line in STATISTICS.read_text().splitlines())
    found = {int(fields[0][3:]): fields for fields in lines if fields[0].startswith("cpu") and fields[0] != "cpu"}
    return {number: sum(map(int, fields[IDLE_FIELDS])) for number, fields in found.items() if number in allowed}
