"""Answers one request for a report: policy, details, the card; then the watch or the delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from bot.access.policy import Act, Verdict
from bot.chat.living import LivingCard
from bot.chat.shown import request_card, shows
from bot.db import request_queries, requests
from bot.db.requests import State, card_of
from bot.errors import BotError, Refused, WebexError
from bot.messages.request_card import report_card, report_text, status_word
from bot.outbox import Unsure
from bot.queue import tasks
from bot.reports.endings import end, refusal_of
from bot.reports.privately import CLOSED, go_private
from bot.reports.report_messages import PolicyNotAsked, ReportMessages, Words
from bot.reports.trouble_line import answered, asking_reports, line_for_answer
from bot.reports.watch import BY_WEBEX, failed, put_delivery, watch_key
from bot.text import escape_markdown
from bot.webex.ids import same_id
from bot.webex.report import Phase
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from bot.db.database import Transaction
    from bot.db.requests import Delivery
    from bot.services import Services
    from bot.webex.report import Report

log = structlog.get_logger(__name__)


class Answer:
    """The task behind ``report <id>``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self, key: str) -> None:
        """Answer; raises ``WebexError`` while Webex has trouble, and is then run again."""
        delivery = self._get(key)
        if delivery is None:
            return
        if delivery.state is not State.ASKED:
            answered(self._services.database, self._services.outbox, delivery)
            return
        try:
            self._answer(delivery)
        except PolicyNotAsked as error:
            self._end(delivery, State.FAILED, error.sentence, error=error)
        except Refused as refused:
            log.info("refused", reference=delivery.reference, reason=refused.reason)
            sentence = refusal_of(self._services.outbox, delivery, refused)
            self._end(delivery, State.REFUSED, sentence, why=refused.reason)
        except BotError as error:
            if error.passing:
                raise
            self._end(delivery, State.FAILED, error.sentence, error=error)
        answered(self._services.database, self._services.outbox, delivery)

    def on_failure(self, key: str, sentence: str) -> None:
        """Say that there will be no answer."""
        delivery = self._get(key)
        if delivery is not None and delivery.state is State.ASKED:
            self._end(delivery, State.FAILED, sentence, why="given_up")

    def _get(self, key: str) -> Delivery | None:
        with self._services.database.read() as tx:
            return requests.get(tx, int(key))

    def _end(
        self, delivery: Delivery, state: State, sentence: str, *, why: str = "", error: BotError | None = None
    ) -> None:
        with self._services.database.begin() as tx:
            end(tx, self._services.queue, delivery, state, sentence, self._services.now(), why=why, error=error)

    def _answer(self, delivery: Delivery) -> None:
        services = self._services
        direct = delivery.private or delivery.room_type == DIRECT
        # Who else is in the space is asked right before the card.
        decision = services.authorizer.decide(
            delivery.asker_id, Act.READ, room_id=delivery.room_id, direct=direct, members=False
        )
        if decision.verdict is Verdict.REFUSED:
            raise Refused(decision.sentence, reason=decision.reason, details=decision.details)
        with services.database.read() as tx:
            known = requests.known_family(tx, delivery.report_id)
        line = line_for_answer(services.outbox, delivery)
        with asking_reports(services, line, services.now() - delivery.asked_at):
            report = services.catalog.find(
                delivery.report_id, known, families=decision.families, others=decision.others
            )
        hopeless = self._not_for(delivery, report)
        leader: Delivery | None = None

        def make(now: Delivery) -> Words | None:
            nonlocal delivery, leader
            delivery = now
            with services.database.read() as tx:
                leader = _joined(tx, now, report, hopeless)
            return self._words(now, report, leader)

        family = report.family.value
        try:
            try:
                ReportMessages(services).say(delivery, make, family)
            except WebexError as error:
                if error.status not in SPACE_CLOSED or delivery.private or delivery.room_type == DIRECT:
                    raise
                # Removed after the members were listed, or cards are not let in: the asker gets the report 1:1.
                go_private(services.database, services.outbox, delivery, CLOSED, services.now())
                ReportMessages(services).say(delivery, make, family)
        except Unsure:
            # Seen or not, it is not worth the report: the file is what was asked for. Who waits long gets a word.
            log.warning("perhaps_shown", reference=delivery.reference)
            if report.phase is Phase.PENDING and delivery.carded:
                self._promise(delivery, family)
        joined, moved = self._go_on(delivery, report, leader, hopeless)
        if not moved and delivery.carded:
            # Somebody cancelled it while its card was on its way, and was answered without it.
            LivingCard(services).take_back(card_of(delivery))
        elif moved and (joined is None) is not (leader is None):
            LivingCard(services).renew(delivery.id, report, joined)

    def _not_for(self, delivery: Delivery, report: Report) -> frozenset[int]:
        """Give the requests for this report whose askers may not have its family: they bring nobody a file."""
        with self._services.database.read() as tx:
            asked = requests.asked_before(tx, delivery)
        guard, family = self._services.authorizer, report.family.value
        decided = {
            one.id: guard.decide(one.asker_id, Act.READ, room_id=one.room_id, direct=True, family=family)
            for one in asked
            if not same_id(one.asker_id, delivery.asker_id)
        }
        return frozenset(one for one, decision in decided.items() if decision.verdict is Verdict.REFUSED)

    def _words(self, delivery: Delivery, report: Report, leader: Delivery | None) -> Words | None:
        """The one card of this request; "send again" has none, but says when there is nothing to send yet."""
        if delivery.card_key is not None:
            return None  # its card was refreshed between a try that showed it and this one
        if leader is not None and _is_pressed_again(delivery, leader):
            return None
        if not delivery.carded:
            said = _words_without_card(delivery, report, leader)
            return Words(f"delivery:{delivery.id}:wait", said) if said else None
        shown = request_card(report, self._services.now(), delivery, leader)
        return Words(
            f"delivery:{delivery.id}:card",
            report_text(report, shown),
            report_card(report, shown),
            shows(report, leader),
        )

    def _promise(self, delivery: Delivery, family: str) -> None:
        """Say in words what the card says that is perhaps not there; once."""
        said = "I keep looking for this report, and post its file here when it is done. You need not do anything."
        try:
            key = f"delivery:{delivery.id}:promise"
            ReportMessages(self._services).say(delivery, lambda _: Words(key, said), family)
        except Unsure:
            log.warning("perhaps_promised", reference=delivery.reference)

    def _go_on(
        self, delivery: Delivery, report: Report, leader: Delivery | None, without: frozenset[int]
    ) -> tuple[Delivery | None, bool]:
        """Move it on by what the report is.

        Gives the request that it has joined, which may be another one than its card says, and whether it was moved:
        False when somebody has ended it meanwhile.
        """
        services = self._services
        now = services.now()
        learned: dict[str, Any] = {
            "family": report.family.value,
            "region": report.region or None,
            "title": report.title or None,
            "status": report.status,
        }
        with services.database.begin(durable=False) as tx:
            # While its card was being posted, the one that it was to join may have ended, or gone elsewhere.
            joined = _joined(tx, delivery, report, without) or _served_with(tx, delivery, leader)
            if joined is not None:
                learned["leader_id"] = joined.id
                learned["carded"] = delivery.carded and not _is_pressed_again(delivery, joined)
                if joined.state is State.DONE:
                    return joined, requests.move(tx, delivery, State.DONE, now, **learned)
                state = State.PENDING if report.phase is Phase.PENDING else State.READY
                return joined, requests.move(tx, delivery, state, now, **learned)
            match report.phase:
                case Phase.PENDING:
                    moved = requests.move(tx, delivery, State.PENDING, now, **learned)
                    if moved:
                        key = watch_key(report.family.value, report.region or None)
                        services.queue.put(tx, tasks.WATCH, key, after=services.poll_interval)
                case Phase.READY:
                    moved = requests.move(tx, delivery, State.READY, now, ready_at=now, **learned)
                    if moved:
                        put_delivery(tx, services.queue, report.family.value, delivery)
                case Phase.FAILED:
                    said = failed(report.title)
                    if delivery.carded:
                        # The card has said it; the reason is for the ledger.
                        moved = requests.move(tx, delivery, State.FAILED, now, why=BY_WEBEX, reason=said, **learned)
                    else:
                        moved = end(tx, services.queue, delivery, State.FAILED, said, now, why=BY_WEBEX)
        return None, moved


