"""One row for each report that somebody waits for, and the page that says how it may move.

    asked ──▶ pending ──▶ ready ──▶ fetching ──▶ posting ──▶ done   (from "asked" where the joined one is done)
      │          │  ▲        ▲          │            │
      │          │  └────────┼──────────┤            └──▶ unknown   the answer to the post was lost
      │          │           └──────────┴──── a kill, or Webex has trouble: from the start again
      └──────────┴──▶ failed · refused · cancelled · expired

A state that ends it is never left, but by a request of its own ("send again"). Every move is one conditional UPDATE
whose row count says whether it was ours to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from bot.db import audit
from bot.db.audit import Door
from bot.db.tables import deliveries
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select

    from bot.db.database import Transaction
    from bot.errors import BotError


class State(StrEnum):
    """Where a delivery stands."""

    ASKED = "asked"
    PENDING = "pending"
    READY = "ready"
    FETCHING = "fetching"
    POSTING = "posting"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


IN_HAND = frozenset({State.READY, State.FETCHING, State.POSTING})
"""The report is done and its file is on its way."""
OPEN = frozenset({State.ASKED, State.PENDING}) | IN_HAND
CLOSED = frozenset(State) - OPEN

PERSONAL = frozenset({State.REFUSED, State.CANCELLED})
"""Ends that are about who asked, not about the report: who joined goes on waiting."""

MOVES: dict[State, frozenset[State]] = {
    State.ASKED: frozenset(
        {State.PENDING, State.READY, State.DONE, State.FAILED, State.REFUSED, State.EXPIRED, State.CANCELLED}
    ),
    State.PENDING: frozenset({State.READY, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED}),
    State.READY: frozenset(
        {State.FETCHING, State.PENDING, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED}
    ),
    State.FETCHING: frozenset(
        {State.POSTING, State.READY, State.PENDING, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED}
    ),
    State.POSTING: frozenset({State.DONE, State.UNKNOWN, State.READY, State.FAILED, State.REFUSED, State.EXPIRED}),
} | {state: frozenset() for state in CLOSED}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request for one report, as the ledger has it."""

    id: int
    reference: str
    origin: str
    asker_id: str
    room_id: str | None
    room_type: str | None
    parent_id: str | None
    report_id: str
    family: str | None
    region: str | None
    title: str | None
    status: str | None
    state: State
    reason: str | None
    leader_id: int | None
    private: bool
    carded: bool
    asked_at: datetime
    deadline_at: datetime
    next_look_at: datetime | None
    looks: int
    missing: int
    ready_at: datetime | None
    settled_at: datetime | None
    size: int | None
    sha256: str | None
    kind: str | None
    card_key: str | None = None
    """The key of the post that is its card now; None: the first one, see :func:`card_of`."""


def _read(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)  # noqa: SLF001 SQLAlchemy's public name for it
    values["state"] = State(values["state"])
    values["private"] = bool(values["private"])
    values["carded"] = bool(values["carded"])
    return Delivery(**values)


def ask(tx: Transaction, values: dict[str, Any]) -> int | None:
    """Keep a request and give its id, or None when this very request (by its origin) is there already."""
    return tx.insert_once(deliveries, {"state": State.ASKED.value} | values, conflict=["origin"])


def get(tx: Transaction, delivery_id: int) -> Delivery | None:
    """The delivery of that row."""
    row = tx.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
    return None if row is None else _read(row)


def find(tx: Transaction, *where: ColumnElement[bool]) -> list[Delivery]:
    """Those for which all of this holds, oldest first."""
    return [_read(row) for row in tx.execute(select(deliveries).where(*where).order_by(deliveries.c.id))]


_AUDITED = (
    deliveries.c.asker_id,
    deliveries.c.room_id,
    deliveries.c.room_type,
    deliveries.c.report_id,
    deliveries.c.reference,
    deliveries.c.private,
)
"""What an end tells the audit."""


