"""``report <id>``: get a report, and ``again <id>``: get its file once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat.asking import ask
from bot.chat.registry import registry
from bot.chat.report_ids import MOST_IDS, meant
from bot.messages.sentences import which_report
from bot.text import escape_markdown
from bot.webex.report import is_report_id

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation


@registry.command("report", usage="report <id>", summary="Get a report: its card now, its file when it is done.")
def report(invocation: Invocation) -> None:
    """One request for each id. Policy is asked for each right before its card, see ``answer.py``."""
    ids = meant(invocation.rest)
    if not ids:
        invocation.say("usage", "Which one? Write `report` and the report's id. `reports` shows what there is.")
        return
    odd = [one for one in ids if not is_report_id(one)]
    if odd:
        said = ", ".join(f"“{escape_markdown(one, 60)}”" for one in odd[:5])
        invocation.say("odd", f"{said}: this is not a report id. Ids are letters, digits, `_`, `=` and `-` only.")
    wanted = [one for one in ids if is_report_id(one)]
    invocation.trail.report_ids = tuple(wanted[:MOST_IDS])
    invocation.check_person()
    if len(wanted) > MOST_IDS:
        left = len(wanted) - MOST_IDS
        invocation.say("many", f"I take {MOST_IDS} reports from one message; I leave out the last {left}.")
    ask(invocation, wanted[:MOST_IDS])


@registry.command("again", usage="again <id>", summary="Send a report's file once more.")
def again(invocation: Invocation) -> None:
    """The file without another card."""
    ids = invocation.named_reports()
    invocation.check_person()
    if not ids:
        invocation.say("usage", which_report(invocation.word))
    ask(invocation, ids, carded=False)
