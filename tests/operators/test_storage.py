"""A folder for files that nobody can write to is an alert: the people who ask are told only that it failed."""

from __future__ import annotations

from collections import namedtuple

from bot.messages.alerts import CANNOT_WRITE, DISK_FULL
from bot.ops.checks import storage


def test_a_missing_folder_is_created_and_nothing_is_left_in_it(tmp_path):
    folder = tmp_path / "files"
    assert storage.folder(folder).look() is None
    assert list(folder.iterdir()) == []


def test_a_data_folder_that_was_moved_away_is_not_created(tmp_path):
    """It must find its place free when it comes back."""
    assert storage.folder(tmp_path / "data" / "files").look() == CANNOT_WRITE
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_an_alert(tmp_path):
    (tmp_path / "files").write_text("")
    assert storage.folder(tmp_path / "files").look() == CANNOT_WRITE


def test_a_disk_that_is_almost_full_is_an_alert(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")  # noqa: PYI024
    monkeypatch.setattr("bot.files.storage.shutil.disk_usage", lambda folder: usage(10))
    assert storage.folder(tmp_path).look() == DISK_FULL
