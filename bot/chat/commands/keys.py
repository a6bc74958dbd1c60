"""``keys``: list, make and revoke the keys of the HTTP API. For full administrators, and only directly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.confirmation import ask, confirmed
from bot.chat.names import look_up
from bot.chat.new_key import show_new_key
from bot.chat.registry import registry
from bot.db import api_keys, audit
from bot.db.api_keys import Right
from bot.messages import api_keys as sentences
from bot.messages.api_keys import COMMAND_LINE, CONFIRM, REVOKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation

LONGEST_NAME: Final = 60
CREATE: Final = "create"
HERE, ALL = "here", "all"
_RIGHTS: Final = frozenset(one.value for one in Right)


@registry.command(
    "keys",
    usage="keys [create or revoke] [name]",
    summary="Make and revoke API keys for other systems (full administrators only).",
    examples=("keys", "keys create nightly here deliver,create"),
    action=Action.KEYS,
)
def keys(invocation: Invocation) -> None:
    """Answer ``keys``, ``keys create …`` or ``keys revoke …``; in a group space nothing of it is seen."""
    invocation.authorize(Action.KEYS, neutral=sentences.NEUTRAL)
    word = invocation.rest[0].casefold() if invocation.rest else ""
    rest = invocation.rest[1:]
    if word == CONFIRM and invocation.pressed:
        _revoke(invocation)
    elif word == REVOKE and rest:
        _ask(invocation, " ".join(rest))
    elif word == CREATE and rest:
        _create(invocation, rest)
    elif word:
        invocation.say("usage", sentences.USAGE)
    else:
        _list(invocation)


def _list(invocation: Invocation) -> None:
    with invocation.services.database.read() as tx:
        found = [one for one in api_keys.listed(tx) if one.revoked_at is None][::-1]
    names = look_up(invocation.services, [one.created_by for one in found if one.created_by != COMMAND_LINE], [])
    spaces = invocation.services.space_names.of_keys({space for one in found for space in one.spaces or ()})
    invocation.say("keys", *sentences.key_list(found, replace(names, spaces=spaces)))


def _create(invocation: Invocation, words: Sequence[str]) -> None:
    name, where, rights = read_words(words)
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        invocation.say("usage", sentences.USAGE)
        return
    if unknown := unknown_rights(name, where):
        invocation.say("rights", sentences.unknown_rights(unknown, list(Right)))
        return
    if where == HERE and invocation.direct:
        invocation.say("here", sentences.NO_SPACE_HERE)
        return
    with invocation.services.database.read() as tx:
        taken = bool(api_keys.named(tx, name))
    if taken:
        invocation.say("taken", sentences.taken(name))
        return
    spaces = {HERE: [invocation.room_id], ALL: None}.get(where, [])
    reaches = {HERE: "the space where you asked", ALL: "all spaces"}.get(where, "no space, so it can only read")
    show_new_key(invocation, name, spaces, rights, reaches)


def read_words(words: Sequence[str]) -> tuple[str, str, list[Right]]:
    """Return the name, ``here``, ``all`` or nothing, and the rights, from what follows ``keys create``.

    Each right has those before it, as on the command line.
    """
    left, where, rights = list(words), "", {Right.DELIVER.value}
    while len(left) > 1 and not where:
        last = {one for one in left[-1].casefold().split(",") if one}
        if last and last <= _RIGHTS:
            rights |= last
        elif last <= {HERE, ALL}:
            where = "".join(last)
        else:
            break
        left.pop()
    known = list(Right)
    return " ".join(left), where, known[: max(known.index(Right(one)) for one in rights) + 1]


def unknown_rights(name: str, where: str) -> list[str]:
    """Return the words at the end of the name that stand where rights do, and are none.

    Commas don't come here. With ``here`` or ``all`` at the end, such a word before it belongs to the name.
    """
    words = name.split()
    begin = _RIGHTS if where else _RIGHTS | {HERE, ALL}
    starts = [place for place, word in enumerate(words) if place and word.casefold() in begin]
    return [word for word in words[starts[0] :] if word.casefold() not in _RIGHTS | {HERE, ALL}] if starts else []


def _ask(invocation: Invocation, name: str) -> None:
    with invocation.services.database.begin() as tx:
        found = api_keys.meant(tx, name)
        if found:
            token, until = ask(tx, invocation, "keys", str(found[-1].id))
    if not found:
        invocation.say("unknown", sentences.unknown(name))
        return
    invocation.say("revoke", *sentences.confirmation(found[-1], token, until))


def _revoke(invocation: Invocation) -> None:
    """Revoke what was confirmed. A job that was cut off does it again, and says it once. Raises ``Refused``."""
    services = invocation.services
    with services.database.begin() as tx:
        argument = confirmed(tx, invocation, "keys", sentences.UNUSABLE)
        key = next(one for one in api_keys.listed(tx) if one.id == int(argument))
        if api_keys.revoke(tx, key.id, services.now()):
            invocation.trail.outcome = "revoked"
            for entry in invocation.entries(audit.KEYS):
                audit.record(tx, entry, services.now())
    invocation.trail.recorded = True
    invocation.say("revoked", sentences.revoked(key))
    invocation.delete_question("revoke")
