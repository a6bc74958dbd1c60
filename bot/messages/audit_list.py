"""Rows of the audit as people read them in a chat: one card, or the text that stands in for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.db import audit
from bot.db.audit import Channel
from bot.messages.elements import card, sentence_in_card, text
from bot.text import escape_card, escape_markdown, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.db.audit import Row
    from bot.webex.types import Card, Person

LONGEST_NAME, LONGEST_ADDRESS = 60, 80
LONGEST_WHO: Final = LONGEST_NAME + LONGEST_ADDRESS + len(" ()")
ID_END: Final = 8
"""Letters of a report's ID that stand for one without a known title."""

FORMER_USER, FORGOTTEN, NAMELESS, BOT = "Former user", "Forgotten user", "Name not available", "Report bot"
NEUTRAL: Final = "I've sent you the audit log in a direct message."
USAGE: Final = (
    "Write `audit` for the latest entries, `audit` and a report ID, or `audit` and an email address. Add a number for "
    "an earlier page, as in `audit 2`."
)
COLORS: Final = {"delivered": "Good", "refused": "Attention", "failed": "Attention", "error": "Attention"}
COMMANDS: Final = {
    "report": "Requested the report",
    "again": "Requested the file again",
    "refresh": "Checked the status",
    "cancel": "Canceled a request",
    "delete": "Asked to delete the report",
    "reports": "Listed the reports",
    "why": "Asked what happened",
    "audit": "Viewed the audit log",
    "help": "Asked for help",
    audit.UNKNOWN_WORD: "Sent a message that is no command",
    audit.REQUEST: "Sent a message or pressed a button",
    audit.SETTINGS: "Settings",
    audit.FORGET: "Forgot a user",
}
OUTCOMES: Final = {
    audit.DELIVERY: "Ended",
    "delivered": "Delivered",
    "failed": "Failed",
    "refused": "Refused",
    "canceled": "Canceled",
    "cancelled": "Canceled",
    "expired": "Stopped waiting",
    "unsure": "Delivery not confirmed",
    "unknown": "Delivery not confirmed",
    audit.DELETED: "Deleted",
    "error": "Error",
    "limited": "Skipped, over the limit",
    "ignored": "Ignored",
    "stopped": "Not answered",
}
CAUSES: Final = {
    "directly": "answered directly",
    "privately": "answered directly",  # as version 0.1.0 recorded it
    "report_deleted": "the report was deleted",
    "by_webex": "Webex couldn't generate it",
    "not_administrator": "not an administrator",
    "read_only": "read-only administrator",
    "other_organization": "another organization",
    "outside_space": "nobody of your organization in the space",
    "too_many_answers": "too many answers in a row",
    "not_done_in_time": "not ready in time",
    "trouble_for_too_long": "Webex had errors for too long",
    "given_up": "gave up",
    "not_ours": "not on a card of mine",
    "webex_silent": "Webex didn't respond",
}
SILENT: Final = frozenset({audit.ASKED, audit.ANSWERED, "allowed", "done"})
"""Outcomes that are what is expected, so the command alone is named."""
CHANNELS: Final = {Channel.CLI: "command line", Channel.BUTTON: "button"}


def name_of(person: Person | None) -> str:
    """Return a person's name, with the email address where Webex tells it: two may have one name."""
    if person is None:
        return ""
    return " ".join([person.display_name[:LONGEST_NAME], *(f"({one[:LONGEST_ADDRESS]})" for one in person.emails[:1])])


def note_of(number: int, before: int, asked: str) -> str:
    """Return the line above the rows: which they are."""
    about = f" about “{escape_markdown(asked, 100)}”" if asked else ""
    if not number:
        return f"No {'earlier ' if before else ''}entries{about}."
    latest = "The latest entry" if number == 1 else f"The latest {number} entries"
    which = f"Entries {before + 1}–{before + number}" if before else latest
    order = ", newest first" if number > 1 else ""
    return f"{which}{about}{order}. For all of them, run `reportbot audit --json` where the bot runs."


def nobody(address: str) -> str:
    """Return the answer for an address that Webex does not know."""
    return f"No Webex user has the address “{escape_markdown(address, 100)}”."


@dataclass(frozen=True, slots=True)
class AuditView:
    """What it takes to show rows to someone: names of people and titles of reports."""

    names: Mapping[str, str]
    titles: Mapping[str, str]

    def who(self, row: Row) -> str:
        """Return the person's name."""
        return self.names.get(row.person_id or "", BOT)

    def what(self, row: Row) -> str:
        """Return ``Requested the report``, ``Refused: not an administrator``."""
        word, _, cause = row.outcome.partition(":")
        command = COMMANDS.get(row.act, row.act)
        why = _cause(cause)
        if word in SILENT:
            return f"{command} ({why})" if why else command
        ended = OUTCOMES.get(word, word.replace("_", " "))
        ended = f"{ended}: {why}" if why else ended
        return ended if row.act == audit.DELIVERY else f"{command} · {ended}"

    def report(self, row: Row) -> str:
        """Return the report's title, or the end of its ID."""
        if not row.report_id:
            return ""
        return self.titles.get(row.report_id) or f"Report …{row.report_id[-ID_END:]}"

    def about(self, row: Row) -> str:
        """Return when it was, where, and the reference, as far as they are known."""
        where = {None: "", audit.DIRECT_SPACE: "directly"}.get(row.room_id, "in a space")
        reference = f"Reference {row.reference}" if row.reference else ""
        return " · ".join(
            filter(None, (when(row.at) if row.at else "", CHANNELS.get(row.channel, ""), where, reference))
        )


def _cause(cause: str) -> str:
    if cause.startswith("webex_") and cause not in CAUSES:
        return f"Webex answered {cause.removeprefix('webex_')}"
    return CAUSES.get(cause, cause.replace("_", " "))


def audit_card(rows: Sequence[Row], view: AuditView, note: str, more: Sequence[dict[str, object]] = ()) -> Card:
    """Return the rows, one below the other, and the button for the page before."""
    body = [
        text("Audit log", size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
    ]
    return card(body + [_block(row, view) for row in rows], more, instead=audit_text(rows, view, note))


def _block(row: Row, view: AuditView) -> dict[str, Any]:
    color = COLORS.get(row.outcome.partition(":")[0], "Default")
    report = view.report(row)
    items = [
        text(escape_card(view.who(row), LONGEST_WHO), weight="Bolder"),
        text(escape_card(view.what(row)), color=color, spacing="None"),
        *([text(escape_card(report, 100), spacing="None")] if report else []),
        text(escape_card(view.about(row)), size="Small", isSubtle=True, spacing="None"),
    ]
    return {"type": "Container", "separator": True, "spacing": "Small", "items": items}


def audit_text(rows: Sequence[Row], view: AuditView, note: str) -> str:
    """Return the same for a client that shows no cards; report IDs are whole there."""
    lines = [
        f"- **{escape_markdown(view.who(row), LONGEST_WHO)}**: {escape_markdown(view.what(row))}"
        f" · {escape_markdown(view.about(row))}" + (f" · `{row.report_id}`" if row.report_id else "")
        for row in rows
    ]
    return "\n".join([note, "", *lines])
