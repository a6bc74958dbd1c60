"""Each process has a room of its own for files that are being made; a dead one's is cleared away by anybody."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bot.files.storage import TempDir

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from bot.files.storage import TempDir

room = TempDir(Path(sys.argv[1]))
(room.path() / "half a file").write_text("x")
print(room.path(), flush=True)
sys.stdin.read()
"""


def test_a_room_stays_while_its_process_lives_and_goes_after_a_kill(tmp_path: Path) -> None:
    other = TempDir(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        room = tmp_path / process.stdout.readline().strip()
        other.clear()
        assert (room / "half a file").exists()

        process.send_signal(signal.SIGKILL)
        process.wait(10)
    other.clear()

    assert not room.exists()


def test_one_process_has_one_room_and_it_is_made_again_when_somebody_has_removed_it(tmp_path: Path) -> None:
    mine = TempDir(tmp_path)
    room = mine.path()
    assert mine.path() == room
    mine.clear()
    assert room.is_dir()

    shutil.rmtree(room)

    assert mine.path().is_dir()
    TempDir(tmp_path).clear()
    assert mine.path().is_dir()


def test_an_empty_room_goes_when_it_is_left_and_one_that_is_in_use_waits_for_the_next_start(tmp_path: Path) -> None:
    empty, used = TempDir(tmp_path), TempDir(tmp_path)
    empty.path()
    (used.path() / "half a file").write_bytes(b"x")
    empty.close()
    used.close()
    assert len(list(tmp_path.iterdir())) == 1

    TempDir(tmp_path).clear()

    assert list(tmp_path.iterdir()) == []


def test_a_room_that_was_taken_for_a_dead_ones_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir
    made = 0

    def make_and_lose(path: str, *more: int) -> None:
        nonlocal made
        made += 1
        make(path, *more)
        if made == 1:
            TempDir(tmp_path).clear()

    monkeypatch.setattr("os.mkdir", make_and_lose)

    assert TempDir(tmp_path).path().is_dir()
    assert made == 2


def test_without_a_folder_there_is_no_room_and_nothing_to_clear(tmp_path: Path) -> None:
    nowhere = TempDir(tmp_path / "moved away" / "files")
    nowhere.clear()
    with pytest.raises(OSError, match="No such file"):
        nowhere.path()
    nowhere.close()
