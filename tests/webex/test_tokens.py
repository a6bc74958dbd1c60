"""The admin token: renewed in time, once for all, and never shown."""

from __future__ import annotations

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import DatabaseUnavailable, WebexError
from bot.webex.client import Client
from bot.webex.tokens import RefreshableToken, StaticToken, TokenState
from tests.webex.loopback import ALL_ERRORS
from tests.webex.memory_token_store import MemoryTokenStore

SECRETS = ("client-secret-0123456789", "refresh-token-0123456789", "access-token-0123456789")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return MemoryTokenStore()


@pytest.fixture
def scripted(loopback, closed, store, clock):
    """Makes token sources that ask the scripted server; all share one store, as processes do."""

    def make(refresh_token=SECRETS[1], store=store):
        return closed(RefreshableToken("client", SECRETS[0], refresh_token, loopback.url, store, clock=clock))

    return make


def gives(loopback, expires_in=1000, **more) -> None:
    """Each refresh gives access-1, access-2 … and rotates to refresh-1, refresh-2 …"""

    def answer(exchange, asked):
        number = len(loopback.asked)
        exchange.reply(
            200,
            {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": expires_in} | more,
        )

    loopback.answer(answer)


def refused(source) -> WebexError:
    with pytest.raises(WebexError) as caught:
        source.current()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__) + repr(source)
    for secret in SECRETS:
        assert secret not in shown
    return caught.value


def test_a_static_token_stays_as_it_is_and_is_not_shown():
    token = StaticToken(SECRETS[2])
    assert (token.current(), token.renew(SECRETS[2])) == (SECRETS[2], SECRETS[2])
    assert SECRETS[2] not in repr(token)


def test_the_first_use_refreshes_and_the_next_ones_do_not(loopback, scripted):
    gives(loopback)
    source = scripted()
    assert [source.current() for _ in range(3)] == ["access-1"] * 3
    assert len(loopback.asked) == 1
    asked = loopback.asked[0]
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.body.decode() == (
        f"grant_type=refresh_token&client_id=client&client_secret={SECRETS[0]}&refresh_token={SECRETS[1]}"
    )
    assert "Authorization" not in asked.headers


def test_it_is_refreshed_before_it_lapses_with_the_rotated_refresh_token(loopback, scripted, clock):
    gives(loopback, expires_in="1000")
    source = scripted()
    source.current()
    clock.now += 899
    assert source.current() == "access-1"
    clock.now += 2
    assert source.current() == "access-2"
    assert b"refresh_token=refresh-1" in loopback.asked[1].body


def test_a_long_life_is_renewed_an_hour_before_its_end(loopback, scripted, clock):
    gives(loopback, expires_in=14 * 86400)
    source = scripted()
    source.current()
    clock.now += 14 * 86400 - 3601
    assert source.current() == "access-1"
    clock.now += 2
    assert source.current() == "access-2"


@pytest.mark.parametrize("expires_in", [None, "soon", -5, 0, True])
def test_a_life_that_webex_does_not_tell_is_an_hour_or_nothing(loopback, scripted, clock, expires_in):
    gives(loopback, expires_in=expires_in)
    assert scripted().current() == "access-1"


def test_another_process_uses_what_was_kept(loopback, scripted):
    gives(loopback)
    assert scripted().current() == scripted().current() == "access-1"
    assert len(loopback.asked) == 1


def test_a_refused_token_is_renewed_once_for_all_threads(loopback, scripted):
    gives(loopback)
    source = scripted()
    stale = source.current()
    barrier = threading.Barrier(16)

    def renew(_):
        barrier.wait(5)
        return source.renew(stale)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(renew, range(16))) == {"access-2"}
    assert len(loopback.asked) == 2


def test_a_token_that_another_process_renewed_is_not_renewed_again(loopback, scripted):
    gives(loopback)
    one, other = scripted(), scripted()
    stale = one.current()
    assert other.current() == stale
    assert one.renew(stale) == "access-2"
    assert other.renew(stale) == "access-2"
    assert len(loopback.asked) == 2


def test_a_new_refresh_token_in_the_settings_makes_the_kept_state_void(loopback, scripted):
    gives(loopback)
    scripted().current()
    assert scripted(refresh_token="another").current() == "access-2"
    assert b"refresh_token=another" in loopback.asked[1].body


