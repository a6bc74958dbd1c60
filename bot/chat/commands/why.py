"""``why <id>``: what happened to a request."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bot.chat.registry import registry
from bot.chat.report_ids import chosen
from bot.chat.thread_context import POINTING, ask_which, reports_meant
from bot.db import audit, requests
from bot.messages.help import Group
from bot.messages.history import history_card, nothing_known, outcome_of
from bot.outbox import Text
from bot.reports.history import load
from bot.reports.report_messages import Draft
from bot.webex.report import is_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation, Permission

MOST_TOLD = 3
"""Requests told of one report, the newest first."""


@registry.command(
    "why",
    usage="why <id>",
    summary="See what happened to a request, by report ID or reference.",
    group=Group.FOLLOW,
)
def why(invocation: Invocation) -> None:
    """Show the newest requests for a report in this space, or the person's own, with a button to ask once more."""
    wanted = _wanted(invocation.rest)
    invocation.trail.report_ids = (wanted,) if is_report_id(wanted) else ()
    decision = invocation.check_person()
    meant = [wanted] if is_report_id(wanted) else reports_meant(invocation, decision)
    if meant:
        invocation.show(lambda allowed: _told(invocation, allowed, meant[-1]))
    else:
        ask_which(invocation)


def _told(invocation: Invocation, allowed: Permission, wanted: str) -> Draft:
    """Return what is on record of it, as far as it may be told where the answer goes."""
    services = invocation.services
    now, name = services.now(), f"{invocation.event_key}:why:{wanted}"
    with services.database.read() as tx:
        # In a space others read along: what someone asked for elsewhere is told there, or directly.
        alone = invocation.person_id if allowed.target.direct else None
        found = requests.told_here(tx, wanted, invocation.room_id, alone, allowed.families)[:MOST_TOLD]
        told = [(one, load(tx, one, now, services.poll_interval)) for one in found]
        other = [] if found else audit.with_reference(tx, wanted.lower(), person_id=invocation.person_id)
    if not told:
        said = " ".join(map(outcome_of, other)) or nothing_known(wanted, services.settings.audit_days)
        return Draft(name, Text(said))
    invocation.trail.report_ids = (found[0].report_id,)  # it may have been asked for by its reference
    return Draft(name, Text(*history_card(told, now)))


def _wanted(words: Sequence[str]) -> str:
    """Return a report's id, or else the word that may be a reference: "why is reference 1a2b3c late?"."""
    said = chosen(words)
    if {word.casefold() for word in said} <= POINTING:
        return ""
    named = [after for word, after in pairwise(said) if word.casefold() == "reference"]
    with_digits = [word for word in said if any(map(str.isdigit, word))]
    others = [word for word in said if word.casefold() != "reference"]
    return next(iter([*named, *with_digits, *others]), "")
