"""How a process that put a job wakes the worker: why an idle worker neither polls nor lets a job wait.

On one machine the worker listens on a Unix datagram socket in the data folder, and one datagram means "look now".
Nothing depends on it: a worker that gets none looks by itself in the end, and a sender without a worker goes on.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import socket
import tempfile
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger(__name__)

SOCKET_NAME = "worker.sock"
ADDRESS_MAX = 100  # bytes; the kernel's field holds 108 on Linux and 104 on macOS, with the closing zero
OPEN_FOLDERS = Path("/proc/self/fd")  # Linux: an open folder has a short name here
WAKEUP = b"!"
BUFFER = 64  # bytes; what is in a datagram does not matter


def notify(folder: Path) -> None:
    """Wake the worker that listens in `folder`; without one, or with one that has been woken often, nothing happens."""
    with suppress(OSError), _address(folder) as address, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0.0)
        sender.sendto(WAKEUP, address)


class Wakeup(ABC):
    """How a worker learns that a job was put: from another process, or from a thread of its own."""

    def __init__(self) -> None:
        self.listening = False
        """False: nobody can wake the worker but threads of its own process."""
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0.0)
        self._selector.register(self._reader, selectors.EVENT_READ)

    @abstractmethod
    def listen(self) -> None:
        """Begin to listen to other processes. Never raises."""

    @abstractmethod
    def wait(self, seconds: float) -> bool:
        """Return when woken, or after so many seconds; True if a put did it, from wherever."""

    def wake(self) -> None:
        """Wake from a thread of this process; after `close` nothing happens."""
        with suppress(OSError):  # a full buffer means that it has been woken
            self._writer.send(WAKEUP)

    def close(self) -> None:
        """Stop listening."""
        self._selector.close()
        self._reader.close()
        self._writer.close()

    def _ready(self, seconds: float) -> list[object]:
        """Wait until a thread wakes it, or something else can be read; return what else."""
        ready: list[object] = [key.fileobj for key, _ in self._selector.select(seconds)]
        if self._reader in ready:
            ready.remove(self._reader)
            empty(self._reader)
        return ready


def empty(end: socket.socket) -> None:
    """Read all that there is: many wake-ups are one."""
    with suppress(BlockingIOError):
        while end.recv(BUFFER):
            pass


class WakeupSocket(Wakeup):
    """The worker's end: `wait` returns when another process calls `notify`, or another thread `wake`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._listener: socket.socket | None = None

    def listen(self) -> None:
        """Listen in the folder from now on; without, and with a line in the log, if its file system has no sockets.

        Only for the one worker that holds the folder's lock: what an earlier one left behind is replaced.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.settimeout(0.0)
        try:
            with _address(self._folder) as address:
                with suppress(FileNotFoundError):
                    os.unlink(address)  # noqa: PTH108 - as the kernel gets it
                listener.bind(address)
        except OSError as error:
            listener.close()
            log.warning("wakeup_socket_unavailable", folder=str(self._folder), error=str(error))
            return
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)
        self.listening = True

    def wait(self, seconds: float) -> bool:
        """Return when woken, or after so many seconds; True if a put did it."""
        if not self._ready(seconds):
            return False
        assert self._listener is not None
        empty(self._listener)
        return True

    def close(self) -> None:
        """Stop listening. The socket's file stays: the next worker replaces it, and `notify` finds nobody."""
        super().close()
        if self._listener is not None:
            self._listener.close()


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Return the socket's path, short enough for the kernel however long the folder's is."""
    plain = folder.absolute() / SOCKET_NAME
    if len(os.fsencode(plain)) <= ADDRESS_MAX:
        yield str(plain)
    elif OPEN_FOLDERS.is_dir():
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield str(OPEN_FOLDERS / str(handle) / SOCKET_NAME)
        finally:
            os.close(handle)
    else:  # every process of one machine and user has the same folder for temporary files
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
        yield str(Path(tempfile.gettempdir()) / f"{name}.sock")
