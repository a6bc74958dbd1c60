"""``why <id>``: what became of a request, told from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.chat import cards
from bot.chat.registry import button, registry
from bot.ledger import deliveries
from bot.ledger.deliveries import CLOSED
from bot.plain_words import in_card, in_message
from bot.reports.model import is_report_id
from bot.reports.story import gather, story

if TYPE_CHECKING:
    from bot.chat.context import Context
    from bot.chat.request import Request

MOST_TOLD = 3
"""Requests told of one report, the newest first."""


@registry.command("why", usage="why <id>", summary="What became of a request, by report id or reference.")
def why(context: Context, request: Request) -> None:
    """The newest requests for a report in this space or by this person, with "Send again" where they have ended."""
    wanted = next(iter(request.rest), "")
    request.course.report_ids = (wanted,) if is_report_id(wanted) else ()
    target = context.allow(request)
    if not is_report_id(wanted):
        context.say(request, "usage", "Why what? Write `why` and a report's id, or the reference of an answer.")
        return
    now = context.now()
    with context.store.read() as tx:
        found = deliveries.told_here(tx, request.room_id, request.person_id, wanted)[:MOST_TOLD]
        besides = [gather(tx, one, now, context.poll_interval) for one in found]
    if not found:
        said = f"Nobody asked for “{in_message(wanted, 60)}” here. Write `report {in_message(wanted, 512)}` to do so."
        context.outbox.say(f"{request.origin}:why", target, said)
        return
    request.course.report_ids = (found[0].report_id,)  # it may have been asked for by its reference
    title = found[0].title or "Report"
    body = [cards.text(in_card(title), size="Medium", weight="Bolder")]
    lines: list[str] = []
    for one, more in zip(found, besides, strict=True):
        steps = story(one, now, more)
        body.append(cards.text(f"Reference {one.reference}", isSubtle=True, size="Small"))
        body += [cards.text(in_card(step, 400), spacing="Small") for step in steps]
        lines += [f"- {in_message(step, 400)}" for step in steps]
        if more.link:
            # As text and not as a button: Webex takes only http and https for a button that opens something.
            body.append(cards.text(f"[Show the message]({more.link})", spacing="Small"))
            lines.append(f"- [Show the message]({more.link})")
    again = [button("Send again", "again", found[0].report_id)] if found[0].state in CLOSED else []
    context.outbox.say(
        f"{request.origin}:why", target, "\n".join([f"**{in_message(title)}**", "", *lines]), cards.card(body, again)
    )
