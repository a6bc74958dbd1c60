"""``new``: run a report, with everything typed or by a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.new_report import options_for, run_new
from bot.chat.registry import registry
from bot.messages.help import Group

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation


@registry.command(
    "new",
    usage="new <template> [period] [region or site]",
    summary="Run a report; I'll post it when it's ready.",
    group=Group.RUN,
    examples=("new calling usage last month", "new calling usage Oct 1–15 EU", "new"),
    action=Action.CHANGE,
)
def new(invocation: Invocation) -> None:
    """Run a report when all is said that Webex asks for, else show what is missing in a form."""
    run_new(invocation, options_for(invocation), invocation.rest)
