"""What became of every question and press: what stands in the spaces, compared with what the database has.

The spaces are the truth. The database tells which message belongs to which question, and is itself checked: each
message of the bot must be one that the database has, or one whose outcome it does not claim to know.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.emulator.things import Message
    from bot.emulator.world import World
    from tests.chaos.people import Asked, People, Pressed
    from tests.chaos.stores import Row, Store
    from tests.live_bot import LiveBot

UNSETTLED = frozenset({"intended", "unsure"})
FLYING, PRECISION = 2.5, 0.1
"""Seconds: a post that took effect so long after it was sent may do so after a new process has waited for it."""
ENDS = ("failed", "expired", "canceled", "unsure")
"""What a card shows when nothing follows any more."""
ANNOUNCEMENTS = (":trouble", ":privately")
"""How the keys of messages end after which the answer is still to come."""
TABLES = (
    *("events", "requests", "messages", "audit", "runs", "subscriptions", "schedules", "ready_reports"),
    *("hook_calls", "outbound_events"),
)
CARDS_OF_A_REQUEST = 4
"""In progress, in progress beside an older request (or no more), ready, and another end after all."""
DELETED, NOT_FOUND = 204, 404
"""How Webex answers when a message or a report was deleted, and when there is none."""


@dataclass(frozen=True)
class Tables:
    """The tables, read once."""

    events: dict[str, Row] = field(default_factory=dict)
    requests: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    audit: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    schedules: list[Row] = field(default_factory=list)
    ready_reports: list[Row] = field(default_factory=list)
    hook_calls: list[Row] = field(default_factory=list)
    outbound_events: list[Row] = field(default_factory=list)

    @property
    def looked_at(self) -> bool:
        """Return True when both families were looked at for subscriptions."""
        return {one["family"] for one in self.ready_reports} == {"partner", "organization"}

    def caused_by(self, event: str) -> list[Row]:
        """Return the requests of one event."""
        return [one for one in self.requests if one["event_key"].startswith(f"{event}:")]

    def of_card(self, pressed: Pressed) -> list[Row]:
        """Return the request to which a pressed card belongs, or those in its thread where it says none."""
        of_one = [one for one in self.requests if one["reference"] == pressed.reference]
        return of_one or [one for one in self.requests if one["thread_id"] == pressed.under.root]

    def sent_for(self, event: str, requests: Sequence[Row]) -> list[Row]:
        """Return the messages of these requests, those whose file served them, and the other answers to an event."""
        ids = {one["id"] for one in requests}
        files = {one["file_message"] for one in requests} - {None}
        return [
            one
            for one in self.messages
            if one["request_id"] in ids or one["id"] in files or one["key"].startswith(f"{event}:")
        ]


def read(store: Store) -> Tables | None:
    """Read the database as it is now; None while it cannot be read: an empty one would tell of lost presses."""
    tables: dict[str, Any] | None = store.read(TABLES)
    if tables is None:
        return None
    events = {f"{one['resource']}:{one['data_id']}": one for one in tables.pop("events")}
    return Tables(events=events, **tables)


class Verdict:
    """One look at everything."""

    def __init__(self, live: LiveBot, people: People, received: set[str], tables: Tables) -> None:
        self._world: World = live.emulator.world
        self._bot = live.bot
        self._people = people
        self._tables = tables
        with self._world.lock:
            self._messages: dict[str, Message] = {one.id: one for one in self._world.messages_of(live.bot)}
        self.delivered = 0
        self.lost: list[str] = []
        for asked in people.asked.values():
            self._judge_question(asked)
        for pressed in people.pressed:
            if pressed.action_id in received:
                self._judge_press(pressed)
        self._late = self._landed_late()
        self.twice, self.unknowable = self._recorded_against_said()
        self.twice += self._too_many_in_threads()
        self._judge_deletions()
        self.unknown = sum(one["state"] == "unsure" for one in tables.messages)

    @property
    def otherwise(self) -> Counter[str]:
        """Return how questions and presses ended that did not bring a file, by the audit's words."""
        rows = (one["outcome"] for one in self._tables.audit if one["door"] in {"system", "chat", "button"})
        endings = ("failed", "refused", "canceled", "expired", "unsure", "error", "limited")
        return Counter(outcome for outcome in rows if outcome.split(":")[0] in endings)

    def _judge_question(self, asked: Asked) -> None:
        event = f"messages:{asked.message.id}"
        caused = self._tables.caused_by(event)
        what = f"{asked.ask}"
        sent = self._tables.sent_for(event, caused)
        if asked.ask.what == "help":
            self._need(bool(self._of(sent)) or bool(self._loose_in(asked.root)), f"no help: {what}")
            return
        files = [one for one in (*self._of(sent), *self._loose_in(asked.root)) if one.files]
        if files:
            self.delivered += 1
            self._need(all(self._is_whole(one, asked) for one in files), f"a damaged file: {what}")
            return
        if self._ended(caused, sent, asked.root):
            return
        row = self._tables.events.get(event)
        states = [one["state"] for one in caused] or [f"event {row['state']}" if row else "no event"]
        self.lost.append(f"no ending ({', '.join(states)}): {what}")

    def _judge_press(self, pressed: Pressed) -> None:
        event = f"attachmentActions:{pressed.action_id}"
        caused = self._tables.caused_by(event)
        row = self._tables.events.get(event)
        if self._ended(caused, self._tables.sent_for(event, caused), "") or self._is_shown_by_card(row, pressed):
            return
        state = row["state"] if row else "no event"
        self.lost.append(f"no answer to a press of “{pressed.word}” ({state}, {[one['state'] for one in caused]})")

    def _judge_deletions(self) -> None:
        """A report is deleted only after a press of who may delete it, and is when that was said.

        Where Webex answered 404 to it, nobody can know better.
        """
        answered_404 = any(call.status == NOT_FOUND for call in self._world.calls.calls_to("DELETE", "/v1/*reports/*"))
        confirmed = {
            one.under.report.id
            for one in self._people.pressed
            if one.word == "delete" and one.under.ask.who == "ada" and one.under.report is not None
        }
        for asked in self._people.asked.values():
            report = asked.report
            if report is None:
                continue
            self._need(not report.deleted or report.id in confirmed, f"deleted by nobody: {asked.ask}")
            said = f"Deleted **{report.title}**"
            told = any(said in (one.markdown or "") for one in self._messages.values())
            self._need(report.deleted or not told or answered_404, f"said to be deleted: {asked.ask}")

    def _ended(self, caused: list[Row], sent: list[Row], root: str) -> bool:
        """Return True when there is a file, a sentence that ends it, or a card that says that nothing follows."""
        if self._of(one for one in sent if _ends(one, of_a_request=bool(caused))):
            return True
        # What nobody can know is counted as unknown, not as lost.
        unknown = any(one["state"] == "unsure" for one in (*caused, *sent))
        return unknown or any(not one.card for one in self._loose_in(root))

    def _is_shown_by_card(self, event: Row | None, pressed: Pressed) -> bool:
        """Return True when the request of the pressed card got a message after the press: its thread follows it."""
        ids = {one["id"] for one in self._tables.of_card(pressed)}
        return any(
            event is not None
            and one["request_id"] in ids
            and (one["state"] == "unsure" or (one["settled_at"] or "") >= event["received_at"])
            for one in self._tables.messages
        )

    def _of(self, rows: Iterable[Row]) -> list[Message]:
        return [self._messages[one["message_id"]] for one in rows if one["message_id"] in self._messages]

    def _loose(self) -> list[Message]:
        known = {one["message_id"] for one in self._tables.messages}
        return [one for one in self._messages.values() if one.id not in known]

    def _loose_in(self, root: str) -> list[Message]:
        """Messages in a thread that the database does not know (yet)."""
        return [one for one in self._loose() if root and one.parent_id == root]

    def _is_whole(self, message: Message, asked: Asked) -> bool:
        assert asked.report is not None
        body = self._world.body_of(asked.report).path.read_bytes()
        return message.files[0].sha256 == hashlib.sha256(body).hexdigest()

    def _landed_late(self) -> set[str]:
        """Messages of posts that hung: who looked meanwhile could not see them, and sent them again."""
        calls = [call for call in self._world.calls.calls_to("POST", "/v1/messages") if call.seconds >= FLYING]
        landed = [call.at + call.seconds for call in calls]
        return {one.id for one in self._messages.values() if any(abs(one.created - at) < PRECISION for at in landed)}

    def _need(self, good: bool, otherwise: str) -> None:
        if not good:
            self.lost.append(otherwise)

    def _recorded_against_said(self) -> tuple[list[str], int]:
        """Each message is on record, or is of a row whose outcome is open; more than those is twice.

        Gives what was said twice where the bot may look, and how much where it may not.
        """
        loose: dict[tuple[str, str], list[Message]] = {}
        for message in self._loose():
            loose.setdefault((message.room_id, message.parent_id or ""), []).append(message)
        unsettled = [one for one in self._tables.messages if one["state"] in UNSETTLED]
        may_be = Counter((self._room_of(one), one["parent_id"] or "") for one in unsettled)
        came_late = {_of(one) for one in self._messages.values() if one.id in self._late}
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
            if not parent and self._world.spaces[room].type != "direct":
                unknowable += more
                continue
            for one in found[-more:]:
                if _of(one) in came_late:  # it was sent again, and it is the first that is on record
                    unknowable += 1
                else:
                    twice.append(f"more than is on record: {_shown(one)}")
        of_one = Counter(one["message_id"] for one in self._tables.messages if one["message_id"])
        twice += [f"one message on record {number} times" for number in of_one.values() if number > 1]
        return twice, unknowable

    def _room_of(self, post: Row) -> str:
        if post["room_id"]:
            return str(post["room_id"])
        return self._world.direct_space(self._world.people[post["person_id"]], self._bot).id

    def _too_many_in_threads(self) -> list[str]:
        """The same seen from outside, without the database: cards, files and sentences of each thread are counted."""
        found: list[str] = []
        stayed = sum(call.status != DELETED for call in self._world.calls.calls_to("DELETE", "/v1/messages/*"))
        stayed += sum(one["state"] in UNSETTLED for one in self._tables.messages)  # nobody knows what to delete
        words = Counter((pressed.under.root, pressed.word) for pressed in self._people.pressed)
        for asked in self._people.asked.values():
            root = asked.root
            there = [one for one in self._messages.values() if one.parent_id == root and one.id not in self._late]
            cards = [one for one in there if one.card]
            files = [one for one in there if one.files]
            texts = Counter(one.markdown for one in there if not one.card and not one.files)
            presses = sum(number for (where, _), number in words.items() if where == root)
            runs = words[root, "run"] + words[root, "new"]
            requests = 1 + words[root, "report"] + runs
            answers = words[root, "why"] + words[root, "refresh"] + words[root, "cancel"] + runs
            standing = [one for one in cards if not one.deleted]
            if len(cards) > CARDS_OF_A_REQUEST * requests + answers:
                found.append(f"{len(cards)} cards, those deleted included: {asked.ask}")
            if len(standing) > requests + words[root, "why"] + runs + stayed:
                found.append(f"{len(standing)} cards: {asked.ask}")
            if len(created := asked.created()) > 1 + runs:
                found.append(f"{len(created)} reports created: {asked.ask}")
            if len(files) > requests + words[root, "again"]:
                found.append(f"{len(files)} files: {asked.ask}")
            found += [f"{text!r}: {asked.ask}" for text, number in texts.items() if number > 1 + max(0, presses - 1)]
        return found


def _ends(row: Row, *, of_a_request: bool) -> bool:
    """Return True when nothing follows this message: a file, an end, a card that says so, an answer to a command."""
    if not of_a_request:
        return not row["key"].endswith(ANNOUNCEMENTS)
    if row["slot"] == "card":
        return (row["variant"] or "").startswith(ENDS)
    return row["slot"] in {"file", "end"}


def _of(message: Message) -> tuple[str, str | None, str | None]:
    return message.room_id, message.parent_id, message.markdown


def _shown(message: Message) -> str:
    kind = "card" if message.card else "file" if message.files else "sentence"
    return f"{kind} {(message.markdown or message.text or '')[:120]!r}"


def summary(named: dict[str, Any]) -> str:
    """Names and figures, one a line, aligned."""
    width = max(map(len, named))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in named.items())
