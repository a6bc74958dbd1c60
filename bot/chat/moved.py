"""Follows a space that has moved: finds out which id is the old one, and has the ledger follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.errors import WebexError
from bot.ledger import moved_spaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.context import Context
    from bot.ledger.events import Event
    from bot.store import Transaction

log = structlog.get_logger(__name__)

MOVED, NOT_KNOWN = "moved", "moved, from where or whereto is not said"
"""What became of the event."""
NOT_OURS = frozenset({403, 404})
"""How Webex answers for a space that is no more, or that the bot is not in."""


def follow(context: Context, event: Event) -> str:
    """Move what the ledger has; gives the event's outcome. Raises ``WebexError`` while Webex cannot be asked.

    Where the ids cannot be told apart nothing is moved: what is said to the old id is then refused, and whoever waits
    is told 1:1 as for any space that is closed to the bot.
    """
    pairs = _pairs(context, event)
    if not pairs:
        log.warning("space_moved_unknown_where")
        return NOT_KNOWN
    with context.store.begin() as tx:
        number = sum(moved_spaces.move(tx, old, new, context.now()) for old, new in pairs)
    log.info("space_moved", requests=number)
    return MOVED


def _pairs(context: Context, event: Event) -> list[tuple[str, str]]:
    """Old and new ids; more than one pair if the ledger has several old ones."""
    old, new, named = moved_spaces.ids_of(event)
    if old and new:
        return [(old, new)]
    if not named:
        return []
    with context.store.read() as tx:
        before = _before(tx, named)
    ids = [*named, *(one for one in before if one not in named)]
    if len(ids) < 2:  # noqa: PLR2004 an old one and a new one
        return []
    open_ones = [one for one in ids if _is_open(context, one)]
    if len(open_ones) == 1:
        return [(one, open_ones[0]) for one in ids if one != open_ones[0]]
    # Webex still, or already, answers for both, or for none: what the ledger knows is the old one.
    fresh = [one for one in named if one not in before]
    return [(one, fresh[0]) for one in before] if len(fresh) == 1 else []


def _before(tx: Transaction, named: Sequence[str]) -> list[str]:
    """The ids by which the ledger knows the space."""
    known = [one for one in named if moved_spaces.knows(tx, one)]
    found = [other for one in named for other in moved_spaces.relatives(tx, one)]
    return list(dict.fromkeys([*known, *found]))


def _is_open(context: Context, room_id: str) -> bool:
    try:
        context.chat.space(room_id)
    except WebexError as error:
        if error.status not in NOT_OURS:
            raise
        return False
    return True
