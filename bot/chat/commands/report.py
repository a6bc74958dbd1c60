"""``report``: get a report by words of its title or by its ID, and ``again``: get its file once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.chat.commands.reports import show_page
from bot.chat.deleted_reports import without_deleted
from bot.chat.named_report import MOST_SHOWN, find_by_id, look_up, offer
from bot.chat.registry import registry
from bot.chat.report_ids import MOST_IDS, may_be_id, meant, names_ids
from bot.chat.thread_context import meant_or_asked
from bot.db import audit, downloads, messages, reports
from bot.errors import BotError
from bot.messages.help import Group
from bot.messages.sentences import PICK_ONE, had_enough, odd_ids, too_many_ids
from bot.reports.requests import open_request
from bot.reports.search import asked_for, taken
from bot.reports.wanted_messages import Slot
from bot.webex.report import is_report_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.chat.invocation import Invocation
    from bot.webex.report import Report

log = structlog.get_logger(__name__)


@registry.command(
    "report",
    usage="report <title or ID>",
    summary="Get a report: status now, the file as soon as it's ready.",
    group=Group.GET,
    examples=("report calling usage", "report meeting details October"),
)
def report(invocation: Invocation) -> None:
    """Open a request for the report that the words name, or one for each ID; else show what can be chosen."""
    if names_ids(invocation.rest):
        _of_ids(invocation)
    elif words := taken(invocation.rest):
        _of_words(invocation, words)
    else:
        show_page(invocation, question=PICK_ONE, most=MOST_SHOWN)


def _of_ids(invocation: Invocation) -> None:
    """Open one request for each ID. Policy is asked for each right before its card."""
    ids = meant(invocation.rest)
    odd = [one for one in ids if not is_report_id(one)]
    if odd:
        invocation.say("odd", odd_ids(odd))
    wanted = [one for one in ids if is_report_id(one)]
    invocation.trail.report_ids = tuple(wanted[:MOST_IDS])
    allowed = invocation.check_person()
    if len(wanted) > MOST_IDS:
        invocation.say("many", too_many_ids(MOST_IDS, len(wanted) - MOST_IDS))
    there = without_deleted(invocation, wanted[:MOST_IDS], allowed.families)
    _find_for_organization(invocation, there, allowed.families)
    open_requests(invocation, there, wants_card=True, families=allowed.families)


def _find_for_organization(invocation: Invocation, report_ids: Sequence[str], families: Collection[str]) -> None:
    """Store reports of the sub-partner that the message names: from now on their IDs alone find them.

    Raises ``NotFound`` and other ``BotError``.
    """
    if not invocation.on_behalf_of:
        return
    found = [find_by_id(invocation, one, families) for one in report_ids]
    with invocation.services.database.begin(durable=False) as tx:
        for one in found:
            reports.add(tx, one, invocation.services.now())


def _of_words(invocation: Invocation, words: Sequence[str]) -> None:
    """Open a request for the report with these words; what can only be an ID is told about as one."""
    if all(map(may_be_id, words)):
        invocation.named_reports()  # the audit's rows, also when policy refuses it
    named = look_up(invocation, words)
    if named.one is not None:
        _open_one(invocation, named.one)
    elif not named.found.items and named.period is None and all(map(may_be_id, words)):
        _of_ids(invocation)
    else:
        invocation.trail.report_ids = ()
        offer(invocation, words, named)


def _open_one(invocation: Invocation, found: Report) -> None:
    invocation.trail.report_ids = (found.id,)
    open_requests(invocation, [found.id], wants_card=True)


def of_sentence(invocation: Invocation) -> bool:
    """Get the report that a sentence asks for where its words name it; else offer what they may mean.

    Return False where they mean no report.
    """
    words = taken(invocation.rest)
    if not words:
        show_page(invocation, question=PICK_ONE, most=MOST_SHOWN)
        return True
    named = look_up(invocation, words)
    if named.one is not None and named.found.exact:
        _open_one(invocation, named.one)
    elif named.found.items or named.found.nearest:
        offer(invocation, words, named)
    else:
        invocation.authorize()  # said where a report would be: who reads along can't tell that there is none
        return False
    return True


def is_title(invocation: Invocation, words: Sequence[str]) -> bool:
    """Offer the reports that a message names which says nothing else. Return False where it names none.

    Where it names a period as well, for which there is none, those of other days are offered.
    Nothing is looked for where others read along, for somebody who may have none, or while that can't be found out:
    that is answered as any other message.
    """
    said = taken(words)
    if not said:
        return False
    try:
        if not invocation.may_be_shown():
            return False
        named = look_up(invocation, said, elsewhere=False)
    except BotError as error:
        log.info("titles_not_searched", cause=str(error))
        return False
    found = named.found.items and (named.found.exact or len(asked_for(said)) > 1)
    if not found and not named.of_other_days:
        return False
    offer(invocation, said, named)
    return True


@registry.command("again", usage="again [title or ID]", summary="Send the file again.", group=Group.GET)
def again(invocation: Invocation) -> None:
    """Open a request for each ID, which is answered with the file alone where it can be sent at once."""
    ids = invocation.named_reports()
    allowed = invocation.check_person()
    ids = without_deleted(invocation, ids or meant_or_asked(invocation, allowed), allowed.families)
    _find_for_organization(invocation, ids, allowed.families)
    if ids:
        open_requests(invocation, ids, wants_card=False, families=allowed.families)


def open_requests(
    invocation: Invocation, report_ids: Sequence[str], *, wants_card: bool, families: Collection[str] = ()
) -> None:
    """Insert one request for each ID with its lookup job and its audit row, once for an event.

    The pressed card of a report becomes that of the request where the report is of these families, which the person
    may use; else the press will be refused, and the card stays.
    """
    services = invocation.services
    now = services.now()
    enough = False
    with services.database.begin(durable=False) as tx:
        for report_id in report_ids:
            if downloads.had_enough(tx, invocation.person_id, report_id):
                enough = True
                continue
            pressed = messages.report_card(tx, invocation.pressed, report_id)
            if pressed is not None and reports.known_family(tx, report_id) not in families:
                pressed = None
            listed = wants_card and len(report_ids) > 1
            invocation.trail.recorded = True
            opened = open_request(tx, services, invocation.asker, report_id, wants_card=wants_card, listed=listed)
            if opened is not None:
                request_id, reference = opened
                act = invocation.word.casefold()
                audit.record(tx, invocation.entry(act, report_id, audit.ASKED, reference), now)
                if pressed is not None:
                    messages.assign(tx, pressed, request_id, Slot.CARD)
        if invocation.trail.recorded and not enough:
            invocation.settle(tx)
    if enough:
        invocation.say("enough", had_enough(downloads.MOST, downloads.FEW, downloads.MOST_OF_ONE_PERSON))
