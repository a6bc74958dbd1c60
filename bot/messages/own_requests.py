"""Lists of a person's requests, each with a button: what is pending, and which one a command means. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db.requests import State
from bot.messages import report_form
from bot.messages.elements import button, card, sentence_in_card, text
from bot.messages.elements import row as entry
from bot.messages.names import untitled
from bot.messages.request_card import COLORS, DELETED, WORDS, period_and_region, title_of
from bot.text import MAX_TEXT_BYTES, count, escape_card, escape_markdown, when
from bot.webex.report import Phase
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.runs import Run
    from bot.messages.names import Names
    from bot.webex.types import Card

    Item = tuple[Request, ReportRow | None]

MOST_SHOWN: Final = 10
"""Requests on one card: well under the size that Webex takes, and still readable on a phone."""
LONGEST_TITLE: Final = 100
AGAIN: Final = "again"
CANCEL: Final = "cancel"
LABELS: Final = {"cancel": "Cancel", "refresh": "Refresh", "again": "Send again", "why": "Why?", "delete": "Delete…"}
"""The button of each command that may be asked which report it means."""
ENDS: Final = {
    State.DELIVERED: "Delivered",
    State.FAILED: WORDS[Phase.FAILED],
    State.HALTED: "Not posted",
    State.REFUSED: "Not allowed",
    State.CANCELED: "Canceled",
    State.EXPIRED: "Stopped waiting",
    State.UNSURE: "Delivery not confirmed",
}


def which_one(word: str) -> str:
    """Return what can be done where a command does not say which report it means."""
    return f"Pick one below, or type `{word}` and its title or ID."


def nothing_pending(*, direct: bool) -> str:
    """Return what is said when a person waits for nothing, or for nothing in a space."""
    return "You have no pending requests." if direct else "You have no pending requests in this space."


def choice_card(word: str, items: Sequence[Item], names: Names, *, not_found: str = "") -> tuple[str, Card]:
    """Return the text and the card that asks which of these reports a command means.

    ``not_found``: what was looked for, where none of these is it.
    """
    note = f"I found no request for {not_found}. {which_one(word)}" if not_found else which_one(word)
    return _list("Which report?", note, items[:MOST_SHOWN], names, word)


def pending_card(items: Sequence[Item], runs: Sequence[Run], names: Names, *, direct: bool) -> tuple[str, Card]:
    """Return the text and the card of what a person waits for, everywhere or in a space, oldest first.

    ``runs``: those whose reports Webex has not created yet.
    """
    number = len(items) + len(runs)
    head = f"You're waiting for {count(number, 'report')}{'' if direct else ' in this space'}"
    shown = items[:MOST_SHOWN]
    note = f"I'll post {'each' if number > 1 else 'the'} file as soon as it's ready."
    if len(shown) < len(items):
        note += f" These are the oldest {len(shown)}."
    said, made = _list(head, note, shown, names, CANCEL)
    for run in runs[:MOST_SHOWN]:
        title, asked = escape_card(run.title, LONGEST_TITLE), f"requested {_where_and_when(run, names)}"
        scope = escape_card(report_form.about("", run.new_report), LONGEST_TITLE)
        about = f"{scope} · {asked}" if scope else f"{asked[:1].upper()}{asked[1:]}"
        parts = [
            text(title, weight="Bolder"),
            text("● Webex hasn't created it yet", color=COLORS[Phase.PENDING], size="Small", spacing="None"),
            text(about, size="Small", isSubtle=True, spacing="None"),
        ]
        made["body"].append(entry(parts, button(LABELS[CANCEL], CANCEL, reference=run.reference)))
        said += f"\n- **{title}**: Webex hasn't created it yet. {about}. Reference {run.reference}."
    return said, made


def _list(head: str, note: str, items: Sequence[Item], names: Names, word: str) -> tuple[str, Card]:
    body = [
        text(head, size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small", size="Small"),
        *(_row(one, row, names, word) for one, row in items),
    ]
    said = _text(f"**{head}** {note}", items, names)
    return said, card(body, instead=said)


def _row(one: Request, row: ReportRow | None, names: Names, word: str) -> dict[str, Any]:
    status, color = _status(one, row)
    parts = [
        text(escape_card(_title(one, row), LONGEST_TITLE), weight="Bolder"),
        text(f"● {status}", color=color, size="Small", spacing="None"),
        text(_about(one, row, names), size="Small", isSubtle=True, spacing="None"),
    ]
    pick = button(LABELS.get(word, word.capitalize()), word, one.report_id, reference=one.reference)
    return entry(parts, pick)


def _title(one: Request, row: ReportRow | None) -> str:
    return title_of(row.report) if row is not None else untitled(one.report_id)


def _status(one: Request, row: ReportRow | None) -> tuple[str, str]:
    if row is not None and row.deleted_at is not None and one.state not in {State.OPEN, State.REFUSED}:
        return DELETED, "Default"
    if one.state in ENDS:
        return ENDS[one.state], "Default"
    phase = row.phase if row is not None else Phase.PENDING
    return WORDS[phase], COLORS[phase]


def _about(one: Request, row: ReportRow | None, names: Names) -> str:
    """Return the period, where and when it was asked for, and how long it is waited for."""
    until = f" · until {when(one.deadline_at)}" if one.state is State.OPEN else ""
    asked = f"requested {_where_and_when(one, names)}{until}"
    period = escape_card(period_and_region(row.report)) if row is not None else ""
    return f"{period} · {asked}" if period else f"{asked[:1].upper()}{asked[1:]}"


def _where_and_when(one: Request | Run, names: Names) -> str:
    return f"{names.place(one.room_id, direct=one.room_type == DIRECT)}, {when(one.asked_at)}"


def _text(note: str, items: Sequence[Item], names: Names) -> str:
    lines = [note, ""]
    for one, row in items:
        title = escape_markdown(_title(one, row), LONGEST_TITLE)
        line = f"- **{title}**: {_status(one, row)[0]}. {_about(one, row, names)}. Reference {one.reference}."
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
