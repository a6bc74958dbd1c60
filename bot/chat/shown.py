"""What the card of a request says of it and offers next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.db.request_queries import in_one_thread
from bot.messages.elements import button
from bot.messages.request_card import Shown
from bot.text import utc
from bot.webex.report import Phase

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.requests import Delivery
    from bot.webex.report import Report

JOINED: Final = " joined"
"""Ends what a card shows, in the ledger, that sends its reader to another request's thread."""


def shows(report: Report, leader: Delivery | None = None) -> str:
    """What a card shows, in a word for the ledger: when that is another one, the card is renewed."""
    return report.phase.value + (JOINED if leader else "")


def request_card(
    report: Report, now: datetime, delivery: Delivery, leader: Delivery | None = None, *, asked_for_file: bool = True
) -> Shown:
    """The card of a request that is open; ``leader``: the one that it joined."""
    return shown_for(
        report,
        now,
        delivery.reference,
        awaited=True,
        deadline=delivery.deadline_at,
        leader=leader,
        here=leader is not None and in_one_thread(delivery, leader),
        asked_for_file=asked_for_file,
    )


def shown_for(
    report: Report,
    now: datetime,
    reference: str,
    *,
    awaited: bool,
    deadline: datetime | None = None,
    leader: Delivery | None = None,
    here: bool = False,
    asked_for_file: bool = True,
) -> Shown:
    """What a card says and offers next, by the report's phase and whether somebody waits for it here.

    ``here``: the leader is answered in the same thread.
    """
    refresh = button("Refresh", "refresh", report.id)
    match report.phase:
        case Phase.READY if leader is not None:
            coming = f"The file comes once, {'here' if here else 'in the thread of who asked first'}."
            buttons = [button("Send again", "again", report.id)]
        case Phase.READY if asked_for_file or awaited:
            coming = "The file follows here."
            buttons = [button("Send again", "again", report.id)]
        case Phase.READY:
            coming = "The file is ready to be sent."
            buttons = [button("Send file", "again", report.id)]
        case Phase.FAILED:
            coming = "Webex could not make this report. Make it anew; nothing will follow for this one."
            buttons = [refresh, *([button("Why", "why", reference)] if reference else [])]
        case Phase.PENDING if leader is not None:
            where = "here" if here else "in the thread of who asked first"
            coming = f"This report is awaited here already: its file comes once, {where}."
            buttons = [refresh, button("Cancel", "cancel", report.id)]
        case Phase.PENDING if awaited:
            until = f", until {utc(deadline)} at the latest" if deadline else ""
            coming = f"I keep looking and post the file here when it is done{until}. You need not do anything."
            buttons = [refresh, button("Cancel", "cancel", report.id)]
        case _:
            coming = "Nobody waits for this report here."
            buttons = [refresh, button("Wait for it", "again", report.id)]
    return Shown(now, reference, coming, tuple(buttons))
