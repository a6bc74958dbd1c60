"""Deleting reports: the card that asks for confirmation, and what came of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.db.confirmations import Unusable
from bot.messages.elements import button, card, destructive, primary, text
from bot.messages.names import LONGEST_NAME
from bot.messages.report_form import ANYWAY, argument_of
from bot.messages.request_card import (
    COLORS,
    DELETED,
    created_of,
    family_name,
    period_and_region,
    period_of,
    region_of,
    run_again,
    status_word,
    title_of,
)
from bot.text import count, escape_card, escape_markdown, when
from bot.webex.report import Phase
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from bot.db.reports import ReportRow
    from bot.webex.report import Report
    from bot.webex.report_templates import NewReport
    from bot.webex.types import Card

CONFIRM: Final = "confirm"
"""Stands before the token in the data of the button **Delete**."""
LONGEST_TITLE: Final = 80
LONGEST_ABOUT: Final = 120
"""Letters of what stands below a title: a card takes twenty reports."""
MOST_BYTES: Final = 5_000
"""Of the list of reports in a message: Webex takes some more."""
FINAL: Final = "This can't be undone. Files that I've posted stay where they are."
NOT_POSTED: Final = "I haven't posted its file, as far as I know."
NOT_FINISHED: Final = "It isn't finished yet."
UNUSABLE: Final = {
    Unusable.ANOTHER_PERSONS: "Only the person who asked can confirm this. To delete the report, ask me yourself.",
    Unusable.USED: "You've already confirmed this.",
    Unusable.LAPSED: "This confirmation has expired. Ask me to delete the report again.",
}
"""What is said to a press that deletes nothing."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What a person should know of a report before it is deleted."""

    posted_at: datetime | None = None
    """When its file was last posted, as far as the bot knows."""
    waiting: int = 0
    """Open requests for it."""


def confirmation(
    reports: Sequence[Report], uses: Uses, *, token: str, until: datetime, direct: bool
) -> tuple[str, Card]:
    """Return the text and the card that ask for confirmation; ``uses``: of a single report.

    ``direct``: nobody but the person reads it.
    """
    one = len(reports) == 1
    head = "Delete this report?" if one else f"Delete these {len(reports)} reports?"
    who = "You can confirm this" if direct else "Only the person who asked can confirm this,"
    asks = f"{who} until {until:%H:%M} UTC."
    about = [*(_uses(uses, reports[0].phase) if one else ()), FINAL]
    body = [
        text(head, size="Medium", weight="Bolder"),
        *(part for report in reports for part in _report(report, alone=one)),
        *(text(line, size="Small", spacing="Small") for line in about),
        text(asks, size="Small", isSubtle=True, spacing="Small"),
    ]
    said = "\n".join([f"**{head}**", "", *_listed(reports), "", " ".join(about)])
    said = f"{said} To confirm, press **Delete** in an app that shows cards."
    title = "Delete" if one else f"Delete all {len(reports)}"
    return said, card(body, [destructive(button(title, "delete", f"{CONFIRM} {token}"))], instead=said)


def _report(report: Report, *, alone: bool) -> list[dict[str, Any]]:
    created = created_of(report) and f"created {created_of(report)}"
    about = [period_of(report), family_name(report), region_of(report), "" if alone else status_word(report), created]
    line = escape_card(" · ".join(filter(None, about)), LONGEST_ABOUT)
    title = text(escape_card(title_of(report), LONGEST_TITLE), weight="Bolder", spacing="Small")
    status = text(f"● {escape_card(status_word(report))}", color=COLORS[report.phase], size="Small", spacing="None")
    return [title, *([status] if alone else []), text(line, size="Small", isSubtle=True, spacing="None")]


def _uses(uses: Uses, phase: Phase) -> list[str]:
    said = {Phase.READY: [NOT_POSTED], Phase.PENDING: [NOT_FINISHED], Phase.FAILED: []}[phase]
    if uses.posted_at is not None:
        said = [f"I last posted its file on {when(uses.posted_at)}."]
    if not uses.waiting:
        return said
    waits = "1 request is" if uses.waiting == 1 else f"{uses.waiting} requests are"
    return [*said, f"{waits} waiting for it; I'll cancel {'it' if uses.waiting == 1 else 'them'}."]


def _listed(reports: Sequence[Report]) -> list[str]:
    """Return the reports as lines of a message, as many as fit in one."""
    lines = [f"- {_name(report)}" for report in reports]
    while len("\n".join(lines).encode()) > MOST_BYTES:
        lines.pop()
    left = len(reports) - len(lines)
    return [*lines, f"- and {left} more"] if left else lines


