"""The one way over which every call goes to the Webex API: the SDK's, ours, uploads.

What it settles once for all of them: the token goes only to the API's own address and no redirect or ``.netrc`` can
change that; a connection is kept alive and shared by all threads; time-outs; a refused token is renewed once; one 429
slows every thread; and whatever goes wrong comes out as a ``WebexError``. What may
go well a moment later is tried again there and then (``retry.py``); for the rest no thread sleeps: the queue retries.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import requests
import urllib3

from bot import tracing
from bot.errors import ADMIN_TOKEN, DOWNLOAD, TOO_SLOW, WebexError
from bot.webex.addresses import is_loopback
from bot.webex.causes import chain_of, explain
from bot.webex.responses import error_from, names_of, origin, template, too_large, tracking_id
from bot.webex.retry import NO_RETRY
from bot.webex.session import DEFAULT_TIMEOUTS, Bearer, PlainSession, Timeouts, TooSlowError, take_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.webex.retry import RetryPolicy

    Observe = Callable[[str, str, int | None, float], None]
    """Told of each call: method, path without ids, status (None: no answer), seconds."""

LONGEST_PAUSE: Final = 60.0
"""Seconds for which one 429 may hold back all calls; the call that was refused waits as long as Webex says."""
UNTOLD_PAUSE: Final = 0.2
"""Seconds for which a 429 holds back all calls that does not say how long, or says it so that nobody can read it. Each
job waits longer by itself, so this only keeps the others from running into the same."""
SPREAD: Final = 0.25
"""By how much of its wait, at most, a call comes back later than it must."""
LARGEST_ANSWER: Final = 5_000_000
"""Bytes of an answer, unpacked. A page of 1,000 members or spaces has 0.6 million; 50 messages as long as Webex takes
them, of nothing but quotation marks, have 3.8 million. As Python's objects one byte of JSON becomes 48 bytes at worst
(``[[[…]],[[[…``, measured): 240 MB."""
FIRST_NOT_OK: Final = HTTPStatus.MULTIPLE_CHOICES
"""Redirects count as errors: the API has none, and they could carry the token away."""
LARGEST_ERROR: Final = 16 * 1024
"""Bytes of an error that are read."""
ERROR_SECONDS: Final = 5.0
"""For what an error has to say, once its status is known."""

FOREIGN = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
"""What requests and the layers beneath it raise, also for headers and addresses that cannot be sent."""

NOT_CONNECTED = (
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    ssl.SSLCertVerificationError,
)
UNSENDABLE = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidJSONError,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    urllib3.exceptions.LocationValueError,
    UnicodeEncodeError,
)


class TokenSource(Protocol):
    """Where the bearer token comes from. Both calls may raise ``WebexError`` or ``DatabaseUnavailable``."""

    def current(self) -> str:
        """Return the token to use now."""
        ...

    def renew(self, stale: str) -> str:
        """Return a newer token than ``stale``, which Webex refused, or ``stale`` when there is none."""
        ...


class RateLimitGate:
    """After a 429 it refuses calls here until Webex wants to hear from us again. Shared by threads.

    ``chance`` (0…1) spreads what is told to wait, so that not everyone comes back in the same instant.
    ``observe`` is told of the seconds for which it is closed, each second once.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        observe: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._observe = observe
        self._until = 0.0
        self._lock = threading.Lock()

    def check(self, call: str) -> None:
        """Raise the same ``WebexError`` that Webex would, while the gate is closed."""
        rest = self._until - self._clock()
        if rest > 0:
            wait = self.spread(rest)
            raise WebexError(
                call, HTTPStatus.TOO_MANY_REQUESTS, message="held back after a 429", retry_after=wait, reached=False
            )

    def pause(self, seconds: float | None) -> None:
        """Close for so long from now, or longer if it is closed already; None: Webex has not told how long."""
        held = UNTOLD_PAUSE if seconds is None else min(seconds, LONGEST_PAUSE)
        with self._lock:
            now = self._clock()
            more = now + held - max(self._until, now)
            self._until = max(self._until, now + held)
        if more > 0:
            self._observe(more)

    def spread(self, seconds: float) -> float:
        """Return so many seconds, or a few more."""
        return seconds * (1.0 + SPREAD * self._chance())


class HttpTransport:
    """Send requests to one API. ``request`` has the shape that the SDK expects of a session."""

    def __init__(
        self,
        base_url: str,
        token: TokenSource | None,
        *,
        whose: str = ADMIN_TOKEN,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        observe: Observe | None = None,
        gate: RateLimitGate | None = None,
        retries: RetryPolicy = NO_RETRY,
    ) -> None:
        self._whose = whose
        self.retries = retries
        self._origin = origin(base_url)
        scheme, host, _ = self._origin
        if scheme != "https" and not (scheme == "http" and is_loopback(host)):
            raise ValueError("the Webex API is only reached over https")
        self.base_url = base_url.rstrip("/") + "/"
        self._token = token
        self._observe = observe
        self.gate = gate or RateLimitGate()
        self._longest = timeouts.body
        self._session = PlainSession(timeouts)

    def close(self) -> None:
        """Close idle connections; they come back when needed."""
        self._session.close()

    def request(
        self,
        method: str,
        url: str,
        **options: Any,
    ) -> requests.Response:
        """Send one request and give its whole answer, a success. Raises ``WebexError`` for everything else.

        ``options`` are those of requests. ``url`` must be on the API's own host.
        """
        call = f"{method} {self._checked(method, url)}"
        if hasattr(options.get("data"), "read"):
            return self._once(call, url, options)  # what was read of it can only be sent again by who can rewind it
        return self.retries.call(lambda: self._once(call, url, options), reads=method == "GET")

    def _once(self, call: str, url: str, options: dict[str, Any]) -> requests.Response:
        self.gate.check(call)
        token = self._token.current() if self._token else ""
        response = self._send(call, url, token, options)
        if response.status_code == HTTPStatus.UNAUTHORIZED and self._token and not hasattr(options.get("data"), "read"):
            fresh = self._token.renew(token)
            if fresh != token:
                token = fresh
                response = self._send(call, url, token, options)
        if response.status_code < FIRST_NOT_OK:
            response.encoding = "utf-8"  # it is JSON; to guess at a large body would take long
            return response
        error = error_from(
            call, response.status_code, response.headers, response.content, secrets=(token,), whose=self._whose
        )
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self.gate.pause(error.retry_after)
            error.retry_after = None if error.retry_after is None else self.gate.spread(error.retry_after)
        raise error

    def _checked(self, method: str, url: str) -> str:
        try:
            path = urlsplit(url).path
            ours = origin(url) == self._origin
        except ValueError:
            path, ours = "(an unfit address)", False
        if not ours:
            raise WebexError(f"{method} {path}", None, message="not Webex's address", reached=False, passing=False)
        return path

    def _send(self, call: str, url: str, token: str, options: dict[str, Any]) -> requests.Response:
        method, path = call.split(" ", 1)
        first = True
        while True:
            started = time.monotonic()
            status: int | None = None
            try:
                response = self._session.request(method, url, auth=Bearer(token), stream=True, **options)
                status = response.status_code
                tracing.answered(tracking_id(response.headers))
                if status >= FIRST_NOT_OK:
                    take_error(response)
                elif not take_body(response, LARGEST_ANSWER, self._longest):
                    raise too_large(call)
            except FOREIGN as exc:
                # Not chained: the text of foreign errors holds the address with its query, or even the header.
                failure = no_answer(call, exc)
                again = first and method == "GET" and _hung_up(exc)
            else:
                return response
            finally:
                if self._observe:
                    self._observe(method, template(path), status, time.monotonic() - started)
            if not again:
                raise failure
            # The peer may close an idle connection in the moment we use it. The others are as old: let go of all.
            first = False
            self._session.close()


def take_error(response: requests.Response) -> None:
    """Read what an error says, so that ``content`` has it: as far as it comes soon, because its status says most."""
    with suppress(*FOREIGN):
        take_body(response, LARGEST_ERROR, ERROR_SECONDS)


def no_answer(call: str, exc: BaseException) -> WebexError:
    """Translate an error beneath HTTP: was Webex reached?"""
    reached = None
    if call == DOWNLOAD and _among_causes(exc, TooSlowError):
        return WebexError(call, None, message=TOO_SLOW, reached=True)
    if isinstance(exc, NOT_CONNECTED + UNSENDABLE) or _among_causes(exc, *NOT_CONNECTED):
        reached = False
    elif isinstance(exc, urllib3.exceptions.ProtocolError | urllib3.exceptions.DecodeError):
        reached = True if call.startswith("GET ") else None  # a truncated answer
    cause = explain(exc)
    return WebexError(call, None, message=names_of(exc), reached=reached, advice=cause.sentence if cause else "")


def _hung_up(exc: BaseException) -> bool:
    return isinstance(exc, requests.ConnectionError) and _among_causes(
        exc, ConnectionResetError, ConnectionAbortedError, BrokenPipeError
    )


def _among_causes(exc: BaseException, *kinds: type[BaseException]) -> bool:
    return any(isinstance(one, kinds) for one in chain_of(exc))
