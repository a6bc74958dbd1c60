"""What a space is told when a call of an incoming hook came to nothing. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bot.text import escape_markdown

LONGEST_NAME: Final = 60


class Nothing(StrEnum):
    """Why nothing could be done; the words are also the audit's."""

    NO_TITLE = "no_title"
    NO_REPORT = "no_report"
    SEVERAL = "several_reports"
    NO_PERIOD = "no_period"
    TROUBLE = "trouble_for_too_long"
    FAILED = "failed"


_SENTENCES: Final = {
    Nothing.NO_TITLE: "A hook was called without a title, so there was nothing to deliver.",
    Nothing.NO_REPORT: "A hook was called, but no report that's ready has its title.",
    Nothing.SEVERAL: "A hook was called, but its words are in the titles of several reports, so I delivered none.",
    Nothing.NO_PERIOD: "A hook was called with a period that I don't understand, so no report came of it.",
    Nothing.TROUBLE: "A hook was called, but Webex had errors for too long, so nothing came of it.",
    Nothing.FAILED: "A hook was called, but no report came of it.",
}


def nothing_done(why: Nothing, key_name: str, reference: str, reason: str = "") -> str:
    """Return the sentence; nothing that the call said is in it. ``reason``: how the request or run ended."""
    name = escape_markdown(key_name, LONGEST_NAME)
    more = reason.removesuffix(f"(reference {reference})").rstrip()
    return (
        f"{_SENTENCES[why]} {f'{more} ' if more else ''}It belongs to the API key **{name}** (reference {reference})."
    )
