"""Share list calls among those who want the same list at the same time, so that many programs cost few calls.

Webex allows a token some three hundred calls a minute, for people and programs together. What each is given was asked
for after it asked, so it is never older than it would have been alone.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.webex.report import Report


class SharedLists:
    """Lists by family, region and sub-partner organization, asked for by several threads."""

    def __init__(self) -> None:
        self._asking = {family: threading.Lock() for family in Family}
        self._lock = threading.Lock()
        self._next: dict[tuple[Family, str, str], Future[Sequence[Report]]] = {}
        """Calls that have not begun: they wait for the one before to end."""

    def get(
        self, family: Family, region: str | None, on_behalf_of: str | None, ask: Callable[[], Sequence[Report]]
    ) -> Sequence[Report]:
        """Ask, or share the next call with those who wait for it already; raise what it raises."""
        key = family, region or "", on_behalf_of or ""
        with self._lock:
            leads = key not in self._next
            call = self._next.setdefault(key, Future())
        if leads:
            with self._asking[family]:
                with self._lock:
                    del self._next[key]  # it begins: who comes from now on needs the one after
                try:
                    call.set_result(ask())
                except BaseException as error:  # noqa: BLE001 it is raised to each of them
                    call.set_exception(error)
        return call.result()
