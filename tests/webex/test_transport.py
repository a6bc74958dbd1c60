"""How every call travels: where the token goes, what is retried, what each failure means."""

from __future__ import annotations

import gc
import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bot.errors import PASSING_STATUSES, WebexError
from bot.webex.http import HttpTransport, RateLimitGate
from bot.webex.responses import names_of
from bot.webex.session import Timeouts
from bot.webex.tokens import StaticToken
from tests.webex.loopback import ALL_ERRORS, Loopback

if TYPE_CHECKING:
    import requests

SECRET = "top-secret-token-0123456789"
ERROR_BODY = {"message": f"no https://x/?a=b Bearer {SECRET}", "errors": [], "trackingId": "ROUTER_1"}


@pytest.fixture
def transport(loopback, closed):
    return closed(HttpTransport(loopback.url, StaticToken(SECRET), timeouts=Timeouts(2, 0.5)))


def get(transport, path="things/1?query=hush") -> requests.Response:
    response: requests.Response = transport.request("GET", transport.base_url + path)
    return response


def post(transport) -> requests.Response:
    response: requests.Response = transport.request("POST", transport.base_url + "things", json={})
    return response


def refused(action, *arguments) -> WebexError:
    with pytest.raises(WebexError) as caught:
        action(*arguments)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert SECRET not in shown
    assert "hush" not in shown
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize("status", ALL_ERRORS)
@pytest.mark.parametrize("action", [get, post])
def test_every_status_becomes_an_error_that_knows_whether_it_passes(loopback, transport, action, status):
    loopback.always(status, ERROR_BODY, {"trackingId": "ROUTER_2", "Retry-After": "0"})
    error = refused(action, transport)
    assert (error.status, error.reached, error.tracking_id, error.retry_after) == (status, True, "ROUTER_2", 0.0)
    assert error.passing == (status in PASSING_STATUSES)
    assert error.call == ("GET /v1/things/1" if action is get else "POST /v1/things")
    assert len(loopback.asked) == 1


