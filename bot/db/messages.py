"""The bot's own messages, stored before and after each call: the intent first, the outcome when Webex has answered.

intended ──▶ sent ──▶ deleted
├──▶ refused    Webex does not take it
└──▶ unsure     the answer was lost, and Webex does not let the bot look
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, select, update

from bot.db import tables
from bot.db.id_spellings import spellings
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from bot.db.database import Transaction

_messages = tables.messages.c
_NAMES = tuple(column.name for column in _messages)
INTENDED, SENT, REFUSED, UNSURE, DELETED = "intended", "sent", "refused", "unsure", "deleted"
_ROWS = select(tables.messages).order_by(_messages.id)
_this = _messages.id == bindparam("row")
_not_deleted = _messages.state != tables.DELETED
_BY_ID = _ROWS.where(_this)
_BY_KEY = _ROWS.where(_messages.key == bindparam("of_key"), _not_deleted)
_BY_MESSAGE = _ROWS.where(_messages.message_id == bindparam("of_message"))
_OF_REQUEST = _ROWS.where(_messages.request_id == bindparam("request"), _not_deleted)
_IN_ROOM = _ROWS.where(_messages.room_id.in_(bindparam("rooms", expanding=True)), _messages.state == SENT)
_WITH_SLOT = select(_messages.request_id).where(
    _messages.request_id.in_(bindparam("requests", expanding=True)),
    _messages.slot.in_(bindparam("slots", expanding=True)),
    _not_deleted,
)
_UPDATE = update(tables.messages).where(_this)
_UPDATE_AS_KNOWN = _UPDATE.where(_messages.state == bindparam("known"), _messages.tried_at == bindparam("known_try"))
ANSWERS_ABOUT_A_REPORT: Final = frozenset({"refresh", "why", "cancel", "delete"})
"""Parts of the keys that end with a report's ID: ``messages:<message>:refresh:<report>``."""
_WITH_REPORT: Final = 4
"""Parts of such a key."""


@dataclass(frozen=True, slots=True)
class Name:
    """What a message is: its key, which is sent at most once, and of which request it shows what."""

    key: str
    request_id: int | None = None
    slot: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the bot sent, or meant to send."""

    id: int
    request_id: int | None
    key: str
    slot: str | None
    variant: str | None
    room_id: str | None
    person_id: str | None
    parent_id: str | None
    direct: bool
    state: str
    message_id: str | None
    fingerprint: str | None
    """Of the words of each try, separated by spaces."""
    intended_at: datetime
    tried_at: datetime
    settled_at: datetime | None
    """When the outcome was stored; of one that is intended, when its call ended without an answer.

    None: the call goes on, or ended with the process.
    """

    @property
    def target(self) -> Target:
        """Return where it was sent."""
        return Target(self.room_id, self.parent_id, self.person_id, direct=self.direct)


def read(row: Sequence[Any]) -> Message:
    """Return a row that begins with the table's columns as an object."""
    return Message(**dict(zip(_NAMES, row, strict=False)))


def intend(tx: Transaction, name: Name, target: Target, fingerprint: str, now: datetime) -> int | None:
    """Store that a message is about to be sent. Return its row's ID, or None when it is stored already."""
    values = {
        "key": name.key,
        "request_id": name.request_id,
        "slot": name.slot,
        "variant": name.variant,
        "state": INTENDED,
        "fingerprint": fingerprint,
        "intended_at": now,
        "tried_at": now,
        **_place(target),
    }
    return tx.insert_once(tables.messages, values, conflict=[])


def try_again(tx: Transaction, message: Message, target: Target, fingerprint: str, now: datetime) -> bool:
    """Store that a message is about to be sent once more, perhaps elsewhere and in other words.

    Return False when another process has done so since the message was read.
    """
    known = " ".join(sorted({fingerprint, *(message.fingerprint or "").split()}))
    values = {**_place(target), "state": INTENDED, "tried_at": now, "settled_at": None, "fingerprint": known}
    as_known = {"row": message.id, "known": message.state, "known_try": message.tried_at}
    return tx.execute(_UPDATE_AS_KNOWN, as_known | values).rowcount > 0


def end_try(tx: Transaction, row_id: int, tried_at: datetime, now: datetime) -> None:
    """Store that the call of a try has ended without an answer, unless another process has gone on from there."""
    tx.execute(_UPDATE_AS_KNOWN, {"row": row_id, "known": INTENDED, "known_try": tried_at, "settled_at": now})


def _place(target: Target) -> dict[str, Any]:
    return {
        "room_id": target.room_id,
        "person_id": target.person_id,
        "parent_id": target.parent_id,
        "direct": target.direct,
    }


def settle(tx: Transaction, row_id: int, state: str, now: datetime, **values: Any) -> None:
    """Store the outcome; ``message_id`` and ``room_id`` where Webex gave them."""
    tx.execute(_UPDATE, {"row": row_id, "state": state, "settled_at": now, **values})


