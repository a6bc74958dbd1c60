"""Spaces and who is in them; every coming and going is announced."""

from collections.abc import Iterable
from typing import Any

from bot.emulator import ids, webhooks
from bot.emulator.events import Events
from bot.emulator.problems import Refusal, not_found
from bot.emulator.things import Membership, Person, Space, iso


class Spaces(Events):
    """Group spaces and 1:1s. Who is not in a space is told that it does not exist."""

    def __init__(self) -> None:
        super().__init__()
        self.spaces: dict[str, Space] = {}
        self.memberships: dict[str, Membership] = {}
        self._members: dict[str, dict[str, Membership]] = {}

    def add_space(self, title: str, members: Iterable[Person], note: str = "") -> Space:
        """Add a group space; the first member made it. Each membership is announced."""
        people = list(members)
        with self.change():
            space = self._new_space(title, "group", people[0], note)
            for person in people:
                self.join(space, person)
        return space

    def direct_space(self, one: Person, other: Person) -> Space:
        """Return the 1:1 of two people, made when there is none."""
        with self.change():
            found = self.direct_between(one, other)
            if found is not None:
                return found
            space = self._new_space(f"{one.display_name} and {other.display_name}", "direct", one, "")
            self.join(space, one)
            self.join(space, other)
        return space

    def direct_between(self, one: Person, other: Person) -> Space | None:
        """Return the 1:1 of two people when there is one."""
        pair = {one.id, other.id}
        found = (space for space in self.spaces.values() if space.type == "direct")
        return next((space for space in found if set(self._members[space.id]) == pair), None)

    def _new_space(self, title: str, kind: Any, creator: Person, note: str) -> Space:
        now = self.clock()
        space = Space(ids.new_id(ids.ROOM), title, kind, creator.id, now, creator.org_id, now, note)
        self.spaces[space.id] = space
        self._members[space.id] = {}
        return space

    def join(self, space: Space, person: Person, by: Person | None = None) -> Membership:
        """Add a person to a space; fires memberships/created. ``by``: who did it, by default who made the space."""
        with self.change(space.id):
            if person.id in self._members[space.id]:
                raise Refusal(409, "User is already a participant.")
            member = Membership(ids.new_id(ids.MEMBERSHIP), space.id, person.id, self.clock())
            self.memberships[member.id] = member
            self._members[space.id][person.id] = member
            self._announce_membership("created", member, space, by)
        return member

    def leave(self, space: Space, person: Person, by: Person | None = None) -> None:
        """Remove a person from a space; fires memberships/deleted, to the one who left as well."""
        with self.change(space.id):
            member = self._members[space.id][person.id]
            self._announce_membership("deleted", member, space, by)
            del self._members[space.id][person.id]
            del self.memberships[member.id]

    def members(self, space_id: str) -> list[Person]:
        """Return the people in a space."""
        return [self.people[person_id] for person_id in self._members.get(space_id, {})]

    def memberships_in(self, space_id: str) -> list[Membership]:
        """Return the memberships of a space."""
        return list(self._members.get(space_id, {}).values())

    def is_member(self, space_id: str, person_id: str) -> bool:
        """Return True when a person is in a space."""
        return person_id in self._members.get(space_id, {})

    def space_of(self, space_id: str, person: Person) -> Space:
        """Return a space that `person` is in; 404 otherwise, as if it did not exist."""
        if not self.is_member(space_id, person.id):
            raise not_found()
        return self.spaces[space_id]

    def _announce_membership(self, event: str, member: Membership, space: Space, by: Person | None) -> None:
        data = self.membership_data(member)
        actor_id = by.id if by else space.creator_id
        for webhook in self._listeners("memberships", event, data):
            if self.is_member(space.id, webhook.owner_id):
                self._send(webhooks.make_event(webhook, "memberships", event, data, actor_id))

    def membership_data(self, member: Membership) -> dict[str, Any]:
        """Return a membership as the API shows it; `personOrgId` tells external people."""
        person = self.people[member.person_id]
        return {
            "id": member.id,
            "roomId": member.space_id,
            "personId": person.id,
            "personEmail": person.email,
            "personDisplayName": person.display_name,
            "personOrgId": person.org_id,
            "isModerator": member.is_moderator,
            "isMonitor": False,
            "isRoomHidden": False,
            "roomType": self.spaces[member.space_id].type,
            "created": iso(member.created),
        }
