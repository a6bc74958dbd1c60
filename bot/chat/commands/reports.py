"""The commands. Each is a function of the context and the request; what it says goes through the outbox.

To add one, copy the nearest: register its word, ask policy first (``context.allow``), then act.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from bot.chat import cards
from bot.chat.asking import ask
from bot.chat.cards import FAMILIES
from bot.chat.commands import audit as audit_command
from bot.chat.parser import is_filler
from bot.chat.registry import registry
from bot.chat.report_ids import chosen
from bot.chat.shown import JOINED, request_card, shown_for, shows
from bot.db import messages, request_queries, requests
from bot.db.requests import MOVES, OPEN, State, card_of
from bot.errors import BotError
from bot.reports.endings import end
from bot.reports.report_messages import Words
from bot.reports.watch import fetch_what_is_ready
from bot.reports.whereto import target_of
from bot.text import escape_markdown, utc
from bot.webex.catalog import ASK_THE_OTHER, NEEDS
from bot.webex.ids import same_id
from bot.webex.report import Phase, is_report_id, looks_like_report_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.chat.context import Context, Permission
    from bot.chat.invocation import Request
    from bot.db.database import Transaction
    from bot.db.messages import Post
    from bot.db.requests import Delivery
    from bot.errors import WebexError
    from bot.webex.report import Family, Report

log = structlog.get_logger(__name__)

MOST_IDS = 20
"""Report ids taken from one message."""
POLITE = frozenset({"please", "pls", "thanks", "thx"})
"""Words beside an id that change nothing."""
LONGEST_PAGE = 4
"""Digits of a page's number."""
PAGE = 10
"""Reports on one card: well under the size that Webex takes, and still readable on a phone."""


@registry.command("report", usage="report <id>", summary="Get a report: its card now, its file when it is done.")
def report(context: Context, request: Request) -> None:
    """One request for each id. Policy is asked for each right before its card, see ``answer.py``."""
    ids = _meant(request)
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


@registry.command("reports", usage="reports", summary="Show the reports that I can fetch, newest first.")
def reports(context: Context, request: Request) -> None:
    """Show a page of what the asker's families list, or the report whose ID is given."""
    if any(map(looks_like_report_id, request.rest)):
        refresh(context, request)
        return
    allowed = context.allow(request)
    page = _page(request.rest)
    with context.asking_reports(context.trouble_line(request)):
        found, refused = context.catalog.everything(allowed.families)
    start = (page - 1) * PAGE
    shown = found[start : start + PAGE]
    note = _note(len(found), start, len(shown))
    if refused:
        note += " " + " ".join(_not_shown(family, error) for family, error in refused.items())
    note = f"{note} {allowed.others}".rstrip()

    def make(_: Permission) -> Words:
        now = context.now()
        card = cards.reports_card(shown, now, total=len(found) - start, page=page, note=note)
        return Words(f"{request.origin}:reports", cards.reports_text(shown, now, note=note), card)

    context.show(request, make)


def _page(words: Sequence[str]) -> int:
    """Return the page that ``reports 2`` and ``reports page 2`` ask for, else 1."""
    number = words[-1] if len(words) == 1 or [word.lower() for word in words[:-1]] == ["page"] else ""
    return max(1, int(number)) if number.isdecimal() and len(number) <= LONGEST_PAGE else 1


def _not_shown(family: Family, error: WebexError) -> str:
    if error.status in ASK_THE_OTHER:
        return f"Not shown: {NEEDS[family]}."
    return f"{FAMILIES[family]}s are not shown. {error.sentence}"


def _note(total: int, start: int, shown: int) -> str:
    if not total:
        return "Webex lists no reports. Those made in Control Hub or Partner Hub cannot be listed or fetched by a bot."
    if not shown:
        return f"There are only {total} reports. Write `reports` for the newest."
    return f"{start + 1} to {start + shown} of {total}, newest first."


