"""The operators hear of a folder for files that nobody can write to: the people who ask hear only a sentence."""

from __future__ import annotations

from collections import namedtuple

from bot.ops.checks.storage import CANNOT_WRITE, FULL, folder_check


def test_a_missing_folder_is_made_and_nothing_is_left_in_it(tmp_path):
    folder = tmp_path / "files"
    assert folder_check(folder).look() is None
    assert list(folder.iterdir()) == []


def test_a_data_folder_that_was_moved_away_is_not_made_anew(tmp_path):
    """It must find its place free when it comes back."""
    assert folder_check(tmp_path / "data" / "files").look() == CANNOT_WRITE
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_told(tmp_path):
    (tmp_path / "files").write_text("")
    assert folder_check(tmp_path / "files").look() == CANNOT_WRITE


def test_a_disk_that_is_nearly_full_is_told(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")  # noqa: PYI024
    monkeypatch.setattr("bot.files.disk.shutil.disk_usage", lambda folder: usage(10))
    assert folder_check(tmp_path).look() == FULL
