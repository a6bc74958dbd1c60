"""The list of reports: one card, or the text that stands in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.messages.elements import button, card, sentence_in_card, text
from bot.messages.request_card import COLORS, created_of, family_name, period_of, status_word, title_of
from bot.text import MAX_TEXT_BYTES, count, escape_card, escape_markdown
from bot.webex.catalog import ASK_THE_NEXT
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.errors import WebexError
    from bot.webex.report import Report
    from bot.webex.report_families import Family
    from bot.webex.types import Card

NOTHING: Final = "There are no reports yet. Reports created in Control Hub or Partner Hub aren't available to bots."


def note_of(total: int, start: int, shown: int) -> str:
    """Return the line above the list: which reports it shows."""
    if not total:
        return NOTHING
    if not shown:
        return f"There {'is' if total == 1 else 'are'} only {count(total, 'report')}. Write `reports` for the newest."
    if shown == total:
        return f"{count(total, 'report')}, newest first."
    return f"{start + 1}–{start + shown} of {total}, newest first."


def not_shown(family: Family, error: WebexError) -> str:
    """Return the line for a family that Webex does not list."""
    if error.status in ASK_THE_NEXT:
        return f"Not shown: {FAMILIES[family].needs}."
    return f"{FAMILIES[family].name.capitalize()}s are missing from this list. {error.sentence}"


def reports_card(reports: Sequence[Report], *, total: int, page: int, note: str) -> Card:
    """Return a page of the reports that can be asked for, each with its button."""
    body = [
        text("Reports", size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
    ]
    body += [_row(report) for report in reports]
    more = [button("More", "reports", str(page + 1))] if total > len(reports) else []
    return card(body, more, instead=reports_text(reports, note=note))


def _row(report: Report) -> dict[str, Any]:
    about = [period_of(report), family_name(report), created_of(report) and f"created {created_of(report)}"]
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
                    text(escape_card(" · ".join(filter(None, about))), size="Small", isSubtle=True, spacing="None"),
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


def reports_text(reports: Sequence[Report], *, note: str) -> str:
    """Return the same for a client that shows no cards; IDs can be copied, so a line that does not fit is left out."""
    lines = [note, ""]
    for report in reports:
        period = period_of(report) and f" ({escape_markdown(period_of(report))})"
        about = f"**{escape_markdown(title_of(report), 80)}**{period}, {escape_markdown(status_word(report), 40)}"
        line = f"- {about}: `report {report.id}`"
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
