"""Read the settings of a command, and start its log."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bot.files.data_dir import log_closed, prepare_folder
from bot.logs import catch_crashes, register_secrets, start_logging
from bot.settings import load, load_storage

if TYPE_CHECKING:
    from bot.settings import Settings, StorageSettings


def start(process: str) -> Settings:
    """Read all settings and start the log; raises ``SettingsError``."""
    settings = load(os.environ)
    _start_log(process, settings)
    return settings


def start_with_storage(process: str) -> StorageSettings:
    """Read the settings of a command that only needs the database, and start the log; raises ``SettingsError``."""
    settings = load_storage(os.environ)
    _start_log(process, settings)
    return settings


def _start_log(process: str, settings: StorageSettings) -> None:
    closed = prepare_folder(settings)
    register_secrets(*settings.secret_values())
    start_logging(process, level=settings.log_level, form=settings.log_format)
    catch_crashes()
    log_closed(closed)
