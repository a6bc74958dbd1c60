"""One POST to a receiver that may hang, drip, lie, or lead elsewhere."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from bot.outbound.post import Answer, post
from tests.outbound.names import Names
from tests.webex.certificates import Authority
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.webex.loopback import Asked, Exchange

HERE = ["127.0.0.0/8"]
SOON = 0.5
"""Seconds after which a test's call gives up."""
PATIENCE = 5.0
"""Seconds in which such a call must have returned, on a machine that is busy."""


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    made = Loopback()
    yield made
    made.stop()


def sent(receiver: Loopback, path: str = "/hook?a=b", *, timeout: float = 15.0) -> Answer:
    return post(f"http://{receiver.host}{path}", b"{}", {"webhook-id": "evt_1"}, HERE, timeout=timeout)


def test_the_body_and_headers_arrive(receiver: Loopback) -> None:
    receiver.always(204)
    assert sent(receiver) == Answer(204, "")
    (asked,) = receiver.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/hook?a=b", b"{}")
    assert asked.headers["Host"] == receiver.host
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["webhook-id"] == "evt_1"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundreds_are_success(receiver: Loopback, status: int) -> None:
    receiver.always(status)
    assert sent(receiver).is_success


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 502, 599])
def test_everything_else_is_none(receiver: Loopback, status: int) -> None:
    receiver.always(status, b"" if status == 304 else b"no")
    assert not sent(receiver).is_success


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(receiver: Loopback, status: int) -> None:
    receiver.always(status, b"", {"Location": f"http://{receiver.host}/elsewhere"})
    answer = sent(receiver)
    assert (answer.status, answer.is_success) == (status, False)
    assert [one.path for one in receiver.asked] == ["/hook?a=b"]


def test_retry_after_is_read(receiver: Loopback) -> None:
    receiver.always(429, b"slow", {"Retry-After": "120"})
    assert sent(receiver) == Answer(429, "slow", 120.0)


def test_of_a_long_answer_the_beginning_is_kept(receiver: Loopback) -> None:
    receiver.always(500, "ä".encode() * 100_000)
    assert sent(receiver).text == "ä" * 2048


def test_an_answer_that_is_no_text(receiver: Loopback) -> None:
    receiver.always(200, b"\xff\x00\xfe ok")
    assert sent(receiver).text == "\ufffd\ufffd ok"


def hangs(exchange: Exchange, _: Asked) -> None:
    threading.Event().wait(PATIENCE)
    exchange.close_connection = True


def drips_headers(exchange: Exchange, _: Asked) -> None:
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        exchange.wfile.write(f"X-{number}: ".encode())
        exchange.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize("how", [hangs, drips_headers])
def test_who_gives_no_answer_in_time_is_left(receiver: Loopback, how: Callable[[Exchange, Asked], None]) -> None:
    receiver.answer(how)
    began = time.monotonic()
    answer = sent(receiver, timeout=SOON)
    assert time.monotonic() - began < PATIENCE
    assert answer == Answer(None, "No answer within 0 seconds.")


def test_a_body_that_drips_after_a_success_changes_nothing(receiver: Loopback) -> None:
    def drips(exchange: Exchange, _: Asked) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
        exchange.wfile.flush()
        threading.Event().wait(PATIENCE)

    receiver.answer(drips)
    began = time.monotonic()
    assert sent(receiver, timeout=SOON) == Answer(200, "ok")
    assert time.monotonic() - began < PATIENCE


def test_a_tls_handshake_that_never_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        answer = post(f"https://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {}, HERE, timeout=SOON)
    assert answer == Answer(None, "No answer within 0 seconds.")
    assert time.monotonic() - began < PATIENCE


def test_nobody_listens_or_hangs_up(receiver: Loopback) -> None:
    receiver.answer(lambda exchange, _: exchange.hang_up())
    assert sent(receiver).status is None
    receiver.stop()
    assert sent(receiver) == Answer(None, "No connection: ConnectionRefusedError.")


def test_what_is_no_http_is_a_failure(receiver: Loopback) -> None:
    def nonsense(exchange: Exchange, _: Asked) -> None:
        exchange.wfile.write(b"220 smtp ready\r\n")
        exchange.close_connection = True

    receiver.answer(nonsense)
    assert sent(receiver).text == "The connection failed: BadStatusLine."


def test_a_name_that_changes_after_it_was_checked(receiver: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt looks the name up once, and connects to what it has checked."""
    names = Names(monkeypatch, {"rebinds.example.com": ["93.184.216.34"]})
    url = f"https://rebinds.example.com:{receiver.port}/"
    connected: list[str] = []

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        connected.append(address[0])
        names.at["rebinds.example.com"] = ["127.0.0.1"]
        raise ConnectionRefusedError

    with monkeypatch.context() as while_it_is_public:
        while_it_is_public.setattr(socket, "create_connection", connect)
        post(url, b"{}", {}, [])
    assert (connected, names.asked) == (["93.184.216.34"], ["rebinds.example.com"])
    assert "private network" in post(url, b"{}", {}, []).text
    assert receiver.connections == 0


def test_no_proxy_of_the_environment_is_used(receiver: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Loopback()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://{proxy.host}")
    receiver.always(200)
    assert sent(receiver).is_success
    assert proxy.connections == 0
    proxy.stop()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.file))
    return made


def over_tls(certificate: Path, host: str = "127.0.0.1") -> Answer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver = Loopback(context)
    receiver.always(200, b"ok")
    try:
        return post(f"https://{host}:{receiver.port}/", b"{}", {}, HERE)
    finally:
        receiver.stop()


def test_certificates_are_verified(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, {"hooks.example.com": ["127.0.0.1"]})
    named = authority.leaf(x509.DNSName("hooks.example.com"))
    assert over_tls(authority.leaf()) == Answer(200, "ok")
    assert over_tls(named, "hooks.example.com") == Answer(200, "ok")
    for certificate, host in ((named, "127.0.0.1"), (authority.leaf(), "hooks.example.com")):
        assert "SSLCertVerificationError" in over_tls(certificate, host).text
    assert "expired" in over_tls(authority.leaf(since=-2, until=-1)).text


def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    assert "SSLCertVerificationError" in over_tls(Authority(tmp_path).leaf()).text
