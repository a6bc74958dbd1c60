"""``help``, and what is said to a message that is no command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.chat.commands.refresh import refresh
from bot.chat.commands.report import report
from bot.chat.registry import registry
from bot.messages.help import help_card, help_text, unknown_card, unknown_text
from bot.webex.report import looks_like_report_id

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation

POLITE = frozenset({"please", "pls", "thanks", "thx"})
"""Words beside an ID that change nothing."""


@registry.command("help", usage="help", summary="Show this help.", action=None)
def help_(invocation: Invocation) -> None:
    """Answer with what the bot can do."""
    invocation.say("help", help_text(list(registry)), help_card(list(registry)))


def unknown(invocation: Invocation) -> None:
    """Answer what is no command.

    Report IDs alone are asked for; among other words, their cards are shown, which have a button for each wish. Else
    the nearest word is guessed.
    """
    said = (invocation.word, *invocation.rest)
    others = [one for one in said if not looks_like_report_id(one)]
    names_report = len(others) < len(said)
    guess = registry.nearest(invocation.word.casefold())
    if names_report and all(one.casefold() in POLITE for one in others):
        report(replace(invocation, word="report", rest=said))
        return
    if names_report and (guess is None or len(others) > 1):
        refresh(replace(invocation, word="refresh", rest=said))
        return
    words = " ".join(said).strip()
    invocation.say("help", unknown_text(words, guess), unknown_card(words, guess))
