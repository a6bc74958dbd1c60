"""Check a zip before it is posted: that it is sound, holds only text, and does not unpack to more than it should.

:mod:`zipfile` reads it, within bounds: the size of the table of contents, the number of entries, what they unpack to.
The entries are inflated in pieces that are thrown away, no further than each announces, by ISA-L, which takes a third
of the time of zlib. Nothing is unpacked to disk, and it is the only time that the entries are inflated: anyone who
counts or digests the CSV looks on. Only what a report can be passes: a few entries of text, stored or deflated, with
plain names.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from isal import isal_zlib
from isal.igzip_lib import IsalError

from bot.errors import FileRejected
from bot.files.file_extensions import is_of_another_kind, is_reserved
from bot.files.file_type import HEAD_BYTES, is_archive, other_than_csv
from bot.text import CONTROL_CHARACTERS, INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MAX_ENTRIES: Final = 1000
MAX_DIRECTORY: Final = 1024**2
"""Bytes of the table of contents; it is held in memory."""
MAX_UNPACKED: Final = 4 * 1024**3
"""Bytes of all entries together."""
MAX_RATIO: Final = 1000
"""Deflate reaches 1,032; a CSV stays below 100."""
RATIO_MATTERS_FROM: Final = 50 * 1000**2
"""Unpacked bytes from which the ratio is looked at: a small file of zeros harms nobody."""
PIECE: Final = 256 * 1024
ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
"""Flags of an entry: encrypted, strongly encrypted, its header masked."""

_LOCAL_LENGTHS: Final = struct.Struct("<2H")
"""The lengths of name and extra field in the header before an entry's data, which :mod:`zipfile` has checked."""
_LOCAL_LENGTHS_AT: Final = 26
_OTHER_NAME: Final = 0x7075
"""Extra field that holds the name once more, behind a version and a checksum; some programs prefer it."""
_OTHER_NAME_AT: Final = 5
_EXTRA: Final = struct.Struct("<2H")

