"""What one run of a delivery has in hand, and the keys under which the outbox has its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.db.requests import Delivery
    from bot.files.split import Piece
    from bot.files.streaming_upload import StreamingUpload
    from bot.files.verify import Downloaded
    from bot.reports.progress import ProgressMessage
    from bot.webex.report import Report


@dataclass(slots=True)
class Run:
    """One run of the job: its report, and whom it has met."""

    family: str
    report_id: str
    path: Path
    """Where its file is, once it is proved."""
    tried: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Posting:
    """What there is to post, and what is under way."""

    report: Report
    held: Downloaded
    pieces: Sequence[Piece]
    passing_on: StreamingUpload
    meter: ProgressMessage


def file_key(delivery: Delivery) -> str:
    """Under which the outbox has a delivery's file, and the beginning of it when it comes in parts."""
    return f"delivery:{delivery.id}:file" + (":privately" if delivery.private else "")


def piece_key(delivery: Delivery, posting: Posting, number: int) -> str:
    """The key of one piece: parts are told apart by what they are parts of; another download may be cut otherwise."""
    key, parts = file_key(delivery), len(posting.pieces)
    return f"{key}:{number}of{parts}:{posting.held.sha256[:8]}" if parts > 1 else key
