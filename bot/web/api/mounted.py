"""Serve the API beside the webhook, from the first call on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication

PATH: Final = "/api"


class Mounted:
    """A WSGI app that gives the API what is beneath ``/api`` and the rest to another.

    ``make`` returns the API; it is called once, at the first call. When ``public_url`` has a path, the API is served
    beneath that too: a proxy may take the path away or leave it.
    """

    def __init__(self, make: Callable[[], WSGIApplication], other: WSGIApplication, public_url: str | None) -> None:
        self._make = make
        self._other = other
        self._beneath = tuple(dict.fromkeys((PATH, unquote(urlsplit(public_url or "").path) + PATH)))
        self._lock = threading.Lock()
        self._api: WSGIApplication | None = None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call."""
        path = environ.get("PATH_INFO", "")
        for one in self._beneath:
            if path == one or path.startswith(f"{one}/"):
                before = one.removesuffix(PATH)
                environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + before
                environ["PATH_INFO"] = path.removeprefix(before)
                return self._loaded()(environ, start_response)
        return self._other(environ, start_response)

    def _loaded(self) -> WSGIApplication:
        if self._api is None:
            with self._lock:
                self._api = self._api or self._make()
        return self._api
