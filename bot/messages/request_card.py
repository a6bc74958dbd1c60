"""The card of a request: what it says in each state, in one place. Pure.

A card never holds the download link: it needs the admin token, and a card can be read by everybody in the space.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bot.db.requests import Content, State
from bot.db.space_settings import FileFormat
from bot.files.file_name import file_stem
from bot.messages import sentences
from bot.messages.elements import LONGEST_ID, button, card, facts, primary, sentence_in_card, text
from bot.text import escape_card, escape_markdown, one_line, size, when
from bot.webex.ids import bare_id
from bot.webex.report import Phase
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from datetime import date, datetime

    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.webex.report import Report
    from bot.webex.types import Card

DETAILS: Final = "details"
COLORS: Final = {Phase.READY: "Good", Phase.FAILED: "Attention", Phase.PENDING: "Warning"}
WORDS: Final = {Phase.READY: "Ready", Phase.FAILED: "Failed", Phase.PENDING: "In progress"}
ENDS: Final = {
    State.FAILED: (WORDS[Phase.FAILED], COLORS[Phase.FAILED]),
    State.HALTED: ("Not posted", "Default"),
    State.REFUSED: ("Not allowed", "Attention"),
    State.CANCELED: ("Canceled", "Default"),
    State.EXPIRED: ("Stopped waiting", "Attention"),
    State.UNSURE: ("Delivery not confirmed", "Warning"),
}
"""The word for a request that ended without its file, and its color."""
EMPTY: Final = "Ready, but empty"
DELETED: Final = "Deleted"
POSTED_WITH_ANOTHERS: Final = "The file is posted once, in the thread of the person who asked first."
POSTED_WITH_YOURS: Final = "The file is posted once, in the thread where you asked first."
ASKED_BY_ANOTHER: Final = "Someone here already asked for this report. I'll post the file once, in their thread."
ASKED_BY_YOU: Final = "You already asked for this report. I'll post the file once, where you asked first."
FILE_ON_DEMAND: Final = "The file is ready to be sent."
NO_STATUS: Final = "none"
FILE_LOST: Final = frozenset({"webex_410", "webex_413", "webex_428"})
"""Causes that stay: the file has expired or is infected, is too large for a message, or can't be scanned."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card says besides the report itself."""

    word: str
    """The status in a word or two."""
    color: str
    coming: str
    """What happens next, or what went wrong."""
    primary: dict[str, Any]
    others: tuple[dict[str, Any], ...] = ()
    reference: str = ""
    checked: str = ""
    """When Webex was asked last, on a card that was refreshed."""
    asked: str = ""
    """Who asked, on a card in a group space, or what it comes for: ``requested by Ada``."""
    file: str = ""
    """Name and size of the file that is posted, as far as they are known."""


def request_card(
    request: Request,
    row: ReportRow,
    *,
    elsewhere: bool,
    own_first: bool = False,
    chosen: FileFormat = FileFormat.ORIGINAL,
    now: datetime,
    poll_interval: float = 0.0,
    asked: str = "",
    usual: float | None = None,
) -> tuple[str, Card]:
    """Return the text and the card of a request; ``elsewhere``: its file comes in an older request's thread.

    ``own_first``: that is the person's own request. ``chosen``: the format in which the space has its files.

    While the report is in progress, ``poll_interval`` is told on a card that was refreshed, and ``usual``: how long
    such a report usually takes. Both are in seconds.
    """
    shown = _or_empty(request, row, replace(_shown(request, row, elsewhere, own_first), asked=asked))
    shown = replace(shown, file=file_of(row.report, row.file_kind, chosen))
    waits = is_waiting(request, row)
    if request.revision:
        checked = f"Checked {row.checked_at:%H:%M} UTC"
        told = waits and poll_interval
        shown = replace(shown, checked=f"{checked}, next check within {poll_interval:g} s" if told else checked)
    if waits and usual is not None:
        shown = replace(shown, coming=f"{shown.coming} {sentences.usually(usual)}")
    return report_text(row.report, shown, now), report_card(row.report, shown, now)


def _or_empty(request: Request, row: ReportRow, shown: Shown) -> Shown:
    """Return what the card shows of a report whose file has nothing in it: why, and what to run instead."""
    blank = row.why_blank
    told = row.phase is Phase.READY and row.deleted_at is None and request.state in {State.OPEN, State.DELIVERED}
    if blank is None or not told:
        return shown
    shown = replace(shown, word=EMPTY, color=COLORS[Phase.PENDING], coming=f"{blank.sentence} {shown.coming}")
    instead = run_instead(row)
    return replace(shown, primary=instead[0], others=(shown.primary, *shown.others)) if instead else shown


