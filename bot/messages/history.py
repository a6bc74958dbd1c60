"""What happened to a request, in sentences: for ``why`` in the chat and on the command line. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot.db.requests import PERSON, Content, State
from bot.db.runs import RunState
from bot.messages.elements import card, text
from bot.messages.names import LONGEST_NAME, Names
from bot.messages.origins import named
from bot.messages.request_card import once_more, run_instead
from bot.messages.sentences import KEEP_TRYING
from bot.text import count, duration, escape_card, escape_markdown, size, strip_markdown, when
from bot.webex.report import Phase, looks_like_report_id
from bot.webex.report_families import FAMILIES, Family
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.runs import Run
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.webex.types import Card

SHOWN_OF_HASH: Final = 16
LONGEST_NOTE: Final = 400
"""Letters of one sentence; only the reason of a failure can be long."""
ENDS: Final = {
    State.CANCELED: "canceled",
    State.EXPIRED: "stopped waiting",
    State.FAILED: "failed",
    State.HALTED: "not posted",
    State.REFUSED: "not allowed",
    State.UNSURE: "delivery not confirmed",
}


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
    converted: bool = False
    """The space has files in a format of its choice, so the size of Webex's file is not that of the posted one."""
    elsewhere: bool = False
    """Its file comes, or came, with that of an older request."""
    next_check_within: float = 0.0
    """Seconds until the next check at the latest; 0: that is not told."""
    names: Names = field(default_factory=Names)
    origin: Schedule | Subscription | None = None
    """What it was made for, where nobody asked for it just then."""
    made_room_for: str = ""
    """The reference of the run for which its schedule has deleted it, if one has."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, as a part of a sentence, and when, where that is known."""

    what: str
    at: datetime | None = None


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
        f"Nobody has requested “{shown}” here. To request it, type `report {escape_markdown(wanted, 512)}`."
        f"{kept_for(kept_days)}"
    )


def steps(request: Request, facts: HistoryFacts) -> list[Step]:
    """Return what happened, oldest first; the names in it are escaped."""
    return list(_steps(request, facts))


def notes(request: Request, now: datetime, facts: HistoryFacts) -> list[str]:
    """Return what there is to know besides, a sentence each, to be escaped. Links stand in neither."""
    return list(_notes(request, now, facts))


def in_one_sentence(request: Request, facts: HistoryFacts) -> str:
    """Return ``**Ada** asked in **Admin reports** on Nov 23, 11:50 UTC → … → 138 KB posted 11:59 (open message)``."""
    parts: list[str] = []
    last: datetime | None = None
    for step in steps(request, facts):
        parts.append(f"{step.what}{_at(step.at, last)}")
        last = step.at or last
    if facts.link:
        # As text and not as a button: Webex takes only http and https for a button that opens something.
        parts[-1] += f" ([open message]({facts.link}))"
    return " → ".join(parts)


def run_in_one_sentence(run: Run, names: Names, origin: Schedule | Subscription | None = None) -> str:
    """Return what happened to a run that has given no report; ``origin``: what it was made for, if anything."""
    who = escape_card(names.person(run.person_id), LONGEST_NAME)
    where = names.place(run.room_id, direct=run.room_type == DIRECT)
    asked = f"**{who}** asked to run **{escape_card(run.title)}** {where} on {when(run.asked_at)}"
    if origin is not None:
        asked = f"For {named(origin)}, to run **{escape_card(run.title)}** {where} on {when(run.asked_at)}"
    if run.state is RunState.OPEN:
        return f"{asked} → Webex hasn't created the report yet. {KEEP_TRYING} Reference {run.reference}."
    return f"{asked} → no report{_at(run.closed_at, run.asked_at)}. {run.reason or ''}".rstrip()


def history_card(told: Sequence[tuple[Request, HistoryFacts]], now: datetime) -> tuple[str, Card]:
    """Return the text and the card of what happened to some requests, the newest first."""
    (newest, facts), *_ = told
    title = (facts.row.title if facts.row is not None else None) or "Report"
    body = [text(escape_card(title), size="Medium", weight="Bolder")]
    lines: list[str] = []
    for one, more in told:
        body.append(text(in_one_sentence(one, more), spacing="Small", separator=len(body) > 1))
        besides = [escape_card(note, LONGEST_NOTE) for note in notes(one, now, more)]
        body += [text(note, spacing="Small", size="Small") for note in besides]
        body.append(text(f"Reference {one.reference}", isSubtle=True, size="Small", spacing="Small"))
        lines.append(f"- {in_one_sentence(one, more)}. {' '.join(besides)} Reference {one.reference}.")
    said = "\n".join([f"**{escape_markdown(title)}**", "", *lines])
    buttons = [] if newest.state is State.OPEN else [*run_instead(facts.row), once_more(newest, facts.row)]
    return said, card(body, buttons, instead=said)


