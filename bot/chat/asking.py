"""Makes rows of a request for reports: one delivery for each id, each with a job of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import audit, downloads, requests
from bot.queue import tasks
from bot.webex.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.context import Context
    from bot.chat.invocation import Request


def ask(context: Context, request: Request, report_ids: Sequence[str], *, carded: bool = True) -> None:
    """Keep what was asked, once; ``carded=False`` for the file alone."""
    now = context.now()
    enough: list[str] = []
    with context.database.begin(durable=False) as tx:
        for report_id in report_ids:
            if downloads.had_enough(tx, request.person_id, report_id):
                enough.append(report_id)
                continue
            reference = context.new_reference()
            delivery_id = requests.ask(
                tx,
                {
                    "reference": reference,
                    "origin": f"{request.origin}:{report_id}",
                    "asker_id": request.person_id,
                    "room_id": request.room_id,
                    "room_type": request.room_type,
                    "parent_id": request.parent_id,
                    "report_id": report_id,
                    "carded": carded,
                    "asked_at": min(request.sent_at or now, now),
                    "deadline_at": now + context.watch_deadline,
                },
            )
            if delivery_id is not None:
                context.queue.put(tx, tasks.ANSWER, str(delivery_id), person=id_key(request.person_id))
                audit.record(tx, request.entry(request.word.casefold(), report_id, audit.ASKED, reference), now)
    request.trail.written = len(enough) < len(report_ids)
    if enough:
        context.say(request, "enough", downloads.HAD_ENOUGH)
