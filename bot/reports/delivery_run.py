"""Keep the state of one run of a delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.reports.wanted_messages import Slot, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.db.blank import Blank
    from bot.db.messages import Name
    from bot.db.reports import ReportRow
    from bot.db.requests import Request
    from bot.errors import BotError
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
    trouble: BotError | None = None
    """The first error that will pass."""

    def fails(self, error: BotError) -> None:
        """Keep an error that will pass; the job runs again."""
        self.trouble = self.trouble or error


@dataclass(frozen=True, slots=True)
class Posting:
    """What there is to post."""

    report: Report
    held: Downloaded
    pieces: Sequence[Piece]
    streaming: StreamingUpload
    progress: ProgressMessage
    blank: Blank | None
    """Why there is nothing in the file."""


def piece_name(request: Request, posting: Posting, number: int) -> Name:
    """Return the name of one piece: parts are told apart by what they are parts of."""
    parts = len(posting.pieces)
    return name_of(request, Slot.FILE, f"{number}of{parts}:{posting.held.sha256[:8]}" if parts > 1 else "")
