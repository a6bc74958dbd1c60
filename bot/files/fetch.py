"""Get a report's file onto our disk, once for everyone who waits for it: from Webex, or from an earlier run."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from bot.db import reports
from bot.db.downloads import FEW, MOST
from bot.errors import TOO_SLOW, BotError, ChecksumDiffers, FewDownloadsLeft, FileRejected, WebexError
from bot.files import storage
from bot.files.verify import Downloaded, verify
from bot.webex.report import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from bot.db.database import Database, Transaction
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.files.downloader import Downloader
    from bot.webex.catalog import Catalog
    from bot.webex.growing_file import GrowingFile
    from bot.webex.report import Report

log = structlog.get_logger(__name__)

HELD_SECONDS = 900.0
"""How long a verified file stays on our disk: for who asks for it again, since each download counts at Webex, and for a
space that Webex does not let us post to yet."""
WAITS_AFTER_SLOW = (30.0, 120.0, 600.0)
"""Seconds before each further try of a file that came too slowly."""
LINK_REFUSED = frozenset({401, 403, 404, 410})
"""Answers of the download host that a link which was just given may not get."""


_HELD_NAME = re.compile(r"[0-9a-f]{32}")


def held_name(family: str, report_id: str) -> str:
    """Return the name under which a report's file lies in the folder for files."""
    return hashlib.sha256(f"{family}:{report_id}".encode()).hexdigest()[:32]


def is_held_name(name: str) -> bool:
    """Return True when it is such a name."""
    return _HELD_NAME.fullmatch(name) is not None


class NotReadyAnymore(Exception):
    """Webex took its link back or sent another file, and says by now that the report is on its way, or has failed."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class Fetch:
    """Downloads, verifies, and keeps on record what was fetched."""

    def __init__(self, database: Database, catalog: Catalog, files: Downloader, now: Callable[[], datetime]) -> None:
        self._database = database
        self._catalog = catalog
        self._files = files
        self._now = now
        self._begun: Counter[str] = Counter()
        """Downloads of each report that are not on record yet."""
        self._slow_tries: dict[tuple[str, str], int] = {}
        """Tries of each report whose file came too slowly, in a row."""

    def file(
        self,
        report: Report,
        known: ReportRow | None,
        waiting: Sequence[Request],
        path: Path,
        *,
        progress: Callable[[int, int], None],
        begun: Callable[[GrowingFile], None],
    ) -> Downloaded:
        """Return the file at ``path``: from an earlier run that has just verified it, or else from Webex.

        ``known``: the report as the database has it. Raises ``WebexError``, ``FileRejected``, ``FewDownloadsLeft`` and
        :class:`NotReadyAnymore`.
        """
        held = self._held(report, known, waiting, path)
        if held is None:
            self._leave_the_last(report, known, waiting)
            with storage.writing():
                storage.check_room(path.parent)  # each download that is begun counts
            try:
                held = self._patiently(report, partial(self._download, report, path, progress, begun))
            except BotError:
                with self._database.begin(durable=False) as tx:
                    reports.add_downloads(tx, report.id, self._begun.pop(report.id, 0))
                raise
            log.info("report_downloaded", bytes=held.size, kind=held.kind)
        before = known.downloads if known is not None else 0
        return replace(held, downloads=before + self._begun[report.id])

    def _leave_the_last(self, report: Report, known: ReportRow | None, waiting: Sequence[Request]) -> None:
        """Raise ``FewDownloadsLeft`` where only subscriptions and schedules want one of the last downloads."""
        used = self._begun[report.id] + (known.downloads if known is not None else 0)
        if MOST - used <= FEW and all(one.origin is not None for one in waiting):
            raise FewDownloadsLeft(
                f"Webex allows {MOST} downloads of a report, and I leave the last {FEW} of this one for people. Type "
                "`report` and its title to get it."
            )

    def record(self, tx: Transaction, *, report: Report, held: Downloaded) -> None:
        """Store what was downloaded, by the transaction in which its first message is about to be sent."""
        facts = {"file_size": held.size, "file_sha256": held.sha256, "file_kind": held.kind}
        reports.add_downloads(tx, report.id, self._begun.pop(report.id, 0), **facts)

    def _patiently(self, report: Report, download: Callable[[], Downloaded]) -> Downloaded:
        """Fetch it; a file that came too slowly has a few tries, since each holds a thread and is a download."""
        key = report.family.value, report.id
        try:
            held = download()
        except WebexError as error:
            if error.message != TOO_SLOW:
                raise
            tries = self._slow_tries.pop(key, 0) + 1
            if tries > len(WAITS_AFTER_SLOW):
                raise FileRejected(
                    f"Webex sent it too slowly, {tries} times in a row. Ask again later; if it happens again, please "
                    "contact whoever runs this bot."
                ) from None
            self._slow_tries[key] = tries
            error.retry_after = WAITS_AFTER_SLOW[tries - 1]
            raise
        self._slow_tries.pop(key, None)
        return held

    def _download(
        self, report: Report, path: Path, progress: Callable[[int, int], None], begun: Callable[[GrowingFile], None]
    ) -> Downloaded:
        """Fetch it; once more, with new details, where Webex's checksum fits nothing of it.

        Nobody knows how Webex makes its checksums, so the same bytes twice are believed.
        """
        once = partial(self._once, path=path, progress=progress, begun=begun)
        try:
            return once(report)
        except ChecksumDiffers as error:
            return once(self._anew(report), twin=error.sha256)

    def _once(self, report: Report, *, path: Path, twin: str = "", **more: Any) -> Downloaded:
        """Fetch it; a link that is refused is asked for again, once."""
        self._begun[report.id] += 1
        try:
            return self._files.download(report, path, twin=twin, **more)
        except WebexError as error:
            if error.status not in LINK_REFUSED:
                raise
            return self._files.download(self._anew(report), path, twin=twin, **more)

    def _anew(self, report: Report) -> Report:
        fresh = self._catalog.details(report.family.value, report.id, report.on_behalf_of)
        if fresh.phase is not Phase.READY:
            raise NotReadyAnymore(fresh) from None
        return fresh

    def keep(self, path: Path, *, delivered: bool) -> None:
        """Leave a file that was delivered where it is, if the disk has room enough; maintenance removes it later."""
        if not delivered or not storage.may_keep(path.parent):
            storage.remove(path)

    def _held(
        self, report: Report, known: ReportRow | None, waiting: Sequence[Request], path: Path
    ) -> Downloaded | None:
        if known is None or known.file_sha256 is None or not path.exists():
            return None
        status = path.stat()
        if status.st_size != known.file_size or time.time() - status.st_mtime > HELD_SECONDS:
            return None
        try:
            got = verify(path, report.checksum, twin=known.file_sha256)
        except FileRejected:
            return None
        if got.sha256 != known.file_sha256:  # nobody waited until the disk had all of it
            return None
        fetched_for_them = any(one.asked_at.timestamp() <= status.st_mtime for one in waiting)
        if (got.checksum_differs or not got.algorithm) and not fetched_for_them:
            return None  # perhaps Webex generated the report again since then
        return Downloaded(path, got.size, got.sha256, got.kind, got.contents, checksum_differs=got.checksum_differs)
