"""Unpacks the first entry of a zip while the zip is still being fetched, so that its proof does not begin at the end.

It believes nothing: what it saw counts only if the table of contents, which comes last, says the same of that entry
(``archive.inspect``). Where it does not, or the entry is packed otherwise, all is looked at as if it had not been.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

from bot.files.zip_check import (
    ENCRYPTED,
    HEAD_BYTES,
    LOCAL,
    LOCAL_SIGN,
    MAX_RATIO,
    MAX_UNPACKED,
    PIECE,
    RATIO_MATTERS_FROM,
    Seen,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class EarlyLook:
    """Takes a zip's bytes as they come; ``csv`` is handed what they unpack to. It never raises."""

    def __init__(self, csv: Callable[[bytes], None]) -> None:
        self._csv = csv
        self._before = b""
        self._inflate: zlib._Decompress | None = None
        self._seen: Seen | None = None
        self._over = False

    def take(self, data: bytes) -> None:
        """Look at the next bytes."""
        if self._over:
            return
        if self._seen is None:
            self._before += data
            data = self._read_header()
        if data and self._seen is not None:
            try:
                self._unpack(self._seen, data)
            except zlib.error:
                self._give_up()

    def end(self) -> Seen | None:
        """What the first entry was, if it came to its end."""
        seen = self._seen
        if seen is not None and self._inflate is not None and not self._over:
            try:
                self._unpack(seen, b"")
            except zlib.error:
                self._give_up()
        return self._seen if self._over else None

    def _give_up(self) -> None:
        self._over, self._seen, self._inflate = True, None, None

    def _read_header(self) -> bytes:
        """Read the header when all of it is there; gives what came behind it."""
        if len(self._before) < LOCAL.size:
            return b""
        sign, _, flags, method, *_, name, extra = LOCAL.unpack_from(self._before)
        if sign != LOCAL_SIGN or method != zipfile.ZIP_DEFLATED or flags & ENCRYPTED:
            self._give_up()
            return b""
        begin = LOCAL.size + name + extra
        if len(self._before) < begin:
            return b""
        rest, self._before = self._before[begin:], b""
        self._seen = Seen(begin)
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        return rest

    def _unpack(self, seen: Seen, data: bytes) -> None:
        inflate = self._inflate
        assert inflate is not None
        seen.packed += len(data)
        while True:
            piece = inflate.decompress(data, PIECE)
            data = inflate.unconsumed_tail
            if piece:
                self._look(seen, piece)
            if inflate.eof:
                seen.packed -= len(inflate.unused_data)
                self._over, self._inflate = True, None
                return
            if _too_much(seen.size, seen.packed - len(data)):
                self._give_up()
                return
            if not data and not piece:
                return

    def _look(self, seen: Seen, piece: bytes) -> None:
        seen.size += len(piece)
        seen.checksum = zlib.crc32(piece, seen.checksum)
        if len(seen.head) < HEAD_BYTES:
            seen.head += piece[: HEAD_BYTES - len(seen.head)]
        self._csv(piece)


def _too_much(size: int, packed: int) -> bool:
    return size > MAX_UNPACKED or (size > RATIO_MATTERS_FROM and size > MAX_RATIO * packed)
