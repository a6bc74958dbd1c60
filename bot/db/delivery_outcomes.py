"""Count how requests and runs end: as a success, halted, or as a failure.

What people chose, what policy refuses and what cannot succeed is halted, so that failures are what somebody who runs
the bot should look at.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from bot import metrics
from bot.metrics import FAILURE, HALTED, SUCCESS

if TYPE_CHECKING:
    from bot.db.database import Transaction

OUTCOMES: Final = {
    "delivered": SUCCESS,
    "halted": HALTED,
    "refused": HALTED,
    "canceled": HALTED,
    "failed": FAILURE,
    "expired": FAILURE,
    "unsure": FAILURE,
}
"""By the state of a request, or of a run that gave no report."""
NO_REFUSALS: Final = frozenset({"roles_unreadable", "organization_unknown"})
"""Policy's reasons that are the admin token's fault."""
CANNOT_SUCCEED: Final = frozenset(
    {"not_found", "webex_404", "webex_410", "few_downloads_left", "no_room", "space_closed", "no_sub_partners"}
)
"""Causes of what failed since there is no such report, or no place for it, any more."""


def outcome_of(state: str, cause: str) -> str:
    """Return ``success``, ``halted`` or ``failure``. Pure."""
    if state == "refused" and cause in NO_REFUSALS:
        return FAILURE
    if state == "failed" and cause in CANNOT_SUCCEED:
        return HALTED
    return OUTCOMES[state]


def count_end(tx: Transaction, state: str, cause: str) -> None:
    """Count it once the transaction that ends it is committed."""
    tx.after_commit(partial(metrics.delivery_ended, outcome_of(state, cause)))
