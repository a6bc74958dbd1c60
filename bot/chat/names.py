"""Look up people and spaces by name, for answers that tell who asked and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import api_keys, audit
from bot.db.audit import DIRECT_SPACE
from bot.errors import WebexError
from bot.messages.names import FORMER_USER, NAMELESS, Names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.services import Services


def look_up(
    services: Services, person_ids: Iterable[str | None], room_ids: Iterable[str | None], *, needed: bool = False
) -> Names:
    """Return names, with few calls; without those that Webex does not tell now.

    ``needed``: names of people are what the answer is about, so trouble of Webex that passes raises ``WebexError``.
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
    spaces = services.space_names.of(one for one in room_ids if one and one != DIRECT_SPACE)
    if not keys:
        return Names(found, spaces, missing)
    with services.database.read() as tx:
        return Names(found, spaces, missing, api_keys.names(tx, keys))
