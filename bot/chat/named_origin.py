"""Which subscription or schedule a command is about, and who may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.access.policy import Action, Verdict
from bot.chat.names import place_elsewhere
from bot.db import origins
from bot.db.origin import Kind, OriginState
from bot.db.schedules import Schedule
from bot.errors import Refused
from bot.messages.origins import OF_ANOTHER_SPACE, ended, name_of, none_called, which_one
from bot.messages.refusals import NO_AUDIT
from bot.outbox import Text
from bot.reports.search import Searchable, matching
from bot.text import folded
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.chat.invocation import Invocation
    from bot.db.subscriptions import Subscription

ONE_KIND: Final = dict.fromkeys(["unsubscribe", "mute", "unmute"], Kind.SUBSCRIPTION) | dict.fromkeys(
    ["schedule", "schedules", "unschedule", "run"], Kind.SCHEDULE
)
"""Of the commands that are not about both kinds."""
FITTING: Final[Mapping[str, Callable[[Any], bool]]] = {
    "pause": lambda one: one.state is OriginState.ACTIVE,
    "resume": lambda one: one.state is OriginState.PAUSED,
    "takeover": lambda one: one.is_offered,
}
"""What these commands offer where none is named."""


def may_change(invocation: Invocation, owned: Subscription | Schedule) -> bool:
    """Return True for its owner, for who may run and delete such reports and is in its space, and a full administrator.

    Raises ``WebexError`` while Webex has trouble.
    """
    if same_id(owned.person_id, invocation.person_id):
        return True
    in_its_space = not owned.direct and same_id(owned.room_id, invocation.room_id)
    return (in_its_space and invocation.may(Action.CHANGE, owned.family)) or is_overseer(invocation, owned)


def is_overseer(invocation: Invocation, owned: Subscription | Schedule) -> bool:
    """Return True for a full administrator, who may see and change those of everybody."""
    return invocation.may(Action.AUDIT, owned.family)


def overseen(invocation: Invocation, neutral: str, full_only: str) -> tuple[str, ...]:
    """Return the families that a full administrator oversees; the answer goes to the person directly.

    ``neutral``: what the space is told, ``full_only``: who may do this. Raises ``Refused``.
    """
    try:
        return invocation.authorize(Action.AUDIT, neutral=neutral).families
    except Refused as refused:
        if refused.sentence != NO_AUDIT:
            raise
        raise Refused(full_only, reason=refused.reason, details=refused.details) from None


def require_change(invocation: Invocation, owned: Subscription | Schedule) -> None:
    """Raise ``Refused``, with the role that it needs, for who may not change it."""
    if not may_change(invocation, owned):
        invocation.check_person(Action.MANAGE, owned.family)
        invocation.check_person(Action.AUDIT, owned.family)


def all_here(invocation: Invocation, *kinds: Kind) -> list[Subscription | Schedule]:
    """Return those of this space, or in a 1:1 space the person's own, in any space: of all families."""
    with invocation.services.database.read() as tx:
        if invocation.direct:
            return origins.of_owner(tx, invocation.person_id, *kinds)
        return origins.of_room(tx, invocation.room_id, *kinds)


def of_families(found: Sequence[Subscription | Schedule], families: Sequence[str]) -> list[Subscription | Schedule]:
    """Return what may be shown to who may see these families of reports."""
    return [one for one in found if one.family is None or one.family in families]


def seen_here(invocation: Invocation, *kinds: Kind) -> list[Subscription | Schedule]:
    """Return what a person may be shown here. Raises ``Refused`` for who may see no reports."""
    families = invocation.check_person(Action.LIST).families
    return of_families(all_here(invocation, *kinds), families)


def refuse_hidden(invocation: Invocation, found: Sequence[Subscription | Schedule], sentence: str) -> None:
    """Raise ``Refused``, with the roles that it needs, where some of these are of a family that isn't the person's."""
    for family in {one.family for one in found}:
        decision = invocation.services.authorizer.decide(
            invocation.person_id,
            Action.LIST,
            room_id=invocation.room_id,
            direct=invocation.direct,
            family=family,
            members=False,
        )
        if decision.verdict is Verdict.REFUSED:
            raise Refused(sentence, reason=decision.reason, details=decision.details)


