"""Looks through a zip before it is posted: nobody should be handed a bomb, a trap or a box that cannot be opened.

The work is bounded and nothing is unpacked to disk: the end record is read before the table of contents, that before
the entries, and each entry is inflated in pieces that are thrown away, no further than its own header announces. It is
the only time that they are inflated: anyone who counts or digests the CSV looks on, and what was unpacked while the zip
came (``early_look.py``) is not unpacked again.
Only what a report can be passes: a few entries of text, stored or deflated, side by side, with plain names.
"""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from bot.errors import FileRejected
from bot.files.file_extensions import is_of_another_kind, is_reserved
from bot.files.first_bytes import is_archive, other_than_csv
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
HEAD_BYTES: Final = 512
"""As much of an entry's beginning as is looked at; a tar says so at byte 257."""

ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
"""Flags of an entry: encrypted, strongly encrypted, its header masked."""

_END: Final = struct.Struct("<4s4H2LH")
"""End record: signature, disk, disk of the table, entries here, entries, bytes and offset of the table, comment."""
_END64_PLACE: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
LOCAL: Final = struct.Struct("<4s5H3L2H")
"""Local header: signature, version, flags, method, time, date, checksum, packed, unpacked, name's length, extra's."""
_END_SIGN, _END64_PLACE_SIGN, _END64_SIGN, LOCAL_SIGN = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x03\x04"
_SEE_END64: Final = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
"""What the end record says where the larger one, before it, is to be read."""
_LONGEST_COMMENT: Final = 0xFFFF
_UTF8: Final = 0x800
"""Flag of an entry whose name is UTF-8."""
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
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, EOFError, OverflowError)

AGAIN = "Make the report anew; if that does not help, ask Webex support."


