"""Delivers a report that is done: details anew, policy again, download, verify, post, record.

One job serves every space that waits for the report, with one download. What is recorded before acting is the intent,
what is recorded after is the outcome; a kill in between makes the job run from the start, and the outbox does not say
twice what was said.
"""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot import tasks
from bot.errors import BotError, FileRejected, Refused, WebexError
from bot.ledger import deliveries
from bot.ledger.deliveries import IN_HAND, State
from bot.outbox import Unsure
from bot.plain_words import count, in_message, size
from bot.policy import Act, Verdict
from bot.ports import Downloaded
from bot.reports.contents import read_contents
from bot.reports.endings import GONE, end
from bot.reports.model import Family, Phase
from bot.reports.naming import CONTENT_TYPES, file_name
from bot.reports.privately import go_private
from bot.reports.watch import BY_WEBEX, details_interval, failed, gone, named, watch_key
from bot.reports.whereto import DIRECT, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.guard import Guard
    from bot.ledger.deliveries import Delivery
    from bot.outbox import Outbox
    from bot.ports import Files
    from bot.queue import Queue
    from bot.reports.catalogue import Catalogue
    from bot.reports.contents import Contents
    from bot.reports.model import Report
    from bot.store import Store

log = structlog.get_logger(__name__)

MAX_POSTED = 100 * 1000 * 1000
"""Bytes of the largest file that Webex takes with a message (100 MB)."""

HELD_SECONDS = 900.0
"""How long a verified file may wait on our disk for a space that Webex does not let us post to yet."""

EXTRA_TIME = timedelta(hours=6)
"""A report that became ready late is still delivered after its watch's deadline."""

UNKNOWN_TO_WEBEX = 404
LINK_GONE = 410


