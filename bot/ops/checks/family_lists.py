"""Checks for ``doctor`` whether each family of reports can be listed, and which scope or role is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.errors import BotError, WebexError
from bot.ops.checks.families import needs
from bot.ops.checks.result import Check, State
from bot.webex.report import Family
from bot.webex.reports_api import ReportsApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.manifest import Manifest
    from bot.settings import Settings
    from bot.webex.client import Client

UNAUTHORIZED: Final = 401
REFUSED: Final = frozenset({UNAUTHORIZED, 403})


def listed(settings: Settings, admin: Client, wanted: Manifest) -> Iterator[Check]:
    """Ask each family for its list. One that is refused is no failure when another answers."""
    api = ReportsApi(admin)
    refused: list[tuple[str, str, WebexError]] = []
    answered = False
    for family in settings.report_families:
        what = f"{family} reports"
        try:
            yield Check(what, State.OK, f"can be listed: {len(api.list(Family(family)))}")
            answered = True
        except WebexError as error:
            if error.status in REFUSED:
                refused.append((what, family, error))
            else:
                yield Check(what, State.FAILED, error.in_full)
        except BotError as error:
            yield Check(what, State.FAILED, error.in_full)
    for what, family, refusal in refused:
        found = f"refused ({refusal.status}): needs {needs(family, wanted.scopes)}"
        if answered:
            yield Check(what, State.NOTE, f"{found}; if that is not meant, leave it out of REPORT_FAMILIES")
        else:  # a token that isn't accepted anywhere tells nothing of scopes
            yield Check(what, State.FAILED, refusal.in_full if refusal.status == UNAUTHORIZED else found)
