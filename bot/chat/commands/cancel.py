"""``cancel``: stop waiting for a report here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.named_origin import may_change
from bot.chat.registry import registry
from bot.chat.thread_context import (
    ask_which,
    naming_words,
    of_thread,
    pending_requests,
    pending_runs,
    reports_meant,
    runs_of_thread,
)
from bot.db import messages, origins, reports, requests, runs
from bot.db.origin import Kind
from bot.db.requests import PERSON, Content, State
from bot.db.runs import RunState
from bot.messages import sentences
from bot.messages.help import Group
from bot.messages.origins import named
from bot.outbox import Text
from bot.reports.requests import close
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.access.policy import Decision
    from bot.chat.invocation import Invocation
    from bot.chat.thread_context import Allowed
    from bot.db.database import Transaction
    from bot.db.origin import Origin
    from bot.db.requests import Request
    from bot.db.runs import Run
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription

    Owned = Schedule | Subscription


@registry.command(
    "cancel",
    usage="cancel [title or ID]",
    summary="Cancel a pending request.",
    group=Group.FOLLOW,
    examples=("cancel",),
)
def cancel(invocation: Invocation) -> None:
    """Close the person's own requests in this space, or else everyone's here; other spaces are served.

    In a 1:1 space a person cancels their own requests elsewhere, too, when there is none there.
    """
    services = invocation.services
    ids = invocation.named_reports()
    allowed = invocation.check_person()
    families = allowed.families
    if not ids and _cancel_run(invocation, allowed):
        return
    ids = ids or reports_meant(invocation, allowed, open_first=True)
    if not ids:
        ask_which(invocation, allowed)
        return
    for report_id in invocation.trail.each(ids):
        may_cancel, kept = _cancelable(invocation, report_id, families)
        with services.database.begin() as tx:
            here = [one for one in _here(tx, invocation, report_id, families) if one.origin in may_cancel]
            own = [one for one in here if same_id(one.person_id, invocation.person_id)]
            open_ones = [one for one in own or here if not messages.has_file(tx, one.id)]
            closed = requests.closed_by(tx, report_id, invocation.event_key)  # a kill came before the answer
            ended = closed or open_ones
            said = sentences.TOO_LATE if here else sentences.NOT_WAITING
            if not here and not ended:
                said = sentences.others_cancel(named(kept)) if kept else _not_waiting(invocation, allowed)
            told = [_told(tx, invocation, one, ended) for one in ended]
            if told:
                said = told[0].replace(sentences.ANOTHER_CANCELED, "Canceled.")
            if told and not any(_answered_here(one, invocation) for one in ended):
                title = reports.titles(tx, [report_id], families).get(report_id)
                said = sentences.canceled_elsewhere(title, others=sentences.STILL_WAITING in told[0])
            for one, its in [] if closed else zip(open_ones, told, strict=True):
                _close(tx, invocation, one, its)
        if not ended:
            invocation.answer_press_directly()
        if not any(_card_answers(one, invocation) for one in ended):
            invocation.show(f"cancel:{report_id}", Text(said))


def _not_waiting(invocation: Invocation, allowed: Decision) -> str:
    """Return that there is nothing to cancel; of a press the person is told alone, so also whom the rest is for."""
    if not allowed.others or not invocation.pressed:
        return sentences.NOT_WAITING
    return f"{sentences.NONE_TO_CANCEL} {invocation.services.authorizer.others_alone(invocation.person_id)}"


def _cancelable(
    invocation: Invocation, report_id: str, families: Collection[str]
) -> tuple[set[Origin | None], Owned | None]:
    """Return for what a person may cancel requests for a report here, and something that they may not.

    What people asked for is ``None``; only where nobody did, it is what subscriptions, schedules and keys of the API
    bring. What a key brings is for who may run reports. Raises ``Refused`` where that is all there is.
    """
    with invocation.services.database.read() as tx:
        here = _here(tx, invocation, report_id, families)
        found = {one.origin: origins.get(tx, one.origin) for one in here if one.origin is not None}
        keys = {origin for origin in found if origin.kind is Kind.KEY}
        family = reports.known_family(tx, report_id)
    if any(one.origin is None for one in here):
        return {None}, None
    allowed = {origin for origin, owned in found.items() if owned is not None and may_change(invocation, owned)}
    if keys and (keys == found.keys() or invocation.may(Action.CHANGE, family)):
        invocation.check_person(Action.CHANGE, family)
        allowed |= keys
    return {None, *allowed}, next((owned for origin, owned in found.items() if origin not in allowed), None)


def _cancel_run(invocation: Invocation, allowed: Allowed) -> bool:
    """Close the run that is meant, of which Webex has created no report yet. Return False when none is."""
    services = invocation.services
    with services.database.begin() as tx:
        run = _run_meant(tx, invocation, allowed)
        if run is None:
            return False
        said = sentences.RUN_CANCELED if run.tried_at is None else sentences.RUN_CANCELED_LATE
        runs.close(tx, run.id, RunState.CANCELED, services.now(), reason=said)
    invocation.trail.reference = run.reference
    invocation.authorize()
    invocation.say("cancel", said)
    return True


def _run_meant(tx: Transaction, invocation: Invocation, allowed: Allowed) -> Run | None:
    """Return the person's run: of the button, of the thread, or the only thing that they wait for."""
    if naming_words(invocation.rest):
        return None
    own = [one for one in runs_of_thread(tx, invocation, allowed) if same_id(one.person_id, invocation.person_id)]
    found = runs.with_reference(tx, invocation.reference) if invocation.reference else None
    if found is not None:
        mine = same_id(found.person_id, invocation.person_id) and found.family in allowed.families
        return found if mine and _is_open(found, invocation) else None
    if own:
        return next((one for one in own[::-1] if _is_open(one, invocation)), None)
    if of_thread(tx, invocation, allowed) or pending_requests(tx, invocation, allowed):
        return None
    waiting = pending_runs(tx, invocation, allowed)
    return waiting[0] if len(waiting) == 1 else None