def _name(report: Report) -> str:
    period = period_and_region(report)
    shown = f"**{escape_markdown(title_of(report), LONGEST_TITLE)}**"
    return f"{shown} ({escape_markdown(period)})" if period else shown


def deleted(gone: Sequence[Report], failed: Sequence[tuple[Report, str]], *, canceled: int) -> str:
    """Return what came of a confirmation; ``failed``: with why, in a sentence. ``canceled``: requests that ended."""
    if not gone:
        lines = []
    elif len(gone) == 1:
        lines = [f"Deleted {_name(gone[0])}."]
    else:
        lines = [f"Deleted {count(len(gone), 'report')}:", "", *_listed(gone)]
    if canceled:
        what = "1 request that was" if canceled == 1 else f"{canceled} requests that were"
        lines += ["", f"I've canceled {what} waiting for {'it' if len(gone) == 1 else 'them'}."]
    for report, why in failed:
        lines += ["", f"I couldn't delete {_name(report)}. {why}"]
    return "\n".join(lines).lstrip()


def was_deleted(row: ReportRow, who: str, *, may_run: bool) -> tuple[str, Card]:
    """Return what is said of a report that the bot deleted for a person; ``may_run``: the reader may run it again."""
    report, at = row.report, f" on {when(row.deleted_at)}" if row.deleted_at is not None else ""
    about = " · ".join(filter(None, (period_of(report), family_name(report), region_of(report))))
    line = f"{escape_card(who, LONGEST_NAME)} deleted this report{at}."
    body = [
        text(escape_card(title_of(report), LONGEST_TITLE), size="Medium", weight="Bolder"),
        text(f"● {DELETED}", spacing="Small"),
        text(line, spacing="Small"),
        text(escape_card(about, LONGEST_ABOUT), size="Small", isSubtle=True, spacing="Small"),
    ]
    said = f"{_name(report)}: {DELETED}. {line}"
    return said, card(body, [primary(run_again(report.id))] if may_run else [], instead=said)


def in_use(family: Family, used: int, most: int) -> str:
    """Return what is said when most of the reports that Webex keeps are in use."""
    return f"{used} of the {most} {FAMILIES[family].name}s that Webex keeps are in use."


def no_room(new: NewReport, used: int, most: int) -> tuple[str, Card]:
    """Return the card that warns before Webex refuses a report because it keeps no more of them."""
    kind = f"{FAMILIES[new.family].name}s"
    warning = (
        f"Webex keeps at most {most} {kind}, and {used} are in use, so it may refuse another one. Delete some first."
    )
    old = f"old for {new.on_behalf_of}" if new.on_behalf_of else "old"
    actions = [clean_up(old), button("Run anyway", "new", argument_of(new, ANYWAY))]
    said = f"{warning} Type `delete {old}`, or `new {argument_of(new, ANYWAY)}` to run it anyway."
    return said, card([text(warning)], actions, instead=said)


def no_room_for_schedule(family: str, most: int, *, deleted_one: bool) -> str:
    """Return why a schedule's report was not run: Webex keeps no more, and no other report may go for it."""
    why = (
        "I deleted this schedule's oldest, but others have taken its place."
        if deleted_one
        else "Of this schedule's own there's none that I could delete, and I leave those of others alone."
    )
    kept = f"Webex keeps at most {most} {FAMILIES[Family(family)].name}s, and all places are taken."
    return f"{kept} {why} Type `delete old` to make room."


def clean_up(argument: str = "old") -> dict[str, Any]:
    """Return the button that offers old reports for deletion."""
    return button("Delete old reports", "delete", argument)


def not_all(age: timedelta) -> tuple[str, Card]:
    """Return what is said to ``delete all``, with a button for what can be deleted in one go."""
    said = f"I don't delete all reports at once. I can delete those that are finished and more than {age.days} days old"
    buttons = [clean_up(), button("Show reports", "reports")]
    whole = f"{said}: type `delete old`. To delete another one, type `delete` and its title."
    return whole, card([text(f"{said}.")], buttons, instead=whole)


def nothing_old(age: timedelta) -> str:
    """Return what is said when no report is old enough to be offered."""
    return (
        f"There's nothing to clean up: no finished report is more than {age.days} days old. "
        "To delete another one, type `delete` and its title."
    )
