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
    from bot.chat.context import Context
    from bot.chat.invocation import Request


@registry.command("report", usage="report <id>", summary="Get a report: its card now, its file when it is done.")
def report(context: Context, request: Request) -> None:
    """One request for each id. Policy is asked for each right before its card, see ``answer.py``."""
    ids = meant(request.rest)
    if not ids:
        context.say(request, "usage", "Which one? Write `report` and the report's id. `reports` shows what there is.")
        return
    odd = [one for one in ids if not is_report_id(one)]
    if odd:
        said = ", ".join(f"“{escape_markdown(one, 60)}”" for one in odd[:5])
        context.say(request, "odd", f"{said}: this is not a report id. Ids are letters, digits, `_`, `=` and `-` only.")
    wanted = [one for one in ids if is_report_id(one)]
    request.trail.report_ids = tuple(wanted[:MOST_IDS])
    context.ask_who(request)
    if len(wanted) > MOST_IDS:
        left = len(wanted) - MOST_IDS
        context.say(request, "many", f"I take {MOST_IDS} reports from one message; I leave out the last {left}.")
    ask(context, request, wanted[:MOST_IDS])


@registry.command("again", usage="again <id>", summary="Send a report's file once more.")
def again(context: Context, request: Request) -> None:
    """The file without another card."""
    ids = request.named_reports()
    context.ask_who(request)
    if not ids:
        context.say(request, "usage", which_report(request.word))
    ask(context, request, ids, carded=False)
