"""What is said and pressed in spaces, and who may see it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from bot.emulator import ids, webhooks
from bot.emulator.mentions import MentionAs, MentionAt, written_mention
from bot.emulator.problems import Refusal, not_found
from bot.emulator.spaces import Spaces
from bot.emulator.things import AttachmentAction, Message, Person, Space, StoredFile, iso

MAX_EDITS = 10  # D: a message can be edited ten times


class Conversation(Spaces):
    """Messages, cards' actions and files."""

    def __init__(self) -> None:
        super().__init__()
        self.all_messages: dict[str, Message] = {}
        self.actions: dict[str, AttachmentAction] = {}
        self.files: dict[str, StoredFile] = {}
        self._by_space: defaultdict[str, list[Message]] = defaultdict(list)

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
        html: str | None = None,
        parent_id: str | None = None,
    ) -> Message:
        """Post a message as a person types it, perhaps with a mention; it is stored and announced as Webex would.

        With `html`, that is what the client makes of it, mention included, and `text` is what Webex shows of that.
        """
        if html is None and mention is not None:
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

    def rename_space(self, space: Space, new_id: str) -> None:
        """Give a space another id, with all that is in it; the old id is unknown from then on."""
        old_id, space.id = space.id, new_id
        self.spaces[new_id] = self.spaces.pop(old_id)
        self._members[new_id] = self._members.pop(old_id)
        self._by_space[new_id] = self._by_space.pop(old_id, [])
        for member in self._members[new_id].values():
            member.space_id = new_id
        for message in self._by_space[new_id]:
            message.room_id = new_id

    def message_of(self, message_id: str, person: Person) -> Message:
        """Return a message that `person` may see, or 404. A bot sees in a group what mentions it or is its own."""
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
        """Return what stands in a space, oldest first, without what was deleted."""
        return [message for message in self._by_space[space.id] if not message.deleted]

    def messages_of(self, person: Person) -> list[Message]:
        """Return what a person wrote anywhere, oldest first, deleted ones included."""
        return [message for message in self.all_messages.values() if message.person_id == person.id]

    def press(
        self,
        person: Person,
        message: Message | str,
        inputs: Mapping[str, Any] | str | None = None,
        *,
        spelled: str = "",
    ) -> AttachmentAction:
        """Press a Submit button as a person. `inputs` is what the client sends (the button's `data` and the fields).

        A string is the title of the button on the card: its `data` is sent. 404 when the message is gone or hidden
        from the person, 400 when it has no card or no such button, or is their own. `spelled` is the presser's id as
        the event has it, where that is another spelling.
        """
        with self.lock:
            found = self.all_messages.get(message if isinstance(message, str) else message.id)
            if found is None or found.deleted or not self.is_member(found.room_id, person.id):
                raise not_found()
            if found.card is None:
                raise Refusal(400, "The message has no card.")
            if found.person_id == person.id:
                raise Refusal(400, "The author of a card cannot submit it.")
            if isinstance(inputs, str):
                inputs = _data_of_button(found.card, inputs)
            with self.change(found.room_id):
                action = AttachmentAction(
                    ids.new_id(ids.ATTACHMENT_ACTION),
                    found.id,
                    spelled or person.id,
                    found.room_id,
                    dict(inputs or {}),
                    self.clock(),
                )
                self.actions[action.id] = action
                data = {
                    "id": action.id,
                    "type": "submit",
                    "messageId": found.id,
                    "personId": action.person_id,
                    "roomId": found.room_id,
                    "created": iso(action.created),
                }
                for webhook in self._listeners("attachmentActions", "created", data):
                    if webhook.owner_id == found.person_id:
                        self._send(webhooks.make_event(webhook, "attachmentActions", "created", data, person.id))
        return action

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
        """Return where a posted file is served; needs a token."""
        return f"/v1/contents/{file.id}"


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
