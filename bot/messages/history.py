"""What happened to a request, in sentences: for ``why`` in the chat and on the command line. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.db.requests import PERSON, State
from bot.messages.elements import card, text
from bot.messages.request_card import once_more
from bot.text import count, duration, escape_card, escape_markdown, size, strip_markdown, when
from bot.webex.report import Phase, looks_like_report_id
from bot.webex.report_families import FAMILIES, Family
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from bot.db.audit import Row
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.webex.types import Card

SHOWN_OF_HASH: Final = 16
LONGEST_STEP: Final = 400
"""Letters of one sentence; only the reason of a failure can be long."""


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """What the sentences need besides the request's row."""

    row: ReportRow | None = None
    """The report, once Webex has shown it for this request."""
    link: str | None = None
    """To the message with the file."""
    there: int = 0
    """How many messages with the file, or a part of it, were posted."""
    parts: int = 1
    """How many the file has."""
    elsewhere: bool = False
    """Its file comes, or came, with that of an older request."""
    next_check_within: float = 0.0
    """Seconds until the next check at the latest; 0: that is not told."""


def kept_for(days: int) -> str:
    """Return for how long requests are known, behind the sentence that nothing is known of one."""
    return f" Requests are kept for {days} day{'s' * (days > 1)}." if days else ""


def nothing_known(wanted: str, kept_days: int) -> str:
    """Return what is said when nothing is on record of what someone named."""
    shown = escape_markdown(wanted, 60)
    if not looks_like_report_id(wanted):
        return (
            f"I couldn't find a request “{shown}” here. Check the ID (it's case-sensitive). If you asked elsewhere, "
            f"ask me there, or directly.{kept_for(kept_days)}"
        )
    return (
        f"Nobody has requested “{shown}” here. To request it, write `report {escape_markdown(wanted, 512)}`."
        f"{kept_for(kept_days)}"
    )


def history(request: Request, now: datetime, facts: HistoryFacts) -> list[str]:
    """Return one sentence a step, oldest first. The link is not among them: each place shows it in its own way."""
    return list(_steps(request, now, facts))


def history_card(told: Sequence[tuple[Request, HistoryFacts]], now: datetime) -> tuple[str, Card]:
    """Return the text and the card of what happened to some requests, the newest first."""
    (newest, facts), *_ = told
    title = (facts.row.title if facts.row is not None else None) or "Report"
    body = [text(escape_card(title), size="Medium", weight="Bolder")]
    lines: list[str] = []
    for one, more in told:
        steps = history(one, now, more)
        body.append(text(f"Reference {one.reference}", isSubtle=True, size="Small"))
        body += [text(escape_card(step, LONGEST_STEP), spacing="Small") for step in steps]
        lines += [f"- {escape_markdown(step, LONGEST_STEP)}" for step in steps]
        if more.link:
            # As text and not as a button: Webex takes only http and https for a button that opens something.
            link = f"[{'Show the message' if one.state is State.DELIVERED else 'Show what was posted'}]({more.link})"
            body.append(text(link, spacing="Small"))
            lines.append(f"- {link}")
    said = "\n".join([f"**{escape_markdown(title)}**", "", *lines])
    buttons = [] if newest.state is State.OPEN else [once_more(newest, facts.row)]
    return said, card(body, buttons, instead=said)


def outcome_of(row: Row) -> str:
    """Return what the audit has of an answer that no request for a report stands behind, as a refusal."""
    outcome, _, why = row.outcome.partition(":")
    at = f", at {when(row.at)}" if row.at else ""
    return f"`{row.act}`: {outcome}{f' ({why})' if why else ''}{at}."


def _steps(one: Request, now: datetime, facts: HistoryFacts) -> Iterator[str]:
    row = facts.row
    directly = one.destination == PERSON and one.room_type != DIRECT
    where = "directly" if one.room_type == DIRECT else f"in a space{', answered directly' if directly else ''}"
    yield f"Requested at {when(one.asked_at)}, {where}."
    if row is not None:
        # It is known right after policy has allowed it.
        yield f"Access check passed{', for a direct answer only' if directly else ''}."
        yield f"{FAMILIES[Family(row.family)].name.capitalize()}; last status from Webex: {row.status or 'none'}."
        if row.checks:
            yield f"Checked {count(row.checks, 'time')}{' so far' if one.state is State.OPEN else ''}."
        if row.ready_at is not None:
            yield f"Ready at {when(row.ready_at)}."
        if row.file_size is not None and row.file_sha256:
            yield f"Downloaded: {size(row.file_size)} (SHA-256 {row.file_sha256[:SHOWN_OF_HASH]}…)."
    if facts.elsewhere:
        yield "Someone here had asked for it before, so one file serves both requests."
    yield from _state(one, row, now, facts)
    if one.failing_since is not None:
        since = f"Webex has been returning errors since {when(one.failing_since)}."
        yield f"{since} {one.last_error or ''} I'm retrying automatically.".replace("  ", " ")
    if one.state is not State.DELIVERED and facts.there and facts.parts > 1:
        yield f"{facts.there} of its {facts.parts} parts were posted."
    if one.closed_at is not None and one.state is not State.DELIVERED:
        yield f"Closed at {when(one.closed_at)}."


def _state(one: Request, row: ReportRow | None, now: datetime, facts: HistoryFacts) -> Iterator[str]:
    match one.state:
        case _ if row is None and one.state is State.OPEN:
            yield "No answer from Webex yet; still trying."
        case State.OPEN if row is not None and row.phase is Phase.READY:
            yield "The report is ready; downloading or posting its file."
        case State.OPEN if row is not None:
            yield f"In progress.{_next_check(row, now, facts)}"
            yield f"I'll stop waiting at {when(one.deadline_at)}."
        case State.DELIVERED:
            parts = f" in {facts.parts} parts" if facts.parts > 1 else ""
            at = f" at {when(one.closed_at)}" if one.closed_at else ""
            yield f"File posted{parts}{at}."
        case State.CANCELED:
            yield strip_markdown(one.reason or "") or "Canceled."
        case State.UNSURE:
            yield "Delivery not confirmed: Webex didn't say whether the file was posted, and I couldn't check."
        case _:
            yield strip_markdown(one.reason or "") or f"It ended: {one.state.value}."


def _next_check(row: ReportRow, now: datetime, facts: HistoryFacts) -> str:
    if row.next_check_at is not None and row.next_check_at > now:
        return f" Next check at {when(row.next_check_at)}."
    return f" Next check within {duration(facts.next_check_within)}." if facts.next_check_within else ""
