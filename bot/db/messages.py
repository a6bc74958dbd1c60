"""What the bot says, kept before and after: the intent first, the outcome when Webex has answered.

intended ──▶ sent        Webex gave the message's id
         ├─▶ unknown     the answer was lost, and Webex does not let the bot look
         ├─▶ refused     Webex will not have it
         └─▶ leaving     it is to be taken back, and is not seen yet
sent ──▶ deleted         it was taken back; the same may be said again
     └─▶ leaving         it is to be taken back, and Webex had trouble: it is tried again
leaving ──▶ deleted      it is gone, or never was there
        ├─▶ sent         it stays, since replies hang on it
        └─▶ unknown      it may be there, and Webex does not let the bot look any more
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, update

from bot.db.id_spellings import spellings
from bot.db.tables import posts
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from bot.db.database import Transaction
    from bot.webex.types import Target

BESIDE = ":beside"
"""Ends the key of what was said outside of its thread, because the thread's root is gone."""
INTENDED, SENT, UNKNOWN, REFUSED, DELETED = "intended", "sent", "unknown", "refused", "deleted"
LEAVING = "leaving"
SHOW_REPORT = ("card", "file", "fetching", "wait", "end")
"""What shows something of a report, by how its key goes on after the request's number."""


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
    said: frozenset[str]
    """Fingerprints of what its tries said: a card's words may be others at the next one.

    Posts of older versions of the bot have none.
    """


def intend(
    tx: Transaction, key: str, target: Target, now: datetime, *, said: str | None = None, shows: str | None = None
) -> bool:
    """Keep that this is about to be said. False: it was intended before and not taken back since, see :func:`get`.

    ``said``: the fingerprint of its words.
    """
    values = {
        "key": key,
        **_place(target),
        "state": INTENDED,
        "intended_at": now,
        "shows": shows,
        "said": said,
    }
    if tx.insert_once(posts, values, conflict=["key"]) is not None:
        return True
    before = get(tx, key)
    if before is None or before.state != DELETED:
        return False
    # What was taken back stays on record, under a name of its own.
    tx.execute(update(posts).where(posts.c.id == before.id).values(key=f"{key}:gone:{before.id}"))
    return tx.insert_once(posts, values, conflict=["key"]) is not None


def intend_again(tx: Transaction, before: Post, target: Target, now: datetime, *, said: str) -> None:
    """Keep that it is about to be tried once more: from now on it may be there again.

    The words may be others, and so may the place: 1:1 when the space was closed to us meanwhile.
    """
    tries = " ".join(sorted(before.said | {said}))
    again = update(posts).where(posts.c.key == before.key, posts.c.state != DELETED)
    tx.execute(again.values(**_place(target), state=INTENDED, settled_at=now, said=tries))


def set_aside(tx: Transaction, before: Post) -> None:
    """Have what may have been said elsewhere taken back, under a name of its own, so that it can be said anew."""
    key = f"{before.key}:elsewhere:{before.id}"
    tx.execute(update(posts).where(posts.c.id == before.id).values(key=key, state=LEAVING))


def _place(target: Target) -> dict[str, Any]:
    return {
        "room_id": target.room_id,
        "person_id": target.person_id,
        "parent_id": target.parent_id,
        "direct": target.direct,
    }


def open_in(tx: Transaction, room_id: str | None, parent_id: str | None) -> list[Post]:
    """The posts to a space, or a thread of it, of which nobody knows yet whether they are there; oldest first."""
    where = and_(posts.c.state.in_([INTENDED, UNKNOWN]), posts.c.parent_id.is_not_distinct_from(parent_id))
    found = [_read(row) for row in tx.execute(select(posts).where(where).order_by(posts.c.id))]
    # Without a space: to a person, whose 1:1 space it may be.
    return [one for one in found if one.room_id is None or same_id(one.room_id, room_id)]


def get(tx: Transaction, key: str) -> Post | None:
    """What is known of the post with that key."""
    return _one(tx, posts.c.key == key)


def present(tx: Transaction, key: str) -> Post | None:
    """The post of that key as it may be in a space now: itself, or what was said beside its thread in its place."""
    itself, beside = get(tx, key), get(tx, f"{key}{BESIDE}")
    if beside is None or (beside.state == REFUSED and itself is not None and itself.state == SENT):
        return itself
    return beside


def public_about(tx: Transaction, delivery_id: int, card: str) -> list[str]:
    """The keys of what may stand in a group space and shows something of that request's report; ``card``: its card."""
    own = [posts.c.key.startswith(f"delivery:{delivery_id}:{what}", autoescape=True) for what in SHOW_REPORT]
    there = and_(posts.c.direct.is_(False), posts.c.state.in_([INTENDED, SENT, UNKNOWN]))
    found = tx.execute(select(posts.c.key).where(there, or_(posts.c.key == card, *own)).order_by(posts.c.id))
    return [key.removesuffix(BESIDE) for key in found.scalars()]


def by_message(tx: Transaction, message_id: str) -> Post | None:
    """The post that became this message of ours: so a button's press finds its card's thread."""
    return _one(tx, posts.c.message_id == message_id)


def in_room(tx: Transaction, room_id: str) -> Post | None:
    """Return a message of ours that stands in this space, if there is one."""
    return _one(tx, posts.c.room_id.in_(spellings(tx, posts.c.room_id, room_id)) & (posts.c.state == SENT))


def _one(tx: Transaction, where: object) -> Post | None:
    # The first: two posts of the same words may have been taken for one message, which must not stop anybody.
    row = tx.execute(select(posts).where(where).order_by(posts.c.id)).first()  # type: ignore[arg-type]
    return None if row is None else _read(row)


def _read(row: Row[Any]) -> Post:
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
        tried_at=row.settled_at if row.state in {INTENDED, LEAVING} and row.settled_at else row.intended_at,
        shows=row.shows,
        said=frozenset((row.said or "").split()),
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
