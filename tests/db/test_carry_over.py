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
from tests.faults.test_6_size_ladder import LIMIT, table
from tests.stage import CSV, Heard

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.core.workbench import Workbench

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

    bench: Workbench
    roots: dict[int, Message] = field(default_factory=dict)

    def asks(self, report: Any, state: str, *, person: Person | None = None, **values: Any) -> int:
        """Store a request in the group space, made by a message of a person (Ada); return its number."""
        bench, who = self.bench, person or self.bench.stage.ada
        root = bench.world.say(who, bench.stage.group, f"report {report.id}", mention=bench.stage.bot)
        number = len(self.roots) + 1
        self.roots[number] = root
        found = state != "asked"
        given = {
            "id": number,
            "reference": f"old{number}",
            "origin": f"messages:{root.id}:{report.id}",
            "asker_id": who.id,
            "room_id": bench.stage.group.id,
            "room_type": "group",
            "parent_id": root.id,
            "report_id": report.id,
            "family": "partner" if found else None,
            "region": "US" if found else None,
            "title": report.title if found else None,
            "status": "In progress" if found else None,
            "state": state,
            "asked_at": bench.clock(),
            "deadline_at": bench.clock() + timedelta(hours=26),
            "ready_at": bench.clock() if state in {"ready", "fetching", "posting", "done", "unknown"} else None,
            "settled_at": bench.clock() if state in CLOSED else None,
        }
        with bench.database.begin() as tx:
            tx.execute(deliveries.insert().values(given | values))
        return number

    def sends(self, number: int, what: str, words: str, state: str = "sent", **values: Any) -> Message:
        """Send a message for a request in its thread, and store it in that state."""
        bench, root = self.bench, self.roots[number]
        sent = bench.world.post(bench.stage.bot, bench.stage.group, text=words, parent_id=root.id)
        given = {
            "key": f"delivery:{number}:{what}",
            "room_id": bench.stage.group.id,
            "parent_id": root.id,
            "direct": False,
            "state": state,
            "message_id": sent.id if state in {"sent", "leaving"} else None,
            "intended_at": bench.clock(),
            "settled_at": None if state == "intended" else bench.clock(),
            "said": fingerprint(words),
        }
        with bench.database.begin() as tx:
            tx.execute(posts.insert().values(given | values))
        return sent

    def leaves(self, *jobs: tuple[str, str]) -> None:
        """End with these jobs in the queue; the new version's worker starts."""
        with self.bench.database.begin() as tx:
            for task, key in jobs:
                self.bench.queue.put(tx, task, key)
        self.starts()

    def starts(self) -> None:
        """Start the new version's worker on the old rows, up to its first job."""
        app._carry_over(self.bench.services, self.bench.operations, threading.Event())


@pytest.fixture
def old(bench: Workbench) -> OldVersion:
    return OldVersion(bench)


def files(bench: Workbench, space: Space | None = None) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said(space or bench.stage.group) if one.files]


def goes_on(bench: Workbench) -> None:
    for _ in range(3):
        bench.work()
        bench.sweep.once()
        bench.wait(GENTLY)


@pytest.mark.parametrize("with_job", [True, False], ids=["with its job", "its job was lost"])
@pytest.mark.parametrize("state", ["asked", "pending", "ready", "fetching", "posting"])
def test_an_open_request_gets_one_card_and_one_file(
    bench: Workbench, old: OldVersion, state: str, with_job: bool
) -> None:
    report = bench.stage.partner_report()
    number = old.asks(report, state)
    if state != "asked":
        old.sends(number, "card", "Old card", shows="pending" if state == "pending" else "ready")
    jobs = {"asked": ("answer", "1"), "pending": ("watch", "partner:US")}
    old.leaves(*([jobs.get(state, ("deliver", f"partner:{report.id}"))] if with_job else []))
    bench.clock.turn(GENTLY)

    goes_on(bench)

    assert bench.request().state is State.DELIVERED
    assert bench.request().reference == "old1"
    assert files(bench) == [CSV]
    kept = state not in {"asked", "pending"}
    assert ["Old card" in (one.text or "") for one in bench.said(bench.stage.group) if not one.files] == [kept]


def test_a_file_whose_answer_was_lost_is_looked_for_and_not_posted_again(bench: Workbench, old: OldVersion) -> None:
    report = bench.stage.partner_report()
    number = old.asks(report, "posting")
    old.sends(number, "card", "Old card", shows="ready")
    file = old.sends(number, "file", "**Calling Usage** · 35 bytes", "intended")
    old.leaves(("deliver", f"partner:{report.id}"))

    goes_on(bench)

    assert bench.request().state is State.DELIVERED
    assert bench.said(bench.stage.group)[-1].id == file.id
    assert len(bench.said(bench.stage.group)) == 2


