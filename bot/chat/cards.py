"""The cards: plain functions that return Adaptive Cards 1.2 as dicts, and the text that stands in for each.

Everything foreign goes through ``escape_card`` or ``escape_markdown``. A card never holds the download link: it
needs the admin token, and a card can be read by everybody in the space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.chat.registry import button
from bot.text import (
    CODE,
    DAY,
    MAX_TEXT_BYTES,
    ago,
    duration,
    escape_card,
    escape_markdown,
    one_line,
    size,
    strip_markdown,
    utc,
)
from bot.webex.report import Family, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from bot.chat.registry import Command
    from bot.webex.report import Report
    from bot.webex.types import Card

VERSION = "1.2"
"""The newest version that each of Webex's clients renders; 1.3 adds to it only what forms need."""
MOST_INSTEAD = 2_000
"""Bytes of what a client shows that renders no card of this version; the rest is left to the card."""

DETAILS = "details"
COLOURS = {Phase.READY: "Good", Phase.FAILED: "Attention", Phase.PENDING: "Warning"}
FAMILIES = {Family.PARTNER: "Partner report", Family.ORGANIZATION: "Organisation report"}
WORDS = {Phase.READY: "Done", Phase.FAILED: "Failed"}
NO_STATUS = "No status yet"
LONGEST_ID = 600


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card says besides the report itself."""

    now: datetime
    reference: str
    coming: str
    """One sentence: what happens next."""
    buttons: tuple[dict[str, Any], ...] = ()


def card(body: list[dict[str, Any]], actions: Iterable[dict[str, Any]] = (), *, instead: str) -> Card:
    """Return an Adaptive Card of these parts; ``instead`` is the message that stands in for it."""
    made: Card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "fallbackText": _lines_within(strip_markdown(instead), MOST_INSTEAD),
        "body": body,
    }
    listed = list(actions)
    return made | ({"actions": listed} if listed else {})


def sentence_in_card(sentence: str) -> str:
    """Return a sentence of a message as a card takes it: cards know no code."""
    return CODE.sub(lambda code: escape_card(code[1], LONGEST_ID), sentence)


def _lines_within(words: str, most: int) -> str:
    """Return the first lines that are of so many bytes together, or the start of the first."""
    lines = words.split("\n")
    while len("\n".join(lines).encode()) > most and len(lines) > 1:
        lines.pop()
    return "\n".join(lines).encode()[:most].decode(errors="ignore").rstrip()


def text(words: str, **more: Any) -> dict[str, Any]:
    """A block of text that wraps: on a phone nothing is cut off."""
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def facts(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Named values; those without a value are left out."""
    return {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in pairs if value]}


def status_word(report: Report) -> str:
    """``Done``, ``Failed``, or Webex's own word for what is on its way."""
    if report.taken_for_ready:
        return one_line(report.status, 60) or "No status"
    return WORDS.get(report.phase) or one_line(report.status, 60) or NO_STATUS


def title_of(report: Report) -> str:
    """What to call a report."""
    return report.title or FAMILIES[report.family]


def period_of(report: Report) -> str:
    """``2024-02-23 to 2024-03-24``."""
    ends = [str(day) if day else raw for day, raw in ((report.start, report.start_raw), (report.end, report.end_raw))]
    return " to ".join(one_line(end, 40) for end in ends if end)


def created_of(report: Report, now: datetime) -> str:
    """``3 hours ago (2024-03-24 17:13 UTC)``; Webex's own text when it cannot be read as a time."""
    if report.created is None:
        return report.created_raw
    return f"{ago(report.created, now)} ({utc(report.created)})"


def file_of(report: Report) -> str:
    """Name and size, as far as Webex gives them."""
    known = [one_line(report.file_name, 120)] if report.file_name else []
    if report.file_size:
        known.append(size(report.file_size))
    return ", ".join(known)


def link_of(report: Report, now: datetime) -> str:
    """How long the download link lasts and until when, or that Webex gives no expiry. Never the link."""
    if report.expiry is not None:
        left = (report.expiry.at - now).total_seconds()
        until = f"{report.expiry.at:%H:%M} UTC" if left < DAY else utc(report.expiry.at)
        return (
            f"lasts {duration(left)}, until {until}" if left > 0 else "expired; I fetch a new one before each download"
        )
    if report.expiry_raw:
        return f"Webex says “{one_line(report.expiry_raw, 60)}”"
    return "Webex gives no expiry"


