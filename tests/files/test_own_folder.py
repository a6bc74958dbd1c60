"""Workers that share ``DATA_DIR`` have a folder each; the files of one that was killed do not stay for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.files.own_folder import clear_abandoned, own_folder

if TYPE_CHECKING:
    from pathlib import Path


def report_in(folder: Path) -> Path:
    report = folder / "files" / "temp" / "report.csv"
    report.parent.mkdir(parents=True)
    report.write_text("NAME\r\nAda\r\n")
    return report


def test_files_of_a_worker_that_runs_no_longer_are_removed(tmp_path: Path) -> None:
    with own_folder(tmp_path) as mine, own_folder(tmp_path) as running:
        with own_folder(tmp_path) as killed:
            theirs = report_in(killed)
        kept = [report_in(mine), report_in(running)]
        clear_abandoned(mine / "files")
        assert not theirs.exists()
        assert all(one.exists() for one in kept)
        with own_folder(tmp_path) as again:
            assert again == killed


def test_nothing_beside_the_folder_of_the_only_worker_is_touched(tmp_path: Path) -> None:
    with own_folder(tmp_path) as another_bot_s:
        kept = report_in(another_bot_s)
    clear_abandoned(tmp_path / "data" / "files")
    assert kept.exists()
