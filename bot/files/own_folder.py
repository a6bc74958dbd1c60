"""A folder of a worker's own, where several share ``DATA_DIR``: none removes or reads another's files."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = structlog.get_logger(__name__)

LOCK_FILE: Final = "lock"
NAME: Final = "worker-"
"""Before the number."""


@contextmanager
def own_folder(data_dir: Path) -> Iterator[Path]:
    """Give the first ``worker-<number>`` that no living process has; the kernel frees it however the process ends."""
    for number in count(1):
        folder = data_dir / f"{NAME}{number}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield folder
        finally:
            os.close(handle)
        return


def clear_abandoned(files: Path) -> None:
    """Remove the files of workers that run no longer, beside the folder ``files`` of one that runs; never raises.

    A worker that was killed may have no successor of its number.
    """
    if not (files.parent / LOCK_FILE).exists():
        return  # the only worker: its folder is DATA_DIR
    for folder in worker_folders(files.parent.parent):
        left = folder / files.name
        if not left.exists():
            continue
        try:
            with (folder / LOCK_FILE).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
                log.info("abandoned_files_removed", folder=folder.name)
        except BlockingIOError:
            continue  # it runs
        except OSError as error:
            log.warning("temp_cleanup_failed", cause=error.strerror)


def worker_folders(data_dir: Path) -> list[Path]:
    """Return the folders of all workers that have run in ``DATA_DIR``."""
    return [one for one in data_dir.glob(f"{NAME}*") if one.name.removeprefix(NAME).isdecimal()]
