"""What the bot says, kept before and after: the intent first, the outcome when Webex has answered.

intended ──▶ sent        Webex gave the message's id
         └─▶ unknown     the answer was lost, and Webex does not let the bot look
         └─▶ refused     Webex will not have it
sent ──▶ deleted         it was taken back; the same may be said again
     └─▶ leaving         it is to be taken back, and Webex had trouble: it is tried again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from bot.ledger.tables import posts

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ports import Target
    from bot.store import Transaction

BESIDE = ":beside"
"""Ends the key of what was said outside of its thread, because the thread's root is gone."""
INTENDED, SENT, UNKNOWN, REFUSED, DELETED = "intended", "sent", "unknown", "refused", "deleted"
LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class Post:
    """One thing that was said, or was to be."""

    id: int
    key: str
    state: str
    room_id: str | None
    person_id: str | None
    parent_id: str | None
    direct: bool
    message_id: str | None
    intended_at: datetime
    tried_at: datetime
    """When it was last begun to be said."""
    shows: str | None
    """What a card says of its report, in a word; kept when it was first meant to be said."""


def intend(tx: Transaction, key: str, target: Target, now: datetime, *, shows: str | None = None) -> bool:
    """Keep that this is about to be said. False: it was intended before and not taken back since, see :func:`get`."""
    values = {
        "key": key,
        "room_id": target.room_id,
        "person_id": target.person_id,
        "parent_id": target.parent_id,
        "direct": target.direct,
        "state": INTENDED,
        "intended_at": now,
        "shows": shows,
    }
    if tx.insert_once(posts, values, conflict=["key"]) is not None:
        return True
    before = get(tx, key)
    if before is not None and before.state == REFUSED:
        # Nothing of it stands anywhere, and this try may go elsewhere: 1:1 when the space was closed to us meanwhile.
        where = {name: values[name] for name in ("room_id", "person_id", "parent_id", "direct")}
        tx.execute(update(posts).where(posts.c.id == before.id).values(**where))
    if before is None or before.state != DELETED:
        return False
    # What was taken back stays on record, under a name of its own.
    tx.execute(update(posts).where(posts.c.id == before.id).values(key=f"{key}:gone:{before.id}"))
    return tx.insert_once(posts, values, conflict=["key"]) is not None


def get(tx: Transaction, key: str) -> Post | None:
    """What is known of the post with that key."""
    return _one(tx, posts.c.key == key)


def present(tx: Transaction, key: str) -> Post | None:
    """The post of that key as it may be in a space now: itself, or what was said beside its thread in its place."""
    itself, beside = get(tx, key), get(tx, f"{key}{BESIDE}")
    if beside is None or (beside.state == REFUSED and itself is not None and itself.state == SENT):
        return itself
    return beside


def by_message(tx: Transaction, message_id: str) -> Post | None:
    """The post that became this message of ours: so a button's press finds its card's thread."""
    return _one(tx, posts.c.message_id == message_id)


def _one(tx: Transaction, where: object) -> Post | None:
    # The first: two posts of the same words may have been taken for one message, which must not stop anybody.
    row = tx.execute(select(posts).where(where).order_by(posts.c.id)).first()  # type: ignore[arg-type]
    if row is None:
        return None
    return Post(
        id=row.id,
        key=row.key,
        state=row.state,
        room_id=row.room_id,
        person_id=row.person_id,
        parent_id=row.parent_id,
        direct=bool(row.direct),
        message_id=row.message_id,
        intended_at=row.intended_at,
        tried_at=row.settled_at if row.state == INTENDED and row.settled_at else row.intended_at,
        shows=row.shows,
    )


def leaving(tx: Transaction) -> list[str]:
    """The keys of what is to be taken back and is there still, because Webex had trouble."""
    return list(tx.execute(select(posts.c.key).where(posts.c.state == LEAVING).order_by(posts.c.id)).scalars())


def settle(
    tx: Transaction, key: str, state: str, now: datetime, *, message_id: str | None = None, room_id: str | None = None
) -> None:
    """Keep the outcome. What was taken back before its post was answered stays taken back."""
    values = {"state": state, "settled_at": now}
    if message_id is not None:
        values |= {"message_id": message_id, "room_id": room_id}
    tx.execute(update(posts).where(posts.c.key == key, posts.c.state != DELETED).values(**values))