def test_the_token_travels_and_a_netrc_does_not(loopback, transport, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login eve password evil\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    get(transport)
    assert loopback.asked[0].headers["Authorization"] == f"Bearer {SECRET}"


def test_plain_http_on_this_machine_goes_through_no_proxy(loopback, transport, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert get(transport).status_code == 200


def test_https_goes_through_the_proxy_of_the_environment(closed, monkeypatch):
    proxy = Loopback()
    proxy.always(502)
    try:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        transport = closed(HttpTransport("https://webexapis.invalid/v1", StaticToken(SECRET)))
        error = refused(get, transport)
        assert (error.status, error.reached) == (None, False)
        assert "ProxyError" in error.message
        assert [(asked.method, asked.path) for asked in proxy.asked] == [("CONNECT", "webexapis.invalid:443")]
        assert "Authorization" not in proxy.asked[0].headers
    finally:
        proxy.stop()


def test_a_redirect_is_an_error_and_takes_the_token_nowhere(loopback, transport):
    elsewhere = Loopback()
    try:
        for status in (301, 302, 303, 307, 308):
            loopback.always(status, b"", {"Location": f"http://{elsewhere.host}/v1/hush"})
            error = refused(get, transport)
            assert (error.status, error.passing) == (status, False)
        assert elsewhere.asked == []
    finally:
        elsewhere.stop()


@pytest.mark.parametrize("location", ["http://[bad", "\udcff", "//", "http:\\\\x", ""])
def test_an_unreadable_redirect_is_an_error_like_any_other(loopback, transport, location):
    loopback.always(302, b"", {"Location": location.encode("utf-8", "replace").decode()})
    assert refused(get, transport).status == 302


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1/x", "https://evil.example/v1/x", "//evil/x", "/x", "http://[x"])
def test_another_address_is_refused_before_anything_is_sent(loopback, transport, url):
    error = refused(transport.request, "GET", url)
    assert (error.reached, error.passing) == (False, False)
    assert loopback.asked == []


@pytest.mark.parametrize("url", ["http://api.example/v1", "ftp://api.example/v1", "https://user:pass@api.example/v1"])
def test_an_api_over_an_open_line_is_refused(url):
    with pytest.raises(ValueError):
        HttpTransport(url, StaticToken(SECRET))


def test_no_cookie_is_kept(loopback, transport):
    loopback.always(200, {}, {"Set-Cookie": "a=b; Path=/"})
    get(transport)
    get(transport)
    assert "Cookie" not in loopback.asked[1].headers


def test_one_connection_serves_calls_one_after_the_other(loopback, transport):
    for _ in range(5):
        get(transport)
        post(transport)
    assert len({asked.connection for asked in loopback.asked}) == 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_get_on_a_connection_that_just_closed_is_asked_again_at_once(loopback, transport, reset):
    used: set[int] = set()

    def once_a_connection(exchange, asked):
        if asked.connection in used:
            exchange.hang_up(reset=reset)
        else:
            used.add(asked.connection)
            exchange.reply(200, {})

    loopback.answer(once_a_connection)
    for _ in range(3):
        assert get(transport).status_code == 200
    assert [asked.connection for asked in loopback.asked] != [loopback.asked[0].connection] * len(loopback.asked)


def test_a_get_is_asked_again_only_once(loopback, transport):
    loopback.answer(lambda exchange, asked: exchange.hang_up())
    error = refused(get, transport)
    assert (error.status, error.reached, error.passing) == (None, None, True)
    assert len(loopback.asked) == 2


def test_a_post_is_never_sent_twice(loopback, transport):
    loopback.answer(lambda exchange, asked: exchange.hang_up())
    error = refused(post, transport)
    assert (error.status, error.reached, error.passing) == (None, None, True)
    assert len(loopback.asked) == 1


def test_a_truncated_answer_is_no_answer(loopback, transport):
    loopback.answer(lambda exchange, asked: exchange.reply(200, b'{"a":', length=500))
    assert refused(get, transport).reached is True
    assert refused(post, transport).reached is None


def test_a_packed_answer_that_cannot_be_unpacked_is_no_answer(loopback, transport):
    loopback.always(200, b"not gzip", {"Content-Encoding": "gzip"})
    error = refused(get, transport)
    assert (error.status, error.reached, error.passing) == (None, True, True)


def test_silence_ends_with_the_time_out(loopback, transport):
    done = threading.Event()
    loopback.answer(lambda exchange, asked: done.wait(5))
    try:
        error = refused(post, transport)
    finally:
        done.set()
    assert (error.status, error.reached, error.passing) == (None, None, True)
    assert "ReadTimeout" in error.message


def test_garbage_instead_of_http_is_no_answer(loopback, transport):
    loopback.answer(lambda exchange, asked: (exchange.wfile.write(b"SSH-2.0-hush\r\n\r\n"), exchange.hang_up()))
    assert refused(post, transport).status is None


def test_no_connection_means_no_effect(closed):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    transport = closed(HttpTransport(f"http://127.0.0.1:{port}/v1", StaticToken(SECRET)))
    error = refused(post, transport)
    assert (error.status, error.reached, error.passing) == (None, False, True)


@pytest.mark.parametrize("token", [f"{SECRET}\r\nX: y", f"{SECRET}\u20ac", f" {SECRET}\n"])
def test_a_token_that_no_header_can_hold_is_not_shown(loopback, closed, token):
    transport = closed(HttpTransport(loopback.url, StaticToken(token)))
    assert refused(get, transport).reached is False


class Renewed:
    """A token source that has one newer token."""

    def __init__(self, newer: str) -> None:
        self.newer = newer
        self.renewals: list[str] = []

    def current(self) -> str:
        return SECRET

    def renew(self, stale: str) -> str:
        self.renewals.append(stale)
        return self.newer


def test_a_refused_token_is_renewed_once_and_the_call_made_once_more(loopback, closed):
    source = Renewed("newer")
    transport = closed(HttpTransport(loopback.url, source))
    loopback.answer(
        lambda exchange, asked: exchange.reply(200 if asked.headers["Authorization"] == "Bearer newer" else 401, {})
    )
    assert post(transport).status_code == 200
    assert (source.renewals, len(loopback.asked)) == ([SECRET], 2)
    loopback.always(401)
    assert refused(get, transport).status == 401
    assert len(loopback.asked) == 4


def test_a_token_that_cannot_be_renewed_is_not_tried_again(loopback, transport):
    loopback.always(401)
    assert refused(get, transport).status == 401
    assert len(loopback.asked) == 1


def test_after_a_429_every_call_is_held_back_until_webex_wants_to_hear_from_us(loopback, closed):
    now = [100.0]
    gate = RateLimitGate(clock=lambda: now[0], chance=lambda: 0.0)
    one, other = (closed(HttpTransport(loopback.url, StaticToken(SECRET), gate=gate)) for _ in range(2))
    loopback.always(429, b"", {"Retry-After": "20"})
    assert refused(get, one).retry_after == 20
    now[0] += 5
    held = refused(post, other)
    assert (held.status, held.retry_after, held.reached, held.passing) == (429, 15.0, False, True)
    assert len(loopback.asked) == 1
    now[0] += 15
    loopback.always(200, {})
    assert post(other).status_code == 200


def test_the_gate_closes_for_a_minute_at_most_and_only_for_a_429(loopback, closed):
    now = [100.0]
    gate = RateLimitGate(clock=lambda: now[0], chance=lambda: 0.0)
    transport = closed(HttpTransport(loopback.url, StaticToken(SECRET), gate=gate))
    loopback.always(423, b"", {"Retry-After": "20"})
    refused(get, transport)
    loopback.always(429, b"", {"Retry-After": "rand(30),add(30)"})
    assert refused(get, transport).retry_after is None
    now[0] += 2  # what nobody can read holds for a moment
    loopback.always(429, b"", {"Retry-After": "3000"})
    assert refused(get, transport).retry_after == 3000
    assert refused(get, transport).retry_after == 60
    assert len(loopback.asked) == 3


def test_who_is_held_back_comes_back_spread_over_a_while(loopback, closed):
    now, chance = [100.0], [0.0]
    gate = RateLimitGate(clock=lambda: now[0], chance=lambda: chance[0])
    transport = closed(HttpTransport(loopback.url, StaticToken(SECRET), gate=gate))
    loopback.always(429, b"", {"Retry-After": "20"})
    waits = []
    for chance[0] in (0.5, 0.0, 1.0):
        waits.append(refused(get, transport).retry_after)
    assert waits == [22.5, 20.0, 25.0], "of the call that met the 429, and of those that it holds back"


def test_every_call_is_observed_without_its_ids(loopback, closed):
    seen = []
    transport = closed(HttpTransport(loopback.url, StaticToken(SECRET), observe=lambda *call: seen.append(call)))
    get(transport, "partner/reports/abc?query=hush")
    loopback.always(503)
    refused(post, transport)
    assert [call[:3] for call in seen] == [("GET", "/v1/partner/reports/{id}", 200), ("POST", "/v1/{id}", 503)]
    assert all(0 <= call[3] < 5 for call in seen)


def test_sixteen_threads_share_one_transport(loopback, transport):
    """Each thread gets its own answer, and no more connections are opened than there are threads."""

    def answer(exchange, asked):
        if asked.path.endswith("7"):
            exchange.reply(404, {"message": asked.path})
        else:
            exchange.reply(200, {"path": asked.path})

    loopback.answer(answer)

    def ask(number):
        try:
            return get(transport, f"things/{number}").json()["path"]
        except WebexError as error:
            return error.message

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(800)))
    assert answers == [f"/v1/things/{number}" for number in range(800)]
    assert len({asked.connection for asked in loopback.asked}) <= 16


