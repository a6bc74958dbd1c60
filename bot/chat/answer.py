"""Answers one request for a report: policy, details, the card; then the watch or the delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from bot import tasks
from bot.chat import cards
from bot.chat.registry import button
from bot.errors import BotError, WebexError
from bot.ledger import deliveries
from bot.ledger.deliveries import State, card_of
from bot.outbox import Unsure
from bot.plain_words import in_message, utc
from bot.policy import Act, Verdict
from bot.reports.endings import GONE, end
from bot.reports.model import Phase
from bot.reports.privately import REMOVED, go_private
from bot.reports.watch import BY_WEBEX, failed, put_delivery, watch_key
from bot.reports.whereto import DIRECT, target_of

if TYPE_CHECKING:
    from datetime import datetime

    from bot.chat.context import Context
    from bot.ledger.deliveries import Delivery
    from bot.reports.model import Report
    from bot.store import Transaction

log = structlog.get_logger(__name__)


class Answer:
    """The task behind ``report <id>``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self, key: str) -> None:
        """Answer; raises ``WebexError`` while Webex has trouble, and is then run again."""
        delivery = self._get(key)
        if delivery is None or delivery.state is not State.ASKED:
            return
        try:
            self._answer(delivery)
        except BotError as error:
            if error.passing:
                raise
            self._end(delivery, State.FAILED, error.sentence, error=error)

    def give_up(self, key: str, sentence: str) -> None:
        """Say that there will be no answer."""
        delivery = self._get(key)
        if delivery is not None and delivery.state is State.ASKED:
            self._end(delivery, State.FAILED, sentence, why="given_up")

    def _get(self, key: str) -> Delivery | None:
        with self._context.store.read() as tx:
            return deliveries.get(tx, int(key))

    def _end(
        self, delivery: Delivery, state: State, sentence: str, *, why: str = "", error: BotError | None = None
    ) -> None:
        with self._context.store.begin() as tx:
            end(tx, self._context.queue, delivery, state, sentence, self._context.now(), why=why, error=error)

    def _answer(self, delivery: Delivery) -> None:
        context = self._context
        direct = delivery.private or delivery.room_type == DIRECT
        decision = context.guard.decide(delivery.asker_id, Act.READ, room_id=delivery.room_id, direct=direct)
        if decision.verdict is Verdict.REFUSED:
            log.info("refused", reference=delivery.reference, reason=decision.reason)
            self._end(delivery, State.REFUSED, decision.sentence, why=decision.reason)
            return
        if decision.verdict is Verdict.PRIVATELY:
            delivery = go_private(context.store, context.outbox, delivery, decision.sentence, context.now())
        with context.store.read() as tx:
            known = deliveries.known_family(tx, delivery.report_id)
        report = context.catalogue.find(delivery.report_id, known)
        with context.store.read() as tx:
            leader = _joined(tx, delivery, report)
        try:
            try:
                self._say(delivery, report, leader)
            except WebexError as error:
                if error.status not in GONE or delivery.private or delivery.room_type == DIRECT:
                    raise
                # The bot was removed after its members were listed: the asker is told so, and gets the report 1:1.
                delivery, leader = go_private(context.store, context.outbox, delivery, REMOVED, context.now()), None
                self._say(delivery, report, leader)
        except Unsure:
            # Seen or not, it is not worth the report: the file is what was asked for.
            log.warning("perhaps_shown", reference=delivery.reference)
        if not self._go_on(delivery, report, leader) and delivery.carded:
            # Somebody cancelled it while its card was on its way, and was answered without it.
            context.card.take_back(card_of(delivery))

    def _say(self, delivery: Delivery, report: Report, leader: Delivery | None) -> None:
        """The one card of this request; "send again" has none, but says when there is nothing to send yet."""
        context = self._context
        now = context.now()
        if delivery.card_key is not None:
            return  # its card was refreshed between a try that showed it and this one
        if not delivery.carded:
            if report.phase is Phase.PENDING:
                status = in_message(cards.status_word(report))
                said = f"This report is not done yet ({status}). Its file comes here when it is."
                context.outbox.say(f"delivery:{delivery.id}:wait", target_of(delivery), said)
            return
        shown = shown_for(report, now, delivery.reference, awaited=True, deadline=delivery.deadline_at, leader=leader)
        context.outbox.say(
            f"delivery:{delivery.id}:card",
            target_of(delivery),
            cards.report_text(report, shown),
            cards.report_card(report, shown),
            mark=delivery.reference,
            shows=report.phase.value,
        )

    def _go_on(self, delivery: Delivery, report: Report, leader: Delivery | None) -> bool:
        """Move it on by what the report is. False: it was ended by somebody else meanwhile."""
        context = self._context
        now = context.now()
        learned: dict[str, Any] = {
            "family": report.family.value,
            "region": report.region or None,
            "title": report.title or None,
            "status": report.status,
        }
        with context.store.begin(durable=False) as tx:
            # While its card was being posted, the one that it was to join may have ended, or gone elsewhere.
            leader = _joined(tx, delivery, report) if leader else None
            match report.phase:
                case _ if leader is not None:
                    state = State.PENDING if report.phase is Phase.PENDING else State.READY
                    return deliveries.move(tx, delivery, state, now, leader_id=leader.id, **learned)
                case Phase.PENDING:
                    moved = deliveries.move(tx, delivery, State.PENDING, now, **learned)
                    if moved:
                        key = watch_key(report.family.value, report.region or None)
                        context.queue.put(tx, tasks.WATCH, key, after=context.poll_interval)
                    return moved
                case Phase.READY:
                    moved = deliveries.move(tx, delivery, State.READY, now, ready_at=now, **learned)
                    if moved:
                        put_delivery(tx, context.queue, report.family.value, delivery.report_id)
                    return moved
                case Phase.FAILED:
                    said = failed(report.title)
                    if not delivery.carded:
                        return end(tx, context.queue, delivery, State.FAILED, said, now, why=BY_WEBEX)
                    # The card has said it; the reason is for the ledger.
                    return deliveries.move(tx, delivery, State.FAILED, now, why=BY_WEBEX, reason=said, **learned)


