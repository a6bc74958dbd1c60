"""Fetches a report's file from the download host, with the admin token, to our disk, and proves that it is one.

It is streamed (a report can be larger than memory), written beside its place and renamed when it is whole and checked,
so a file that exists is a good one. Redirects are ours to follow, because each one is a new decision about the token:
once one leads to a host that isn't Webex's, the rest of the way goes without it, to public addresses only.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from bot.errors import DOWNLOAD, TOO_SLOW, FileRejected, WebexError
from bot.files import disk
from bot.files.file_type import ZIP
from bot.files.verify import CHUNK, DownloadVerifier
from bot.webex.download_hosts import is_named, outside_host, permitted_host, redirected
from bot.webex.growing_file import GrowingFile
from bot.webex.http import FOREIGN, UNAUTHORIZED, no_answer, take_error
from bot.webex.public_only import is_public
from bot.webex.responses import error_from, header
from bot.webex.retry import NEVER
from bot.webex.session import TIMEOUT, Bearer, PlainSession
from bot.webex.timely import FIRST_ERROR, Floor
from bot.webex.types import Downloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import requests

    from bot.files.storage import TempDir
    from bot.webex.http import Observe, TokenSource
    from bot.webex.public_only import IsPublic
    from bot.webex.report import Report
    from bot.webex.retry import RetryPolicy

MAX_BYTES: Final = 2 * 1024**3
MAX_REDIRECTS: Final = 5
HEADERS: Final = {"Accept-Encoding": "identity", "Connection": "close"}
"""Compressing a zip again gains nothing; a new connection each time cannot be a stale one."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
LONGEST_DOWNLOAD: Final = 3600.0
"""Seconds: for so long the link is valid. The largest file needs 0.6 MB a second to come in time."""
SLOWEST: Final = Floor(64 * 1024, 30.0)
"""A file of 100 MB, which goes into one message, comes in 27 minutes then; a host that drips is known after 30 s."""

log = structlog.get_logger(__name__)


class Files:
    """The download host, with the admin token. Threads may share it."""

    def __init__(
        self,
        token: TokenSource,
        hosts: Sequence[str],
        *,
        timeout: tuple[float, float] = TIMEOUT,
        observe: Observe | None = None,
        max_bytes: int = MAX_BYTES,
        temp_dir: TempDir | None = None,
        keep_free: int = disk.KEEP_FREE,
        longest: float = LONGEST_DOWNLOAD,
        floor: Floor = SLOWEST,
        retries: RetryPolicy = NEVER,
        public: IsPublic = is_public,
    ) -> None:
        self._token = token
        self._hosts = tuple(hosts)
        self._timeout = timeout
        self._observe = observe
        self._max_bytes = max_bytes
        self._workroom = temp_dir
        """Where a file is until it is proved; None: beside its place."""
        self._coming = disk.Coming(keep_free)
        self._longest = longest
        self._retries = retries
        self._session = PlainSession(longest=longest, floor=floor)
        self._outside = PlainSession(longest=longest, floor=floor, public=public)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()
        self._outside.close()

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
            raise FileRejected("Webex gives no download link for this report. Ask again later.")
        with (
            self._opened(report.download_url) as response,
            _beside(to, self._workroom) as (part, temporary),
            self._coming.counted(temporary.parent, _length(response)) as came,
        ):
            with DownloadVerifier(report.checksum) as got, _passed_on(temporary, _length(response), begun) as pass_on:
                for size in self._save(response, part, got):
                    pass_on(got)
                    came(size)
                    if progress:
                        progress(size, _length(response))
                got.check(temporary, twin=twin if _may_be_all(report, got, response) else "")
            temporary.replace(to)
        if report.file_size and report.file_size != got.size:
            # The unit of Webex's figure is not documented, so it proves nothing.
            log.info("download_size_differs", said=report.file_size, got=got.size)
        return Downloaded(
            path=to,
            size=got.size,
            sha256=got.sha256.hexdigest(),
            kind=got.kind,
            contents=got.contents,
            checksum_differs=got.checksum_differs,
        )

    @contextmanager
    def _opened(self, url: str) -> Iterator[requests.Response]:
        """Ask for the file, following redirects, and give the answer when it is a success."""
        with self._retries.call(lambda: self._answer(url), reads=True) as response:
            yield response

    def _answer(self, url: str) -> requests.Response:
        token = self._token.current()
        response, outside = self._follow(url, token)
        if response.status_code == UNAUTHORIZED and not outside:
            fresh = self._token.renew(token)
            if fresh != token:
                response.close()
                token = fresh
                response, outside = self._follow(url, token)
        if response.status_code < FIRST_ERROR:
            return response
        with response:
            if outside:
                raise _error_of(outside, response)
            take_error(response)
            raise error_from(DOWNLOAD, response.status_code, response.headers, response.content, secrets=(token,))

    def _follow(self, url: str, token: str) -> tuple[requests.Response, str]:
        """Give the last answer of the chain, and the host that gave it when it was asked without the token."""
        outside = ""
        for hop in range(MAX_REDIRECTS + 1):
            if not outside and (hop == 0 or is_named(url, self._hosts)):
                permitted_host(url, self._hosts)
                response = self._get(url, token)
            else:
                outside = outside_host(url)
                response = self._get_outside(url, outside)
            location = header(response.headers, "Location")
            if response.status_code not in REDIRECTS or not location:
                return response, outside
            response.close()
            url = redirected(url, location)
        raise FileRejected("The report's download link leads round in circles, so nothing was fetched.")

    def _get(self, url: str, token: str) -> requests.Response:
        started = time.monotonic()
        status: int | None = None
        try:
            response = self._session.get(url, auth=Bearer(token), headers=HEADERS, stream=True, timeout=self._timeout)
            status = response.status_code
        except FOREIGN as exc:
            failure = no_answer(DOWNLOAD, exc)  # not chained: its text would hold the link
        else:
            return response
        finally:
            if self._observe:
                self._observe("GET", "download", status, time.monotonic() - started)
        raise failure

    def _get_outside(self, url: str, host: str) -> requests.Response:
        """Ask a host that isn't Webex's, which is therefore not counted among Webex's calls."""
        try:
            return self._outside.get(url, auth=Bearer(), headers=HEADERS, stream=True, timeout=self._timeout)
        except FOREIGN as exc:
            failure = no_answer(DOWNLOAD, exc)
        failure.sentence = f"“{host}”, where Webex's download link leads, did not answer."
        raise failure

    def _save(self, response: requests.Response, part: Any, got: DownloadVerifier) -> Iterator[int]:
        """Write it down, piece by piece; gives the bytes so far."""
        deadline = time.monotonic() + self._longest
        for chunk in _chunks(response):
            got.take(chunk)
            if got.size > self._max_bytes:
                raise FileRejected(
                    f"The report's file is larger than {self._max_bytes / 1024**2:,.0f} MB, which is more than the bot "
                    "fetches. Make the report for a shorter period."
                )
            if time.monotonic() > deadline:
                raise WebexError(DOWNLOAD, None, message=TOO_SLOW, reached=True)
            part.write(chunk)
            part.flush()  # it may be read already
            yield got.size
        got.end()