class Deliver:
    """Fetches one report and posts it wherever it is awaited."""

    def __init__(
        self,
        *,
        store: Store,
        queue: Queue,
        catalogue: Catalogue,
        files: Files,
        guard: Guard,
        outbox: Outbox,
        folder: Path,
        now: Callable[[], datetime],
        poll_interval: float,
    ) -> None:
        self._store = store
        self._queue = queue
        self._catalogue = catalogue
        self._files = files
        self._guard = guard
        self._outbox = outbox
        self._folder = folder
        self._now = now
        self._poll_interval = poll_interval

    def run(self, key: str) -> None:
        """Deliver to everybody who waits, and to those who come to wait meanwhile.

        Raises the first passing ``BotError``; what is left is done in the next run.
        """
        family, _, report_id = key.partition(":")
        path = self._folder / hashlib.sha256(key.encode()).hexdigest()[:32]
        trouble: BotError | None = None
        tried: set[int] = set()
        while waiting := [one for one in self._waiting(family, report_id) if one.id not in tried]:
            tried |= {delivery.id for delivery in waiting}
            trouble = self._serve(family, report_id, waiting, path) or trouble
        if trouble is not None:
            raise trouble
        path.unlink(missing_ok=True)

    def give_up(self, key: str, sentence: str) -> None:
        """End what still waits, and say so."""
        family, _, report_id = key.partition(":")
        self._end_all(self._waiting(family, report_id), State.FAILED, sentence, why="given_up")

    def _waiting(self, family: str, report_id: str) -> list[Delivery]:
        with self._store.read() as tx:
            return deliveries.of_report(tx, family, report_id, IN_HAND)

    def _end_all(
        self, ended: Sequence[Delivery], state: State, sentence: str, *, why: str = "", error: BotError | None = None
    ) -> None:
        with self._store.begin() as tx:
            for delivery in ended:
                end(tx, self._queue, delivery, state, sentence, self._now(), why=why, error=error)

    def _serve(self, family: str, report_id: str, waiting: list[Delivery], path: Path) -> BotError | None:
        """Serve these deliveries; gives the first trouble that will pass."""
        waiting = self._in_time(waiting)
        if not waiting:
            return None
        trouble: BotError | None = None
        try:
            report = self._catalogue.details(family, report_id)
            if not self._is_done(report, waiting):
                return None
            waiting, trouble = self._permitted(waiting)
            held = self._fetch(report, waiting, path) if waiting else None
        except BotError as error:
            if error.passing:
                return error
            self._end_all(self._again(waiting), State.FAILED, self._why(error, waiting[0]), error=error)
            return None
        if held is None:
            return trouble
        line = file_line(report, held, read_contents(held.path, held.kind))
        for delivery in self._again(waiting):
            trouble = self._post(delivery, report, held, line) or trouble
        return trouble

    def _again(self, old: Sequence[Delivery]) -> list[Delivery]:
        """The same deliveries as the ledger has them now, without those that ended meanwhile."""
        with self._store.read() as tx:
            found = [deliveries.get(tx, delivery.id) for delivery in old]
        return [delivery for delivery in found if delivery is not None and delivery.state in IN_HAND]

    def _in_time(self, waiting: list[Delivery]) -> list[Delivery]:
        now = self._now()
        late = [one for one in waiting if now > max(one.deadline_at, (one.ready_at or one.asked_at) + EXTRA_TIME)]
        said = "Webex had trouble for too long, so I stopped trying. Ask again to go on."
        self._end_all(late, State.EXPIRED, said, why="trouble_for_too_long")
        return [one for one in waiting if one not in late]

    def _is_done(self, report: Report, waiting: list[Delivery]) -> bool:
        """Whether Webex still says that the report is done; otherwise its deliveries go where they belong."""
        if report.phase is Phase.READY:
            return True
        now = self._now()
        with self._store.begin() as tx:
            for delivery in waiting:
                if report.phase is Phase.FAILED:
                    end(tx, self._queue, delivery, State.FAILED, failed(delivery.title), now, why=BY_WEBEX)
                elif delivery.state is State.POSTING:
                    # Its file may be in the space already, so it cannot go back to being watched.
                    end(tx, self._queue, delivery, State.FAILED, made_again(delivery.title), now, why=BY_WEBEX)
                else:
                    # The list said "done" and the details do not: the next look at it waits longer each time.
                    wait = details_interval(delivery.missing, self._poll_interval)
                    deliveries.move(
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
                if self._allowed(delivery):
                    permitted.append(delivery)
            except BotError as error:
                if error.passing:
                    trouble = error
                else:
                    self._end_all(self._again([delivery]), State.FAILED, self._not_posted(error), error=error)
        return permitted, trouble

    def _allowed(self, delivery: Delivery) -> bool:
        """Ask policy, now: roles, members and settings may have changed since it was asked for."""
        target_is_direct = delivery.private or delivery.room_type == DIRECT
        decision = self._guard.decide(delivery.asker_id, Act.READ, room_id=delivery.room_id, direct=target_is_direct)
        if decision.verdict is Verdict.ALLOWED:
            return True
        if decision.verdict is Verdict.PRIVATELY:
            go_private(self._store, self._outbox, delivery, decision.sentence, self._now())
            return True
        self._end_all([delivery], State.REFUSED, decision.sentence, why=decision.reason)
        return False

    def _move(self, them: Sequence[Delivery], before: State, to: State) -> None:
        now = self._now()
        with self._store.begin(durable=False) as tx:
            for delivery in them:
                if delivery.state is before:
                    deliveries.move(tx, delivery, to, now)

    def _fetch(self, report: Report, allowed: Sequence[Delivery], path: Path) -> Downloaded | None:
        """The file for those who may have it; None when Webex will not take it.

        It comes from our disk when an earlier run has just verified it and only the post is missing.
        """
        self._move(self._again(allowed), State.READY, State.FETCHING)
        held = self._held(allowed, path)
        if held is None:
            held = self._download(report, path)
            log.info("report_downloaded", bytes=held.size, kind=held.kind)
            with self._store.begin(durable=False) as tx:
                for delivery in allowed:
                    deliveries.note(tx, delivery.id, size=held.size, sha256=held.sha256, kind=held.kind)
        if held.size > MAX_POSTED:
            self._end_all(self._again(allowed), State.FAILED, too_large(report, held.size), why="too_large")
            return None
        return held

    def _download(self, report: Report, path: Path) -> Downloaded:
        """Fetch it; a link that is gone is asked for anew, once."""
        try:
            return self._files.download(report, path)
        except WebexError as error:
            if error.status != LINK_GONE:
                raise
            fresh = self._catalogue.details(report.family.value, report.id)
            if fresh.phase is not Phase.READY:
                raise
            return self._files.download(fresh, path)

    def _held(self, waiting: Sequence[Delivery], path: Path) -> Downloaded | None:
        with self._store.read() as tx:
            first = waiting[0]
            known = deliveries.fetched_file(tx, first.family or "", first.report_id)
        if known is None or not path.exists():
            return None
        status = path.stat()
        if status.st_size != known.size or time.time() - status.st_mtime > HELD_SECONDS:
            return None
        return Downloaded(path, status.st_size, known.sha256 or "", known.kind or "")

    def _post(self, delivery: Delivery, report: Report, held: Downloaded, line: str) -> BotError | None:
        """Post to one space. Gives the trouble if it will pass."""
        try:
            if not self._allowed(delivery):
                return None
            self._move(self._again([delivery]), State.FETCHING, State.POSTING)
            (delivery,) = self._again([delivery]) or (None,)  # type: ignore[assignment]
            if delivery is None:
                return None
            self._outbox.send(
                f"delivery:{delivery.id}:file" + (":privately" if delivery.private else ""),
                target_of(delivery),
                held.path,
                name=file_name(report, held.kind),
                content_type=CONTENT_TYPES[held.kind],
                markdown=line,
            )
        except Unsure as error:
            self._end_all([delivery], State.UNKNOWN, error.sentence, error=error)
            return None
        except BotError as error:
            if error.passing:
                return error
            self._end_all(self._again([delivery]), State.FAILED, self._not_posted(error), error=error)
            return None
        with self._store.begin() as tx:
            deliveries.move(tx, delivery, State.DONE, self._now())
        log.info("report_delivered", reference=delivery.reference, bytes=held.size)
        return None

    @staticmethod
    def _not_posted(error: BotError) -> str:
        if isinstance(error, WebexError) and error.status in GONE:
            return "The report is done, but I could not post it where you asked. Ask me again, here or there."
        if isinstance(error, Refused):
            return error.sentence
        return f"The report is done, but Webex did not take the file. {error.sentence} Ask again in a while."

    @staticmethod
    def _why(error: BotError, delivery: Delivery) -> str:
        if isinstance(error, WebexError) and error.status == UNKNOWN_TO_WEBEX:
            return gone(delivery)
        if isinstance(error, FileRejected):
            return f"{named(delivery.title)} is done, but its file was not posted. {error.sentence}"
        return f"{named(delivery.title)} is done, but its file cannot be fetched. {error.sentence}"


def file_line(report: Report, held: Downloaded, contents: Contents) -> str:
    """The one line that goes with the file: what, which period, how much."""
    parts = [f"**{in_message(report.title or 'Report')}**"]
    period = " to ".join(str(day) for day in (report.start, report.end) if day)
    if period:
        parts.append(period)
    if contents.rows is not None and contents.columns is not None and not contents.empty:
        parts.append(f"{count(contents.rows, 'row')}, {count(contents.columns, 'column')}")
    parts.append(size(held.size))
    line = " · ".join(parts)
    return f"{line}  \n{nothing_inside(report, contents)}" if contents.empty else line


def nothing_inside(report: Report, contents: Contents) -> str:
    """Why a report may hold no rows: the likely causes, by family."""
    if contents.columns == 1:
        return "The file is a single line. It may be an error message: open it before you rely on it."
    what = "holds only its header" if contents.columns else "is empty"
    if report.family is Family.PARTNER:
        region = in_message(report.region)
        where = f"no organisation of yours in the region {region}" if region else "another region"
    else:
        where = "an organisation outside North America (Webex makes these reports only there)"
    return f"The file {what}. Likely causes: {where}, a licence that is missing, or a period without any activity."


def made_again(title: str | None) -> str:
    """What is said when a report that was done is on its way once more, in the middle of its delivery."""
    return f"{named(title)} was done, and Webex is making it again. Ask again to wait for the new one."


def too_large(report: Report, number: int) -> str:
    """What is said about a file that Webex does not take."""
    return (
        f"{named(report.title)} is done, but its file has {size(number)} and Webex takes at most {size(MAX_POSTED)}. "
        "Make the report for a shorter period, or fetch it in Control Hub or Partner Hub."
    )
