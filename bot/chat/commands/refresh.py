"""``refresh``: check a report's status again, and replace its card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.chat.deleted_reports import say_deleted
from bot.chat.named_report import find_by_id
from bot.chat.registry import registry
from bot.chat.thread_context import meant_or_asked
from bot.db import messages, reports, requests, space_settings
from bot.db.requests import State
from bot.messages import sentences
from bot.messages.help import Group
from bot.messages.request_card import is_waiting, report_only, request_card
from bot.outbox import Text
from bot.reports import durations
from bot.reports.lookup import BY_WEBEX
from bot.reports.requests import close, deliver_to_waiting, put_thread, put_watch
from bot.webex.ids import same_id
from bot.webex.report import Phase

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation, Permission
    from bot.db.database import Transaction
    from bot.db.requests import Request
    from bot.db.space_settings import FileFormat
    from bot.webex.report import Report
    from bot.webex.types import Card


@registry.command("refresh", usage="refresh [title or ID]", summary="Check the status again.", group=Group.FOLLOW)
def refresh(invocation: Invocation) -> None:
    """Store what Webex says now; the card of the request follows. Nothing is posted that nobody waits for."""
    services = invocation.services
    ids = invocation.named_reports()
    allowed = invocation.authorize()
    ids = ids or meant_or_asked(invocation, allowed)
    for report_id in invocation.trail.each(ids):
        with services.database.read() as tx:
            row = reports.get(tx, report_id)
        if row is not None and row.deleted_at is not None and row.family in allowed.families:
            if not _deleted_card_follows(invocation, report_id):
                say_deleted(invocation, row)
            continue
        found = find_by_id(invocation, report_id, allowed.families, allowed.others)
        if not _has_card(invocation, found):
            _show(invocation, found)


def _has_card(invocation: Invocation, found: Report) -> bool:
    """Store what Webex says, and have the card of its request follow. Return False when no request has a card here."""
    services = invocation.services
    now = services.now()
    with services.database.begin(durable=False) as tx:
        reports.save(tx, found, now, missing=0, next_check_at=None)
        request = _request(tx, invocation, found.id)
        if request is not None:
            if found.phase is Phase.FAILED and request.state is State.OPEN:  # the watch closes the others
                reason = sentences.failed(found.title)
                close(tx, services.queue, request, State.FAILED, now, reason=reason, cause=BY_WEBEX)
            else:
                requests.set_values(tx, request.id, revision=request.revision + 1)
                put_thread(tx, services.queue, request)
                if is_waiting(request, found):  # its card says when it is checked next
                    put_watch(tx, services.queue, found, after=services.poll_interval)
        if found.phase is Phase.READY:
            deliver_to_waiting(tx, services.queue, found, now)
    return request is not None


def _deleted_card_follows(invocation: Invocation, report_id: str) -> bool:
    """Have the card of a deleted report's request say so. Return False when no request has a card here."""
    services = invocation.services
    with services.database.begin(durable=False) as tx:
        request = _request(tx, invocation, report_id)
        if request is None or request.state is State.OPEN:
            return False
        requests.set_values(tx, request.id, revision=request.revision + 1)
        put_thread(tx, services.queue, request)
    return True


def _request(tx: Transaction, invocation: Invocation, report_id: str) -> Request | None:
    """Return the request whose card was pressed, or the one with a card in this thread."""
    answered_here = messages.report_card(tx, invocation.pressed, report_id) is not None  # by the card that was pressed
    given = invocation.reference and not answered_here
    request = requests.with_reference(tx, invocation.reference) if given else None
    if request is not None and (request.report_id != report_id or not invocation.concerns(tx, request)):
        request = None
    if request is None:
        request = requests.in_thread(tx, report_id, invocation.room_id, invocation.parent_id)
    if request is None or request.found_at is None or not request.wants_card or request.origin is not None:
        return None
    # Where others would read along, only one's own card is replaced: it goes to the person directly.
    others = invocation.trail.direct_only and not same_id(request.person_id, invocation.person_id)
    return None if others else request


def _is_own(request: Request, invocation: Invocation, allowed: Permission) -> bool:
    """Return True for what the person has asked for where this is answered."""
    own = request.origin is None and same_id(request.person_id, invocation.person_id)
    return own and request.found_at is not None and request.direct == allowed.target.direct


def _own_card(invocation: Invocation, request: Request, chosen: FileFormat) -> tuple[str, Card]:
    """Return the card of an open request as it looks when it was refreshed, and check its report as it says."""
    services = invocation.services
    with services.database.begin(durable=False) as tx:
        row = reports.get(tx, request.report_id)
        assert row is not None
        older, usual = requests.older(tx, request), durations.usual(tx, row)
        if is_waiting(request, row):
            put_watch(tx, services.queue, row.report, after=services.poll_interval)
    return request_card(
        replace(request, revision=1),
        row,
        elsewhere=older is not None or row.phase is Phase.READY,
        own_first=older is None or same_id(older.person_id, request.person_id),
        chosen=chosen,
        now=services.now(),
        poll_interval=services.poll_interval,
        usual=usual.median if usual is not None else None,
    )


def _show(invocation: Invocation, found: Report) -> None:
    """Answer with a card beside those of requests, in place of such a card that was pressed."""
    services = invocation.services

    def make(allowed: Permission) -> Text:
        with services.database.read() as tx:
            waiting = requests.open_for(tx, found.id)
            chosen = space_settings.get(tx, invocation.room_id).file_format
        here = [one for one in waiting if requests.goes_to(one, invocation.room_id, invocation.person_id)]
        awaited, own_first = bool(here), any(same_id(one.person_id, invocation.person_id) for one in here[:1])
        own = any(same_id(one.person_id, invocation.person_id) for one in waiting)
        asked = [one for one in here if _is_own(one, invocation, allowed)]
        if asked and found.phase is not Phase.FAILED:
            return Text(*_own_card(invocation, asked[0], chosen))
        in_space = own and not awaited and allowed.target.direct
        text, card = report_only(
            found, awaited=awaited, own_first=own_first, in_space=in_space, chosen=chosen, now=services.now()
        )
        return Text(text, card)

    invocation.show(f"refresh:{found.id}", make)
    with services.database.read() as tx:
        pressed = messages.report_card(tx, invocation.pressed, found.id)
    if pressed is not None:
        services.outbox.delete(pressed)
