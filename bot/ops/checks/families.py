"""Check whether the admin token may read each family of reports that is served.

A scope or a role that is missing would otherwise be found by the first person who asks, who can do nothing about it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bot.db import key_values
from bot.errors import WebexError
from bot.messages.alerts import family_allowed, family_refused
from bot.ops.alerts import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bot.manifest import Scope

FORBIDDEN: Final = 403
LOOK_EVERY: Final = 600.0
"""Seconds between two looks while Webex gives the reports; while it refuses them, each round looks."""


def needs(family: str, scopes: Iterable[Scope]) -> str:
    """Return which scopes a family needs, and who can grant them."""
    wanted = [one for one in scopes if one.family == family]
    roles = " / ".join(sorted({one.role for one in wanted}))
    return f"{' and '.join(one.scope for one in wanted)}, granted by: {roles}"


def check(
    family: str, scopes: Iterable[Scope], ask: Callable[[], object], clock: Callable[[], float] = time.monotonic
) -> Check:
    """Return the check of one family; ``ask`` lists its reports."""
    problem = family_refused(family, needs(family, scopes))
    due = clock()

    def look() -> str | None:
        nonlocal due
        if clock() < due:
            return None
        try:
            ask()
        except WebexError as error:
            if error.status == FORBIDDEN:
                return problem
            raise
        due = clock() + LOOK_EVERY
        return None

    return Check(f"{key_values.REPORTS_REFUSED}{family}", look, family_allowed(family))
