"""What has arrived of a download: how much, what it is and holds, and whether it is what Webex's checksum says."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, Self

import structlog

from bot.errors import FileRejected
from bot.reports import archive
from bot.reports.contents import UNCOUNTED, Counting
from bot.reports.early_look import EarlyLook
from bot.webex.aside import Aside
from bot.webex.sniff import CSV, HEAD_BYTES, ZIP, kind_of

if TYPE_CHECKING:
    from pathlib import Path

CHUNK: Final = 256 * 1024
ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256"}
"""Webex does not say how its checksum is made; the number of its hex digits tells. Others are not enforced."""

_HEX = re.compile(r"[0-9a-f]+")

log = structlog.get_logger(__name__)


class Received:
    """Counts, digests and judges the pieces of one file as they come."""

    def __init__(self, checksum: str) -> None:
        self.size = 0
        self.kind = ""
        """``zip`` or ``csv``, once enough has come to tell."""
        self.sha256 = hashlib.sha256()
        self.contents = UNCOUNTED
        """Rows and columns of the CSV, once it was checked."""
        said = checksum.strip().lower()
        self._wanted = said if _HEX.fullmatch(said) else ""
        self._algorithm = ALGORITHMS.get(len(self._wanted), "")
        self._digest = hashlib.new(self._algorithm, usedforsecurity=False) if self._algorithm else None
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

    def check(self, path: Path) -> None:
        """Check the whole file at ``path``: a zip must be a safe one, and a checksum that can be checked must be right.

        The checksum may be the file's or that of the CSV within the zip: nobody says which. Raises ``FileRejected``;
        otherwise ``contents`` are there.
        """
        right = self._digest is None or self._digest.hexdigest() == self._wanted
        if self.kind == ZIP:
            # Only where the zip's own digest is another one it is worth to unpack once more for that of its CSV.
            anew = _Csv("" if right else self._algorithm)
            if not archive.inspect(path, csv=anew.take, early=self._early.end() if right else None):
                self._csv = anew
            right = right or self._csv.digest() == self._wanted
        if not right:
            log.warning("download_checksum_differs", algorithm=self._algorithm, kind=self.kind)
            raise FileRejected(
                "The file that Webex sent does not match the report's checksum, so it was not posted. Ask again later."
            )
        self.contents = self._csv.counting.end()


class _Csv:
    """The CSV: what it holds, and its digest if that is wanted."""

    def __init__(self, algorithm: str = "") -> None:
        self.counting = Counting()
        self._digest = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None

    def take(self, piece: bytes) -> None:
        """Look at the next bytes of it."""
        if self._digest:
            self._digest.update(piece)
        self.counting.take(piece)

    def digest(self) -> str:
        """In hex; empty when nobody asked for one."""
        return self._digest.hexdigest() if self._digest else ""
