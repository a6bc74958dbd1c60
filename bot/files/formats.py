"""Turn a verified file into the format that a space chose, once for all who chose it, and into pieces that Webex takes.

What cannot be had in that format comes in the next best one, and the line beside the file says why.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from bot.db.space_settings import FileFormat
from bot.errors import FileRejected
from bot.files import storage, zip_check
from bot.files.file_type import CSV, ZIP
from bot.files.split import LEVEL, pack
from bot.files.spreadsheet import MOST_ROWS, Outcome, to_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.files.split import Piece, Progress
    from bot.files.verify import Downloaded

log = structlog.get_logger(__name__)

XLSX: Final = "xlsx"
TIMES_THE_LIMIT: Final = 3
"""So much larger than a message's limit may a CSV be of which a spreadsheet is tried: it takes less room, zipped."""
PIECE: Final = 256 * 1024


class WhyNot(StrEnum):
    """Why a file does not come in the format that a space chose."""

    TOO_MANY_ROWS = "too_many_rows"
    """More than Excel takes."""
    TOO_LARGE = "too_large"
    """In that format, for a message."""
    SEVERAL_FILES = "several_files"
    """In a zip: which of them is the report, nobody knows."""
    UNREADABLE = "unreadable"
    """Its rows cannot be told apart, or its letters are in an encoding that the file does not name."""
    NO_ROOM = "no_room"
    """The disk is full, or cannot be written."""


WHY_NOT: Final = {
    Outcome.TOO_MANY: WhyNot.TOO_MANY_ROWS,
    Outcome.TOO_LARGE: WhyNot.TOO_LARGE,
    Outcome.UNREADABLE: WhyNot.UNREADABLE,
}


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in a format, ready to be posted."""

    pieces: Sequence[Piece]
    file: Downloaded
    """What was cut into pieces: the report's file, or what it was converted to."""
    wanted: FileFormat = FileFormat.ORIGINAL
    why_not: WhyNot | None = None


class Formats:
    """One report's file in each format that is asked for; what was made goes when ``stack`` ends."""

    def __init__(
        self, stack: ExitStack, held: Downloaded, folder: Path, *, stem: str, limit: int, progress: Progress
    ) -> None:
        self._stack = stack
        self._held = held
        self._folder = folder
        self._stem = stem
        self._limit = limit
        self._progress = progress
        self._made: dict[FileFormat, Packed] = {}

    def packed(self, wanted: FileFormat) -> Packed:
        """Return the file in a format, in pieces of at most ``limit`` bytes. Raises ``FileRejected``."""
        if wanted not in self._made:
            file, why_not = self._stack.enter_context(
                converted(self._held, wanted, self._folder, stem=self._stem, limit=self._limit)
            )
            cut = pack(file, self._folder, stem=self._stem, limit=self._limit, progress=self._progress)
            self._made[wanted] = Packed(self._stack.enter_context(cut), file, wanted, why_not)
        return self._made[wanted]


@contextmanager
def converted(
    held: Downloaded, wanted: FileFormat, folder: Path, *, stem: str, limit: int
) -> Iterator[tuple[Downloaded, WhyNot | None]]:
    """Yield the file in a format, or in the next best one and why; what was made in ``folder`` goes afterwards.

    A plain CSV that is larger than ``limit`` stays one: it is cut into zips later.
    """
    if wanted is FileFormat.ORIGINAL or wanted.value == held.kind:
        yield held, None
        return
    with ExitStack() as stack:
        try:
            with storage.writing("converted"):
                made = tempfile.TemporaryDirectory(dir=folder, prefix=".format-", ignore_cleanup_errors=True)
                found = _Conversion(held, Path(stack.enter_context(made)), stem, limit).to(wanted)
        except FileRejected as error:
            log.warning("file_not_converted", cause=str(error))
            found = held, WhyNot.NO_ROOM
        yield found


class _Conversion:
    """One file on its way to another format, in a folder of its own."""

    def __init__(self, held: Downloaded, folder: Path, stem: str, limit: int) -> None:
        self._held = held
        self._folder = folder
        self._stem = stem
        self._limit = limit

    def to(self, wanted: FileFormat) -> tuple[Downloaded, WhyNot | None]:
        match wanted:
            case FileFormat.ZIP:
                return self._zip(), None
            case FileFormat.CSV:
                return self._csv(self._limit)
            case FileFormat.XLSX:
                return self._xlsx()
            case _:
                return self._held, None

    def _zip(self) -> Downloaded:
        """Return a zip of a CSV; the CSV where even a zip is larger than Webex takes, so that it is cut."""
        path = self._folder / "zip"
        storage.check_room(self._folder, coming=self._held.size, done="compressed")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            archive.write(self._held.path, f"{self._stem}.csv")
        size = path.stat().st_size
        return self._held if size > self._limit else replace(self._held, path=path, size=size, kind=ZIP)

    def _csv(self, most: int) -> tuple[Downloaded, WhyNot | None]:
        """Return the CSV of a zip that has one of at most so many bytes, else the zip."""
        if self._held.kind == CSV:
            return self._held, None
        with zipfile.ZipFile(self._held.path) as archive:
            entry = zip_check.only_table(archive.infolist())
            if entry is None:
                return self._held, WhyNot.SEVERAL_FILES
            if entry.file_size > most:
                return self._held, WhyNot.TOO_LARGE
            storage.check_room(self._folder, coming=entry.file_size, done="converted")
            path = self._folder / "csv"
            with archive.open(entry) as packed, path.open("wb") as file:
                shutil.copyfileobj(packed, file, PIECE)
        return replace(self._held, path=path, size=entry.file_size, kind=CSV), None

    def _xlsx(self) -> tuple[Downloaded, WhyNot | None]:
        """Return a spreadsheet, else the CSV, or the zip where Webex would not take that."""
        csv, why_not = self._csv(TIMES_THE_LIMIT * self._limit)
        if csv.kind != CSV:
            return csv, why_not
        instead = csv if self._held.kind == CSV or csv.size <= self._limit else self._held
        contents = self._held.contents
        if csv.size > TIMES_THE_LIMIT * self._limit:
            return instead, WhyNot.TOO_LARGE
        if contents is not None and (contents.rows or 0) >= MOST_ROWS:
            return instead, WhyNot.TOO_MANY_ROWS
        path = self._folder / "xlsx"
        outcome = to_xlsx(csv.path, path, self._limit)
        if outcome is not Outcome.WRITTEN:
            return instead, WHY_NOT[outcome]
        as_text = replace(contents, formulas=False) if contents is not None else None
        return replace(self._held, path=path, size=path.stat().st_size, kind=XLSX, contents=as_text), None
