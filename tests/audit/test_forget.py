"""Somebody who is forgotten is nowhere in the database any more, and others are served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import audit, messages
from bot.db.carry_over import carry_over
from bot.db.old_tables import deliveries, posts
from bot.db.requests import State
from bot.ops.forget import Forgotten, forget
from bot.queue import tasks
from bot.webex.ids import id_key
from bot.webex.types import Target
from tests.audit.rows import endings, rows
from tests.stage import ADMIN_OF_BOTH, CSV

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.core.workbench import Workbench


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
OPERATORS = Target(room_id="operators")


def forgets(bench: Workbench, person: Person) -> Forgotten:
    with bench.database.begin() as tx:
        return forget(tx, bench.queue, person.id, bench.clock())


def everything(bench: Workbench) -> str:
    """Every row of the database, as text."""
    with bench.database.read() as tx:
        tables = tx.connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        return "\n".join(str(row) for name in tables for row in tx.connection.exec_driver_sql(f"SELECT * FROM {name}"))


def test_the_id_is_nowhere_and_the_pseudonym_is_one(bench: Workbench) -> None:
    stage = bench.stage
    for words in ("help", f"report {stage.partner_report().id}", "reports"):
        bench.hears(stage.grace, words)
    bench.world.join(stage.outside, stage.grace)
    bench.hears(stage.grace, "reports", stage.outside)
    bench.work()
    number = len(rows(bench))
    assert stage.grace.id in everything(bench)

    done = forgets(bench, stage.grace)

    assert stage.grace.id not in everything(bench)
    assert done.audit == number
    assert done.requests == 1
    assert done.events == 4
    assert done.messages == 1, "the answer that went 1:1 because of outsiders"
    assert done.ended == 0
    pseudonyms = {row.person_id for row in rows(bench) if row.person_id}
    assert len(pseudonyms) == 1
    last = rows(bench)[-1]
    assert (last.channel, last.act, last.outcome, last.person_id) == ("cli", "forget", "done", None)


def test_their_1_1_space_is_nowhere_either_so_later_rows_lead_to_nothing_of_before(bench: Workbench) -> None:
    stage = bench.stage
    space = bench.world.direct_space(stage.grace, stage.bot)
    with bench.database.begin() as tx:
        row = messages.intend(tx, messages.Name(f"away:1-2:{space.id}"), OPERATORS, "words", MOMENT)
        assert row is not None
        messages.settle(tx, row, messages.SENT, MOMENT)
    report = stage.partner_report()
    bench.hears(stage.grace, f"report {report.id}")
    bench.work()
    card = next(one for one in bench.said(person=stage.grace) if one.card)
    bench.pressed(stage.grace, card, {"command": "refresh", "argument": report.id})
    bench.work()
    assert space.id in everything(bench)
    assert space.id not in str(rows(bench)), "the audit never has it"

    forgets(bench, stage.grace)

    assert space.id not in everything(bench)
    before = len(bench.said(person=stage.grace))
    with bench.database.begin() as tx:
        for event in ("1", "2"):
            bench.queue.put(tx, tasks.EVENT, event)
    bench.work()
    assert len(bench.said(person=stage.grace)) == before, "nothing is answered a second time"
    shown = next(one for one in bench.said(person=stage.grace) if one.card)
    bench.pressed(stage.grace, shown, {"command": "help"})
    bench.work()
    assert len(bench.said(person=stage.grace)) == before + 1, "and an old card still works"


def test_of_a_group_space_the_audit_says_which(bench: Workbench) -> None:
    bench.hears(bench.stage.grace, "reports", bench.stage.group)
    bench.hears(bench.stage.grace, "reports")
    bench.work()

    assert [row.room_id for row in rows(bench)] == [bench.stage.group.id, audit.DIRECT_SPACE]


def test_two_runs_have_two_pseudonyms(bench: Workbench) -> None:
    stage = bench.stage
    for person in (stage.ada, stage.grace):
        bench.hears(person, "reports")
    bench.work()

    forgets(bench, stage.ada)
    forgets(bench, stage.grace)

    assert len({row.person_id for row in rows(bench) if row.person_id}) == 2


def test_a_watch_is_canceled_first_and_nothing_comes(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.grace, f"report {report.id}")
    bench.work()

    done = forgets(bench, bench.stage.grace)
    bench.world.set_report(report.id, status="done")
    bench.wait(11)

    assert done.ended == 1
    assert bench.request().state is State.CANCELED
    assert endings(bench) == ["canceled:forget"]
    assert bench.downloads == 0


@pytest.mark.parametrize(("moment", "ended"), [("download", "canceled:forget"), ("upload", "unsure:forget")])
def test_a_file_on_its_way_ends_too(bench: Workbench, moment: str, ended: str) -> None:
    """The worker that has it in its hands finds that it ended, and writes the person's id nowhere."""
    stage = bench.stage
    bench.hears(stage.grace, f"report {stage.partner_report().id}", stage.group)
    bench.work(until=tasks.DELIVER)
    where = bench.files if moment == "download" else bench.chat
    call = getattr(where, moment)

    def and_then_forgotten(*args: Any, **how: Any) -> Any:
        done = call(*args, **how)
        forgets(bench, stage.grace)
        return done

    setattr(where, moment, and_then_forgotten)
    bench.work()

    assert endings(bench) == [ended]
    assert bool([one for one in bench.said(stage.group) if one.files]) is (moment == "upload")
    assert stage.grace.id not in everything(bench)


