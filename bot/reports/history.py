"""Read what the history of a request needs; its sentences are in ``messages/history.py``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.db import messages, origins, reports, requests, runs, space_settings
from bot.db.messages import SENT
from bot.db.requests import State
from bot.db.space_settings import FileFormat
from bot.messages.history import HistoryFacts
from bot.reports import durations
from bot.reports.wanted_messages import Slot
from bot.webex.ids import message_link

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.requests import Request

_PART = re.compile(r"(\d+)of(\d+):")
"""In what a message with a part shows."""


def load(tx: Transaction, request: Request, now: datetime, poll_interval: float = 0.0) -> HistoryFacts:
    """Read the report and the messages of a request; ``poll_interval`` in seconds, 0 where it is not known."""
    row = reports.get(tx, request.report_id) if request.found_at is not None else None
    files = [one for one in messages.of_request(tx, request.id) if one.slot == Slot.FILE and one.state == SENT]
    served_by = messages.by_id(tx, request.file_message) if request.file_message is not None else None
    elsewhere = served_by is not None and served_by.request_id != request.id
    if request.state is State.OPEN and row is not None:
        elsewhere = requests.older(tx, request) is not None
    shown = served_by or next(iter(files), None)
    part = _PART.match(shown.variant or "") if shown is not None else None
    within = 0.0
    if poll_interval and row is not None:
        watched = reports.Watched(row, request.asked_at, request.deadline_at)
        within = durations.next_check(tx, [watched], now, poll_interval)
    chosen = space_settings.get(tx, request.room_id).file_format if request.room_id else FileFormat.ORIGINAL
    is_deleted = row is not None and row.deleted_at is not None
    room = runs.that_took_the_place_of(tx, request.report_id) if is_deleted else None
    return HistoryFacts(
        row=row,
        link=message_link(shown.room_id, shown.message_id) if shown is not None else None,
        there=len(files),
        parts=int(part[2]) if part else 1,
        converted=chosen not in {FileFormat.ORIGINAL, row.file_kind if row is not None else None},
        elsewhere=elsewhere,
        next_check_within=within,
        origin=origins.get(tx, request.origin) if request.origin is not None else None,
        made_room_for=room.reference if room is not None else "",
    )
