"""Misbehaviour on demand: which call goes wrong, how, and how often."""

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from bot.emulator.calls import Host

Cut = Literal["before", "after", "middle", "late"]
LATE = 1.5
"""Seconds after which a call that was cut "late" takes effect."""


@dataclass(eq=False)
class Fault:
    """One way to go wrong.

    `path` is a pattern (`/v1/reports/*`); `host` None is both hosts. With `status` the call does not take effect and
    this is its answer (body None: Webex's error body). `delay` is in seconds, and alone it delays a normal answer.
    `cut` closes the connection: `before` the call takes effect, `after` it did (the answer is lost), in the `middle` of
    the answer's body, or `late`: Webex carries it out all the same, a moment after its client has lost it.
    The first `skip` matching calls are spared, then the next and each `every`th after it is hit, `times` in all (None:
    no end).
    """

    method: str = "*"
    path: str = "*"
    host: Host | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str | dict[str, Any] | list[Any] | None = None
    delay: float = 0.0
    cut: Cut | None = None
    times: int | None = None
    skip: int = 0
    every: int = 1
    id: int = 0
    hits: int = 0

    def matches(self, method: str, path: str, host: Host) -> bool:
        """Return True when this fault is about such a call."""
        return self.method in ("*", method) and fnmatchcase(path, self.path) and self.host in (None, host)

    def described(self) -> dict[str, Any]:
        """Return the fault as the control API shows it."""
        return {
            "id": self.id,
            "method": self.method,
            "path": self.path,
            "host": self.host,
            "status": self.status,
            "headers": dict(self.headers),
            "delay": self.delay,
            "cut": self.cut,
            "times": self.times,
            "skip": self.skip,
            "every": self.every,
            "hits": self.hits,
        }


class Faults:
    """The faults in force; the first that matches and is not used up wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def add(
        self,
        method: str = "*",
        path: str = "*",
        *,
        host: Host | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | dict[str, Any] | list[Any] | None = None,
        delay: float = 0.0,
        cut: Cut | None = None,
        times: int | None = None,
        skip: int = 0,
        every: int = 1,
    ) -> Fault:
        """Put a fault in force; see `Fault` for the meaning of each value. `hits` of the result counts its effects."""
        fault = Fault(
            method=method.upper(),
            path=path,
            host=host,
            status=status,
            headers=dict(headers or {}),
            body=body,
            delay=delay,
            cut=cut,
            times=times,
            skip=skip,
            every=every,
            id=next(self._numbers),
        )
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, method: str, path: str, host: Host) -> Fault | None:
        """Return the fault that this call suffers, counted as used; None when it is to go well."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path, host) or fault.times == fault.hits:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.skip = fault.every - 1
                fault.hits += 1
                return fault
        return None

    def clear(self) -> None:
        """End all misbehavior."""
        with self._lock:
            self._faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._faults))
