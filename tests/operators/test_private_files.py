"""Nobody else on the machine reads the bot's files, whatever the umask, and also where they were there before."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import open_database
from bot.files import data_dir as data_folder
from bot.files.data_dir import open_to_others, prepare_folder
from bot.ops.checks import data_dir
from bot.ops.checks.doctor_line import Setup
from bot.settings import Settings, load
from tests.test_serve import running
from tests.waiting import until

REQUIRED = {
    "WEBEX_BOT_TOKEN": "bot-token",
    "WEBEX_ADMIN_TOKEN": "admin-token",
    "WEBEX_WEBHOOK_SECRET": "webhook-secret-0123456789",
}
CLIENT = {
    "WEBEX_ADMIN_CLIENT_ID": "client",
    "WEBEX_ADMIN_CLIENT_SECRET": "client-secret",
    "WEBEX_ADMIN_REFRESH_TOKEN": "refresh-token",
}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def settings_of(folder: Path, **more: str) -> Settings:
    return load({**REQUIRED, "DATA_DIR": str(folder), **more})


def found(settings: Settings) -> dict[str, tuple[str, str]]:
    database = open_database(settings)
    # These look at the settings and the database alone.
    setup = replace(Setup(settings, *[None] * 8), database=database)  # type: ignore[arg-type]
    lines = [*data_dir.secret_key(setup), *data_dir.files(setup)]
    database.close()
    return {line.name: (line.state, line.text) for line in lines}


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Return a folder of a bot that ran with umask 000, or was restored from a backup."""
    folder = tmp_path / "data"
    for name in (".", "files", "files/temp", "metrics"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    names = ("reportbot.db", "reportbot.db-wal", "reportbot.db-shm", "secret.key", "admin-token.lock", "worker.lock")
    for name in (*names, "files/report.zip", "files/temp/.download-1.part", "metrics/counter_1.db"):
        (folder / name).write_text("x")
        (folder / name).chmod(0o666)
    return folder


def test_what_is_there_with_modes_too_wide_is_tightened(wide):
    changed = prepare_folder(settings_of(wide))
    assert {mode(path) for path in wide.rglob("*") if path.is_dir()} | {mode(wide)} == {0o700}
    assert {mode(path) for path in wide.rglob("*") if path.is_file()} == {0o600}
    assert len(changed) == 13
    assert prepare_folder(settings_of(wide)) == []
    assert found(settings_of(wide))["files"][0] == "ok"


def test_the_folders_of_several_workers_are_tightened(tmp_path):
    folder = tmp_path / "data"
    (folder / "worker-2" / "files").mkdir(parents=True)
    for name in (".", "worker-2", "worker-2/files"):
        (folder / name).chmod(0o755)
    for name in ("worker-2/lock", "worker-2/files/report.zip"):
        (folder / name).write_text("x")
        (folder / name).chmod(0o644)
    settings = settings_of(folder, DATABASE_URL="postgresql://bot@127.0.0.1/bot", SECRET_KEY="k" * 32)
    assert len(prepare_folder(settings)) == 5
    assert open_to_others(settings) == []
    assert {mode(path) for path in (folder, *folder.rglob("*"))} == {0o700, 0o600}


def test_a_database_elsewhere_is_tightened_and_what_lies_beside_it_is_not(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    for name in ("bot", "bot-wal", "bottle"):
        (elsewhere / name).write_text("x")
        (elsewhere / name).chmod(0o644)
    (tmp_path / "link").symlink_to(elsewhere / "bot")
    prepare_folder(settings_of(tmp_path / "data", DATABASE_URL=f"sqlite:///{tmp_path}/link"))
    assert [mode(elsewhere / name) for name in (".", "bot", "bot-wal", "bottle")] == [0o755, 0o600, 0o600, 0o644]


def test_a_folder_that_is_not_the_bots_alone_keeps_its_mode_and_doctor_says_so(wide):
    (wide / "somebody-elses").write_text("x")
    (wide / "link").symlink_to("/etc/hostname")
    prepare_folder(settings_of(wide))
    assert mode(wide) == 0o777
    assert mode(wide / "secret.key") == 0o600
    state, words = found(settings_of(wide))["files"]
    assert state == "note"
    assert words.startswith(f"others on this machine may read {wide}: DATA_DIR also holds files that aren't the bot's")


def test_what_cannot_be_tightened_is_said_by_doctor_and_in_the_log(wide, monkeypatch, capsys):
    def refused(self: Path, _: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "chmod", refused)
    assert prepare_folder(settings_of(wide)) == []
    assert len(open_to_others(settings_of(wide))) == 13
    state, words = found(settings_of(wide))["files"]
    assert state == "note"
    assert str(wide / "secret.key") in words
    assert words.endswith("they belong to another user: make the bot's user their owner, or run chmod go= on them")
    data_folder.log_open(settings_of(wide))
    assert "secret.key" in capsys.readouterr().out


def test_under_umask_000_everything_that_serve_makes_is_private(tmp_path):
    folder = tmp_path / "parent"
    before = os.umask(0)
    try:
        with running(tmp_path, DATA_DIR=str(folder / "data")) as served:
            served.up()
            until(lambda: (folder / "data" / "metrics").is_dir() and (folder / "data" / "files").is_dir())
            assert {path: oct(mode(path)) for path in (folder, *folder.rglob("*")) if mode(path) & 0o077} == {}
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("more", "state", "words"),
    [
        ({}, "ok", "in DATA_DIR. Nothing is encrypted with it"),
        (CLIENT, "note", "so a copy of that folder opens the encrypted admin token. Set SECRET_KEY to the content of"),
        (CLIENT | {"SECRET_KEY": "k" * 32}, "ok", "in SECRET_KEY. Keep it outside DATA_DIR and its backups"),
    ],
)
def test_doctor_says_where_the_key_is(tmp_path, more, state, words):
    said = found(settings_of(tmp_path, **more))["secret key"]
    assert said[0] == state
    assert words in said[1]