def report_card(report: Report, shown: Shown) -> Card:
    """Status and expiry of one report at a glance; the rest behind "Details"."""
    where = [("Region", report.region)] if report.region else [("Sites", ", ".join(report.sites))]
    seen = [
        ("Service", report.service),
        *where,
        ("Period", period_of(report)),
        ("Created", created_of(report, shown.now)),
        ("File", file_of(report)),
        ("Link", link_of(report, shown.now)),
    ]
    return card(
        [
            text(escape_card(title_of(report)), size="Medium", weight="Bolder"),
            text(
                f"● {escape_card(status_word(report))}", color=COLOURS[report.phase], weight="Bolder", spacing="Small"
            ),
            facts((name, escape_card(value)) for name, value in seen),
            text(shown.coming, spacing="Medium"),
            _details(report, shown.reference),
            {
                "type": "ActionSet",
                "actions": [
                    *shown.buttons,
                    {"type": "Action.ToggleVisibility", "title": "Details", "targetElements": [DETAILS]},
                ],
            },
        ],
        instead=report_text(report, shown),
    )


def _details(report: Report, reference: str) -> dict[str, Any]:
    return {
        "type": "Container",
        "id": DETAILS,
        "isVisible": False,
        "style": "emphasis",
        "items": [
            text("Report id", size="Small", isSubtle=True),
            text(escape_card(report.id, LONGEST_ID), fontType="Monospace", size="Small", spacing="None"),
            facts(
                [
                    ("Kind", FAMILIES[report.family]),
                    ("Template", escape_card(report.template_id)),
                    ("Checksum", escape_card(report.checksum)),
                    ("Made by", escape_card(report.origin)),
                    ("Reference", reference),
                ]
            ),
        ],
    }


def report_text(report: Report, shown: Shown) -> str:
    """What a client that shows no cards reads."""
    period = period_of(report)
    about = f" ({escape_markdown(period)})" if period else ""
    link = f" Link: {escape_markdown(link_of(report, shown.now))}."
    status = escape_markdown(status_word(report))
    reference = f" Reference {shown.reference}." if shown.reference else ""
    return f"**{escape_markdown(title_of(report))}**{about}: {status}.{link} {shown.coming}{reference}"


NEVER_HERE = "Reports created in Control Hub or Partner Hub never show here: Webex doesn't give them to bots."
"""What most people who miss a report need to know, so it stands first."""


def help_card(commands: Sequence[Command], *, unknown: str = "", guess: Command | None = None) -> Card:
    """What the bot can do, with buttons; after an unknown word with the nearest command guessed."""
    body = [text("Webex reports", size="Medium", weight="Bolder")]
    if unknown:
        body.append(text(unknown_words(escape_card(unknown, 60), guess), color="Warning"))
    body.append(text(NEVER_HERE, spacing="Small"))
    body.append(
        text("I fetch Webex reports: you get a card at once, and the file here when it is done.", spacing="Small")
    )
    body += [
        {
            "type": "Container",
            "spacing": "Small",
            "items": [
                text(escape_card(command.usage), fontType="Monospace", weight="Bolder"),
                text(command.summary, spacing="None", isSubtle=True),
            ],
        }
        for command in commands
    ]
    return card(
        body,
        [button("Show reports", "reports"), button("Help", "help")],
        instead=help_text(commands, unknown=unknown, guess=guess),
    )


def unknown_words(word: str, guess: Command | None) -> str:
    """What to say to a word that is no command."""
    meant = f" Did you mean **{guess.word}**?" if guess else ""
    return f"I do not know “{word}”.{meant}"


def help_text(commands: Sequence[Command], *, unknown: str = "", guess: Command | None = None) -> str:
    """The same for a client that shows no cards."""
    lines = [f"- `{command.usage}`: {command.summary}" for command in commands]
    start = [unknown_words(escape_markdown(unknown, 60), guess)] if unknown else []
    return "\n".join([*start, f"{NEVER_HERE} I fetch the others. You can write:", "", *lines])


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
                        color=COLOURS[report.phase],
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
