"""Requests by the place in which they were made: what may be joined, cancelled, renewed or told of there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, false, or_, true

from bot.db.requests import IN_HAND, OPEN, State, find
from bot.db.tables import deliveries
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement

    from bot.db.database import Transaction
    from bot.db.requests import Delivery


def awaited_here(
    tx: Transaction, delivery: Delivery, *, done: bool = False, without: Collection[int] = ()
) -> Delivery | None:
    """The delivery to the same place that a new request for the same report joins; ``done``: one whose file comes now.

    Of those asked at the same moment the first is joined by the others. "Send again" asks for one more file, so it
    joins only what waits, and another "send again" that is under way. ``without``: rows that are joined by nobody.
    """
    asked_before = and_(deliveries.c.state == State.ASKED.value, deliveries.c.id < delivery.id)
    comes = or_(deliveries.c.state.in_([state.value for state in IN_HAND]), asked_before)
    alike = true() if delivery.carded else deliveries.c.carded.is_(False)
    waits = false() if done else deliveries.c.state == State.PENDING.value
    found = find(
        tx,
        deliveries.c.id.not_in({delivery.id, *without}),
        deliveries.c.report_id == delivery.report_id,
        deliveries.c.leader_id.is_(None),
        or_(and_(comes, alike), waits),
        deliveries.c.private == delivery.private,
    )
    return next((one for one in found if _goes_to(one, delivery.room_id, delivery.asker_id)), None)


def _goes_to(one: Delivery, room_id: str | None, asker_id: str) -> bool:
    """Return True when a request is answered in this space, or if it is answered 1:1, to this person."""
    return same_id(one.asker_id, asker_id) if one.private else same_id(one.room_id, room_id)


def in_one_thread(one: Delivery, other: Delivery) -> bool:
    """Whether two requests are answered in the same thread."""
    if (one.parent_id, one.private) != (other.parent_id, other.private):
        return False
    return one.room_id == other.room_id or same_id(one.room_id, other.room_id)


def in_thread(tx: Transaction, report_id: str, room_id: str, parent_id: str | None) -> Delivery | None:
    """The newest request for a report that has its card in that thread."""
    found = find(
        tx,
        deliveries.c.report_id == report_id,
        deliveries.c.parent_id.is_(None) if parent_id is None else deliveries.c.parent_id == parent_id,
        deliveries.c.private.is_(False),
        deliveries.c.carded.is_(True),
    )
    return next((one for one in reversed(found) if same_id(one.room_id, room_id)), None)


def waiting_here(tx: Transaction, room_id: str, asker_id: str, report_id: str) -> list[Delivery]:
    """The open deliveries of a report to a space, or to this asker 1:1."""
    found = find(
        tx,
        deliveries.c.report_id == report_id,
        deliveries.c.leader_id.is_(None),
        deliveries.c.state.in_([state.value for state in OPEN]),
    )
    return [one for one in found if _goes_to(one, room_id, asker_id)]


def _of(families: Collection[str]) -> ColumnElement[bool]:
    """Requests for reports of these families, or of none that is known yet."""
    return deliveries.c.family.is_(None) | deliveries.c.family.in_(families)


def open_here(
    tx: Transaction, room_id: str, asker_id: str, report_id: str, families: Collection[str]
) -> list[Delivery]:
    """Find everything that a person may cancel in a space, requests that joined another included.

    ``families``: those that the person may use. Of other families nothing is told, and while no request tells the
    report's family, each is its asker's alone.
    """
    found = find(
        tx,
        deliveries.c.report_id == report_id,
        _of(families),
        deliveries.c.state.in_([state.value for state in OPEN]),
    )
    told = any(one.family is not None for one in found)
    known = [one for one in found if told or same_id(one.asker_id, asker_id)]
    return [one for one in known if _goes_to(one, room_id, asker_id)]


def cancelled_by(tx: Transaction, report_id: str, origin: str) -> list[Delivery]:
    """What one request has cancelled: its origin stands in the place of a reason."""
    return find(
        tx,
        deliveries.c.report_id == report_id,
        deliveries.c.state == State.CANCELLED.value,
        deliveries.c.reason == origin,
    )


def told_here(
    tx: Transaction, room_id: str, asker_id: str | None, wanted: str, families: Collection[str]
) -> list[Delivery]:
    """Requests for a report id, or with a reference, that were made in a space, or by a person if one is named.

    Of reports of these families, the newest first.
    """
    about = find(tx, _of(families), (deliveries.c.report_id == wanted) | (deliveries.c.reference == wanted.lower()))
    return [
        one
        for one in reversed(about)
        if same_id(one.asker_id, asker_id) or (not one.private and same_id(one.room_id, room_id))
    ]
