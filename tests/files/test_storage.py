"""A folder for files that are being made, which a worker empties before its first job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.files.storage import TempDir

if TYPE_CHECKING:
    from pathlib import Path


def test_the_folder_is_made_when_it_is_needed_and_again_when_somebody_has_removed_it(tmp_path: Path) -> None:
    temp_dir = TempDir(tmp_path)
    assert list(tmp_path.iterdir()) == []
    path = temp_dir.path()
    assert (path.is_dir(), path.stat().st_mode & 0o077) == (True, 0)

    path.rmdir()

    assert temp_dir.path() == path
    assert path.is_dir()


def test_what_a_killed_worker_left_goes_and_the_files_that_are_kept_stay(tmp_path: Path) -> None:
    (TempDir(tmp_path).path() / "half a file").write_bytes(b"x")
    (tmp_path / "kept").write_bytes(b"x")

    TempDir(tmp_path).clear()

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_without_a_folder_there_is_nothing_to_clear_and_no_place_for_files(tmp_path: Path) -> None:
    nowhere = TempDir(tmp_path / "moved away" / "files")
    nowhere.clear()
    with pytest.raises(OSError, match="No such file"):
        nowhere.path()
