"""Tell from an entry's name what a system does with it, so that only tables and texts pass. Pure.

Webex promises no ending for a report: ``.csv`` is usual, ``.tsv`` or none is possible, and a site's name or a date in
it looks like one (``acme.webex.com_usage``, ``Usage 2024.05.01``). Every other ending is refused, because too many of
them run, fetch or install something (``.iqy``, ``.lnk``, ``.library-ms``), and each system adds its own.
"""

from __future__ import annotations

import re
from typing import Final

_TEXTS: Final = frozenset({"csv", "tsv", "tab", "txt"})
_BETWEEN_WORDS: Final = frozenset(" _-")
_CLASS_ID: Final = re.compile(r"\.\{")
"""Windows opens a file or folder whose name ends in a class ID with that class, and doesn't show the ID."""
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9]|(conin|conout|clock)\$) *(\..*)?", re.IGNORECASE)


def is_reserved(name: str) -> bool:
    """Return whether Windows takes a file or folder of this name for a device, as it does with any ending."""
    return _RESERVED.fullmatch(name) is not None


def is_of_another_kind(name: str) -> bool:
    """Return whether a file of this name may be opened as something else than a table or text, whatever is in it."""
    if _CLASS_ID.search(name):
        return True
    last = name.rstrip(" .").rpartition("/")[2].lower()
    _, dot, ending = last.rpartition(".")
    return bool(dot) and ending not in _TEXTS and _is_ending(ending)


def _is_ending(text: str) -> bool:
    """Return whether a system may know it as an ending: not a number, several words or foreign letters."""
    if text.endswith("-ms"):
        return True
    return text.isascii() and not text.isdigit() and not _BETWEEN_WORDS & set(text)
