"""``history``: what a schedule or subscription has done, and what failed of it, done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.chat.named_origin import may_change, named_origins, offer_origins, require_change
from bot.chat.registry import registry
from bot.db import audit, past_runs
from bot.db.past_runs import FAILED
from bot.messages import run_history
from bot.messages.help import Group
from bot.messages.run_history import HISTORY, NOTHING_TO_RETRY, RETRY
from bot.outbox import Text
from bot.reports.retries import retry

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation, Permission
    from bot.db.database import Transaction
    from bot.db.past_runs import PastRun
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription

    Owned = Subscription | Schedule

PAGE: Final = 5
LONGEST_PAGE: Final = 3
"""Digits of a page's number."""
LOOKED_AT: Final = 50
"""Of so many, the newest, those that failed are retried together."""
MOST_RETRIED: Final = 10
"""By one press: each brings a file into the space."""


@registry.command(
    "history",
    usage="history [name or reference]",
    summary="See what a schedule or subscription has done, and retry what failed.",
    group=Group.FOLLOW,
    examples=("history weekly usage", "history weekly usage retry"),
)
def history(invocation: Invocation) -> None:
    """Show a page of what it did, newest first; with ``retry`` do what failed again, or the one that is named."""
    words, page, wanted = _read(invocation.rest)
    found = named_origins(invocation, words)
    if len(found) != 1:
        offer_origins(invocation, found, "Show")
        return
    (owned,) = found
    invocation.trail.reference = owned.reference
    invocation.check_person(family=owned.family)
    if wanted is None:
        _show(invocation, owned, page)
    else:
        require_change(invocation, owned)
        _retry(invocation, owned, wanted)


def _read(words: tuple[str, ...]) -> tuple[tuple[str, ...], int, str | None]:
    """Return what names it, the page, and what to retry: a reference, empty for all that failed, or None."""
    for behind in (1, 2):
        if len(words) > behind and words[-behind].casefold() == RETRY:
            return words[:-behind], 1, words[-1].casefold() if behind > 1 else ""
    number = words[-1] if words else ""
    is_page = len(words) > 1 and words[-2].casefold() == "page" and number.isdecimal() and len(number) <= LONGEST_PAGE
    return (words[:-2], max(1, int(number)), None) if is_page else (words, 1, None)


def _show(invocation: Invocation, owned: Owned, page: int) -> None:
    with invocation.services.database.read() as tx:
        found = past_runs.latest(tx, owned.origin, PAGE + 1, skip=(page - 1) * PAGE)
        zone = past_runs.zone_of(tx, owned)
    changes = may_change(invocation, owned)

    def make(allowed: Permission) -> Text:
        told = [one for one in found[:PAGE] if one.family is None or one.family in allowed.families]
        said = run_history.history_card(owned, told, zone, page=page, more=len(found) > PAGE, may_change=changes)
        return Text(*said)

    invocation.show(HISTORY, make)


def _retry(invocation: Invocation, owned: Owned, reference: str) -> None:
    """Do again what failed, once for an event, and say what; a press on what was done again comes to nothing."""
    services = invocation.services
    families = invocation.check_person().families
    with services.database.begin() as tx:
        failed = [one for one in _failed(tx, invocation, owned, reference) if one.family in families]
        chosen = failed[:MOST_RETRIED]
        for one in chosen:
            made = retry(tx, services, owned, one, invocation.event_key)
            if made is not None:
                report_id = one.request.report_id if one.request is not None else None
                audit.record(tx, invocation.entry(RETRY, report_id, audit.ASKED, made), services.now())
        zone = past_runs.zone_of(tx, owned)
    if not chosen:
        invocation.answer_press_directly()
        said = NOTHING_TO_RETRY
    else:
        invocation.trail.recorded = True
        said = run_history.retried(owned, chosen, zone, len(failed) - len(chosen))
    invocation.show(RETRY, Text(said))


def _failed(tx: Transaction, invocation: Invocation, owned: Owned, reference: str) -> list[PastRun]:
    """Return what is to be done again, newest first; what this event has done again before a kill came is that."""
    if reference:
        one = past_runs.with_reference(tx, owned.origin, reference)
        found = [one] if one is not None else []
    else:
        found = [one for one in past_runs.latest(tx, owned.origin, LOOKED_AT) if one.state in FAILED]
    found = [one for one in found if one.can_be_retried]
    return [one for one in found if one.retried_by == invocation.event_key] or [
        one for one in found if not one.retried_by
    ]