def test_a_connection_that_hangs_up_in_the_middle_of_others_mixes_nothing_up(loopback, transport):
    """Every fifth request is hung up on; sixteen threads get their own answer or an error that passes."""

    def answer(exchange, asked):
        if len(loopback.asked) % 5 == 0:
            exchange.hang_up()
        else:
            exchange.reply(200, {"path": asked.path})

    loopback.answer(answer)

    def ask(number):
        try:
            return number, get(transport, f"things/{number}").json()["path"]
        except WebexError as error:
            return number, None if error.passing else str(error)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(300)))
    assert {path for number, path in answers if path != f"/v1/things/{number}"} <= {None}
    assert sum(path is not None for _, path in answers) > 200


def test_the_transport_costs_little():
    """The card's way is latency-critical: one call with connection kept alive takes a few milliseconds at most."""
    loopback = Loopback()
    transport = HttpTransport(loopback.url, StaticToken(SECRET))
    try:
        get(transport)
        gc.collect()
        started = time.perf_counter()
        for _ in range(50):
            get(transport)
        assert (time.perf_counter() - started) / 50 < 0.05
    finally:
        transport.close()
        loopback.stop()


def test_an_endless_chain_of_causes_ends():
    error = ValueError("x")
    error.__cause__ = error
    assert names_of(error).count("ValueError") == 8
