"""Save a report's file to disk while it comes, and prove that it is one.

It is streamed (a report can be larger than memory), written to a temporary file and renamed when it is whole and
checked, so a file that exists is a good one.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.errors import FileRejected
from bot.files import storage
from bot.files.file_type import ZIP
from bot.files.verify import Downloaded, DownloadVerifier
from bot.webex.growing_file import GrowingFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.files.storage import TempDir
    from bot.webex.download import Download, DownloadClient
    from bot.webex.report import Report

MAX_BYTES: Final = 2 * 1024**3

log = structlog.get_logger(__name__)


class Downloader:
    """Downloads to disk; threads may share it."""

    def __init__(
        self,
        client: DownloadClient,
        *,
        temp_dir: TempDir | None = None,
        max_bytes: int = MAX_BYTES,
        keep_free: int = storage.KEEP_FREE,
    ) -> None:
        self._client = client
        self._temp_dir = temp_dir
        """Where a file is until it is proved; None: beside its place."""
        self._max_bytes = max_bytes
        self._coming = storage.Coming(keep_free)

    def download(
        self,
        report: Report,
        to: Path,
        *,
        progress: Callable[[int, int], None] | None = None,
        begun: Callable[[GrowingFile], None] | None = None,
        twin: str = "",
    ) -> Downloaded:
        """Fetch the file of ``report`` (with fresh details) to ``to``, replacing what is there.

        ``progress`` is told the bytes so far, and how many there will be (0: the host does not say). ``begun`` is given
        the file as soon as its kind and size are known, to pass it on while it comes; when the download fails it is
        abandoned, and only the caller releases it. ``twin`` is the SHA-256 of an earlier download that Webex's checksum
        did not fit: the same bytes once more, as far as they are proved to be all, are taken.

        Raises ``ChecksumDiffers`` when the checksum does not fit, ``FileRejected`` for what is not a report or may not
        be fetched, and ``WebexError`` for the host's errors and for a file that ends too early. Then ``to`` is as it
        was.
        """
        if not report.download_url:
            raise FileRejected("Webex gave no download link for this report. Ask again later.")
        with (
            self._client.open(report.download_url) as download,
            _temporary(to, self._temp_dir) as (part, temporary),
            self._coming.counted(temporary.parent, download.size) as came,
        ):
            got = DownloadVerifier(report.checksum)
            with _passed_on(temporary, download.size, begun) as pass_on:
                for size in self._save(download, part, got):
                    pass_on(got)
                    came(size)
                    if progress:
                        progress(size, download.size)
                got.check(temporary, twin=twin if _may_be_all(report, got, download) else "")
            temporary.replace(to)
        if report.file_size and report.file_size != got.size:
            # The unit of Webex's figure is not documented, so it proves nothing.
            log.info("download_size_differs", said=report.file_size, got=got.size)
        return Downloaded(
            path=to,
            size=got.size,
            sha256=got.sha256,
            kind=got.kind,
            contents=got.contents,
            checksum_differs=got.checksum_differs,
        )

    def _save(self, download: Download, part: Any, got: DownloadVerifier) -> Iterator[int]:
        """Write the body piece by piece; give the bytes so far."""
        for piece in download.pieces():
            got.take(piece)
            if got.size > self._max_bytes:
                raise FileRejected(
                    f"The report's file is larger than {self._max_bytes / 1024**2:,.0f} MB, the most that I download. "
                    "Run the report for a shorter period."
                )
            part.write(piece)
            part.flush()  # it may be read already
            yield got.size


@contextmanager
def _temporary(to: Path, temp_dir: TempDir | None) -> Iterator[tuple[Any, Path]]:
    """Yield a temporary file on the same disk, which is gone afterwards, whatever happens."""
    with (
        storage.writing(),
        tempfile.NamedTemporaryFile(
            dir=temp_dir.path() if temp_dir else to.parent, prefix=".download-", suffix=".part", delete=False
        ) as part,
    ):
        temporary = Path(part.name)
        try:
            yield part, temporary
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _passed_on(
    temporary: Path, size: int, begun: Callable[[GrowingFile], None] | None
) -> Iterator[Callable[[DownloadVerifier], None]]:
    """Tell an upload how far the file has come; abandon it when the block fails."""
    growing: GrowingFile | None = None

    def pass_on(got: DownloadVerifier) -> None:
        nonlocal growing
        if growing is None and got.kind and size and begun:
            growing = GrowingFile(temporary, size, got.kind)
            begun(growing)
        if growing is not None:
            growing.came(got.size)

    try:
        yield pass_on
    except BaseException:
        if growing is not None:
            growing.abandon()
        raise


def _may_be_all(report: Report, got: DownloadVerifier, download: Download) -> bool:
    """Return True when a body that is cut off would be noticed; the end of a zip shows so itself.

    No unit of Webex's size makes nothing of something, so an empty body is not all of a file that has one.
    """
    return got.kind == ZIP or (download.shows_its_end and bool(got.size or not report.file_size))
