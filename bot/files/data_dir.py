"""Prepare ``DATA_DIR``: it can be written, and nobody but the bot's own user can read what is in it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import SettingsError
from bot.files.own_folder import worker_folders
from bot.settings import KEY_FILE, SQLITE, denied, unusable

if TYPE_CHECKING:
    from bot.settings import StorageSettings

log = structlog.get_logger(__name__)

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
"""The permissions of everyone but the owner; also the umask of every process of the bot."""
OUR_FOLDERS: Final = ("files", "metrics")
OUR_FILES: Final = (KEY_FILE, "admin-token.lock", "worker.alive", "worker.lock", "worker.sock")
TEMPORARY: Final = (f".{KEY_FILE}.", ".probe-")
OF_A_VOLUME: Final = "lost+found"
"""What the root folder of a volume holds by itself."""


def prepare_folder(settings: StorageSettings) -> list[Path]:
    """Make ``DATA_DIR``, see that it can be written, and take the permissions of others from what is there.

    Returns what was changed. The database's own folder must be there. A full disk is not an error here: there may be
    room again. Raises ``SettingsError`` when ``DATA_DIR`` or the database can never be used.
    """
    os.umask(OTHERS)
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _try_to_write(settings.data_dir)
    except OSError as exc:
        if exc.errno in NO_ROOM:
            return []
        raise SettingsError([unusable(settings, exc)]) from exc
    database = database_file(settings)
    if database is not None:
        _check_database(database)
    return [path for path in open_to_others(settings) if not _is_shared(path, settings) and _close(path)]


def open_to_others(settings: StorageSettings) -> list[Path]:
    """Return which of the bot's folders and files have permissions for someone besides their owner."""
    found = [settings.data_dir, *(settings.data_dir / name for name in OUR_FILES)]
    found += _files_of(database_file(settings))
    for ours in (*(settings.data_dir / name for name in OUR_FOLDERS), *worker_folders(settings.data_dir)):
        for folder, _, files in os.walk(ours):
            found += [Path(folder), *(Path(folder) / file for file in files)]
    return [path for path in found if _is_open(path)]


def log_closed(paths: list[Path]) -> None:
    """Log what ``prepare_folder`` changed: another program may have read it, such as one that makes backups."""
    if paths:
        log.warning("permissions_of_others_removed", paths=[str(path) for path in paths])


def log_open(settings: StorageSettings) -> None:
    """Log what others may still read."""
    if found := open_to_others(settings):
        log.warning("open_to_others", paths=[str(path) for path in found], remedy=remedy(settings, found))


def remedy(settings: StorageSettings, found: list[Path]) -> str:
    """Return what the people who run the bot must do where the bot could not take the permissions of others."""
    if settings.data_dir in found and _is_shared(settings.data_dir, settings):
        return "DATA_DIR also holds files that aren't the bot's: give the bot a folder of its own"
    return "they belong to another user: make the bot's user their owner, or run chmod go= on them"


def _is_open(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:  # removed meanwhile, or not made yet
        return False
    return bool(mode & OTHERS) and not stat.S_ISLNK(mode)


def _close(path: Path) -> bool:
    try:
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~OTHERS)
    except OSError:  # it belongs to another user: `doctor` and the worker's log say so
        return False
    return True


def _is_shared(path: Path, settings: StorageSettings) -> bool:
    """Return True for a ``DATA_DIR`` that also holds other files: it could be ``/var/lib``."""
    if path != settings.data_dir:
        return False
    ours = {*OUR_FOLDERS, *OUR_FILES, OF_A_VOLUME} | {one.name for one in _files_of(database_file(settings))}
    ours.update(one.name for one in worker_folders(path))
    return any(one.name not in ours and not one.name.startswith(TEMPORARY) for one in path.iterdir())


def database_file(settings: StorageSettings) -> Path | None:
    """Return the file of an SQLite database; None for another kind."""
    url = settings.database_url.get_secret_value()
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def _files_of(database: Path | None) -> list[Path]:
    """Return the files of a database, with SQLite's own beside it; a link leads to where they are."""
    if database is None:
        return []
    real = Path(os.path.realpath(database))
    beside = (f"{real.name}-", f"{real.name}.")
    return [one for one in real.parent.iterdir() if one.name == real.name or one.name.startswith(beside)]


def _check_database(file: Path) -> None:
    if file.is_dir():
        raise SettingsError(
            [f"DATABASE_URL names a folder ({file}). Name a file in it, like {SQLITE}{file}/reportbot.db."]
        )
    try:
        _try_to_write(file.parent)
    except OSError as exc:
        if exc.errno in NO_ROOM:
            return
        remedy = f"make {file.parent} a folder that the bot can write, or choose another"
        raise SettingsError([f"DATABASE_URL cannot be used ({exc.strerror}); {remedy}"]) from exc
    real = os.path.realpath(file)
    for one in (real, f"{real}-wal", f"{real}-shm"):
        if os.access(one, os.F_OK) and not os.access(one, os.R_OK | os.W_OK):
            raise SettingsError([denied(one)])


def _try_to_write(folder: Path) -> None:
    probe = folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
    probe.touch(mode=0o600)
    probe.unlink()