def csv_among(entries: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """Return the report among the entries: the first named as a table, or else the first file that is no read-me."""
    return min(_files(entries), key=_unlikeliness, default=None)


def has_several(entries: Sequence[zipfile.ZipInfo]) -> bool:
    """Return whether there is more than one file that is no read-me: then the rows of one tell nothing of the whole."""
    return sum(not entry.filename.lower().endswith(_READ_ME) for entry in _files(entries)) > 1


def holds_several(path: Path) -> bool:
    """Return whether the zip at ``path``, which was looked through, has several."""
    with zipfile.ZipFile(path) as archive:
        return has_several(archive.infolist())


def _files(entries: Sequence[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    return [entry for entry in entries if not entry.is_dir()]


def _unlikeliness(entry: zipfile.ZipInfo) -> int:
    ending = PurePosixPath(entry.filename.lower()).suffix
    if ending in _TABLE_NAMES:
        return _TABLE_NAMES.index(ending)
    return len(_TABLE_NAMES) + (ending == _READ_ME)


@dataclass(slots=True)
class Seen:
    """What the first entry turned out to be when it was unpacked before the table of contents was there."""

    begin: int
    """Where its data begins in the zip."""
    packed: int = 0
    size: int = 0
    checksum: int = 0
    head: bytes = b""


def inspect(path: Path, *, csv: Callable[[bytes], None] | None = None, early: Seen | None = None) -> bool:
    """Look through the zip at ``path``; ``csv`` is handed the bytes of its CSV, since they are unpacked anyway.

    What was handed over is the CSV only if nothing is raised. ``early`` is what the first entry was seen to be: when
    the table says the same, it is not unpacked again; gives True when that entry is the CSV.

    Raises ``FileRejected``, whose sentence says what was found, never a name.
    """
    try:
        with path.open("rb") as raw:
            directory = _directory_start(raw, path.stat().st_size)
            with zipfile.ZipFile(raw) as archive:
                entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise _too_many()
            for entry in entries:
                _check_description(entry)
            _check_sizes(entries)
            begins = _places(raw, entries, directory)
            _check_collisions(entries)
            report = csv_among(entries)
            seen = None
            for entry, begin in zip(entries, begins, strict=True):
                if early is not None and _is_as_seen(entry, begin, early):
                    seen = entry
                else:
                    _check_body(raw, entry, begin, csv if entry is report else None)
            return seen is not None and seen is report
    except _DAMAGED as exc:
        raise _damaged() from exc


def _found(what: str, remedy: str = AGAIN) -> FileRejected:
    return FileRejected(f"The zip that Webex sent {what}. {remedy}")


def _damaged() -> FileRejected:
    return _found("is damaged", "Ask again later; if that does not help, make the report anew.")


def _too_many() -> FileRejected:
    return _found(f"has more than {MAX_ENTRIES:,} entries, which no report has")


def _directory_start(raw: IO[bytes], size: int) -> int:
    """Where the table of contents begins; checked before it is read, because its size is anybody's claim.

    The table must end where the end record begins: a zip with something before or between is two files in one, and
    readers disagree on which of them it is.
    """
    tail_at = max(0, size - _END.size - _LONGEST_COMMENT)
    raw.seek(tail_at)
    tail = raw.read()
    at = len(tail) - _END.size
    if at < 0:
        raise _damaged()
    if not (tail.startswith(_END_SIGN, at) and tail.endswith(b"\x00\x00")):
        at = tail.rfind(_END_SIGN)
        if at < 0:
            raise _damaged()
    _, disk, table_disk, here, *said, comment = _END.unpack_from(tail, at)
    entries, length, start = said
    if at + _END.size + comment != len(tail) or disk or table_disk or here != entries:
        raise _damaged()
    end = tail_at + at
    larger = _end64(raw, end, said)
    if larger is not None:
        entries, length, start, end = larger
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise _too_many()
    if start + length != end:
        raise _damaged()
    return int(start)


def _end64(raw: IO[bytes], end: int, said: list[int]) -> tuple[int, int, int, int] | None:
    """Entries, length and offset from the larger end record and where it begins, if there is one before ``end``."""
    if end < _END64_PLACE.size:
        return None
    raw.seek(end - _END64_PLACE.size)
    sign, _, at, _ = _END64_PLACE.unpack(raw.read(_END64_PLACE.size))
    if sign != _END64_PLACE_SIGN:
        return None
    raw.seek(at)
    sign, *_, entries, length, start = _END64.unpack(raw.read(_END64.size))
    if sign != _END64_SIGN or at + _END64.size != end - _END64_PLACE.size:
        raise _damaged()
    real = (entries, length, start)
    if any(plain not in {value, full} for plain, value, full in zip(said, real, _SEE_END64, strict=True)):
        raise _damaged()
    return entries, length, start, at


def _check_description(entry: zipfile.ZipInfo) -> None:
    """What the table of contents says of an entry: its name, its kind, how it is packed."""
    if entry.flag_bits & ENCRYPTED:
        raise _encrypted()
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _found("is packed in a way that the bot cannot check")
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
        raise _found("holds a file that is not of a report's kind")


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


def _encrypted() -> FileRejected:
    return _found("holds an encrypted entry, which cannot be checked for what it is")


def _nested() -> FileRejected:
    return _found("holds another archive, which no report does")


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise _found(
            f"would take more than {MAX_UNPACKED // 1024**3} GiB when unpacked", "Make the report for a shorter period."
        )
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > RATIO_MATTERS_FROM and unpacked > MAX_RATIO * packed:
        raise _found(f"would grow more than {MAX_RATIO:,} times when unpacked, as only a zip bomb does")


def _places(raw: IO[bytes], entries: list[zipfile.ZipInfo], directory: int) -> list[int]:
    """Where each entry's data begins. No two may share a byte: that is how a small zip unpacks to petabytes."""
    begins = [_data_start(raw, entry) for entry in entries]
    spans = sorted(
        (entry.header_offset, begin + entry.compress_size) for entry, begin in zip(entries, begins, strict=True)
    )
    ends_before = 0
    for start, end in spans:
        if start < ends_before or end > directory:
            raise _found("holds entries that overlap each other, as only a zip bomb does")
        ends_before = end
    return begins


def _data_start(raw: IO[bytes], entry: zipfile.ZipInfo) -> int:
    """The header before the data must tell the same as the table: other programs read this one."""
    raw.seek(entry.header_offset)
    sign, _, flags, method, _, _, _, _, _, name_length, extra = LOCAL.unpack(raw.read(LOCAL.size))
    name = raw.read(name_length)
    encoding = "utf-8" if flags & _UTF8 else "cp437"
    if sign != LOCAL_SIGN or method != entry.compress_type or name.decode(encoding) != entry.orig_filename:
        raise _damaged()
    if flags & ENCRYPTED:
        raise _encrypted()
    return int(entry.header_offset + LOCAL.size + name_length + extra)


def _is_as_seen(entry: zipfile.ZipInfo, begin: int, early: Seen) -> bool:
    said = (entry.header_offset, begin, entry.compress_size, entry.file_size, entry.CRC)
    if said != (0, early.begin, early.packed, early.size, early.checksum):
        return False
    _check_head(early.head)
    return entry.compress_type == zipfile.ZIP_DEFLATED


def _check_head(head: bytes) -> None:
    if is_archive(head):
        raise _nested()
    other = other_than_csv(head)
    if other:
        raise _found(f"holds {other} instead of a CSV")


def _check_body(raw: IO[bytes], entry: zipfile.ZipInfo, begin: int, unpacked: Callable[[bytes], None] | None) -> None:
    """Unpack to nowhere: the size and checksum must be those that are announced, and the beginning that of a CSV."""
    raw.seek(begin)
    size, checksum, head = 0, 0, b""
    for piece in _unpacked(raw, entry):
        size += len(piece)
        checksum = zlib.crc32(piece, checksum)
        if size > entry.file_size:
            raise _damaged()
        if len(head) < HEAD_BYTES:
            head += piece[: HEAD_BYTES - len(head)]
            if len(head) == HEAD_BYTES:
                _check_head(head)
        if unpacked:
            unpacked(piece)
    if len(head) < HEAD_BYTES:
        _check_head(head)
    if size != entry.file_size or checksum != entry.CRC:
        raise _damaged()


def _unpacked(raw: IO[bytes], entry: zipfile.ZipInfo) -> Iterator[bytes]:
    left = entry.compress_size
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        packed = raw.read(min(left, PIECE))
        if not packed:
            raise EOFError
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed:
            if inflate.eof:
                raise _damaged()  # something hides behind the end
            yield inflate.decompress(packed, PIECE)
            packed = inflate.unconsumed_tail or inflate.unused_data
    if inflate is not None:
        while piece := inflate.decompress(b"", PIECE):  # what it still holds
            yield piece
        if not inflate.eof:
            raise EOFError
