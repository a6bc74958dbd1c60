"""Read the settings of a command, and start its log."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bot.errors import BotError
from bot.files.data_dir import database_file, log_closed, prepare_folder
from bot.logs import catch_crashes, register_secrets, start_logging
from bot.settings import load, load_storage

if TYPE_CHECKING:
    from bot.settings import Settings, StorageSettings


class NoDatabaseError(BotError):
    """There is no database at {file}. Run this in the bot's folder, or set DATA_DIR or DATABASE_URL to the bot's."""


def start(process: str, *, uses_database: bool = False) -> Settings:
    """Read all settings and start the log; raises ``SettingsError``, and ``NoDatabaseError`` as below."""
    settings = load(os.environ)
    _start_log(process, settings, uses_database=uses_database)
    return settings


def start_with_storage(process: str, *, uses_database: bool = False) -> StorageSettings:
    """Read the settings of a command that only needs the database, and start the log; raises ``SettingsError``.

    With ``uses_database`` it must be there, and nothing is made where it isn't. Raises ``NoDatabaseError``.
    """
    settings = load_storage(os.environ)
    _start_log(process, settings, uses_database=uses_database)
    return settings


def _start_log(process: str, settings: StorageSettings, *, uses_database: bool) -> None:
    if uses_database:
        _check_database(settings)
    closed = prepare_folder(settings)
    register_secrets(*settings.secret_values())
    start_logging(process, level=settings.log_level, form=settings.log_format)
    catch_crashes()
    log_closed(closed)


def _check_database(settings: StorageSettings) -> None:
    file = database_file(settings)
    if file is None:
        return
    try:
        file.stat()
    except FileNotFoundError:
        if file.parent.is_dir() or file.parent == settings.data_dir:
            raise NoDatabaseError(NoDatabaseError().sentence.format(file=file.absolute())) from None
    except OSError:  # what is wrong with it is said next
        return
