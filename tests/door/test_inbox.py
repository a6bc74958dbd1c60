"""Where a request ends: told at its last byte, not before and not after, and never another end than gunicorn's."""

from __future__ import annotations

import time
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from hypothesis import given
from hypothesis import strategies as st

from bot.web.connection import End
from bot.web.inbox import MOST_BODY, MOST_CHUNKED, MOST_HEAD, Inbox, State
from bot.web.webhook import MAX_BODY

HEAD = "POST /webhooks/webex HTTP/1.1\r\nHost: bot.example.com\r\n"


def plain(body: bytes, header: str = "Content-Length") -> bytes:
    return f"{HEAD}{header}: {len(body)}\r\nX-Spark-Signature: 00\r\n\r\n".encode() + body


def chunked(parts: list[bytes], extension: str = "", trailers: str = "") -> bytes:
    chunks = [f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n" for part in parts]
    return f"{HEAD}Transfer-Encoding: Chunked\r\n\r\n".encode() + b"".join(chunks) + f"0\r\n{trailers}\r\n".encode()


bodies = st.binary(max_size=300) | st.sampled_from([b"0\r\n\r\n", b"\r\n\r\n", b"5\r\n0\r\n\r\n\r\n0\r\n"])
requests = (
    st.just(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    | st.builds(plain, bodies, st.sampled_from(["Content-Length", "content-length", "CONTENT-LENGTH"]))
    | st.builds(
        chunked,
        st.lists(bodies.filter(bool), max_size=4),
        st.sampled_from(["", ";a=b", ' ; a="0"']),
        st.sampled_from(["", "X-Trailer: 1\r\n"]),
    )
)


def read_by_gunicorn(data: bytes) -> tuple[int, bool]:
    """How many bytes gunicorn's parser takes for one request, and whether it wanted more than there were."""
    end = End()
    parser: Any = get_parser(Config(), end, ("127.0.0.1", 1))
    parser.unreader.unread(data)
    next(parser)
    parser.finish_body()
    return len(data) - len(parser.unreader.take_buffered()), end.asked


@given(requests, st.binary(max_size=40), st.data())
def test_a_request_is_whole_at_its_last_byte_however_it_is_cut_and_gunicorn_agrees(request, behind, data):
    inbox, at = Inbox(), 0
    while at < len(request):
        assert inbox.state is State.COMING
        step = data.draw(st.integers(1, len(request) - at))
        inbox.add(request[at : at + step])
        at += step
    assert inbox.state is State.WHOLE
    inbox.add(behind)
    assert inbox.state is State.WHOLE
    assert read_by_gunicorn(inbox.take()) == (len(request), False)
    assert not inbox


@given(requests)
def test_byte_by_byte_it_is_whole_with_the_last_one_only(request):
    inbox = Inbox()
    for number in range(len(request)):
        assert inbox.state is State.COMING
        inbox.add(request[number : number + 1])
    assert inbox.state is State.WHOLE


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"POST / HTTP/1.1\r\n" + b"A: " + b"x" * MOST_HEAD, id="a head without an end"),
        pytest.param(f"{HEAD}Content-Length: {MOST_BODY + 1}\r\n\r\n".encode(), id="a body too large"),
        pytest.param(f"{HEAD}Content-Length: {'9' * 5000}\r\n\r\n".encode(), id="a length with no end"),
        pytest.param(f"{HEAD}Content-Length: -1\r\n\r\n".encode(), id="a negative length"),
        pytest.param(f"{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n".encode(), id="two lengths"),
        pytest.param(f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".encode(), id="two framings"),
        pytest.param(f"{HEAD}Transfer-Encoding: gzip\r\n\r\n".encode(), id="another coding"),
        pytest.param(f"{HEAD}Transfer-Encoding: chunked\r\n\r\nxyz\r\n".encode(), id="a chunk without a size"),
        pytest.param(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n+5\r\n".encode(), id="a chunk with a sign"),
        pytest.param(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + b"5" * 2000, id="a size without an end"),
        pytest.param(chunked([b"x"], ";" + "a" * 2000), id="an extension without an end"),
        pytest.param(chunked([b"x"], trailers="A: b\r\n" * 300), id="trailers without an end"),
        pytest.param(chunked([b"x" * MOST_CHUNKED] * 2)[: MOST_CHUNKED + 500], id="chunks too large"),
    ],
)
def test_what_waiting_would_not_make_better_is_not_waited_for(request_):
    assert Inbox(request_).state is State.ODD


def test_what_is_cut_off_is_not_waited_for_and_what_is_whole_stays_so():
    inbox = Inbox(plain(b"abc")[:-1])
    inbox.end()
    assert inbox.state is State.ODD
    whole = Inbox(plain(b"abc"))
    whole.end()
    assert whole.state is State.WHOLE


def test_nothing_that_the_door_takes_is_too_large_here():
    assert MOST_BODY >= MAX_BODY
    assert Inbox(plain(b"x" * MAX_BODY)).state is State.WHOLE


def test_who_waits_for_leave_to_send_the_body_is_recognised():
    asks = HEAD + "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    assert Inbox(asks.encode()).wants_leave
    assert not Inbox(plain(b"abc")).wants_leave


def test_many_small_pieces_cost_little():
    """Whoever sends byte by byte must not have the main thread look at everything again each time."""
    request = chunked([b"x"] * 10_000)
    inbox = Inbox()
    began = time.process_time()
    for byte in request:
        inbox.add(bytes([byte]))
    assert inbox.state is State.WHOLE
    assert time.process_time() - began < 2.0
