"""Verify a report's file: how much has come, what it is and holds, and whether it is what Webex's checksum says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import ChecksumDiffers
from bot.files import zip_check
from bot.files.csv_rows import UNCOUNTED, Counting
from bot.files.file_type import CSV, HEAD_BYTES, ZIP, kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from bot.files.csv_rows import Contents

ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256"}
"""By the number of hex digits of Webex's checksum; others are not checked."""
PIECE: Final = 256 * 1024

_HEX = re.compile(r"[0-9a-f]+")

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
    """True when Webex's checksum fits nothing of it; then it came twice alike."""
    downloads: int = 0
    """How often the report was downloaded until now, as far as this bot knows."""


class DownloadVerifier:
    """Counts, digests and judges the pieces of one file as they come."""

    def __init__(self, checksum: str) -> None:
        self.size = 0
        self.kind = ""
        """``zip`` or ``csv``, once enough has come to tell."""
        self.contents: Contents = UNCOUNTED
        """Rows and columns of the CSV, once it was checked."""
        self.checksum_differs = False
        """True when the checksum fits nothing, and the file was believed all the same."""
        digits = checksum.strip().lower()
        self._wanted = digits if _HEX.fullmatch(digits) else ""
        self.algorithm = ALGORITHMS.get(len(self._wanted), "")
        """Of the checksum, as its length tells; empty for one that cannot be checked."""
        self._sha256 = hashlib.sha256()
        self._digest = self._new_digest()
        self._head = b""
        """What came before the kind could be told."""
        self._csv = Counting()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what has come, in hex."""
        return self._sha256.hexdigest()

    def take(self, piece: bytes) -> None:
        """Look at the next piece. Raises ``FileRejected`` as soon as the beginning shows that it is no report."""
        self.size += len(piece)
        self._sha256.update(piece)
        if self._digest:
            self._digest.update(piece)
        if self.kind:
            self._count(piece)
        else:
            self._head += piece
            if len(self._head) >= HEAD_BYTES:
                self._judge()

    def check(self, path: Path, *, twin: str = "") -> None:
        """Check the whole file at ``path``: a zip must be a safe one, and a checksum that can be checked must be right.

        The checksum may be the file's or that of the CSV within the zip: nobody says which. One that fits neither is
        passed over for a file whose SHA-256 is ``twin``. Raises ``ChecksumDiffers`` and ``FileRejected``; otherwise
        ``contents`` are there, of a zip if it holds one table.
        """
        if not self.kind:
            self._judge()
        right = self._fits(self._digest)
        counted = True
        if self.kind == ZIP:
            of_csv = None if right else self._new_digest()

            def take(piece: bytes) -> None:
                self._csv.take(piece)
                if of_csv:
                    of_csv.update(piece)

            counted = zip_check.inspect(path, csv=take)
            right = right or self._fits(of_csv)
        if not right:
            log.warning("download_checksum_differs", algorithm=self.algorithm, kind=self.kind, again=bool(twin))
            if self.sha256 != twin:
                raise ChecksumDiffers(self.sha256)
            self.checksum_differs = True
        if counted:
            self.contents = self._csv.end()

    def _new_digest(self) -> hashlib._Hash | None:
        return hashlib.new(self.algorithm, usedforsecurity=False) if self.algorithm else None

    def _fits(self, digest: hashlib._Hash | None) -> bool:
        return digest is None or digest.hexdigest() == self._wanted

    def _judge(self) -> None:
        self.kind = kind_of(self._head[:HEAD_BYTES])
        self._count(self._head)
        self._head = b""

    def _count(self, piece: bytes) -> None:
        if self.kind == CSV:
            self._csv.take(piece)


def verify(path: Path, checksum: str, *, twin: str = "") -> DownloadVerifier:
    """Verify a whole file on our disk. Raises as :meth:`DownloadVerifier.check` does."""
    got = DownloadVerifier(checksum)
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            got.take(piece)
    got.check(path, twin=twin)
    return got
