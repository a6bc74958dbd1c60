"""Check for ``doctor`` whether each family of reports can be listed, and which scope or role is missing."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.errors import BotError, WebexError
from bot.ops.checks.families import needs
from bot.ops.checks.result import Result, State
from bot.webex.report import Family
from bot.webex.reports_api import ReportsApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ops.checks.result import Setup

REJECTED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def listed(setup: Setup) -> Iterator[Result]:
    """List each family's reports. One that is refused is no failure when another answers."""
    api = ReportsApi(setup.admin)
    refused: list[tuple[str, str, WebexError]] = []
    answered = False
    for family in setup.settings.report_families:
        name = f"{family} reports"
        try:
            yield Result(name, State.OK, f"can be listed ({len(api.list(Family(family)))})")
            answered = True
        except BotError as error:
            if isinstance(error, WebexError) and error.status in REJECTED:
                refused.append((name, family, error))
            else:
                yield Result(name, State.FAILED, error.in_full)
    for name, family, refusal in refused:
        text = f"refused ({refusal.status}). They need {needs(family, setup.manifest.scopes)}."
        if answered:
            yield Result(name, State.NOTE, f"{text} If you don't want them, remove {family} from REPORT_FAMILIES.")
        else:  # a token that isn't accepted anywhere tells nothing of scopes
            rejected = refusal.status == HTTPStatus.UNAUTHORIZED
            yield Result(name, State.FAILED, refusal.in_full if rejected else text)
