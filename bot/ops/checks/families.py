"""Checks for the operators whether the admin token may read each family of reports that is served.

A scope or a role that is missing is found by the first person who asks, who can do nothing about it. So each family is
asked for its list at the start and when nothing was heard of it for ten minutes; in between, the calls that are made
anyway tell.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from bot.db import key_values
from bot.errors import WebexError
from bot.ops.alerts import Check, NotKnown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bot.manifest import Scope

FORBIDDEN: Final = 403
FIRST_ERROR: Final = 300
LOOK_EVERY: Final = 600.0
"""Seconds for which what was heard of a family is believed."""


def needs(family: str, scopes: Iterable[Scope]) -> str:
    """Say which scopes a family needs, and who can give them."""
    wanted = [one for one in scopes if one.family == family]
    roles = " / ".join(sorted({one.role for one in wanted}))
    return f"{' and '.join(one.scope for one in wanted)}, given by: {roles}"


class FamilyAccess:
    """Whether one family's reports may be read. ``ask`` makes one call that is observed too."""

    def __init__(
        self,
        family: str,
        scopes: Iterable[Scope],
        ask: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._family = family
        self._needs = needs(family, scopes)
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._refused: bool | None = None
        self._until = float("-inf")

    def observed(self, method: str, path: str, status: int | None, _seconds: float) -> None:
        """Be told of each call with the admin token. One that contradicts what is believed makes it be asked anew.

        A 403 about one report need not be about all, so only the list decides that they are refused.
        """
        if method != "GET" or "/report" not in path or ("/partner/" in path) != (self._family == "partner"):
            return
        with self._lock:
            if status is None or (status >= FIRST_ERROR and status != FORBIDDEN):
                return
            if status == FORBIDDEN and path.endswith("/reports"):
                self._believe(refused=True)
            elif status == FORBIDDEN:
                self._until = float("-inf") if not self._refused else self._until
            else:
                self._believe(refused=False)

    def check(self) -> Check:
        """Give the check for the operators."""
        return Check(
            f"{key_values.REPORTS_REFUSED}{self._family}",
            self._look,
            f"Webex lets the admin token read {self._family} reports.",
        )

    def _believe(self, *, refused: bool) -> None:
        self._refused, self._until = refused, self._clock() + LOOK_EVERY

    def _look(self) -> str | None:
        if self._clock() >= self._until:
            self._inquire()
        if self._refused is None:
            raise NotKnown
        if not self._refused:
            return None
        return (
            f"Webex refuses {self._family} reports to the admin token (403), so nobody gets one. They need "
            f"{self._needs}. Add what is missing, or leave {self._family} out of REPORT_FAMILIES."
        )

    def _inquire(self) -> None:
        try:
            self._ask()
        except WebexError as error:
            if error.status != FORBIDDEN:
                raise


def accesses(
    scopes: Iterable[Scope], asks: Mapping[str, Callable[[], object]], *, clock: Callable[[], float] = time.monotonic
) -> list[FamilyAccess]:
    """One for each family that is served."""
    wanted = tuple(scopes)
    return [FamilyAccess(family, wanted, ask, clock=clock) for family, ask in asks.items()]
