"""The card of a request that ended without its file for sure: it stands where the card of the waiting request stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db.requests import State
from bot.messages.elements import button, card, sentence_in_card, text
from bot.text import escape_card

if TYPE_CHECKING:
    from bot.db.requests import Delivery
    from bot.webex.types import Card

ENDS = {
    State.FAILED: ("Failed", "Attention"),
    State.EXPIRED: ("Stopped waiting", "Attention"),
    State.CANCELLED: ("Cancelled", "Default"),
    State.UNKNOWN: ("Perhaps sent", "Warning"),
}
"""How a request ended without its file for sure: the word and its colour. A refusal has no card."""
NOT_SENT = "Not sent"
"""The report itself is done; what failed is its file."""


def ended_card(delivery: Delivery, sentence: str) -> Card:
    """How a request ended (one of ``ENDS``), in the sentence that a client without cards reads."""
    word, colour = ENDS[delivery.state]
    done = delivery.ready_at is not None
    if delivery.state is State.FAILED and done:
        word = NOT_SENT
    return card(
        [
            text(escape_card(delivery.title or "Report"), size="Medium", weight="Bolder"),
            text(f"● {word}", color=colour, weight="Bolder", spacing="Small"),
            text(sentence_in_card(sentence), spacing="Medium"),
            text(f"Reference {delivery.reference}", isSubtle=True, size="Small"),
        ],
        [
            once_more(delivery),
            button("Why", "why", delivery.reference),
        ],
        instead=f"{escape_card(delivery.title or 'Report')}: {word}. {sentence}",
    )


def once_more(delivery: Delivery) -> dict[str, object]:
    """The button that asks once more; what was never done cannot be sent again."""
    if delivery.ready_at is not None or delivery.state is State.DONE:
        return button("Send again", "again", delivery.report_id)
    return button("Ask again", "report", delivery.report_id)
