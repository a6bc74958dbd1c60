"""Tells by its first bytes what a download is: headers lie (a zip comes as octet-stream, under a CSV's name).

Only a zip or a CSV may be posted as a report; an error page in HTML or JSON must never be passed off as one. Pure.
"""

from __future__ import annotations

from typing import Final

from bot.errors import FileRejected
from bot.files.first_bytes import MESSAGE, NO_TEXT, PAGE, is_archive, other_than_csv

HEAD_BYTES: Final = 4096
"""As much of the beginning as is looked at."""

ZIP: Final = "zip"
CSV: Final = "csv"

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""A zip's first entry, or the end record of an empty zip."""


def kind_of(head: bytes) -> str:
    """Give ``zip`` or ``csv`` for the first bytes of a file (nothing at all is a blank CSV).

    Raises ``FileRejected`` for HTML, XML, JSON, documents, programs, scripts and for what is no text.
    """
    if head.startswith(_ZIP_STARTS):
        return ZIP
    if is_archive(head):
        raise FileRejected(
            "Webex sent an archive that isn't a zip, so it was not posted. Please contact whoever runs this bot."
        )
    found = other_than_csv(head)
    if found is None:
        return CSV
    sent = "a file that is neither a zip nor a CSV" if found == NO_TEXT else f"{found} instead of the report"
    remedy = (
        "Ask again later."
        if found in {PAGE, MESSAGE}
        else "Run the report again; if that doesn't help, ask Webex support."
    )
    raise FileRejected(f"Webex sent {sent}, so it was not posted. {remedy}")
