"""Delivers a report that is done: details again, policy again, download, verify, post, record.

One job serves every space that waits for the report, with one download. What is recorded before acting is the intent,
what is recorded after is the outcome; a kill in between makes the job run from the start, and the outbox does not say
twice what was said.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.db import requests
from bot.db.requests import IN_HAND, State
from bot.errors import DOWNLOAD, BotError, DatabaseUnavailable, FileRejected, Refused, WebexError
from bot.files import disk
from bot.files.csv_contents import UNCOUNTED
from bot.files.fetch import Fetch, NotReadyAnyMore, held_name
from bot.files.file_name import CONTENT_TYPES, file_stem
from bot.files.split import pack
from bot.files.streaming_upload import StreamingUpload
from bot.messages.file_message import file_line, made_again, not_posted, part_line, status_unknown
from bot.messages.sentences import named
from bot.outbox import Unsure
from bot.queue import tasks
from bot.reports.endings import end, refusal_of
from bot.reports.posting import Posting, Run, file_key, piece_key
from bot.reports.privately import CLOSED, go_private
from bot.reports.progress import ProgressMessage
from bot.reports.report_messages import File, PolicyNotAsked
from bot.reports.unknown_status import Trials
from bot.reports.watch import (
    BY_WEBEX,
    details_interval,
    failed,
    gone,
    watch_key,
)
from bot.reports.whereto import target_of
from bot.webex.report import Phase
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database
    from bot.db.requests import Delivery
    from bot.files.downloader import Downloader
    from bot.files.storage import TempDir
    from bot.files.verify import Downloaded
    from bot.outbox import Outbox
    from bot.queue import Queue
    from bot.reports.report_messages import ReportMessages
    from bot.reports.request_card import RequestCard
    from bot.webex.catalog import Catalog
    from bot.webex.chat import Chat
    from bot.webex.report import Report
    from bot.webex.types import Target

log = structlog.get_logger(__name__)

MAX_POSTED = 100 * 1000 * 1000
"""Bytes of the largest file that Webex takes with a message (100 MB)."""

UNKNOWN_TO_WEBEX = 404
LOOKS_FOR_A_LINK = 6
"""How often it is looked for the link of a report that is done, before that is told: a quarter of an hour."""


class Deliver:
    """Fetches one report and posts it wherever it is awaited."""

    def __init__(
        self,
        *,
        database: Database,
        queue: Queue,
        catalog: Catalog,
        files: Downloader,
        chat: Chat,
        messages: ReportMessages,
        outbox: Outbox,
        card: RequestCard,
        folder: Path,
        temp_dir: TempDir,
        now: Callable[[], datetime],
        poll_interval: float,
    ) -> None:
        self._database = database
        self._queue = queue
        self._catalogue = catalog
        self._fetch = Fetch(database, catalog, files, now)
        self._trials = Trials(database, now)
        self._chat = chat
        self._messages = messages
        self._outbox = outbox
        self._card = card
        self._folder = folder
        self._workroom = temp_dir
        self._now = now
        self._poll_interval = poll_interval

    def run(self, key: str) -> None:
        """Deliver to everybody who waits, and to those who come to wait meanwhile.

        Raises the first passing ``BotError``; what is left is done in the next run.
        """
        family, _, report_id = key.partition(":")
        run = Run(family, report_id, self._folder / held_name(family, report_id))
        trouble: BotError | None = None
        while waiting := self._come(run):
            trouble = self._serve(run, waiting) or trouble
        if trouble is not None:
            raise trouble
        self._fetch.keep(family, report_id, run.path, run.tried)

    def on_failure(self, key: str, sentence: str) -> None:
        """End what still waits, and say so."""
        family, _, report_id = key.partition(":")
        self._end_all(self._waiting(family, report_id), State.FAILED, sentence, why="given_up")

    def _waiting(self, family: str, report_id: str) -> list[Delivery]:
        with self._database.read() as tx:
            return requests.of_report(tx, family, report_id, IN_HAND)

    def _come(self, run: Run) -> list[Delivery]:
        """Those who wait and were not tried in this run; they count as tried from now on."""
        come = [one for one in self._waiting(run.family, run.report_id) if one.id not in run.tried]
        run.tried |= {delivery.id for delivery in come}
        return come

    def _end_all(
        self, ended: Sequence[Delivery], state: State, sentence: str, *, why: str = "", error: BotError | None = None
    ) -> None:
        with self._database.begin() as tx:
            for delivery in ended:
                end(tx, self._queue, delivery, state, sentence, self._now(), why=why, error=error)

    def _serve(self, run: Run, waiting: list[Delivery]) -> BotError | None:
        """Serve these deliveries; gives the first trouble that will pass."""
        trouble: BotError | None = None
        try:
            report = self._trials.look(self._catalogue.recent_details(run.family, run.report_id))
            if not self._is_done(report, waiting):
                return None
            permitted, trouble = self._permitted(waiting)
        except BotError as error:
            return self._not_fetched(error, waiting)
        return self._fetch_and_post(run, report, permitted) or trouble if permitted else trouble

    def _fetch_and_post(self, run: Run, report: Report, waiting: list[Delivery]) -> BotError | None:
        with ExitStack() as stack:
            # Nobody hears of a mere trial: what it brings, if anything, is the file.
            target = partial(self._early_target, [] if report.taken_for_ready else waiting)
            passing_on = stack.enter_context(StreamingUpload(self._chat, target, report, MAX_POSTED))
            told = partial(self._told, run, report)
            meter = stack.enter_context(ProgressMessage(self._outbox, self._messages, told))
            try:
                self._move(self._again(waiting), State.READY, State.FETCHING)
                self._trials.begin(report)
                held = self._fetch.file(report, waiting, run.path, progress=meter, begun=passing_on.begin)
                with disk.writing("packed"):
                    room = self._workroom.path()
                stem = file_stem(report)
                pieces = stack.enter_context(pack(held, room, stem=stem, limit=MAX_POSTED, progress=meter.cutting))
                self._trials.prove(report)
            except NotReadyAnyMore as changed:
                self._trials.fail(report)
                self._is_done(changed.report, self._again(waiting))
                return None
            except BotError as error:
                return self._not_fetched(error, waiting, report)
            meter.posting()
            trouble: BotError | None = None
            posting = Posting(report, held, pieces, passing_on, meter)
            # Also when all of them have ended meanwhile: somebody who joined one of them goes on in its place.
            waiting = self._again(waiting) or self._late(run, held)
            while waiting:
                for delivery in waiting:
                    trouble = self._post(delivery, posting) or trouble
                waiting = self._late(run, held)
        return trouble

    def _late(self, run: Run, held: Downloaded) -> list[Delivery]:
        """Those who have come since this was begun: the file is here, so they need no other fetching."""
        late = self._come(run)
        self._move(late, State.READY, State.FETCHING)
        self._fetch.note(held, late)
        return self._again(late)

    def _told(self, run: Run, report: Report) -> list[Delivery]:
        """Give those who are told how far it is; of a mere trial nobody hears."""
        return [] if report.taken_for_ready else self._waiting(run.family, run.report_id)

    def _not_fetched(
        self, error: BotError, waiting: Sequence[Delivery], report: Report | None = None
    ) -> BotError | None:
        """Gives the trouble if it will pass; otherwise it ends them all. Where it was a mere trial they wait on."""
        if report is not None and report.taken_for_ready and not isinstance(error, DatabaseUnavailable):
            self._is_done(self._trials.fail(report), self._again(waiting))
            return None
        if error.passing:
            return error
        self._end_all(self._again(waiting), State.FAILED, self._why(error, waiting[0]), error=error)
        return None

    def _early_target(self, waiting: Sequence[Delivery]) -> Target | None:
        """Where the file may go now, while it is being fetched: not where an earlier try may have posted it already."""
        try:
            first = next((self._messages.place(one) for one in self._again(waiting)[:1]), None)
            return None if first is None or self._outbox.was_meant(file_key(first)) else target_of(first)
        except BotError as error:
            log.info("no_early_upload", cause=str(error))
            return None

    def _again(self, old: Sequence[Delivery]) -> list[Delivery]:
        """The same deliveries as the ledger has them now, without those that ended meanwhile."""
        with self._database.read() as tx:
            found = [requests.get(tx, delivery.id) for delivery in old]
        return [delivery for delivery in found if delivery is not None and delivery.state in IN_HAND]

    def _is_done(self, report: Report, waiting: list[Delivery]) -> bool:
        """Whether Webex still says that the report is done; otherwise its deliveries go where they belong."""
        link = report.download_url or any(one.missing >= LOOKS_FOR_A_LINK for one in waiting)
        if report.phase is Phase.READY and link:
            return True
        now = self._now()
        with self._database.begin() as tx:
            for delivery in waiting:
                if report.phase is Phase.FAILED:
                    end(tx, self._queue, delivery, State.FAILED, failed(delivery.title), now, why=BY_WEBEX)
                elif delivery.state is State.POSTING:
                    # Its file may be in the space already, so it cannot go back to being watched.
                    end(tx, self._queue, delivery, State.FAILED, made_again(delivery.title), now, why=BY_WEBEX)
                else:
                    # The list said "done" and the details do not, or have no link: each look waits longer.
                    wait = details_interval(delivery.missing, self._poll_interval)
                    requests.move(
                        tx,
                        delivery,
                        State.PENDING,
                        now,
                        status=report.status,
                        missing=delivery.missing + 1,
                        next_look_at=now + timedelta(seconds=wait),
                    )
                    key = watch_key(delivery.family or "", delivery.region)
                    self._queue.put(tx, tasks.WATCH, key, after=self._poll_interval)
        return False

    def _permitted(self, waiting: Sequence[Delivery]) -> tuple[list[Delivery], BotError | None]:
        """Those who may have the file now, and the trouble, if it will pass, in finding out about the others.

        What goes wrong in asking about one space must neither end nor delay the others.
        """
        permitted: list[Delivery] = []
        trouble: BotError | None = None
        for delivery in waiting:
            try:
                self._messages.check_person(delivery)
                permitted.append(delivery)
            except Refused as refused:
                self._end_refused(delivery, refused)
            except BotError as error:
                if error.passing:
                    trouble = error
                else:
                    self._end_all(self._again([delivery]), State.FAILED, self._not_posted(error, delivery), error=error)
        return permitted, trouble

    def _end_refused(self, delivery: Delivery, refused: Refused) -> None:
        """End what policy forbids: roles and settings may have changed since it was asked for."""
        if isinstance(refused, PolicyNotAsked) and isinstance(refused.__cause__, BotError):
            error = refused.__cause__
            self._end_all(self._again([delivery]), State.FAILED, self._not_posted(error, delivery), error=error)
            return
        sentence = refusal_of(self._outbox, delivery, refused)
        self._end_all(self._again([delivery]), State.REFUSED, sentence, why=refused.reason)

    def _move(self, them: Sequence[Delivery], before: State, to: State) -> None:
        now = self._now()
        with self._database.begin(durable=False) as tx:
            for delivery in them:
                if delivery.state is before:
                    requests.move(tx, delivery, to, now)

    def _post(self, delivery: Delivery, posting: Posting) -> BotError | None:
        """Post to one space. Gives the trouble if it will pass."""
        try:
            if not self._sent(delivery, posting):
                return None
        except Unsure as error:
            self._end_all(self._again([delivery]), State.UNKNOWN, error.sentence, error=error)
            return None
        except BotError as error:
            if error.passing:
                return error
            if self._moved(delivery, error):
                return next((self._post(one, posting) for one in self._again([delivery])), None)
            self._end_all(
                self._again([delivery]), State.FAILED, self._not_posted(error, delivery, posting), error=error
            )
            return None
        posting.meter.posted(delivery)
        self._card.delivered(delivery, posting.report)
        with self._database.begin() as tx:
            for one in self._again([delivery]):
                requests.move(tx, one, State.DONE, self._now())
        log.info("report_delivered", reference=delivery.reference, bytes=posting.held.size, files=len(posting.pieces))
        return None

    def _moved(self, delivery: Delivery, error: BotError) -> bool:
        """Whether a space is closed to the bot or is no more: who asked there is answered 1:1 from now on."""
        if not isinstance(error, WebexError) or error.status not in SPACE_CLOSED or delivery.private:
            return False
        if delivery.room_type != DIRECT:
            go_private(self._database, self._outbox, delivery, CLOSED, self._now())
            return True
        with self._database.begin() as tx:  # it has another id by now, and the person can be named instead
            requests.note(tx, delivery.id, private=True)
        return True

    def _sent(self, delivery: Delivery, posting: Posting) -> bool:
        """Send every piece; policy is asked before each. False: it ended meanwhile."""
        self._card.found(delivery, posting.report)
        sent, private = 0, delivery.private

        def make(now: Delivery) -> File | None:
            nonlocal sent, private
            self._move(self._again([now]), State.FETCHING, State.POSTING)
            if not self._again([now]):
                return None
            if now.private is not private:  # it goes elsewhere from here: all of it, and its card first
                sent, private = 0, now.private
                self._card.found(now, posting.report)
            return self._file(now, posting, sent)

        try:
            while sent < len(posting.pieces):
                delivery = self._messages.say(delivery, make)
                if not self._again([delivery]):
                    return False
                sent += 1
        except Refused as refused:
            self._end_refused(delivery, refused)
            return False
        return True

    def _file(self, delivery: Delivery, posting: Posting, index: int) -> File:
        pieces = posting.pieces
        piece, number = pieces[index], index + 1
        if len(pieces) > 1:
            line = part_line(posting.report, posting.held, pieces, number)
        else:
            line = file_line(posting.report, posting.held, piece, posting.held.contents or UNCOUNTED)
        if posting.report.taken_for_ready and number == 1:
            line += f"  \n{status_unknown(posting.report)}"
        return File(
            piece_key(delivery, posting, number),
            piece.path,
            piece.name,
            CONTENT_TYPES[piece.kind],
            line,
            posting.passing_on.upload if len(pieces) == 1 else None,
        )

    def _not_posted(self, error: BotError, delivery: Delivery, posting: Posting | None = None) -> str:
        direct = delivery.private or delivery.room_type == DIRECT
        if posting is None:
            return not_posted(error, direct=direct)
        numbers = range(1, len(posting.pieces) + 1)
        there = sum(self._outbox.was_sent(piece_key(delivery, posting, number)) for number in numbers)
        return not_posted(error, direct=direct, there=there, parts=len(posting.pieces))

    @staticmethod
    def _why(error: BotError, delivery: Delivery) -> str:
        if isinstance(error, WebexError) and error.status == UNKNOWN_TO_WEBEX and error.call != DOWNLOAD:
            return gone(delivery)
        if isinstance(error, FileRejected):
            return f"{named(delivery.title)} is done, but its file was not posted. {error.sentence}"
        return f"{named(delivery.title)} is done, but its file cannot be fetched. {error.sentence}"
