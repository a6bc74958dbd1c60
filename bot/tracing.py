"""Follow one request through web and worker: every step that is taken for it has the same trace ID in the log.

A step is one answer to a webhook, or one run of a job. It also gathers the tracking IDs of Webex's answers, and its
calls for those who listen (``spans.py``). The trace ID is made of the event with which it began (``db/trace_ids.py``),
so nothing is stored or handed on.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

MOST_TRACKING: Final = 20
"""Tracking IDs in the line of one step, the last ones."""
NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Webex."""

    method: str
    path: str
    """A template without IDs."""
    status: int | None
    began: int
    """Nanoseconds since 1970."""
    ended: int


@dataclass(slots=True)
class Step:
    """One step, while it is taken."""

    name: str
    began: int = field(default_factory=time.time_ns)
    ended: int = 0
    trace_ids: tuple[str, ...] = ()
    """Of the requests that it is taken for; empty as long as that is not known, or for none."""
    is_first: bool = False
    """It is the one with which the trace begins."""
    outcome: str = ""
    tracking: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return for how long it has been going on."""
        return ((self.ended or time.time_ns()) - self.began) / NANO


_current: ContextVar[Step | None] = ContextVar("step", default=None)
_listeners: list[Callable[[Step], None]] = []


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Take one step in the block; those who listen are told at its end."""
    taken = Step(name)
    token = _current.set(taken)
    try:
        yield taken
    finally:
        _current.reset(token)
        taken.ended = time.time_ns()
        for listener in _listeners:
            listener(taken)


def begin(*trace_ids: str) -> None:
    """Say what this thread's step is taken for, unless that was said before."""
    taken = _current.get()
    if taken is not None and not taken.trace_ids:
        taken.trace_ids = tuple(dict.fromkeys(trace_ids))


def join(*trace_ids: str) -> None:
    """Say for what else this thread's step is taken."""
    taken = _current.get()
    if taken is not None:
        taken.trace_ids = tuple(dict.fromkeys((*taken.trace_ids, *trace_ids)))


def answered(tracking_id: str) -> None:
    """Note the tracking ID of an answer of Webex's."""
    taken = _current.get()
    if taken is not None and tracking_id:
        taken.tracking.append(tracking_id)
        del taken.tracking[:-MOST_TRACKING]


def called(method: str, path: str, status: int | None, seconds: float) -> None:
    """Note a call to Webex that has just ended, for those who listen."""
    taken = _current.get()
    if taken is not None and _listeners:
        ended = time.time_ns()
        taken.calls.append(Call(method, path, status, ended - int(seconds * NANO), ended))


def listen(listener: Callable[[Step], None]) -> None:
    """Have a function told of each step when it has ended. It must not raise."""
    _listeners.append(listener)


def unlisten(listener: Callable[[Step], None]) -> None:
    """Have it told no more."""
    _listeners.remove(listener)


def add_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add to a log line what its step is taken for, unless it says so itself, or is about one of many requests."""
    taken = _current.get()
    if taken is not None and taken.trace_ids and not {"trace_id", "trace_ids"} & event.keys():
        if len(taken.trace_ids) == 1:
            event["trace_id"] = taken.trace_ids[0]
        elif "reference" not in event:
            event["trace_ids"] = list(taken.trace_ids)
    return event