def run_instead(row: ReportRow | None) -> list[dict[str, Any]]:
    """Return the button that runs what is likelier to have something in it than this report, if there is one."""
    blank = row.why_blank if row is not None else None
    return [button(blank.title, "new", blank.argument)] if blank is not None and blank.title else []


def is_waiting(request: Request, report: ReportRow | Report) -> bool:
    """Return True for an open request whose report is in progress."""
    return request.state is State.OPEN and report.phase is Phase.PENDING


def _refreshed(request: Request, row: ReportRow) -> Shown:
    """Return what the card of a closed request shows that was refreshed: the report as it is now."""
    shown = replace(_report_shown(row.report, awaited=False), reference=request.reference)
    if request.state is State.DELIVERED and row.phase is Phase.READY:
        return replace(shown, coming="I've posted the file already.", primary=_button(request, "Send again", "again"))
    return shown


def report_only(
    report: Report,
    *,
    awaited: bool,
    now: datetime,
    own_first: bool = False,
    in_space: bool = False,
    chosen: FileFormat = FileFormat.ORIGINAL,
) -> tuple[str, Card]:
    """Return the text and the card of a report that nobody asked to have posted in this thread.

    ``awaited``: it comes in another thread here; ``own_first``: where the reader asked for it. ``in_space``: the
    reader, who alone sees it, waits for it in a space.
    """
    shown = _report_shown(report, awaited=awaited, own_first=own_first, in_space=in_space)
    shown = replace(shown, checked=f"Checked {now:%H:%M} UTC", file=file_of(report, None, chosen))
    return report_text(report, shown, now), report_card(report, shown, now)


def _report_shown(report: Report, *, awaited: bool, own_first: bool = False, in_space: bool = False) -> Shown:
    refresh = button("Refresh", "refresh", report.id)
    other = button("Cancel", "cancel", report.id) if in_space and report.phase is Phase.PENDING else refresh
    match report.phase:
        case Phase.READY:
            coming, primary = FILE_ON_DEMAND, button("Send file", "again", report.id)
        case Phase.FAILED:
            coming, primary = sentences.failed(None), run_again(report.id)
        case _ if in_space:
            coming = "You're waiting for this report in a space. I'll post the file there as soon as it's ready."
            primary = refresh
        case _ if awaited:
            coming = ASKED_BY_YOU if own_first else ASKED_BY_ANOTHER
            primary = refresh
        case _:
            coming = "You're not waiting for this report. Want me to post it when it's ready?"
            primary = button("Notify me when it's ready", "again", report.id)
    others = () if primary is other else (other,)
    return Shown(status_word(report), COLORS[report.phase], coming, primary, others)


def _shown(  # noqa: PLR0911 one for each state
    request: Request,
    row: ReportRow,
    elsewhere: bool,  # noqa: FBT001
    own_first: bool,  # noqa: FBT001
) -> Shown:
    if row.deleted_at is not None and request.state not in {State.OPEN, State.CANCELED}:
        coming = f"This report was deleted from Webex on {when(row.deleted_at)}."
        why = button("Why?", "why", request.reference)
        return Shown(DELETED, "Default", coming, run_again(request.report_id), (why,), request.reference)
    closed = request.state is not State.OPEN and request.cause not in FILE_LOST
    if request.revision and closed and row.deleted_at is None:
        return _refreshed(request, row)
    refresh, why = _button(request, "Refresh", "refresh"), button("Why?", "why", request.reference)
    again, ask = _button(request, "Send again", "again"), _button(request, "Ask again", "report")
    repeat, phase = once_more(request, row), row.phase
    if request.content is Content.CARD:  # it is posted when the report is ready, and no file follows
        send = _button(request, "Send file", "again")
        return Shown(WORDS[phase], COLORS[phase], FILE_ON_DEMAND, send, (why,), request.reference)
    match request.state:
        case State.OPEN | State.DELIVERED if phase is Phase.READY or request.state is State.DELIVERED:
            coming = (
                (POSTED_WITH_YOURS if own_first else POSTED_WITH_ANOTHERS) if elsewhere else "The file follows below."
            )
            others = (refresh, run_again(request.report_id), why)
            return Shown(WORDS[Phase.READY], COLORS[Phase.READY], coming, again, others, request.reference)
        case State.OPEN:
            cancel = _button(request, "Cancel", "cancel")
            coming = (
                (ASKED_BY_YOU if own_first else ASKED_BY_ANOTHER)
                if elsewhere
                else f"I'll post the file here as soon as it's ready. I'll stop waiting on {when(request.deadline_at)}."
            )
            return Shown(WORDS[phase], COLORS[phase], coming, refresh, (cancel, why), request.reference)
        case State.FAILED if phase is Phase.FAILED:
            word, color, coming = WORDS[phase], COLORS[phase], sentences.failed(None)
            return Shown(word, color, coming, run_again(request.report_id), (refresh, why), request.reference)
        case State.FAILED:
            word = "Not sent" if row.ready_at is not None else WORDS[Phase.FAILED]
            return Shown(word, "Attention", request.reason or "", repeat, (why,), request.reference)
        case State.EXPIRED:
            return Shown("Stopped waiting", "Attention", request.reason or "", ask, (why,), request.reference)
        case State.CANCELED:
            coming = request.reason or sentences.CANCELED
            coming = coming.removeprefix("Canceled. ").removeprefix(
                "Your request is canceled. "
            )  # the status has said so
            return Shown("Canceled", "Default", coming, repeat, (why,), request.reference)
        case _:
            return Shown("Delivery not confirmed", "Warning", request.reason or "", again, (why,), request.reference)


