"""The bearer tokens: one that stays as it is, and one that is refreshed in time, once for all threads and processes.

An access token of a Service App or an integration lasts 14 days, its refresh token 90, and each refresh may bring a new
refresh token. Two processes that refresh at once could lock each other out, so a store that all of them share holds
the lock and the newest state; the state is saved before it is used.

Source: Webex's "Integrations & Authorization" and "Service Apps" pages (``POST /access_token``).
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from bot.errors import WebexError
from bot.webex.causes import explain_renewal
from bot.webex.client import Client
from bot.webex.json_fields import read_number
from bot.webex.responses import cleaned

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from bot.webex.http import Observe

MARGIN_SHARE: Final = 0.1
MOST_MARGIN: Final = 3600.0
"""A token is renewed when a tenth of its life is left, or an hour."""
DEFAULT_LIFETIME: Final = 3600.0
"""Seconds, when Webex does not say how long a token lasts."""
PAUSE_AFTER_FAILURE: Final = 30.0
"""Seconds in which a failed refresh is not tried again, so that many threads do not hammer Webex with a dead token."""
CALL: Final = "POST access_token"
DEAD: Final = frozenset({400, 401, 403})
"""How Webex refuses a refresh token or the client's secret."""


@dataclass(frozen=True, slots=True)
class TokenState:
    """What is kept between runs. Times are seconds since 1970."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    renew_at: float
    seed: str
    """Fingerprint of the refresh token in the settings from which this came: a new one there makes this state void."""
    refresh_ends_at: float | None = None
    """When the refresh token ends, if Webex said so; states that were kept by earlier versions do not know."""


class TokenStore(Protocol):
    """Keep the state for all processes. Its calls may raise ``DatabaseUnavailable``."""

    def load(self) -> TokenState | None:
        """Return the newest state, if any."""
        ...

    def save(self, state: TokenState) -> None:
        """Keep a state; it is durable when this returns."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold the lock that only one process has; for up to 35 seconds."""
        ...


