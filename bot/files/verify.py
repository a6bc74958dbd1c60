"""What has arrived of a download: how much, what it is and holds, and whether it is what Webex's checksum says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import structlog

from bot.errors import ChecksumDiffers
from bot.files import zip_check
from bot.files.aside import Aside
from bot.files.checksum import Checksum
from bot.files.csv_contents import UNCOUNTED, Counting
from bot.files.early_look import EarlyLook
from bot.files.file_type import CSV, HEAD_BYTES, ZIP, kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from bot.files.csv_contents import Contents

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A report's file on our disk, verified."""

    path: Path
    size: int
    sha256: str
    kind: str
    """``zip`` or ``csv``, by the first bytes."""
    contents: Contents | None = None
    """What its CSV holds; None: nobody has counted."""
    checksum_differs: bool = False
    """Whether Webex's checksum fits nothing of it; then it came twice alike."""
    downloads: int = 0
    """How often the report was downloaded until now, as far as this bot knows."""


class DownloadVerifier:
    """Counts, digests and judges the pieces of one file as they come."""

    def __init__(self, checksum: str) -> None:
        self.size = 0
        self.kind = ""
        """``zip`` or ``csv``, once enough has come to tell."""
        self.sha256 = hashlib.sha256()
        self.contents = UNCOUNTED
        """Rows and columns of the CSV, once it was checked."""
        self.checksum_differs = False
        """True when the checksum fits nothing, and the file was believed all the same."""
        self._checksum = Checksum(checksum)
        self._digest = self._checksum.digest() if self._checksum.algorithm else None
        self._head = b""
        """What came before the kind could be told."""
        self._csv = _Csv()
        self._early = EarlyLook(self._csv.take)
        # One thread each: together they would take longer than the line where nothing limits it.
        self._hashes = [Aside(digest.update) for digest in (self.sha256, self._digest) if digest]
        self._contents = Aside(self._look_inside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what goes on beside."""
        for digest in self._hashes:
            digest.abandon()
        self._contents.abandon()

    def take(self, chunk: bytes) -> None:
        """Count a piece. Raises ``FileRejected`` as soon as the beginning shows that it is no report."""
        self.size += len(chunk)
        for digest in self._hashes:
            digest.take(chunk)
        if self.kind:
            self._contents.take(chunk)
        else:
            self._head += chunk
            if len(self._head) >= HEAD_BYTES:
                self._judge()

    def end(self) -> None:
        """Judge what was too short to be judged before, and wait until all is looked at."""
        if not self.kind:
            self._judge()
        for digest in self._hashes:
            digest.end()
        self._contents.end()

    def _judge(self) -> None:
        self.kind = kind_of(self._head[:HEAD_BYTES])
        self._contents.take(self._head)
        self._head = b""

    def _look_inside(self, piece: bytes) -> None:
        if self.kind == CSV:
            self._csv.take(piece)
        elif self.kind == ZIP:
            self._early.take(piece)

    def check(self, path: Path, *, twin: str = "") -> None:
        """Check the whole file at ``path``: a zip must be a safe one, and a checksum that can be checked must be right.

        The checksum may be the file's or that of the CSV within the zip: nobody says which. One that fits neither is
        passed over for a file whose SHA-256 is ``twin``. Raises ``ChecksumDiffers`` and ``FileRejected``; otherwise
        ``contents`` are there, of a zip if it holds one table.
        """
        right = self._digest is None or self._digest.hexdigest() == self._checksum.wanted
        if self.kind == ZIP:
            # Only where the zip's own digest is another one it is worth to unpack once more for that of its CSV.
            anew = _Csv(None if right else self._checksum)
            if not zip_check.inspect(path, csv=anew.take, early=self._early.end() if right else None):
                self._csv = anew
            right = right or self._csv.digest() == self._checksum.wanted
        if not right:
            log.warning(
                "download_checksum_differs", algorithm=self._checksum.algorithm, kind=self.kind, again=bool(twin)
            )
            if self.sha256.hexdigest() != twin:
                raise ChecksumDiffers(self.sha256.hexdigest())
            self.checksum_differs = True
        if self.kind == CSV or not zip_check.holds_several(path):
            self.contents = self._csv.counting.end()


class _Csv:
    """The CSV: what it holds, and its digest if that is wanted."""

    def __init__(self, checksum: Checksum | None = None) -> None:
        self.counting = Counting()
        self._digest = checksum.digest() if checksum else None

    def take(self, piece: bytes) -> None:
        """Look at the next bytes of it."""
        if self._digest:
            self._digest.update(piece)
        self.counting.take(piece)

    def digest(self) -> str:
        """In hex; empty when nobody asked for one."""
        return self._digest.hexdigest() if self._digest else ""
