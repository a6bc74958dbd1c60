"""Check that the admin token may read each family of reports that is served.

A scope or a role that is missing would otherwise be found by the first person who asks, who can do nothing about it.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.db import key_values
from bot.errors import BotError, WebexError
from bot.messages.alerts import family_allowed, family_refused
from bot.ops.alerts import Check
from bot.ops.checks.doctor_line import Result, Setup, State
from bot.webex.report_families import Family
from bot.webex.reports_api import ReportsApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bot.manifest import Scope

REJECTED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
LOOK_EVERY: Final = 600.0
"""Seconds between two looks while Webex gives the reports; while it refuses them, each round looks."""


def needs(family: str, scopes: Iterable[Scope]) -> str:
    """Return which scopes reading a family needs, and who can grant them."""
    wanted = [one for one in scopes if one.family == family and not one.writing]
    roles = " / ".join(sorted({one.role for one in wanted}))
    return f"{' and '.join(one.scope for one in wanted)}, granted by: {roles}"


def write_note(family: str, scopes: Iterable[Scope]) -> str:
    """Return which scopes only writing needs, which no call proves without writing; empty when there are none."""
    wanted = " and ".join(one.scope for one in scopes if one.family == family and one.writing)
    return f". Running and deleting them also needs {wanted}, which isn't checked" if wanted else ""


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
            if error.status == HTTPStatus.FORBIDDEN:
                return problem
            raise
        due = clock() + LOOK_EVERY
        return None

    return Check(f"{key_values.REPORTS_REFUSED}{family}", look, family_allowed(family))


def lists(setup: Setup) -> Iterator[Result]:
    """List each family's reports for ``doctor``. One that is refused is no failure when another answers."""
    api = ReportsApi(setup.admin)
    refused: dict[str, WebexError] = {}
    answered = False
    for family in setup.settings.report_families:
        try:
            number = len(api.list(Family(family)))
            more = write_note(family, setup.manifest.scopes)
            yield Result(f"{family} reports", State.OK, f"can be listed ({number}){more}")
            answered = True
        except BotError as error:
            if isinstance(error, WebexError) and error.status in REJECTED:
                refused[family] = error
            else:
                yield Result(f"{family} reports", State.FAILED, error.in_full)
    for family, refusal in refused.items():
        text = f"refused ({refusal.status}). They need {needs(family, setup.manifest.scopes)}."
        if answered:
            text = f"{text} If you don't want them, remove {family} from REPORT_FAMILIES."
        elif refusal.status == HTTPStatus.UNAUTHORIZED:  # a token that isn't accepted anywhere tells nothing of scopes
            text = refusal.in_full
        yield Result(f"{family} reports", State.NOTE if answered else State.FAILED, text)
