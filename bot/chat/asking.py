"""Makes rows of a request for reports: one delivery for each id, each with a job of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import audit, downloads, requests
from bot.queue import tasks
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation


def ask(invocation: Invocation, report_ids: Sequence[str], *, carded: bool = True) -> None:
    """Keep what was asked, once; ``carded=False`` for the file alone."""
    services = invocation.services
    now = services.now()
    enough: list[str] = []
    with services.database.begin(durable=False) as tx:
        for report_id in report_ids:
            if downloads.had_enough(tx, invocation.person_id, report_id):
                enough.append(report_id)
                continue
            reference = services.new_reference()
            delivery_id = requests.ask(
                tx,
                {
                    "reference": reference,
                    "origin": f"{invocation.event_key}:{report_id}",
                    "asker_id": invocation.person_id,
                    "room_id": invocation.room_id,
                    "room_type": invocation.room_type,
                    "parent_id": invocation.parent_id,
                    "report_id": report_id,
                    "carded": carded,
                    "asked_at": min(invocation.sent_at or now, now),
                    "deadline_at": now + services.watch_deadline,
                },
            )
            if delivery_id is not None:
                services.queue.put(tx, tasks.ANSWER, str(delivery_id), person=id_key(invocation.person_id))
                audit.record(tx, invocation.entry(invocation.word.casefold(), report_id, audit.ASKED, reference), now)
    invocation.trail.recorded = len(enough) < len(report_ids)
    if enough:
        invocation.say("enough", downloads.HAD_ENOUGH)
