"""Read the settings of a command, and start its log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import BotError
from bot.files.data_dir import log_closed, prepare_folder
from bot.logs import catch_crashes, register_secrets, start_logging
from bot.settings import SQLITE, load, load_storage

if TYPE_CHECKING:
    from bot.settings import Settings, StorageSettings


class NoDatabaseError(BotError):
    """There is no database at {file}. Run this in the bot's folder, or set DATA_DIR or DATABASE_URL to the bot's."""


def start(process: str, *, uses_database: bool = False) -> Settings:
    """Read all settings and start the log; raises ``SettingsError``, and ``NoDatabaseError`` as below."""
    settings = load(os.environ)
    if uses_database:
        _check_database(settings)
    _start_log(process, settings)
    return settings


def start_with_storage(process: str, *, uses_database: bool = False) -> StorageSettings:
    """Read the settings of a command that only needs the database, and start the log; raises ``SettingsError``.

    With ``uses_database`` it must be there, and nothing is made where it isn't. Raises ``NoDatabaseError``.
    """
    settings = load_storage(os.environ)
    if uses_database:
        _check_database(settings)
    _start_log(process, settings)
    return settings


def _check_database(settings: StorageSettings) -> None:
    url = settings.database_url.get_secret_value()
    if not url.startswith(SQLITE):
        return
    file = Path(url.removeprefix(SQLITE)).absolute()
    try:
        file.stat()
    except FileNotFoundError:
        if file.parent.is_dir() or file.parent == settings.data_dir.absolute():
            raise NoDatabaseError(NoDatabaseError().sentence.format(file=file)) from None
    except OSError:  # what is wrong with it is said next
        return


def _start_log(process: str, settings: StorageSettings) -> None:
    closed = prepare_folder(settings)
    register_secrets(*settings.secret_values())
    start_logging(process, level=settings.log_level, form=settings.log_format)
    catch_crashes()
    log_closed(closed)
