"""``reassign``: give subscriptions and schedules to another owner, once a full administrator has confirmed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.confirmation import ask, confirmed
from bot.chat.named_origin import is_overseer, named_origins, offer_origins, overseen
from bot.chat.registry import registry
from bot.db import origins
from bot.errors import Refused
from bot.messages import reassignment
from bot.messages.help import Group
from bot.messages.reassignment import CONFIRM
from bot.outbox import Text
from bot.reports.origin_states import check_owner, hand_over, lost_rights
from bot.reports.owner_messages import tell_owner
from bot.webex.ids import id_key, same_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription

    Owned = Subscription | Schedule

MOST_AT_ONCE: Final = 25
"""Given to somebody by one confirmation: each costs a look at the members of its space."""
ALL: Final = "all"
FILLERS: Final = frozenset({"of", "from", "to"})


@registry.command(
    "reassign",
    rare=True,
    usage="reassign <reference or all> @person",
    summary="Give subscriptions and schedules to another owner (full administrators only).",
    group=Group.MANAGE,
    examples=("reassign ujygvtra @person", "reassign all @person", "reassign all of @person to @person"),
    action=Action.AUDIT,
)
def reassign(invocation: Invocation) -> None:
    """Ask for confirmation, or give what was confirmed. It tells of people, so it is answered directly."""
    overseen(invocation, reassignment.NEUTRAL, reassignment.FULL_ONLY)
    if invocation.pressed and invocation.rest[:1] == (CONFIRM,):
        _give_confirmed(invocation)
        return
    words, people = _asked(invocation)
    everything = [word.casefold() for word in words] == [ALL]
    if not words or not 1 <= len(people) <= (2 if everything else 1):
        invocation.say("usage", reassignment.USAGE)
        return
    if "" in people:
        invocation.say("nobody", reassignment.NOBODY)
        return
    if not everything:
        _give_one(invocation, words, people[0])
        return
    found = _of_owner(invocation, people[0]) if len(people) > 1 else _without_owner(invocation)
    found = [one for one in found if not same_id(one.person_id, people[-1])]
    if found:
        _ask(invocation, found, people[-1])
    else:
        invocation.say("none", reassignment.NONE_OF_OWNER if len(people) > 1 else reassignment.NONE)


def _asked(invocation: Invocation) -> tuple[list[str], list[str]]:
    """Return the words that name what is to be given, and the IDs of people; empty for one whom Webex doesn't know."""
    find = invocation.services.directory.find
    emails = [word.removeprefix("mailto:") for word in invocation.rest if "@" in word]
    words = [word for word in invocation.rest if "@" not in word and word.casefold() not in FILLERS]
    return words, [*invocation.mentioned, *(find(one) or "" for one in dict.fromkeys(emails))]


def _give_one(invocation: Invocation, words: Sequence[str], person_id: str) -> None:
    found = named_origins(invocation, words)
    if len(found) != 1:
        offer_origins(invocation, found, "")
        return
    (owned,) = found
    invocation.trail.reference = owned.reference
    if owned.direct:
        raise Refused(reassignment.OF_1_1, reason="direct_space")
    check_owner(invocation.services.authorizer, person_id, owned)
    _ask(invocation, found, person_id)


def _of_owner(invocation: Invocation, person_id: str) -> list[Owned]:
    with invocation.services.database.read() as tx:
        return _reassignable(invocation, origins.of_owner(tx, person_id))


def _without_owner(invocation: Invocation) -> list[Owned]:
    """Return what its owner may not have any more, whether it is paused by now or not."""
    services = invocation.services
    with services.database.read() as tx:
        found = _reassignable(invocation, origins.going(tx))
    return [one for one in found if one.is_offered or lost_rights(services.authorizer, one)]


def _reassignable(invocation: Invocation, found: Sequence[Owned]) -> list[Owned]:
    """Return those of group spaces and of the families that the person oversees."""
    families = {one.family for one in found}
    seen = {family for family in families if invocation.may(Action.AUDIT, family)}
    return [one for one in found if one.family in seen and not one.direct]


def _ask(invocation: Invocation, found: Sequence[Owned], person_id: str) -> None:
    """Answer with the card that asks for confirmation."""
    some = found[:MOST_AT_ONCE]
    argument = " ".join([person_id, *(f"{one.reference}:{one.person_id}" for one in some)])
    with invocation.services.database.begin() as tx:
        token, until = ask(tx, invocation, "reassign", argument)
    name = _name_of(invocation, person_id)
    said = Text(*reassignment.confirmation(some, name, len(found) - len(some), token=token, until=until))
    invocation.show("reassign", said, Action.AUDIT)


def _give_confirmed(invocation: Invocation) -> None:
    """Give what the token stands for. A job that was cut off does it again, and says it once."""
    services = invocation.services
    with services.database.begin() as tx:
        person_id, *pairs = confirmed(tx, invocation, "reassign", reassignment.UNUSABLE).split()
    before = dict(pair.split(":", 1) for pair in pairs)
    done: list[Owned] = []
    refused: list[tuple[Owned, str]] = []
    for reference in before:
        with services.database.read() as tx:
            owned = origins.with_reference(tx, reference)
        if owned is None or not is_overseer(invocation, owned):
            continue
        try:
            check_owner(services.authorizer, person_id, owned)
            with services.database.begin() as tx:
                hand_over(tx, services, owned, person_id)
        except Refused as error:
            refused.append((owned, error.sentence))
        else:
            done.append(owned)
    name = _name_of(invocation, person_id)
    said = Text(reassignment.given(done, name, refused) or reassignment.NONE)
    invocation.show("given", said, Action.AUDIT)
    _tell(invocation, done, before, person_id, name)
    invocation.delete_question("reassign")


def _tell(invocation: Invocation, done: Sequence[Owned], before: dict[str, str], person_id: str, name: str) -> None:
    """Tell the new owner and those before, each once."""
    by = _name_of(invocation, invocation.person_id)
    if done and not same_id(person_id, invocation.person_id):
        key = f"{invocation.event_key}:received"
        received = Text(reassignment.received(done, by))
        tell_owner(invocation.services, done[0], key, lambda _: received, person_id=person_id)
    theirs: dict[str, list[str]] = {}
    for one in done:
        theirs.setdefault(before[one.reference], []).append(one.reference)
    for old, references in theirs.items():
        if not same_id(old, invocation.person_id) and not same_id(old, person_id):
            taken = Text(reassignment.taken(len(references), by, name))
            key = f"{invocation.event_key}:taken:{id_key(old)}"
            tell_owner(invocation.services, done[0], key, lambda _, taken=taken: taken, person_id=old)  # type: ignore[misc]


def _name_of(invocation: Invocation, person_id: str) -> str:
    found = invocation.services.directory.people([person_id]).get(person_id)
    return found.display_name if found is not None else "them"
