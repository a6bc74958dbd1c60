"""What a command without a report means: the reports of its thread, else the person's only open request.

It finds IDs only. What is then shown or done goes the way of the command, which asks policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from bot.chat.report_ids import MOST_IDS
from bot.db import messages, reports, request_search
from bot.db.requests import State
from bot.messages.own_requests import choice_card, nothing_pending
from bot.messages.sentences import which_report
from bot.outbox import Text
from bot.reports.report_messages import Draft
from bot.webex.ids import same_id
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation, Permission
    from bot.db.database import Transaction
    from bot.db.request_search import Item
    from bot.db.requests import Request
    from bot.webex.types import Card

POINTING: Final = frozenset(
    {"it", "this", "that", "please", "now", "the", "my", "report", "request", "file", "again", "one", "thanks", "here"}
)
"""Words that name no report: "cancel this request, please"."""
MOST_OFFERED: Final = 5
"""Closed requests that are offered to choose from."""


class Allowed(Protocol):
    """A decision of policy, or the permission that was made of it."""

    @property
    def families(self) -> tuple[str, ...]:
        """Return the families of reports that the person may use."""


def reports_meant(invocation: Invocation, allowed: Allowed, *, open_first: bool = False) -> list[str]:
    """Return the IDs of the reports that a command without one means; none where buttons must ask.

    The audit's rows are about them. ``open_first``: of a thread's requests those that are open, if there are any.
    """
    if not {word.casefold() for word in invocation.rest} <= POINTING:
        return []  # it names something that was not found: another report would be a guess
    with invocation.services.database.read() as tx:
        there = [one for one, _ in of_thread(tx, invocation, allowed)]
        if open_first:
            event = invocation.event_key
            there = [one for one in there if one.state is State.OPEN or one.closed_by == event] or there
        found = [one.report_id for one in there]
        found += _shown_in(tx, invocation, allowed)
        pending = [] if found else pending_requests(tx, invocation, allowed)
    if len(pending) == 1:
        found = [pending[0][0].report_id]
    ids = list(dict.fromkeys(found))[:MOST_IDS]
    invocation.trail.report_ids = tuple(ids)
    return ids


def of_thread(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Item]:
    """Return the requests of the invocation's thread, oldest first."""
    if invocation.parent_id is None:
        return []
    return request_search.of_thread(
        tx, invocation.room_id, invocation.parent_id, invocation.person_id, allowed.families
    )


def pending_requests(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Item]:
    """Return the person's open requests, oldest first: all of them in a 1:1 space, else those of the space.

    In a group space others read along. An event that is run again after it has canceled one finds that.
    """
    found = request_search.open_of(tx, invocation.person_id, allowed.families)
    found = found or request_search.canceled_by(tx, invocation.event_key)
    return [one for one in found if invocation.direct or same_id(one[0].room_id, invocation.room_id)]


def _shown_in(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[str]:
    """Return the reports of the thread's cards that belong to no request."""
    shown = messages.reports_shown(tx, invocation.parent_id) if invocation.parent_id else []
    return [one for one in shown if reports.known_family(tx, one) in allowed.families]


def ask_which(invocation: Invocation) -> None:
    """Ask which of the person's reports a command means, with a button for each; the latest ones, or what is open."""
    word = invocation.word.casefold()

    def make(allowed: Permission) -> Draft:
        with invocation.services.database.read() as tx:
            items = pending_requests(tx, invocation, allowed)
            if word != "cancel" and not items:
                items = _latest(tx, invocation, allowed)
        said: tuple[str, Card | None]
        if items:
            said = choice_card(word, items, {one.id: place_of(one) for one, _ in items})
        else:
            said = (nothing_pending(direct=allowed.target.direct) if word == "cancel" else which_report(word)), None
        return Draft(f"{invocation.event_key}:which", Text(*said))

    invocation.show(make)


def place_of(one: Request) -> str:
    """Return where a request was made, as a part of a sentence."""
    return "directly" if one.room_type == DIRECT else "in a space"


def _latest(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Item]:
    """Return the person's newest requests, one for each report."""
    found = request_search.latest_of(tx, invocation.person_id, allowed.families)
    here = [one for one in found if invocation.direct or same_id(one[0].room_id, invocation.room_id)]
    return list({one[0].report_id: one for one in reversed(here)}.values())[::-1][:MOST_OFFERED]
