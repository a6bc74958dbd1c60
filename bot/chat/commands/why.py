"""``why <id>``: what became of a invocation, told from the ledger."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from bot.chat.ended import once_more
from bot.chat.registry import registry
from bot.chat.report_ids import chosen
from bot.db import audit, request_queries
from bot.db.requests import CLOSED, State
from bot.messages.elements import card, text
from bot.messages.history import kept_for, outcome_of, story
from bot.reports.history import load
from bot.reports.report_messages import Words
from bot.text import escape_card, escape_markdown
from bot.webex.report import is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation, Permission

MOST_TOLD = 3
"""Requests told of one report, the newest first."""


@registry.command("why", usage="why <id>", summary="What became of a invocation, by report id or reference.")
def why(invocation: Invocation) -> None:
    """The newest requests for a report in this space, 1:1 also one's own; with a button to ask once more at the end."""
    wanted = _wanted(invocation.rest)
    invocation.trail.report_ids = (wanted,) if is_report_id(wanted) else ()
    invocation.check_person()
    if not is_report_id(wanted):
        invocation.authorize()
        invocation.say("usage", "Why what? Write `why` and a report's id, or the reference of an answer.")
        return
    invocation.show(lambda allowed: _told(invocation, allowed, wanted))


def _told(invocation: Invocation, allowed: Permission, wanted: str) -> Words:
    """What the ledger has of it that may be told where the answer goes."""
    services = invocation.services
    now = services.now()
    with services.database.read() as tx:
        # In a space others read along: what somebody asked for elsewhere is told there, or 1:1.
        alone = invocation.person_id if allowed.target.direct else None
        found = request_queries.told_here(tx, invocation.room_id, alone, wanted, allowed.families)[:MOST_TOLD]
        besides = [load(tx, one, now, services.poll_interval) for one in found]
        other = [] if found else audit.with_reference(tx, wanted.lower(), person_id=invocation.person_id)
    if not found:
        said = " ".join(map(outcome_of, other)) or _nothing(wanted, services.settings.audit_days)
        return Words(f"{invocation.event_key}:why", said)
    invocation.trail.report_ids = (found[0].report_id,)  # it may have been asked for by its reference
    title = found[0].title or "Report"
    body = [text(escape_card(title), size="Medium", weight="Bolder")]
    lines: list[str] = []
    for one, more in zip(found, besides, strict=True):
        steps = story(one, now, more)
        body.append(text(f"Reference {one.reference}", isSubtle=True, size="Small"))
        body += [text(escape_card(step, 400), spacing="Small") for step in steps]
        lines += [f"- {escape_markdown(step, 400)}" for step in steps]
        if more.link:
            shown = "Show what was posted" if one.state in CLOSED - {State.DONE} else "Show the message"
            # As text and not as a button: Webex takes only http and https for a button that opens something.
            body.append(text(f"[{shown}]({more.link})", spacing="Small"))
            lines.append(f"- [{shown}]({more.link})")
    said = "\n".join([f"**{escape_markdown(title)}**", "", *lines])
    buttons = [once_more(found[0])] if found[0].state in CLOSED else []
    return Words(f"{invocation.event_key}:why", said, card(body, buttons, instead=said))


def _wanted(words: Sequence[str]) -> str:
    """A report's id, or else the word that may be a reference: "why is reference 1a2b3c late?"."""
    said = chosen(words)
    named = [after for word, after in pairwise(said) if word.casefold() == "reference"]
    with_digits = [word for word in said if any(map(str.isdigit, word))]
    others = [word for word in said if word.casefold() != "reference"]
    return next(iter([*named, *with_digits, *others]), "")


def _nothing(wanted: str, kept_days: int) -> str:
    shown = escape_markdown(wanted, 60)
    if not looks_like_report_id(wanted):
        return (
            f"I know of no request “{shown}” here. If it is a report's id, copy it whole, in its own capital and small "
            f"letters. If you asked elsewhere, ask me there, or 1:1.{kept_for(kept_days)}"
        )
    return (
        f"Nobody asked for “{shown}” here. Write `report {escape_markdown(wanted, 512)}` to do so.{kept_for(kept_days)}"
    )
