"""The webhook: one durable row for what Webex signed, no trace of anything else, and never a wait for Webex.

Calls without a valid signature, again and again, are tried in ``test_attacked.py``.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import shutil
import socket
import sqlite3
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs
from werkzeug.serving import make_server

from bot.db import tables
from bot.db.database import Database
from bot.queue import tasks
from bot.queue.sqlite import SqliteQueue
from bot.queue.statements import jobs
from bot.web.application import create_app
from bot.web.health import Health
from bot.web.signature import WEBEX
from bot.web.webhook import MAX_BODY, MalformedError, WebhookEndpoint, event_recorder, read_event
from bot.webex.types import Person
from tests.live_bot import QuietHandler
from tests.stepped_bot import SetClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

SECRETS = (b"the first secret 0123456789", b"the second secret 0123456789")
BOT = Person("the bot's person id", "Report Bot", "Report", "", ("report-bot@webex.bot",))
PATH = "/hooks"


def signed(body: bytes, secret: bytes = SECRETS[0]) -> dict[str, str]:
    return {"X-Spark-Signature": hmac.new(secret, body, hashlib.sha1).hexdigest()}


def envelope(**data: Any) -> bytes:
    given = {"id": "M1", "roomId": "R1", "roomType": "group", "personId": "P1"} | data
    return json.dumps({"resource": "messages", "event": "created", "name": "x", "data": given}).encode()


class Endpoint:
    """A webhook endpoint on a database of its own, and what it has stored."""

    def __init__(self, folder: Path, database_file: Path) -> None:
        self.file = folder / "bot.db"
        shutil.copy(database_file, self.file)
        self.database = Database(f"sqlite:///{self.file}", lock_patience=0.3)
        self.queue = SqliteQueue(self.database, folder)
        clock = SetClock()
        endpoint = WebhookEndpoint(
            record=event_recorder(self.queue, clock),
            secrets=SECRETS,
            bot=lambda: BOT,
            ready=lambda: True,
            count=lambda *_: None,
        )
        ops = Health(
            database=self.database,
            queue=self.queue,
            folder=folder,
            now=clock,
            render=lambda _: b"",
            migrated=lambda: True,
            version="1",
        )
        self.app: Flask = create_app(endpoint, ops, PATH)
        self.client = self.app.test_client()

    def post(self, body: bytes, headers: dict[str, str] | None = None, **more: Any) -> int:
        answer = self.client.post(PATH, data=body, headers=signed(body) if headers is None else headers, **more)
        return answer.status_code

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        with self.database.read() as tx:
            found = tx.execute(select(tables.events).order_by(tables.events.c.id))
            return [(row.resource, row.event, row.data_id) for row in found]

    @property
    def jobs(self) -> list[str]:
        with self.database.read() as tx:
            return list(tx.execute(select(jobs.c.task)).scalars())

    @property
    def untouched(self) -> bool:
        return self.rows == [] and self.jobs == []


@pytest.fixture
def endpoint(tmp_path: Path, database_file: Path) -> Iterator[Endpoint]:
    made = Endpoint(tmp_path, database_file)
    yield made
    made.database.close()


@pytest.mark.parametrize("secret", SECRETS)
def test_a_signed_event_is_one_row_and_one_job(endpoint: Endpoint, secret: bytes) -> None:
    body = envelope()
    assert endpoint.post(body, signed(body, secret)) == 200
    assert endpoint.rows == [("messages", "created", "M1")]
    assert endpoint.jobs == [tasks.EVENT]


def test_the_second_header_is_accepted_too(endpoint: Endpoint) -> None:
    body = envelope()
    sum256 = hmac.new(SECRETS[1], body, hashlib.sha256).hexdigest()
    assert endpoint.post(body, {WEBEX: f"SHA-256={sum256}, SHA-512=00"}) == 200
    assert len(endpoint.rows) == 1


@pytest.mark.parametrize("kind", ["messages", "attachmentActions", "memberships"])
def test_an_event_again_is_no_second_row_and_no_second_job(endpoint: Endpoint, kind: str) -> None:
    body = envelope().replace(b"messages", kind.encode())
    assert [endpoint.post(body) for _ in range(5)] == [200] * 5
    assert len(endpoint.rows) == 1
    assert len(endpoint.jobs) == 1


GOOD = envelope()
SUM = signed(GOOD)["X-Spark-Signature"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Spark-Signature": ""},
        {"X-Spark-Signature": "0" * 40},
        {"X-Spark-Signature": SUM[:-1]},
        {"X-Spark-Signature": SUM + "00"},
        {"X-Spark-Signature": "ü" * 40},
        {"X-Spark-Signature": signed(GOOD, b"another secret 0123456789")["X-Spark-Signature"]},
        {"X-Spark-Signature": signed(GOOD + b"\n")["X-Spark-Signature"]},
        {"X-Spark-Signature": signed(b"")["X-Spark-Signature"]},
        {WEBEX: f"SHA-1={SUM}"},
        {WEBEX: f"SHA-256={SUM}"},
    ],
)
def test_what_does_not_verify_leaves_no_row(endpoint: Endpoint, headers: dict[str, str]) -> None:
    with capture_logs() as lines:
        assert endpoint.post(GOOD, headers) == 401
    assert endpoint.untouched
    seen = json.dumps(lines)
    assert not [secret for secret in (*map(bytes.decode, SECRETS), SUM, "M1") if secret in seen]


def test_the_signature_is_of_the_raw_bytes(endpoint: Endpoint) -> None:
    """Spaces, order and escapes count: the body is not parsed and written again before it is checked."""
    body = b'{ "event":"created",\n"resource" :"messages", "data": {"id":"\\u004d1"}}'
    assert endpoint.post(json.dumps(json.loads(body)).encode(), signed(body)) == 401
    assert endpoint.post(body) == 200
    assert endpoint.rows == [("messages", "created", "M1")]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 50_000])
def test_nothing_is_parsed_before_it_verifies(endpoint: Endpoint, body: bytes) -> None:
    assert endpoint.post(body, {}) == 401
    assert endpoint.post(body) == 400
    assert endpoint.untouched


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"17",
        b"{}",
        b'{"resource":"messages","event":"created"}',
        b'{"resource":"messages","event":"created","data":[]}',
        b'{"resource":"messages","event":"created","data":{}}',
        b'{"resource":"messages","event":"created","data":{"id":""}}',
        b'{"resource":"messages","event":"created","data":{"id":17}}',
        b'{"resource":"messages","event":"created","data":{"id":{"a":1}}}',
        b'{"resource":"messages","event":"created","data":{"id":"a\\u0000b"}}',
        b'{"resource":"messages","event":"created","data":{"id":"a\\ud800b"}}',
        b'{"resource":"messages","event":"created","data":{"id":"M","roomId":["R"]}}',
        b'{"resource":17,"event":"created","data":{"id":"M"}}',
        b'{"event":"created","data":{"id":"M"}}',
        b'{"resource":"messages","event":"created","data":{"id":"' + b"M" * 600 + b'"}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused_without_a_row(endpoint: Endpoint, body: bytes) -> None:
    with capture_logs() as lines:
        assert endpoint.post(body) == 400
    assert endpoint.untouched
    assert lines[-1]["event"] == "webhook_malformed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "data", "resource", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_event_or_refused(body: bytes) -> None:
    try:
        event = read_event(body)
    except MalformedError:
        return
    assert event.resource
    assert event.event
    assert event.data_id


def test_a_body_over_64_kib_is_refused_by_its_length_or_on_the_way(endpoint: Endpoint) -> None:
    body = envelope(name="x" * MAX_BODY)
    assert endpoint.post(body) == 413
    stream = {"input_stream": io.BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
    assert endpoint.client.post(PATH, headers=signed(body), **stream).status_code == 413
    assert endpoint.untouched
    exact = envelope(name="")
    exact = envelope(name="x" * (MAX_BODY - len(exact)))
    assert len(exact) == MAX_BODY
    assert endpoint.post(exact) == 200


def test_the_bot_s_own_words_and_presses_are_dropped_but_not_its_memberships(endpoint: Endpoint) -> None:
    own = envelope(personId=BOT.id)
    assert endpoint.post(own) == 200
    assert endpoint.post(envelope(personId="spelled otherwise", personEmail="Report-Bot@Webex.Bot")) == 200
    assert endpoint.post(own.replace(b"messages", b"attachmentActions")) == 200
    assert endpoint.untouched
    assert endpoint.post(own.replace(b"messages", b"memberships")) == 200
    assert len(endpoint.rows) == 1


def test_who_joins_is_known_by_the_address_where_the_id_is_spelled_otherwise(endpoint: Endpoint) -> None:
    joined = envelope(personId="spelled otherwise", personEmail=BOT.emails[0]).replace(b"messages", b"memberships")
    assert endpoint.post(joined) == 200
    with endpoint.database.read() as tx:
        assert tx.execute(select(tables.events.c.person_id)).scalars().all() == [BOT.id]


@pytest.mark.parametrize("email", [7, None, "x" * 600, "not\na line", ["a@b"]])
def test_an_address_that_is_none_does_not_stop_an_event(endpoint: Endpoint, email: object) -> None:
    assert endpoint.post(envelope(personEmail=email)) == 200
    assert len(endpoint.rows) == 1


def test_a_locked_database_is_503_and_nothing_is_lost_by_saying_so(endpoint: Endpoint) -> None:
    body = envelope()
    other = sqlite3.connect(endpoint.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = endpoint.client.post(PATH, data=body, headers=signed(body))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    other.execute("ROLLBACK")
    other.close()
    assert endpoint.post(body) == 200
    assert len(endpoint.rows) == 1


def test_a_database_that_is_away_is_503_and_200_when_it_is_back(endpoint: Endpoint) -> None:
    assert endpoint.post(envelope()) == 200
    endpoint.database.close()
    away = endpoint.file.with_name("away")
    endpoint.file.rename(away)
    assert endpoint.post(envelope(id="M2")) == 503
    assert not endpoint.file.exists(), "no empty one takes its place"
    away.rename(endpoint.file)
    assert endpoint.post(envelope(id="M2")) == 200
    assert [row[2] for row in endpoint.rows] == ["M1", "M2"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_a_post_is_taken(endpoint: Endpoint, method: str) -> None:
    assert endpoint.client.open(PATH, method=method, data=GOOD, headers=signed(GOOD)).status_code == 405
    assert endpoint.untouched


@contextmanager
def served(endpoint: Endpoint) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, endpoint.app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_body_that_ends_before_its_length_leaves_no_row(endpoint: Endpoint) -> None:
    """Also when what came is signed: the length was another, so it is not what was sent."""
    with served(endpoint) as port:
        for part in (GOOD[:20], GOOD):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                sent = signed(part)["X-Spark-Signature"]
                length = len(GOOD) + 5
                head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Spark-Signature: {sent}\r\nContent-Length: {length}\r\n"
                connection.sendall(head.encode() + b"\r\n" + part)
                connection.shutdown(socket.SHUT_WR)
                assert b" 400 " in connection.makefile("rb").readline()
    assert endpoint.untouched


def test_a_flood_of_the_same_events_at_once_is_one_row_each(endpoint: Endpoint) -> None:
    bodies = [envelope(id=f"M{number % 5}") for number in range(40)]
    codes: list[int] = []

    def send(port: int, some: list[bytes]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        for body in some:
            connection.request("POST", PATH, body, signed(body))
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)
        connection.close()

    with served(endpoint) as port:
        threads = [threading.Thread(target=send, args=(port, bodies[number::8])) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert set(codes) == {200}
    assert sorted(row[2] for row in endpoint.rows) == [f"M{number}" for number in range(5)]
    assert len(endpoint.jobs) == 5
