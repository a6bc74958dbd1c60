"""Tell the owner of a subscription or schedule something directly, with what it is called where they may know that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bot.access.policy import Verdict
from bot.db import audit
from bot.db.api_keys import key_id_of
from bot.errors import BotError
from bot.reports.origin_states import NEEDS
from bot.reports.report_messages import Draft, ReportMessages
from bot.webex.types import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.outbox import Text
    from bot.services import Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """What an owner may be told now."""

    space: str
    """The name of its space; empty for a 1:1 space, one that they have left, and where Webex does not tell it."""
    may_see: bool
    """They may see such reports, and so what they are called."""
    details: str
    """Why they are refused: their roles, and those that it needs."""


def tell_owner(
    services: Services,
    owned: Subscription | Schedule,
    key: str,
    make: Callable[[Owner], Text | None],
    *,
    person_id: str = "",
) -> None:
    """Send a message to its owner, or to another person, directly; nothing when ``make`` makes None.

    Raises ``BotError`` that passes; who can't be told is not.
    """
    person = person_id or owned.person_id
    if audit.is_pseudonym(person) or key_id_of(person) is not None:
        return  # what a key of the API has made is told in the space
    space = "" if owned.direct else services.space_names.of([owned.room_id], reader=person).get(owned.room_id, "")

    def look() -> tuple[Target, Owner]:
        action = NEEDS[owned.origin.kind]
        decision = services.authorizer.decide(person, action, room_id=None, direct=True, family=owned.family)
        refused = decision.verdict is Verdict.REFUSED
        # Who may still read such reports may be told what they are called.
        may_see = not refused or decision.reason == "read_only"
        owner = Owner(space, may_see, decision.details if refused else "")
        return Target(person_id=person, direct=True), owner

    def draft(owner: Owner) -> Draft | None:
        content = make(owner)
        return None if content is None else Draft(f"{key}:owner", content)

    told(lambda: ReportMessages(services).post(look, draft))


def told(send: Callable[[], object]) -> None:
    """Send one of several messages: what can't be told to one is told to the others. Raises what passes."""
    try:
        send()
    except BotError as error:
        if error.passing:
            raise
        log.info("owner_or_space_not_told", cause=str(error))
