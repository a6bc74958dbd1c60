"""What version 0.1.0 left is carried over: nothing is sent twice, what was open goes on, an end is told once."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from bot import app
from bot.db import requests
from bot.db.old_tables import deliveries, posts
from bot.db.requests import PERSON, State
from bot.outbox import fingerprint
from tests.core.posting import GENTLY
from tests.faults.test_6_large_files import LIMIT, table
from tests.live_bot import CSV, FAILED, BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot

pytestmark = pytest.mark.threads_listed

PARTS = 5
"""Of the table, at the limit of these tests."""
CLOSED = {
    "done": State.DELIVERED,
    "failed": State.FAILED,
    "refused": State.REFUSED,
    "cancelled": State.CANCELED,
    "expired": State.EXPIRED,
    "unknown": State.UNSURE,
}


@dataclass
class OldVersion:
    """Writes rows, messages and jobs as version 0.1.0 did."""

    stepped: SteppedBot
    roots: dict[int, Message] = field(default_factory=dict)

    def asks(self, report: Any, state: str, *, person: Person | None = None, **values: Any) -> int:
        """Store a request in the group space, made by a message of a person (Ada); return its number."""
        stepped, who = self.stepped, person or self.stepped.setup.ada
        root = stepped.world.say(who, stepped.setup.group, f"report {report.id}", mention=stepped.setup.bot)
        number = len(self.roots) + 1
        self.roots[number] = root
        found = state != "asked"
        given = {
            "id": number,
            "reference": f"old{number}",
            "origin": f"messages:{root.id}:{report.id}",
            "asker_id": who.id,
            "room_id": stepped.setup.group.id,
            "room_type": "group",
            "parent_id": root.id,
            "report_id": report.id,
            "family": "partner" if found else None,
            "region": "US" if found else None,
            "title": report.title if found else None,
            "status": "In progress" if found else None,
            "state": state,
            "asked_at": stepped.clock(),
            "deadline_at": stepped.clock() + timedelta(hours=26),
            "ready_at": stepped.clock() if state in {"ready", "fetching", "posting", "done", "unknown"} else None,
            "settled_at": stepped.clock() if state in CLOSED else None,
        }
        with stepped.database.begin() as tx:
            tx.execute(deliveries.insert().values(given | values))
        return number

    def sends(self, number: int, what: str, words: str, state: str = "sent", **values: Any) -> Message:
        """Send a message for a request in its thread, and store it in that state."""
        stepped, root = self.stepped, self.roots[number]
        sent = stepped.world.post(stepped.setup.bot, stepped.setup.group, text=words, parent_id=root.id)
        given = {
            "key": f"delivery:{number}:{what}",
            "room_id": stepped.setup.group.id,
            "parent_id": root.id,
            "direct": False,
            "state": state,
            "message_id": sent.id if state in {"sent", "leaving"} else None,
            "intended_at": stepped.clock(),
            "settled_at": None if state == "intended" else stepped.clock(),
            "said": fingerprint(words),
        }
        with stepped.database.begin() as tx:
            tx.execute(posts.insert().values(given | values))
        return sent

    def leaves(self, *jobs: tuple[str, str]) -> None:
        """End with these jobs in the queue; the new version's worker starts."""
        with self.stepped.database.begin() as tx:
            for task, key in jobs:
                self.stepped.queue.put(tx, task, key)
        self.starts()

    def starts(self) -> None:
        """Start the new version's worker on the old rows, up to its first job."""
        app._carry_over(self.stepped.services, self.stepped.operations, threading.Event())


@pytest.fixture
def old(stepped: SteppedBot) -> OldVersion:
    return OldVersion(stepped)


def files(stepped: SteppedBot, space: Space | None = None) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in stepped.said(space or stepped.setup.group) if one.files]


def goes_on(stepped: SteppedBot) -> None:
    for _ in range(3):
        stepped.work()
        stepped.sweep.once()
        stepped.wait(GENTLY)


