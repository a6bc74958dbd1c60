"""The real web process, with connections held by somebody who knows no secret: the door stays open for the others."""

from __future__ import annotations

import http.client
import signal
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from gunicorn.config import Config

from bot.web.connection import ANSWERS, Connection
from bot.web.inbox import MOST_BODY
from bot.web.slow_connections import PATIENCE, WholeRequests
from tests.door.running_web import HALF_BODY, HALF_HEAD, OPS, SOON, Web, answers, codes, got, held, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

HALF_CHUNK = HALF_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"
TOO_LARGE = HALF_HEAD + f"Content-Length: {MOST_BODY + 1000}\r\n\r\n{{".encode()
LAST_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with running(tmp_path_factory.mktemp("web")) as made:
        yield made
    assert "Traceback" not in made.log.read_text()
    assert made.process.returncode == 0


def test_events_are_answered_at_once_beside_hundreds_of_slow_connections(web):
    with (
        held(web, 50, HALF_BODY),
        held(web, 50, HALF_HEAD),
        held(web, 50, HALF_CHUNK),
        held(web, 50, TOO_LARGE),
        held(web, 200, b""),
    ):
        assert web.slowest(30) < SOON


def test_who_says_byte_after_byte_has_no_more_time_than_who_says_nothing(web):
    """Each is told so and closed; the log says how many, once."""
    began = time.monotonic()
    with held(web, 10, HALF_HEAD) as slow, held(web, 10, b"") as silent:
        open_ = set(slow)
        while open_:
            assert time.monotonic() - began < PATIENCE + 3
            for connection in list(open_):
                connection.settimeout(0.05)
                try:
                    connection.sendall(b"X")
                    said = connection.recv(1000)
                except TimeoutError:
                    continue
                except OSError:  # it was closed while we sent
                    said = b""
                assert said[:12] in {b"HTTP/1.1 408", b""}
                open_.discard(connection)
        assert time.monotonic() - began > PATIENCE - 1
        for connection in silent:
            connection.settimeout(5)
            assert connection.recv(10) == b""
    # The lines come every ten seconds, each with the number since the one before.
    assert until(lambda: sum(line["slow"] for line in web.lines("connections_closed")) >= 10, 25)
    assert web.slowest(2) < SOON


def test_who_is_answered_for_the_last_time_and_does_not_hang_up_holds_up_nobody(web):
    with held(web, 40, LAST_REQUEST) as answered:
        assert web.slowest(5) < SOON
        for connection in answered:
            assert b" 200 OK" in connection.recv(1000)


def test_who_asks_and_does_not_read_the_answers_holds_up_nobody(web):
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", web.port))
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.send((b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + OPS + b"\r\n") * 200)
        assert web.slowest(5) < 2 * SOON  # hundreds of answers are made meanwhile


def test_no_answer_is_made_where_there_is_no_room_for_it():
    """The thread would wait for the peer to read what it was sent before."""
    worker = object.__new__(WholeRequests)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        assert connection.takes_answers()
        with suppress(BlockingIOError):
            while True:
                ours.send(b"x" * 1000)
        theirs.send(LAST_REQUEST)
        assert worker.handle(connection) is False
        assert connection.inbox.take() == LAST_REQUEST, "it was not even read"
        theirs.recv(10 * ANSWERS)
        assert connection.takes_answers()


def test_when_all_places_are_taken_the_most_silent_go_and_whoever_comes_is_answered(tmp_path):
    with running(tmp_path, "--worker-connections", "60") as small:
        kept = http.client.HTTPConnection("127.0.0.1", small.port, timeout=10)
        kept.request("GET", "/healthz")
        kept.getresponse().read()
        with held(small, 150, HALF_BODY) as slow:
            assert small.slowest(10) < SOON
            assert slow[0].recv(1000).startswith(b"HTTP/1.1 408"), "the first one had to go"
            assert kept.sock is not None
            assert kept.sock.recv(10) == b"", "and before it the one that was idle for longer"
        kept.close()