def _is_open(run: Run, invocation: Invocation) -> bool:
    """Return True for an open run, and for one that this event has canceled before a kill came."""
    asked_at = invocation.asker.asked_at
    return run.state is RunState.OPEN or (
        run.state is RunState.CANCELED and run.closed_at is not None and run.closed_at >= asked_at
    )


def _here(tx: Transaction, invocation: Invocation, report_id: str, families: Collection[str]) -> list[Request]:
    """Return what a person may cancel here: of other families nothing is told, and an unknown one is its asker's."""
    found = [one for one in requests.open_for(tx, report_id) if _answered_here(one, invocation)]
    if invocation.direct:
        own = [one for one in requests.open_for(tx, report_id) if same_id(one.person_id, invocation.person_id)]
        found = [one for one in own if one.reference == invocation.reference] or found or own
    known = reports.known_family(tx, report_id) in families
    return [
        one for one in found if (known if one.found_at is not None else same_id(one.person_id, invocation.person_id))
    ]


def _answered_here(one: Request, invocation: Invocation) -> bool:
    return requests.goes_to(one, invocation.room_id, invocation.person_id)


def _told(tx: Transaction, invocation: Invocation, request: Request, ended: Collection[Request]) -> str:
    """Return what is told of one canceled request: who did it, and whether the file comes all the same."""
    known = {one.id for one in ended}
    left = [one for one in requests.open_for(tx, request.report_id) if one.id not in known and one.found_at is not None]
    others = any(one.content is not Content.CARD and request.is_answered_with(one) for one in left)
    return sentences.canceled(by_another=not same_id(request.person_id, invocation.person_id), others=others)


def _close(tx: Transaction, invocation: Invocation, request: Request, told: str) -> None:
    """Close one request; its card says why, or the answer to this command where it has none."""
    reason = told if told != sentences.CANCELED or _card_answers(request, invocation) else None
    services, event = invocation.services, invocation.event_key
    close(tx, services.queue, request, State.CANCELED, services.now(), reason=reason, closed_by=event)


def _card_answers(request: Request, invocation: Invocation) -> bool:
    """Return True when the request's card stands where the command is answered, so the card is the answer."""
    if not request.wants_card or (request.found_at is None and not request.listed):
        return False
    if request.destination == PERSON:
        return invocation.direct
    return request.thread_id == invocation.parent_id and not invocation.trail.direct_only
