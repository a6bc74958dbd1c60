"""What was asked of the emulator: tests count calls and look at their headers, benchmarks look at their times."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from bot.emulator.things import Person

Host = Literal["api", "download"]
KEPT_HEADERS = ("authorization", "content-type", "content-length", "user-agent", "accept", "range")


@dataclass(frozen=True)
class Call:
    """One call: `status` None when the connection was cut before an answer; `at` epoch seconds at its arrival."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int | None
    at: float
    token_owner: Person | None
    headers: Mapping[str, str]
    host: Host
    seconds: float


class CallLog:
    """All calls in the order of their answers; may be read while calls come in."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Remember one call."""
        with self._lock:
            self._calls.append(call)

    def calls_to(self, method: str, path: str, host: Host | None = None) -> list[Call]:
        """Return the calls with this method (`*` for any) whose path matches the pattern, as `/v1/reports/*`."""
        return [
            call
            for call in self
            if method in ("*", call.method) and fnmatchcase(call.path, path) and host in (None, call.host)
        ]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]