def test_when_the_kept_refresh_token_is_dead_that_of_the_settings_is_tried(loopback, scripted, clock):
    gives(loopback)
    source = scripted()
    source.current()
    clock.now += 2000

    def answer(exchange, asked):
        if SECRETS[1].encode() in asked.body:
            exchange.reply(200, {"access_token": "again", "expires_in": 100})
        else:
            exchange.reply(400, {"message": f"bad {SECRETS[1]}"})

    loopback.answer(answer)
    assert source.current() == "again"


def test_a_dead_refresh_token_is_said_clearly_and_not_asked_again_at_once(loopback, scripted, clock):
    loopback.always(401, {"message": "invalid refresh token"}, {"trackingId": "T_1"})
    source = scripted()
    error = refused(source)
    assert (error.status, error.passing, error.tracking_id) == (401, False, "T_1")
    assert "the people who run this bot must renew it" in error.sentence
    assert "refresh token" in error.message
    again = refused(source)
    assert (again.status, again is error) == (401, False)
    assert len(loopback.asked) == 1
    clock.now += 31
    gives(loopback)
    assert source.current() == "access-2"


@pytest.mark.parametrize("status", ALL_ERRORS)
def test_every_status_is_an_error_that_passes_or_is_a_dead_token(loopback, scripted, status):
    loopback.always(status, {"message": " ".join(SECRETS[:2])})
    error = refused(scripted())
    assert error.status == (401 if status in {400, 401, 403} else status)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"expires_in":5}', b'{"access_token":5}'])
def test_an_answer_without_a_token_is_an_error_that_passes(loopback, scripted, body):
    loopback.always(200, body)
    error = refused(scripted())
    assert (error.status, error.passing) == (None, True)


def test_while_webex_has_trouble_a_token_that_has_not_lapsed_goes_on(loopback, scripted, clock):
    gives(loopback)
    source = scripted()
    source.current()
    clock.now += 950
    loopback.always(503)
    assert [source.current() for _ in range(5)] == ["access-1"] * 5
    assert len(loopback.asked) == 2
    clock.now += 51
    assert refused(source).status == 503


def test_a_refused_token_is_never_given_again_while_webex_has_trouble(loopback, scripted):
    gives(loopback)
    source = scripted()
    stale = source.current()
    loopback.always(503)
    with pytest.raises(WebexError) as caught:
        source.renew(stale)
    assert caught.value.status == 503


def test_a_rotated_token_is_saved_before_it_is_used_and_not_lost_when_that_fails(loopback, scripted):
    class Failing(MemoryTokenStore):
        broken = True

        def save(self, state: TokenState) -> None:
            if self.broken:
                raise DatabaseUnavailable(OSError("away"))
            super().save(state)

    keep = Failing()
    gives(loopback)
    source = scripted(store=keep)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            source.current()
    keep.broken = False
    assert source.current() == "access-1"
    kept = keep.load()
    assert kept
    assert kept.refresh_token == "refresh-1"
    assert "refresh-1" not in repr(kept)
    assert "access-1" not in repr(kept)
    assert len(loopback.asked) == 1


def test_what_could_not_be_kept_is_kept_at_the_end(loopback, scripted, clock):
    gives(loopback)

    class Away(MemoryTokenStore):
        away = True

        def save(self, state):
            if self.away:
                raise DatabaseUnavailable(OSError("locked"))
            super().save(state)

    keep = Away()
    source = scripted(store=keep)
    with pytest.raises(DatabaseUnavailable):
        source.current()
    assert keep.load() is None

    keep.away = False
    source.flush()

    kept = keep.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1"


def test_with_the_emulator_a_token_that_is_expired_there_is_renewed_within_the_call(live, closed):
    """Rotating refresh tokens: each works once."""
    world = live.emulator.world
    given = world.add_refreshable(live.ada)
    source = closed(
        RefreshableToken(
            given.client_id, given.client_secret, given.refresh_token, live.emulator.api_url, MemoryTokenStore()
        )
    )
    client = closed(Client(live.emulator.api_url, source))
    for _ in range(3):
        assert client.call("GET", "people/me").json["id"] == live.ada.id
        world.expire_token(source.current())
    assert client.call("GET", "people/me").json["id"] == live.ada.id
    assert len(live.emulator.calls.calls_to("POST", "/v1/access_token")) == 4
