"""Checks a file against the checksum that Webex gives with a report, as far as anybody knows how it is made.

Webex documents neither the algorithm nor what it is of. So the length tells the algorithm, the file or the CSV within
its zip may be meant, and one that fits nothing proves nothing (``fetch.py`` has what follows from that).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from bot.files import zip_check

if TYPE_CHECKING:
    from pathlib import Path

ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256"}
"""By the number of hex digits; others are not checked."""

_HEX = re.compile(r"[0-9a-f]+")


class Checksum:
    """What Webex says; ``algorithm`` is empty where it is nothing that can be checked."""

    def __init__(self, said: str) -> None:
        digits = said.strip().lower()
        self.wanted = digits if _HEX.fullmatch(digits) else ""
        self.algorithm = ALGORITHMS.get(len(self.wanted), "")

    def digest(self) -> hashlib._Hash:
        """Return a new digest of its algorithm, which must be known."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def fits(self, path: Path, kind: str) -> bool:
        """Return whether it may be that of the proved file at ``path``; true where it cannot be checked."""
        if not self.algorithm:
            return True
        with path.open("rb") as file:
            if hashlib.file_digest(file, self.digest).hexdigest() == self.wanted:
                return True
        if kind != "zip":
            return False
        of_csv = self.digest()
        zip_check.inspect(path, csv=of_csv.update)
        return of_csv.hexdigest() == self.wanted
