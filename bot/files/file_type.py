"""Tell by its first bytes what a download is, alone or in a zip: headers lie (a zip comes under a CSV's name). Pure.

Only a zip or a CSV may be posted as a report; an error page in HTML or JSON must never be passed off as one. A CSV has
no mark of its own, so this is about what it is not: a page, a message, a document or a program, which a click would
open as what it is. Each is known by its signature; one odd byte, or one odd letter at the beginning, proves nothing,
because reports have both.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Final, NamedTuple

from bot.errors import CONTACT, FileRejected

HEAD_BYTES: Final = 4096
"""As much of the beginning as is looked at."""

ZIP: Final = "zip"
CSV: Final = "csv"

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""A zip's first entry, or the end record of an empty zip."""

NO_TEXT: Final = "something that is no text"
PAGE, MESSAGE, DOCUMENT, PROGRAM = "a web page", "an error message", "a document", "a program"
SPREADSHEET: Final = "a spreadsheet file"

PADDING: Final = b"\x00\x1a"
"""What some programs fill a file up with behind its text: NUL, and the end mark of CP/M."""

_MACH_O = (
    *(b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),
    *(b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"\xbe\xba\xfe\xca", b"\xbf\xba\xfe\xca"),
)
"""macOS's programs, for one processor and for several; Java's begin as the latter."""
_SIGNATURES: Final = (
    (b"%PDF-", DOCUMENT),
    (b"%!PS", DOCUMENT),
    (b"{\\rtf", DOCUMENT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DOCUMENT),
    (b"\x7fELF", PROGRAM),
    *((magic, PROGRAM) for magic in _MACH_O),
    (b"\x00asm", PROGRAM),
    (b"dex\n0", PROGRAM),
    (b"L\x00\x00\x00\x01\x14\x02\x00", PROGRAM),
    (b"\x89PNG\r\n\x1a\n", NO_TEXT),
    (b"\xff\xd8\xff", NO_TEXT),
    (b"GIF8", NO_TEXT),
    (b"SQLite format 3\x00", NO_TEXT),
)
_DOS_PROGRAM = re.compile(rb"MZ.[\x00\x01]", re.DOTALL)
"""The header's third and fourth byte are a number under 512; in a text that begins with MZ they are letters."""
_ARCHIVES: Final = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1f\x8b",
    b"\x1f\x9d",
    *(b"BZh%d1AY&SY" % level for level in range(1, 10)),
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"MSCF\x00\x00\x00\x00",
)
_TAR_SIGN, _TAR_AT = b"ustar", 257

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; the first that fits counts, since UTF-32's begins with UTF-16's."""
_LEAST: Final = 4
"""Bytes, without the NULs at the end, from which UTF-16 is looked for."""
_LATIN_SHARE: Final = 0.2
"""Share of NULs from which a text without a mark is UTF-16 in Latin letters: each of them has one."""
_OTHER_SHARE: Final = 0.01
"""The same for other letters, where only separators, digits and ends of lines have one."""
_MOST_CONTROLS: Final = 0.05
"""Share of control characters up to which it is a text; anything packed, or a picture, has a tenth."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")
"""Those that no text needs: neither the white ones nor the end mark and the escape."""

_MARKUP = re.compile(
    r"<(?:\?|!--|!doctype|/?(?:html|head|body|script|style|svg|iframe|form|meta|link|title|table|div|pre|center|h[1-6]|p)\b)",
    re.IGNORECASE,
)
_CLOSED_TAG = re.compile(r"</[A-Za-z]|/>")
"""What XML has soon after its beginning, and a header in angle brackets has not."""
_SEPARATED = re.compile(r"<[^<>]*>\s*[,;\t|]")
"""A header's field in angle brackets."""
_OBJECT = re.compile(r'\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\}\s*$)', re.DOTALL)
_ARRAY = re.compile(r'\[\s*(?:\{\s*["}]|"|\]\s*$)', re.DOTALL)
_SCRIPT = re.compile(r"#!\s*/|@echo off\b", re.IGNORECASE)
"""A script names its interpreter by its whole path; a header may begin with the same two characters."""