@pytest.mark.parametrize("with_job", [True, False], ids=["with its job", "its job was lost"])
@pytest.mark.parametrize("state", ["asked", "pending", "ready", "fetching", "posting"])
def test_an_open_request_gets_one_card_and_one_file(
    stepped: SteppedBot, old: OldVersion, state: str, with_job: bool
) -> None:
    report = stepped.setup.partner_report()
    number = old.asks(report, state)
    if state != "asked":
        old.sends(number, "card", "Old card", shows="pending" if state == "pending" else "ready")
    jobs = {"asked": ("answer", "1"), "pending": ("watch", "partner:US")}
    old.leaves(*([jobs.get(state, ("deliver", f"partner:{report.id}"))] if with_job else []))
    stepped.clock.turn(GENTLY)

    goes_on(stepped)

    assert stepped.request().state is State.DELIVERED
    assert stepped.request().reference == "old1"
    assert files(stepped) == [CSV]
    kept = state not in {"asked", "pending"}
    assert ["Old card" in (one.text or "") for one in stepped.said(stepped.setup.group) if not one.files] == [kept]


def test_a_file_whose_answer_was_lost_is_looked_for_and_not_posted_again(stepped: SteppedBot, old: OldVersion) -> None:
    report = stepped.setup.partner_report()
    number = old.asks(report, "posting")
    old.sends(number, "card", "Old card", shows="ready")
    file = old.sends(number, "file", "**Calling Usage** · 35 bytes", "intended")
    old.leaves(("deliver", f"partner:{report.id}"))

    goes_on(stepped)

    assert stepped.request().state is State.DELIVERED
    assert stepped.said(stepped.setup.group)[-1].id == file.id
    assert len(stepped.said(stepped.setup.group)) == 2


