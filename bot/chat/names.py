"""Look up people and spaces by name, for answers that tell who asked and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import api_keys, audit
from bot.db.audit import DIRECT_SPACE
from bot.errors import WebexError
from bot.messages.names import FORMER_USER, NAMELESS, Names
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.chat.invocation import Invocation
    from bot.db.audit import Row
    from bot.db.requests import Request
    from bot.db.runs import Run
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.services import Services


def look_up(
    services: Services,
    person_ids: Iterable[str | None],
    room_ids: Iterable[str | None],
    *,
    needed: bool = False,
    reader: Invocation | None = None,
) -> Names:
    """Return names, with few calls; without those that Webex does not tell now.

    ``needed``: names of people are what the answer is about, so trouble of Webex that passes raises ``WebexError``.
    ``reader``: whose person may be told the names of spaces that they are in; None for who oversees them all.
    """
    asked = {one for one in person_ids if one and not audit.is_pseudonym(one)}
    keys = {one for one in asked if api_keys.is_caller(one)}
    people, missing = asked - keys, FORMER_USER
    try:
        found = services.directory.people(people) if people else {}
    except WebexError as error:
        if needed and error.passing:
            raise
        found, missing = {}, NAMELESS
    rooms = [one for one in room_ids if one and one != DIRECT_SPACE]
    spaces = services.space_names.of(rooms) if reader is None else reader.space_names(rooms)
    if not keys:
        return Names(found, spaces, missing)
    with services.database.read() as tx:
        return Names(found, spaces, missing, api_keys.names(tx, keys))


def place_elsewhere(invocation: Invocation, owned: Subscription | Schedule) -> str:
    """Return `` in **Calling team**`` where the answer stands elsewhere than what comes; empty for a 1:1 space."""
    is_here = same_id(owned.room_id, invocation.room_id) and not invocation.trail.direct_only
    if owned.direct or is_here:
        return ""
    names = look_up(invocation.services, [], [owned.room_id], reader=reader_of(invocation, [owned]))
    return f" {names.place(owned.room_id, direct=False)}"


def reader_of(
    invocation: Invocation, told: Iterable[Request | Run | Row | Schedule | Subscription]
) -> Invocation | None:
    """Return the reader of what is told; None where it is another's from elsewhere: only who oversees all sees that."""
    others = [one for one in told if not same_id(one.person_id, invocation.person_id)]
    return None if any(not same_id(one.room_id, invocation.room_id) for one in others) else invocation
