"""Writes a zip that holds one file, knows after every piece how large it would be, and makes the same bytes each time.

:mod:`zipfile` can do neither: how much it has packed shows late, and it dates its entries. The format's plain form is
enough, for what is packed here stays under 4 GiB.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO, Final

LEVEL: Final = 1
"""Of deflate: three times as fast as the usual 6, for a quarter more bytes."""
MAX_UNPACKED: Final = 2**32 - 2
"""Bytes of a file in a zip of the plain form."""

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_SIZES: Final = struct.Struct("<3L")
_SIZES_AT: Final = 14
"""Where the local header has the checksum and both sizes."""
_VERSION: Final = 20
_BY_UNIX: Final = 3 << 8
_UTF8: Final = 0x800
_DEFLATED: Final = 8
_TIME, _DATE = 0, 1 << 5 | 1
"""Midnight on the first of January 1980, where the format's time begins."""
_PLAIN_FILE: Final = 0o100644 << 16
_LAST_BLOCK: Final = 16
"""Bytes, at most, that deflate adds at its end."""


class ZipOfOne:
    """A zip that is being written to ``out``, an empty file that can seek, with one entry of this name."""

    def __init__(self, out: IO[bytes], name: str) -> None:
        self._out = out
        self._name = name.encode()
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self.packed = 0
        """Bytes of the entry as they stand in the zip so far."""
        self.unpacked = 0
        """Bytes that were written so far."""
        self._checksum = 0
        out.write(self._local())

    def size_with(self, more: int) -> int:
        """Bytes of the finished zip, at most, if ``more`` bytes still went into it."""
        grown = more + more // 1000 + 64  # what cannot be packed is stored, with five bytes for every 16 kB
        frame = _LOCAL.size + _ENTRY.size + 2 * len(self._name) + _END.size
        return self.packed + grown + _LAST_BLOCK + frame

    def takes(self, more: int, limit: int) -> bool:
        """Whether the zip stays within ``limit`` bytes, and the format's, with so many bytes more."""
        return self.size_with(more) <= limit and self.unpacked + more <= MAX_UNPACKED

    def write(self, data: bytes) -> None:
        """Pack a piece."""
        self.unpacked += len(data)
        self._checksum = zlib.crc32(data, self._checksum)
        # Flushed, so that what it takes is known; the next piece still finds its repetitions in this one.
        self._write(self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH))

    def finish(self) -> int:
        """Write the end. Gives the zip's bytes."""
        self._write(self._packer.flush())
        start = self._out.tell()
        sizes = (self._checksum, self.packed, self.unpacked)
        entry = _ENTRY.pack(
            b"PK\x01\x02", _BY_UNIX | _VERSION, _VERSION, _UTF8, _DEFLATED, _TIME, _DATE, *sizes,
            len(self._name), 0, 0, 0, 0, _PLAIN_FILE, 0,
        )  # fmt: skip
        length = len(entry) + len(self._name)
        self._out.write(entry + self._name + _END.pack(b"PK\x05\x06", 0, 0, 1, 1, length, start, 0))
        size = self._out.tell()
        self._out.seek(_SIZES_AT)
        self._out.write(_SIZES.pack(*sizes))
        self._out.flush()
        return size

    def _write(self, packed: bytes) -> None:
        self.packed += len(packed)
        self._out.write(packed)

    def _local(self) -> bytes:
        header = _LOCAL.pack(b"PK\x03\x04", _VERSION, _UTF8, _DEFLATED, _TIME, _DATE, 0, 0, 0, len(self._name), 0)
        return header + self._name
