"""``audit``: the last rows of the audit, about everybody, one person, or one report.

A row holds ids only. Names come from Webex when it is read, titles of reports from the database.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.access.policy import Act
from bot.chat.registry import registry
from bot.db import audit as rows_of_audit
from bot.db import reports
from bot.errors import WebexError
from bot.messages.audit_list import FORGOTTEN, GONE, NAMELESS, AuditView, audit_card, audit_text, name_of, note_of
from bot.messages.elements import button
from bot.outbox import Text
from bot.text import escape_markdown
from bot.webex.report import is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation
    from bot.db.audit import Row
    from bot.services import Services

SHOWN = 10
"""Rows on one card: well under the size that Webex takes, and still readable on a phone."""
PAGE_NUMBER = re.compile(r"[0-9]{1,4}")
NEUTRAL = "This is for one person at a time, so I answer you 1:1."
USAGE = (
    "Write `audit` for the last rows, `audit` and a report's id, or `audit` and a person's e-mail address; with a "
    "number behind it for the page before, as in `audit 2`."
)


@registry.command("audit", usage="audit", summary="Show who asked for what; for full administrators.")
def audit(invocation: Invocation) -> None:
    """Answer ``audit``, ``audit <report id>`` or ``audit <e-mail address>``, each with the number of a page or without.

    For full administrators, and only 1:1.

    The others in a space may be of the same organisation and still have no part in who asked for what.
    """
    services = invocation.services
    asked, page = _asked(invocation)
    by_report = asked if asked and "@" not in asked and is_report_id(asked) else None
    invocation.trail.report_ids = (by_report,) if by_report else ()
    allowed = invocation.authorize(Act.AUDIT, neutral=NEUTRAL)
    target = allowed.target
    if asked is None or (asked and not by_report and "@" not in asked):
        services.outbox.send(f"{invocation.event_key}:usage", target, USAGE)
        return
    person_id = None
    if asked and not by_report:
        person_id = services.directory.find(asked)
        if person_id is None:
            said = f"Webex knows nobody with the address “{escape_markdown(asked, 100)}”."
            services.outbox.send(f"{invocation.event_key}:nobody", target, said)
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
    seen = AuditView(services.now(), _names(services, rows), titles)
    note = f"{note_of(len(rows), before, asked)} {allowed.others}".rstrip()
    more = [button("More", "audit", f"{asked} {page + 1}".strip())] if len(found) > SHOWN else []
    card = audit_card(rows, seen, note, more)
    services.outbox.send(f"{invocation.event_key}:audit", target, Text(audit_text(rows, seen, note), card))


def _asked(invocation: Invocation) -> tuple[str | None, int]:
    """What the audit shall be about: an ID or address, nothing for all of it, None where only a person could tell.

    And which page of it.
    """
    rest, page = invocation.rest, 1
    if rest and PAGE_NUMBER.fullmatch(rest[-1]):
        rest, page = rest[:-1], max(1, int(rest[-1]))
    named = next((one for one in rest if "@" in one or looks_like_report_id(one)), None)
    if named is None and len(rest) <= 1 and not invocation.mentions_others:
        named = "".join(rest)
    return (named.removeprefix("mailto:") if named is not None else None), page


def _names(services: Services, rows: Sequence[Row]) -> dict[str, str]:
    """Name each person of the rows, with their e-mail address where Webex tells it: two may have one name."""
    named = {row.person_id for row in rows if row.person_id}
    forgotten = {one for one in named if rows_of_audit.is_pseudonym(one)}
    others = named - forgotten
    try:
        people = services.directory.people(others) if others else {}
        missing = GONE
    except WebexError as error:
        if error.passing:
            raise
        people, missing = {}, NAMELESS
    return dict.fromkeys(forgotten, FORGOTTEN) | {one: name_of(people.get(one)) or missing for one in others}