def _joined(tx: Transaction, delivery: Delivery, report: Report) -> Delivery | None:
    """The request that brings this one its file, too: one that waits here, or whose file is on its way here."""
    if report.phase is Phase.FAILED:
        return None
    return deliveries.awaited_here(tx, delivery, done=report.phase is Phase.READY)


def shown_for(
    report: Report,
    now: datetime,
    reference: str,
    *,
    awaited: bool,
    deadline: datetime | None = None,
    leader: Delivery | None = None,
    asked_for_file: bool = True,
) -> cards.Shown:
    """What a card says and offers next, by the report's phase and whether somebody waits for it here."""
    refresh = button("Refresh", "refresh", report.id)
    match report.phase:
        case Phase.READY if leader is not None:
            coming = "The file comes once, in the thread of who asked first."
            buttons = [button("Send again", "again", report.id)]
        case Phase.READY if asked_for_file or awaited:
            coming = "The file follows here."
            buttons = [button("Send again", "again", report.id)]
        case Phase.READY:
            coming = "The file is ready to be sent."
            buttons = [button("Send file", "again", report.id)]
        case Phase.FAILED:
            coming = "Webex could not make this report. Make it anew; nothing will follow for this one."
            buttons = [refresh]
        case Phase.PENDING if leader is not None:
            coming = "This report is awaited here already: its file comes once, in the thread of who asked first."
            buttons = [refresh, button("Cancel", "cancel", report.id)]
        case Phase.PENDING if awaited:
            until = f", until {utc(deadline)} at the latest" if deadline else ""
            coming = f"I keep looking and post the file here when it is done{until}. You need not do anything."
            buttons = [refresh, button("Cancel", "cancel", report.id)]
        case _:
            coming = "Nobody waits for this report here."
            buttons = [refresh, button("Wait for it", "again", report.id)]
    return cards.Shown(now, reference, coming, tuple(buttons))