def move(
    tx: Transaction,
    delivery: Delivery,
    to: State,
    now: datetime,
    *,
    why: str = "",
    error: BotError | None = None,
    **values: Any,
) -> bool:
    """Move a delivery on from the state that it was read in. False: somebody else moved it first.

    Those that joined it end with it, but where the end is only about who asked, or came before its report was found:
    then the first of them goes on in its place. Each end is a row in the audit: ``why`` is its short cause, by default
    that of ``error``.
    """
    if to not in MOVES[delivery.state]:
        raise ValueError(f"a delivery does not go from {delivery.state} to {to}")
    this = (deliveries.c.id == delivery.id) & (deliveries.c.state == delivery.state.value)
    if to not in CLOSED:
        return tx.execute(update(deliveries).where(this).values(state=to.value, **values)).rowcount == 1
    closing = {"state": to.value, "settled_at": now, "next_look_at": None}
    ended = tx.execute(update(deliveries).where(this).values(values | closing).returning(*_AUDITED)).one_or_none()
    if ended is None:
        return False
    if to in PERSONAL or (delivery.state is State.ASKED and to is not State.DONE):
        hand_over(tx, delivery, now)
    joined = _joined(delivery)
    closing |= {"reason": values.get("reason")} | {name: getattr(delivery, name) for name in _SHARED}
    followers = tx.execute(update(deliveries).where(joined).values(closing).returning(*_AUDITED)).all()
    for row in (ended, *followers):
        audit.record(tx, _ending(row, to, why or (audit.cause_of(error) if error else ""), error), now)
    return True


_SHARED = ("status", "ready_at", "size", "sha256", "kind")
"""What was learned for anyone who joined, too."""


def _joined(delivery: Delivery) -> ColumnElement[bool]:
    return (deliveries.c.leader_id == delivery.id) & deliveries.c.state.in_([state.value for state in OPEN])


def hand_over(tx: Transaction, delivery: Delivery, now: datetime, *, not_to: str | None = None) -> None:
    """Those who joined a delivery go on without it: the first of them (not the person ``not_to``) leads the others."""
    found = [one for one in find(tx, _joined(delivery)) if not same_id(one.asker_id, not_to)]
    if found:
        first, *others = found
        _lead(tx, first, delivery, now)
        for other in others:
            note(tx, other.id, leader_id=first.id)


def let_go(tx: Transaction, delivery: Delivery, now: datetime) -> None:
    """Each of those who joined a delivery is served by itself from now on: the file cannot be seen by all of them."""
    for one in find(tx, _joined(delivery)):
        _lead(tx, one, delivery, now)


def leave(tx: Transaction, one: Delivery, now: datetime) -> None:
    """Have an open delivery be served by itself, if it joined another one: that one's file goes elsewhere."""
    before = get(tx, one.leader_id) if one.leader_id is not None and one.state in OPEN else None
    if before is not None:
        _lead(tx, one, before, now)


def _lead(tx: Transaction, one: Delivery, before: Delivery, now: datetime) -> None:
    """Stand where the delivery stood that was joined; the job that serves its report finds it."""
    in_hand = {"state": State.READY.value, "ready_at": now} if before.state in IN_HAND else {}
    note(tx, one.id, leader_id=None, **in_hand)


def _ending(row: Row[Any], to: State, why: str, error: BotError | None) -> audit.Entry:
    """What the audit says of an end, for the person as the row has it now: it may have been forgotten meanwhile."""
    if to is State.DONE:
        outcome = audit.joined("delivered", "privately" if row.private else "")
    else:
        outcome = audit.joined(to.value, why)
    return audit.Entry(
        door=Door.SYSTEM,
        act=audit.DELIVERY,
        outcome=outcome,
        person_id=row.asker_id,
        room_id=audit.place(row.room_id, row.room_type),
        report_id=row.report_id,
        reference=row.reference,
        tracking=audit.tracking_of(error),
    )


def note(tx: Transaction, delivery_id: int, **values: Any) -> None:
    """Keep what was learned of a delivery, without moving it."""
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))


def card_of(delivery: Delivery) -> str:
    """The key of the post that is the card of a request: the first one, or what has taken its place."""
    return delivery.card_key or f"delivery:{delivery.id}:card"


def change_card(tx: Transaction, delivery: Delivery, key: str) -> bool:
    """Have the post of that key be its card. False: somebody else changed it since the delivery was read."""
    before = deliveries.c.card_key
    unchanged = before.is_(None) if delivery.card_key is None else before == delivery.card_key
    this = (deliveries.c.id == delivery.id) & unchanged
    return tx.execute(update(deliveries).where(this).values(card_key=key)).rowcount == 1


def with_card(tx: Transaction, report_id: str, key: str) -> Delivery | None:
    """The request for that report whose card is the post of that key."""
    found = find(tx, deliveries.c.report_id == report_id)
    return next((one for one in found if card_of(one) == key), None)


