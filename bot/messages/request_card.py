"""The card of a report, and the text that stands in for it.

A card never holds the download link: it needs the admin token, and a card can be read by everybody in the space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.messages.elements import LONGEST_ID, card, facts, text
from bot.text import DAY, ago, duration, escape_card, escape_markdown, one_line, size, utc
from bot.webex.report import Family, Phase

if TYPE_CHECKING:
    from datetime import datetime

    from bot.webex.report import Report
    from bot.webex.types import Card

DETAILS = "details"
COLOURS = {Phase.READY: "Good", Phase.FAILED: "Attention", Phase.PENDING: "Warning"}
FAMILIES = {Family.PARTNER: "Partner report", Family.ORGANIZATION: "Organisation report"}
WORDS = {Phase.READY: "Done", Phase.FAILED: "Failed"}
NO_STATUS = "No status yet"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card says besides the report itself."""

    now: datetime
    reference: str
    coming: str
    """One sentence: what happens next."""
    buttons: tuple[dict[str, Any], ...] = ()


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