_SPREADSHEET: Final = re.compile(r"ID;|WEB\s*\n\d+\s*\n|MIME-Version:")
"""What begins like this, Excel opens as SYLK, web query or MHTML, whatever the file is called: it may run or fetch."""


class Encoding(NamedTuple):
    """How a text's letters are written."""

    name: str
    """As Python calls it; ``utf-8`` stands for everything in bytes of ASCII's kind."""
    mark: bytes
    """The byte order mark at the beginning, if there is one."""


PLAIN: Final = Encoding("utf-8", b"")


def kind_of(head: bytes) -> str:
    """Return ``zip`` or ``csv`` for the first bytes of a file (nothing at all is a blank CSV).

    Raises ``FileRejected`` for HTML, XML, JSON, documents, programs, scripts and for what is no text.
    """
    if head.startswith(_ZIP_STARTS):
        return ZIP
    if is_archive(head):
        raise FileRejected(f"Webex sent an archive that isn't a zip, so I didn't post it. {CONTACT}")
    found = other_than_csv(head)
    if found is None:
        return CSV
    sent = "a file that is neither a zip nor a CSV" if found == NO_TEXT else f"{found} instead of the report"
    remedy = (
        "Ask again later."
        if found in {PAGE, MESSAGE}
        else "Run the report again; if that doesn't help, ask Webex support."
    )
    raise FileRejected(f"Webex sent {sent}, so I didn't post it. {remedy}")


def other_than_csv(head: bytes) -> str | None:
    """Return what it is instead, in words ("a web page"); None for what may be a CSV, as nothing at all may.

    ``head`` is the beginning of the file, or all of it: half a kilobyte tells enough.
    """
    if found := next((what for start, what in _SIGNATURES if head.startswith(start)), None):
        return found
    if _DOS_PROGRAM.match(head):
        return PROGRAM
    encoding = encoding_of(head)
    text = head[len(encoding.mark) :].decode(encoding.name, "replace").rstrip(PADDING.decode())
    if is_archive(head) or (head and not text and not encoding.mark) or _is_binary(text):
        return NO_TEXT
    return _other_text(text.lstrip("\ufeff\x00 \t\r\n\x0b\x0c"))


def is_archive(head: bytes) -> bool:
    """Return whether it begins as an archive of a known kind does."""
    return head.startswith(_ARCHIVES) or head[_TAR_AT:].startswith(_TAR_SIGN)


def encoding_of(head: bytes) -> Encoding:
    """Return how the text is written that begins so; UTF-16 is known without its byte order mark, too."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, mark)
    text = head.rstrip(b"\x00")
    if len(text) < _LEAST or b"\x00" not in text:
        return PLAIN
    even, odd = text[0::2].count(0), text[1::2].count(0)
    most, least, name = (odd, even, "utf-16-le") if odd > even else (even, odd, "utf-16-be")
    if least * 10 > most:
        return PLAIN
    # A stray NUL in a text of plain bytes leaves it readable as such; other letters of UTF-16 are not.
    share = _LATIN_SHARE if _is_utf8(text) else _OTHER_SHARE
    return Encoding(name, b"") if most >= share * len(text) else PLAIN


def _is_utf8(text: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _is_binary(text: str) -> bool:
    return len(_CONTROL.findall(text)) > 1 + _MOST_CONTROLS * len(text)


def _other_text(text: str) -> str | None:
    if text.startswith("<"):
        marked_up = _MARKUP.match(text) or _CLOSED_TAG.search(text)
        return PAGE if marked_up and not _SEPARATED.match(text) else None
    if text.startswith(("{", "[")):
        return MESSAGE if _OBJECT.match(text) or _ARRAY.match(text) or _is_json(text) else None
    if _SPREADSHEET.match(text):
        return SPREADSHEET
    return PROGRAM if _SCRIPT.match(text) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text.rstrip())
    except (ValueError, RecursionError):
        return False
    return True