def joined_to(tx: Transaction, delivery: Delivery) -> list[Delivery]:
    """Those who joined a delivery, oldest first; its end is theirs."""
    return find(tx, deliveries.c.leader_id == delivery.id)


def asked_in(delivery: Delivery) -> str:
    """The event in which a report was asked for, perhaps with others."""
    return delivery.origin.rpartition(":")[0]


def unanswered_beside(tx: Transaction, delivery: Delivery) -> bool:
    """Whether another request of the same event has no answer yet."""
    event = asked_in(delivery)
    same = (deliveries.c.origin > f"{event}:") & (deliveries.c.origin < f"{event};")  # the letter behind the colon
    return bool(find(tx, same, deliveries.c.state == State.ASKED.value, deliveries.c.id != delivery.id))


def asked_before(tx: Transaction, delivery: Delivery) -> list[Delivery]:
    """Earlier requests for the same report that have no answer yet."""
    this = (deliveries.c.report_id == delivery.report_id) & (deliveries.c.id < delivery.id)
    return find(tx, this, deliveries.c.state == State.ASKED.value)


def of_report(tx: Transaction, family: str, report_id: str, states: Iterable[State]) -> list[Delivery]:
    """Deliveries of one report in these states, oldest first, without those that joined another."""
    return find(
        tx,
        deliveries.c.report_id == report_id,
        deliveries.c.family == family,
        deliveries.c.leader_id.is_(None),
        deliveries.c.state.in_([state.value for state in states]),
    )


def pending(tx: Transaction, family: str, region: str | None) -> list[Delivery]:
    """What one watch looks after: all pending deliveries of a family and region."""
    return find(
        tx,
        deliveries.c.state == State.PENDING.value,
        deliveries.c.leader_id.is_(None),
        deliveries.c.family == family,
        deliveries.c.region.is_(None) if region is None else deliveries.c.region == region,
    )


def free_orphans(tx: Transaction) -> int:
    """Have those go on by themselves that wait for one that has ended; gives their number.

    There should be none: anyone who ends takes along, or lets go, those who joined.
    """
    leader = deliveries.alias("leader")
    ended = select(leader.c.id).where(leader.c.state.in_([state.value for state in CLOSED]))
    found = find(
        tx, deliveries.c.state.in_([state.value for state in OPEN]), deliveries.c.leader_id.in_(ended.scalar_subquery())
    )
    for one in found:
        note(tx, one.id, leader_id=None)
    return len(found)


def known_family(tx: Transaction, report_id: str) -> str | None:
    """The family that an id turned out to be of when it was asked for before."""
    return tx.execute(
        select(deliveries.c.family)
        .where(deliveries.c.report_id == report_id, deliveries.c.family.is_not(None))
        .order_by(deliveries.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def report_ids_beyond(families: Collection[str]) -> Select[tuple[str]]:
    """Query the ids of reports that turned out to be of other families than these."""
    return select(deliveries.c.report_id).where(deliveries.c.family.is_not(None), deliveries.c.family.not_in(families))


def titles(tx: Transaction, report_ids: Collection[str], families: Collection[str]) -> dict[str, str]:
    """Give the titles of reports of these families, as far as they were learned."""
    rows = tx.execute(
        select(deliveries.c.report_id, deliveries.c.title)
        .where(
            deliveries.c.report_id.in_(report_ids),
            deliveries.c.family.in_(families),
            deliveries.c.title.is_not(None),
        )
        .order_by(deliveries.c.id)
    )
    return {row.report_id: row.title for row in rows}


def fetched_file(tx: Transaction, family: str, report_id: str) -> Delivery | None:
    """The newest delivery of a report whose file was fetched and verified: it knows size, hash and kind."""
    found = find(
        tx, deliveries.c.report_id == report_id, deliveries.c.family == family, deliveries.c.sha256.is_not(None)
    )
    return found[-1] if found else None


def in_state(tx: Transaction, *states: State) -> list[Delivery]:
    """Every delivery in these states, oldest first."""
    return find(tx, deliveries.c.state.in_([state.value for state in states]), deliveries.c.leader_id.is_(None))


def counts(tx: Transaction) -> dict[str, int]:
    """How many deliveries stand in each state."""
    rows = tx.execute(select(deliveries.c.state, func.count().label("number")).group_by(deliveries.c.state))
    return {row.state: row.number for row in rows}
