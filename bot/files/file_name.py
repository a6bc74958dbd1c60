"""A safe name with the true extension for the file that is posted."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from bot.files.file_extensions import is_reserved
from bot.text import INVISIBLE

if TYPE_CHECKING:
    from bot.webex.report import Report

CONTENT_TYPES = {
    "zip": "application/zip",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

LONGEST_NAME = 120
"""Letters; well under what file systems and multipart headers carry."""
MOST_BYTES = 200
"""The same in bytes: file systems take 255, and letters that are not Latin have up to four each."""

_SLASHES = re.compile(r"[/\\]+")
"""A title has them between words ("PC/Server usage"), so they lead into no folder and cut nothing off."""
_UNSAFE = re.compile(r"[^\w .()+,=@-]+")
_DOTS = re.compile(r"\.{2,}")
_EXTENSION = re.compile(r"\.(csv|zip|gz|txt)$", re.IGNORECASE)


def file_name(report: Report, kind: str) -> str:
    """Return the name with its extension; ``kind`` is ``zip`` or ``csv``.

    Webex's name ends in ``.csv`` even when the body is a zip, so the extension is always ours.
    """
    return f"{file_stem(report)}.{kind}"


def file_stem(report: Report) -> str:
    """Return the report's title and period, made safe, without an extension; without a title Webex's name for the file.

    Only partner reports have such a name, and people ask for both families by their titles.
    """
    wanted = report.title or report.file_name or "report"
    if report.title or not report.file_name:
        wanted = " ".join(str(part) for part in (wanted, report.start, report.end) if part)
    return safe_stem(wanted)


def safe_stem(wanted: str) -> str:
    """Return a name that no folder, header, shell or screen can misread, without its extension."""
    base = _SLASHES.sub("-", unicodedata.normalize("NFKC", INVISIBLE.sub("", wanted)))
    base = _EXTENSION.sub("", base.strip())
    base = "".join(letter for letter in base if unicodedata.category(letter)[0] != "C")
    base = _DOTS.sub(".", _UNSAFE.sub("_", base))
    base = _trimmed(" ".join(base.split()))
    return _trimmed(f"report {base}") if is_reserved(base) else base or "report"


def _trimmed(base: str) -> str:
    short = base[:LONGEST_NAME].encode()[:MOST_BYTES].decode(errors="ignore")
    return short.strip(" ._-=+@,")
