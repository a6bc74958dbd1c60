"""What a list of durations says, and whether that is what was expected: every line of the bench is written here."""

from __future__ import annotations

import math
import os
import platform
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SYNCS = 50
SYNC_BYTES = bytes(4096)
CPU_MODEL = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Spread:
    """Median, 99th percentile and maximum of some durations, in milliseconds."""

    number: int
    p50: float
    p99: float
    highest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Of at least one duration, in seconds."""
        ordered = sorted(value * 1000 for value in seconds)
        return cls(len(ordered), _ranked(ordered, 0.5), _ranked(ordered, 0.99), ordered[-1])

    def __str__(self) -> str:
        return f"p50 {self.p50:7.2f}  p99 {self.p99:7.2f}  max {self.highest:7.2f} ms  n {self.number:5d}"


def _ranked(ordered: Sequence[float], share: float) -> float:
    """Return the nearest rank: a value that was measured, never one between two."""
    return ordered[math.ceil(share * len(ordered)) - 1]


@dataclass(frozen=True)
class Limits:
    """What is expected of a spread, in milliseconds."""

    p50: float
    p99: float

    def met(self, spread: Spread) -> bool:
        """Return True when it is so."""
        return spread.p50 <= self.p50 and spread.p99 <= self.p99

    def __str__(self) -> str:
        return f"p50 ≤ {self.p50:g}, p99 ≤ {self.p99:g} ms"


def said(*, met: bool) -> str:
    """Return the word for it."""
    return "met" if met else "NOT MET"


def machine() -> list[str]:
    """What the figures were measured on, and what a durable write costs there: no acknowledgement can be quicker."""
    model = ""
    if CPU_MODEL.exists():
        lines = CPU_MODEL.read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return [
        f"{os.cpu_count()} cores {model}".rstrip() + f", {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"load of the last minute before the start: {os.getloadavg()[0]:.1f} (other programs make every figure worse)",
        f"4 KiB written and fsynced in the temporary folder: {Spread.of(_syncs())}",
    ]


def _syncs() -> list[float]:
    taken = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(SYNC_BYTES)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return taken
