"""Posts webhooks and measures how long each waits for its 200.

To keep its own cost out of the figure: requests are made into bytes before, connections are kept, one thread serves
all of them without locks, the clock is read right before a request is sent and as soon as the kernel says that an
answer is there, and answers are read only as far as needed. What is left is measured by the bench as well, against a
process that answers at once.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.world import Asked

OK = b"HTTP/1.1 200 "
BUFFER = 65536
ANSWER_SECONDS = 30.0
HEAD_END = b"\r\n\r\n"


def request_bytes(asked: Asked) -> bytes:
    """Return the whole request that delivers a webhook."""
    parts = urlsplit(asked.url)
    headers = {"Host": parts.netloc, "Content-Length": str(len(asked.body)), **asked.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {parts.path} HTTP/1.1\r\n{head}\r\n".encode() + asked.body


@dataclass
class Acks:
    """What came of it: the time to each answer in seconds, answers that were no 200, how long all took."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0
    elapsed: float = 0.0
    late: list[float] = field(default_factory=list)
    """At an even pace: by how much the sender itself missed each moment, in seconds; it counts in `seconds`."""


class Connection:
    """One kept connection to the web process, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(ANSWER_SECONDS)
        self.began = 0.0
        self._got = b""

    def send(self, request: bytes, began: float | None = None) -> None:
        """Send; the answer's time counts from `began`, or from now."""
        self._got = b""
        self.began = time.perf_counter() if began is None else began
        self.socket.sendall(request)

    def read(self) -> bool | None:
        """Read what is there: whether it was a 200, or None while the answer is not complete."""
        piece = self.socket.recv(BUFFER)
        if not piece:
            raise ConnectionError("the web process closed a kept connection")
        self._got += piece
        head, end, body = self._got.partition(HEAD_END)
        if not end or len(body) < _length(head):
            return None
        return head.startswith(OK)

    def post(self, request: bytes) -> tuple[float, bool]:
        """Send and wait: the seconds it took, and whether it was a 200."""
        self.send(request)
        while (good := self.read()) is None:
            continue
        return time.perf_counter() - self.began, good

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


@contextmanager
def _connected(port: int, number: int) -> Iterator[tuple[list[Connection], selectors.BaseSelector]]:
    connections = [Connection(port) for _ in range(number)]
    # select() waits by the microsecond; epoll would round every wait up to a millisecond.
    with selectors.SelectSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        try:
            yield connections, selector
        finally:
            for connection in connections:
                connection.close()


def closed_loop(port: int, requests: Sequence[Sequence[bytes]], seconds: float) -> Acks:
    """Each sender has its row of requests and sends the next when the last is answered, for so long."""
    acks = Acks()
    with _connected(port, len(requests)) as (connections, selector):
        rows = {connection: iter(row) for connection, row in zip(connections, requests, strict=True)}
        began = time.perf_counter()
        busy = 0
        for connection, row in rows.items():
            connection.send(next(row))
            busy += 1
        while busy:
            ready = selector.select(ANSWER_SECONDS)
            if not ready:
                raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds")
            now = time.perf_counter()
            for key, _ in ready:
                connection = key.data
                good = connection.read()
                if good is None:
                    continue
                _note(acks, connection, now, good=good)
                request = next(rows[connection], None) if now - began < seconds else None
                if request is None:
                    busy -= 1
                else:
                    connection.send(request)
        acks.elapsed = time.perf_counter() - began
    return acks


def even_pace(port: int, requests: Sequence[bytes], per_second: float, connections: int) -> Acks:
    """One request at each beat, whether or not those before are answered; times count from the beat.

    So an answer that is late is not hidden by the requests that nobody could send meanwhile.
    """
    acks = Acks()
    with _connected(port, connections) as (all_of_them, selector):
        idle = deque(all_of_them)
        began = time.perf_counter()
        beats = deque((began + number / per_second, request) for number, request in enumerate(requests))
        left = len(beats)
        while left:
            now = time.perf_counter()
            while beats and idle and beats[0][0] <= now:
                beat, request = beats.popleft()
                idle.popleft().send(request, beat)
                acks.late.append(time.perf_counter() - beat)
            wait = max(0.0, beats[0][0] - time.perf_counter()) if beats and idle else ANSWER_SECONDS
            ready = selector.select(wait)
            if not ready and wait == ANSWER_SECONDS:
                raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} seconds")
            now = time.perf_counter()
            for key, _ in ready:
                good = key.data.read()
                if good is not None:
                    _note(acks, key.data, now, good=good)
                    idle.append(key.data)
                    left -= 1
        acks.elapsed = time.perf_counter() - began
    return acks


def _note(acks: Acks, connection: Connection, now: float, *, good: bool) -> None:
    acks.seconds.append(now - connection.began)
    acks.failures += not good


def _answer_at_once(pipe: Any) -> None:
    """A process that answers every request with 200 as soon as its bytes are there; ends with the pipe."""
    answer = OK + b"OK\r\nContent-Length: 3\r\n\r\nok\n"
    with selectors.DefaultSelector() as selector, socket.create_server(("127.0.0.1", 0)) as server:
        selector.register(server, selectors.EVENT_READ)
        selector.register(pipe, selectors.EVENT_READ)
        pipe.send(server.getsockname()[1])
        while True:
            for key, _ in selector.select():
                if key.fileobj is pipe:
                    return
                if key.fileobj is server:
                    client, _ = server.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(client, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    if key.fileobj.recv(BUFFER):
                        key.fileobj.sendall(answer)
                    else:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()


def own_cost(requests: Sequence[Sequence[bytes]], seconds: float) -> Acks:
    """The same closed loop against a process that only answers: what the sender and the machine add to any figure."""
    spawn = multiprocessing.get_context("spawn")
    pipe, far_end = spawn.Pipe()
    process = spawn.Process(target=_answer_at_once, args=(far_end,), daemon=True)
    process.start()
    far_end.close()
    try:
        return closed_loop(pipe.recv(), requests, seconds)
    finally:
        pipe.close()
        process.join()