def test_a_file_that_was_half_posted_in_parts_goes_on_with_the_next_part(
    bench: Workbench, old: OldVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.reports.deliver.MAX_POSTED", LIMIT)
    content = table(14_000).encode()
    report = bench.stage.partner_report(content=content)
    number = old.asks(report, "posting")
    digest = hashlib.sha256(content).hexdigest()[:8]
    old.sends(number, f"file:1of{PARTS}:{digest}", "First part")
    old.leaves(("deliver", f"partner:{report.id}"))

    goes_on(bench)

    assert bench.request().state is State.DELIVERED
    assert len(files(bench)) == PARTS - 1, "the others"


def test_those_who_joined_another_request_are_served_with_one_file(bench: Workbench, old: OldVersion) -> None:
    report = bench.stage.partner_report()
    first = old.asks(report, "pending")
    second = old.asks(report, "pending", person=bench.stage.grace, leader_id=first)
    old.sends(first, "card", "Old card", shows="pending")
    old.sends(second, "card", "Old card that joined", shows="pending joined")
    old.leaves(("watch", "partner:US"))

    goes_on(bench)

    assert [bench.request(number).state for number in (first, second)] == [State.DELIVERED, State.DELIVERED]
    assert files(bench) == [CSV]
    assert not [one for one in bench.said(bench.stage.group) if "Old card" in (one.text or "")]


def test_what_was_sent_beside_a_thread_is_known_there(bench: Workbench, old: OldVersion) -> None:
    report = bench.stage.partner_report(status="In progress")
    number = old.asks(report, "pending")
    refused = old.sends(number, "card", "Refused", "refused")
    refused.deleted = True
    bench.world.delete(old.roots[number], bench.stage.ada)
    beside = bench.world.post(bench.stage.bot, bench.stage.group, text="Old card")
    with bench.database.begin() as tx:
        row = {"key": "delivery:1:card:beside", "room_id": bench.stage.group.id, "direct": False, "state": "sent"}
        row |= {"message_id": beside.id, "intended_at": bench.clock(), "settled_at": bench.clock(), "shows": "pending"}
        tx.execute(posts.insert().values(row))
    old.leaves(("watch", "partner:US"), ("tell", "1"))
    bench.work()
    assert [one.id for one in bench.said(bench.stage.group)] == [beside.id], "it is not sent again"

    bench.world.set_report(report.id, status="done")
    goes_on(bench)

    assert beside.deleted
    assert len(files(bench)) == 1


@pytest.mark.parametrize("state", CLOSED)
def test_of_a_closed_request_nothing_is_sent_again(bench: Workbench, old: OldVersion, state: str) -> None:
    report = bench.stage.partner_report(status="failed" if state == "failed" else "done")
    number = old.asks(report, state, reason=None if state == "done" else "Because.", card_key="delivery:1:end")
    old.sends(number, "card", "Old card", "deleted").deleted = True
    last = old.sends(number, "file" if state == "done" else "end", "The last message")
    old.leaves(("tell", "1"), ("deliver", f"partner:{report.id}"))

    goes_on(bench)

    assert bench.request().state is CLOSED[state]
    assert [one.id for one in bench.said(bench.stage.group)] == [last.id]
    assert bench.said() == bench.said(person=bench.stage.grace) == []


def test_a_card_that_was_refreshed_is_the_request_s_card(bench: Workbench, old: OldVersion) -> None:
    report = bench.stage.partner_report(status="In progress")
    key = f"attachmentActions:A:refresh:{report.id}"
    number = old.asks(report, "pending", card_key=key)
    card = old.sends(number, "", "Old card", key=key, shows="pending")
    old.leaves(("watch", "partner:US"))
    bench.world.set_report(report.id, status="done")

    goes_on(bench)

    assert card.deleted
    assert [("card" if one.card else "file") for one in bench.said(bench.stage.group)] == ["card", "file"]


def test_an_end_that_was_not_told_yet_is_told_once(bench: Workbench, old: OldVersion) -> None:
    report = bench.stage.partner_report(status="failed")
    number = old.asks(report, "failed", reason="Webex could not make this report.", status="failed")
    old.sends(number, "card", "Old card", shows="pending")
    old.leaves(("tell", "1"))

    goes_on(bench)

    (card,) = bench.said(bench.stage.group)
    assert "● Failed" in Heard(card).shown


def test_a_card_that_was_to_be_deleted_is_deleted(bench: Workbench, old: OldVersion) -> None:
    """It showed a report before an outsider, and Webex had trouble."""
    report = bench.stage.partner_report(status="In progress")
    number = old.asks(report, "pending", private=True)
    card = old.sends(number, "card:elsewhere:1", "Old card", "leaving", shows="pending")
    old.leaves(("take back", "delivery:1:card:elsewhere:1"))

    bench.work()

    assert card.deleted
    assert bench.request().destination == PERSON
    bench.world.set_report(report.id, status="done")
    goes_on(bench)
    assert files(bench, bench.world.direct_space(bench.stage.ada, bench.stage.bot)) == [CSV]
    assert files(bench) == []


def test_a_request_that_the_old_web_process_has_stored_meanwhile_is_answered(bench: Workbench, old: OldVersion) -> None:
    """It goes on writing events, and counts the old table's rows."""
    report = bench.stage.partner_report()
    old.asks(report, "pending")
    bench.hears(bench.stage.ada, f"report {report.id}")
    old.leaves(("watch", "partner:US"))
    bench.hears(bench.stage.grace, f"report {report.id}")
    with bench.database.read() as tx:
        counted = tx.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state)).all()

    goes_on(bench)

    assert counted == []
    people = [bench.world.direct_space(who, bench.stage.bot) for who in (bench.stage.ada, bench.stage.grace)]
    assert [files(bench, space) for space in (bench.stage.group, *people)] == [[CSV], [CSV], [CSV]]
    with bench.database.read() as tx:
        assert requests.counts(tx) == {"delivered": 3}


def test_a_second_start_carries_over_nothing(bench: Workbench, old: OldVersion) -> None:
    report = bench.stage.partner_report(status="In progress")
    number = old.asks(report, "pending")
    old.sends(number, "card", "Old card", shows="pending")
    old.leaves(("watch", "partner:US"))
    bench.hears(bench.stage.ada, f"cancel {report.id}", bench.stage.group)
    bench.work()
    before = (bench.request(), bench.report())

    bench.restart()
    old.starts()

    assert (bench.request(), bench.report()) == before
    assert bench.request().state is State.CANCELED
