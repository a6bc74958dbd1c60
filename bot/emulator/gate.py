"""What every call passes on its way in and out, on both hosts: latency, faults and the record of calls."""

import io
import json
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from bot.emulator.calls import KEPT_HEADERS, Call, Host
from bot.emulator.faults import LATE, Fault, Faults
from bot.emulator.problems import error_body, tracking_id
from bot.emulator.serving import ConnectionCut
from bot.emulator.world import World

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

KNOWN = {status.value: status.phrase for status in HTTPStatus}
CONTROL_PREFIX = "/emulator"


class Gate:
    """A WSGI application around another one."""

    def __init__(
        self,
        application: "WSGIApplication",
        *,
        host: Host,
        world: World,
        faults: Faults,
    ) -> None:
        self._application = application
        self._host = host
        self._faults = faults
        self._world = world
        self.latency = 0.0
        self.closing = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Let a call pass; the control API is no part of Webex and is neither hindered nor recorded.

        Webex takes any path with a slash at its end, too.
        """
        path = environ["PATH_INFO"]
        if path == "/" or path.startswith(CONTROL_PREFIX):
            return self._application(environ, start_response)
        return self._judged({**environ, "PATH_INFO": path.removesuffix("/")}, start_response)

    def _judged(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterator[bytes]:
        """Generator: the call is on record before the client can see the first byte of its answer."""
        arrived, method, path = time.time(), environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fault = self._faults.take(method, path, self._host)
        head = _Head(start_response)
        self._wait(self.latency + (fault.delay if fault else 0.0))
        answer = self._answered(environ, head, fault)
        try:
            first = next(answer, b"")
        except ConnectionCut:
            self._record(environ, None, arrived)
            raise
        self._record(environ, head.status, arrived)
        try:
            yield first
            yield from answer
        finally:
            answer.close()

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.closing.wait(seconds)  # stop() need not wait for a long delay to pass

    def _answered(self, environ: dict[str, Any], head: "_Head", fault: Fault | None) -> Generator[bytes, None, None]:
        if fault is None or (fault.status is None and fault.cut is None):
            yield from self._pass_on(environ, head)
            return
        if fault.cut == "late":
            self._pass_on_later(environ)
        if fault.cut in {"before", "late"}:
            raise ConnectionCut
        if fault.status is not None:
            answer: Iterable[bytes] = _made_up(fault, head)
        else:
            answer = self._pass_on(environ, head)
        if fault.cut == "after":
            for _ in answer:
                continue
            raise ConnectionCut
        yield from _half(answer, head) if fault.cut == "middle" else answer

    def _pass_on(self, environ: dict[str, Any], head: "_Head") -> Iterator[bytes]:
        answer = self._application(environ, head)
        try:
            yield from answer
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    def _pass_on_later(self, environ: dict[str, Any]) -> None:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        later = {**environ, "wsgi.input": io.BytesIO(body)}

        def pass_on() -> None:
            if not self.closing.wait(LATE):
                for _ in self._pass_on(later, _Head(lambda *_: lambda _: None)):
                    continue

        threading.Thread(target=pass_on, name="emulator-late", daemon=True).start()

    def _record(self, environ: dict[str, Any], status: int | None, arrived: float) -> None:
        headers = {}
        for name in KEPT_HEADERS:
            key = name.upper().replace("-", "_")
            value = environ.get(f"HTTP_{key}", environ.get(key))
            if value is not None:
                headers[name] = value
        seconds = time.time() - arrived
        call = Call(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)),
            status=status,
            at=self._world.clock() - seconds,
            token_owner=self._world.owner_of(headers.get("authorization", "")),
            headers=headers,
            host=self._host,
            seconds=seconds,
        )
        self._world.calls.add(call)
        self._world.nudge()


def _made_up(fault: Fault, head: "_Head") -> list[bytes]:
    """Return the answer that a fault dictates instead of the real one."""
    phrase = KNOWN.get(fault.status or 0, "Unknown")
    tracking = tracking_id()
    body = fault.body
    if body is None:
        body = error_body(phrase, tracking)
    kind = "application/json;charset=UTF-8" if isinstance(body, dict | list) else "text/plain;charset=UTF-8"
    if isinstance(body, dict | list):
        body = json.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": kind, "Content-Length": str(len(raw)), "trackingId": tracking, **fault.headers}
    head(f"{fault.status} {phrase}", list(headers.items()))
    return [raw]


def _half(answer: Iterable[bytes], head: "_Head") -> Iterator[bytes]:
    """Return the first half of the body as far as its length is known, else its first piece, and then the cut."""
    sent = 0
    for piece in answer:
        half = head.length // 2 if head.length else len(piece)
        yield piece[: max(1, half - sent)]
        sent += len(piece)
        if sent >= half:
            break
    raise ConnectionCut


class _Head:
    """A `start_response` that remembers the status and the announced length."""

    def __init__(self, start_response: "StartResponse") -> None:
        self._start_response = start_response
        self.status: int | None = None
        self.length = 0

    def __call__(self, line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self.status = int(line.split(" ", 1)[0])
        self.length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        return self._start_response(line, headers, exc_info)