@registry.command("refresh", usage="refresh <id>", summary="Show a report's card anew.")
def refresh(context: Context, request: Request) -> None:
    """A new card, in place of the pressed one. It watches and posts nothing that was not awaited before."""
    _named(request)
    allowed = context.allow(request)
    for report_id in request.trail.each(_ids(context, request, "refresh")):
        with context.database.read() as tx:
            known = requests.known_family(tx, report_id)
        with context.asking_reports(context.trouble_line(request)):
            found = context.catalog.find(report_id, known, families=allowed.families, others=allowed.others)
        _show_again(context, request, found)
        if found.phase is Phase.READY:
            with context.database.begin(durable=False) as tx:
                fetch_what_is_ready(tx, context.queue, found, context.now())


def _show_again(context: Context, request: Request, found: Report) -> None:
    """A new card in place of the pressed one, or of the one in this thread."""
    report_id, key = found.id, f"{request.origin}:refresh:{found.id}"
    own: Delivery | None = None
    pressed: Post | None = None

    def make(_: Permission) -> Words:
        nonlocal own, pressed
        with context.database.read() as tx:
            pressed = messages.by_message(tx, request.pressed) if request.pressed else None
            own = requests.with_card(tx, report_id, pressed.key.removesuffix(messages.BESIDE)) if pressed else None
            if own is None and not request.trail.private:
                # Typed, or the press of a card that another one has replaced already.
                own = request_queries.in_thread(tx, report_id, request.room_id, request.parent_id)
            leader = requests.get(tx, own.leader_id) if own and own.leader_id else None
            waiting = request_queries.waiting_here(tx, request.room_id, request.person_id, report_id)
        now = context.now()
        if own and own.state in OPEN:
            leader = leader if leader and leader.state in OPEN else None
            shown = request_card(found, now, own, leader, asked_for_file=False)
        else:
            leader = waiting[0] if waiting else None
            shown = shown_for(
                found, now, own.reference if own else "", awaited=False, leader=leader, asked_for_file=False
            )
            if leader is not None:
                shown = replace(
                    shown, coming=f"{shown.coming} This card shows it as of {utc(now)}, and does not follow it."
                )
        return Words(
            key,
            cards.report_text(found, shown),
            cards.report_card(found, shown),
            shows(found, leader),
            target_of(own) if own and own.private and request.direct else None,
        )

    context.show(request, make)
    if own and (not request.trail.private or same_id(own.asker_id, request.person_id)):
        context.card.becomes(own, key)
    elif pressed and pressed.key.removesuffix(messages.BESIDE).endswith(f":refresh:{report_id}"):
        context.card.take_back(pressed.key)  # a card of this report that nobody's request has for its own


@registry.command("again", usage="again <id>", summary="Send a report's file once more.")
def again(context: Context, request: Request) -> None:
    """The file without another card."""
    _named(request)
    context.ask_who(request)
    ask(context, request, _ids(context, request, "again"), carded=False)


@registry.command("cancel", usage="cancel <id>", summary="Stop waiting for a report here.")
def cancel(context: Context, request: Request) -> None:
    """Ends the person's own request in this space, or else everybody's here; other spaces are served."""
    _named(request)
    families = context.ask_who(request).families
    now = context.now()
    for report_id in request.trail.each(_ids(context, request, "cancel")):
        with context.database.begin() as tx:
            found = request_queries.open_here(tx, request.room_id, request.person_id, report_id, families)
            own = [one for one in found if same_id(one.asker_id, request.person_id)]
            movable = [one for one in own or found if State.CANCELLED in MOVES[one.state]]
            before = request_queries.cancelled_by(
                tx, report_id, request.origin
            )  # a kill came between this and its answer
            ended = before or [one for one in movable if _cancel(context, tx, one, request, now)]
        if ended and len(found) > (0 if before else len(ended)):
            said = "Cancelled: your request is off the list. Others here still wait for this report."
        elif ended:
            said = "Cancelled: I do not wait for this report here any more."
        elif found:
            said = "Too late to cancel: the file is on its way."
        else:
            said = "Nobody waits for this report here."
        mine = [replace(one, state=State.CANCELLED) for one in ended if _is_answered(one, request)]
        _say_cancelled(context, request, mine, f"{request.origin}:cancel:{report_id}", said)
        if ended:
            _go_on_alone(context, request, report_id)


