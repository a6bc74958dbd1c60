"""The card that answers a message with several report IDs: a line and a button for each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db.requests import Content, State
from bot.messages import sentences
from bot.messages.elements import button, card, sentence_in_card, text
from bot.messages.elements import row as entry
from bot.messages.names import untitled
from bot.messages.request_card import COLORS, DELETED, ENDS, WORDS, once_more, period_and_region, title_of
from bot.text import MAX_TEXT_BYTES, escape_card, escape_markdown, one_line, when
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.webex.types import Card

    Item = tuple[Request, ReportRow | None]

LONGEST_TITLE: Final = 100
LONGEST_REASON: Final = 200


def request_list(items: Sequence[Item], now: datetime) -> tuple[str, Card]:
    """Return the text and the card of the requests that one message has made, in their order."""
    first, _ = items[0]
    waits = [one.deadline_at for one, row in items if one.state is State.OPEN and row and row.phase is Phase.PENDING]
    coming = ""
    if first.content is Content.CARD:
        coming = "The files are ready to be sent."
    elif any(one.state is State.OPEN and row and row.phase is Phase.READY for one, row in items):
        coming = "The files follow below."
    if waits:
        coming = f"I'll post each file here as soon as it's ready. I'll stop waiting on {when(max(waits))}."
    head = f"{len(items)} reports"
    body = [text(head, size="Medium", weight="Bolder")]
    if coming:
        body.append(text(coming, spacing="Small"))
    body += [_row(request, row) for request, row in items]
    if first.revision:
        body.append(text(f"Checked {now:%H:%M} UTC", isSubtle=True, size="Small"))
    refresh = button("Refresh", "refresh", first.report_id, reference=first.reference)
    said = _text(head, coming, items)
    return said, card(body, [refresh] if waits else [], instead=said)


def _row(request: Request, row: ReportRow | None) -> dict[str, Any]:
    word, color = _status(request, row)
    parts = [
        text(escape_card(_title(request, row), LONGEST_TITLE), weight="Bolder"),
        text(f"● {word}", color=color, size="Small", spacing="None"),
    ]
    if about := _about(request, row):
        parts.append(text(sentence_in_card(about), size="Small", isSubtle=True, spacing="None"))
    return entry(parts, _button(request, row))


def _status(request: Request, row: ReportRow | None) -> tuple[str, str]:
    if row is not None and row.deleted_at is not None and request.state not in {State.OPEN, State.REFUSED}:
        return DELETED, "Default"
    if request.state in ENDS:
        return ENDS[request.state]
    phase = Phase.READY if request.state is State.DELIVERED or row is None else row.phase
    return WORDS[phase], COLORS[phase]


def _title(request: Request, row: ReportRow | None) -> str:
    shown = row is not None and request.found_at is not None and request.state is not State.REFUSED
    return title_of(row.report) if shown and row is not None else untitled(request.report_id)


def _about(request: Request, row: ReportRow | None) -> str:
    """Return what a person decides by: the period, or why it ended."""
    if request.state in {State.OPEN, State.DELIVERED}:
        return escape_card(period_and_region(row.report)) if row is not None else ""
    if request.state is State.FAILED and row is not None and row.phase is Phase.FAILED:
        return sentences.failed(None)
    if request.state is State.CANCELED:
        by_another = (request.reason or "").startswith(sentences.ANOTHER_CANCELED)
        return sentences.ANOTHER_CANCELED if by_another else ""
    return one_line(request.reason or "", LONGEST_REASON)


def _button(request: Request, row: ReportRow | None) -> dict[str, Any]:
    if request.state is State.OPEN and row is not None and row.phase is Phase.PENDING:
        return button("Cancel", "cancel", request.report_id, reference=request.reference)
    deleted = row is not None and row.deleted_at is not None
    if request.state is State.REFUSED or (request.state is State.FAILED and not deleted):
        return button("Why?", "why", request.reference)
    return once_more(request, row)


def _text(head: str, coming: str, items: Sequence[Item]) -> str:
    lines = [f"**{head}** {coming}".rstrip(), ""]
    for request, row in items:
        word, _ = _status(request, row)
        title = escape_markdown(_title(request, row), LONGEST_TITLE)
        line = f"- **{title}**: {word}. Reference {request.reference}."
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
