"""What is no request is told so once, and counted: it leaves neither a traceback nor a line of its own in the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bot.web.tally import LINE_EVERY, Tally
from tests.door.running_web import HALF_HEAD, OPS, Web, answers, codes, running

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNKED = HALF_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\nhello\r\n0\r\n\r\n"
OURS = {"Starting", "Listening", "Using", "Booting"}
"""The first words of the lines that gunicorn may write."""

UNREADABLE_BODIES = {
    "a negative size": b"-5" + END,
    "a size with a sign": b"+5" + END,
    "a size behind a space": b" 5" + END,
    "a size as in a program": b"0x5" + END,
    "no size": END,
    "a size line without an end": b"5" * 10_000,
    "an extension without an end": b"5;" + b"a" * 10_000,
    "an extension that is none": b"5;(" + END,
    "a chunk that is longer than it says": b"3" + END,
    "a chunk without its line's end": b"5\r\nhelloXX0\r\n\r\n",
    "a trailer without a colon": b"5\r\nhello\r\n0\r\nevil trailer\r\n\r\n",
    "a trailer without a name": b"5\r\nhello\r\n0\r\n: x\r\n\r\n",
    "a trailer that changes the framing": b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",
    "a trailer with a bare line feed": b"5\r\nhello\r\n0\r\nA: b\n\r\n\r\n",
    "trailers without an end": b"0\r\n" + b"A: b\r\n" * 2000,
}
CUT_OFF_BODIES = {
    "a size of seventeen digits": b"f" * 17 + END,
    "a size of thousands of digits": b"f" * 5000 + END,
    "a chunk that is shorter than it says": b"ff" + END,
    "no last chunk": b"5\r\nhello\r\n",
    "no end behind the trailers": b"5\r\nhello\r\n0\r\nA: b\r\n",
}
NO_REQUESTS = {
    "not HTTP": (b"\x16\x03\x01\x00\xf8 evil\r\n\r\n", 400),
    "another protocol": (b"PRI * HTTP/2.0\r\n\r\n", 400),
    "an address that is none": (b"GET http://[evil/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a line that is too long": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a header without a colon": (HALF_HEAD + b"evil\r\n\r\n", 400),
    "a header that is too large": (HALF_HEAD + b"A: " + b"a" * 34_000 + b"\r\n\r\n", 431),
    "too many headers": (HALF_HEAD + b"".join(b"A%d: b\r\n" % number for number in range(200)) + b"\r\n", 431),
    "a head without an end": (HALF_HEAD + b"A: " + b"a" * 50_000, 431),
    "a folded header": (HALF_HEAD + b"A: b\r\n c\r\n\r\n", 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "two lengths": (HALF_HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
    "a length with a sign": (HALF_HEAD + b"Content-Length: +5\r\n\r\nhello", 400),
    "a coding that nobody knows": (HALF_HEAD + b"Transfer-Encoding: evil\r\n\r\n", 501),
    "an expectation": (HALF_HEAD + b"Expect: evil\r\n\r\n", 417),
    "HTTP/1.0 in chunks": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with running(tmp_path_factory.mktemp("web")) as made:
        yield made
    written = made.log.read_text()
    assert "Traceback" not in written
    assert "evil" not in written
    for line in made.log.read_text().splitlines():
        event = json.loads(line)
        if event["logger"] == "gunicorn.error":
            assert event["event"].split()[0] in OURS | {"Handling", "Worker", "Shutting"}


def asked(web: Web, words: bytes) -> list[int]:
    """The codes of all answers to these words, until the other end closes."""
    with web.connect(words) as connection:
        connection.shutdown(1)
        return codes(answers(connection))


def unverified(web: Web) -> int:
    with web.connect(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + OPS + b"\r\n") as connection:
        return int(json.loads(answers(connection).partition(b"\r\n\r\n")[2])["unverified_events"]["last_5_minutes"])


@pytest.mark.parametrize("body", (UNREADABLE_BODIES | CUT_OFF_BODIES).values(), ids=UNREADABLE_BODIES | CUT_OFF_BODIES)
def test_a_body_that_cannot_be_read_is_refused_once_and_counted(web: Web, body: bytes):
    before = unverified(web)
    assert asked(web, CHUNKED + body) == [400]
    assert unverified(web) == before + 1


@pytest.mark.parametrize("body", UNREADABLE_BODIES.values(), ids=UNREADABLE_BODIES)
def test_where_nobody_reads_the_body_there_is_one_answer_too(web: Web, body: bytes):
    """A second one would be taken for the answer to somebody else's request, behind a proxy."""
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert asked(web, head + body) == [200]
    assert asked(web, head.replace(b"/healthz", b"/nowhere") + body) == [404]


@pytest.mark.parametrize(("words", "code"), NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_is_no_request_is_told_so(web: Web, words: bytes, code: int):
    assert asked(web, words) == [code]


@pytest.mark.parametrize(("words", "code"), NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_a_flood_of_it_is_a_few_lines(web: Web, words: bytes, code: int):
    """The sums are the tally's: one line in ten seconds."""
    before = len(web.log.read_text().splitlines())
    assert [asked(web, words) for _ in range(30)] == [[code]] * 30
    assert len(web.log.read_text().splitlines()) - before <= 3


@pytest.mark.parametrize(
    "words",
    [
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        b"DELETE /webhooks/webex HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /webhooks/webex HTTP/1.1\r\nHost: [evil\xff\r\n\r\n",
        b"GET /%00%ff%0aevil HTTP/1.1\r\nHost: x\r\n\r\n",
        HALF_HEAD + b"X-Spark-Signature: \xff\r\nContent-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_a_flood_of_what_is_nobodys_business_is_a_few_lines(web: Web, words: bytes):
    before = len(web.log.read_text().splitlines())
    for _ in range(30):
        (code,) = asked(web, words)
        assert 400 <= code < 500
    assert len(web.log.read_text().splitlines()) - before <= 3


def test_headers_of_a_proxy_are_not_believed_from_anybody(web: Web):
    """``SCRIPT_NAME`` would be taken off the path: a way round what a proxy lets through."""
    more = b"SCRIPT_NAME: /webhooks/webex\r\n"
    assert asked(web, b"GET /webhooks/webex/metrics HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n") == [404]
    assert asked(web, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n") == [200]
    contradicting = b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n"
    assert asked(web, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + contradicting + b"\r\n") == [200]


def test_a_header_of_32_kb_passes_beside_the_usual_ones(web: Web):
    """A service mesh passes on the client's certificate chain; every webhook was refused by 431."""
    certificate = b"X-Forwarded-Client-Cert: " + b"c" * 32 * 1024 + b"\r\n"
    usual = b"".join(b"X-Usual-%d: %s\r\n" % (number, b"u" * 100) for number in range(40))
    body, headers = web.event()
    signed = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    assert asked(web, HALF_HEAD + certificate + usual + signed + length + body) == [200]


def test_a_tally_says_all_of_it_in_one_line_now_and_then():
    now = [0.0]
    tally = Tally("refused", clock=lambda: now[0])
    with capture_logs() as lines:
        tally.say()
        assert lines == []
        for kind in ("a", "b", "a"):
            tally.add(kind)
        tally.say()
        tally.add("a")
        now[0] += LINE_EVERY - 0.1
        tally.say()
        assert lines == [{"event": "refused", "log_level": "warning", "a": 2, "b": 1}]
        now[0] += 0.1
        tally.say()
        now[0] += LINE_EVERY
        tally.say()
        assert lines[1:] == [{"event": "refused", "log_level": "warning", "a": 1}]
