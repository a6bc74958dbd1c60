"""Says of a report that the bot has deleted that it was deleted, in place of what a command does with a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.chat.names import look_up
from bot.db import reports
from bot.messages.deletion import was_deleted
from bot.outbox import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.chat.invocation import Invocation
    from bot.db.reports import ReportRow


def without_deleted(invocation: Invocation, report_ids: Sequence[str], families: Collection[str]) -> list[str]:
    """Answer for the reports of these families that the bot has deleted; return the IDs of the others."""
    with invocation.services.database.read(snapshot=False) as tx:
        rows = [reports.get(tx, one) for one in report_ids]
    gone = {row.report_id: row for row in rows if row is not None and row.deleted_at and row.family in families}
    for row in gone.values():
        say_deleted(invocation, row)
    return [one for one in report_ids if one not in gone]


def say_deleted(invocation: Invocation, row: ReportRow) -> None:
    """Answer that a report was deleted, when and by whom, with a button to run it again for who may run reports."""
    names = look_up(invocation.services, [row.deleted_by], [])
    may_run = invocation.may(Action.CHANGE)

    said = Text(*was_deleted(row, names.person(row.deleted_by), may_run=may_run))
    invocation.show(f"deleted:{row.report_id}", said)
