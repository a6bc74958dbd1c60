"""A space that moves to another region: the same people and messages under a new id, and an event that says so.

Nobody has documented what that event holds, so the teller chooses one of the readings that a client may meet.
"""

from typing import Any, Literal

from bot.emulator import ids, webhooks
from bot.emulator.conversation import Conversation
from bot.emulator.problems import Refusal
from bot.emulator.things import Space

Told = Literal["pair", "names", "new", "old", "ids", "nothing"]
"""Both ids by name beside ``id``; both by name alone; the room with its new id; the old id alone; the old one as ``id``
and the new one as ``roomId``; or no id at all."""

CLUSTER_ELSEWHERE = "urn:TEAM:eu-central-1_k"


class Moving(Conversation):
    """Spaces that can move."""

    def move_space(self, space: Space, told: Told = "pair", *, keeps_bare_id: bool = True) -> str:
        """Give the space a new id; its old one answers 404 from now on. Returns the new id, fires rooms/migrated."""
        old = space.id
        new = ids.webex_id(ids.ROOM, ids.plain_part(old), CLUSTER_ELSEWHERE) if keeps_bare_id else ids.new_id(ids.ROOM)
        if new in self.spaces:
            raise Refusal(409, "The space has moved there before.")
        data: dict[Told, dict[str, Any]] = {
            "pair": {"id": new, "oldRoomId": old, "newRoomId": new},
            "names": {"oldRoomId": old, "newRoomId": new},
            "new": {"id": new, "title": space.title, "type": space.type},
            "old": {"id": old},
            "ids": {"id": old, "roomId": new},
            "nothing": {},
        }
        with self.change(new):
            self.rename_space(space, new)
            for webhook in self._listeners("rooms", "migrated", data[told]):
                if self.is_member(new, webhook.owner_id):
                    self._send(webhooks.make_event(webhook, "rooms", "migrated", data[told], space.creator_id))
        return new