_TABLE_NAMES: Final = (".csv", ".tsv", ".tab")
"""Names of tables, the likeliest first."""
_READ_ME: Final = ".txt"
_DOTS = re.compile(r" *\.[ .]*[ .]")
"""Names of dots, all of which some system takes for a folder above; one dot is the same folder."""
_JOINERS = re.compile(r"[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Joiners and variation selectors, which Persian, Hindi, Japanese and emoji need."""
_DAMAGED: Final[tuple[type[Exception], ...]] = (  # type: ignore[assignment]  # ISA-L's stub says an instance
    *(zipfile.BadZipFile, zlib.error, IsalError, struct.error),
    *(ValueError, NotImplementedError, RuntimeError, EOFError, OverflowError),
)

AGAIN: Final = "Run the report again; if that doesn't help, ask Webex support."


class _Bounded(io.FileIO):
    """The zip's file, of which a table of contents that is too large is not read into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does, but no more at once than a table of contents may have."""
        if size is not None and size > MAX_DIRECTORY:
            raise _too_many()
        return super().read(size) or b""


def inspect(path: Path, *, csv: Callable[[bytes], None] | None = None) -> bool:
    """Look through the zip at ``path``, and return True when its CSV is all that there is to count in it.

    ``csv`` is handed the bytes of the CSV, since they are unpacked anyway; they are that only if nothing is raised.
    Raises ``FileRejected``, whose sentence says what was found, never a name.
    """
    try:
        with _Bounded(path) as raw, zipfile.ZipFile(raw) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise _too_many()
            for entry in entries:
                _check_description(entry)
            _check_sizes(entries, path.stat().st_size)
            _check_collisions(entries)
            report = csv_among(entries)
            for entry in entries:
                archive.open(entry).close()  # it compares the header before the data with the table of contents
                _check_body(raw, entry, csv if entry is report else None)
            return not _has_several(entries)
    except _DAMAGED as exc:
        raise _found("is damaged", "Ask again later; if that doesn't help, run the report again.") from exc


def csv_among(entries: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """Return the report among the entries: the first named as a table, or else the first file that is no read-me."""
    return min(_files(entries), key=_unlikeliness, default=None)


def only_table(entries: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """Return the report among the entries when there is nothing else but a read-me; None for several files."""
    return None if _has_several(entries) else csv_among(entries)


def _has_several(entries: Sequence[zipfile.ZipInfo]) -> bool:
    """Return True for more than one file that is no read-me: then the rows of one tell nothing of the whole."""
    return sum(not entry.filename.lower().endswith(_READ_ME) for entry in _files(entries)) > 1


def _files(entries: Sequence[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    return [entry for entry in entries if not entry.is_dir()]


def _unlikeliness(entry: zipfile.ZipInfo) -> int:
    ending = PurePosixPath(entry.filename.lower()).suffix
    if ending in _TABLE_NAMES:
        return _TABLE_NAMES.index(ending)
    return len(_TABLE_NAMES) + (ending == _READ_ME)


def _found(what: str, remedy: str = AGAIN) -> FileRejected:
    return FileRejected(f"The zip that Webex sent {what}. {remedy}")


def _too_many() -> FileRejected:
    return _found(f"has more than {MAX_ENTRIES:,} entries, which no report has")


def _check_description(entry: zipfile.ZipInfo) -> None:
    """Check what the table of contents says of an entry: its place, its name, its kind, how it is packed."""
    if entry.header_offset < 0:
        raise zipfile.BadZipFile
    if entry.flag_bits & ENCRYPTED:
        raise _found("holds an encrypted entry, which can't be checked")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _found("is compressed in a way that the bot can't check")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _found("holds a link or a device instead of a file")
    for name in _names(entry):
        _check_name(name, _plain(name))


def _check_name(said: str, name: str) -> None:
    if not name or CONTROL_CHARACTERS.search(name) or INVISIBLE.search(name) or "\\" in name:
        raise _found("holds an entry whose name has characters that could deceive a program or a person")
    parts = name.split("/")
    if not parts[0] or not _place(name) or ":" in said or any(map(_DOTS.fullmatch, parts)):
        raise _found("holds an entry whose name leads out of the folder where it would be unpacked")
    if any(is_reserved(part) for part in parts):
        raise _found("holds an entry whose name is reserved by Windows")
    if is_of_another_kind(name):
        raise _found("holds a file of another kind than a report's")


def _check_collisions(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse an entry that replaces another, or needs a folder where another is a file."""
    places = sorted((_place(name), entry.is_dir()) for entry in entries for name in {*map(_plain, _names(entry))})
    for (place, is_folder), (following, _) in pairwise(places):
        if not is_folder and following[: len(place)] == place:
            raise _found("holds two entries of one name, so that one would replace the other")


def _place(name: str) -> tuple[str, ...]:
    """Return the path without what some systems ignore: case, and dots and spaces at the end of each part."""
    parts = (part.rstrip(" .") for part in name.casefold().split("/"))
    return tuple(part for part in parts if part)


def _plain(name: str) -> str:
    """Return the name without joiners, and with one character for all that mean the same."""
    return unicodedata.normalize("NFKC", _JOINERS.sub("", name))


def _names(entry: zipfile.ZipInfo) -> Iterator[str]:
    yield entry.orig_filename
    extra = entry.extra
    while len(extra) >= _EXTRA.size:
        field, length = _EXTRA.unpack_from(extra)
        if field == _OTHER_NAME:
            yield extra[_EXTRA.size + _OTHER_NAME_AT : _EXTRA.size + length].decode("utf-8")
        extra = extra[_EXTRA.size + length :]


def _check_sizes(entries: list[zipfile.ZipInfo], packed: int) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise _found(
            f"would take more than {MAX_UNPACKED // 1024**3} GiB when unpacked", "Run it for a shorter period."
        )
    if unpacked > RATIO_MATTERS_FROM and unpacked > MAX_RATIO * packed:
        raise _found(f"would grow more than {MAX_RATIO:,} times when unpacked, as only a zip bomb does")


def _check_head(head: bytes) -> None:
    if is_archive(head):
        raise _found("holds another archive, which no report does")
    other = other_than_csv(head)
    if other:
        raise _found(f"holds {other} instead of a CSV")


def _check_body(raw: io.FileIO, entry: zipfile.ZipInfo, unpacked: Callable[[bytes], None] | None) -> None:
    """Unpack to nowhere: the size and checksum must be those that are announced, and the beginning that of a CSV."""
    size, checksum, head = 0, 0, b""
    for piece in _unpacked(raw, entry):
        size += len(piece)
        checksum = isal_zlib.crc32(piece, checksum)
        if size > entry.file_size:
            raise zipfile.BadZipFile
        if len(head) < HEAD_BYTES:
            head += piece[: HEAD_BYTES - len(head)]
            if len(head) == HEAD_BYTES:
                _check_head(head)
        if unpacked:
            unpacked(piece)
    if len(head) < HEAD_BYTES:
        _check_head(head)
    if size != entry.file_size or checksum != entry.CRC:
        raise zipfile.BadZipFile


def _unpacked(raw: io.FileIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    raw.seek(entry.header_offset + _LOCAL_LENGTHS_AT)
    raw.seek(sum(_LOCAL_LENGTHS.unpack(raw.read(_LOCAL_LENGTHS.size))), io.SEEK_CUR)
    left = entry.compress_size
    inflate = isal_zlib.decompressobj(-isal_zlib.MAX_WBITS) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        packed = raw.read(min(left, PIECE))
        if not packed:
            raise EOFError
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed and not inflate.eof:
            yield inflate.decompress(packed, PIECE)
            packed = inflate.unconsumed_tail
    if inflate is not None:
        while not inflate.eof and (piece := inflate.decompress(b"", PIECE)):  # what it still holds
            yield piece
        if not inflate.eof:
            raise EOFError