def once_more(request: Request, row: ReportRow | None) -> dict[str, Any]:
    """Return the button that asks once more; what was never ready cannot be sent again, nor got when it is lost."""
    if is_lost(request, row):
        return run_again(request.report_id)
    if request.state is State.DELIVERED or (row is not None and row.ready_at is not None):
        return _button(request, "Send file" if request.content is Content.CARD else "Send again", "again")
    return _button(request, "Ask again", "report")


def is_lost(request: Request, row: ReportRow | None) -> bool:
    """Return True where no file can come of the report: only a new one helps."""
    if request.reason == sentences.REPORT_DELETED or (row is not None and row.deleted_at is not None):
        return True
    if row is None or request.found_at is None:
        return False
    return row.phase is Phase.FAILED or request.cause in FILE_LOST or request.reason == sentences.gone(row.title)


def run_again(report_id: str) -> dict[str, Any]:
    """Return the button that runs the report's template once more."""
    return button("Run again", "run", f"again {report_id}")


def _button(request: Request, title: str, word: str) -> dict[str, Any]:
    return button(title, word, request.report_id, reference=request.reference)


def status_word(report: Report) -> str:
    """Return ``Ready``, ``Failed``, or ``In progress``; an unknown status of Webex's stands beside it."""
    return WORDS[Phase.PENDING if report.taken_for_ready else report.phase]


def family_name(report: Report) -> str:
    """Return what kind of report it is, as the beginning of a line."""
    return FAMILIES[report.family].name.capitalize()


def title_of(report: Report) -> str:
    """Return what a report is called."""
    return report.title or family_name(report)


def period_of(report: Report) -> str:
    """Return ``Oct 1–31, 2026``; Webex's own text where it cannot be read as days."""
    if report.start is not None and report.end is not None:
        return days(report.start, report.end)
    ends = [str(day) if day else raw for day, raw in ((report.start, report.start_raw), (report.end, report.end_raw))]
    return " to ".join(one_line(end, 40) for end in ends if end)


def region_of(report: Report) -> str:
    """Return the region, the sites or the sub-partner whose data is in it, where it was run for some."""
    region = report.region if FAMILIES[report.family].takes_region else ""
    of = (one_line(region, 20), one_line(", ".join(report.sites), 60), for_organization(report.on_behalf_of))
    return " · ".join(filter(None, of))


def for_organization(on_behalf_of: str) -> str:
    """Return for which sub-partner a report is, ``for organization 0e182e15-…``; empty for one of our own."""
    return f"for organization {bare_id(on_behalf_of)}" if on_behalf_of else ""


def period_and_region(report: Report) -> str:
    """Return what tells two runs of a report apart: ``Oct 1–31, 2026 · EU``."""
    return " · ".join(filter(None, (period_of(report), region_of(report))))


def days(start: date, end: date) -> str:
    """Return a range of days as people write it."""
    if start == end:
        return f"{start:%b} {start.day}, {start.year}"
    if start.year != end.year:
        return f"{start:%b} {start.day}, {start.year} – {end:%b} {end.day}, {end.year}"
    if start.month != end.month:
        return f"{start:%b} {start.day} – {end:%b} {end.day}, {end.year}"
    return f"{start:%b} {start.day}–{end.day}, {end.year}"


