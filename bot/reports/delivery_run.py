"""Keep the state of one run of a delivery, and make its messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.db.requests import Content
from bot.db.space_settings import FileFormat
from bot.errors import WebexError, refuses_token
from bot.files.csv_rows import UNCOUNTED
from bot.files.file_name import CONTENT_TYPES
from bot.files.storage import WAIT_FOR_PEOPLE, NoRoom
from bot.messages.blank_report import ON_THE_CARD
from bot.messages.file_message import file_line, other_format, part_line, status_unknown
from bot.outbox import File
from bot.reports.wanted_messages import Slot, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bot.db.blank import Blank
    from bot.db.messages import Name
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.errors import BotError
    from bot.files.formats import Formats, Packed
    from bot.files.split import Piece
    from bot.files.streaming_upload import StreamingUpload
    from bot.files.verify import Downloaded
    from bot.reports.progress import ProgressMessage
    from bot.reports.wanted_messages import ThreadState
    from bot.webex.report import Report


@dataclass(slots=True)
class Run:
    """One run of the job."""

    family: str
    report_id: str
    path: Path
    served: set[int] = field(default_factory=set)
    """Requests that were tried in this run."""
    permitted: set[int] = field(default_factory=set)
    """Requests whose person may have the report."""
    delivered: bool = False
    finished: bool = False
    """Nobody waits any more, and the transaction that found that has ended the job."""
    row: ReportRow | None = None
    """The report as the database had it at the last look."""
    first: ThreadState | None = None
    """The thread of the first who waited at the last look."""
    formats: Mapping[str, FileFormat] = field(default_factory=dict)
    """The format that a space chose, by its ID, of those that chose one."""
    trouble: BotError | None = None
    """The first error that will pass."""

    def fails(self, error: BotError) -> None:
        """Keep an error that will pass; the job runs again."""
        self.trouble = self.trouble or error

    def ended_by(self, error: BotError, which: Sequence[Request]) -> Sequence[Request]:
        """Return the requests that an error ends; for the others the job runs again.

        What came by itself waits until the people who run the bot have helped: nobody is there to ask again.
        """
        if error.passing:
            self.fails(error)
            return ()
        token = isinstance(error, WebexError) and refuses_token(error) and "/report" in error.call
        by_itself = [one for one in which if one.came_by_itself] if token or isinstance(error, NoRoom) else []
        if by_itself:
            error.passing, error.retry_after = True, WAIT_FOR_PEOPLE
            self.fails(error)
        return [one for one in which if one not in by_itself]

    def format_for(self, request: Request) -> FileFormat:
        """Return the format of the space in which a request was made."""
        return self.formats.get(request.room_id or "", FileFormat.ORIGINAL)


@dataclass(frozen=True, slots=True)
class Posting:
    """What there is to post."""

    report: Report
    held: Downloaded
    formats: Formats
    packed: Packed
    """The file in the format of the place where it is posted."""
    streaming: StreamingUpload
    progress: ProgressMessage
    blank: Blank | None
    """Why there is nothing in the file."""
    made_for: str = ""
    """The subscription or schedule for which it is posted, when nobody asked just then."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """Return the files to post."""
        return self.packed.pieces


def piece_name(request: Request, posting: Posting, number: int) -> Name:
    """Return the name of one piece: parts are told apart by what they are parts of."""
    parts = len(posting.pieces)
    return name_of(request, Slot.FILE, f"{number}of{parts}:{posting.held.sha256[:8]}" if parts > 1 else "")


def file_to_post(request: Request, posting: Posting, number: int) -> tuple[Name, File]:
    """Return one piece with its line, and the name under which it is sent once."""
    pieces, held, report = posting.pieces, posting.packed.file, posting.report
    piece = pieces[number - 1]
    if len(pieces) > 1:
        line = part_line(report, held, pieces, number)
    else:
        line = file_line(report, held, piece, held.contents or UNCOUNTED, _nothing(request, posting.blank))
    if report.taken_for_ready and number == 1:
        line += f"  \n{status_unknown(report)}"
    if posting.packed.why_not and number == 1:
        line += f"  \n{other_format(posting.packed)}"
    if posting.made_for and number == 1:
        line += f"  \n{posting.made_for}"
    upload = posting.streaming.upload if piece.path == posting.held.path else None
    return piece_name(request, posting, number), File(line, piece.path, piece.name, CONTENT_TYPES[piece.kind], upload)


def _nothing(request: Request, blank: Blank | None) -> str:
    """Return what the file's message says when there is nothing in it: why, where no card of its own says that."""
    if blank is None:
        return ""
    has_card = request.wants_card and request.content is Content.CARD_AND_FILE
    return ON_THE_CARD if has_card and not request.listed else blank.sentence
