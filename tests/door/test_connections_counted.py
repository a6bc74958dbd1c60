"""Whatever happens to a connection, the main thread goes on, and knows how many there are and what they hold."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from selectors import DefaultSelector
from typing import TYPE_CHECKING, Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from structlog.testing import capture_logs

from bot.web import slow_connections
from bot.web.inbox import MOST_BODY
from bot.web.slow_connections import FAIR, MOST_HELD, NO_ROOM, REST, WholeRequests
from tests.door.running_web import HALF_BODY, HALF_HEAD, SOON, answers, codes, held, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = 60
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class Refusing:
    """A listening socket whose next connection cannot be had."""

    def __init__(self, number: int) -> None:
        self.error = OSError(number, os.strerror(number))

    def accept(self) -> Any:
        raise self.error


class Stage:
    """The worker's main thread, done by hand; nothing answers."""

    def __init__(self) -> None:
        config = Config()
        config.set("worker_connections", PLACES)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.listener.setblocking(False)
        self.worker = WholeRequests(1, os.getpid(), [self.listener], None, 30, config, Logger(config))
        self.worker.poller = DefaultSelector()
        self.worker.tpool = ThreadPoolExecutor(1)
        self.worker.method_queue.init()
        self.handed: list[Any] = []
        self.worker.enqueue_req = self.handed.append
        self.peers: list[socket.socket] = []

    def connects(self, number: int = 1) -> list[socket.socket]:
        made = [socket.create_connection(self.listener.getsockname()) for _ in range(number)]
        self.peers += made
        return made

    def accepts(self) -> None:
        self.worker.accept(self.listener)

    def round(self) -> None:
        """One round of the main thread, without newcomers."""
        self.worker.wait_for_and_dispatch_events(0.01)
        self.worker.murder_pending()

    def close(self) -> None:
        for key in list(self.worker.poller.get_map().values()):
            key.fileobj.close()
        for one in (*self.peers, *(conn.sock for conn in self.handed), self.listener, self.worker.poller):
            one.close()
        self.worker.tpool.shutdown()
        self.worker.method_queue.close()
        self.worker.tmp.close()
        for log in (self.worker.log.error_log, self.worker.log.access_log):  # they are the whole process's
            log.handlers.clear()
            log.propagate = True
            log.setLevel(logging.NOTSET)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def test_who_comes_does_not_wait_behind_everybody_who_sends(stage):
    """Several are let in between two rounds, and never more than there are places."""
    stage.connects(200)
    stage.accepts()
    assert stage.worker.nr_conns == PLACES // slow_connections.SHARE_OF_ROOM
    for _ in range(20):
        stage.accepts()
        assert stage.worker.nr_conns <= PLACES
        stage.round()


@pytest.mark.parametrize(
    "number", [*sorted(NO_ROOM), errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EPERM]
)
def test_a_connection_that_cannot_be_had_ends_nothing(stage, number):
    stage.connects(20)
    stage.accepts()
    stage.accepts()
    stage.worker.accept(Refusing(number))
    assert stage.worker.nr_conns == 20
    stage.round()
    freed = stage.worker.nr_conns < 20
    assert freed == (number in NO_ROOM), "when the system has no room for more, the most silent ones make it"


def test_who_is_gone_before_it_was_let_in_takes_no_place(stage, monkeypatch):
    def gone(*_: Any) -> Any:
        raise OSError(errno.EINVAL, "gone")

    stage.connects(3)
    monkeypatch.setattr(slow_connections, "Connection", gone)
    stage.accepts()
    assert stage.worker.nr_conns == 0
    assert [answers(peer) for peer in stage.peers] == [b""] * 3, "closed"


def test_whom_the_system_has_no_room_to_watch_is_closed(stage, monkeypatch):
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "no room")

    stage.connects(3)
    monkeypatch.setattr(stage.worker.poller, "register", full)
    stage.accepts()
    assert stage.worker.nr_conns == 0
    assert [answers(peer) for peer in stage.peers] == [b""] * 3
    monkeypatch.undo()
    stage.round()


def done(result: object = None, error: BaseException | None = None) -> Future[object]:
    made: Future[object] = Future()
    if error is not None:
        made.set_exception(error)
    elif result is not None:
        made.set_result(result)
    else:
        made.cancel()
        made.set_running_or_notify_cancel()
    return made


