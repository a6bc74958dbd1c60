"""What the bot says, kept before and after: the intent first, the outcome when Webex has answered.

intended ──▶ sent        Webex gave the message's id
         └─▶ unknown     the answer was lost, and Webex does not let the bot look
         └─▶ refused     Webex will not have it
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

INTENDED, SENT, UNKNOWN, REFUSED, DELETED = "intended", "sent", "unknown", "refused", "deleted"


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


def intend(tx: Transaction, key: str, target: Target, now: datetime) -> bool:
    """Keep that this is about to be said. False: it was intended before, see :func:`get`."""
    values = {
        "key": key,
        "room_id": target.room_id,
        "person_id": target.person_id,
        "parent_id": target.parent_id,
        "direct": target.direct,
        "state": INTENDED,
        "intended_at": now,
    }
    return tx.insert_once(posts, values, conflict=["key"]) is not None


def get(tx: Transaction, key: str) -> Post | None:
    """What is known of the post with that key."""
    return _one(tx, posts.c.key == key)


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
    )


def settle(
    tx: Transaction, key: str, state: str, now: datetime, *, message_id: str | None = None, room_id: str | None = None
) -> None:
    """Keep the outcome."""
    values = {"state": state, "settled_at": now}
    if message_id is not None:
        values |= {"message_id": message_id, "room_id": room_id}
    tx.execute(update(posts).where(posts.c.key == key).values(**values))
