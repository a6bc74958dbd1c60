"""``subscribe``: have matching reports posted here as soon as they're ready, no matter who runs them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from bot.access.policy import Action, Verdict
from bot.chat.confirmation import ask, confirmed
from bot.chat.named_report import listed_reports, today_of
from bot.chat.new_report_words import searchable
from bot.chat.registry import registry
from bot.chat.subscription_words import Wanted, from_json, read, to_json, with_words
from bot.db import audit, subscriptions
from bot.errors import Refused
from bot.messages import subscriptions as said
from bot.messages.help import Group
from bot.messages.report_list import not_shown
from bot.messages.request_card import title_of
from bot.messages.subscriptions import CONFIRM, MOST_MEANT, Matches, Question, Readers
from bot.outbox import Text
from bot.reports.periods import find_period
from bot.reports.report_search import report_texts
from bot.reports.search import ExactSearch, matching
from bot.reports.subscriptions import announce, put_watches
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.access.policy import Decision
    from bot.chat.invocation import Invocation
    from bot.db.database import Transaction
    from bot.db.subscriptions import Subscription
    from bot.webex.report import Report

LARGE: Final = 50
"""Members from which a space is subscribed only when that is confirmed."""


@registry.command(
    "subscribe",
    usage="subscribe <words> [card only]",
    summary="Get each matching report as soon as it's ready, no matter who runs it.",
    group=Group.FOLLOW,
    examples=("subscribe calling usage", "subscribe calling usage EU card only", "subscribe all"),
)
def subscribe(invocation: Invocation) -> None:
    """Subscribe this space, or ask first: when many would read along, for all reports, and for words without a report.

    Who may get the reports may subscribe; each report is fetched by their rights at that time.
    """
    confirmed = bool(invocation.pressed) and invocation.rest[:1] == (CONFIRM,)
    wanted = _confirmed(invocation) if confirmed else read(invocation.rest, invocation.on_behalf_of)
    decision = _allowed(invocation, wanted.family if wanted else None)
    if wanted is None:
        invocation.say("how", said.HOW)
        return
    with invocation.services.database.read() as tx:
        own, other = subscriptions.of_event(tx, invocation.event_key), _same(tx, invocation, wanted)
    if own is None and other is not None:
        invocation.trail.reference = other.reference
        invocation.show("exists", Text(*said.exists(other, invocation.services.now())))
        return
    matches, meant = _look(invocation, wanted, decision)
    readers = _readers(invocation)
    if own is None and not confirmed and (matches.unknown or not wanted.words or _many_read(readers)):
        _ask(invocation, wanted, matches, meant, readers)
        return
    made = own or _make(invocation, wanted)
    invocation.trail.reference = made.reference
    invocation.show(
        "subscribed", Text(*said.subscribed(made, matches, readers, decision.name, invocation.services.now()))
    )
    if confirmed:
        invocation.delete_question("question")


def _allowed(invocation: Invocation, family: str | None) -> Decision:
    """Return what policy says of the person here. Raises ``Refused``, also where others would read along."""
    decision = invocation.services.authorizer.decide(
        invocation.person_id,
        Action.READ,
        room_id=invocation.room_id,
        direct=invocation.direct,
        later=invocation.is_late,
        family=family,
    )
    decision.raise_if_refused()
    if decision.verdict is Verdict.DIRECT_ONLY:
        raise Refused(said.NO_OUTSIDERS[decision.reason], reason=decision.reason)
    invocation.trail.outcome, invocation.trail.reads_only = audit.ALLOWED, not decision.writes
    return decision


def _confirmed(invocation: Invocation) -> Wanted:
    """Use the confirmation and return what it is about. Raises ``Refused``."""
    with invocation.services.database.begin() as tx:
        return from_json(confirmed(tx, invocation, "subscribe", said.UNUSABLE))


def _same(tx: Transaction, invocation: Invocation, wanted: Wanted) -> Subscription | None:
    """Return what this space is subscribed to already that announces the same."""
    for one in subscriptions.find(tx):
        about = Wanted(one.words, one.family, one.region, one.card_only, one.on_behalf_of)
        if about.compared == wanted.compared and same_id(one.room_id, invocation.room_id):
            return one
    return None


def _look(invocation: Invocation, wanted: Wanted, decision: Decision) -> tuple[Matches, list[Wanted]]:
    """Return what the listed reports say of it, and what mistyped words may be meant for.

    What is ready by now is not new: it is announced to those who wait for it already.
    Raises ``WebexError`` and ``NotFound``.
    """
    services = invocation.services
    listed, refused = listed_reports(invocation, decision.families, wanted.region)
    for which in subscriptions.lists_for(wanted.family, wanted.region, wanted.on_behalf_of):
        if which.family in decision.families and which.family not in refused:
            announce(services, which, [one for one in listed if one.family == which.family])
    fitting = ExactSearch(listed, report_texts).find(wanted.words.split())
    known = fitting or not wanted.words
    unknown, meant = (False, []) if known else _meant(invocation, wanted, decision, listed)
    matches = Matches(
        listed=len(listed),
        matching=len(fitting),
        not_shown=tuple(not_shown(family, error) for family, error in refused.items()),
        others="" if wanted.family else decision.others,
        unknown=unknown,
    )
    return matches, [with_words(wanted, one) for one in meant]


def _meant(
    invocation: Invocation, wanted: Wanted, decision: Decision, listed: Sequence[Report]
) -> tuple[bool, list[str]]:
    """Return True where no template has the words either, and the titles that may be meant."""
    words = wanted.words.split()
    with invocation.report_call():
        templates, _ = invocation.services.catalog.templates(decision.families, wanted.on_behalf_of)
    if ExactSearch(templates, searchable).find(words):
        return False, []
    period, rest = find_period(words, today_of(invocation))
    near = [
        *(title_of(one) for one in matching(words, listed, report_texts).items),
        *(one.title for one in matching(words, templates, searchable).items),
    ]
    if period is not None and rest:  # each subscription is for reports of all periods
        near = [" ".join(rest), *near]
    return True, list(dict.fromkeys(near))[:MOST_MEANT]


def _readers(invocation: Invocation) -> Readers:
    if invocation.direct:
        return Readers(direct=True)
    services = invocation.services
    people = {one.person_id for one in services.chat.members(invocation.room_id)}
    public = services.chat.space(invocation.room_id).is_public
    return Readers(direct=False, people=len(people) - 1, public=public)


def _many_read(readers: Readers) -> bool:
    return readers.public or readers.people >= LARGE


def _make(invocation: Invocation, wanted: Wanted) -> Subscription:
    services = invocation.services
    values = {
        "reference": services.new_reference(),
        "event_key": invocation.event_key,
        "person_id": invocation.person_id,
        "room_id": invocation.room_id,
        "room_type": invocation.room_type,
        "created_at": services.now(),
    }
    with services.database.begin() as tx:
        subscriptions.add(tx, values | asdict(wanted))
        made = subscriptions.of_event(tx, invocation.event_key)
        assert made is not None
        put_watches(tx, services, made)
    return made


def _ask(invocation: Invocation, wanted: Wanted, matches: Matches, meant: Sequence[Wanted], readers: Readers) -> None:
    with invocation.services.database.begin() as tx:
        token, until = ask(tx, invocation, "subscribe", to_json(wanted))
    asked = Question(token, until, tuple((said.label(one), said.argument_of(one)) for one in meant))
    invocation.show("question", Text(*said.question(wanted, matches, readers, asked)))
