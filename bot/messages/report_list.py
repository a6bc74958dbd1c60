"""The list of reports: one card, or the text that stands in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.messages.elements import button, card, sentence_in_card, text
from bot.messages.request_card import COLORS, FAMILIES, period_of, status_word, title_of
from bot.text import MAX_TEXT_BYTES, ago, escape_card, escape_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.webex.report import Report
    from bot.webex.types import Card


def reports_card(reports: Sequence[Report], now: datetime, *, total: int, page: int, note: str) -> Card:
    """A page of the reports that can be asked for, each with its button."""
    body = [
        text("Reports", size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
    ]
    body += [_row(report, now) for report in reports]
    more = [button("More", "reports", str(page + 1))] if total > len(reports) else []
    return card(body, more, instead=reports_text(reports, now, note=note))


def _row(report: Report, now: datetime) -> dict[str, Any]:
    about = [
        FAMILIES[report.family],
        period_of(report),
        f"created {ago(report.created, now)}" if report.created else "",
    ]
    return {
        "type": "ColumnSet",
        "separator": True,
        "columns": [
            {
                "type": "Column",
                "width": "stretch",
                "items": [
                    text(escape_card(title_of(report), 100), weight="Bolder"),
                    text(
                        f"● {escape_card(status_word(report))}",
                        color=COLORS[report.phase],
                        size="Small",
                        spacing="None",
                    ),
                    text(escape_card(", ".join(filter(None, about))), size="Small", isSubtle=True, spacing="None"),
                ],
            },
            {
                "type": "Column",
                "width": "auto",
                "verticalContentAlignment": "Center",
                "items": [{"type": "ActionSet", "actions": [button("Get", "report", report.id)]}],
            },
        ],
    }


def reports_text(reports: Sequence[Report], now: datetime, *, note: str) -> str:
    """The same for a client that shows no cards; the ids can be copied, so a line that does not fit is left out."""
    lines = [note, ""]
    for report in reports:
        created = f", created {ago(report.created, now)}" if report.created else ""
        about = f"**{escape_markdown(title_of(report), 80)}**, {escape_markdown(status_word(report), 40)}{created}"
        line = f"- {about}: `report {report.id}`"
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
