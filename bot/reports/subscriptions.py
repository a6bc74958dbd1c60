"""Announce reports that have become ready in the spaces that have subscribed to them.

What is new is known from ``ready_reports``: a round lists the reports of a family and region once for everyone, and
opens an ordinary request for each subscription and new report. A kill in between makes the next round do it again; what
a subscription was told of before, its requests tell.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.access.policy import Action, Verdict
from bot.db import messages, origins, ready_reports, reports, requests, subscriptions
from bot.db.requests import Content, State
from bot.errors import BotError
from bot.queue import tasks
from bot.reports.report_search import report_texts
from bot.reports.requests import Asker, close, open_request
from bot.reports.search import ExactSearch
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bot.db.database import Transaction
    from bot.db.subscriptions import Subscription
    from bot.queue import Queue
    from bot.reports.requests import Opener
    from bot.services import Services
    from bot.webex.report import Report
    from bot.webex.report_lists import ReportList

log = structlog.get_logger(__name__)

MOST_SINGLE: Final = 5
"""New reports that one subscription announces at once, each with a message of its own; more share a list card."""
MOST_LISTED: Final = 10
"""Reports on one list card."""
SLICE: Final = 20
"""Requests that one transaction opens, or a few more: it holds SQLite's only write lock."""
MUTED_FOR: Final = timedelta(days=7)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def announce(services: Services, which: ReportList, listed: Iterable[Report]) -> None:
    """Open the requests for what has become ready since the last look at this list, and store that it was seen.

    Raises ``DatabaseUnavailable``.
    """
    ready = [report for report in listed if report.phase is Phase.READY]
    now = services.now()
    with services.database.read() as tx:
        new, changed = ready_reports.unseen(tx, which, ready, now)
        served = subscriptions.of_list(tx, which) if new else []
    if not changed:
        return
    for some in _slices(list(_wanted(services, which.family, served, new))):
        with services.database.begin() as tx:
            for one, theirs in some:
                _open(tx, services, one, theirs)
    with services.database.begin() as tx:
        ready_reports.store(tx, which, ready, now)


def put_watches(tx: Transaction, services: Services, one: Subscription) -> None:
    """Have the lists that serve a subscription looked at from now on."""
    for which in subscriptions.lists_for(one.family, one.region, one.on_behalf_of):
        services.queue.put(tx, tasks.WATCH, which.key, after=services.poll_interval)


def end(tx: Transaction, services: Opener, one: Subscription) -> None:
    """End a subscription, with what it would still post."""
    now = services.now()
    origins.end(tx, one.origin, now)
    for request in requests.open_of(tx, one.origin):
        if not messages.has_file(tx, request.id):
            close(tx, services.queue, request, State.CANCELED, now, cause="unsubscribed")


def watch_from_now(
    tx: Transaction, queue: Queue, family: str | None, region: str | None, on_behalf_of: str | None = None
) -> None:
    """Have the lists looked at of a subscription that is about to be made; what is ready then is not new."""
    for which in subscriptions.lists_for(family, region, on_behalf_of):
        if not subscriptions.stand(tx, which):
            ready_reports.forget(tx, which)
            queue.put(tx, tasks.WATCH, which.key)  # also while a look that began before is about to end


def _wanted(
    services: Services, family: str, served: Sequence[Subscription], new: Sequence[Report]
) -> Iterator[tuple[Subscription, list[Report]]]:
    """Yield the subscriptions with the new reports that they match, oldest first, as far as their owners use them."""
    search = ExactSearch(sorted(new, key=lambda report: report.created or _LONG_AGO), report_texts)
    by_words: dict[str, list[Report]] = {}
    now = services.now()
    for one in served:
        if not one.is_served(now):
            continue
        if one.words not in by_words:
            by_words[one.words] = search.find(one.words.split())
        if by_words[one.words] and (one.family is not None or _uses(services, one, family)):
            yield one, by_words[one.words]


def _uses(services: Services, one: Subscription, family: str) -> bool:
    """Return True when the owner may use a family, or none at all, or nobody knows: then its request is refused."""
    try:
        decision = services.authorizer.decide(
            one.person_id, Action.READ, room_id=one.room_id, direct=one.direct, members=False
        )
    except BotError as error:
        log.info("families_of_owner_not_known", reference=one.reference, cause=str(error))
        return True
    return decision.verdict is Verdict.REFUSED or family in decision.families


def _slices(
    wanted: Sequence[tuple[Subscription, list[Report]]],
) -> Iterator[list[tuple[Subscription, list[Report]]]]:
    """Yield subscriptions with about as many reports as one transaction opens requests for."""
    some: list[tuple[Subscription, list[Report]]] = []
    for pair in wanted:
        some.append(pair)
        if sum(len(theirs) for _, theirs in some) >= SLICE:
            yield some
            some = []
    if some:
        yield some


def _open(tx: Transaction, services: Services, one: Subscription, new: Sequence[Report]) -> None:
    """Open the requests of one subscription, unless it has ended, or was muted or paused, since it was read."""
    now = services.now()
    current = subscriptions.get(tx, one.id)
    if current is None or not current.is_served(now):
        return
    announced = requests.reports_of(tx, one.origin, [report.id for report in new])
    missing = [report for report in new if report.id not in announced]
    here = _posted_here(tx, current, [report.id for report in missing])
    missing = [report for report in missing if report.id not in here]
    for report in missing:
        reports.add(tx, report, now)
    bundled = len(missing) > MOST_SINGLE
    content = Content.CARD if current.card_only else Content.FILE
    for start in range(0, len(missing), MOST_LISTED):
        some = missing[start : start + MOST_LISTED]
        event = f"{one.origin.key}:{some[0].id}" if bundled else one.origin.key
        asker = Asker(event, current.person_id, current.room_id, current.room_type, None, now, one.origin)
        for report in some:
            open_request(tx, services, asker, report.id, listed=bundled, content=content)
    if missing:
        log.info("reports_announced", reference=one.reference, number=len(missing))


def _posted_here(tx: Transaction, one: Subscription, report_ids: Sequence[str]) -> set[str]:
    """Return those of these reports that its space has already, for a schedule or because somebody asked."""
    return {
        made.report_id
        for made in requests.delivered(tx, report_ids)
        if requests.goes_to(made, one.room_id, one.person_id) and (one.card_only or made.content is not Content.CARD)
    }
