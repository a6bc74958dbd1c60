"""Make a request's thread show what its rows say.

``wanted`` says which messages there should be; what is on record says which there are; the difference is sent and
deleted. It may run at any moment and again: a call that fails for a passing reason fails the job, and the queue runs it
again. A new card is sent before the old one is deleted, so a kill leaves two for a moment, never none.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from bot import tracing
from bot.db import audit, messages, origins, reports, requests, space_settings, thread_rows
from bot.db.messages import INTENDED, REFUSED, UNSURE, Name
from bot.db.one_at_a_time import BusyElsewhere, OneAtATime
from bot.db.requests import PERSON, THREAD, State
from bot.db.space_settings import FileFormat
from bot.errors import Refused, WebexError
from bot.messages import request_card, request_list, sentences
from bot.messages.origins import plainly
from bot.outbox import Text, Unsure
from bot.reports import durations
from bot.reports.report_messages import Draft, PolicyNotAsked
from bot.reports.requests import close, put_thread, reason_for, redirect_from_closed_space
from bot.reports.wanted_messages import FOLLOW, Slot, ThreadState, Wanted, card_variant, name_of, wanted
from bot.webex.ids import same_id
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.database import Transaction
    from bot.db.messages import Message
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.db.thread_rows import ThreadRows
    from bot.outbox import Sent
    from bot.reports.report_messages import ReportMessages
    from bot.services import Services
    from bot.webex.types import Card

    Stored = Callable[[Transaction, Sent], None]
    Then = Callable[[Transaction, "ThreadState", bool], None]

log = structlog.get_logger(__name__)

ROUNDS: Final = 10
"""How often the rows are read again after calls; they change while a call is made."""
END_PATIENCE: Final = timedelta(hours=1)
"""How long it is tried to tell how a request ended although Webex refuses it."""
ENDS: Final = frozenset({Slot.CARD, Slot.END})
"""What may tell how a request ended."""


class Thread:
    """The task that makes a thread follow its rows; the key is the request's ID."""

    def __init__(self, services: Services, report_messages: ReportMessages) -> None:
        self.report_messages = report_messages
        self._database = services.database
        self._queue = services.queue
        self._outbox = services.outbox
        self._now = services.now
        self._poll_interval = services.poll_interval
        self._one = OneAtATime(services.database, "thread of a request")

    def run(self, key: str) -> None:
        """Send what is missing and delete what is not wanted. Raises ``BotError`` that passes."""
        self.sync(int(key))

    def on_failure(self, key: str, sentence: str) -> None:
        """Log that nobody could be told."""
        log.error("notification_failed", request=key, sentence=sentence)

    def sync(
        self, request_id: int, ahead: float = 0.0, then: Then | None = None, state: ThreadState | None = None
    ) -> None:
        """Send and delete what is to be; ``ahead``: so many seconds pass before the next try.

        ``state``: as it was just read, to save a read.

        ``then`` is called in the transaction that stores the last message, or in one of its own where none is sent,
        with whether nothing else is to be done after it. Raises ``BotError`` that passes, and ``DatabaseUnavailable``.
        """
        with self._one.about(request_id):
            if state is None:
                with self._database.read() as tx:
                    state = self.load(tx, request_id)
            called = then is None
            for _ in range(ROUNDS):
                if state is None or (missing := self._missing(state, ahead)) is None:
                    break
                following: list[ThreadState | None] = []

                def stored(tx: Transaction, _: Sent, following: list[ThreadState | None] = following) -> None:
                    nonlocal called
                    after = self.load(tx, request_id)
                    following.append(after)
                    if then is not None and after is not None and self._missing(after, ahead) is None:
                        then(tx, after, not self._outdated(after, ahead))
                        called = True

                self._send_one(state, missing, stored)
                if following:
                    (state,) = following
                    continue
                with self._database.read() as tx:
                    state = self.load(tx, request_id)
            if state is None:
                return
            if then is not None and not called:
                with self._database.begin(durable=False) as tx:
                    then(tx, state, not self._outdated(state, ahead))
            for message in self._outdated(state, ahead):
                self._outbox.delete(message)

    def sync_or_queue(self, request: Request, state: ThreadState | None = None) -> None:
        """Do the same now if it works, else by a job: it is not worth holding up the file.

        Raises ``WebexError`` for a 429, and ``BusyElsewhere``: then the file waits as well, since once it is there no
        card follows.
        """
        try:
            self.sync(request.id, state=state)
        except Exception as error:  # not even a bug in a card is worth the file
            held_back = isinstance(error, WebexError) and error.status == HTTPStatus.TOO_MANY_REQUESTS
            if held_back or isinstance(error, BusyElsewhere):
                raise
            log.warning(
                "thread_not_updated",
                reference=request.reference,
                trace_id=request.trace_id,
                cause=str(error) or type(error).__name__,
            )
            with self._database.begin() as tx:
                put_thread(tx, self._queue, request)

    @staticmethod
    def load(tx: Transaction, request_id: int) -> ThreadState | None:
        """Read a request with everything that its thread depends on."""
        rows = thread_rows.of_request(tx, request_id)
        if rows is None:
            return None
        tracing.begin(rows.request.trace_id)
        return Thread.state_of(tx, rows)

    @staticmethod
    def state_of(tx: Transaction, rows: ThreadRows) -> ThreadState | None:
        """Add to a request's rows what its thread depends on besides."""
        request, row, standing = rows.request, rows.report, rows.messages
        if audit.is_pseudonym(request.person_id):
            return None  # nobody is left to be told
        listed: list[tuple[Request, ReportRow | None]] = (
            reports.with_requests(tx, request.event) if request.listed else []
        )
        if listed and listed[0][0].id != request.id:
            listed = []
        own_first = same_thread = False
        if request.state is State.OPEN:
            older = requests.older(tx, request) if rows.has_older and request.found_at is not None else None
            elsewhere = older is not None
            own_first = older is not None and same_id(older.person_id, request.person_id)
            same_thread = older is not None and older.is_in_thread_of(request)
        else:
            served_by = request.file_message
            elsewhere = served_by is not None and all(one.id != served_by for one in standing)
        chosen = FileFormat.ORIGINAL
        if rows.settings_exist and request.room_id is not None:
            chosen = space_settings.get(tx, request.room_id).file_format
        return ThreadState(request, row, elsewhere, standing, chosen, own_first, same_thread, tuple(listed))

    def _missing(self, state: ThreadState, ahead: float) -> Wanted | None:
        """Return the first message that should be there and is not."""
        again = self._is_told_again(state.request)
        open_states = {INTENDED, REFUSED} if again else {INTENDED}
        settled = {one.key for one in state.standing if one.state not in open_states}
        found = wanted(state, self._now() + timedelta(seconds=ahead))
        return next((one for one in found if name_of(state.request, one.slot, one.variant).key not in settled), None)

    def _send_one(self, state: ThreadState, missing: Wanted, then: Stored) -> None:
        request = state.request
        try:
            self._send(state, missing, then)
        except Unsure:
            log.warning("card_delivery_unknown", reference=request.reference, slot=missing.slot.value)
            if self._is_told_again(request) and missing.slot in ENDS:
                self._allow_once_more(request, missing)
        except Refused as refused:
            self._refuse(request, refused)
        except WebexError as error:
            if error.passing:
                raise
            if request.origin is not None:
                self._end_without_place(state, error)
                return
            closed = error.status in SPACE_CLOSED and request.destination == THREAD
            if closed and missing.slot is not Slot.NOTICE:
                self._redirect(request)
            elif self._is_told_again(request) and missing.slot in ENDS:
                error.passing = True
                raise
            else:
                log.error("notification_failed", reference=request.reference, cause=str(error))  # noqa: TRY400

    def _end_without_place(self, state: ThreadState, error: WebexError) -> None:
        """Close a request that is for its space alone, since Webex does not take its card there."""
        request, row = state.request, state.row
        reason = sentences.not_posted(error, row.title if row else None, direct=request.direct)
        with self._database.begin() as tx:
            close(tx, self._queue, request, State.FAILED, self._now(), reason=reason, error=error)

    def _is_told_again(self, request: Request) -> bool:
        """Return True when a request has just ended without its file: what says so is all that the person gets."""
        ended = request.closed_at is not None and request.state is not State.DELIVERED
        return ended and self._now() - (request.closed_at or self._now()) < END_PATIENCE

    def _allow_once_more(self, request: Request, one: Wanted) -> None:
        """Have an end that may not have arrived sent a second time: perhaps twice is better than not at all."""
        with self._database.begin() as tx:
            known = messages.get(tx, name_of(request, one.slot, one.variant).key)
            if known is not None and known.tried_at == known.intended_at:
                messages.settle(tx, known.id, REFUSED, self._now())

    def _send(self, state: ThreadState, one: Wanted, then: Stored) -> None:
        request, row = state.request, state.row
        match one.slot:
            case Slot.NOTICE:
                self._send_notice(request)
            case Slot.TROUBLE:
                said = sentences.keeps_trying(request.last_error)
                self._outbox.send(name_of(request, Slot.TROUBLE), request.target, said)
            case Slot.END if request.state is State.REFUSED or (request.found_at is None and request.direct):
                # It tells nothing of a report, so policy is not asked.
                self._outbox.send(self._end_name(request), request.target, _end_text(request))
            case Slot.END:
                family = row.family if row and request.found_at else None
                self.report_messages.send(request, family, lambda now: Draft(self._end_name(now), Text(_end_text(now))))
            case _:
                self._send_card(state, then)

    def _send_card(self, state: ThreadState, then: Stored) -> None:
        request, row = state.request, state.row
        for other in {one.family for _, one in state.listed if one is not None}:
            self.report_messages.check_person(request, other)

        def make(now: Request) -> Draft | None:
            if now.destination != request.destination:
                return None  # what it says depends on where it goes: the rows are read again
            text, card = self._card(state, now)
            return Draft(name_of(now, Slot.CARD, card_variant(state)), Text(text, card), then=then)

        family = row.family if row is not None and not state.listed else None
        self.report_messages.send(request, family, make)

    def _card(self, state: ThreadState, request: Request) -> tuple[str, Card]:
        if state.listed:
            return request_list.request_list(state.listed, self._now())
        assert state.row is not None
        return request_card.request_card(
            request,
            state.row,
            elsewhere=state.elsewhere,
            own_first=state.own_first,
            chosen=state.chosen,
            now=self._now(),
            poll_interval=self._poll_interval,
            asked=self._asked(request),
            usual=self._usual_seconds(request, state.row),
        )

    def _asked(self, request: Request) -> str:
        """Return who asked, where others read it, or the subscription or schedule that it comes for."""
        if request.origin is None:
            name = "" if request.direct else self.report_messages.name_of(request.person_id)
            return f"requested by {name}" if name else ""
        with self._database.read() as tx:
            owned = origins.get(tx, request.origin)
        return f"for {plainly(owned)}" if owned is not None else ""

    def _usual_seconds(self, request: Request, row: ReportRow) -> float | None:
        """Return how long such a report usually takes, for a card that says so."""
        if not request_card.is_waiting(request, row):
            return None
        with self._database.read() as tx:
            usual = durations.usual(tx, row)
        return None if usual is None else usual.median

    @staticmethod
    def _end_name(request: Request) -> Name:
        return name_of(request, Slot.END, request.state.value)

    def _send_notice(self, request: Request) -> None:
        """Tell the space that the answer went to the person; where Webex does not let us, tell the person that."""
        name = name_of(request, Slot.NOTICE)
        space = Target(request.room_id, request.thread_id)
        try:
            self._outbox.send(name, space, request.notice or "")
        except WebexError as error:
            if error.status not in SPACE_CLOSED:
                raise
            self._outbox.send(name, request.target, sentences.REMOVED)

    def _redirect(self, request: Request) -> None:
        """Answer the person directly, since the space is closed to the bot."""
        with self._database.begin() as tx:
            redirect_from_closed_space(tx, self._queue, request)

    def _refuse(self, request: Request, refused: Refused) -> None:
        """Close a request that policy refuses by now; of a closed one, no more than that is told."""
        state = State.FAILED if isinstance(refused, PolicyNotAsked) else State.REFUSED
        reason = reason_for(self._outbox, request, refused)
        with self._database.begin() as tx:
            now = self._now()
            if not close(tx, self._queue, request, state, now, reason=reason, cause=refused.reason):
                requests.set_values(tx, request.id, state=State.REFUSED.value, reason=reason)

    def _outdated(self, state: ThreadState, ahead: float) -> list[Message]:
        """Return the messages that stand and should not."""
        request = state.request
        now = self._now() + timedelta(seconds=ahead)
        keep = {name_of(request, one.slot, one.variant).key for one in wanted(state, now)}
        # Perhaps the new card is not there: the old one stays, so that the thread is not left with nothing.
        unsure = any(one.slot == Slot.CARD and one.state == UNSURE and one.key in keep for one in state.standing)
        if unsure and request.state is not State.DELIVERED:
            keep |= {one.key for one in state.standing if one.slot == Slot.CARD}
        delivered_there = any(one.id == request.file_message and not one.direct for one in state.standing)
        found = []
        for message in state.standing:
            slot = (message.slot or "").partition(":")[0]
            in_space = request.destination == PERSON and not message.direct and messages.shows_report(message)
            in_space &= not (delivered_there and slot == Slot.FILE)  # it was allowed then, and comes nowhere else
            # The delivery that is under way follows its progress.
            follows = slot in FOLLOW and not (slot == Slot.PROGRESS and request.state is State.OPEN)
            if in_space or (follows and message.key not in keep):
                found.append(message)
        return found


def _end_text(request: Request) -> str:
    return f"{request.reason} (reference {request.reference})"
