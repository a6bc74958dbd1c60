"""Serve the API and the incoming hooks beside the webhook, from the first call on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication

PATHS: Final = ("/api/", "/hooks/")


class Mounted:
    """A WSGI app that gives the API what is beneath ``/api`` and ``/hooks``, and the rest to another.

    ``make`` returns the API; it is called once, at the first call. When ``public_url`` has a path, the API is served
    beneath that too: a proxy may take the path away or leave it. ``webhook_path`` is the other's, at any address.
    """

    def __init__(
        self,
        make: Callable[[], WSGIApplication],
        other: WSGIApplication,
        public_url: str | None,
        webhook_path: str = "",
    ) -> None:
        self._make = make
        self._other = other
        # As WSGI has paths. The longer comes first, since it may itself begin with /api.
        self._before = tuple(dict.fromkeys((unquote(urlsplit(public_url or "").path, encoding="latin-1"), "")))
        self._others = {f"{before}{webhook_path}" for before in self._before if webhook_path}
        self._lock = threading.Lock()
        self._api: WSGIApplication | None = None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call."""
        path = environ.get("PATH_INFO", "")
        for before in self._before if path not in self._others else ():
            rest = path.removeprefix(before)
            if path.startswith(before) and f"{rest}/".startswith(PATHS):
                # Also where a proxy has taken it away: what callers are told to call lies beneath it.
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._before[0]
                environ["PATH_INFO"] = rest
                return self._loaded()(environ, start_response)
        return self._other(environ, start_response)

    def _loaded(self) -> WSGIApplication:
        if self._api is None:
            with self._lock:
                self._api = self._api or self._make()
        return self._api
