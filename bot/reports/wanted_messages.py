"""Say which messages a request's thread should hold, by what the rows say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bot.db.messages import Name
from bot.db.requests import PERSON, Content, State
from bot.db.space_settings import FileFormat
from bot.reports.trouble import is_told
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.db.messages import Message
    from bot.db.reports import ReportRow
    from bot.db.requests import Request


class Slot(StrEnum):
    """What a message of a request is; ``deliver.py`` sends the files and their progress."""

    CARD = "card"
    NOTICE = "notice"
    """In the space: the answer went to the person directly."""
    TROUBLE = "trouble"
    """Webex has trouble, and the bot keeps trying."""
    END = "end"
    """How it ended, where no card says so."""
    PROGRESS = "progress"
    FILE = "file"


BLANK: Final = ":blank"
"""In what a card shows: nothing is in the file, and why."""
DELETED: Final = ":deleted"
"""In what a card shows: the bot has deleted the report."""
FOLLOW: Final = (Slot.CARD, Slot.TROUBLE, Slot.PROGRESS)
"""Slots whose messages go when they are not wanted any more."""


@dataclass(frozen=True, slots=True)
class ThreadState:
    """A request with everything that its thread depends on, read at one moment."""

    request: Request
    row: ReportRow | None
    elsewhere: bool
    """Its file comes, or came, in the thread of an older request."""
    standing: tuple[Message, ...]
    chosen: FileFormat = FileFormat.ORIGINAL
    """The format in which the space has its files."""
    own_first: bool = False
    """That older request is of the same person."""
    same_thread: bool = False
    """That older request is answered in the same thread, where its card stands."""
    listed: tuple[tuple[Request, ReportRow | None], ...] = ()
    """Of the first request of a message that made several: all of them, each with its report."""

    @property
    def report_row(self) -> ReportRow | None:
        """Return the report, once Webex has shown it for this request."""
        return self.row if self.request.found_at is not None else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that should be there; the same key is sent once."""

    slot: Slot
    variant: str = ""


def wanted(state: ThreadState, now: datetime) -> list[Wanted]:
    """Return the messages that the rows ask for. Pure."""
    request = state.request
    found: list[Wanted] = []
    if request.origin is not None:  # its owner is told of failures, by the task of its outcomes
        card = card_variant(state)
        return [Wanted(Slot.CARD, card)] if card else []
    if request.destination == PERSON and request.notice and request.room_id and _tells_for_all(state):
        found.append(Wanted(Slot.NOTICE))
    if card := card_variant(state):
        found.append(Wanted(Slot.CARD, card))
    elif request.state not in {State.OPEN, State.DELIVERED} and request.reason and _tells_for_all(state):
        found.append(Wanted(Slot.END, request.state.value))
    if request.state is State.OPEN and is_told(request, now):
        found.append(Wanted(Slot.TROUBLE))
    return found


def _tells_for_all(state: ThreadState) -> bool:
    """Return True for the first request of a message, or its only one: what concerns all is told once."""
    return not state.request.listed or bool(state.listed)


def _list_variant(state: ThreadState) -> str:
    """Return what the list card shows; nothing before each report was looked up, or where policy refuses all."""
    items = state.listed
    if state.request.content is Content.CARD and (there := next(_variants_there(state), "")):
        return there  # it is all that comes, so none is sent after it
    if not items or any(one.state is State.OPEN and one.found_at is None for one, _ in items):
        return ""
    if all(one.state is State.REFUSED for one, _ in items):
        return ""
    waits = any(one.state is State.OPEN and row and row.phase is Phase.PENDING for one, row in items)
    gone = sum(row is not None and row.deleted_at is not None for _, row in items)
    deleted = f"{DELETED}{gone}" if gone else ""
    failed = sum(one.state not in {State.OPEN, State.DELIVERED} for one, _ in items)
    revision = f".{state.request.revision}" if state.request.revision else ""
    return f"list:{'pending' if waits else 'settled'}{failed or ''}{deleted}{revision}"


def card_variant(state: ThreadState) -> str:
    """Return what the card shows, or nothing where there is none."""
    request, row = state.request, state.report_row
    if request.listed:
        return _list_variant(state)
    unattended = request.content is not Content.CARD_AND_FILE
    if unattended or row is None or request.state is State.REFUSED or not _has_card(state, row):
        return _variant_of_unattended(state) if unattended else ""
    elsewhere = ":elsewhere" if state.elsewhere else ""
    revision = f".{request.revision}" if request.revision else ""
    match request.state:
        case State.OPEN:
            ready = row.phase is Phase.READY
            blank = BLANK if ready and row.blank else ""
            return f"{Phase.READY if ready else Phase.PENDING}{blank}{elsewhere}{revision}"
        case _ if row.deleted_at is not None:
            stands = revision or any(one.slot == Slot.CARD for one in state.standing)
            return f"{request.state}{DELETED}{revision}" if stands or request.state is not State.DELIVERED else ""
        case State.DELIVERED:
            return f"{request.state}{elsewhere}{revision}" if revision else _that_stays(state, elsewhere)
        case _:
            return f"{request.state.value}{revision}"


def _variant_of_unattended(state: ThreadState) -> str:
    """Return what the card shows of a request that brings a card alone, or a file alone."""
    request, row = state.request, state.report_row
    if request.content is not Content.CARD or row is None or row.phase is not Phase.READY:
        return ""
    if request.state is State.OPEN:
        return "" if state.elsewhere else Phase.READY.value  # the file itself comes there
    return _that_stays(state, "") if request.state is State.DELIVERED else ""


def _that_stays(state: ThreadState, elsewhere: str) -> str:
    """Return what the card shows once the file has come: one that stands stays, and none is sent after it."""
    stays = {f"{Phase.READY}{blank}{elsewhere}" for blank in ("", BLANK)}
    return next((one for one in _variants_there(state) if one.partition(".")[0] in stays), "")


def _has_card(state: ThreadState, row: ReportRow) -> bool:
    """Return True for a request that is answered with a card.

    One for the file alone is, too, when there is no file to send at once, or when it comes in another thread.
    """
    request = state.request
    if request.wants_card or any(one.slot == Slot.CARD for one in state.standing):
        return True
    comes_elsewhere = state.elsewhere and not state.same_thread
    return request.state is State.OPEN and (row.phase is Phase.PENDING or comes_elsewhere)


def _variants_there(state: ThreadState) -> Iterator[str]:
    """Return what the cards show that stand where the request is answered now."""
    for one in state.standing:
        variant = one.variant or ""
        if one.key == name_of(state.request, Slot.CARD, variant).key:
            yield variant


def name_of(request: Request, slot: Slot, variant: str = "") -> Name:
    """Return the key of a message of a request, with what it shows; another place is another message."""
    parts = [f"request:{request.id}", slot.value, *([variant] if variant else [])]
    if request.destination == PERSON and slot is not Slot.NOTICE:
        parts.append("directly")
    key = ":".join(parts) if slot is not Slot.TROUBLE or request.found_at else f"{request.event}:trouble"
    return Name(key, request.id, slot.value, variant or None)
