"""Settings of the process itself: signals, its supervisor, the C library's memory and the interpreter's threads."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

LIFELINE_VARIABLE: Final = "REPORTBOT_LIFELINE_FD"
"""The number of the reading end of the supervisor's pipe. Set by the supervisor; not a setting."""
LISTEN_VARIABLE: Final = "REPORTBOT_LISTEN_FD"
"""The number of the socket that the supervisor listens on for its web process; not a setting either."""

MALLOC_ARENAS: Final = 2
"""glibc's own is eight for each processor, each with 64 MiB of addresses, of which the worker's threads use a few.

With those, the worker needed 600 MiB of addresses for its 16 threads and did nothing at all within 500; with two arenas
it passes a large report on within 260. Python's threads hardly ever wait for an arena: one runs at a time.
"""
M_ARENA_MAX: Final = -8
"""From glibc's ``malloc.h``."""

THREAD_STACK: Final = 2 * 1024 * 1024
"""Bytes of addresses for each thread: Linux gives 8 MiB each, so 280 MiB to the worker; they use some 100 kB."""

SWITCH_SECONDS: Final = 0.001
"""Python's own is 0.005. With 20 senders without a pause, the webhook's p99 was 122 ms with that, 47 with this."""

WORKING_FILE: Final = "worker.alive"
"""In the worker's folder: when it was last touched, the worker looked for jobs. An idle one looks every half minute."""
SILENT: Final = 300.0
"""Seconds without a look after which a worker hangs. A database that stops answering may take the first minutes."""


def on_stop_signal(call: Callable[[], None]) -> None:
    """Call ``call`` in a thread at each SIGTERM, SIGINT or SIGHUP. Use once a process, from its main thread.

    A Python signal handler runs in between any two steps of the main thread; if it set an event or wrote a log line
    just while the main thread holds that event's or that log's lock, the process would hang for ever. So the handler
    does nothing, and a thread reads the signal's number from the pipe that the interpreter writes it to.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for number in STOPPING:
        signal.signal(number, _do_nothing)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_read_signals, args=(reading, call), name="signals", daemon=True).start()


def _do_nothing(_number: int, _frame: object) -> None:
    """Handle a signal by nothing, so that it neither ends the process nor is ignored."""


def _read_signals(descriptor: int, call: Callable[[], None]) -> None:
    while number := os.read(descriptor, 1):
        if number[0] in STOPPING:
            call()


def exit_with_parent() -> None:
    """Send this process SIGTERM when its supervisor is gone, even after a kill -9. Call it once, in the main thread.

    The supervisor keeps the writing end of a pipe and gives its children the reading end. When it dies, however it
    dies, the kernel closes the writing end; the child reads the end of the file and sends itself SIGTERM.
    """
    number = os.environ.pop(LIFELINE_VARIABLE, "")
    if not number:
        return
    descriptor = int(number)
    os.set_inheritable(descriptor, False)  # noqa: FBT003 not for programs that this one starts
    threading.Thread(target=_wait_for_end, args=(descriptor,), name="lifeline", daemon=True).start()


def _wait_for_end(descriptor: int) -> None:
    os.read(descriptor, 1)  # nothing is ever written: this returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)


def limit_malloc_arenas() -> None:
    """Limit this process to two malloc arenas; call it before threads start. Does nothing without glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl, macOS
        return
    mallopt(M_ARENA_MAX, MALLOC_ARENAS)


def limit_thread_stacks() -> None:
    """Give threads that start from now on a smaller stack."""
    threading.stack_size(THREAD_STACK)


def set_thread_switch_interval() -> None:
    """Make the interpreter switch threads after a millisecond, in this process.

    A thread that holds SQLite's write lock and has come back from the disk must not wait five milliseconds for the
    interpreter: all other writers, of both processes, wait for it meanwhile.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


def pause_garbage_collection() -> None:
    """Collect nothing until ``resume_garbage_collection``, while modules are imported: a sixth of a start's time."""
    gc.disable()


def resume_garbage_collection() -> None:
    """Collect garbage from now on, and never look at what the start made: each full collection took 70 ms for that."""
    gc.freeze()
    gc.enable()


def give_to_owner(made: int, folder: Path) -> None:
    """Give what root has just made, by its descriptor, to the owner of its folder: the bot's own user must open it."""
    if os.geteuid() == 0:
        with suppress(OSError):  # root in a container may not; who can't open it then names the file
            owner = folder.stat()
            os.fchown(made, owner.st_uid, owner.st_gid)


def note_working(folder: Path) -> None:
    """Note in the worker's folder that it looks for jobs, for ``is_working``."""
    with suppress(OSError):  # a full disk is no reason to stop
        (folder / WORKING_FILE).touch(mode=0o600)


def forget_working(folder: Path) -> float | None:
    """Remove what a worker noted, and return when it did so last: one that has ended has removed it itself."""
    with suppress(OSError):
        noted = (folder / WORKING_FILE).stat().st_mtime
        (folder / WORKING_FILE).unlink()
        return noted
    return None


def is_working(data_dir: Path) -> bool:
    """Return False when the workers of this folder have begun to look for jobs and no longer do."""
    try:
        looked = [file.stat().st_mtime for file in (*data_dir.glob(WORKING_FILE), *data_dir.glob(f"*/{WORKING_FILE}"))]
    except OSError:  # one ends just now
        return True
    return not looked or time.time() - max(looked) < SILENT  # without any, they wait for the database
