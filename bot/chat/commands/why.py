"""``why``: what happened to a request, by its report, its reference, or the thread where it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.commands.history import history
from bot.chat.deleted_reports import say_deleted
from bot.chat.named_report import today_of
from bot.chat.names import look_up, reader_of
from bot.chat.registry import registry
from bot.chat.report_ids import chosen, perhaps_ids
from bot.chat.thread_context import ask_which, naming_words, of_thread, reports_meant, runs_of_thread
from bot.db import audit, origins, reports, request_search, runs
from bot.db.origin import OriginState
from bot.db.requests import THREAD
from bot.logs import REFERENCE_LENGTH, REFERENCE_LETTERS
from bot.messages.audit_list import AuditView
from bot.messages.help import Group
from bot.messages.history import history_card, nothing_known, run_in_one_sentence
from bot.messages.sentences import NOTHING_REQUESTED
from bot.outbox import Text
from bot.reports.history import load
from bot.reports.periods import find_period
from bot.webex.ids import same_id
from bot.webex.report import is_report_id, looks_like_report_id
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from bot.chat.invocation import Invocation, Permission
    from bot.chat.thread_context import Allowed
    from bot.db.audit import Row
    from bot.db.database import Transaction
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.runs import Run

MOST_TOLD = 3
"""Requests told of one report, the newest first."""
ASKING = frozenset(
    re.findall(
        r"\S+",
        "big blank broken did didn't does empty fail failed happened huge large late long missing not slow small so "
        "still stuck taking take takes was wrong yet",
    )
)
"""Words of a question that name no report: "why did it fail?"."""


@registry.command(
    "why",
    usage="why [title, ID or reference]",
    summary="See what happened to a request.",
    group=Group.FOLLOW,
    examples=("why", "why ujygvtra"),
)
def why(invocation: Invocation) -> None:
    """Show the newest requests for a report in this space, or the person's own, with a button to ask once more.

    In a 1:1 space a full administrator finds any request by its ID or reference.
    """
    wanted = _named(invocation.rest, today_of(invocation))
    invocation.trail.report_ids = (wanted,) if is_report_id(wanted) else ()
    decision = invocation.check_person()
    if wanted:
        _show(invocation, decision, wanted)
        return
    words = [word for word in invocation.rest if word.casefold() not in ASKING]
    meant = reports_meant(invocation, decision, words=words)
    if meant:
        in_thread = not naming_words(words) and len(meant) > 1
        _show(invocation, decision, "" if in_thread else meant[-1])
    elif reference := _perhaps_reference(words, today_of(invocation)):
        _show(invocation, decision, reference)
    elif not naming_words(words) and (there := _runs(invocation, decision)):
        _show_runs(invocation, there)
    else:
        ask_which(invocation, decision, words=words)


@dataclass(frozen=True, slots=True)
class _OnRecord:
    """What may be told, the newest first, as far as it was made here or is the person's own."""

    directly: list[Request]
    before_others: list[Request]
    answers: list[Row]
    """What was told with a reference that is no request's, such as an error."""
    titles: dict[str, str]
    """Of the reports of the answers."""
    deleted: list[ReportRow]
    """The reports of the requests, and the one that was named, that the bot has deleted."""


def _show(invocation: Invocation, decision: Allowed, wanted: str) -> None:
    """Answer with what is on record; ``wanted`` is empty for all that stands in the thread."""
    services = invocation.services
    with services.database.read() as tx:
        owned = origins.with_reference(tx, wanted) if wanted else None
        run = runs.with_reference(tx, wanted.lower()) if wanted else None
    if owned is not None and owned.state is not OriginState.ENDED:
        history(replace(invocation, rest=(wanted,)))
        return
    if run is not None and run.origin is not None and run.report_id is None and _may_see(invocation, run):
        _show_runs(invocation, [run])
        return
    record = _read(invocation, decision, wanted)
    if record.deleted and not record.before_others and not (invocation.direct and record.directly):
        say_deleted(invocation, record.deleted[0])
        return
    if not record.before_others and not record.answers:
        invocation.answer_press_directly()
    both = [*record.directly, *record.before_others]
    rooms = [one.room_id for one in both if one.room_type != DIRECT] + [row.room_id for row in record.answers]
    people = [one.asker_id for one in both] + [row.person_id for row in record.answers]
    people += [row.deleted_by for row in record.deleted if row.deleted_by]
    names = look_up(services, people, rooms, reader=reader_of(invocation, [*both, *record.answers]))

    def make(allowed: Permission) -> Text:
        now = services.now()
        there = record.directly if allowed.target.direct else record.before_others
        with services.database.read() as tx:
            found = _of_families(tx, there, allowed.families)
            told = [(one, replace(load(tx, one, now, services.poll_interval), names=names)) for one in found]
        if not told:
            lines = map(AuditView(names, record.titles).line, record.answers)
            unknown = NOTHING_REQUESTED
            if wanted:
                unknown = f"{nothing_known(wanted, services.settings.audit_days)} {allowed.others}".rstrip()
            return Text("\n\n".join(lines) or unknown)
        invocation.trail.report_ids = (found[0].report_id,)  # it may have been asked for by its reference
        return Text(*history_card(told, now))

    invocation.show(f"why:{wanted}", make)


