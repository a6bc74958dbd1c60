"""No answer holds a thread for ever, however steadily it drips, and none fills the memory."""

from __future__ import annotations

import gzip
import html
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from bot.errors import TOO_SLOW, WebexError
from bot.files.downloader import Downloader
from bot.text import MAX_TEXT_BYTES
from bot.webex import http
from bot.webex.chat import RECENT
from bot.webex.download import TIMEOUTS, DownloadClient
from bot.webex.http import HttpTransport
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.responses import json_of
from bot.webex.session import Floor, Timeouts
from bot.webex.tokens import StaticToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.webex.loopback import Loopback

HEAD = b"HTTP/1.1 %s\r\nContent-Length: 1000\r\n\r\n"
LONGEST = 0.4
"""Seconds that an answer may take here, and the time-out for the next bytes; drops come eight times as often."""
SOON = 2.0
"""Seconds in which a test's call must be back; the drips would go on for ten."""


@pytest.fixture
def dripping(loopback: Loopback) -> Iterator[object]:
    """Make the server send one part at once and the other a byte at a time."""
    over = threading.Event()

    def drip(at_once: bytes, drop: bytes) -> None:
        def answer(exchange, asked):
            exchange.wfile.write(at_once)
            ends = time.monotonic() + 10
            while not over.wait(0.05) and time.monotonic() < ends:
                exchange.wfile.write(drop)

        loopback.answer(answer)

    yield drip
    over.set()


def opened(closed: Callable[[DownloadClient], DownloadClient], timeouts: Timeouts) -> Downloader:
    return Downloader(closed(DownloadClient(StaticToken("token"), ("127.0.0.1",), timeouts=timeouts)))


@pytest.fixture
def ask(loopback, closed):
    made = closed(HttpTransport(loopback.url, StaticToken("token"), timeouts=Timeouts(2, LONGEST, LONGEST)))

    def ask(method="GET", **options):
        with pytest.raises(WebexError) as caught:
            made.request(method, made.base_url + "rooms", **options)
        return caught.value

    return ask


