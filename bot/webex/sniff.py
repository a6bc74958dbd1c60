"""Tells by its first bytes what a download is: headers lie (a zip comes as octet-stream, under a CSV's name).

Only a zip or a CSV may be posted as a report; an error page in HTML or JSON must never be passed off as one. Pure.
"""

from __future__ import annotations

import codecs
from typing import Final

from bot.errors import FileRejected

HEAD_BYTES: Final = 4096
"""As much of the beginning as is looked at."""

ZIP: Final = "zip"
CSV: Final = "csv"

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""A zip's first entry, or the end record of an empty zip."""
_UTF16_STARTS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1a")


def kind_of(head: bytes) -> str:
    """Give ``zip`` or ``csv`` for the first bytes of a file (nothing at all is a blank CSV).

    Raises ``FileRejected`` for HTML, XML, JSON and for what is no text.
    """
    if head.startswith(_ZIP_STARTS):
        return ZIP
    if head.startswith(_UTF16_STARTS):
        text = head[2:].replace(b"\x00", b"").lstrip()
    else:
        text = head.removeprefix(codecs.BOM_UTF8).lstrip()
        if any(byte < ord(" ") and byte not in _TEXT_CONTROLS for byte in head):
            raise FileRejected("Webex sent a file that is neither a zip nor a CSV, so it was not posted.")
    if text.startswith(b"<"):
        raise FileRejected("Webex sent a web page instead of the report, so it was not posted. Ask again later.")
    if text.startswith((b"{", b"[")):
        raise FileRejected("Webex sent an error message instead of the report, so it was not posted. Ask again later.")
    return CSV