def _runs(invocation: Invocation, decision: Allowed) -> list[Run]:
    with invocation.services.database.read() as tx:
        return runs_of_thread(tx, invocation, decision)[-MOST_TOLD:]


def _may_see(invocation: Invocation, run: Run) -> bool:
    """Return True for a schedule's run of this space, or in a 1:1 space for its owner and who may audit."""
    if not invocation.direct:
        return same_id(run.room_id, invocation.room_id)
    return same_id(run.person_id, invocation.person_id) or run.family in _audited(invocation)


def _show_runs(invocation: Invocation, there: Sequence[Run]) -> None:
    """Answer with what happened to runs that have given no report."""
    with invocation.services.database.read() as tx:
        made_for = {one.id: origins.get(tx, one.origin) for one in there if one.origin is not None}
    rooms = [one.room_id for one in there if one.room_type != DIRECT]
    reader = reader_of(invocation, there)
    names = look_up(invocation.services, [one.person_id for one in there], rooms, reader=reader)

    def make(allowed: Permission) -> Text:
        told = [
            run_in_one_sentence(one, names, made_for.get(one.id))
            for one in reversed(there)
            if one.family in allowed.families
        ]
        return Text("\n\n".join(told) or NOTHING_REQUESTED)

    invocation.show("why", make)


def _read(invocation: Invocation, decision: Allowed, named: str) -> _OnRecord:
    with invocation.services.database.read() as tx:
        run = runs.with_reference(tx, named.lower()) if named else None
        wanted = run.report_id if run is not None and run.report_id else named
        directly = _find(tx, invocation, decision, wanted, direct=True)
        before_others = _find(tx, invocation, decision, wanted, direct=False)
    audited = () if directly or not invocation.direct else _audited(invocation)
    with invocation.services.database.read() as tx:
        if audited:
            directly = _of_families(tx, request_search.about(tx, wanted), audited)[:MOST_TOLD]
        answers = [] if directly or before_others else _answers(tx, invocation, wanted, audited)
        titles = reports.titles(tx, {row.report_id for row in answers if row.report_id}, decision.families)
        about = dict.fromkeys([wanted, *(one.report_id for one in [*directly, *before_others])])
        rows = [reports.get(tx, report_id) for report_id in about]
    deleted = [row for row in rows if row is not None and row.deleted_at and row.family in decision.families]
    return _OnRecord(directly, before_others, answers, titles, deleted)


def _find(tx: Transaction, invocation: Invocation, allowed: Allowed, wanted: str, *, direct: bool) -> list[Request]:
    """Return the requests to tell of, the newest first; ``direct``: the person alone reads it.

    In a space others read along: what someone asked for elsewhere is told there, or directly.
    """
    if wanted:
        alone = invocation.person_id if direct else None
        return request_search.told_here(tx, wanted, invocation.room_id, alone, allowed.families)[:MOST_TOLD]
    there = [one for one, _ in reversed(of_thread(tx, invocation, allowed))]
    return [one for one in there if direct or one.destination == THREAD][:MOST_TOLD]


def _audited(invocation: Invocation) -> tuple[str, ...]:
    """Return the families in which the person may see who requested what: the audit log tells of the same."""
    services = invocation.services
    return services.authorizer.decide(
        invocation.person_id, Action.AUDIT, room_id=invocation.room_id, direct=True
    ).families


def _answers(tx: Transaction, invocation: Invocation, reference: str, audited: Collection[str]) -> list[Row]:
    """Return what was told with a reference that is no request's: the person's own, or all for who may audit.

    In a space others read along, so what was told elsewhere is not told there.
    """
    found = audit.with_reference(tx, reference.lower(), person_id=invocation.person_id)
    if not invocation.direct:
        return [row for row in found if same_id(row.room_id, invocation.room_id)]
    if found or not audited:
        return found
    shown = {None, *audited}
    found = audit.with_reference(tx, reference.lower())
    return [row for row in found if row.report_id is None or reports.known_family(tx, row.report_id) in shown]


def _of_families(tx: Transaction, found: Sequence[Request], families: Collection[str]) -> list[Request]:
    """Leave out requests for reports of other families; of one that was not found nobody learns which it is of."""
    return [one for one in found if one.found_at is None or reports.known_family(tx, one.report_id) in families]


def _named(words: Sequence[str], today: date) -> str:
    """Return a report's ID or a reference that the words certainly hold: "why is reference 1a2b3c late?"."""
    said = chosen(words)
    ids = [word for word in said if looks_like_report_id(word)]
    named = [after for word, after in pairwise(said) if word.casefold() == "reference"]
    others = perhaps_ids([word for word in said if word.casefold() not in ASKING], today)
    opaque = [word for word in others if not word.isdecimal() and any(map(str.isdigit, word))]
    return next(iter([*ids, *named, *opaque]), "")


def _perhaps_reference(words: Sequence[str], today: date) -> str:
    """Return the word that has the form of a reference, or the only word that no title has; none beside a period."""
    if find_period(words, today)[0] is not None:
        return ""
    words = naming_words(words)
    formed = [word for word in words if len(word) == REFERENCE_LENGTH and set(word) <= set(REFERENCE_LETTERS)]
    return next(iter([*formed, *(words if len(words) == 1 else [])]), "")