def test_no_thread_says_anything_of_a_request_whose_person_was_forgotten(bench: Workbench) -> None:
    bench.hears(bench.stage.grace, f"report {bench.stage.partner_report(status='waiting').id}", bench.stage.group)
    bench.work()
    before = bench.said(bench.stage.group)

    forgets(bench, bench.stage.grace)
    with bench.database.begin() as tx:
        bench.queue.put(tx, tasks.THREAD, "1")
    bench.work()

    assert bench.said(bench.stage.group) == before


@pytest.mark.parametrize("state", ["pending", "done"])
def test_rows_of_the_version_before_are_covered_before_they_are_carried_over(bench: Workbench, state: str) -> None:
    stage = bench.stage
    space, person = bench.world.direct_space(stage.grace, stage.bot).id, stage.grace.id
    with bench.database.begin() as tx:
        row: dict[str, Any] = {
            "reference": "r",
            "origin": "messages:1:r",
            "asker_id": person,
            "room_id": space,
            "room_type": "direct",
        }
        row |= {"report_id": "r", "family": "partner", "state": state, "asked_at": MOMENT, "deadline_at": MOMENT}
        tx.execute(deliveries.insert(), row)
        post = {"key": f"away:1-2:{space}", "room_id": space, "direct": True, "state": "sent", "intended_at": MOMENT}
        tx.execute(posts.insert(), post | {"person_id": person})

    done = forgets(bench, stage.grace)
    with bench.database.begin() as tx:
        carry_over(tx)

    assert (done.ended, done.requests, done.messages) == (state == "pending", 1, 1)
    assert person not in everything(bench)
    assert space not in everything(bench)
    assert bench.request().state is (State.CANCELED if state == "pending" else State.DELIVERED)


def test_what_they_wrote_and_nobody_read_yet_is_answered_no_more(bench: Workbench) -> None:
    """Without that, the worker fetches the message from Webex, and the person is on record again."""
    stage = bench.stage
    report = stage.partner_report()
    bench.hears(stage.grace, f"report {report.id}")
    bench.hears(stage.grace, f"report {report.id}", stage.group)
    bench.hears(stage.ada, "help", stage.group)

    done = forgets(bench, stage.grace)
    ran = bench.work()
    bench.clock.turn(61)
    bench.sweep.once()
    bench.work()

    assert done.unread == 2
    assert [one.task for one in ran] == [tasks.EVENT], "Ada's"
    assert bench.said(person=stage.grace) == []
    assert len(bench.said(stage.group)) == 1
    assert bench.downloads == 0
    assert stage.grace.id not in everything(bench)


def test_no_job_leads_to_them(bench: Workbench) -> None:
    """Neither by its key nor by its lock, which is their 1:1 space; what others wait for stays in the queue."""
    stage = bench.stage
    mine, other = stage.partner_report(status="waiting"), stage.partner_report(status="waiting")
    bench.hears(stage.grace, f"report {mine.id}")
    bench.hears(stage.ada, f"report {other.id}")
    bench.work(until=tasks.LOOKUP)
    bench.hears(stage.grace, "help")
    with bench.database.begin() as tx:
        for task, key in ((tasks.THREAD, "1"), (tasks.EVENT, "1"), (tasks.THREAD, "2")):
            bench.queue.put(tx, task, key)

    forgets(bench, stage.grace)

    with bench.database.read() as tx:
        jobs = tx.connection.exec_driver_sql("SELECT task, key, lock FROM jobs ORDER BY id").all()
    assert sorted((task, key) for task, key, _ in jobs) == [(tasks.LOOKUP, "2"), (tasks.THREAD, "2")]
    assert id_key(bench.world.direct_space(stage.grace, stage.bot).id) not in str(jobs)


def test_those_who_joined_somebody_go_on_waiting(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report(status="waiting")
    henry = bench.world.add_person("Henry", stage.acme, roles=ADMIN_OF_BOTH)
    bench.world.join(stage.group, henry)
    for person in (stage.grace, stage.ada, henry):
        bench.hears(person, f"report {report.id}", stage.group)
        bench.work()

    forgets(bench, stage.grace)
    bench.world.set_report(report.id, status="done")
    bench.sweep.once()
    bench.wait(61)

    files = [one.files[0].path.read_bytes() for one in bench.said(stage.group) if one.files]
    assert files == [CSV]
    ended = {row.person_id: row.outcome for row in rows(bench) if row.act == audit.DELIVERY}
    assert ended[stage.ada.id] == ended[henry.id] == "delivered"
    assert sorted(ended.values()) == ["canceled:forget", "delivered", "delivered"]


def test_somebody_unknown_is_forgotten_without_harm(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "help")
    bench.work()
    with bench.database.begin() as tx:
        done = forget(tx, bench.queue, "nobody", bench.clock())

    assert done == Forgotten(ended=0, unread=0, audit=0, requests=0, events=0, messages=0)
    assert [row.person_id for row in rows(bench)] == [bench.stage.ada.id, None]


def test_a_job_that_serves_others_too_names_nobody_and_goes_on(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    stage.grace.roles = ADMIN_OF_BOTH
    bench.hears(stage.grace, f"report {report.id}", stage.group)
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work(until=tasks.DELIVER)
    assert id_key(stage.grace.id) in everything(bench)

    forgets(bench, stage.grace)

    assert id_key(stage.grace.id) not in everything(bench)
    bench.work()
    assert [one.files[0].path.read_bytes() for one in bench.said(stage.group) if one.files] == [CSV]
