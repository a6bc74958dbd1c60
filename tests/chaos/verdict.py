"""What became of every question and press: what stands in the spaces, held against what the ledger says was said.

The spaces are the truth. The ledger tells which message belongs to which question, and is itself checked: each message
of the bot must be one that the ledger has, or one whose outcome it does not claim to know.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bot.emulator.things import Message
    from bot.emulator.world import World
    from tests.chaos.people import Asked, People
    from tests.stage import Stage

Row = sqlite3.Row
OPEN_POSTS = frozenset({"intended", "unknown"})
FLYING, PRECISION = 0.2, 0.1
"""Seconds: a post that took effect so long after it was sent was still on its way when a new process looked for it."""
END = ":end"
ENDINGS = (END, ":file")
CARDS_OF_A_REQUEST = 3
"""The first, the one that says done, and the one that tells another end after all: each takes the place before it."""
ANNOUNCEMENTS = (":privately", ":wait", ":removed")
"""Parts of a post's key: an announcement ends nothing, unless it is an ending that was moved elsewhere."""
BY_FILE = "done"
TAKEN_BACK = 204
"""How Webex answers when a message was deleted."""


@dataclass(frozen=True)
class Ledger:
    """The tables, read once."""

    events: dict[str, Row] = field(default_factory=dict)
    deliveries: list[Row] = field(default_factory=list)
    posts: list[Row] = field(default_factory=list)
    audit: list[Row] = field(default_factory=list)

    def caused_by(self, origin: str) -> list[Row]:
        """The deliveries of one event."""
        return [one for one in self.deliveries if one["origin"].startswith(f"{origin}:")]

    def said_for(self, *beginnings: str) -> list[Row]:
        """The posts whose key begins so."""
        return [one for one in self.posts if one["key"].startswith(beginnings)]


