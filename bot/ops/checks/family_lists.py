"""Checks for ``doctor`` whether each family of reports can be listed, and which scope or role is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.errors import BotError, WebexError
from bot.ops.checks.families import needs
from bot.ops.checks.result import Check, State
from bot.reports.model import Family
from bot.webex.reports import ReportsApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.manifest import Manifest
    from bot.settings import Settings
    from bot.webex.client import Client

REFUSED: Final = frozenset({401, 403})


def listed(settings: Settings, admin: Client, wanted: Manifest) -> Iterator[Check]:
    """Ask each family for its list. One that is refused is no failure when another answers."""
    api = ReportsApi(admin)
    refused: list[Check] = []
    answered = False
    for family in settings.report_families:
        what = f"{family} reports"
        try:
            yield Check(what, State.OK, f"can be listed: {len(api.list(Family(family)))}")
            answered = True
        except WebexError as error:
            if error.status not in REFUSED or error.advice:  # a token that wasn't renewed tells nothing of scopes
                yield Check(what, State.FAILED, error.in_full)
                continue
            needed = needs(family, wanted.scopes)
            refused.append(Check(what, State.FAILED, f"refused ({error.status}): needs {needed}"))
        except BotError as error:
            yield Check(what, State.FAILED, error.in_full)
    for check in refused:
        if answered:
            yield Check(check.what, State.NOTE, f"{check.found}; if that is not meant, leave it out of REPORT_FAMILIES")
        else:
            yield check
