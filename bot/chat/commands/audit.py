"""The audit as people read it in a chat: the last rows, about everybody, one person, or one report.

A row holds ids only. Names come from Webex when it is read, titles of reports from the ledger's deliveries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.access.policy import Act
from bot.chat import cards
from bot.chat.registry import button
from bot.db import audit, requests
from bot.errors import WebexError
from bot.ops.forget import is_pseudonym
from bot.text import ago, count, escape_card, escape_markdown, utc
from bot.webex.report import is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.chat.context import Context
    from bot.chat.invocation import Request
    from bot.db.audit import Row
    from bot.webex.types import Card, Person

SHOWN = 10
"""Rows on one card: well under the size that Webex takes, and still readable on a phone."""
PAGE_NUMBER = re.compile(r"[0-9]{1,4}")
LONGEST_NAME, LONGEST_ADDRESS = 60, 80
LONGEST_WHO = LONGEST_NAME + LONGEST_ADDRESS + len(" ()")
ID_END = 8
"""Letters of a report's id that stand for one without a known title."""

GONE, FORGOTTEN, NAMELESS, BOT = (
    "somebody who is gone",
    "somebody who was forgotten",
    "somebody (Webex does not tell the name)",
    "the bot",
)
NEUTRAL = "This is for one person at a time, so I answer you 1:1."
USAGE = (
    "Write `audit` for the last rows, `audit` and a report's id, or `audit` and a person's e-mail address; with a "
    "number behind it for the page before, as in `audit 2`."
)
COLOURS = {"delivered": "Good", "refused": "Attention", "failed": "Attention", "error": "Attention"}


def show(context: Context, request: Request) -> None:
    """Answer ``audit``, ``audit <report id>`` or ``audit <e-mail address>``, each with the number of a page or without.

    For full administrators, and only 1:1.

    The others in a space may be of the same organisation and still have no part in who asked for what.
    """
    asked, page = _asked(request)
    by_report = asked if asked and "@" not in asked and is_report_id(asked) else None
    request.trail.report_ids = (by_report,) if by_report else ()
    allowed = context.allow(request, Act.AUDIT, neutral=NEUTRAL)
    target = allowed.target
    if asked is None or (asked and not by_report and "@" not in asked):
        context.outbox.say(f"{request.origin}:usage", target, USAGE)
        return
    person_id = None
    if asked and not by_report:
        person_id = context.directory.find(asked)
        if person_id is None:
            said = f"Webex knows nobody with the address “{escape_markdown(asked, 100)}”."
            context.outbox.say(f"{request.origin}:nobody", target, said)
            return
    with context.database.read() as tx:
        hidden = requests.report_ids_beyond(allowed.families)
        before = (page - 1) * SHOWN
        found = audit.latest(
            tx,
            SHOWN + 1,
            skip=before,
            person_id=person_id,
            report_id=by_report,
            without=hidden,
            reader_id=request.person_id,
        )
        rows = found[:SHOWN]
        titles = requests.titles(tx, {row.report_id for row in rows if row.report_id}, allowed.families)
    seen = Seen(context.now(), _names(context, rows), titles)
    note = f"{_note(len(rows), before, asked)} {allowed.others}".rstrip()
    more = [button("More", "audit", f"{asked} {page + 1}".strip())] if len(found) > SHOWN else []
    card = audit_card(rows, seen, note, more)
    context.outbox.say(f"{request.origin}:audit", target, audit_text(rows, seen, note), card)


def _asked(request: Request) -> tuple[str | None, int]:
    """What the audit shall be about: an ID or address, nothing for all of it, None where only a person could tell.

    And which page of it.
    """
    rest, page = request.rest, 1
    if rest and PAGE_NUMBER.fullmatch(rest[-1]):
        rest, page = rest[:-1], max(1, int(rest[-1]))
    named = next((one for one in rest if "@" in one or looks_like_report_id(one)), None)
    if named is None and len(rest) <= 1 and not request.mentions_others:
        named = "".join(rest)
    return (named.removeprefix("mailto:") if named is not None else None), page


