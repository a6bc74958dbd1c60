"""Ends a child process when the supervisor is gone, even after a kill -9: nobody is left to tell it otherwise.

The supervisor keeps the writing end of a pipe and gives its children the reading end. When it dies, however it dies,
the kernel closes the writing end; the child reads the end of the file and sends itself SIGTERM, to end in order.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

VARIABLE: Final = "REPORTBOT_LIFELINE_FD"
"""Holds the number of the reading end. Set by the supervisor for its children; not a setting."""
LISTEN_VARIABLE: Final = "REPORTBOT_LISTEN_FD"
"""Holds the number of the socket that the supervisor listens on for its web process; not a setting either."""


def hold() -> None:
    """Watch the supervisor from now on, if there is one. Call it once, in the main thread of a child process."""
    number = os.environ.pop(VARIABLE, "")
    if not number:
        return
    descriptor = int(number)
    os.set_inheritable(descriptor, False)  # noqa: FBT003 a program that this one starts has no part in it
    threading.Thread(target=_watch, args=(descriptor,), name="lifeline", daemon=True).start()


def _watch(descriptor: int) -> None:
    os.read(descriptor, 1)  # nothing is ever written: this returns when the other end is closed
    os.kill(os.getpid(), signal.SIGTERM)
