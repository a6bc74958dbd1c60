"""What is said of a report's file: the line that goes with it, and the sentences when there is none to post."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import downloads
from bot.errors import Refused, WebexError
from bot.messages.request_card import period_of
from bot.messages.sentences import named
from bot.text import count, escape_markdown, size
from bot.webex.report import Family
from bot.webex.responses import SPACE_CLOSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.errors import BotError
    from bot.files.csv_rows import Contents
    from bot.files.split import Piece
    from bot.files.verify import Downloaded
    from bot.webex.report import Report


CHECKSUM_DIFFERS = (
    "Webex's checksum doesn't match this file, but two downloads were identical and the file is complete."
)
FORMULAS = "Some cells look like formulas; import as text."
LATER = "Ask again in a while."
OPERATORS = "Asking again will hardly help: tell the bot's operators."
REMEDIES = {
    401: "Ask again then.",
    409: "",  # the sentence has it
    413: "Make the report for a shorter period.",
}
"""What to do when Webex refuses a file, by the status of its answer."""


def file_line(report: Report, held: Downloaded, piece: Piece, contents: Contents) -> str:
    """The one line that goes with the file: what, which period, how much, and that it was zipped if it was."""
    parts = _named(report)
    if contents.rows is not None and contents.columns is not None and not contents.empty:
        parts.append(f"{count(contents.rows, 'row')}, {count(contents.columns, 'column')}")
    parts.append(size(held.size))
    line = " · ".join(parts)
    if piece.kind != held.kind:
        line += f"  \nThat is more than Webex takes with a message, so I zipped it to {size(piece.size)}."
    line += _warnings(held)
    return f"{line}  \n{nothing_inside(report, contents)}" if contents.empty else line


def joining(parts: Sequence[Piece]) -> str:
    """How people put parts together, in one line; empty when there is but one file."""
    if len(parts) <= 1:
        return ""
    return (
        f"To put the {len(parts)} parts together: unzip them and copy the rows of each below those of the one before. "
        "Every part begins with the header line: keep only the first."
    )


def part_line(report: Report, held: Downloaded, pieces: Sequence[Piece], number: int) -> str:
    """The line that goes with one of several parts; with the first, why they are parts and how to join them."""
    piece = pieces[number - 1]
    parts = [*_named(report), f"part {number} of {len(pieces)}"]
    if piece.rows is not None:
        parts.append(count(piece.rows, "row"))
    parts.append(size(piece.size))
    line = " · ".join(parts)
    if number > 1:
        return line
    line += _warnings(held)
    return f"{line}  \nThe file has {size(held.size)}, more than Webex takes with a message. {joining(pieces)}"


def _warnings(held: Downloaded) -> str:
    said = [CHECKSUM_DIFFERS] if held.checksum_differs else []
    if held.contents is not None and held.contents.formulas:
        said.append(FORMULAS)
    if few_left := downloads.warning(held.downloads):
        said.append(few_left)
    return "".join(f"  \n{one}" for one in said)


def status_unknown(report: Report) -> str:
    """What goes with a file that was tried since its status is no word that we know."""
    if not report.status:
        return "Webex gives no status for this report; the file is complete."
    return f"Webex's status is “{escape_markdown(report.status, 60)}”, which I don't know; the file is complete."


def _named(report: Report) -> list[str]:
    period = period_of(report)
    return [f"**{escape_markdown(report.title or 'Report')}**", *([period] if period else [])]


def nothing_inside(report: Report, contents: Contents) -> str:
    """Why a report may hold no rows: the likely causes, by family."""
    if contents.columns == 1:
        return "The file is a single line. It may be an error message: open it before you rely on it."
    what = "holds only its header" if contents.columns else "is empty"
    if report.family is Family.PARTNER:
        region = escape_markdown(report.region)
        where = f"no organisation of yours in the region {region}" if region else "another region"
    else:
        where = "an organisation outside North America (Webex makes these reports only there)"
    return f"The file {what}. Likely causes: {where}, a licence that is missing, or a period without any activity."


def not_posted(error: BotError, *, direct: bool, there: int = 0, parts: int = 1) -> str:
    """What is said when the file is here and Webex does not take it, or nobody can know who would read it.

    ``direct``: it was to go 1:1. ``there``: so many of its ``parts`` are posted.
    """
    if isinstance(error, Refused):
        return error.sentence
    status = error.status if isinstance(error, WebexError) else None
    if status in SPACE_CLOSED:
        if direct:
            return f"The report is done, but Webex does not let me post its file here. {OPERATORS}"
        return "The report is done, but Webex does not let me post its file where you asked for it. Ask me 1:1."
    remedy = LATER if status is None or error.passing else REMEDIES.get(status, OPERATORS)
    if there:
        are = "is" if there == 1 else "are"
        return (
            f"The report is not complete: {there} of its {parts} parts {are} here, and Webex did not take the next. "
            f"{error.sentence} {remedy}"
        ).rstrip()
    return f"The report is done, but Webex did not take its file. {error.sentence} {remedy}".rstrip()


def made_again(title: str | None) -> str:
    """What is said when a report that was done is on its way once more, in the middle of its delivery."""
    return f"{named(title)} was done, and Webex is making it again. Ask again to wait for the new one."
