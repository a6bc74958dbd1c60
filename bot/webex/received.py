"""What has arrived of a download: how much, what it is, and whether it is what Webex's checksum says."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

import structlog

from bot.errors import FileRejected
from bot.reports import archive
from bot.webex.sniff import HEAD_BYTES, ZIP, kind_of

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
        said = checksum.strip().lower()
        self._wanted = said if _HEX.fullmatch(said) else ""
        self._algorithm = ALGORITHMS.get(len(self._wanted), "")
        self._digest = hashlib.new(self._algorithm, usedforsecurity=False) if self._algorithm else None
        self._head = b""

    def take(self, chunk: bytes) -> None:
        """Count a piece. Raises ``FileRejected`` as soon as the beginning shows that it is no report."""
        self.size += len(chunk)
        self.sha256.update(chunk)
        if self._digest:
            self._digest.update(chunk)
        if not self.kind:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            if len(self._head) == HEAD_BYTES:
                self.kind = kind_of(self._head)

    def end(self) -> None:
        """Judge what was too short to be judged before."""
        self.kind = self.kind or kind_of(self._head)

    def check(self, path: Path) -> None:
        """Check the whole file at ``path``: a zip must be a safe one, and a checksum that can be checked must be right.

        The checksum may be the file's or that of the CSV within the zip: nobody says which. Raises ``FileRejected``.
        """
        within = ""
        if self.kind == ZIP:
            archive.inspect(path)
            within = self._look_within(path)
        if self._digest is not None and self._wanted not in {self._digest.hexdigest(), within}:
            log.warning("download_checksum_differs", algorithm=self._algorithm, kind=self.kind)
            raise FileRejected(
                "The file that Webex sent does not match the report's checksum, so it was not posted. Ask again later."
            )

    def _look_within(self, path: Path) -> str:
        if self._digest is None or self._digest.hexdigest() == self._wanted:
            return ""
        digest = hashlib.new(self._algorithm, usedforsecurity=False)
        try:
            with zipfile.ZipFile(path) as opened:
                for entry in opened.infolist()[:1]:
                    with opened.open(entry) as csv:
                        while chunk := csv.read(CHUNK):
                            digest.update(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError) as exc:
            raise FileRejected("The zip that Webex sent is damaged, so it was not posted. Ask again later.") from exc
        return digest.hexdigest()