class StaticToken:
    """A token that cannot be renewed: the bot's, or a personal one."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "StaticToken(…)"

    def current(self) -> str:
        """Return the token."""
        return self._value

    def renew(self, stale: str) -> str:
        """Return the same token: there is no newer one."""
        return stale


class RefreshableToken:
    """An access token that is renewed before it lapses, and when Webex refuses it."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        base_url: str,
        store: TokenStore,
        *,
        observe: Observe | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._first_refresh_token = refresh_token
        self._seed = hashlib.sha256(f"{client_id}\n{refresh_token}".encode()).hexdigest()
        self._store = store
        self._clock = clock
        self._client = Client(base_url, None, observe=observe)
        self._turn = threading.Lock()
        self._state: TokenState | None = None
        self._unsaved: TokenState | None = None
        self._failure: WebexError | None = None
        self._pause_until = 0.0

    def __repr__(self) -> str:
        return "RefreshableToken(…)"

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()

    def flush(self) -> None:
        """Keep, at the end, what a refresh brought and could not be kept before. Raises ``DatabaseUnavailable``."""
        with self._turn:
            if self._unsaved is not None:
                with self._store.lock():
                    self._latest()

    def current(self) -> str:
        """Return a token that is valid, refreshing it when it is about to lapse.

        Raises ``WebexError``: 401 when the refresh token is dead, otherwise one that passes.
        """
        state = self._state
        if state is not None and self._clock() < state.renew_at:
            return state.access_token
        return self._newer(lambda found: self._clock() < found.renew_at)

    def renew(self, stale: str) -> str:
        """Return, since Webex refused ``stale``, the token that another thread or process has got since, or refresh."""
        return self._newer(lambda found: found.access_token != stale and self._clock() < found.expires_at, stale)

    def refused(self) -> bool:
        """Return True when Webex refused the last refresh for good; the access token may go on for a while."""
        failure = self._failure
        return failure is not None and failure.status == HTTPStatus.UNAUTHORIZED

    def refusal(self) -> str:
        """Return why Webex refused the last refresh, with the remedy; empty when it did not."""
        failure = self._failure
        return failure.advice if failure is not None and failure.status == HTTPStatus.UNAUTHORIZED else ""

    def refresh_ends_at(self) -> float | None:
        """Return when the newest refresh token ends, in seconds since 1970; None when Webex did not say."""
        state = self._store.load()  # another process may have refreshed since
        return state.refresh_ends_at if state is not None and state.seed == self._seed else None

    def _newer(self, good: Callable[[TokenState], bool], stale: str = "") -> str:
        with self._turn:
            if self._state is not None and self._unsaved is None and good(self._state):
                return self._state.access_token
            with self._store.lock():
                state = self._latest()
                if state is None or not good(state):
                    state = self._refreshed(state, stale)
                self._state = state
                return state.access_token

    def _latest(self) -> TokenState | None:
        if self._unsaved is not None:
            # A refresh worked, but could not be kept. It is the newest there is: the old refresh token may be void.
            self._store.save(self._unsaved)
            self._state, self._unsaved = self._unsaved, None
            return self._state
        found = self._store.load()
        return found if found is not None and found.seed == self._seed else None

    def _refreshed(self, old: TokenState | None, stale: str) -> TokenState:
        """Refresh. While Webex has trouble, a token that has not expired and was not refused stays in use."""
        usable = old is not None and old.access_token != stale and self._clock() < old.expires_at
        if self._failure is None or self._clock() >= self._pause_until:
            try:
                return self._refresh(old)
            except WebexError as failure:
                self._failure, self._pause_until = failure, self._clock() + PAUSE_AFTER_FAILURE
        if old is not None and usable:
            return old
        raise again(self._failure)

    def _refresh(self, old: TokenState | None) -> TokenState:
        candidates = [self._first_refresh_token]
        if old is not None and old.refresh_token not in candidates:
            candidates.insert(0, old.refresh_token)
        for number, refresh_token in enumerate(candidates, start=1):
            try:
                answer = self._ask(refresh_token)
            except WebexError as error:
                if error.status not in DEAD:
                    raise
                if number < len(candidates):
                    continue
                message = "the refresh token or the client's secret is refused"
                advice = explain_renewal(error.status, error.message)
                raise WebexError(
                    CALL, HTTPStatus.UNAUTHORIZED, message=message, tracking_id=error.tracking_id, advice=advice
                ) from error
            state = self._state_from(answer, refresh_token, old)
            self._failure = None
            self._unsaved = state
            self._store.save(state)
            self._unsaved = None
            return state
        raise AssertionError("there is always one candidate")

    def _ask(self, refresh_token: str) -> Any:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "refresh_token": refresh_token,
        }
        try:
            return self._client.call("POST", "access_token", data=form).json
        except WebexError as error:
            # Here the secrets are in the body, and a message may repeat them.
            secrets = (self._client_secret, refresh_token)
            if any(secret in error.tracking_id for secret in secrets):
                error.tracking_id = ""
            failure = again(error, cleaned(error.message, secrets))
        raise failure

    def _state_from(self, answer: Any, used: str, old: TokenState | None) -> TokenState:
        given = answer if isinstance(answer, dict) else {}
        access, refresh = given.get("access_token"), given.get("refresh_token")
        if not isinstance(access, str) or not access:
            raise WebexError(CALL, None, message="the answer holds no token", reached=None)
        lifetime = max(read_number(given.get("expires_in")) or DEFAULT_LIFETIME, 0.0)
        now = self._clock()
        kept = refresh if isinstance(refresh, str) and refresh else used
        refresh_lifetime = read_number(given.get("refresh_token_expires_in"))
        if refresh_lifetime is not None:
            refresh_ends_at: float | None = now + max(refresh_lifetime, 0.0)
        else:
            refresh_ends_at = old.refresh_ends_at if old is not None and old.refresh_token == kept else None
        return TokenState(
            access_token=access,
            refresh_token=kept,
            expires_at=now + lifetime,
            renew_at=now + lifetime - min(lifetime * MARGIN_SHARE, MOST_MARGIN),
            seed=self._seed,
            refresh_ends_at=refresh_ends_at,
        )


def again(failure: WebexError | None, message: str | None = None) -> WebexError:
    """Return the same error (one exception object must not be raised in many threads), perhaps with another message."""
    if failure is None:
        return WebexError(CALL, None, message="no token", reached=False)
    return WebexError(
        failure.call,
        failure.status,
        message=failure.message if message is None else message,
        tracking_id=failure.tracking_id,
        retry_after=failure.retry_after,
        reached=failure.reached,
        passing=failure.passing,
        advice=failure.advice,
    )
