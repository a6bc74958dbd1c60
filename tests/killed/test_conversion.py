"""Killed while an Excel file is written, the file comes once, and nothing is left in the folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.killed.program import parents
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Start
    from tests.killed.program import Program
    from tests.live_bot import LiveBot

pytestmark = pytest.mark.threads_listed

LINE = b"Ada,12,some words that make the line a little longer than it would be\r\n"
ROWS = 30_000
"""Rows that take a second or two."""
SIZE = ROWS * len(LINE)


def rows() -> Iterator[bytes]:
    for _ in range(ROWS // 1000):
        yield LINE * 1000


def writers(live: LiveBot) -> list[int]:
    """Return the processes that write an Excel file in this bot's folder."""
    found = []
    for pid in parents():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if "bot.files.spreadsheet_writer" in command and str(live.folder) in command:
            found.append(pid)
    return found


def left_in(folder: Path) -> list[str]:
    """Return the files and folders that a conversion makes."""
    return [str(one) for one in folder.rglob("*") if ".format-" in str(one)]


def restarted(live: LiveBot, start: Start, program: Program) -> None:
    program.kill()
    live.emulator.world.webhooks.clear()
    live.register(start().url)


@pytest.mark.parametrize("killed", ["everything", "the worker", "the writer"])
def test_killed_while_it_is_converted_a_file_comes_once(live: LiveBot, start: Start, killed: str) -> None:
    program = start()
    live.register(program.url)
    worker = program.worker()
    ada = live.at(live.ada, live.group)
    ada.says("settings format xlsx").answer()
    report = live.partner_report(content=rows, size=SIZE, checksum=None)
    line = ada.says(f"report {report.id}")
    (writer,) = until(lambda: writers(live), "the writer")
    until(lambda: left_in(live.folder), "a file that is written")

    if killed == "everything":
        restarted(live, start, program)
    else:
        os.kill(worker if killed == "the worker" else writer, signal.SIGKILL)

    name = line.file().file.name
    assert name.endswith(".csv" if killed == "the writer" else ".xlsx")
    ada.says("help").card()
    assert len([one for one in line.answers() if one.file]) == 1
    until(lambda: not writers(live), "the end of every writer")
    until(lambda: not left_in(live.folder), "an empty folder")
