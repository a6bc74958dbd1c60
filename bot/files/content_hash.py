"""Tell whether two files of a report have the same contents."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from bot.files.file_type import ZIP

if TYPE_CHECKING:
    from bot.files.verify import Downloaded


def content_hash(held: Downloaded) -> str:
    """Return a hash that is the same for the same contents.

    A zip holds times and names that differ each time it is made, so its files' sizes and checksums are taken: the
    checksums were compared with the contents when the file was verified.
    """
    if held.kind != ZIP:
        return held.sha256
    with zipfile.ZipFile(held.path) as archive:
        files = sorted((one.file_size, one.CRC) for one in archive.infolist() if not one.is_dir())
    return hashlib.sha256(repr(files).encode()).hexdigest()
