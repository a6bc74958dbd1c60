"""A body that cannot be read is refused and counted, and leaves neither a traceback nor its own words in the log.

What is no HTTP at all is the reverse proxy's to refuse.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.web.running_web import HALF_HEAD, OPS, Web, answers, codes, running

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
    """Return the codes of all answers to these words, until the other end closes."""
    with web.connect(words) as connection:
        connection.shutdown(1)
        return codes(answers(connection))


def unverified(web: Web) -> int:
    with web.connect(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + OPS + b"\r\n") as connection:
        return int(json.loads(answers(connection).partition(b"\r\n\r\n")[2])["rejected_calls"]["last_5_minutes"])


@pytest.mark.parametrize("body", (UNREADABLE_BODIES | CUT_OFF_BODIES).values(), ids=UNREADABLE_BODIES | CUT_OFF_BODIES)
def test_a_body_that_cannot_be_read_is_refused_once_and_counted(web: Web, body: bytes):
    before = unverified(web)
    assert asked(web, CHUNKED + body) == [400]
    assert unverified(web) == before + 1


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
