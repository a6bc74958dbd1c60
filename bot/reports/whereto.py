"""Where a delivery's words and file go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.webex.types import DIRECT, Target

if TYPE_CHECKING:
    from bot.db.requests import Delivery


def target_of(delivery: Delivery) -> Target:
    """The asker's thread, or the asker 1:1 when nothing of the report may be seen in the space."""
    if delivery.private or delivery.room_id is None:
        return Target(person_id=delivery.asker_id, direct=True)
    return Target(room_id=delivery.room_id, parent_id=delivery.parent_id, direct=delivery.room_type == DIRECT)
