"""Pause, resume and hand over subscriptions and schedules: each changes rows, and the task of outcomes tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.access.policy import Action, Verdict
from bot.db import audit, origins
from bot.db.audit import Channel, Entry
from bot.db.origin import Kind
from bot.db.schedules import Schedule
from bot.errors import Refused
from bot.messages.audit_list import PAUSE, RESUME
from bot.messages.outcomes import NOT_HERE
from bot.outbound.events import tell_paused
from bot.reports.recurrence import InvalidRecurrence
from bot.reports.requests import put_outcome
from bot.reports.schedules import put_schedules, set_next

if TYPE_CHECKING:
    from datetime import datetime

    from bot.access.authorizer import Authorizer
    from bot.access.policy import Decision
    from bot.db.database import Transaction
    from bot.db.origin import PauseCause
    from bot.db.subscriptions import Subscription
    from bot.services import Services

NEEDS: Final = {Kind.SUBSCRIPTION: Action.READ, Kind.SCHEDULE: Action.CHANGE}
"""What its owner must be allowed."""
OF_THE_BOT: Final = frozenset({"roles_unreadable", "organization_unknown"})
"""Policy's reasons that are the admin token's fault, not its owner's."""


def decide_owner(
    authorizer: Authorizer, person_id: str, owned: Subscription | Schedule, *, members: bool = True
) -> Decision:
    """Return what policy says of a person as the owner, in its space. Raises ``WebexError``.

    ``members=False``: who else is there, and if the person is, is not asked.
    """
    return authorizer.decide(
        person_id,
        NEEDS[owned.origin.kind],
        room_id=owned.room_id,
        direct=owned.direct,
        later=True,
        family=owned.family,
        members=members,
    )


def lost_rights(authorizer: Authorizer, owned: Subscription | Schedule) -> bool:
    """Return True when its owner may not have it, regardless of who is in its space now. Raises ``WebexError``."""
    decision = decide_owner(authorizer, owned.person_id, owned, members=False)
    return decision.verdict is Verdict.REFUSED and decision.reason not in OF_THE_BOT


def check_owner(authorizer: Authorizer, person_id: str, owned: Subscription | Schedule) -> Decision:
    """Return the same of one who is allowed. Raises ``Refused``, and ``WebexError``."""
    decision = decide_owner(authorizer, person_id, owned)
    decision.raise_if_refused()
    if decision.verdict is not Verdict.ALLOWED:
        raise Refused(NOT_HERE[decision.reason], reason=decision.reason)
    return decision


def pause(tx: Transaction, services: Services, owned: Subscription | Schedule, cause: PauseCause, reason: str) -> bool:
    """Pause it, since it ended so or failed. Return False when it was paused before."""
    if not origins.pause(tx, owned.origin, cause, reason):
        return False
    put_outcome(tx, services.queue, owned.origin)
    if isinstance(owned, Schedule):
        tell_paused(tx, services.queue, owned, cause, services.now())
    audit.record(tx, _entry(owned, PAUSE, cause.value), services.now())
    return True


def resume_by_itself(tx: Transaction, services: Services, owned: Subscription | Schedule, since: datetime) -> bool:
    """Resume one whose cause has passed; its owner is told. ``since``: outcomes before that don't count any more."""
    if not origins.resume(tx, owned.origin, since, by_itself=True):
        return False
    put_outcome(tx, services.queue, owned.origin)
    audit.record(tx, _entry(owned, RESUME, "by_itself"), services.now())
    return True


def resume(tx: Transaction, services: Services, owned: Subscription | Schedule) -> bool:
    """Resume it, since a person wants it. Return False when it wasn't paused.

    Raises ``Refused`` for a schedule whose row holds no recurrence.
    """
    if not origins.resume(tx, owned.origin, services.now()):
        return False
    if isinstance(owned, Schedule):
        try:
            set_next(tx, owned, services.now())
        except InvalidRecurrence as error:
            raise Refused(str(error), reason="schedule_unreadable") from error
        put_schedules(tx, services.queue)
    return True


def hand_over(tx: Transaction, services: Services, owned: Subscription | Schedule, person_id: str) -> None:
    """Give it to another person, and resume it if it was paused because its owner may not have it."""
    origins.set_owner(tx, owned.origin, person_id)
    if owned.is_offered:
        resume(tx, services, owned)


def _entry(owned: Subscription | Schedule, act: str, outcome: str) -> Entry:
    return Entry(
        channel=Channel.SYSTEM,
        act=act,
        outcome=outcome,
        person_id=owned.person_id,
        room_id=audit.place(owned.room_id, owned.room_type),
        reference=owned.reference,
    )