def named_origins(invocation: Invocation, words: Sequence[str], *kinds: Kind) -> list[Subscription | Schedule]:
    """Return what a reference names, or else what is called by these words here; nothing that the person may not see.

    A reference is good for who may see it in this space, for its owner, and for full administrators, who are answered
    directly about what others may not see here. A whole name wins over part of one.
    Raises ``Refused`` and ``WebexError``.
    """
    here = seen_here(invocation, *kinds)
    if len(words) == 1:
        with invocation.services.database.read() as tx:
            one = origins.with_reference(tx, words[0])
        going = one is not None and one.state is not OriginState.ENDED and one.origin.kind in (kinds or Kind)
        if one is not None and going and (one in here or _may_see_from_here(invocation, one)):
            return [one]
    wanted = [folded(word).casefold() for word in words]
    found = [one for one in here if all(word in _words_of(one) for word in wanted)]
    return [one for one in found if folded(name_of(one)).casefold() == " ".join(wanted)] or found


def _may_see_from_here(invocation: Invocation, owned: Subscription | Schedule) -> bool:
    """Return True for what is not of this space for its owner and full administrators; these are answered directly."""
    if same_id(owned.person_id, invocation.person_id):
        return True
    if not is_overseer(invocation, owned):
        return False
    if not invocation.target.direct:
        invocation.continue_directly(OF_ANOTHER_SPACE)
    return True


def one_meant(invocation: Invocation, action: str, *kinds: Kind) -> Subscription | Schedule | None:
    """Return the one that the command's words name; None when they name none or several, which was answered.

    ``action``: the title of the buttons that offer several. Raises ``Refused`` and ``WebexError``.
    """
    found = named_origins(invocation, invocation.rest, *kinds)
    if len(found) == 1:
        invocation.trail.reference = found[0].reference
        return found[0]
    offer_origins(invocation, found, action)
    return None


def offer_origins(
    invocation: Invocation, found: Sequence[Subscription | Schedule], action: str, words: Sequence[str] | None = None
) -> None:
    """Ask which of several is meant, with a button for each that carries this command, or say that there is none.

    ``action``: the buttons' title, ``words``: what was to name one, where that is not all that was typed.
    """
    words = invocation.rest if words is None else words
    fits = None if words else FITTING.get(invocation.word.casefold())
    if fits is not None:
        found = [one for one in found if fits(one)]
    near = [] if found or not words else _almost_named(invocation, words)
    if not found and not near:
        invocation.answer_press_directly()
        direct, word = invocation.direct, invocation.word.casefold() if fits else ""
        hidden = none_called(words, direct=direct, word=word, hidden=True)
        refuse_hidden(invocation, all_here(invocation, *_kinds_of(invocation)), hidden)
        gone = _ended(invocation, words)
        if gone is not None:
            said = ended(gone, place_elsewhere(invocation, gone))
        else:
            said = none_called(words, direct=direct, word=word, space=_space_pressed(invocation))
        invocation.show("none", Text(said))
        return
    content = Text(*which_one(found or near, words, action, invocation.word.casefold(), almost=bool(near)))
    invocation.show("choice", content)


def _ended(invocation: Invocation, words: Sequence[str]) -> Subscription | Schedule | None:
    """Return what a reference names that has ended, of this space or the person's own, as far as they may see it."""
    with invocation.services.database.read() as tx:
        one = origins.with_reference(tx, words[0]) if len(words) == 1 else None
    if one is None or one.state is not OriginState.ENDED:
        return None
    theirs = same_id(one.room_id, invocation.room_id) or same_id(one.person_id, invocation.person_id)
    seen = of_families([one], invocation.check_person(Action.LIST).families)
    return seen[0] if theirs and seen else None


def _space_pressed(invocation: Invocation) -> str:
    """Return the name of the space of a press that is answered directly; empty where nothing or no name is known."""
    is_here = invocation.direct or not invocation.trail.direct_only
    return "" if is_here else invocation.space_names([invocation.room_id]).get(invocation.room_id, "")


def _almost_named(invocation: Invocation, words: Sequence[str]) -> list[Subscription | Schedule]:
    """Return those of here that mistyped words may name, of the kind that the command is about."""
    here = seen_here(invocation, *_kinds_of(invocation))
    return list(matching(words, here, lambda one: Searchable(_words_of(one))).items)


def _kinds_of(invocation: Invocation) -> list[Kind]:
    kind = ONE_KIND.get(invocation.word.casefold())
    return [kind] if kind else []


def _words_of(owned: Subscription | Schedule) -> str:
    if isinstance(owned, Schedule):
        return folded(f"{owned.name or ''} {owned.title}").casefold()
    return folded(name_of(owned)).casefold()
