"""``report <id>``: get a report, and ``again <id>``: get its file once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.commands.reports import show_page
from bot.chat.registry import registry
from bot.chat.report_ids import MOST_IDS, meant
from bot.chat.thread_context import ask_which, reports_meant
from bot.db import audit, downloads, messages
from bot.messages.help import Group
from bot.messages.sentences import PICK_ONE, had_enough, odd_ids, too_many_ids
from bot.reports.requests import open_request
from bot.reports.wanted_messages import Slot
from bot.webex.report import is_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation


@registry.command(
    "report",
    usage="report <id>",
    summary="Get a report: status now, the file as soon as it's ready.",
    group=Group.GET,
)
def report(invocation: Invocation) -> None:
    """Open one request for each ID. Policy is asked for each right before its card."""
    ids = meant(invocation.rest)
    if not ids:
        show_page(invocation, 1, PICK_ONE)
        return
    odd = [one for one in ids if not is_report_id(one)]
    if odd:
        invocation.say("odd", odd_ids(odd))
    wanted = [one for one in ids if is_report_id(one)]
    invocation.trail.report_ids = tuple(wanted[:MOST_IDS])
    invocation.check_person()
    if len(wanted) > MOST_IDS:
        invocation.say("many", too_many_ids(MOST_IDS, len(wanted) - MOST_IDS))
    open_requests(invocation, wanted[:MOST_IDS], wants_card=True)


@registry.command("again", usage="again <id>", summary="Send the file again.", group=Group.GET)
def again(invocation: Invocation) -> None:
    """Open a request for each ID, which is answered with the file alone where it can be sent at once."""
    ids = invocation.named_reports()
    allowed = invocation.check_person()
    ids = ids or reports_meant(invocation, allowed)
    if not ids:
        ask_which(invocation)
        return
    open_requests(invocation, ids, wants_card=False)


def open_requests(invocation: Invocation, report_ids: Sequence[str], *, wants_card: bool) -> None:
    """Insert one request for each ID with its lookup job and its audit row, once for an event."""
    services = invocation.services
    now = services.now()
    enough = False
    with services.database.begin(durable=False) as tx:
        for report_id in report_ids:
            if downloads.had_enough(tx, invocation.person_id, report_id):
                enough = True
                continue
            pressed = messages.report_card(tx, invocation.pressed, report_id)
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