def _error_of(host: str, response: requests.Response) -> WebexError:
    """What a host that isn't Webex's answered. Its words are not Webex's, and it knows nothing of our token."""
    waits = {"Retry-After": header(response.headers, "Retry-After")}
    error = error_from(DOWNLOAD, response.status_code, waits, b"")
    error.sentence = f"“{host}”, where Webex's download link leads, answered with status {response.status_code}."
    return error


@contextmanager
def _beside(to: Path, temp_dir: TempDir | None) -> Iterator[tuple[Any, Path]]:
    """A temporary file on the same disk; whatever happens, it is gone afterwards."""
    with (
        disk.writing(),
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
    """Say how far a file has come to anyone who passes it on; it is abandoned when the block fails."""
    arriving: GrowingFile | None = None

    def pass_on(got: DownloadVerifier) -> None:
        nonlocal arriving
        if arriving is None and got.kind and size and begun:
            arriving = GrowingFile(temporary, size, got.kind)
            begun(arriving)
        if arriving is not None:
            arriving.came(got.size)

    try:
        yield pass_on
    except BaseException:
        if arriving is not None:
            arriving.abandon()
        raise


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body in pieces, unpacked when the host packed it; ``WebexError`` when it ends before its length."""
    try:
        yield from response.iter_content(CHUNK)
    except FOREIGN as exc:
        failure = no_answer(DOWNLOAD, exc)
    else:
        return
    raise failure


def _may_be_all(report: Report, got: DownloadVerifier, response: requests.Response) -> bool:
    """Whether a body that is cut off would be known for it; the end of a zip tells so itself.

    No unit of Webex's size makes nothing of something, so an empty body is not all of a file that has one.
    """
    tells = any(header(response.headers, name) for name in ("Content-Length", "Transfer-Encoding"))
    return got.kind == ZIP or (tells and bool(got.size or not report.file_size))


def _length(response: requests.Response) -> int:
    """How many bytes will come; 0 when that is not said, or they come packed."""
    if header(response.headers, "Content-Encoding").lower() not in {"", "identity"}:
        return 0
    said = header(response.headers, "Content-Length")
    return int(said) if said.isascii() and said.isdigit() else 0
