"""Open a report's file on the download host, with the admin token. ``bot/files/downloader.py`` saves and checks it.

Redirects are followed here and not by requests, because each one is a new decision about the token: once one leads to
a host that isn't Webex's, the rest of the way goes without it, to public addresses only.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot import tracing
from bot.errors import DOWNLOAD, FileRejected, WebexError
from bot.webex.addresses import is_public
from bot.webex.download_hosts import is_named, outside_host, permitted_host, redirected
from bot.webex.http import FIRST_NOT_OK, FOREIGN, no_answer, take_error
from bot.webex.responses import error_from, header, tracking_id
from bot.webex.retry import NO_RETRY
from bot.webex.session import Bearer, Floor, PlainSession, Timeouts, pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from bot.webex.http import Observe, TokenSource
    from bot.webex.public_only import IsPublic
    from bot.webex.retry import RetryPolicy

MAX_REDIRECTS: Final = 5
HEADERS: Final = {"Accept-Encoding": "identity", "Connection": "close"}
"""Compressing a zip again gains nothing; a new connection each time cannot be a stale one."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
TIMEOUTS: Final = Timeouts(body=3600.0, floor=Floor(64 * 1024, 30.0))
"""The link is valid for an hour, in which the largest file comes at 0.6 MB a second. At the slowest permitted rate a
file of 100 MB, which goes into one message, takes 27 minutes, and a host that drips is known after 30 seconds."""
CHUNK: Final = 256 * 1024


class Download:
    """The body of a successful answer."""

    def __init__(self, response: requests.Response, timeouts: Timeouts) -> None:
        self._response = response
        self._timeouts = timeouts

    @property
    def size(self) -> int:
        """Return the bytes that will come; 0 when that is not said, or when they come compressed."""
        if header(self._response.headers, "Content-Encoding").lower() not in {"", "identity"}:
            return 0
        said = header(self._response.headers, "Content-Length")
        return int(said) if said.isascii() and said.isdigit() else 0

    @property
    def shows_its_end(self) -> bool:
        """Return True when a body that breaks off is noticed: its length is announced, or it comes in chunks."""
        return any(header(self._response.headers, name) for name in ("Content-Length", "Transfer-Encoding"))

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, decompressed where the host compressed it.

        Raises ``WebexError`` when it ends before its length, or comes too slowly.
        """
        try:
            yield from pieces_of(self._response, self._timeouts.body, floor=self._timeouts.floor, size=CHUNK)
        except FOREIGN as exc:
            failure = no_answer(DOWNLOAD, exc)  # not chained: its text would hold the link
        else:
            return
        raise failure


class DownloadClient:
    """The download host, with the admin token. Threads may share it."""

    def __init__(
        self,
        token: TokenSource,
        hosts: Sequence[str],
        *,
        timeouts: Timeouts = TIMEOUTS,
        observe: Observe | None = None,
        retries: RetryPolicy = NO_RETRY,
        public: IsPublic = is_public,
    ) -> None:
        self._token = token
        self._hosts = tuple(hosts)
        self._timeouts = timeouts
        self._observe = observe
        self._retries = retries
        self._session = PlainSession(timeouts)
        self._outside = PlainSession(timeouts, public=public)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()
        self._outside.close()

    @contextmanager
    def open(self, url: str) -> Iterator[Download]:
        """Ask for the file at ``url``, follow redirects, and give the body of a success.

        Raises ``FileRejected`` for an address that must not be asked, and ``WebexError`` for the host's errors.
        """
        with self._retries.call(lambda: self._answer(url), reads=True) as response:
            yield Download(response, self._timeouts)

    def _answer(self, url: str) -> requests.Response:
        token = self._token.current()
        response, outside = self._follow(url, token)
        if response.status_code == HTTPStatus.UNAUTHORIZED and not outside:
            fresh = self._token.renew(token)
            if fresh != token:
                response.close()
                token = fresh
                response, outside = self._follow(url, token)
        if response.status_code < FIRST_NOT_OK:
            return response
        with response:
            if outside:
                raise _error_of(outside, response)
            take_error(response)
            raise error_from(DOWNLOAD, response.status_code, response.headers, response.content, secrets=(token,))

    def _follow(self, url: str, token: str) -> tuple[requests.Response, str]:
        """Return the last answer of the chain, and the host that gave it when it was asked without the token."""
        outside = ""
        for hop in range(MAX_REDIRECTS + 1):
            if not outside and (hop == 0 or is_named(url, self._hosts)):
                permitted_host(url, self._hosts)
                response = self._get(url, token)
            else:
                outside = outside_host(url)
                response = self._get_outside(url, outside)
            location = header(response.headers, "Location")
            if response.status_code not in REDIRECTS or not location:
                return response, outside
            response.close()
            url = redirected(url, location)
        raise FileRejected("The report's download link redirects in circles, so I didn't download the file.")

    def _get(self, url: str, token: str) -> requests.Response:
        started = time.monotonic()
        status: int | None = None
        try:
            response = self._session.get(url, auth=Bearer(token), headers=HEADERS, stream=True)
            status = response.status_code
            tracing.answered(tracking_id(response.headers))
        except FOREIGN as exc:
            failure = no_answer(DOWNLOAD, exc)  # not chained: its text would hold the link
        else:
            return response
        finally:
            if self._observe:
                self._observe("GET", "download", status, time.monotonic() - started)
        raise failure

    def _get_outside(self, url: str, host: str) -> requests.Response:
        """Ask a host that isn't Webex's, which is therefore not counted among Webex's calls."""
        try:
            return self._outside.get(url, auth=Bearer(), headers=HEADERS, stream=True)
        except FOREIGN as exc:
            failure = no_answer(DOWNLOAD, exc)
        failure.sentence = f"“{host}”, where Webex's download link leads, didn't respond."
        raise failure


def _error_of(host: str, response: requests.Response) -> WebexError:
    """Return what a host that isn't Webex's answered. Its words are not Webex's, and it knows nothing of our token."""
    waits = {"Retry-After": header(response.headers, "Retry-After")}
    error = error_from(DOWNLOAD, response.status_code, waits, b"")
    error.sentence = f"“{host}”, where Webex's download link leads, returned an error ({response.status_code})."
    return error
