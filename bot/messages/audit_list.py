"""Rows of the audit as people read them in a chat: one card, or the text that stands in for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.db import audit
from bot.messages import elements
from bot.text import ago, count, escape_card, escape_markdown, utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.db.audit import Row
    from bot.webex.types import Card, Person

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
COLOURS = {"delivered": "Good", "refused": "Attention", "failed": "Attention", "error": "Attention"}


def name_of(person: Person | None) -> str:
    """Return a person's name, with the e-mail address where Webex tells it: two may have one name."""
    if person is None:
        return ""
    return " ".join([person.display_name[:LONGEST_NAME], *(f"({one[:LONGEST_ADDRESS]})" for one in person.emails[:1])])


def note_of(number: int, before: int, asked: str) -> str:
    """Return the line above the rows: which they are."""
    about = f" about “{asked}”" if asked else ""
    if not number:
        return f"Nothing {'more ' if before else ''}is on record{about}."
    which = f"Rows {before + 1} to {before + number}" if before else f"The last {count(number, 'row')}"
    return f"{which}{about}, newest first. All of them: reportbot audit --json, on the machine."


@dataclass(frozen=True, slots=True)
class AuditView:
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


def audit_card(rows: Sequence[Row], seen: AuditView, note: str, more: Sequence[dict[str, object]] = ()) -> Card:
    """The rows, one below the other, and the button for the page before."""
    body = [
        elements.text("Audit", size="Medium", weight="Bolder"),
        elements.text(escape_card(note), isSubtle=True, spacing="Small"),
    ]
    return elements.card(body + [_block(row, seen) for row in rows], more, instead=audit_text(rows, seen, note))


def _block(row: Row, seen: AuditView) -> dict[str, Any]:
    colour = COLOURS.get(row.outcome.partition(":")[0], "Default")
    report = seen.report(row)
    reference = f"reference {row.reference}" if row.reference else ""
    about = " · ".join(filter(None, (seen.when(row), seen.where(row), reference)))
    items = [
        elements.text(escape_card(seen.who(row), LONGEST_WHO), weight="Bolder"),
        elements.text(escape_card(seen.what(row)), color=colour, spacing="None"),
    ]
    if report:
        items.append(elements.text(escape_card(report, 100), spacing="None"))
    items.append(elements.text(escape_card(about), size="Small", isSubtle=True, spacing="None"))
    return {"type": "Container", "separator": True, "spacing": "Small", "items": items}


def audit_text(rows: Sequence[Row], seen: AuditView, note: str) -> str:
    """The same for a client that shows no cards; report ids are whole there."""
    lines = [
        f"- **{escape_markdown(seen.who(row), LONGEST_WHO)}**, {escape_markdown(seen.what(row))}, {seen.when(row)},"
        f" {seen.where(row)}"
        + (f", `{row.report_id}`" if row.report_id else "")
        + (f", reference {row.reference}" if row.reference else "")
        for row in rows
    ]
    return "\n".join([escape_markdown(note), "", *lines])
