"""What became of each report that subscriptions announce, each planned run, and each order of a program.

Counted in the spaces, where nobody asks for these; the database tells why something did not come.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from bot.reports.quota import MOST_REPORTS
from tests.chaos.verdict import UNSETTLED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.emulator.things import Message, Space
    from tests.chaos.callers import Callers, Ordered
    from tests.chaos.stores import Row
    from tests.chaos.unasked import Appeared, Planned, Unasked
    from tests.chaos.verdict import Tables
    from tests.live_bot import LiveBot

GOING = frozenset({"open", "created"})
SENTENCE = "sentence"


class UnaskedVerdict:
    """One look at everything that nobody in a space asked for."""

    def __init__(self, live: LiveBot, unasked: Unasked, callers: Callers, tables: Tables) -> None:
        world = self._world = live.emulator.world
        self._tables = tables
        known = {one["message_id"] for one in tables.messages}
        with world.lock:  # what is not on record may be a post whose answer was lost, see `verdict.py`
            bots = [one for one in world.messages_of(live.bot) if one.id in known and not one.deleted]
        self._said: dict[str, list[tuple[str, str]]] = {}
        for message in bots:
            kind, shown = _kind(message), _shown(message)
            if kind == SENTENCE:
                # Of one report, an owner may be told in 1:1 that a subscription there and one of a space failed: they
                # begin differently. How else a second one about the same differs (its reference) does not count.
                kind = shown.partition(".")[0]
            self._said.setdefault(message.room_id, []).append((kind, shown))
        self.lost: list[str] = []
        self.twice: list[str] = []
        self.announced = self.ran = self.answered = self.missed_in_pauses = self.told = self.untold = 0
        self.otherwise: Counter[str] = Counter()
        for row in tables.subscriptions:
            for one in unasked.appeared:
                self._judge_announcement(row, one, unasked)
        for planned in unasked.planned:
            self._judge_run(planned, unasked)
        for ordered in callers.ordered:
            self._judge_order(ordered, callers)
        self._judge_events(callers)
        self._judge_rows()

    def figures(self) -> dict[str, Any]:
        """Return what is printed, by name."""
        otherwise = ", ".join(f"{reason} {number}" for reason, number in sorted(self.otherwise.items()))
        return {
            "announced": f"{self.announced}, and {self.missed_in_pauses} not while paused",
            "planned runs delivered": self.ran,
            "orders delivered": self.answered,
            "events taken": f"{self.told}, and {self.untold} still to come",
            "of these otherwise": f"{self.otherwise.total()} ({otherwise})",
        }

    def _judge_announcement(self, subscription: Row, one: Appeared, unasked: Unasked) -> None:
        what = f"{one.title} for the subscription to “{subscription['words']}” in {subscription['room_type']}"
        made = [
            row
            for row in self._tables.requests
            if row["subscription_id"] == subscription["id"] and row["report_id"] == one.report.id
        ]
        self._once(len(made), f"requests of {what}")
        if not made:
            if unasked.pauses[subscription["id"]].overlaps(one.at):
                self.missed_in_pauses += 1
            else:
                self.lost.append(f"not announced: {what}")
            return
        self.announced += self._judge_request(made[0], subscription["room_id"], one.title, what)

    def _judge_run(self, planned: Planned, unasked: Unasked) -> None:
        what = f"{planned.step}"
        rows = [one for one in self._tables.runs if one["schedule_id"] == planned.origin.id]
        self._once(len(rows), f"runs of {what}")
        self._once(len(unasked.created_for(planned)), f"reports of {what}")
        if not rows:
            self.lost.append(f"never run: {what}")
            return
        self._need(rows[0]["planned_at"] == planned.planned_at, f"another time, {rows[0]['planned_at']}: {what}")
        self.ran += self._judge_made(rows[0], planned.space, planned.title, what)

    def _judge_order(self, ordered: Ordered, callers: Callers) -> None:
        what = f"{ordered.step}"
        self.lost += [f"{answer}: {what}" for answer in ordered.wrong]
        self._once(len(set(ordered.answers)), f"answers to {what}")
        if not ordered.answers:
            self.lost.append(f"never answered: {what}")
            return
        reference, space = ordered.answers[0], callers.space
        if self._was_told_in_space(reference):
            self.otherwise["told in the space"] += 1
            return
        if ordered.step.runs:
            self._once(len(callers.made_for(ordered)), f"reports of {what}")
            run = next((one for one in self._tables.runs if one["reference"] == reference), None)
            self._need(run is not None, f"no run: {what}")
            self.answered += run is not None and self._judge_made(run, space, ordered.title, what)
            return
        request = next((one for one in self._tables.requests if one["reference"] == reference), None)
        self._need(request is not None, f"no request: {what}")
        self.answered += request is not None and self._judge_request(request, space.id, ordered.title, what)

    def _was_told_in_space(self, reference: str) -> bool:
        """Return True when a call of a hook came to nothing, as where Webex did not list the title."""
        call = next((one for one in self._tables.hook_calls if one["reference"] == reference), None)
        made = (*self._tables.requests, *self._tables.runs)
        came = any(one["reference"] == reference for one in made)
        return call is not None and call["handled_at"] is not None and not came

    def _judge_events(self, callers: Callers) -> None:
        """Each order that has ended has one event, which the receiver has taken or is still to be sent."""
        receiver = callers.receiver
        self.lost += receiver.wrong
        rows = {one["event_id"]: one for one in self._tables.outbound_events}
        taken = {one.event_id for one in receiver.receipts if one.is_taken}
        for receipt in receiver.receipts:
            row = rows.get(receipt.event_id)
            good = row is not None and row["payload"].encode() == receipt.body
            self._need(good, f"an event of no row, or another body: {receipt}")
        about = Counter(json.loads(one["payload"])["data"]["id"] for one in rows.values())
        for ordered in callers.ordered:
            reference = next(iter(ordered.answers), "")
            ended = [one for one in self._tables.requests if one["reference"] == reference and one["state"] != "open"]
            self._once(about[reference], f"events of {ordered.step}")
            self._need(not ended or about[reference] == 1, f"no event: {ordered.step}")
        for event_id, row in rows.items():
            self._need(row["state"] != "delivered" or event_id in taken, f"said to be sent: {row['payload']}")
            self.told += event_id in taken
            self.untold += row["state"] == "pending"

    def _judge_made(self, run: Row, space: Space, title: str, what: str) -> bool:
        """Judge a run, and the request for the report that it has created."""
        if run["state"] == "open" and run["schedule_id"] is not None and self._is_full(run["family"]):
            self.otherwise["run waits for room"] += 1  # as it should, and for longer than this run lasts
            return False
        if run["state"] != "created":
            self._need(run["state"] not in GOING, f"open: {what}")
            self.otherwise[f"run {run['state']}"] += run["state"] not in GOING
            return False
        made = [
            one
            for one in self._tables.requests
            if one["report_id"] == run["report_id"]
            and (one["schedule_id"], one["key_id"]) == (run["schedule_id"], run["key_id"])
        ]
        self._once(len(made), f"requests of {what}")
        self._need(bool(made), f"no request: {what}")
        return bool(made) and self._judge_request(made[0], space.id, title, what)

    def _is_full(self, family: str) -> bool:
        there = [one for one in self._world.reports.values() if one.family == family and not one.deleted]
        return len(there) >= MOST_REPORTS

    def _judge_request(self, request: Row, room_id: str, title: str, what: str) -> bool:
        """Return True when it was delivered; then it stands in its space, and once."""
        shown = [kind for kind, words in self._said.get(room_id, []) if title in words]
        self._once(max((shown.count(kind) for kind in set(shown)), default=0), f"messages of {what}")
        state = request["state"]
        self._need(state not in GOING, f"open: {what}")
        if state == "delivered":
            self._need(bool(shown) or self._unknown(request), f"said to be delivered: {what}")
        else:
            self.otherwise[state] += state not in GOING
        return bool(state == "delivered" and shown)

    def _unknown(self, request: Row) -> bool:
        theirs = [one for one in self._tables.messages if one["request_id"] == request["id"]]
        return any(one["state"] in UNSETTLED for one in theirs)

    def _judge_rows(self) -> None:
        """No subscription has two requests for a report, no schedule two runs of a time, whatever they are about."""
        pairs: Iterable[tuple[str, Any, Any]] = [
            *(("announced", one["subscription_id"], one["report_id"]) for one in self._tables.requests),
            *(("planned", one["schedule_id"], one["planned_at"]) for one in self._tables.runs),
        ]
        for (kind, origin, about), number in Counter(pairs).items():
            if origin is not None:
                self._once(number, f"{kind} {about} of {origin}")

    def _once(self, number: int, what: str) -> None:
        if number > 1:
            self.twice.append(f"{number} {what}")

    def _need(self, good: bool, otherwise: str) -> None:
        if not good:
            self.lost.append(otherwise)


def _kind(message: Message) -> str:
    """Return what a message is; one whose card Webex refused is a sentence."""
    return "card" if message.card is not None else "file" if message.files else SENTENCE


def _shown(message: Message) -> str:
    """Return everything that a message shows."""
    names = " ".join(one.name.replace("_", " ") for one in message.files)
    return f"{message.markdown or message.text or ''} {json.dumps(message.card)} {names}"
