"""How the requests and runs of a subscription or schedule ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, literal, select, union_all

from bot.db import tables
from bot.db.requests import Content, State
from bot.db.runs import RunState

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.origin import Origin

_requests, _runs = tables.requests.c, tables.runs.c


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended, or a run that gave no report."""

    reference: str
    state: State
    cause: str
    reason: str
    """A sentence for people."""
    closed_at: datetime

    @property
    def why(self) -> str:
        """Return the reason without its reference, which that of a run ends with."""
        return self.reason.removesuffix(f"(reference {self.reference})").rstrip()

    @property
    def sentence(self) -> str:
        """Return the reason with its reference."""
        return f"{self.why} (reference {self.reference})".lstrip()

    @property
    def failed(self) -> bool:
        """Return True for what did not bring what was wanted; to be halted is no failure."""
        return self.state in {State.FAILED, State.REFUSED, State.EXPIRED, State.UNSURE}


def latest(tx: Transaction, origin: Origin, most: int) -> list[Outcome]:
    """Return how the last ones ended that were not canceled, the newest first, at most so many."""
    column = f"{origin.kind.value}_id"
    columns = ("reference", "state", "cause", "reason", "closed_at")
    first = tables.requests.alias("first").c
    # One card for several reports is one outcome: that of the first of them.
    on_anothers_card = exists().where(
        _requests.listed,
        _requests.content == Content.CARD.value,
        first.subscription_id == _requests.subscription_id,
        first.id < _requests.id,
        first.asked_at == _requests.asked_at,
    )
    parts = [
        select(*(_requests[name] for name in columns), literal(1).label("part"), _requests.id).where(
            _requests[column] == origin.id,
            _requests.state.not_in([State.OPEN.value, State.CANCELED.value]),
            ~on_anothers_card,
        )
    ]
    if column in _runs:
        # A run that gave a report continues as a request.
        went_on = [RunState.OPEN.value, RunState.CREATED.value, RunState.CANCELED.value]
        without = (_runs[column] == origin.id, _runs.state.not_in(went_on))
        parts.append(select(*(_runs[name] for name in columns), literal(0).label("part"), _runs.id).where(*without))
    both = union_all(*parts).subquery().c
    query = select(*(both[name] for name in columns)).order_by(both.closed_at.desc(), both.part.desc(), both.id.desc())
    return [
        Outcome(row.reference, State(row.state), row.cause or "", row.reason or "", row.closed_at)
        for row in tx.execute(query.limit(most))
    ]