PARTS = {
    "body": (HEAD % b"200 OK", b" "),
    "body without end": (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


@pytest.mark.parametrize(("method", "part"), [*(("GET", part) for part in PARTS), ("POST", "body")])
def test_an_answer_that_drips_is_given_up(dripping, ask, loopback, part, method):
    dripping(*PARTS[part])
    started = time.monotonic()
    error = ask(method)
    assert time.monotonic() - started < SOON
    assert (error.status, error.passing) == (None, True)
    assert error.message == "TooSlowError"
    assert len(loopback.asked) == 1


@pytest.mark.parametrize("part", list(PARTS))
def test_a_download_that_drips_is_given_up(dripping, loopback, closed, tmp_path, part):
    dripping(*PARTS[part])
    files = opened(closed, Timeouts(2, 0.5, LONGEST))
    report = Report(id="x", family=Family.PARTNER, status="done", download_url=f"http://{loopback.host}/api")
    started = time.monotonic()
    with pytest.raises(WebexError) as caught:
        files.download(report, tmp_path / "x")
    assert time.monotonic() - started < SOON
    assert (caught.value.status, caught.value.passing) == (None, True)
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_comes_more_slowly_than_the_floor_is_given_up_with_its_own_reason(
    dripping, loopback, closed, tmp_path
):
    dripping(*PARTS["body"])
    floor = Floor(1000, 0.3)
    files = opened(closed, Timeouts(2, 2, floor=floor))
    report = Report(id="x", family=Family.PARTNER, status="done", download_url=f"http://{loopback.host}/api")
    started = time.monotonic()
    with pytest.raises(WebexError) as caught:
        files.download(report, tmp_path / "x")
    assert time.monotonic() - started < SOON
    assert (caught.value.message, caught.value.passing, caught.value.reached) == (TOO_SLOW, True, True)
    assert "too slowly" in caught.value.sentence


def test_a_body_that_keeps_the_pace_is_whole_however_long_it_takes(loopback, closed, tmp_path):
    """What this side does between two reads is not the host's slowness."""
    body = b"a,b\r\n" + b"1,2\r\n" * 60_000

    def steady(exchange, asked):
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 60_000):
            assert not threading.Event().wait(0.1)
            exchange.wfile.write(body[start : start + 60_000])

    loopback.answer(steady)
    floor = Floor(100_000, 0.25)
    files = opened(closed, Timeouts(floor=floor))
    report = Report(id="x", family=Family.PARTNER, status="done", download_url=f"http://{loopback.host}/api")

    def slowly(_size: int, _whole: int) -> None:
        assert not threading.Event().wait(0.3)

    assert files.download(report, tmp_path / "x", progress=slowly).size == len(body)


def test_what_an_error_says_is_waited_for_only_shortly(dripping, loopback, closed, tmp_path, monkeypatch):
    """Its status is known by then, and its wait."""
    monkeypatch.setattr(http, "ERROR_SECONDS", 0.3)
    dripping(b"HTTP/1.1 423 Locked\r\nRetry-After: 7\r\nContent-Length: 1000\r\n\r\n", b" ")
    files = opened(closed, TIMEOUTS)
    report = Report(id="x", family=Family.PARTNER, status="done", download_url=f"http://{loopback.host}/api")
    api = closed(HttpTransport(loopback.url, StaticToken("token")))
    calls: list[Callable[[], object]] = [
        lambda: files.download(report, tmp_path / "x"),
        lambda: api.request("GET", api.base_url + "rooms"),
    ]
    for call in calls:
        started = time.monotonic()
        with pytest.raises(WebexError) as caught:
            call()
        assert time.monotonic() - started < SOON
        assert (caught.value.status, caught.value.retry_after, caught.value.reached) == (423, 7.0, True)


def test_a_call_that_may_wait_longer_for_the_first_byte_has_that_time(loopback, closed):
    """As an upload has, which Webex looks through before it answers."""

    def slow(exchange, asked):
        assert not threading.Event().wait(LONGEST * 2)
        exchange.reply(200, {"id": "x"})

    loopback.answer(slow)
    made = closed(HttpTransport(loopback.url, StaticToken("token"), timeouts=Timeouts(body=LONGEST)))
    assert made.request("POST", made.base_url + "messages", timeout=(2, 5)).json() == {"id": "x"}


def test_the_time_counts_from_each_request_anew(loopback, closed):
    """One connection serves for longer than one answer may take."""
    made = closed(HttpTransport(loopback.url, StaticToken("token"), timeouts=Timeouts(2, 0.5, LONGEST)))
    ends = time.monotonic() + LONGEST * 2
    while time.monotonic() < ends:
        assert made.request("GET", made.base_url + "rooms").status_code == 200
    assert len({asked.connection for asked in loopback.asked}) == 1


def endless(exchange, asked):
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1500000000\r\n\r\n{")
    while True:
        exchange.wfile.write(b" " * 100_000)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_huge_answer_is_an_error_before_it_fills_the_memory(loopback, ask, monkeypatch, packed, method):
    monkeypatch.setattr(http, "LARGEST_ANSWER", 2_000_000)
    if packed:
        loopback.always(200, gzip.compress(b" " * 100_000_000, 1), {"Content-Encoding": "gzip"})
    else:
        loopback.answer(endless)
    tracemalloc.start()
    try:
        error = ask(method)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000, "bytes"
    assert (error.status, error.message, error.passing) == (None, "the answer is too large", False)
    assert error.reached is (True if method == "GET" else None)


@pytest.mark.parametrize("nested", [b"[" * 900 + b"]" * 900, b'{"":' * 900 + b"0" + b"}" * 900, b"[]", b'{"":0}'])
def test_what_the_worst_json_becomes_in_memory_is_what_the_limit_is_said_to_allow(nested):
    """In proportion, of a tenth of it."""
    most = http.LARGEST_ANSWER // 10
    body = b"[" + b",".join([nested] * (most // (len(nested) + 1) - 1)) + b"]"
    tracemalloc.start()
    try:
        kept = json_of("GET", "/", body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept
    assert peak < 24_000_000, "bytes"


def page_of_messages(text: str, number: int) -> dict[str, Any]:
    """Return what Webex answers about so many messages with this text; its ids have 80 letters or so."""
    ids = dict.fromkeys(("id", "roomId", "parentId", "personId", "personEmail", "created", "updated"), "x" * 80)
    said = {"text": text, "markdown": text, "html": f"<p>{html.escape(text)}</p>", "mentionedPeople": ["x" * 80] * 10}
    return {"items": [ids | said] * number}


@pytest.mark.parametrize("letter", ['"', "\\", "&", "<", "é", "€", "🙂"])
def test_as_many_messages_as_the_bot_asks_for_fit_whatever_people_write(loopback, closed, letter):
    """Nobody can hide a space from the bot by writing what becomes long on its way."""
    loopback.always(200, page_of_messages(letter * (MAX_TEXT_BYTES // len(letter.encode())), RECENT))
    made = closed(HttpTransport(loopback.url, StaticToken("token")))
    assert len(made.request("GET", made.base_url + "messages").json()["items"]) == RECENT


def test_a_huge_error_keeps_its_status(loopback, ask):
    loopback.always(404, b'{"message":"' + b"x" * 1_000_000 + b'"}', {"trackingId": "T_1"})
    error = ask()
    assert (error.status, error.tracking_id, error.message) == (404, "T_1", "")


def test_an_error_that_breaks_off_keeps_its_status(loopback, ask):
    loopback.answer(lambda exchange, asked: exchange.reply(404, b'{"message":', length=500))
    assert ask().status == 404
    loopback.always(503, b"not gzip", {"Content-Encoding": "gzip"})
    assert ask().status == 503


def test_an_answer_as_large_as_may_be_is_whole_and_read_as_utf_8(loopback, closed, monkeypatch):
    """Whatever its type says: nothing is guessed."""
    body = '{"title":"Ærøskøbing €"}'.encode()
    monkeypatch.setattr(http, "LARGEST_ANSWER", len(body))
    loopback.always(200, body, {"Content-Type": "text/plain; charset=latin-1"})
    made = closed(HttpTransport(loopback.url, StaticToken("token")))
    answer = made.request("GET", made.base_url + "rooms")
    assert (answer.content, answer.text) == (body, body.decode())
