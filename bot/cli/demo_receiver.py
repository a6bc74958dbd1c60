"""The demo's receiver of outbound events: it verifies each signature and keeps what came, for the page."""

from __future__ import annotations

import hmac
import json
import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOLERANCE: Final = timedelta(days=1)
"""How far an event's time may be away: the clock can be moved by a day while an event is on its way."""
KEPT: Final = 50


@dataclass(slots=True)
class Received:
    """One event, and what each attempt to send it was answered."""

    id: str
    verified: bool
    type: str
    timestamp: str
    data: Any
    answers: list[int] = field(default_factory=list)


class Receiver:
    """Take events as a program of another system does; ``on_change`` is called after each."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._events: OrderedDict[str, Received] = OrderedDict()
        self._not_verified = 0
        self._refuses_next = False
        self.secret = ""
        self.on_change: Callable[[], object] = lambda: None

    def refuse_next(self) -> None:
        """Answer 500 to the next event, so that it is sent again."""
        with self._lock:
            self._refuses_next = True
        self.on_change()

    def take(self, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        """Return what an event is answered."""
        verified = is_signed(self.secret, headers, body, self._now())
        with self._lock:
            if not verified:
                status = HTTPStatus.BAD_REQUEST
                self._not_verified += 1
            elif self._refuses_next:
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                self._refuses_next = False
            else:
                status = HTTPStatus.NO_CONTENT
            event_id = headers["webhook-id"] if verified else f"not verified {self._not_verified}"
            event = self._events.pop(event_id, None) or _read(event_id, body, verified=verified)
            event.answers.append(status.value)
            self._events[event_id] = event
            while len(self._events) > KEPT:
                self._events.popitem(last=False)
        self.on_change()
        return status

    def shown(self) -> dict[str, Any]:
        """Return the events for the page, the newest first."""
        with self._lock:
            items = [asdict(one) for one in reversed(self._events.values())]
            return {"refusesNext": self._refuses_next, "items": items}


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Return True if the body is signed with the secret. Headers are named in small letters.

    The library's ``verify`` does this by the machine's clock; the demo's clock can be moved.
    """
    try:
        at = datetime.fromtimestamp(int(headers.get("webhook-timestamp", "")), UTC)
        text = body.decode()
    except (ValueError, OverflowError, OSError):
        return False
    if not secret or abs(now - at) > TOLERANCE:
        return False
    expected = Webhook(secret).sign(headers.get("webhook-id", ""), at, text).encode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected, one.encode()) for one in given)


def _read(event_id: str, body: bytes, *, verified: bool) -> Received:
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        said = {"data": body.decode(errors="replace")}
    return Received(
        event_id, verified, str(said.get("type", "unknown")), str(said.get("timestamp", "")), said.get("data")
    )