def test_sigterm_ends_the_process_soon_whoever_holds_connections(tmp_path):
    with (
        running(tmp_path) as web,
        held(web, 20, HALF_BODY),
        held(web, 20, HALF_HEAD),
        held(web, 20, b""),
        held(web, 20, LAST_REQUEST),
        held(web, 20, LAST_REQUEST.replace(b"Connection: close\r\n", b"")),
    ):
        assert web.slowest(1) < SOON
        began = time.monotonic()
        web.process.send_signal(signal.SIGTERM)
        assert web.process.wait(10) == 0
        assert time.monotonic() - began < 6


def request_bytes(web: Web) -> bytes:
    body, headers = web.event()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return HALF_HEAD + f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_kept_connection_takes_one_event_after_the_other_also_when_they_come_at_once_or_in_pieces(web):
    with web.connect() as connection:
        for _ in range(3):
            connection.sendall(request_bytes(web))
            said = b""
            while not said.endswith(b"\r\n\r\nok\n"):  # the head and the body may come in two pieces
                said += got(connection)
            assert codes(said) == [200]
        connection.sendall(request_bytes(web) + request_bytes(web) + request_bytes(web)[:60])
        said = b""
        while said.count(b"\r\n\r\nok\n") < 2:
            said += got(connection)
        assert codes(said) == [200, 200]
        connection.shutdown(socket.SHUT_WR)
        assert codes(answers(connection)) == []
    with web.connect() as connection:
        request = request_bytes(web)
        for at in range(0, len(request), 50):
            connection.sendall(request[at : at + 50])
        connection.sendall(LAST_REQUEST)
        assert codes(answers(connection)) == [200, 200]


def test_a_signed_event_in_chunks_is_taken(web):
    body, headers = web.event()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    with web.connect(HALF_HEAD + head + b"Transfer-Encoding: chunked\r\n\r\n") as connection:
        for part in (body[:20], body[20:]):
            connection.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        connection.sendall(b"0\r\n\r\n" + LAST_REQUEST)
        assert codes(answers(connection)) == [200, 200]


def test_who_waits_for_leave_gets_it(web):
    body, headers = web.event()
    lines = {**headers, "Content-Length": str(len(body)), "Expect": "100-continue", "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode()
    with web.connect(HALF_HEAD + head + b"\r\n") as connection:
        assert codes(connection.recv(1000)) == [100]
        connection.sendall(body)
        assert codes(answers(connection))[-1] == 200


def test_what_is_too_large_or_cut_off_is_told_so_and_the_connection_ends(web):
    """Also while it is still being sent; and what is behind it is not taken for a request."""
    with web.connect(TOO_LARGE) as connection:
        connection.sendall(b"x" * 500 + LAST_REQUEST)
        assert codes(answers(connection)) == [413]
    with web.connect(HALF_HEAD + b"Transfer-Encoding: chunked\r\n\r\n18000\r\n" + b"x" * 0x18000) as connection:
        assert codes(answers(connection)) == [413]
    for cut in (HALF_BODY, HALF_CHUNK):
        with web.connect(cut) as connection:
            connection.shutdown(socket.SHUT_WR)
            assert codes(answers(connection)) == [400]


def test_what_is_not_http_is_refused_and_a_silent_visit_is_nothing(web):
    with web.connect(b"\x16\x03\x01 this is no HTTP\r\n\r\n") as connection:
        assert codes(answers(connection)) == [400]
    with web.connect(HALF_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!") as connection:
        assert codes(answers(connection)) == [400]
    with web.connect() as connection:
        connection.shutdown(socket.SHUT_WR)
        assert answers(connection) == b""


def test_tls_is_for_the_proxy_and_gunicorn_says_so(tmp_path):
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("")
    with (
        pytest.raises(AssertionError, match="let the proxy in front of it speak TLS"),
        running(tmp_path, "--certfile", str(certificate)),
    ):
        pytest.fail("it came up")
