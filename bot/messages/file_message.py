"""The text that goes with a report's file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db.downloads import FEW, MOST
from bot.db.origin import OriginState
from bot.db.schedules import Schedule
from bot.db.space_settings import FileFormat
from bot.files.formats import WhyNot
from bot.files.spreadsheet import MOST_ROWS
from bot.messages.origins import named
from bot.messages.request_card import period_and_region
from bot.text import count, escape_markdown, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.db.subscriptions import Subscription
    from bot.files.csv_rows import Contents
    from bot.files.formats import Packed
    from bot.files.split import Piece
    from bot.files.verify import Downloaded
    from bot.webex.report import Report


CHECKSUM_DIFFERS = (
    "Webex's checksum doesn't match this file, but two downloads were identical and the file is complete."
)
FORMULAS = "Some cells look like formulas; import as text."


SINGLE_LINE = "The file is a single line. It may be an error message: open it before you rely on it."


def file_line(report: Report, held: Downloaded, piece: Piece, contents: Contents, nothing: str = "") -> str:
    """Return the text of a file: what, which period, how much, that it was compressed, and what to look out for.

    ``nothing``: what is said when there is nothing in it.
    """
    parts = _named(report)
    if contents.rows is not None and contents.columns is not None and not contents.empty:
        parts.append(f"{count(contents.rows, 'row')}, {count(contents.columns, 'column')}")
    parts.append(size(held.size))
    line = " · ".join(parts)
    if piece.kind != held.kind:
        line += f"  \nToo large for a Webex message, so I compressed it to {size(piece.size)}."
    line += _warnings(held)
    if nothing:
        return f"{line}  \n{nothing}"
    return f"{line}  \n{SINGLE_LINE}" if contents.empty else line


def joining(parts: Sequence[Piece]) -> str:
    """Return how people put parts together, or nothing for one file."""
    if len(parts) <= 1:
        return ""
    return (
        f"To join the {len(parts)} parts: unzip them and append the rows of each to those of the one before. "
        "Each part starts with the header line: keep only the first."
    )


def part_line(report: Report, held: Downloaded, pieces: Sequence[Piece], number: int) -> str:
    """Return the text of one of several parts; with the first, why they are parts and how to join them."""
    piece = pieces[number - 1]
    parts = [*_named(report), f"part {number} of {len(pieces)}"]
    if piece.rows is not None:
        parts.append(count(piece.rows, "row"))
    parts.append(size(piece.size))
    line = " · ".join(parts)
    if number > 1:
        return line
    line += _warnings(held)
    return f"{line}  \nThe file has {size(held.size)}, too large for a Webex message. {joining(pieces)}"


def _warnings(held: Downloaded) -> str:
    said = [CHECKSUM_DIFFERS] if held.checksum_differs else []
    if held.contents is not None and held.contents.formulas:
        said.append(FORMULAS)
    if few_left := downloads_left(held.downloads):
        said.append(few_left)
    return "".join(f"  \n{one}" for one in said)


def other_format(packed: Packed) -> str:
    """Return why a file does not come in the format that the space chose, and how it comes."""
    came = {"csv": "posted it as CSV", "zip": "posted the zip"}[packed.pieces[0].kind]
    in_format = "as an Excel file" if packed.wanted is FileFormat.XLSX else "unzipped"
    match packed.why_not:
        case WhyNot.TOO_MANY_ROWS:
            return f"This is more than an Excel sheet can hold ({MOST_ROWS:,} rows), so I {came}."
        case WhyNot.TOO_LARGE:
            return f"It's too large for a Webex message {in_format}, so I {came}."
        case WhyNot.NO_ROOM:
            return f"The bot's disk has no space to convert it, so I {came}."
        case WhyNot.SEVERAL_FILES:
            return f"The zip has several files in it, so I {came}."
        case _:
            return f"I couldn't read its rows to make an Excel file, so I {came}."


def downloads_left(downloaded: int) -> str:
    """Return what is told with a file when few downloads are left, else nothing."""
    left = MOST - downloaded
    if left > FEW:
        return ""
    said = "none is left" if left <= 0 else f"{left} {'is' if left == 1 else 'are'} left"
    return f"Webex allows {MOST} downloads of a report; {said} of this one. Run the report again before they run out."


def status_unknown(report: Report) -> str:
    """Return what goes with a file whose report has a status that is not known."""
    if not report.status:
        return "Webex gives no status for this report; the file is complete."
    return f"Webex's status is “{escape_markdown(report.status, 60)}”, which I don't know; the file is complete."


def comes_for(owned: Subscription | Schedule) -> str:
    """Return for which subscription or schedule a file comes, and how to have it end, unless it has."""
    if owned.state is OriginState.ENDED:
        return f"For {named(owned)}."
    ends = "unschedule" if isinstance(owned, Schedule) else "unsubscribe"
    return f"For {named(owned)}. `{ends} {owned.reference}` ends it."


def _named(report: Report) -> list[str]:
    period = period_and_region(report)
    return [f"**{escape_markdown(report.title or 'Report')}**", *([period] if period else [])]
