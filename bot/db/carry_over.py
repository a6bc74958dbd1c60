"""Carry what version 0.1.0 stored over into this version's tables.

That version kept a report and a request in one row of ``deliveries``, and messages in ``posts``. The worker copies them
once it has the queue, before its first job: the old version's worker has ended by then. Done again it finds nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select

from bot.db import messages, tables
from bot.db.old_tables import deliveries, posts
from bot.db.requests import PERSON, THREAD, State
from bot.webex.report import Phase, phase_of

if TYPE_CHECKING:
    from sqlalchemy import Row

    from bot.db.database import Transaction

STATES: Final = {
    "done": State.DELIVERED,
    "failed": State.FAILED,
    "refused": State.REFUSED,
    "cancelled": State.CANCELED,
    "expired": State.EXPIRED,
    "unknown": State.UNSURE,
}
"""The old states of a closed request; every other one was open."""
MESSAGE_STATES: Final = {"sent": messages.SENT, "refused": messages.REFUSED, "unknown": messages.UNSURE}
OUTDATED: Final = "outdated"
"""What a card shows that is to be deleted."""
BESIDE: Final = ":beside"
"""Ended the key of what was posted outside of its thread, because the thread's root was gone."""
_KEY = re.compile(r"delivery:(\d+):(\w+)(.*)")
SLOTS: Final = {"file": "file", "fetching": "progress", "end": "end", "trouble": "trouble", "privately": "notice"}


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """The IDs of the requests that were copied, and of those with a message that was to be deleted."""

    requests: tuple[int, ...] = ()
    outdated: tuple[int, ...] = ()


def carry_over(tx: Transaction) -> CarriedOver:
    """Copy the old rows and delete them."""
    old = {row.id: row for row in tx.execute(select(deliveries).order_by(deliveries.c.id))}
    if not old:
        return CarriedOver()
    names = tables.key_values.c
    counts = select(names.name, names.value).where(names.name.startswith("downloads:"))
    counted = {row.name: row.value for row in tx.execute(counts)}
    for row in reversed(old.values()):  # the newest knows most of its report
        if row.family is not None:
            tx.insert_once(tables.reports, _report(row, counted), conflict=["report_id"])
    for row in old.values():
        tx.insert_once(tables.requests, _request(row), conflict=["event_key"])
    cards = {row.card_key or f"delivery:{row.id}:card": row.id for row in old.values()}
    found = tx.execute(select(posts).where(posts.c.state != "deleted").order_by(posts.c.id)).all()
    beside = {post.key.removesuffix(BESIDE) for post in found if post.key.endswith(BESIDE)}
    copied = [_message(post, old, cards) for post in found if post.key not in beside]
    for message in copied:
        tx.insert_once(tables.messages, message, conflict=[])
    tx.execute(delete(deliveries))
    tx.execute(delete(posts))
    outdated = {one["request_id"] for one in copied if one["variant"] == OUTDATED}
    return CarriedOver(tuple(old), tuple(sorted(outdated - {None})))


def _report(row: Row[Any], counted: dict[str, str]) -> dict[str, Any]:
    ready = row.ready_at is not None and row.state != "pending"
    return {
        "report_id": row.report_id,
        "family": row.family,
        "region": row.region,
        "title": row.title,
        "status": row.status,
        "phase": Phase.READY.value if ready else phase_of(row.status or "").value,
        "checked_at": row.asked_at,
        "checks": row.looks,
        "missing": row.missing,
        "next_check_at": row.next_look_at,
        "ready_at": row.ready_at,
        "file_size": row.size,
        "file_sha256": row.sha256,
        "file_kind": row.kind,
        "downloads": int(counted.get(f"downloads:{row.family}:{row.report_id}", 0)),
    }


def _request(row: Row[Any]) -> dict[str, Any]:
    state = STATES.get(row.state, State.OPEN)
    return {
        "id": row.id,
        "reference": row.reference,
        "event_key": row.origin,
        "person_id": row.asker_id,
        "room_id": row.room_id,
        "room_type": row.room_type,
        "thread_id": row.parent_id,
        "report_id": row.report_id,
        "wants_card": bool(row.carded),
        "destination": PERSON if row.private else THREAD,
        "state": state.value,
        "reason": None if state is State.CANCELED else row.reason,
        "asked_at": row.asked_at,
        "deadline_at": row.deadline_at,
        "found_at": row.asked_at if _is_found(row) else None,
        "closed_at": row.settled_at,
    }


def _is_found(row: Row[Any]) -> bool:
    return row.family is not None and row.state != "asked"


def _message(post: Row[Any], old: dict[int, Row[Any]], cards: dict[str, int]) -> dict[str, Any]:
    name = _name(post, old, cards)
    leaving = post.state == "leaving"
    state = (messages.SENT if post.message_id else messages.INTENDED) if leaving else MESSAGE_STATES.get(post.state)
    return {
        "key": name.key,
        "request_id": name.request_id,
        "slot": name.slot,
        "variant": OUTDATED if leaving else name.variant,
        "room_id": post.room_id,
        "person_id": post.person_id,
        "parent_id": post.parent_id,
        "direct": bool(post.direct),
        "state": state or messages.INTENDED,
        "message_id": post.message_id,
        "fingerprint": post.said,
        "intended_at": post.intended_at,
        "tried_at": post.settled_at if post.state == "intended" and post.settled_at else post.intended_at,
        "settled_at": post.settled_at,
    }


def _name(post: Row[Any], old: dict[int, Row[Any]], cards: dict[str, int]) -> messages.Name:
    """Return what this version calls a message: by the same names nothing is sent twice."""
    key = post.key.removesuffix(BESIDE)
    directly = ":directly" if post.person_id is not None else ""
    found = _KEY.fullmatch(key)
    if key in cards and (found is None or found[2] == "card"):
        row = old[cards[key]]
        shown = post.shows or STATES.get(row.state, Phase.PENDING).value  # what told the end shows nothing more
        return _card_name(row, shown.replace(" joined", ":elsewhere"), directly)
    if found is None or int(found[1]) not in old:
        return messages.Name(key)
    row, what, rest = old[int(found[1])], found[2], found[3].replace(":privately", "").strip(":")
    closed = STATES.get(row.state)
    if what == "end" and closed not in {None, State.REFUSED} and row.carded and _is_found(row):
        return _card_name(row, str(closed), directly)  # it says what the card says in this version
    if what == "card":
        return messages.Name(f"request:{row.id}:card:old:{post.id}", row.id, "card", OUTDATED)
    slot = SLOTS.get(what)
    if slot is None:
        return messages.Name(f"request:{row.id}:{what}{found[3]}", row.id)
    if slot == "end":
        rest = (closed or State.FAILED).value
    suffix = "" if slot == "notice" else directly
    new = ":".join(filter(None, [f"request:{row.id}", slot, rest])) + suffix
    return messages.Name(new, row.id, slot, rest or None)


def _card_name(row: Row[Any], variant: str, directly: str) -> messages.Name:
    return messages.Name(f"request:{row.id}:card:{variant}{directly}", row.id, "card", variant)
