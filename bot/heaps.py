"""How many heaps the C library keeps for the threads of this process."""

from __future__ import annotations

import ctypes
from typing import Final

HEAPS: Final = 2
"""glibc's own is eight for each processor, each with 64 MiB of addresses, of which the worker's threads use a few.

With those, the worker needed 600 MiB of addresses for its 16 threads and did nothing at all within 500; with two heaps
it passes a large report on within 260. Python's threads hardly ever wait for a heap: one runs at a time.
"""
M_ARENA_MAX: Final = -8
"""From glibc's ``malloc.h``."""


def share_heaps() -> None:
    """Have the threads of this process share two heaps; call it before they start. Only glibc has such heaps."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl, macOS
        return
    mallopt(M_ARENA_MAX, HEAPS)
