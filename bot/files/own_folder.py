"""A folder of a worker's own, where several share ``DATA_DIR``: none removes or reads another's files."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def worker_folders(data_dir: Path) -> list[Path]:
    """Return the folders of all workers that have run in ``DATA_DIR``."""
    return [one for one in data_dir.glob(f"{NAME}*") if one.name.removeprefix(NAME).isdecimal()]