def _note(number: int, before: int, asked: str) -> str:
    about = f" about “{asked}”" if asked else ""
    if not number:
        return f"Nothing {'more ' if before else ''}is on record{about}."
    which = f"Rows {before + 1} to {before + number}" if before else f"The last {count(number, 'row')}"
    return f"{which}{about}, newest first. All of them: reportbot audit --json, on the machine."


def _names(context: Context, rows: Sequence[Row]) -> dict[str, str]:
    """Name each person of the rows, with their e-mail address where Webex tells it: two may have one name."""
    named = {row.person_id for row in rows if row.person_id}
    forgotten = {one for one in named if is_pseudonym(one)}
    others = named - forgotten
    try:
        people = context.directory.people(others) if others else {}
        missing = GONE
    except WebexError as error:
        if error.passing:
            raise
        people, missing = {}, NAMELESS
    return dict.fromkeys(forgotten, FORGOTTEN) | {one: _named(people.get(one)) or missing for one in others}


def _named(person: Person | None) -> str:
    if person is None:
        return ""
    return " ".join([person.display_name[:LONGEST_NAME], *(f"({one[:LONGEST_ADDRESS]})" for one in person.emails[:1])])


@dataclass(frozen=True, slots=True)
class Seen:
    """What it takes to show rows to somebody."""

    now: datetime
    names: Mapping[str, str]
    titles: Mapping[str, str]

    def who(self, row: Row) -> str:
        """The person's name."""
        return self.names.get(row.person_id or "", BOT)

    def what(self, row: Row) -> str:
        """``report: asked``, ``refused: not administrator``."""
        outcome = row.outcome.replace(":", ": ").replace("_", " ")
        return outcome if row.act == audit.DELIVERY else f"{row.act}: {outcome}"

    def report(self, row: Row) -> str:
        """The report's title, or the end of its id."""
        if not row.report_id:
            return ""
        return self.titles.get(row.report_id) or f"report …{row.report_id[-ID_END:]}"

    def where(self, row: Row) -> str:
        """By which door, and whether it was in a group space or 1:1, as far as that is known."""
        kind = {None: "", audit.DIRECT_SPACE: ", 1:1"}.get(row.room_id, ", in a space")
        return f"{row.door.value}{kind}"

    def when(self, row: Row) -> str:
        """``12 min ago (2024-03-24 17:13 UTC)``."""
        return f"{ago(row.at, self.now)} ({utc(row.at)})" if row.at else ""


def audit_card(rows: Sequence[Row], seen: Seen, note: str, more: Sequence[dict[str, object]] = ()) -> Card:
    """The rows, one below the other, and the button for the page before."""
    body = [
        cards.text("Audit", size="Medium", weight="Bolder"),
        cards.text(escape_card(note), isSubtle=True, spacing="Small"),
    ]
    return cards.card(body + [_block(row, seen) for row in rows], more, instead=audit_text(rows, seen, note))


def _block(row: Row, seen: Seen) -> dict[str, Any]:
    colour = COLOURS.get(row.outcome.partition(":")[0], "Default")
    report = seen.report(row)
    reference = f"reference {row.reference}" if row.reference else ""
    about = " · ".join(filter(None, (seen.when(row), seen.where(row), reference)))
    items = [
        cards.text(escape_card(seen.who(row), LONGEST_WHO), weight="Bolder"),
        cards.text(escape_card(seen.what(row)), color=colour, spacing="None"),
    ]
    if report:
        items.append(cards.text(escape_card(report, 100), spacing="None"))
    items.append(cards.text(escape_card(about), size="Small", isSubtle=True, spacing="None"))
    return {"type": "Container", "separator": True, "spacing": "Small", "items": items}


def audit_text(rows: Sequence[Row], seen: Seen, note: str) -> str:
    """The same for a client that shows no cards; report ids are whole there."""
    lines = [
        f"- **{escape_markdown(seen.who(row), LONGEST_WHO)}**, {escape_markdown(seen.what(row))}, {seen.when(row)},"
        f" {seen.where(row)}"
        + (f", `{row.report_id}`" if row.report_id else "")
        + (f", reference {row.reference}" if row.reference else "")
        for row in rows
    ]
    return "\n".join([escape_markdown(note), "", *lines])