def remove(tx: Transaction, row_id: int) -> None:
    """Remove a message that Webex has refused for now: it was never sent."""
    tx.execute(delete(tables.messages).where(_messages.id == row_id))


def get(tx: Transaction, key: str) -> Message | None:
    """Return the message with a key, unless it was deleted."""
    return tx.first(read, _BY_KEY, {"of_key": key})


def of_request(tx: Transaction, request_id: int) -> list[Message]:
    """Return the messages of a request that were not deleted, oldest first."""
    return [read(row) for row in tx.execute(_OF_REQUEST, {"request": request_id})]


def unsettled(tx: Transaction, before: datetime, most: int) -> list[tuple[int, str]]:
    """Return the requests with a message that was begun before then and has no outcome, and whose they are."""
    query = (
        select(_messages.request_id, tables.requests.c.person_id)
        .join(tables.requests, tables.requests.c.id == _messages.request_id)
        .where(_messages.state == tables.INTENDED, _messages.tried_at < before, _messages.slot != "file")
        .distinct()
        .limit(most)
    )
    return [(row.request_id, row.person_id) for row in tx.execute(query)]


def was_intended(tx: Transaction, key: str) -> bool:
    """Return True when a message was sent, or was about to be."""
    return get(tx, key) is not None


def has_file(tx: Transaction, request_id: int) -> bool:
    """Return True when a request's file, or a part of it, was sent or was about to be."""
    return bool(with_slot(tx, [request_id], ["file"]))


def posted(tx: Transaction, request_id: int, file_message: int | None) -> str | None:
    """Return Webex's ID of the message with a request's file, or of its card."""
    file = None if file_message is None else by_id(tx, file_message)
    if file is not None:
        return file.message_id
    row = tx.execute(select(_messages.message_id).where(_messages.request_id == request_id, _messages.state == SENT))
    return row.scalars().first()


def with_slot(tx: Transaction, request_ids: Collection[int], slots: Collection[str]) -> set[int]:
    """Return which of these requests have a message in one of these slots."""
    found = tx.execute(_WITH_SLOT, {"requests": list(request_ids), "slots": list(slots)}).scalars()
    return {one for one in found if one is not None}


def by_id(tx: Transaction, row_id: int) -> Message | None:
    """Return the message of a row."""
    return tx.first(read, _BY_ID, {"row": row_id})


def by_message(tx: Transaction, message_id: str) -> Message | None:
    """Return what became this message in Webex."""
    return tx.first(read, _BY_MESSAGE, {"of_message": message_id})


def report_card(tx: Transaction, message_id: str | None, report_id: str) -> Message | None:
    """Return this message when it is the card of a report that belongs to no request."""
    card = by_message(tx, message_id) if message_id else None
    return card if card and card.request_id is None and card.key.endswith(f":refresh:{report_id}") else None


def reports_shown(tx: Transaction, thread_id: str) -> list[str]:
    """Return the reports of cards that belong to no request: those that answer a thread's root, or are its root."""
    event = f"messages:{thread_id}"
    answers = tx.execute(_ROWS.where(_messages.key.between(f"{event}:", f"{event};"), _not_deleted))
    root = by_message(tx, thread_id)
    keys = [row.key for row in answers] + ([root.key] if root is not None else [])
    parts = [key.split(":") for key in keys]
    return [part[3] for part in parts if len(part) == _WITH_REPORT and part[2] in ANSWERS_ABOUT_A_REPORT]


def assign(tx: Transaction, message: Message, request_id: int, slot: str) -> None:
    """Make a message one of a request's, which replaces it."""
    tx.execute(update(tables.messages).where(_messages.id == message.id).values(request_id=request_id, slot=slot))


def in_room(tx: Transaction, room_id: str) -> Message | None:
    """Return a message of the bot's that stands in a space, if there is one."""
    return tx.first(read, _IN_ROOM, {"rooms": spellings(tx, _messages.room_id, room_id)})


def stand_again(tx: Transaction, room_id: str) -> list[int]:
    """Have the cards in a space of requests that are answered directly by now count as standing again.

    While the bot was not there, it could not delete them. Return the requests, whose threads then delete what is left.
    """
    of_requests = tables.requests.c
    redirected = select(of_requests.id).where(
        of_requests.room_id.in_(spellings(tx, of_requests.room_id, room_id)), of_requests.destination == "person"
    )
    there = (_messages.room_id.in_(spellings(tx, _messages.room_id, room_id)), _messages.message_id.is_not(None))
    ours = (_messages.request_id.in_(redirected), _messages.slot.in_(("card", "progress")), *there)
    found = update(tables.messages).where(_messages.state == tables.DELETED, *ours).values(state=SENT)
    return sorted({row.request_id for row in tx.execute(found.returning(_messages.request_id))})


SHOW_REPORT: Final = ("card", "file", "progress", "end")
"""Slots that show something of a report: they go from a group space when the answers go to the person directly."""


def shows_report(message: Message) -> bool:
    """Return True when a message shows something of a report."""
    return (message.slot or "").partition(":")[0] in SHOW_REPORT
