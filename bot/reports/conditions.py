"""Conditions of a schedule: its report is posted only if it is not blank, has changed, or has more than so many rows.

They are judged when the file is here. One that cannot be judged counts as true: a file too many harms less than one
that is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.db import messages, reports, schedules
from bot.db.requests import State
from bot.errors import BotError
from bot.files.content_hash import content_hash
from bot.messages import conditions as sentences
from bot.reports.requests import close

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.db.database import Transaction
    from bot.db.requests import Request
    from bot.reports.delivery_run import Posting
    from bot.services import Services

_ONE: Final = (
    r"(?:it is |it's |it has |it |has )?(?:not (?:blank|empty)|changed|(?:more than|over) \d[\d,]*(?: rows?)?)"
)
_ALL = re.compile(rf"only (?:if|when) {_ONE}(?:(?:,? and|,) (?:(?:only )?(?:if|when) )?{_ONE})*(?![\w])")
_BLANK = re.compile(r"\bnot (?:blank|empty)\b")
_ROWS = re.compile(r"\b(?:more than|over) (\d[\d,]*)")


class UnknownCondition(BotError):
    """The words behind "only if" are no condition."""

    def __init__(self) -> None:
        super().__init__(sentences.UNKNOWN_CONDITION)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be true of a report's file."""

    not_blank: bool = False
    changed: bool = False
    more_than: int | None = None
    """Rows."""

    @property
    def parts(self) -> list[str]:
        """Return each in words."""
        rows = [f"more than {self.more_than} rows"] if self.more_than is not None else []
        return ["not blank"] * self.not_blank + ["changed"] * self.changed + rows


def parse(words: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the conditions in the words, as the column ``only_if`` has them, and the words without them.

    Raises ``UnknownCondition``.
    """
    words = tuple(" ".join(words).split())
    plain = [word.casefold().replace("’", "'") for word in words]
    first = next((at for at in range(len(plain)) if plain[at : at + 2] in (["only", "if"], ["only", "when"])), None)
    if first is None:
        return None, words
    found = _ALL.match(" ".join(plain[first:]))
    if found is None:
        raise UnknownCondition
    after = first + len(found[0].split())
    return ", ".join(read(found[0]).parts), words[:first] + words[after:]


def read(only_if: str | None) -> Conditions:
    """Return the conditions of the column ``only_if``."""
    text = only_if or ""
    rows = [int(number.replace(",", "")) for number in _ROWS.findall(text)]
    return Conditions(_BLANK.search(text) is not None, "changed" in text, max(rows, default=None))


def shown(only_if: str | None) -> str:
    """Return the conditions as people read and write them: ``only if not blank and changed``; empty without any."""
    parts = read(only_if).parts
    return f"only if {' and '.join(parts)}" if parts else ""


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition that is not true."""

    cause: str
    """In a word, for the audit."""
    reason: str
    """In a sentence."""


def unmet(only_if: str | None, posting: Posting, *, changed: bool) -> Unmet | None:
    """Return the first condition that is not true of a file; ``changed``: it differs from the one before. Pure."""
    wanted, title, contents = read(only_if), posting.report.title, posting.held.contents
    if wanted.not_blank and posting.blank is not None:
        return Unmet("blank", sentences.blank(title))
    if wanted.changed and not changed:
        return Unmet("unchanged", sentences.unchanged(title))
    rows = None if contents is None else contents.rows
    if wanted.more_than is not None and rows is not None and rows <= wanted.more_than:
        return Unmet("few_rows", sentences.few_rows(title, rows, wanted.more_than))
    return None


def halt_if_unmet(
    services: Services, request: Request, posting: Posting, record: Callable[[Transaction], None]
) -> bool:
    """Close a request when a condition of its schedule is not true. Return True when it was closed.

    ``record``: stores what was downloaded. Raises ``DatabaseUnavailable``.
    """
    if request.schedule_id is None:
        return False
    with services.database.read() as tx:
        schedule = schedules.get(tx, request.schedule_id)
        before = schedules.last_content_hash(tx, request.schedule_id)
        is_posted = messages.has_file(tx, request.id)
    if schedule is None or schedule.only_if is None or is_posted:
        return False
    now = content_hash(posting.held)
    found = unmet(schedule.only_if, posting, changed=now != before)
    with services.database.begin() as tx:
        if found is None:
            reports.set_values(tx, posting.report.id, content_hash=now)
            return False
        record(tx)
        close(tx, services.queue, request, State.HALTED, services.now(), reason=found.reason, cause=found.cause)
    return True