def read(database: Path) -> Ledger | None:
    """Read the ledger as it is now; None while it cannot be read: an empty one would tell of lost presses."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("BEGIN")
            tables = {
                name: connection.execute(f"SELECT * FROM {name}").fetchall()
                for name in ("events", "deliveries", "posts", "audit")
            }
        except sqlite3.OperationalError:
            return None
    events = {f"{one['resource']}:{one['data_id']}": one for one in tables.pop("events")}
    return Ledger(events=events, **tables)


class Verdict:
    """One look at everything."""

    def __init__(self, stage: Stage, people: People, heard: set[str], ledger: Ledger) -> None:
        self._world: World = stage.emulator.world
        self._bot = stage.bot
        self._people = people
        self._ledger = ledger
        with self._world.lock:
            self._messages: dict[str, Message] = {one.id: one for one in self._world.messages_of(stage.bot)}
        self.delivered = 0
        self.lost: list[str] = []
        for asked in people.asked.values():
            self._judge_question(asked)
        for pressed in people.pressed:
            if pressed.action_id in heard:
                self._judge_press(pressed.action_id, pressed.word)
        self._late = self._landed_late()
        self.twice, self.unknowable = self._recorded_against_said()
        self.twice += self._too_many_in_threads()
        self.unknown = sum(one["state"] == "unknown" for one in ledger.posts)

    @property
    def otherwise(self) -> Counter[str]:
        """How questions and presses ended that did not bring a file, by the audit's words."""
        rows = (one["outcome"] for one in self._ledger.audit if one["door"] in {"system", "chat", "button"})
        endings = ("failed", "refused", "cancelled", "expired", "unknown", "error", "limited")
        return Counter(outcome for outcome in rows if outcome.split(":")[0] in endings)

    def _judge_question(self, asked: Asked) -> None:
        origin = f"messages:{asked.message.id}"
        caused = self._ledger.caused_by(origin)
        what = f"{asked.ask}"
        said = self._of(self._ledger.said_for(f"{origin}:", *(f"delivery:{one['id']}:" for one in caused)))
        if asked.ask.what == "help":
            self._need(bool(said) or bool(self._loose_in(asked.root)), f"no help: {what}")
            return
        files = [one for one in said if one.files] + [one for one in self._loose_in(asked.root) if one.files]
        if files:
            self.delivered += 1
            self._need(all(self._is_whole(one, asked) for one in files), f"a damaged file: {what}")
            return
        if self._ended(origin, caused, asked.root):
            return
        event = self._ledger.events.get(origin)
        states = [one["state"] for one in caused] or [f"event {event['state']}" if event else "no event"]
        self.lost.append(f"no ending ({', '.join(states)}): {what}")

    def _judge_press(self, action_id: str, word: str) -> None:
        origin = f"attachmentActions:{action_id}"
        caused = self._ledger.caused_by(origin)
        if not self._ended(origin, caused, ""):
            event = self._ledger.events.get(origin)
            state = event["state"] if event else "no event"
            self.lost.append(f"no answer to a press of “{word}” ({state}, {[one['state'] for one in caused]})")

    def _ended(self, origin: str, caused: list[Row], root: str) -> bool:
        """Whether there is a sentence, a file, or a card that says that nothing follows."""
        keys = self._ledger.said_for(f"{origin}:", *(f"delivery:{one['id']}:" for one in caused))
        ending = self._of(one for one in keys if _ends(one["key"]))
        if any(not one.card or not caused for one in ending):
            return True
        if self._of(one for one in keys if END in one["key"]):  # a card in the place of the one that was waiting
            return True
        # Somebody who joined another's wait is served by that one's file, in its thread.
        for one in caused:
            leader = one["leader_id"]
            if leader and one["state"] == BY_FILE and self._of(self._ledger.said_for(f"delivery:{leader}:file")):
                return True
            if leader and self._of(self._ledger.said_for(f"delivery:{leader}:end")):
                return True
        if any(one.card and "nothing will follow" in (one.markdown or "") for one in ending):
            return True
        # Who cancels is answered under the press; what nobody can know is counted as unknown, not as lost.
        settled = any(one["state"] in {"unknown", "cancelled"} for one in caused)
        unknown = any(one["state"] == "unknown" for one in keys)
        return settled or unknown or any(not one.card for one in self._loose_in(root))

    def _of(self, posts: Iterable[Row]) -> list[Message]:
        return [self._messages[one["message_id"]] for one in posts if one["message_id"] in self._messages]

    def _loose(self) -> list[Message]:
        known = {one["message_id"] for one in self._ledger.posts}
        return [one for one in self._messages.values() if one.id not in known]

    def _loose_in(self, root: str) -> list[Message]:
        """Messages in a thread that the ledger does not know (yet)."""
        return [one for one in self._loose() if root and one.parent_id == root]

    def _is_whole(self, message: Message, asked: Asked) -> bool:
        assert asked.report is not None
        body = self._world.body_of(asked.report).path.read_bytes()
        return message.files[0].sha256 == hashlib.sha256(body).hexdigest()

    def _landed_late(self) -> set[str]:
        """Messages that the ledger does not know, of posts that hung: who looked meanwhile could not see them."""
        calls = [call for call in self._world.calls.calls_to("POST", "/v1/messages") if call.seconds >= FLYING]
        landed = [call.at + call.seconds for call in calls]
        return {one.id for one in self._loose() if any(abs(one.created - at) < PRECISION for at in landed)}

    def _need(self, good: bool, otherwise: str) -> None:
        if not good:
            self.lost.append(otherwise)

    def _recorded_against_said(self) -> tuple[list[str], int]:
        """Each message is one of the ledger's posts, or of a post whose outcome is open; more than those is twice.

        Gives what was said twice where the bot may look, and how much where it may not.
        """
        loose: dict[tuple[str, str], list[Message]] = {}
        for message in self._loose():
            loose.setdefault((message.room_id, message.parent_id or ""), []).append(message)
        open_posts = [one for one in self._ledger.posts if one["state"] in OPEN_POSTS]
        may_be = Counter((self._room_of(one), one["parent_id"] or "") for one in open_posts)
        twice: list[str] = []
        unknowable = 0
        for (room, parent), there in loose.items():
            found = sorted(there, key=lambda one: one.id in self._late)
            more = len(found) - may_be[room, parent]
            while more > 0 and found[-1].id in self._late:
                found.pop()
                more -= 1
                unknowable += 1
            if more <= 0:
                continue
            if parent or self._world.spaces[room].type == "direct":
                twice += [f"more than is on record: {_shown(one)}" for one in found[-more:]]
            else:
                unknowable += more
        of_one = Counter(one["message_id"] for one in self._ledger.posts if one["message_id"])
        twice += [f"one message on record {number} times" for number in of_one.values() if number > 1]
        return twice, unknowable

    def _room_of(self, post: Row) -> str:
        if post["room_id"]:
            return str(post["room_id"])
        return self._world.direct_space(self._world.people[post["person_id"]], self._bot).id

    def _too_many_in_threads(self) -> list[str]:
        """The same seen from outside, without the ledger: cards, files and sentences of each thread are counted."""
        found: list[str] = []
        stayed = sum(call.status != TAKEN_BACK for call in self._world.calls.calls_to("DELETE", "/v1/messages/*"))
        stayed += sum(one["state"] in OPEN_POSTS for one in self._ledger.posts)  # nobody knows what to take back
        words = Counter((pressed.under.root, pressed.word) for pressed in self._people.pressed)
        for asked in self._people.asked.values():
            root = asked.root
            there = [one for one in self._messages.values() if one.parent_id == root and one.id not in self._late]
            cards = [one for one in there if one.card]
            files = [one for one in there if one.files]
            texts = Counter(one.markdown for one in there if not one.card and not one.files)
            presses = sum(number for (where, _), number in words.items() if where == root)
            requests = 1 + words[root, "report"]
            answers = words[root, "why"] + words[root, "refresh"] + words[root, "cancel"]
            standing = [one for one in cards if not one.deleted]
            if len(cards) > CARDS_OF_A_REQUEST * requests + answers:
                found.append(f"{len(cards)} cards, those taken back included: {asked.ask}")
            if len(standing) > requests + words[root, "why"] + stayed:
                found.append(f"{len(standing)} cards: {asked.ask}")
            if len(files) > requests + words[root, "again"]:
                found.append(f"{len(files)} files: {asked.ask}")
            found += [f"{text!r}: {asked.ask}" for text, number in texts.items() if number > 1 + max(0, presses - 1)]
        return found


def _ends(key: str) -> bool:
    return any(f"{part}:" in f"{key}:" for part in ENDINGS) or not key.endswith(ANNOUNCEMENTS)


def _shown(message: Message) -> str:
    kind = "card" if message.card else "file" if message.files else "sentence"
    return f"{kind} {(message.markdown or message.text or '')[:120]!r}"


def summary(named: dict[str, Any]) -> str:
    """Names and figures, one a line, aligned."""
    width = max(map(len, named))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in named.items())
