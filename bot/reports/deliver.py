"""Deliver a report that is ready: details, policy, one download, one file for each place where it is awaited.

One job serves every request for the report. Requests that the same people read the answers to are served with one file,
in the thread of the oldest that is open when it is posted, and are closed by the transaction that stores the post. A
kill in between makes the job run from the start; the outbox sends nothing twice.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from bot import metrics, tracing
from bot.db import origins, reports, requests, space_settings, thread_rows
from bot.db.requests import THREAD, Content, State
from bot.db.space_settings import FileFormat
from bot.errors import BotError, DatabaseUnavailable, Refused, WebexError
from bot.files import storage
from bot.files.fetch import NotReadyAnymore, held_name
from bot.files.file_name import file_stem
from bot.files.formats import Formats
from bot.files.streaming_upload import StreamingUpload
from bot.messages import sentences
from bot.messages.file_message import comes_for
from bot.messages.outcomes import FOR_AN_ASKER
from bot.outbound.events import tell_end
from bot.outbox import Unsure
from bot.reports.already_here import close_if_here
from bot.reports.blank_facts import why_blank
from bot.reports.card_alone import deliver_card
from bot.reports.conditions import halt_if_unmet
from bot.reports.delivery_run import Posting, Run, file_to_post, piece_name
from bot.reports.progress import ProgressMessage
from bot.reports.report_messages import Draft, PolicyNotAsked
from bot.reports.requests import (
    cause_of_post,
    close,
    close_all,
    put_outcome,
    put_thread,
    reason_for,
    redirect_from_closed_space,
)
from bot.reports.still_ready import is_still_ready
from bot.reports.unknown_status import Trials
from bot.reports.wanted_messages import Slot, name_of
from bot.webex.responses import SPACE_CLOSED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.db.blank import Blank
    from bot.db.database import Transaction
    from bot.db.requests import Request
    from bot.files.fetch import Fetch
    from bot.files.verify import Downloaded
    from bot.outbox import Sent
    from bot.reports.thread import Thread
    from bot.services import Services
    from bot.webex.report import Report
    from bot.webex.types import Target

log = structlog.get_logger(__name__)

MAX_POSTED: Final = 100 * 1000 * 1000
"""Bytes of the largest file that Webex takes with a message (100 MB)."""


class Deliver:
    """Fetches one report and posts it wherever it is awaited; the key is ``family:report ID``."""

    def __init__(self, services: Services, thread: Thread, fetch: Fetch) -> None:
        self._services = services
        self._thread = thread
        self._database = services.database
        self._queue = services.queue
        self._messages = thread.report_messages
        self._now = services.now
        self._fetch = fetch
        self._trials = Trials(services.database, services.now)

    def run(self, key: str) -> None:
        """Deliver to everyone who waits, and to those who come to wait meanwhile.

        Raises the first passing ``BotError``; what is left is done in the next run.
        """
        family, _, report_id = key.partition(":")
        run = Run(family, report_id, self._services.folder / held_name(family, report_id))
        while not run.finished and (waiting := self._waiting(run)):
            self._serve(run, waiting)
        if run.trouble is not None:
            self._store_failure(run.report_id, run.trouble)
            raise run.trouble
        self._fetch.keep(run.path, delivered=run.delivered)

    def on_failure(self, key: str, sentence: str) -> None:
        """Close what still waits, and say so."""
        close_all(self._database, self._queue, key.partition(":")[2], self._now(), reason=sentence, cause="given_up")

    def _waiting(self, run: Run) -> list[Request]:
        """Return the open requests that were not tried in this run."""
        with self._database.read(snapshot=False) as tx:  # what changes after a statement puts jobs of its own
            found = [one for one in thread_rows.waiting_for(tx, run.report_id) if one.request.id not in run.served]
            if found:
                tracing.join(*(one.request.trace_id for one in found))
                run.row = found[0].report
                run.first = self._thread.state_of(tx, found[0])
            if any(one.settings_exist for one in found):
                run.formats = space_settings.formats(tx, [one.request.room_id for one in found])
        return [one.request for one in found]

    def _serve(self, run: Run, waiting: list[Request]) -> None:
        try:
            on_behalf_of = run.row.on_behalf_of if run.row is not None else None
            report = self._services.catalog.recent_details(run.family, run.report_id, on_behalf_of)
            report = self._trials.look(report)
            if not is_still_ready(self._services, report, run.row):
                run.served |= {one.id for one in waiting}
                return
        except BotError as error:
            self._not_fetched(run, error, waiting)
            return
        files = [one for one in waiting if one.content is not Content.CARD and self._may_have(run, one)]
        for one in waiting:
            file_comes = any(other.is_answered_with(one) for other in files)  # then its turn is after it
            if one.content is Content.CARD and not file_comes and self._may_have(run, one):
                run.served.add(one.id)
                try:
                    deliver_card(self._services, self._thread, one, run.family)
                except Refused as refused:
                    self._close_refused(run, one, refused)
                except BotError as error:
                    self._failed(run, [one], error)
        if files:
            self._fetch_and_post(run, report, files)

    def _fetch_and_post(self, run: Run, report: Report, waiting: list[Request]) -> None:
        with ExitStack() as stack:
            # Nobody is told of a mere trial: what it brings, if anything, is the file.
            told = [] if report.taken_for_ready else [one for one in waiting if one.schedule_id is None]
            streaming = stack.enter_context(
                StreamingUpload(self._services.chat, partial(self._early_target, run, told), report, MAX_POSTED)
            )
            progress = stack.enter_context(
                ProgressMessage(self._services.outbox, self._messages, partial(self._told, run, report), run.family)
            )
            try:
                self._trials.begin(report)
                held = self._fetch.file(report, run.row, waiting, run.path, progress=progress, begun=streaming.begin)
                with storage.writing("compressed"):
                    room = self._services.temp_dir.path()
                formats = Formats(
                    stack, held, room, stem=file_stem(report), limit=MAX_POSTED, progress=progress.cutting
                )
                wanted = run.format_for(waiting[0])
                if wanted is not FileFormat.ORIGINAL:
                    progress.converting()
                packed = formats.packed(wanted)
                self._prove(report)
                blank = self._diagnose(run, report, held)
            except NotReadyAnymore as changed:
                self._trials.fail(report)
                is_still_ready(self._services, changed.report, run.row)
                run.served |= {one.id for one in waiting}
                return
            except BotError as error:
                self._not_fetched(run, error, waiting, report)
                return
            progress.posting()
            posting = Posting(report, held, formats, packed, streaming, progress, blank)
            while not run.finished and (waiting := self._permitted(run, posting)):
                same_place = [one for one in waiting if waiting[0].is_answered_with(one)]
                self._post(run, same_place, posting)

    def _prove(self, report: Report) -> None:
        """Store that the file of a mere trial is whole: from now on people are told of it."""
        if report.taken_for_ready:
            self._trials.prove(report)
            with self._database.begin(durable=False) as tx:
                reports.save(tx, report, self._now())

    def _diagnose(self, run: Run, report: Report, held: Downloaded) -> Blank | None:
        """Return why there is nothing in a file; the report's row says so too, for the cards."""
        blank = why_blank(self._services, report, held.contents)
        kept = None if blank is None else blank.as_json()
        if run.row is not None and run.row.blank != kept:
            with self._database.begin(durable=False) as tx:
                reports.set_values(tx, report.id, blank=kept)
        return blank

    def _permitted(self, run: Run, posting: Posting) -> list[Request]:
        """Return the requests that the file is for; of those that are not, each is closed or tried again later."""
        files = [one for one in self._waiting(run) if one.content is not Content.CARD and self._may_have(run, one)]
        record = partial(self._fetch.record, report=posting.report, held=posting.held)
        return [one for one in files if not halt_if_unmet(self._services, one, posting, record)]

    def _told(self, run: Run, report: Report) -> list[Request]:
        """Return the requests whose threads show the progress: of those served with one file, the oldest."""
        if report.taken_for_ready:
            return []
        first: list[Request] = []
        for one in self._waiting(run):
            if one.origin is None and not any(other.is_answered_with(one) for other in first):
                first.append(one)
        return first

    def _early_target(self, run: Run, waiting: Sequence[Request]) -> Target | None:
        """Return where the file may go while it is being fetched: not where an earlier try may have posted it."""
        still = {one.id for one in self._waiting(run)}
        try:
            first = next((one for one in waiting if one.id in still), None)
            first = None if first is None else self._messages.place(first, run.family)
            other = first is not None and run.format_for(first) is not FileFormat.ORIGINAL
            done = first is None or other or self._services.outbox.was_intended(name_of(first, Slot.FILE).key)
        except BotError as error:
            log.info("no_early_upload", cause=str(error))
            return None
        return None if first is None or done else first.target

    def _may_have(self, run: Run, request: Request) -> bool:
        """Return True when the person may have the report now; else the request is closed, or tried again later.

        What its place has already needs no other message: then it is closed too.
        What goes wrong in asking about one person must neither end nor delay the others.
        """
        if request.id in run.permitted:
            return True
        try:
            self._messages.check_person(request, run.family)
        except Refused as refused:
            self._close_refused(run, request, refused)
        except BotError as error:
            self._failed(run, [request], error)
        else:
            if not close_if_here(self._services, request):
                run.permitted.add(request.id)
                return True
        run.served.add(request.id)
        return False

    def _post(self, run: Run, same_place: list[Request], posting: Posting) -> None:
        """Post the file to the thread of the first of these requests, and close those that it serves."""
        request = same_place[0]
        try:
            first = run.first
            for one in same_place:
                just_read = first if first is not None and first.request.id == one.id == request.id else None
                self._thread.sync_or_queue(one, just_read)
            packed = posting.formats.packed(run.format_for(request))
            posting = replace(posting, packed=packed, made_for=self._made_for(request))
            if not self._send_pieces(run, same_place, posting):
                run.served.add(request.id)
        except Refused as refused:
            run.served.add(request.id)
            self._close_refused(run, request, refused)
        except Unsure as error:
            run.served.add(request.id)
            self._close([request], State.UNSURE, error.sentence, error=error)
        except BotError as error:
            if not self._redirected(request, error):
                run.served.add(request.id)
                self._failed(run, [request], error, posting)

    def _made_for(self, request: Request) -> str:
        """Return the subscription or schedule that a request was made for, as the file's message names it."""
        if request.origin is None:
            return ""
        with self._database.read() as tx:
            owned = origins.get(tx, request.origin)
        return comes_for(owned) if owned is not None else ""

    def _send_pieces(self, run: Run, same_place: list[Request], posting: Posting) -> bool:
        """Send every piece; policy is asked before each. Return False when the request was closed meanwhile."""
        request, first_row, number = same_place[0], 0, 1
        while number <= len(posting.pieces):
            drafted = moved = False

            def make(now: Request, number: int = number, began: str = request.destination) -> Draft | None:
                nonlocal drafted, moved
                moved = number > 1 and now.destination != began  # where it goes now, the parts before are missing
                drafted = now.state is State.OPEN and not moved
                if not drafted:
                    return None
                before = partial(self._fetch.record, report=posting.report, held=posting.held)
                name, content = file_to_post(now, posting, number)
                return Draft(name, content, before=before, then=partial(store, now, number))

            def store(now: Request, number: int, tx: Transaction, sent: Sent) -> None:
                nonlocal first_row
                first_row = first_row or sent.row_id
                tx.after_commit(partial(metrics.file_posted, posting.pieces[number - 1].size))
                if number == len(posting.pieces):
                    self._close_delivered(tx, run, now, same_place, first_row)

            request = self._messages.send(request, run.family, make)
            if not (drafted or moved):
                return False
            number, first_row = (1, 0) if moved else (number + 1, first_row)
        posting.progress.posted(request)
        return True

    def _close_delivered(
        self, tx: Transaction, run: Run, now: Request, same_place: Collection[Request], file_message: int
    ) -> None:
        """Close the request whose file was posted, and the others in the place where it went."""
        moment = self._now()
        closed: list[Request] = []
        for one in same_place:
            current = requests.get(tx, one.id) if one.id != now.id else now
            if current is None or not now.is_answered_with(current):
                continue
            run.served.add(one.id)
            if requests.close(tx, current, State.DELIVERED, moment, file_message=file_message):
                put_outcome(tx, self._queue, current.origin)
                closed.append(current)
                run.delivered = True
                told = {"reference": current.reference, "trace_id": current.trace_id}
                tx.after_commit(partial(log.info, "report_delivered", **told))
        waits = False
        for rows in thread_rows.waiting_for(tx, run.report_id, and_closed=[one.id for one in closed]):
            request = rows.request
            if request.state is State.OPEN:
                waits |= request.id not in run.served
            elif request.listed or any(one.slot in {Slot.TROUBLE, Slot.PROGRESS} for one in rows.messages):
                put_thread(tx, self._queue, request)
            if rows.webhooks_exist and request.state is State.DELIVERED:
                tell_end(tx, self._queue, request, State.DELIVERED, moment)
        if run.trouble is None and not waits:
            self._queue.finish(tx)
            run.finished = True

    def _redirected(self, request: Request, error: BotError) -> bool:
        """Return True when a space is closed to the bot, so the person is answered directly from now on."""
        if request.origin is not None:
            return False
        if not isinstance(error, WebexError) or error.status not in SPACE_CLOSED or request.destination != THREAD:
            return False
        with self._database.begin() as tx:
            redirect_from_closed_space(tx, self._queue, request)
        return True

    def _not_fetched(self, run: Run, error: BotError, waiting: Sequence[Request], report: Report | None = None) -> None:
        """Try again later, or close the requests. After a mere trial they wait on."""
        run.served |= {one.id for one in waiting}
        if report is not None and report.taken_for_ready and not isinstance(error, DatabaseUnavailable):
            is_still_ready(self._services, self._trials.fail(report), run.row)
        elif ended := run.ended_by(error, waiting):
            title = report.title if report is not None else self._title(run.report_id)
            self._close(ended, State.FAILED, sentences.not_downloaded(error, title), error=error)

    def _title(self, report_id: str) -> str | None:
        with self._database.read() as tx:
            row = reports.get(tx, report_id)
        return None if row is None else row.title

    def _failed(self, run: Run, which: Sequence[Request], error: BotError, posting: Posting | None = None) -> None:
        """Try again later, or close requests whose file was not posted."""
        which = run.ended_by(error, which)
        if error.passing and posting is not None:
            with self._database.begin(durable=False) as tx:  # the next run takes the file that is here
                self._fetch.record(tx, report=posting.report, held=posting.held)
        title = posting.report.title if posting is not None else self._title(run.report_id)
        for one in which:
            pieces = posting.pieces if posting is not None else ()
            names = [piece_name(one, posting, number + 1).key for number in range(len(pieces))] if posting else []
            there = sum(map(self._services.outbox.was_sent, names))
            reason = sentences.not_posted(error, title, direct=one.direct, there=there, parts=len(pieces))
            self._close([one], State.FAILED, reason, error=error, cause=cause_of_post(one, error))

    def _close_refused(self, run: Run, request: Request, refused: Refused) -> None:
        """Close what policy forbids: roles and settings may have changed since it was asked for."""
        if isinstance(refused, PolicyNotAsked) and isinstance(refused.__cause__, BotError):
            self._failed(run, [request], refused.__cause__)
            return
        reason = reason_for(self._services.outbox, request, refused)
        self._close([request], State.REFUSED, reason, error=refused)

    def _close(
        self, which: Sequence[Request], state: State, reason: str, *, error: BotError | None = None, cause: str = ""
    ) -> None:
        with self._database.begin() as tx:
            for one in which:
                close(tx, self._queue, one, state, self._now(), reason=reason, error=error, cause=cause)

    def _store_failure(self, report_id: str, error: BotError) -> None:
        said = sentences.trouble(error) if isinstance(error, WebexError) else FOR_AN_ASKER.sub("", error.sentence)
        with self._database.begin(durable=False) as tx:
            requests.fails(tx, requests.of_report(report_id), said, self._now())