def _at(moment: datetime | None, last: datetime | None) -> str:
    """Return the time behind a step: whole at first, without the day on the same day."""
    if moment is None:
        return ""
    if last is None:
        return f" on {when(moment)}"
    return f" {moment:%H:%M}" if moment.date() == last.date() else f" {when(moment)}"


def _steps(one: Request, facts: HistoryFacts) -> Iterator[Step]:
    row = facts.row
    who = escape_card(facts.names.person(one.asker_id), LONGEST_NAME)
    asked = f"For **{who}**" if one.key_id is not None else f"**{who}** asked"
    if facts.origin is not None:
        asked = f"For {named(facts.origin)}"
    yield Step(f"{asked} {facts.names.place(one.room_id, direct=one.room_type == DIRECT)}", one.asked_at)
    if row is not None:
        # It is known right after policy has allowed it.
        directly = one.destination == PERSON and one.room_type != DIRECT
        yield Step(f"access check passed{', for a direct answer only' if directly else ''}")
        if row.ready_at is not None and row.ready_at < one.asked_at:
            yield Step(f"already ready (since {when(row.ready_at)})")  # for an earlier request
        else:
            if row.checks:
                yield Step(f"checked {count(row.checks, 'time')}")
            if row.ready_at is not None:
                yield Step("ready", row.ready_at)
    yield _end(one, row, facts)
    if row is not None and row.deleted_at is not None:
        by = f"by **{escape_card(facts.names.person(row.deleted_by), LONGEST_NAME)}**"
        room = f"by its schedule, to make room for run {facts.made_room_for}"
        yield Step(f"deleted from Webex {room if facts.made_room_for else by}", row.deleted_at)


def _end(one: Request, row: ReportRow | None, facts: HistoryFacts) -> Step:
    card_only = one.content is Content.CARD
    if one.state is State.DELIVERED and card_only:
        return Step("card posted", one.closed_at)
    if one.state is State.DELIVERED:
        known = row is not None and row.file_size is not None and not facts.converted
        what = size(row.file_size) if known and row is not None and row.file_size is not None else "file"
        return Step(f"{what} posted{f' in {facts.parts} parts' if facts.parts > 1 else ''}", one.closed_at)
    if one.state is not State.OPEN:
        return Step(ENDS[one.state], one.closed_at)
    if row is None:
        return Step("no answer from Webex yet, still trying")
    if row.phase is not Phase.READY:
        return Step("in progress")
    return Step("posting the card" if card_only else "downloading or posting the file")


def _notes(one: Request, now: datetime, facts: HistoryFacts) -> Iterator[str]:
    row, card_only = facts.row, one.content is Content.CARD
    if one.state not in {State.OPEN, State.DELIVERED} and one.reason:
        yield strip_markdown(one.reason)
    if one.state is State.DELIVERED and row is not None and (blank := row.why_blank) is not None:
        yield blank.sentence
    if one.state is State.UNSURE and not one.reason:
        yield f"Webex didn't say whether the {'card' if card_only else 'file'} was posted, and I couldn't check."
    if one.state is not State.DELIVERED and facts.there and facts.parts > 1:
        yield f"{facts.there} of its {facts.parts} parts were posted."
    if facts.elsewhere:
        yield "It had been asked for here before, so one file serves both requests."
    if one.state is State.OPEN and row is not None and row.phase is not Phase.READY:
        yield f"{_next_check(row, now, facts)}I'll stop waiting on {when(one.deadline_at)}."
    if one.failing_since is not None:
        since = f"Webex has been returning errors since {when(one.failing_since)}."
        yield f"{since} {one.last_error or ''} I'm retrying automatically.".replace("  ", " ")
    if row is not None:
        hashed = f" SHA-256 {row.file_sha256[:SHOWN_OF_HASH]}…" if row.file_sha256 and not card_only else ""
        family = FAMILIES[Family(row.family)].name.capitalize()
        yield f"{family}; last status from Webex: {row.status or 'none'}.{hashed}"


def _next_check(row: ReportRow, now: datetime, facts: HistoryFacts) -> str:
    if row.next_check_at is not None and row.next_check_at > now:
        return f"Next check at {when(row.next_check_at)}. "
    return f"Next check within {duration(facts.next_check_within)}. " if facts.next_check_within else ""
