"""JSON calls to the Webex API that the SDK does not know: reports, roles, and what else comes in pages.

Ids are checked before they become part of a path, pages are followed on the API's own host only, and a broken body is
an error like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin

from bot.errors import WebexError
from bot.webex.http import HttpTransport, RateLimitGate
from bot.webex.responses import endless, json_of, next_page, tracking_id
from bot.webex.retry import NO_RETRY
from bot.webex.session import DEFAULT_TIMEOUTS, Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.webex.http import Observe, TokenSource
    from bot.webex.retry import RetryPolicy

MOST_PAGES: Final = 100
"""A listing longer than this is an error, not a shorter list: what is missing from it could matter."""

_SEGMENT = re.compile(r"[A-Za-z0-9_=.-]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its status, its body as JSON (None when it has none), its headers, Webex's tracking id."""

    status: int
    json: Any
    headers: Mapping[str, str]
    tracking_id: str


def segment(an_id: str) -> str:
    """Return an id unchanged when it is safe as one piece of a path.

    Raises ``WebexError`` 404 otherwise, without asking Webex: it gave no such id, and asking could reach another path.
    """
    if not _SEGMENT.fullmatch(an_id) or not an_id.strip("."):
        raise WebexError("GET (an unfit id)", HTTPStatus.NOT_FOUND, message="not an id", reached=False)
    return an_id


class Client:
    """The API under ``base_url`` with one token. All methods may be called from many threads."""

    def __init__(
        self,
        base_url: str,
        token: TokenSource | None,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        observe: Observe | None = None,
        gate: RateLimitGate | None = None,
        retries: RetryPolicy = NO_RETRY,
    ) -> None:
        self._transport = HttpTransport(base_url, token, timeouts=timeouts, observe=observe, gate=gate, retries=retries)

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call. ``path`` is relative to the base (``reports/ID``), or to the host when it begins with ``/``.

        Every piece of ``path`` is checked. Raises ``WebexError`` for whatever is not a success with a readable body.
        """
        for piece in path.removeprefix("/").split("/"):
            segment(piece)
        url = urljoin(self._transport.base_url, path)
        return self._answer(method, url, params=params, json=json, data=data)

    def pages(self, path: str, params: Mapping[str, str] | None = None, *, most: int = MOST_PAGES) -> Iterator[Answer]:
        """Yield each page of a listing. An empty page does not end it; only a missing ``Link`` to the next one does.

        Each page is asked for with all of ``params``: what a filter leaves out never comes in by a later page.
        Raises ``WebexError`` when a page fails, when the link leads to another host or to a page that was asked for
        already, and after ``most`` pages.
        """
        answer = self.call("GET", path, params=params)
        yield answer
        first = urljoin(self._transport.base_url, path)
        asked = {f"{first}?{urlencode(params)}" if params else first}
        while (url := next_page(first, answer.headers, params)) is not None:
            if url in asked or len(asked) == most:
                raise endless(f"GET {path}", circles=url in asked)
            asked.add(url)
            answer = self._answer("GET", url)
            yield answer

    def _answer(self, method: str, url: str, **options: Any) -> Answer:
        response = self._transport.request(method, url, **options)
        body: Any = None
        if response.content or (method == "GET" and response.status_code != HTTPStatus.NO_CONTENT):
            body = json_of(method, url, response.content)
        return Answer(response.status_code, body, response.headers, tracking_id(response.headers))
