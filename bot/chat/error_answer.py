"""Answer an invocation with the error at which it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import audit
from bot.errors import Refused
from bot.messages.sentences import SENT_DIRECTLY, about_press
from bot.reports.requests import send_directly

if TYPE_CHECKING:
    from bot.chat.invocation import Invocation
    from bot.errors import BotError

log = structlog.get_logger(__name__)

LOGGED_LETTERS = 64
"""Of a word that may be no command."""


def answer_error(invocation: Invocation, error: BotError) -> None:
    """Say what went wrong, with a reference that the log and the audit have too. Raises ``BotError``."""
    services, trail = invocation.services, invocation.trail
    reference = services.new_reference()
    trail.outcome = audit.joined(audit.REFUSED if isinstance(error, Refused) else audit.ERROR, audit.cause_of(error))
    trail.reference, trail.tracking = reference, audit.tracking_of(error)
    log.info("answered_with_error", reference=reference, word=invocation.word[:LOGGED_LETTERS], cause=str(error))
    _send(invocation, error, f"(reference {reference})")


def _send(invocation: Invocation, error: BotError, reference: str) -> None:
    """Send an error. What a refusal tells of roles, and what a press came to nothing for, is not for a group space."""
    outbox, key = invocation.services.outbox, f"{invocation.event_key}:error"
    sentence, details = error.sentence, error.details if isinstance(error, Refused) else ""
    in_group = not invocation.target.direct
    whole = " ".join(filter(None, (sentence, details, reference)))
    if not in_group:
        outbox.send(key, invocation.target, whole)
        return
    if invocation.pressed:
        about = about_press(invocation.word, _space_of(invocation))
        whole = " ".join(filter(None, (sentence, details, about, reference)))
        if send_directly(outbox, key, invocation.person_id, whole):
            return
    elif details and send_directly(outbox, f"{key}:details", invocation.person_id, whole):
        sentence = f"{sentence} {SENT_DIRECTLY}"
    outbox.send(key, invocation.target, f"{sentence} {reference}")


def _space_of(invocation: Invocation) -> str:
    """Return the name of the space; empty where Webex does not tell it now, or the person has left."""
    return invocation.space_names([invocation.room_id]).get(invocation.room_id, "")