@pytest.mark.parametrize(
    ("outcome", "crash"),
    [
        pytest.param(lambda: done(result=True), False, id="kept"),
        pytest.param(lambda: done(result=False), False, id="answered for the last time"),
        pytest.param(lambda: done(result=REST), False, id="not all there"),
        pytest.param(lambda: done(error=RuntimeError("a bug")), True, id="crashed"),
        pytest.param(done, True, id="cancelled"),
    ],
)
@pytest.mark.parametrize("gone", [False, True])
def test_after_every_end_of_a_request_the_count_is_right(stage, outcome, crash, gone):
    (peer,) = stage.connects()
    peer.sendall(REQUEST)
    stage.accepts()
    stage.round()
    (conn,) = stage.handed
    assert stage.worker.nr_conns == 1
    if gone:
        conn.sock.close()  # as gunicorn's thread may have done
    conn.hand_over()
    conn.parser.unreader.take_buffered()
    with capture_logs() as lines:
        stage.worker.finish_request(conn, outcome())
    watched = len(stage.worker.poller.get_map())
    assert stage.worker.nr_conns == watched
    assert (stage.worker._held, conn.held) == (0, 0)
    assert [line["event"] for line in lines] == (["connection_crashed"] if crash else [])
    peer.close()
    stage.worker.alive = False
    stage.worker.murder_keepalived(force=True)
    for conn in list(stage.worker._waiting):
        conn.since = float("-inf")
    stage.round()
    assert stage.worker.nr_conns == 0


def test_all_together_hold_no_more_than_is_fair_and_who_holds_little_is_left_alone(stage, monkeypatch):
    most = 10 * MOST_BODY
    monkeypatch.setattr(slow_connections, "MOST_HELD", most)
    small = stage.connects(5)
    for peer in small:
        peer.sendall(HALF_BODY)
    large = stage.connects(40)
    for peer in large:
        peer.setblocking(False)
        peer.send(HALF_HEAD + b"Content-Length: %d\r\n\r\n" % MOST_BODY + b"x" * (MOST_BODY - 1000))
    for _ in range(20):
        stage.accepts()
        stage.round()
        assert stage.worker._held <= most + 45 * FAIR + MOST_BODY
    closed = [peer for peer in large if codes(answered(peer)) == [503]]
    assert 20 < len(closed) < 40
    assert stage.worker.nr_conns == 45 - len(closed)
    assert [answered(peer) for peer in small] == [b""] * 5
    for conn in list(stage.worker._waiting):
        conn.since = float("-inf")
    stage.round()
    assert (stage.worker.nr_conns, stage.worker._held) == (0, 0)


def answered(peer: socket.socket) -> bytes:
    """What has come up to now."""
    peer.setblocking(False)
    try:
        return peer.recv(1000)
    except BlockingIOError:
        return b""


def test_what_lies_behind_an_answered_request_is_held_too(stage, monkeypatch):
    monkeypatch.setattr(slow_connections, "MOST_HELD", FAIR)
    (peer,) = stage.connects()
    peer.sendall(REQUEST * 1000)
    stage.accepts()
    until(lambda: stage.round() or stage.handed or stage.worker.nr_conns == 0, 5)
    assert stage.worker.nr_conns == 0, "it was too much at once"
    monkeypatch.setattr(slow_connections, "MOST_HELD", MOST_HELD)
    (peer,) = stage.connects()
    peer.sendall(REQUEST * 1000)
    stage.accepts()
    until(lambda: stage.round() or stage.handed, 5)
    (conn,) = stage.handed
    assert stage.worker._held == conn.held > FAIR
    conn.hand_over()
    next(conn.parser)
    monkeypatch.setattr(slow_connections, "MOST_HELD", FAIR)
    stage.worker.finish_request(conn, done(result=True))
    assert (stage.worker.nr_conns, stage.worker._held) == (0, 0)


def test_a_process_that_may_open_no_more_files_lives_and_answers(tmp_path):
    with running(tmp_path) as web:
        worker = web.worker()
        opened = len(list(Path(f"/proc/{worker}/fd").iterdir()))
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (opened + 60, opened + 60))
        with held(web, 200, HALF_BODY):
            assert web.slowest(10) < 2 * SOON
        assert web.worker() == worker, "the same process"
        assert "Traceback" not in web.log.read_text()


def test_a_kept_connection_keeps_nothing_of_its_last_request(stage, monkeypatch):
    """Two thousand with heads as large as may be would hold 80 MB."""
    monkeypatch.setattr(stage.worker, "handle_request", lambda req, conn: req.body.read() == b"")
    (peer,) = stage.connects()
    peer.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nA: " + b"x" * 8000 + b"\r\n\r\n"))
    stage.accepts()
    until(lambda: stage.round() or stage.handed, 5)
    (conn,) = stage.handed
    assert stage.worker.handle(conn) is True
    assert conn.parser.mesg is None
    assert conn.holds() == 0
