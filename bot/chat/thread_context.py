"""What a command without an ID means: the reports of its thread, else the person's only open request.

Words of a title name one of the person's own requests. It finds IDs only. What is then shown or done goes the way of
the command, which asks policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from bot.access.policy import Action
from bot.chat.meant_command import offer_to_end
from bot.chat.named_report import named_report, offer_newest, today_of
from bot.chat.names import look_up
from bot.chat.report_ids import MOST_IDS, POINTING
from bot.db import messages, reports, request_search
from bot.db.requests import State
from bot.messages.own_requests import AGAIN, LABELS, choice_card, nothing_pending
from bot.messages.report_list import asked_words
from bot.messages.request_card import is_lost
from bot.messages.sentences import NOTHING_REQUESTED, gone
from bot.outbox import Text
from bot.reports.report_search import find_named
from bot.reports.search import Found, asked_for, taken
from bot.webex.ids import same_id
from bot.webex.report import Phase
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from bot.chat.invocation import Invocation, Permission
    from bot.db.database import Transaction
    from bot.db.request_search import Item
    from bot.db.runs import Run
    from bot.webex.types import Card

MOST_OFFERED: Final = 5
"""Closed requests that are offered to choose from."""
CANCEL, DELETE, WHY = "cancel", "delete", "why"


class Allowed(Protocol):
    """A decision of policy, or the permission that was made of it."""

    @property
    def families(self) -> tuple[str, ...]:
        """Return the families of reports that the person may use."""


def naming_words(words: Sequence[str]) -> list[str]:
    """Return the words that may name a report."""
    return [word for word in asked_for(words) if word not in POINTING]


def _words_of_title(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words to find a report by, as they were written, since a period may be among them."""
    return taken([word for word in words if word.casefold() not in POINTING])


def reports_meant(
    invocation: Invocation, allowed: Allowed, *, open_first: bool = False, words: Sequence[str] | None = None
) -> list[str]:
    """Return the IDs of the reports that a command without one means; none where buttons must ask.

    The audit's rows are about them. ``open_first``: of a thread's requests those that are open, if there are any.
    ``words``: those that may name a report, where that is not all that was written.
    """
    named = _words_of_title(invocation.rest if words is None else words)
    with invocation.services.database.read() as tx:
        if named:
            found = _certain(_by_title(tx, invocation, allowed, named).found)
        else:
            found = _of_place(tx, invocation, allowed, open_first=open_first)
    ids = list(dict.fromkeys(found))[:MOST_IDS]
    invocation.trail.report_ids = tuple(ids)
    return ids


def meant_or_asked(invocation: Invocation, allowed: Allowed) -> list[str]:
    """Return what a command about any report means; words that name none of the person's are looked up in Webex's list.

    Where that is not certain, ask with buttons and return nothing. Raises ``Refused`` and ``WebexError``.
    """
    ids = reports_meant(invocation, allowed)
    words, word = _words_of_title(invocation.rest), invocation.word.casefold()
    if not ids and words:
        found = named_report(invocation, words, row_button=(LABELS[word], word))
        ids = [found.id] if found is not None else []
        invocation.trail.report_ids = tuple(ids)
    elif not ids:
        ask_which(invocation, allowed)
    return ids


def of_thread(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Item]:
    """Return the requests of the invocation's thread, oldest first."""
    if invocation.parent_id is None:
        return []
    return request_search.of_thread(
        tx, invocation.room_id, invocation.parent_id, invocation.person_id, allowed.families
    )


def runs_of_thread(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Run]:
    """Return the runs of the invocation's thread that have given no report."""
    if invocation.parent_id is None:
        return []
    return request_search.runs_of_thread(tx, invocation.room_id, invocation.parent_id, allowed.families)


def pending_runs(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Run]:
    """Return the person's runs whose reports Webex has not created yet, of the same places as the requests."""
    found = request_search.open_runs_of(tx, invocation.person_id, allowed.families)
    return [one for one in found if invocation.direct or same_id(one.room_id, invocation.room_id)]


def pending_requests(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Item]:
    """Return the person's open requests, oldest first: all of them in a 1:1 space, else those of the space.

    In a group space others read along. An event that is run again after it has canceled one finds that.
    """
    found = request_search.open_of(tx, invocation.person_id, allowed.families)
    found = found or request_search.canceled_by(tx, invocation.event_key)
    return [one for one in found if invocation.direct or same_id(one[0].room_id, invocation.room_id)]


