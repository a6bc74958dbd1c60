"""What a verified file becomes when it is larger than Webex takes: itself, one zip, or numbered parts of whole rows.

Every part is a zip with a CSV that begins with the header, so each can be used alone, and together they are the file to
the byte. The same file always makes the same parts, also in another process: a delivery that was killed after its
second part continues with the third. It is streamed: what is held of a file are some hundred kilobytes.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from bot.errors import FileRejected
from bot.files import storage
from bot.files.csv_rows import PIECE, Records, UnreadableError
from bot.files.file_extensions import is_of_another_kind
from bot.files.file_type import PLAIN, encoding_of
from bot.text import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bot.files.verify import Downloaded

    Progress = Callable[[int, int], None]
    """Is told the bytes of CSV that are packed, and how many there are."""

MAX_PARTS: Final = 20
"""More than so many files in a space help nobody."""
MARGIN: Final = 128 * 1024
"""Bytes by which a part stays below the limit: what deflate holds back (64 kB at most) shows only at its end."""
MAX_UNPACKED: Final = 2**31 - 1
"""Bytes of a file in a zip of the plain form, as :mod:`zipfile` writes it."""
LEVEL: Final = 1
"""Of deflate: three times as fast as the usual 6, for a quarter more bytes."""
UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Piece:
    """A file to post."""

    path: Path
    name: str
    """As people see it, with its extension."""
    size: int
    """Bytes."""
    kind: str
    """``zip`` or ``csv``."""
    rows: int | None = None
    """Of a part: its rows without the header; None where they could not be counted."""


@contextmanager
def pack(
    held: Downloaded, folder: Path, *, stem: str, limit: int, progress: Progress | None = None
) -> Iterator[list[Piece]]:
    """Yield ``held`` as files of at most ``limit`` bytes, in order; what was made for it in ``folder`` goes afterwards.

    ``stem`` is a safe file name without extension. Raises ``FileRejected``, whose sentence says what can be done, when
    the file cannot be cut, or the disk is full or cannot be written.
    """
    if held.size <= limit:
        yield [Piece(held.path, f"{stem}.{held.kind}", held.size, held.kind)]
        return
    packing = _Packing(held, folder, stem, limit, progress)
    try:
        with storage.writing("compressed"):
            pieces = packing.pieces()
        yield pieces
    finally:
        packing.remove()


class _Packing:
    """One file on its way down the ladder, and the temporary files of it."""

    def __init__(self, held: Downloaded, folder: Path, stem: str, limit: int, progress: Progress | None) -> None:
        self._held = held
        self._folder = folder
        self._stem = stem
        self._limit = limit
        self._progress = progress
        self._made: list[Path] = []

    def pieces(self) -> list[Piece]:
        """Return the files. A zip of Webex's is split at once; a plain CSV may fit into one zip."""
        if self._held.kind == "csv":
            whole = self._one_zip()
            if whole is not None:
                return [whole]
        try:
            return self._parts()
        except UnreadableError as exc:
            raise self._cannot_be_split("its rows can't be told apart") from exc

    def remove(self) -> None:
        """Remove all temporary files."""
        while self._made:
            storage.remove(self._made.pop())

    def _one_zip(self) -> Piece | None:
        with self._begun(f"{self._stem}.csv") as whole:
            for data in self._read():
                if not whole.takes(len(data), self._limit):
                    break
                whole.write(data)
            else:
                return Piece(whole.path, f"{self._stem}.zip", whole.finish(), "zip")
        self.remove()
        return None

    def _parts(self) -> list[Piece]:
        records = Records()
        batches = _batches(records, self._read())
        rest = next(batches, None)
        made: list[tuple[Path, int, int]] = []
        while rest is not None:
            if len(made) == MAX_PARTS:
                raise self._cannot_be_split(f"it would take more than {MAX_PARTS} parts")
            with self._begun(f"{self._stem} part {len(made) + 1}.csv") as part:
                if made:
                    part.write(records.header)
                before = part.unpacked
                rows = 0 if made else -1
                while rest is not None and part.takes(len(rest[0]), self._limit):
                    part.write(rest[0])
                    rows += rest[1]
                    rest = next(batches, None)
                if part.unpacked == before or not records.header:
                    raise UnreadableError
                made.append((part.path, part.finish(), rows))
        return [
            Piece(
                path,
                f"{self._stem} part {number} of {len(made)}.zip",
                length,
                "zip",
                None if records.doubtful else rows,
            )
            for number, (path, length, rows) in enumerate(made, 1)
        ]

    @contextmanager
    def _begun(self, name: str) -> Iterator[_Part]:
        """Return a new temporary zip."""
        storage.check_room(self._folder, coming=min(self._held.size, self._limit), done="compressed")
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".packed-", suffix=".part", delete=False) as out:
            path = Path(out.name)
            self._made.append(path)
            with closing(_Part(out, name, path)) as part:
                yield part

    def _read(self) -> Iterator[bytes]:
        """Return the CSV, in pieces."""
        if self._held.kind == "csv":
            with self._held.path.open("rb") as raw:
                yield from self._told(raw, os.fstat(raw.fileno()).st_size)
            return
        try:
            with zipfile.ZipFile(self._held.path) as archive:
                entry = self._only(archive.infolist())
                with archive.open(entry) as raw:
                    yield from self._told(raw, entry.file_size)
        except UNREADABLE as exc:
            raise self._cannot_be_split("the zip can't be read") from exc

    def _told(self, raw: IO[bytes], whole: int) -> Iterator[bytes]:
        done = 0
        while data := raw.read(PIECE):
            yield data
            done += len(data)
            if self._progress:
                self._progress(done, whole)

    def _only(self, entries: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
        """Return the CSV of the zip, when there is nothing else in it that would be lost."""
        files = [entry for entry in entries if not entry.is_dir()]
        if len(files) != 1:
            raise self._cannot_be_split("it's a zip with several files")
        if is_of_another_kind(files[0].filename):
            raise self._cannot_be_split("it's a zip without a CSV")
        return files[0]

    def _cannot_be_split(self, why: str) -> FileRejected:
        return FileRejected(
            f"The file is {size(self._held.size)}, Webex accepts at most {size(self._limit)} per message, and it can't "
            f"be split: {why}. Run the report for a shorter period."
        )


class _Part:
    """A zip with one CSV that is being made at ``path``; it looks now and then whether the disk has room for more."""

    def __init__(self, out: IO[bytes], name: str, path: Path) -> None:
        self.path = path
        self.unpacked = 0
        """Bytes that were written so far."""
        self._out = out
        self._archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._entry = self._archive.open(name, "w")  # it is dated 1980, so that the same rows make the same bytes
        self._looked_at = 0

    def takes(self, more: int, limit: int) -> bool:
        """Return True when the zip stays within ``limit`` bytes with so many bytes of CSV more."""
        return self._out.tell() + more + MARGIN <= limit and self.unpacked + more <= MAX_UNPACKED

    def write(self, data: bytes) -> None:
        """Add a piece of the CSV."""
        self.unpacked += len(data)
        self._entry.write(data)
        if self._out.tell() - self._looked_at >= storage.CHECK_ROOM_EVERY:
            self._looked_at = self._out.tell()
            storage.check_room(self.path.parent, done="compressed")

    def finish(self) -> int:
        """Write the end. Return the zip's bytes."""
        self._end()
        self._out.flush()
        return self._out.tell()

    def close(self) -> None:
        """Close the zip, whole or not; it has no use when it cannot be written."""
        with suppress(OSError, ValueError):
            self._end()

    def _end(self) -> None:
        self._entry.close()
        self._archive.close()


def _batches(records: Records, source: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield whole records, and how many they are."""
    before = 0
    first = next(source, b"")
    if encoding_of(first).name != PLAIN.name:
        raise UnreadableError
    for data in chain((first,), source):
        if batch := records.take(data):
            yield batch, records.count - before
            before = records.count
    if batch := records.end():
        yield batch, records.count - before
