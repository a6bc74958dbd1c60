"""``audit``: the last rows of the audit, about everyone, one person, or one report.

A row holds IDs only. Names come from Webex when it is read, titles of reports from the database.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.names import look_up
from bot.chat.registry import registry
from bot.db import audit as rows_of_audit
from bot.db import origins, reports, runs
from bot.messages import audit_list
from bot.messages.audit_list import AuditView
from bot.messages.elements import button
from bot.outbox import Text
from bot.webex.report import is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation

SHOWN = 10
"""Rows on one card: well under the size that Webex takes, and still readable on a phone."""
PAGE_NUMBER = re.compile(r"[0-9]{1,4}")


@registry.command(
    "audit",
    usage="audit",
    summary="See who requested which reports (full administrators only).",
    action=Action.AUDIT,
)
def audit(invocation: Invocation) -> None:
    """Answer ``audit``, ``audit <report ID>`` or ``audit <email address>``, each with the number of a page or without.

    It goes to full administrators, and only directly: the others in a space may be of the same organization and still
    have no part in who asked for what.
    """
    services = invocation.services
    asked, page = _asked(invocation)
    by_report = asked if asked and "@" not in asked and is_report_id(asked) else None
    invocation.trail.report_ids = (by_report,) if by_report else ()
    allowed = invocation.authorize(Action.AUDIT, neutral=audit_list.NEUTRAL)
    target = allowed.target
    if asked is None or (asked and not by_report and "@" not in asked):
        services.outbox.send(f"{invocation.event_key}:usage", target, audit_list.USAGE)
        return
    person_id = None
    if asked and not by_report:
        person_id = services.directory.find(asked)
        if person_id is None:
            services.outbox.send(f"{invocation.event_key}:nobody", target, audit_list.nobody(asked))
            return
    with services.database.read() as tx:
        hidden = reports.ids_beyond(allowed.families)
        before = (page - 1) * SHOWN
        found = rows_of_audit.latest(
            tx,
            SHOWN + 1,
            skip=before,
            person_id=person_id,
            report_id=by_report,
            without=hidden,
            reader_id=invocation.person_id,
        )
        rows = found[:SHOWN]
        titles = reports.titles(tx, {row.report_id for row in rows if row.report_id}, allowed.families)
        references = {row.reference for row in rows if row.reference}
        titles |= runs.titles(tx, references, allowed.families)
        found_for = origins.of_references(tx, references)
        made_for = {key: one for key, one in found_for.items() if one.family in {None, *allowed.families}}
    names = look_up(services, [row.person_id for row in rows], [row.room_id for row in rows], needed=True)
    view = AuditView(names, titles, names.namesakes(), made_for)
    note = f"{audit_list.note_of(len(rows), before, asked)} {allowed.others}".rstrip()
    more = [button("More", "audit", f"{asked} {page + 1}".strip())] if len(found) > SHOWN else []
    card = audit_list.audit_card(rows, view, note, more)
    services.outbox.send(f"{invocation.event_key}:audit", target, Text(audit_list.audit_text(rows, view, note), card))


def _asked(invocation: Invocation) -> tuple[str | None, int]:
    """Return the person or report that the audit is asked for, and the page.

    That is an ID or address, nothing for all of it, or None where only a person could tell.
    """
    rest, page = invocation.rest, 1
    if rest and PAGE_NUMBER.fullmatch(rest[-1]):
        rest, page = rest[:-1], max(1, int(rest[-1]))
    named = next((one for one in rest if "@" in one or looks_like_report_id(one)), None)
    if named is None and len(rest) <= 1 and not invocation.mentions_others:
        named = "".join(rest)
    return (named.removeprefix("mailto:") if named is not None else None), page
