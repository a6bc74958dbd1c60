"""``cancel``: stop waiting for a report here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.registry import registry
from bot.chat.thread_context import ask_which, reports_meant
from bot.db import messages, reports, requests
from bot.db.requests import PERSON, State
from bot.messages import sentences
from bot.messages.help import Group
from bot.outbox import Text
from bot.reports.report_messages import Draft
from bot.reports.requests import close
from bot.webex.ids import same_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.chat.invocation import Invocation
    from bot.db.database import Transaction
    from bot.db.requests import Request


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
    ids = ids or reports_meant(invocation, allowed, open_first=True)
    if not ids:
        ask_which(invocation, allowed)
        return
    for report_id in invocation.trail.each(ids):
        with services.database.begin() as tx:
            here = _here(tx, invocation, report_id, families)
            own = [one for one in here if same_id(one.person_id, invocation.person_id)]
            open_ones = [one for one in own or here if not messages.has_file(tx, one.id)]
            closed = requests.closed_by(tx, report_id, invocation.event_key)  # a kill came before the answer
            ended = closed or open_ones
            said = _sentence(len(here) - (0 if closed else len(open_ones)), bool(ended), bool(here))
            if ended and not any(_answered_here(one, invocation) for one in ended):
                said = sentences.canceled_elsewhere(reports.titles(tx, [report_id], families).get(report_id))
            for one in [] if closed else open_ones:
                _close(tx, invocation, one, said)
        if not ended:
            invocation.answer_press_directly()
        if not any(_card_answers(one, invocation) for one in ended):
            key = f"{invocation.event_key}:cancel:{report_id}"
            invocation.show(lambda _, key=key, said=said: Draft(key, Text(said)))  # type: ignore[misc]


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


def _sentence(left: int, closed: bool, waiting: bool) -> str:  # noqa: FBT001 one sentence for each case
    if closed:
        return sentences.CANCELED_FOR_ONE if left > 0 else sentences.CANCELED
    return sentences.TOO_LATE if waiting else sentences.NOT_WAITING


def _close(tx: Transaction, invocation: Invocation, request: Request, said: str) -> None:
    """Close one request; a card or an end in its own thread says so, or the answer to this command."""
    mine = same_id(request.person_id, invocation.person_id) or request.thread_id == invocation.parent_id
    reason = sentences.CANCELED_BY_ANOTHER if not mine else said if _card_answers(request, invocation) else None
    services, event = invocation.services, invocation.event_key
    close(tx, services.queue, request, State.CANCELED, services.now(), reason=reason, closed_by=event)


def _card_answers(request: Request, invocation: Invocation) -> bool:
    """Return True when the request's card stands where the command is answered, so the card is the answer."""
    if not request.wants_card or (request.found_at is None and not request.listed):
        return False
    if request.destination == PERSON:
        return invocation.direct
    return request.thread_id == invocation.parent_id and not invocation.trail.direct_only
