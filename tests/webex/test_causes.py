"""Each cause of a call that meets no answer is told apart, with its remedy, by real servers and real errors."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bot.errors import WebexError
from bot.webex.causes import explain_renewal
from bot.webex.client import Client
from bot.webex.session import Timeouts
from bot.webex.tokens import CALL, RefreshableToken, StaticToken
from tests.webex.certificates import ELSEWHERE, Authority, serving
from tests.webex.memory_token_store import MemoryTokenStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.webex.loopback import Loopback

TOKEN = "m4rk3d-token-0123456789"
PROXY_PASSWORD = "m4rk3d-proxy-password"


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def closed_port() -> Iterator[int]:
    """Return a port where nothing listens, and that nobody else gets."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def silent_port() -> Iterator[int]:
    """Return a port that takes connections and never says a word."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(8)
        yield held.getsockname()[1]


def advice_of(url: str) -> str:
    """Return what is said to anyone who runs the bot when a call to this address fails; the log has the same."""
    client = Client(url, StaticToken(TOKEN), timeouts=Timeouts(2.0, 0.3))
    try:
        with pytest.raises(WebexError) as met:
            client.call("GET", "people/me", params={"token": TOKEN})
    finally:
        client.close()
    error = met.value
    assert error.status is None
    assert error.advice in str(error)
    assert error.advice in error.in_full
    assert error.advice not in error.sentence  # people in chat can do nothing about it
    assert "m4rk3d" not in str(error) + error.in_full
    assert "://" not in error.advice
    return error.advice


def test_a_name_that_cannot_be_resolved():
    said = advice_of("https://x.invalid/v1")
    assert said.startswith("This machine can't resolve the name x.invalid")
    assert "HTTPS_PROXY" in said


def test_a_closed_port():
    with closed_port() as port:
        assert advice_of(f"https://127.0.0.1:{port}/v1").startswith("127.0.0.1 refuses the connection")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers(scheme):
    with silent_port() as port:
        said = advice_of(f"{scheme}://127.0.0.1:{port}/v1")
    assert said == "127.0.0.1 takes the connection, but doesn't answer in time."


def test_a_server_that_hangs_up(loopback: Loopback):
    loopback.answer(lambda exchange, _: exchange.hang_up(reset=True))
    assert "closes the connection without an answer" in advice_of(loopback.url)


def test_an_unknown_authority_and_the_variable_that_makes_it_known(authority, monkeypatch):
    with serving(authority.leaf()) as port:
        url = f"https://127.0.0.1:{port}/v1"
        assert "set REQUESTS_CA_BUNDLE to that file; SSL_CERT_FILE isn't read" in advice_of(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert "set REQUESTS_CA_BUNDLE" in advice_of(url)
        other = authority.file.parent / "other"
        other.mkdir()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(other).file))
        assert "add that authority's certificate to the file that REQUESTS_CA_BUNDLE names" in advice_of(url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
        client = Client(url, StaticToken(TOKEN))
        assert client.call("GET", "people/me").status == 200
        client.close()


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_bundle_that_is_none(authority, monkeypatch, tmp_path, text):
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with serving(authority.leaf()) as port:
        said = advice_of(f"https://127.0.0.1:{port}/v1")
    wanted = "doesn't exist" if text is None else "holds no certificate"
    assert said == f"REQUESTS_CA_BUNDLE names a file that {wanted}: correct the variable, or remove it."


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"since": -9, "until": -2}, "has expired: renew it"),
        ({"since": 2, "until": 9}, "isn't valid yet: check this machine's clock"),
        ({"name": ELSEWHERE}, "is for another name"),
    ],
)
def test_a_certificate_that_is_not_good(authority, monkeypatch, how, said):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with serving(authority.leaf(**how)) as port:
        assert said in advice_of(f"https://127.0.0.1:{port}/v1")


def test_a_port_that_speaks_plain_http():
    with serving() as port:
        assert "doesn't speak https on that port" in advice_of(f"https://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("status", "said"),
    [(407, "wants a user name and a password (407): put both into {}."), (403, "webexapis.com (403): have it allowed")],
)
def test_a_proxy_that_refuses(monkeypatch, variable, status, said):
    with serving(connect=status) as port:
        monkeypatch.setenv(variable, f"http://ada:{PROXY_PASSWORD}@127.0.0.1:{port}")
        assert said.format(variable) in advice_of("https://webexapis.com/v1")


def test_a_proxy_that_cannot_be_reached(monkeypatch):
    with closed_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:{PROXY_PASSWORD}@127.0.0.1:{port}")
        said = advice_of("https://webexapis.com/v1")
    assert said.startswith("The proxy that HTTPS_PROXY names is of no use: it refuses the connection.")
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:{PROXY_PASSWORD}@proxy.invalid:3128")
    assert "its name can't be resolved" in advice_of("https://webexapis.com/v1")
    with silent_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        assert "goes through the proxy of HTTPS_PROXY" in advice_of("https://webexapis.com/v1")
    with serving() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{port}")
        assert "its address must begin with http:" in advice_of("https://webexapis.com/v1")


@pytest.mark.parametrize("address", ["http://:99", "foo://127.0.0.1:1"])
def test_an_address_of_a_proxy_that_is_none(monkeypatch, address):
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert advice_of("https://webexapis.com/v1").startswith("HTTPS_PROXY holds no address of a proxy")


def test_a_socks_proxy_without_its_library(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", f"socks5h://ada:{PROXY_PASSWORD}@127.0.0.1:1080")
    said = advice_of("https://webexapis.com/v1")
    assert said.startswith("ALL_PROXY names a SOCKS proxy")
    assert "pip install PySocks" in said


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": "invalid_grant", "error_description": f"no {TOKEN}"}, "WEBEX_ADMIN_REFRESH_TOKEN: it is"),
        (401, {"error": "invalid_client"}, "WEBEX_ADMIN_CLIENT_ID with WEBEX_ADMIN_CLIENT_SECRET"),
        (400, {"message": "The refresh token provided is expired."}, "WEBEX_ADMIN_REFRESH_TOKEN: it is"),
        (401, {"message": "The client credentials are not valid."}, "WEBEX_ADMIN_CLIENT_ID with"),
        (403, {}, "all be of the same app"),
    ],
)
def test_a_refused_renewal_names_the_variable(loopback: Loopback, status, body, said):
    loopback.answer(lambda exchange, _: exchange.reply(status, body))
    token = RefreshableToken("client", "m4rk3d-secret-0123", TOKEN, loopback.url, MemoryTokenStore())
    try:
        for _ in range(2):  # the second time nobody is asked: it says the same
            with pytest.raises(WebexError) as met:
                token.current()
            assert met.value.call == CALL
            assert said in met.value.advice
            assert met.value.advice == token.refusal()
            assert "m4rk3d" not in str(met.value)
    finally:
        token.close()


def test_a_renewal_whose_refusal_says_nothing_names_all_three():
    said = explain_renewal(400, "")
    for name in ("WEBEX_ADMIN_CLIENT_ID", "WEBEX_ADMIN_CLIENT_SECRET", "WEBEX_ADMIN_REFRESH_TOKEN"):
        assert name in said
