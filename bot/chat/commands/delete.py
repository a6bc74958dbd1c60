"""``delete``: delete a report from Webex, once the person who asked has confirmed it by a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.confirmation import LAPSES_AFTER, ask, confirmed
from bot.chat.deleted_reports import without_deleted
from bot.chat.meant_command import offer_to_end
from bot.chat.named_report import find_by_id, listed_reports, look_up, offer
from bot.chat.registry import registry
from bot.chat.report_ids import may_be_id, names_ids
from bot.chat.thread_context import ask_which, naming_words, reports_meant
from bot.db import audit, reports, request_search, requests
from bot.db.requests import State
from bot.errors import BotError
from bot.messages import deletion
from bot.messages.deletion import CONFIRM, Uses
from bot.messages.help import Group
from bot.messages.report_list import not_shown
from bot.outbox import Text
from bot.reports import quota
from bot.reports.delete import delete_report
from bot.reports.requests import put_thread
from bot.reports.search import taken
from bot.webex.report import Report
from bot.webex.report_families import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation, Permission
    from bot.db.database import Transaction

RETRY_FOR: Final = LAPSES_AFTER
"""How long a deletion is tried while Webex has trouble; nobody expects one hours later."""
MOST_TROUBLE: Final = 3
"""Reports at which Webex has trouble, after which the others are left for the next try."""
OLD: Final = "old"
"""``delete old``, or ``delete all old reports``: what is old, in one go."""
ALL: Final = frozenset({"all", "everything"})


@registry.command(
    "delete",
    usage="delete [title or ID]",
    summary="Delete a report from Webex; I'll ask you to confirm.",
    group=Group.MANAGE,
    examples=("delete calling usage May", "delete old"),
    action=Action.CHANGE,
)
def delete(invocation: Invocation) -> None:
    """Ask for confirmation, or delete what was confirmed. Only who may write gets so far."""
    if invocation.pressed and invocation.rest[:1] == (CONFIRM,):
        _delete_confirmed(invocation)
        return
    allowed = invocation.authorize(Action.CHANGE)
    if naming_words(invocation.rest) == [OLD]:
        _offer_old(invocation)
    elif not naming_words(invocation.rest) and not ALL.isdisjoint(map(str.casefold, invocation.rest)):
        invocation.say("all", *deletion.not_all(quota.OLD_AFTER))
    elif invocation.pressed or names_ids(invocation.rest):
        _of_ids(invocation, invocation.named_reports(), allowed)
    elif naming_words(invocation.rest):
        _of_words(invocation, taken(invocation.rest), allowed)
    else:
        _of_ids(invocation, reports_meant(invocation, allowed), allowed)


def _of_ids(invocation: Invocation, report_ids: Sequence[str], allowed: Permission) -> None:
    if report_ids:
        there = without_deleted(invocation, report_ids, invocation.check_person().families)
        if there:
            _ask(invocation, _found(invocation, there))
    else:
        ask_which(invocation, allowed)


def _of_words(invocation: Invocation, words: Sequence[str], allowed: Permission) -> None:
    """Ask for confirmation when one report has these words: of several runs of a report, none is the one meant."""
    named = look_up(invocation, words, Action.CHANGE)
    if len(named.found.items) == 1:
        (report,) = named.found.items
        invocation.trail.report_ids = (report.id,)
        _ask(invocation, [report])
    elif not named.found.items and offer_to_end(invocation, words):
        return
    elif not named.found.items and named.period is None and all(map(may_be_id, words)):
        _of_ids(invocation, invocation.named_reports(), allowed)
    else:
        offer(invocation, words, named, row_button=("Delete…", "delete"))


def _found(invocation: Invocation, report_ids: Sequence[str]) -> list[Report]:
    """Return the reports as Webex has them, in any family that the person may read: of those it is told who may write.

    Raises ``NotFound`` and ``WebexError``.
    """
    readable = invocation.check_person()
    return [find_by_id(invocation, one, readable.families, readable.others) for one in report_ids]


def _offer_old(invocation: Invocation) -> None:
    """Ask for confirmation to delete the oldest reports that nobody needs any more."""
    services, allowed = invocation.services, invocation.authorize(Action.CHANGE)
    listed, refused = listed_reports(invocation, allowed.families)
    with services.database.read() as tx:
        awaited = {one.report_id for one in reports.awaited(tx)}
    found = quota.old(listed, awaited, services.now())
    if found:
        invocation.trail.report_ids = tuple(one.id for one in found)
        _ask(invocation, found)
    else:
        missing = [not_shown(family, error) for family, error in refused.items()]
        invocation.say("nothing", " ".join([deletion.nothing_old(quota.OLD_AFTER), *missing]))


def _ask(invocation: Invocation, found: Sequence[Report]) -> None:
    """Answer with the card that asks for confirmation."""
    services = invocation.services
    now = services.now()
    argument = " ".join(f"{one.family.value}:{one.id}" for one in found)
    with services.database.begin() as tx:
        for one in found:
            if reports.get(tx, one.id) is None:
                reports.save(tx, one, now)  # the audit names it: by its row it is known who may see that, and its title
        uses = _uses(tx, found[0].id)
        token, until = ask(tx, invocation, "delete", argument)

    def make(allowed: Permission) -> Text:
        for family in {one.family.value for one in found} - set(allowed.families):
            invocation.check_person(Action.CHANGE, family)
        said, card = deletion.confirmation(found, uses, token=token, until=until, direct=allowed.target.direct)
        return Text(said, card)

    invocation.show("delete", make, Action.CHANGE)


def _uses(tx: Transaction, report_id: str) -> Uses:
    asked = request_search.about(tx, report_id)
    posted = (one.closed_at for one in asked if one.state is State.DELIVERED)
    waiting = sum(one.state is State.OPEN and one.found_at is not None for one in asked)
    return Uses(posted_at=next(posted, None), waiting=waiting)


def _delete_confirmed(invocation: Invocation) -> None:
    """Delete what the token stands for. A job that was cut off does it again, and says it once."""
    services = invocation.services
    allowed = invocation.authorize(Action.CHANGE)
    wanted = _confirmed(invocation)
    invocation.trail.report_ids = tuple(one.id for one in wanted)
    gone: list[Report] = []
    failed: list[tuple[Report, BotError]] = []
    trouble: list[BotError] = []
    canceled = 0
    for report_id in invocation.trail.each(invocation.trail.report_ids):
        report = next(one for one in wanted if one.id == report_id)
        try:
            if report.family.value not in allowed.families:
                invocation.check_person(Action.CHANGE, report.family.value)
            if len(trouble) >= MOST_TROUBLE:
                raise trouble[-1]
            with invocation.report_call():
                event, person_id = invocation.event_key, invocation.person_id
                canceled += delete_report(
                    services, report.family.value, report_id, event_key=event, person_id=person_id
                )
            gone.append(report)
            invocation.trail.outcome = audit.DELETED
        except BotError as error:
            if error.passing:
                trouble.append(error)
            elif len(wanted) == 1:
                raise
            failed.append((report, error))
            invocation.trail.outcome = audit.joined(audit.ERROR, audit.cause_of(error))
    if trouble and services.now() - invocation.asker.asked_at < RETRY_FOR:
        raise trouble[0]  # the job is run again; what is deleted stays so
    if not gone and not trouble:
        raise failed[0][1]
    said = deletion.deleted(gone, [(one, error.sentence) for one, error in failed], canceled=canceled)
    invocation.show("deleted", Text(said), Action.CHANGE)
    invocation.delete_question("delete")
    _put_cards(invocation, [one.id for one in gone])


def _put_cards(invocation: Invocation, report_ids: Sequence[str]) -> None:
    """Have the cards of the deleted reports in this thread say so; elsewhere they do when they are refreshed."""
    services = invocation.services
    with services.database.begin() as tx:
        for report_id in report_ids:
            there = requests.in_thread(tx, report_id, invocation.room_id, invocation.parent_id)
            if there is not None:
                put_thread(tx, services.queue, there)


def _confirmed(invocation: Invocation) -> list[Report]:
    """Use the confirmation and return the reports that it is about, as they were. Raises ``Refused``."""
    with invocation.services.database.begin() as tx:
        argument = confirmed(tx, invocation, "delete", deletion.UNUSABLE)
        pairs = [one.split(":", 1) for one in argument.split()]
        rows = {report_id: reports.get(tx, report_id) for _, report_id in pairs}
    return [
        row.report if (row := rows[report_id]) is not None else Report(report_id, Family(family), "")
        for family, report_id in pairs
    ]