def _say_cancelled(context: Context, request: Request, mine: list[Delivery], key: str, said: str) -> None:
    """Answer; where the card of what was cancelled stands in this thread, by a card in its place."""
    here: Delivery | None = None

    def make(_: Permission) -> Words:
        nonlocal here
        here = next((one for one in mine if _stands_here(one, request)), None)
        card = context.card.ending(here, said) if here else None
        return Words(key, said, card, target=target_of(here) if here and card else None)

    context.show(request, make)
    for one in mine:
        if one == here or request.trail.private:
            context.card.ended(one, key)
        else:
            context.card.end(one, said)


def _go_on_alone(context: Context, request: Request, report_id: str) -> None:
    """Who had joined what was cancelled gets the file in their own thread: their card must not lead elsewhere."""
    with context.database.read() as tx:
        alone = [
            one
            for one in request_queries.waiting_here(tx, request.room_id, request.person_id, report_id)
            if (card := messages.present(tx, card_of(one))) and (card.shows or "").endswith(JOINED)
        ]
    try:
        found = context.catalog.details(alone[0].family or "", report_id) if alone else None
    except BotError as error:
        log.info("card_not_renewed", cause=str(error))  # it is renewed when the file comes
        return
    for one in alone:
        if found is not None:
            context.card.renew(one.id, found, None)


def _stands_here(one: Delivery, request: Request) -> bool:
    """Whether a request's card is in the thread of this one, where nobody reads it who may not."""
    if one.private:
        return request.direct
    return one.carded and one.parent_id == request.parent_id and not request.trail.private


def _is_answered(one: Delivery, request: Request) -> bool:
    """Whether the answer to who cancels is enough; somebody else's request is told in its own thread."""
    return same_id(one.asker_id, request.person_id) or one.parent_id == request.parent_id


def _cancel(context: Context, tx: Transaction, one: Delivery, request: Request, now: datetime) -> bool:
    """End one request."""
    if _is_answered(one, request):
        return requests.move(tx, one, State.CANCELLED, now, reason=request.origin)
    said = "Another administrator has cancelled this request: I do not wait for its report here any more."
    return end(tx, context.queue, one, State.CANCELLED, said, now)


@registry.command("audit", usage="audit", summary="Show who asked for what; for full administrators.")
def audit(context: Context, request: Request) -> None:
    """The last rows of the audit; ``audit <report id>`` and ``audit <e-mail address>`` are those about it."""
    audit_command.show(context, request)


@registry.command("help", usage="help", summary="Show this.")
def help_(context: Context, request: Request) -> None:
    """What the bot can do."""
    context.say(request, "help", cards.help_text(list(registry)), cards.help_card(list(registry)))


def unknown(context: Context, request: Request) -> None:
    """Whatever is no command.

    Report ids alone are asked for; among other words, their cards are shown, which hold a button for each wish. Else
    help, with the nearest word guessed.
    """
    said = (request.word, *request.rest)
    others = [one for one in said if not looks_like_report_id(one)]
    names_report = len(others) < len(said)
    guess = registry.nearest(request.word.casefold())
    if names_report and all(one.casefold() in POLITE for one in others):
        report(context, replace(request, word="report", rest=said))
        return
    if names_report and (guess is None or len(others) > 1):
        refresh(context, replace(request, word="refresh", rest=said))
        return
    words = " ".join(said).strip()
    commands = list(registry)
    context.say(
        request,
        "help",
        cards.help_text(commands, unknown=words, guess=guess),
        cards.help_card(commands, unknown=words, guess=guess),
    )


def _meant(request: Request) -> list[str]:
    """The words that may be ids: of several that decode to nothing, plain ones are none ("cancel that one please")."""
    words = chosen(request.rest)
    if len(words) == 1 or any(map(looks_like_report_id, words)):
        return words
    return [one for one in words if not is_filler(one)]


def _named(request: Request) -> list[str]:
    """The report ids in a request; the audit's row is about them, also when policy refuses it."""
    ids = [one for one in _meant(request) if is_report_id(one)][:MOST_IDS]
    request.trail.report_ids = tuple(ids)
    return ids


def _ids(context: Context, request: Request, word: str) -> list[str]:
    ids = _named(request)
    if not ids:
        context.say(request, "usage", f"Which one? Write `{word}` and the report's id.")
    return ids