def test_a_file_that_was_half_posted_in_parts_goes_on_with_the_next_part(
    stepped: SteppedBot, old: OldVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.deliver.MAX_POSTED", LIMIT)
    content = table(14_000).encode()
    report = stepped.setup.partner_report(content=content)
    number = old.asks(report, "posting")
    digest = hashlib.sha256(content).hexdigest()[:8]
    old.sends(number, f"file:1of{PARTS}:{digest}", "First part")
    old.leaves(("deliver", f"partner:{report.id}"))

    goes_on(stepped)

    assert stepped.request().state is State.DELIVERED
    assert len(files(stepped)) == PARTS - 1, "the others"


def test_those_who_joined_another_request_are_served_with_one_file(stepped: SteppedBot, old: OldVersion) -> None:
    report = stepped.setup.partner_report()
    first = old.asks(report, "pending")
    second = old.asks(report, "pending", person=stepped.setup.grace, leader_id=first)
    old.sends(first, "card", "Old card", shows="pending")
    old.sends(second, "card", "Old card that joined", shows="pending joined")
    old.leaves(("watch", "partner:US"))

    goes_on(stepped)

    assert [stepped.request(number).state for number in (first, second)] == [State.DELIVERED, State.DELIVERED]
    assert files(stepped) == [CSV]
    assert not [one for one in stepped.said(stepped.setup.group) if "Old card" in (one.text or "")]


def test_what_was_sent_beside_a_thread_is_known_there(stepped: SteppedBot, old: OldVersion) -> None:
    report = stepped.setup.partner_report(status="In progress")
    number = old.asks(report, "pending")
    refused = old.sends(number, "card", "Refused", "refused")
    refused.deleted = True
    stepped.world.delete(old.roots[number], stepped.setup.ada)
    beside = stepped.world.post(stepped.setup.bot, stepped.setup.group, text="Old card")
    with stepped.database.begin() as tx:
        row = {"key": "delivery:1:card:beside", "room_id": stepped.setup.group.id, "direct": False, "state": "sent"}
        row |= {
            "message_id": beside.id,
            "intended_at": stepped.clock(),
            "settled_at": stepped.clock(),
            "shows": "pending",
        }
        tx.execute(posts.insert().values(row))
    old.leaves(("watch", "partner:US"), ("tell", "1"))
    stepped.work()
    assert [one.id for one in stepped.said(stepped.setup.group)] == [beside.id], "it is not sent again"

    stepped.world.set_report(report.id, status="done")
    goes_on(stepped)

    assert beside.deleted
    assert len(files(stepped)) == 1


@pytest.mark.parametrize("state", CLOSED)
def test_of_a_closed_request_nothing_is_sent_again(stepped: SteppedBot, old: OldVersion, state: str) -> None:
    report = stepped.setup.partner_report(status="failed" if state == "failed" else "done")
    number = old.asks(report, state, reason=None if state == "done" else "Because.", card_key="delivery:1:end")
    old.sends(number, "card", "Old card", "deleted").deleted = True
    last = old.sends(number, "file" if state == "done" else "end", "The last message")
    old.leaves(("tell", "1"), ("deliver", f"partner:{report.id}"))

    goes_on(stepped)

    assert stepped.request().state is CLOSED[state]
    assert [one.id for one in stepped.said(stepped.setup.group)] == [last.id]
    assert stepped.said() == stepped.said(person=stepped.setup.grace) == []


def test_a_card_that_was_refreshed_is_the_request_s_card(stepped: SteppedBot, old: OldVersion) -> None:
    report = stepped.setup.partner_report(status="In progress")
    key = f"attachmentActions:A:refresh:{report.id}"
    number = old.asks(report, "pending", card_key=key)
    card = old.sends(number, "", "Old card", key=key, shows="pending")
    old.leaves(("watch", "partner:US"))
    stepped.world.set_report(report.id, status="done")

    goes_on(stepped)

    assert card.deleted
    assert [("card" if one.card else "file") for one in stepped.said(stepped.setup.group)] == ["card", "file"]


def test_an_end_that_was_not_told_yet_is_told_once(stepped: SteppedBot, old: OldVersion) -> None:
    report = stepped.setup.partner_report(status="failed")
    number = old.asks(report, "failed", reason="Webex could not make this report.", status="failed")
    old.sends(number, "card", "Old card", shows="pending")
    old.leaves(("tell", "1"))

    goes_on(stepped)

    (card,) = stepped.said(stepped.setup.group)
    assert FAILED in BotMessage(card).shown


def test_a_card_that_was_to_be_deleted_is_deleted(stepped: SteppedBot, old: OldVersion) -> None:
    """It showed a report before an outsider, and Webex had trouble."""
    report = stepped.setup.partner_report(status="In progress")
    number = old.asks(report, "pending", private=True)
    card = old.sends(number, "card:elsewhere:1", "Old card", "leaving", shows="pending")
    old.leaves(("take back", "delivery:1:card:elsewhere:1"))

    stepped.work()

    assert card.deleted
    assert stepped.request().destination == PERSON
    stepped.world.set_report(report.id, status="done")
    goes_on(stepped)
    assert files(stepped, stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)) == [CSV]
    assert files(stepped) == []


def test_a_request_that_the_old_web_process_has_stored_meanwhile_is_answered(
    stepped: SteppedBot, old: OldVersion
) -> None:
    """It goes on writing events, and counts the old table's rows."""
    report = stepped.setup.partner_report()
    old.asks(report, "pending")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    old.leaves(("watch", "partner:US"))
    stepped.receive(stepped.setup.grace, f"report {report.id}")
    with stepped.database.read() as tx:
        counted = tx.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state)).all()

    goes_on(stepped)

    assert counted == []
    people = [stepped.world.direct_space(who, stepped.setup.bot) for who in (stepped.setup.ada, stepped.setup.grace)]
    assert [files(stepped, space) for space in (stepped.setup.group, *people)] == [[CSV], [CSV], [CSV]]
    with stepped.database.read() as tx:
        assert [one.state for one in requests.find(tx)] == ["delivered"] * 3


def test_a_second_start_carries_over_nothing(stepped: SteppedBot, old: OldVersion) -> None:
    report = stepped.setup.partner_report(status="In progress")
    number = old.asks(report, "pending")
    old.sends(number, "card", "Old card", shows="pending")
    old.leaves(("watch", "partner:US"))
    stepped.receive(stepped.setup.ada, f"cancel {report.id}", stepped.setup.group)
    stepped.work()
    before = (stepped.request(), stepped.report())

    stepped.restart()
    old.starts()

    assert (stepped.request(), stepped.report()) == before
    assert stepped.request().state is State.CANCELED
