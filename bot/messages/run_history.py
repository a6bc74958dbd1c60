"""The runs of a schedule, and the reports of a subscription, with how each ended: the answers to ``history``. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db.origin import Kind, OriginState
from bot.db.past_runs import FAILED
from bot.db.requests import State
from bot.db.runs import Why
from bot.messages import report_form
from bot.messages.elements import button, card, primary, row, text
from bot.messages.origins import kind_of, name_of, named
from bot.messages.request_card import COLORS, ENDS, WORDS, period_and_region, title_of
from bot.text import MAX_TEXT_BYTES, count, escape_card, escape_markdown, strip_markdown, when_in
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from bot.db.past_runs import PastRun
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.webex.types import Card

    Owned = Schedule | Subscription

HISTORY, RETRY = "history", "retry"
LONGEST_TITLE: Final = 80
LONGEST_REASON: Final = 300
WHY: Final = {
    Why.DUE: "on schedule",
    Why.LATE: "late",
    Why.TEST: "a test",
    Why.BY_HAND: "run by hand",
    Why.RETRY: "a retry",
}
NOT_CREATED: Final = "Webex hasn't created it yet"
NOTHING_YET: Final = {
    Kind.SCHEDULE: "It hasn't run yet.",
    Kind.SUBSCRIPTION: "No matching report has become ready since it was set.",
}
NO_MORE: Final = "There are no earlier ones."
NOTHING_TO_RETRY: Final = "There is nothing to retry: nothing failed, or it was retried already."


def history_card(
    owned: Owned, past: Sequence[PastRun], zone: ZoneInfo, *, page: int, more: bool, may_change: bool
) -> tuple[str, Card]:
    """Return the text and the card of one page of what it did, newest first; ``may_change``: the reader may."""
    head = f"History of “{escape_card(name_of(owned), LONGEST_TITLE)}”"
    note = _note(owned, past, zone, page)
    retried = [one for one in past if may_change and _may_be_retried(one)]
    body = [
        text(head, size="Medium", weight="Bolder"),
        *([text(_paused(owned), color="Attention", spacing="Small")] if _paused(owned) else []),
        text(note, isSubtle=True, size="Small", spacing="Small"),
        *(_row(owned, one, zone, retry=one in retried) for one in past),
    ]
    buttons = [primary(button("Resume", "resume", owned.reference))] if may_change and _paused(owned) else []
    if more:
        buttons.append(button("Show more", HISTORY, f"{owned.reference} page {page + 1}"))
    if sum(one.state in FAILED for one in retried) > 1:
        buttons.append(button("Retry all that failed", HISTORY, f"{owned.reference} {RETRY}"))
    said = _text(owned, f"**{head}** {_paused(owned)} {note}".replace("  ", " "), past, zone)
    return said, card(body, buttons, instead=said)


def _paused(owned: Owned) -> str:
    return f"Paused. {strip_markdown(owned.reason or '')}".rstrip() if owned.state is OriginState.PAUSED else ""


def _note(owned: Owned, past: Sequence[PastRun], zone: ZoneInfo, page: int) -> str:
    if not past:
        return NOTHING_YET[owned.origin.kind] if page == 1 else NO_MORE
    which = f"page {page}" if page > 1 else "newest first"
    zone_name = zone.key.replace("_", " ")
    return f"{kind_of(owned).capitalize()}, {which}. Times are in {zone_name}. Reference {owned.reference}."


def _row(owned: Owned, past: PastRun, zone: ZoneInfo, *, retry: bool) -> dict[str, Any]:
    word, color = _status(past)
    parts = [
        text(escape_card(_head(past, zone), LONGEST_TITLE), weight="Bolder"),
        text(f"● {word}", color=color, size="Small", spacing="None"),
        *([text(_reason(past), size="Small", spacing="None")] if _reason(past) else []),
        text(_about(past, zone), size="Small", isSubtle=True, spacing="None"),
    ]
    return row(parts, button("Retry", HISTORY, f"{owned.reference} {RETRY} {past.reference}") if retry else None)


def _head(past: PastRun, zone: ZoneInfo) -> str:
    """Return when a run was planned; for a subscription the report's title."""
    if past.run is not None:
        return when_in(past.run.planned_at or past.asked_at, zone)
    return title_of(past.row.report) if past.row is not None else "Report"


def _status(past: PastRun) -> tuple[str, str]:
    if past.state is State.DELIVERED:
        return "Delivered", "Good"
    if past.state in ENDS:
        return ENDS[past.state]
    if past.request is None:
        return NOT_CREATED, COLORS[Phase.PENDING]
    phase = past.row.phase if past.row is not None else Phase.PENDING
    return WORDS[phase], COLORS[phase]


def _reason(past: PastRun) -> str:
    if past.state in {State.OPEN, State.DELIVERED}:
        return ""
    # The reference in a run's reason is that of the line below, and why tells Webex's tracking ID.
    said = past.reason.removesuffix(f" (reference {past.run.reference})") if past.run is not None else past.reason
    said = said.partition(" Webex tracking ID: ")[0]
    return escape_card(strip_markdown(said), LONGEST_REASON)


def _about(past: PastRun, zone: ZoneInfo) -> str:
    """Return why it ran, the period, the real times and the reference."""
    period, planned = "", None
    if past.run is not None:
        planned = past.run.planned_at
        about = report_form.about("", past.run.new_report)
        period = f"period {about}" if about else ""
    elif past.row is not None:
        period = period_and_region(past.row.report)
    started, done = ("ready", "posted") if past.run is None and past.state is State.DELIVERED else ("started", "ended")
    began = f"{started} {when_in(past.asked_at, zone, planned)}"
    ended = f"{done} {when_in(past.closed_at, zone, past.asked_at)}" if past.closed_at else ""
    parts = [_why(past), escape_card(period), began, ended, f"reference {past.reference}"]
    said = " · ".join(filter(None, parts))
    return f"{said[:1].upper()}{said[1:]}"


def _why(past: PastRun) -> str:
    if past.repeats:
        return f"a retry of {past.repeats}"
    return WHY[past.run.why] if past.run is not None and past.run.why is not None else ""


def _text(owned: Owned, head: str, past: Sequence[PastRun], zone: ZoneInfo) -> str:
    lines = [head, ""]
    for one in past:
        line = f"- {in_words(one, zone)}"
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    if any(map(_may_be_retried, past)):
        lines += ["", f"To retry all that failed, type `history {owned.reference} retry`."]
    return "\n".join(lines)


def in_words(past: PastRun, zone: ZoneInfo) -> str:
    """Return one entry as a line."""
    what = f"**{escape_markdown(_head(past, zone), LONGEST_TITLE)}**: {_status(past)[0]}."
    return " ".join(filter(None, [what, _reason(past), f"{_about(past, zone)}."]))


def _may_be_retried(past: PastRun) -> bool:
    return past.can_be_retried and not past.retried_by


def retried(owned: Owned, past: Sequence[PastRun], zone: ZoneInfo, left: int) -> str:
    """Return what is said when some of it is done again; ``left``: so many more failed and are not."""
    kind = owned.origin.kind
    what = count(len(past), "run" if kind is Kind.SCHEDULE else "report")
    if len(past) == 1:
        head = escape_markdown(_head(past[0], zone), LONGEST_TITLE)
        what = f"the run of {head}" if kind is Kind.SCHEDULE else f"**{head}**"
    file = "the file as soon as it's ready" if len(past) == 1 else "each file as soon as it's ready"
    more = f" {left} more failed: type `history {owned.reference} retry` again to retry them." if left else ""
    return f"Retrying {what} of {named(owned)}. I'll post {file}.{more}"
