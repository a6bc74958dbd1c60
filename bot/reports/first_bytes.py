"""Tells by its first bytes whether something can be a CSV: alone or in a zip, nothing else may pass for a report. Pure.

A CSV has no mark of its own, so this is about what it is not: a page, a message, a document or a program, which a
click would open as what it is.
"""

from __future__ import annotations

import codecs
from typing import Final

NO_TEXT: Final = "something that is no text"
PAGE, MESSAGE, DOCUMENT, PROGRAM = "a web page", "an error message", "a document", "a program"

_UTF16_STARTS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1a")
_STARTS = ((b"<", PAGE), (b"{", MESSAGE), (b"[", MESSAGE), (b"%PDF", DOCUMENT), (b"%!PS", DOCUMENT), (b"#!", PROGRAM))


def other_than_csv(head: bytes) -> str | None:
    """What it is instead, in words ("a web page"); None for what may be a CSV, as nothing at all may.

    ``head`` is the beginning, however short; more of it may tell more.
    """
    if head.startswith(_UTF16_STARTS):
        text = head[2:].replace(b"\x00", b"").lstrip()
    else:
        text = head.removeprefix(codecs.BOM_UTF8).lstrip()
        if any(byte < ord(" ") and byte not in _TEXT_CONTROLS for byte in head):
            return NO_TEXT
    return next((what for start, what in _STARTS if text.startswith(start)), None)
