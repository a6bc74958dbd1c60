"""Have a report's CSV written as an Excel file (XLSX) by a process of its own, ``spreadsheet_writer.py``.

Writing takes about half a second of a processor for each megabyte of CSV, in Python's own code: within the worker,
everybody would be answered late meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import structlog

from bot.files import storage

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

MOST_ROWS: Final = 1_048_576
"""Rows of a sheet, the header among them; this and the next two are Excel's limits."""
MOST_COLUMNS: Final = 16_384
LONGEST_CELL: Final = 32_767
"""Letters."""
TIMEOUT: Final = 900.0
"""Seconds for one file; 100 MB of CSV take about one minute of a processor."""
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "SYSTEMROOT")
"""What the process sees of the environment, which holds tokens."""
_WRITER: Final = "bot.files.spreadsheet_writer"


class Outcome(IntEnum):
    """How the writer ended; its exit status."""

    WRITTEN = 0
    TOO_MANY = 3
    """More rows, columns or letters in a cell than Excel takes."""
    TOO_LARGE = 4
    UNREADABLE = 5
    DISK_FULL = 6


def to_xlsx(csv: Path, target: Path, most: int) -> Outcome:
    """Write the CSV at ``csv`` as a spreadsheet of at most ``most`` bytes to ``target``, beside which rows may wait.

    Raises ``FileRejected`` when the disk is full.
    """
    command = [sys.executable, "-m", _WRITER, str(csv), str(target), str(most)]
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 our own command
            command, env=passed_on, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        log.warning("spreadsheet_took_too_long", bytes=csv.stat().st_size)
        return Outcome.TOO_LARGE
    if done.returncode not in set(Outcome):
        # What it says may hold cells of the report, so only the last line's first word is logged: the error's name.
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        log.error("spreadsheet_failed", status=done.returncode, error=last.partition(":")[0])
        return Outcome.UNREADABLE
    if done.returncode == Outcome.DISK_FULL:
        raise storage.NoRoom("converted")
    return Outcome(done.returncode)
