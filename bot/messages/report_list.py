"""Lists of reports: the pages of ``reports``, and the choice where words name several; each a card and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.messages.elements import button, card, row, sentence_in_card, text
from bot.messages.request_card import (
    COLORS,
    created_of,
    days,
    family_name,
    period_and_region,
    period_of,
    region_of,
    status_word,
    title_of,
)
from bot.text import MAX_TEXT_BYTES, count, escape_card, escape_markdown
from bot.webex.catalog import ASK_THE_NEXT
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from bot.errors import WebexError
    from bot.webex.report import Report
    from bot.webex.report_families import Family
    from bot.webex.types import Card

NOTHING: Final = "There are no reports yet. Reports created in Control Hub or Partner Hub aren't available to bots."
NONE_READY: Final = "No report is ready yet. To see what there is, type `reports`."
LIST, CHOICE, ONE, NOT_FOUND = "Reports", "Which report?", "Is it this one?", "No such report"
LONGEST_WORDS: Final = 60


def asked_words(words: Sequence[str], period: tuple[date, date] | None = None) -> str:
    """Return what was looked for as a part of a sentence: ``“calling usage last month” (Oct 1–31, 2026)``."""
    said = f"“{escape_markdown(' '.join(words), LONGEST_WORDS)}”"
    return f"{said} ({days(*period)})" if period else said


def note_of(total: int, start: int, shown: int, asked: str = "") -> str:
    """Return the line above the list: which reports it shows; ``asked``: what was looked for."""
    if not total:
        return f"There are no reports for {asked}." if asked else NOTHING
    fit = f" for {asked}" if asked else ""
    if not shown:
        return f"There {'is' if total == 1 else 'are'} only {count(total, 'report')}{fit}."
    if shown == total:
        return f"{count(total, 'report')}{fit}{'' if asked and total == 1 else ', newest first'}."
    return f"{start + 1}–{start + shown} of {total}{fit}, newest first."


def choice_note(asked: str, total: int, shown: int, *, exact: bool) -> str:
    """Return the question above the reports of which one is meant."""
    if not exact:
        return f"No report has exactly these words: {asked}."
    if total == 1:
        return f"This report fits {asked}."
    return f"{total} reports fit {asked}{f'; here are {shown} of them' if shown < total else ''}. Pick one."


def nothing_note(asked: str) -> str:
    """Return what is said when no report fits."""
    return f"I found no report for {asked}."


def looked_in(regions: Sequence[str]) -> str:
    """Return in which regions it was looked besides the home region; empty for none."""
    return f"I looked in your home region and in {' and '.join(map(escape_markdown, regions))}." if regions else ""


def closest_note(nearest: int) -> str:
    """Return the end of the line above so many reports that nearly fit."""
    return "" if not nearest else "The closest one:" if nearest == 1 else "The closest ones:"


def not_shown(family: Family, error: WebexError) -> str:
    """Return the line for a family that Webex does not list."""
    if error.status in ASK_THE_NEXT:
        return f"Not shown: {FAMILIES[family].needs}."
    return f"{FAMILIES[family].name.capitalize()}s are missing from this list. {error.sentence}"


def downloaded(number: int, most: int) -> str:
    """Return what is said of a report of whose downloads few are left; others may have downloaded it, too."""
    return f"Webex allows {most} downloads; I've used {number} of them."


def reports_card(
    reports: Sequence[Report],
    *,
    note: str,
    heading: str = LIST,
    row_button: tuple[str, str] = ("Get", "report"),
    remarks: Mapping[str, str] | None = None,
    buttons: Sequence[dict[str, Any]] = (),
) -> Card:
    """Return a card of reports, each with its button: its title, and the command that it carries out.

    ``remarks``: sentences about some of them, by ID.
    """
    body = [
        text(heading, size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
    ]
    body += [_row(report, row_button, (remarks or {}).get(report.id, "")) for report in reports]
    return card(body, buttons, instead=reports_text(reports, note=note, word=row_button[1]))


def _row(report: Report, row_button: tuple[str, str], remark: str) -> dict[str, Any]:
    title, word = row_button
    about = [
        period_of(report),
        family_name(report),
        region_of(report),
        created_of(report) and f"created {created_of(report)}",
    ]
    parts = [
        text(escape_card(title_of(report), 100), weight="Bolder"),
        text(f"● {escape_card(status_word(report))}", color=COLORS[report.phase], size="Small", spacing="None"),
        text(escape_card(" · ".join(filter(None, about))), size="Small", isSubtle=True, spacing="None"),
        *([text(remark, size="Small", color="Warning", spacing="None")] if remark else []),
    ]
    return row(parts, button(title, word, report.id))


def reports_text(reports: Sequence[Report], *, note: str, word: str = "report") -> str:
    """Return the same for a client that shows no cards; IDs can be copied, so a line that does not fit is left out."""
    lines = [note, ""]
    for report in reports:
        period = period_and_region(report) and f" ({escape_markdown(period_and_region(report))})"
        about = f"**{escape_markdown(title_of(report), 80)}**{period}, {escape_markdown(status_word(report), 40)}"
        line = f"- {about}: `{word} {report.id}`"
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
