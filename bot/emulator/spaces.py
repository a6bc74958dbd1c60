"""Spaces, who is in them, what is said and pressed there, and the events that follow from it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bot.emulator import ids, webhooks
from bot.emulator.directory import Directory
from bot.emulator.mentions import MentionAs, MentionAt, written_mention
from bot.emulator.problems import Refusal, not_found
from bot.emulator.things import (
    AttachmentAction,
    Delivery,
    Event,
    Membership,
    Message,
    Person,
    Space,
    StoredFile,
    Webhook,
    iso,
)

if TYPE_CHECKING:
    from bot.emulator.webhooks import Courier

MAX_EDITS = 10


class Spaces(Directory):
    """Conversations. Events go out through `courier`, or are kept in `undelivered` while `deliver_webhooks` is off."""

    def __init__(self) -> None:
        super().__init__()
        self.spaces: dict[str, Space] = {}
        self.memberships: dict[str, Membership] = {}
        self.all_messages: dict[str, Message] = {}
        self.actions: dict[str, AttachmentAction] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.files: dict[str, StoredFile] = {}
        self.deliveries: list[Delivery] = []
        self.undelivered: list[Event] = []
        self.deliver_webhooks = True
        self.courier: Courier | None = None
        self._by_space: dict[str, list[Message]] = {}
        self._members: dict[str, dict[str, Membership]] = {}

    # ------------------------------------------------------------------ spaces and members

    def add_space(self, title: str, members: Iterable[Person], note: str = "") -> Space:
        """A group space; the first member made it. Each membership is announced."""
        people = list(members)
        with self.change():
            space = self._new_space(title, "group", people[0], note)
            for person in people:
                self.join(space, person)
        return space

    def direct_space(self, one: Person, other: Person) -> Space:
        """The 1:1 of two people, made when there is none."""
        with self.change():
            pair = {one.id, other.id}
            for space in self.spaces.values():
                if space.type == "direct" and set(self._members[space.id]) == pair:
                    return space
            space = self._new_space(f"{one.display_name} and {other.display_name}", "direct", one, "")
            self.join(space, one)
            self.join(space, other)
        return space

    def _new_space(self, title: str, kind: Any, creator: Person, note: str) -> Space:
        now = self.clock()
        space = Space(ids.new_id(ids.ROOM), title, kind, creator.id, now, creator.org_id, now, note)
        self.spaces[space.id] = space
        self._by_space[space.id] = []
        self._members[space.id] = {}
        return space

    def join(self, space: Space, person: Person) -> Membership:
        """Put somebody into a space; fires memberships/created."""
        with self.change(space.id):
            if person.id in self._members[space.id]:
                raise Refusal(409, "User is already a participant.")
            member = Membership(ids.new_id(ids.MEMBERSHIP), space.id, person.id, self.clock())
            self.memberships[member.id] = member
            self._members[space.id][person.id] = member
            self._announce_membership("created", member, space)
        return member

    def leave(self, space: Space, person: Person) -> None:
        """Take somebody out of a space; fires memberships/deleted, to the one who left as well."""
        with self.change(space.id):
            member = self._members[space.id][person.id]
            self._announce_membership("deleted", member, space)
            del self._members[space.id][person.id]
            del self.memberships[member.id]

    def members(self, space_id: str) -> list[Person]:
        """The people in a space."""
        return [self.people[person_id] for person_id in self._members.get(space_id, {})]

    def memberships_in(self, space_id: str) -> list[Membership]:
        """The memberships of a space."""
        return list(self._members.get(space_id, {}).values())

    def is_member(self, space_id: str, person_id: str) -> bool:
        """Whether somebody is in a space."""
        return person_id in self._members.get(space_id, {})

    def space_of(self, space_id: str, person: Person) -> Space:
        """A space that `person` is in; 404 otherwise, as if it did not exist."""
        if not self.is_member(space_id, person.id):
            raise not_found()
        return self.spaces[space_id]

    # ------------------------------------------------------------------ messages

    def say(
        self,
        person: Person,
        space: Space,
        text: str,
        *,
        mention: Person | None = None,
        mention_as: MentionAs = "full",
        mention_at: MentionAt = "start",
        with_html: bool = True,
        parent_id: str | None = None,
    ) -> Message:
        """Somebody types a message, perhaps with a mention; it is stored and announced as Webex would."""
        html = None
        if mention is not None:
            text, html = written_mention(text, mention, mention_as, mention_at)
        return self.post(
            person,
            space,
            text=text,
            html=html if with_html else None,
            mentioned=[mention.id] if mention else [],
            parent_id=parent_id,
        )

    def post(
        self,
        person: Person,
        space: Space,
        *,
        text: str | None = None,
        markdown: str | None = None,
        html: str | None = None,
        attachments: list[dict[str, Any]] | None = None,
        files: list[StoredFile] | None = None,
        mentioned: list[str] | None = None,
        parent_id: str | None = None,
    ) -> Message:
        """Store a message and announce it. 404 when the person is not in the space, 400 for a wrong parent."""
        with self.change(space.id):
            self.space_of(space.id, person)
            if parent_id is not None:
                self._check_parent(parent_id, space)
            message = Message(
                id=ids.new_id(ids.MESSAGE),
                room_id=space.id,
                parent_id=parent_id,
                person_id=person.id,
                text=text,
                markdown=markdown,
                html=html,
                attachments=attachments or [],
                files=files or [],
                mentioned=mentioned or [],
                created=self.clock(),
            )
            self.all_messages[message.id] = message
            self._by_space[space.id].append(message)
            self.files.update({file.id: file for file in message.files})
            space.last_activity = message.created
            self._announce_message("created", message, person)
        return message

    def _check_parent(self, parent_id: str, space: Space) -> None:
        parent = self.all_messages.get(parent_id)
        if parent is None or parent.deleted or parent.room_id != space.id:
            raise Refusal(400, "Unable to find the parent message in this space.")
        if parent.parent_id is not None:
            raise Refusal(400, "A reply cannot be replied to: parentId must be the first message of the thread.")

    def edit(self, message: Message, *, text: str | None, markdown: str | None, html: str | None) -> None:
        """Change the words of a message: 400 for one with a card or file, or one that was edited ten times."""
        with self.change(message.room_id):
            if message.files or message.attachments:
                raise Refusal(400, "A message that contains files or cards cannot be edited.")
            if message.edits >= MAX_EDITS:
                raise Refusal(400, f"A message can be edited at most {MAX_EDITS} times.")
            message.text, message.markdown, message.html = text, markdown, html
            message.edits += 1
            message.updated = self.clock()
            self._announce_message("updated", message, self.people[message.person_id])

    def delete(self, message: Message, by: Person) -> None:
        """Take a message away; its id answers 404 from now on."""
        with self.change(message.room_id):
            message.deleted = True
            self._announce_message("deleted", message, by)

    def message_of(self, message_id: str, person: Person) -> Message:
        """A message that `person` may see; 404 otherwise. A bot sees in a group what mentions it or is its own."""
        message = self.all_messages.get(message_id)
        if message is None or message.deleted or not self.is_member(message.room_id, person.id):
            raise not_found()
        if not self._seen_by(person, message):
            raise not_found()
        return message

    def _seen_by(self, person: Person, message: Message) -> bool:
        group = self.spaces[message.room_id].type == "group"
        return not (person.is_bot and group) or person.id in (message.person_id, *message.mentioned)

    def messages(self, space: Space) -> list[Message]:
        """What stands in a space, oldest first, without what was deleted."""
        return [message for message in self._by_space[space.id] if not message.deleted]

    def messages_of(self, person: Person) -> list[Message]:
        """What somebody wrote anywhere, oldest first, deleted ones included."""
        return [message for message in self.all_messages.values() if message.person_id == person.id]

    # ------------------------------------------------------------------ cards

    def press(
        self, person: Person, message: Message | str, inputs: Mapping[str, Any] | str | None = None
    ) -> AttachmentAction:
        """Somebody presses a Submit button. `inputs` is what the client sends (the button's `data` and the fields).

        A string is the title of the button on the card: its `data` is sent. 404 when the message is gone or hidden
        from the person, 400 when it has no card or no such button.
        """
        with self.lock:
            found = self.all_messages.get(message if isinstance(message, str) else message.id)
            if found is None or found.deleted or not self.is_member(found.room_id, person.id):
                raise not_found()
            if found.card is None:
                raise Refusal(400, "The message has no card.")
            if isinstance(inputs, str):
                inputs = _data_of_button(found.card, inputs)
            with self.change(found.room_id):
                action = AttachmentAction(
                    ids.new_id(ids.ATTACHMENT_ACTION),
                    found.id,
                    person.id,
                    found.room_id,
                    dict(inputs or {}),
                    self.clock(),
                )
                self.actions[action.id] = action
                data = {
                    "id": action.id,
                    "type": "submit",
                    "messageId": found.id,
                    "personId": person.id,
                    "roomId": found.room_id,
                    "created": iso(action.created),
                }
                for webhook in self._listeners("attachmentActions", "created", data):
                    if webhook.owner_id == found.person_id:
                        self._send(webhooks.make_event(webhook, "attachmentActions", "created", data, person.id))
        return action

    # ------------------------------------------------------------------ events

    def _announce_message(self, event: str, message: Message, actor: Person) -> None:
        data = self.message_data(message)
        for webhook in self._listeners("messages", event, data):
            owner = self.people[webhook.owner_id]
            if self.is_member(message.room_id, owner.id) and self._seen_by(owner, message):
                self._send(webhooks.make_event(webhook, "messages", event, data, actor.id))

    def message_data(self, message: Message) -> dict[str, Any]:
        """`data` of a messages event: no text."""
        author = self.people[message.person_id]
        data: dict[str, Any] = {
            "id": message.id,
            "roomId": message.room_id,
            "roomType": self.spaces[message.room_id].type,
            "personId": author.id,
            "personEmail": author.email,
            "created": iso(message.created),
        }
        if message.parent_id:
            data["parentId"] = message.parent_id
        if message.mentioned:
            data["mentionedPeople"] = list(message.mentioned)
        if message.files:
            data["files"] = [self.file_url(file) for file in message.files]
        return data

    def file_url(self, file: StoredFile) -> str:
        """Where a posted file is served; needs a token."""
        return f"/v1/contents/{file.id}"

    def _announce_membership(self, event: str, member: Membership, space: Space) -> None:
        data = self.membership_data(member)
        for webhook in self._listeners("memberships", event, data):
            if self.is_member(space.id, webhook.owner_id):
                self._send(webhooks.make_event(webhook, "memberships", event, data, space.creator_id))

    def membership_data(self, member: Membership) -> dict[str, Any]:
        """A membership as the API shows it; `personOrgId` tells people from outside."""
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

    def _listeners(self, resource: str, event: str, data: Mapping[str, Any]) -> list[Webhook]:
        return [
            webhook
            for webhook in self.webhooks.values()
            if webhook.status == "active"
            and webhook.resource in ("all", resource)
            and webhook.event in ("all", event)
            and webhooks.passes_filter(webhook, data)
        ]

    def _send(self, event: Event) -> None:
        if self.deliver_webhooks and self.courier is not None:
            self.courier.send(event)
        else:
            self.undelivered.append(event)

    def redeliver(self, event: Event, times: int = 1) -> list[Delivery]:
        """Deliver an event (again) so many times at once, and wait for the outcomes."""
        if self.courier is None:
            raise RuntimeError("start the emulator before events are delivered")
        under_way = [self.courier.send(event) for _ in range(times)]
        return [future.result() for future in under_way]

    def note_delivery(self, delivery: Delivery) -> None:
        """Keep the outcome of a webhook call; failures may silence the webhook."""
        with self.change():
            self.deliveries.append(delivery)
            webhook = self.webhooks.get(delivery.event.webhook_id)
            if webhook is not None and not delivery.ok:
                webhooks.count_failure(webhook, self.clock())


def _data_of_button(card: Any, title: str) -> dict[str, Any]:
    found = _submit_titled(card, title)
    if found is None:
        raise Refusal(400, f"The card has no Action.Submit titled {title!r}.")
    data = found.get("data")
    return dict(data) if isinstance(data, dict) else {}


def _submit_titled(part: Any, title: str) -> dict[str, Any] | None:
    if isinstance(part, dict):
        if part.get("type") == "Action.Submit" and part.get("title") == title:
            return part
        part = list(part.values())
    if isinstance(part, list):
        return next((found for item in part if (found := _submit_titled(item, title))), None)
    return None
