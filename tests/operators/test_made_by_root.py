"""What a command makes in DATA_DIR when root runs it belongs to the folder's owner, or the bot could not open it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

from bot.access.token_store import LOCK_FILE, DatabaseTokenStore
from bot.app import open_database
from bot.cli import doctor
from bot.errors import TokenNotLocked
from bot.settings import KEY_FILE
from tests.operators.test_private_files import CLIENT

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

BOT = 12345
"""The bot's user."""


def store_of(live: LiveBot) -> DatabaseTokenStore:
    settings = live.settings()
    return DatabaseTokenStore(open_database(settings), settings.data_dir, lambda: (), lambda *_: None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.sqlite("the lock is a file there")
def test_what_doctor_makes_as_root_belongs_to_the_bots_user(live: LiveBot) -> None:
    live.environ |= CLIENT
    live.environ.pop("WEBEX_ADMIN_TOKEN", None)
    folder = live.settings().data_dir
    for file in folder.iterdir():
        file.unlink()
    os.chown(folder, BOT, BOT)
    doctor.run(live.settings(), lambda _: None)
    made = {path.name: path.stat() for path in folder.iterdir()}
    assert {KEY_FILE, LOCK_FILE, "reportbot.db"} <= set(made)
    assert {(one.st_uid, one.st_gid) for one in made.values()} == {(BOT, BOT)}


@pytest.mark.sqlite("the lock is a file there")
def test_a_lock_that_the_bot_cannot_open_is_named_with_the_remedy_in_the_error_and_once_in_the_log(
    live: LiveBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, file = store_of(live), live.settings().data_dir / LOCK_FILE
    opened = os.open

    def denied(path: str | Path, *arguments: int) -> int:
        if Path(path) == file:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", denied)
    remedy = f"{file} can't be opened (Permission denied). Make the bot's user its owner: sudo chown {os.geteuid()} "
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(TokenNotLocked) as raised, store.lock():
                pass
    assert raised.value.in_full.startswith(f"The bot can't use its admin token just now. Try again later. {remedy}")
    assert [(one["event"], one["remedy"].startswith(remedy)) for one in logs] == [("admin_token_not_locked", True)]
