"""Offer by a button the command that was probably meant in place of the one that was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.named_origin import named_origins
from bot.chat.plain_language import ENDED_BY, argument
from bot.chat.registry import registry
from bot.chat.report_ids import POINTING
from bot.db.origin import Kind
from bot.messages.help import unknown_card
from bot.reports.search import asked_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation

ENDS = {"unschedule": Kind.SCHEDULE, "unsubscribe": Kind.SUBSCRIPTION}


def offer_command(invocation: Invocation, word: str, rest: Sequence[str]) -> None:
    """Say that what was typed wasn't understood, with a button for another command. It shows nothing of a report."""
    typed = " ".join((invocation.word, *invocation.rest))
    invocation.say("help", *unknown_card(typed, registry.find(word), argument(invocation.argument(rest).split())))


def offer_to_end(invocation: Invocation, words: Sequence[str]) -> bool:
    """Offer to end the schedule or subscription that words name, which name no report. Return False where they don't.

    Raises ``Refused`` and ``WebexError``.
    """
    said = [word for word in asked_for(words) if word not in POINTING]
    named = [word for word in said if word not in ENDED_BY]
    meant = [ENDED_BY[word] for word in said if word in ENDED_BY]
    meant = meant or [word for word, kind in ENDS.items() if named and named_origins(invocation, named, kind)]
    if meant:
        offer_command(invocation, meant[0], named)
    return bool(meant)