def iso_period_of(report: Report) -> str:
    """Return ``2026-10-01 to 2026-10-31``."""
    return " to ".join(str(day) for day in (report.start, report.end) if day)


def created_of(report: Report) -> str:
    """Return ``Mar 24, 17:13 UTC``; Webex's own text when it cannot be read as a time."""
    return when(report.created) if report.created is not None else report.created_raw


def file_of(report: Report, kind: str | None, chosen: FileFormat) -> str:
    """Return the posted file's name and, where it is posted as Webex has it, its size, once Webex tells of a file.

    ``kind``: zip or csv, once it was fetched: the name in Webex ends in ``.csv`` for both. ``chosen``: by the space.
    """
    if not (report.file_name or report.file_size):
        return ""
    converted = chosen not in {FileFormat.ORIGINAL, kind}
    extension = chosen.value if converted else kind
    name = f"{file_stem(report)}.{extension}" if extension else file_stem(report)
    return name if converted or not report.file_size else f"{name}, {size(report.file_size)}"


def expiry_of(report: Report, shown: Shown, now: datetime) -> str:
    """Return when Webex's download link expires, where it says so and the report is shown as ready."""
    if report.phase is not Phase.READY or shown.word != WORDS[Phase.READY]:
        return ""
    if report.expiry is not None:
        left = (report.expiry.at - now).total_seconds()
        if left <= 0:
            return "Webex's download link has expired; I get a new one before each download."
        at = f"{report.expiry.at:%H:%M} UTC" if report.expiry.at.date() == now.date() else when(report.expiry.at)
        return f"Webex's download link expires at {at}; the file doesn't."
    return ""


def report_card(report: Report, shown: Shown, now: datetime) -> Card:
    """Return title, status and what happens next; then what a person decides by; the rest behind "Details"."""
    asked = " · ".join(filter(None, (period_and_region(report), shown.asked)))
    seen = [one for one in (asked, expiry_of(report, shown, now), shown.checked) if one]
    details = {"type": "Action.ToggleVisibility", "title": "Details", "targetElements": [DETAILS]}
    return card(
        [
            text(escape_card(title_of(report)), size="Medium", weight="Bolder"),
            text(f"● {escape_card(shown.word)}", color=shown.color, weight="Bolder", spacing="Small"),
            text(sentence_in_card(shown.coming), spacing="Small"),
            *(text(escape_card(one), isSubtle=True, size="Small", spacing="Small") for one in seen),
            {"type": "ActionSet", "actions": [primary(shown.primary), details]},
            _details(report, shown),
        ],
        instead=report_text(report, shown, now),
    )


def _details(report: Report, shown: Shown) -> dict[str, Any]:
    known = [
        ("Service", report.service),
        ("Region", report.region),
        ("Sites", ", ".join(report.sites)),
        ("Period", iso_period_of(report)),
        ("Created", created_of(report)),
        ("Status in Webex", one_line(report.status, 60) or NO_STATUS),
        ("File", shown.file),
        ("Link", one_line(report.expiry_raw, 60) if report.expiry is None else ""),
        ("Kind", family_name(report)),
        ("Template", report.template_id),
        ("Checksum", report.checksum),
        ("Created by", report.origin),
        ("Reference", shown.reference),
    ]
    if report.expiry is None and not report.expiry_raw:
        known.append(("Link", "Webex gives no expiry"))
    items = [
        facts((name, escape_card(value)) for name, value in known),
        text("Report ID", size="Small", isSubtle=True),
        text(escape_card(report.id, LONGEST_ID), fontType="Monospace", size="Small", spacing="None"),
    ]
    if shown.others:
        items.append({"type": "ActionSet", "actions": list(shown.others)})
    return {"type": "Container", "id": DETAILS, "isVisible": False, "style": "emphasis", "items": items}


def report_text(report: Report, shown: Shown, now: datetime) -> str:
    """Return what a client that shows no cards reads."""
    period = period_and_region(report)
    about = f" ({escape_markdown(period)})" if period else ""
    said = [
        f"**{escape_markdown(title_of(report))}**{about}: {shown.word}.",
        shown.coming,
        expiry_of(report, shown, now),
    ]
    if shown.checked:
        said.append(f"{shown.checked}.")
    if shown.reference:
        said.append(f"Reference {shown.reference}.")
    return " ".join(one for one in said if one)