def _joined(tx: Transaction, delivery: Delivery, report: Report, without: frozenset[int]) -> Delivery | None:
    """The request that brings this one its file, too: one that waits here, or whose file is on its way here."""
    if report.phase is Phase.FAILED:
        return None
    return request_queries.awaited_here(tx, delivery, done=report.phase is Phase.READY, without=without)


def _served_with(tx: Transaction, delivery: Delivery, leader: Delivery | None) -> Delivery | None:
    """The request that was to be joined, if its file came while the card of this one was being posted."""
    served = requests.get(tx, leader.id) if leader else None
    if served is None or served.state is not State.DONE or served.private is not delivery.private:
        return None
    return served


def _is_pressed_again(delivery: Delivery, leader: Delivery) -> bool:
    """Whether somebody pressed a button twice: what the first press brings is in this very thread."""
    return delivery.origin.startswith("attachmentActions:") and request_queries.in_one_thread(delivery, leader)


def _words_without_card(delivery: Delivery, report: Report, leader: Delivery | None) -> str:
    """What is said to "send again" when there is no file to send at once."""
    here = leader is None or request_queries.in_one_thread(delivery, leader)
    if report.phase is Phase.PENDING:
        status = escape_markdown(status_word(report))
        where = "here" if here else "once, in the thread of who asked first,"
        return f"This report is not done yet ({status}). Its file comes {where} when it is."
    if leader is None or here:
        return ""
    return "This file is being sent again already; it comes once, in the thread of who asked first."