def ask_which(invocation: Invocation, allowed: Allowed, *, words: Sequence[str] | None = None) -> None:
    """Ask which of the person's reports a command means, with a button for each; the latest ones, or what is open.

    ``words``: those that may name a report, where that is not all that was written.
    """
    said_words = _words_of_title(invocation.rest if words is None else words)
    services, word = invocation.services, invocation.word.casefold()
    with services.database.read() as tx:
        named = _by_title(tx, invocation, allowed, said_words)
        items = list(named.found.items or named.found.nearest)
        items = _of_use(word, items) or items or _of_use(word, _offered(tx, invocation, allowed))
    if word == CANCEL and said_words and not named.found.items and offer_to_end(invocation, said_words):
        return
    if not items and word not in {CANCEL, WHY}:
        offer_newest(invocation, Action.CHANGE if word == DELETE else Action.READ, row_button=(LABELS[word], word))
        return
    names = look_up(services, [], [one.room_id for one, _ in items if one.room_type != DIRECT], reader=invocation)
    not_found = asked_words(said_words, named.days) if said_words and not named.found.items else ""

    def make(permission: Permission) -> Text:
        shown = [(one, row) for one, row in items if row is None or row.family in permission.families]
        said: tuple[str, Card | None]
        if shown:
            said = choice_card(word, shown[:MOST_OFFERED], names, not_found=not_found)
        else:
            said = nothing_pending(direct=invocation.direct) if word == CANCEL else NOTHING_REQUESTED, None
        return Text(*said)

    invocation.show("which", make)


def _of_place(tx: Transaction, invocation: Invocation, allowed: Allowed, *, open_first: bool) -> list[str]:
    """Return the thread's reports, else that of the person's only open request."""
    there = [one for one, _ in of_thread(tx, invocation, allowed)]
    if open_first:
        event = invocation.event_key
        there = [one for one in there if one.state is State.OPEN or one.closed_by == event] or there
    found = [one.report_id for one in there] + _shown_in(tx, invocation, allowed)
    if not found and not runs_of_thread(tx, invocation, allowed):
        pending = pending_requests(tx, invocation, allowed)
        only = len(pending) == 1 and not (open_first and pending_runs(tx, invocation, allowed))
        found = [one.report_id for one, _ in pending] if only else []
    return found


def _shown_in(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[str]:
    """Return the reports of the thread's cards that belong to no request."""
    shown = messages.reports_shown(tx, invocation.parent_id) if invocation.parent_id else []
    return [one for one in shown if reports.known_family(tx, one) in allowed.families]


def _offered(tx: Transaction, invocation: Invocation, allowed: Allowed) -> list[Item]:
    """Return the person's requests to choose from, one for each report: the open ones, then the newest others."""
    items = pending_requests(tx, invocation, allowed)[::-1]
    if invocation.word.casefold() != CANCEL:
        latest = request_search.latest_of(tx, invocation.person_id, allowed.families)
        items += [one for one in latest if invocation.direct or same_id(one[0].room_id, invocation.room_id)]
    first: dict[str, Item] = {}
    if invocation.word.casefold() != WHY:
        items = [one for one in items if one[1] is None or one[1].deleted_at is None]
    for item in items:
        first.setdefault(item[0].report_id, item)
    return list(first.values())


def _of_use(word: str, items: Sequence[Item]) -> list[Item]:
    """Return those that a command can help with: of reports that Webex has, or whose files it has."""
    if word in {CANCEL, WHY}:
        return list(items)
    there = [(one, row) for one, row in items if row is not None and one.reason != gone(row.title)]
    return [(one, row) for one, row in there if word != AGAIN or (row.phase is Phase.READY and not is_lost(one, row))]


class _Named(NamedTuple):
    """Which of a person's requests words name, and the days in them."""

    found: Found[Item]
    days: tuple[date, date] | None = None


def _by_title(tx: Transaction, invocation: Invocation, allowed: Allowed, words: Sequence[str]) -> _Named:
    """Return those of the person's requests whose reports have these words, and are of the days in them."""
    items = {item[1].report.id: item for item in _offered(tx, invocation, allowed) if item[1]} if words else {}
    named = find_named(words, [row.report for _, row in items.values() if row], today_of(invocation))
    fitting, nearest = (tuple(items[one.id] for one in some) for some in (named.found.items, named.found.nearest))
    return _Named(Found(fitting, exact=named.found.exact, nearest=nearest), named.days)


def _certain(found: Found[Item]) -> list[str]:
    """Return the report that words name without a guess; of one that was run often the newest."""
    items = found.items if found.exact else ()
    titles = {row.report.title for _, row in items if row is not None}
    only = len(items) == 1 or (len(titles) == 1 and all(one.state is not State.OPEN for one, _ in items[1:]))
    return [items[0][0].report_id] if items and only else []
