"""Somebody who is forgotten is nowhere in the database any more, and others are served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect

from bot.db import audit, messages, reports, space_settings
from bot.db.carry_over import carry_over
from bot.db.old_tables import deliveries, posts
from bot.db.origin import OriginState, PauseCause
from bot.db.requests import State
from bot.db.space_settings import SpaceSettings
from bot.ops.forget import Forgotten, forget
from bot.queue import tasks
from bot.webex.ids import id_key
from bot.webex.types import Target
from tests.audit.rows import endings, rows
from tests.live_bot import ADMIN_OF_BOTH, CSV, BotMessage
from tests.origin_rows import add_schedule, add_subscription, stored

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.stepped_bot import SteppedBot


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
OPERATORS = Target(room_id="operators")


def forgets(stepped: SteppedBot, person: Person) -> Forgotten:
    with stepped.database.begin() as tx:
        return forget(tx, stepped.queue, person.id, stepped.clock())


def everything(stepped: SteppedBot) -> str:
    """Every row of the database, as text."""
    with stepped.database.read() as tx:
        tables = inspect(tx.connection).get_table_names()
        return "\n".join(str(row) for name in tables for row in tx.connection.exec_driver_sql(f"SELECT * FROM {name}"))


def test_the_id_is_nowhere_and_the_pseudonym_is_one(stepped: SteppedBot) -> None:
    live = stepped.setup
    for words in ("help", f"report {live.partner_report().id}", "reports"):
        stepped.receive(live.grace, words)
    stepped.world.join(live.outside, live.grace)
    stepped.receive(live.grace, "reports", live.outside)
    stepped.work()
    number = len(rows(stepped))
    assert live.grace.id in everything(stepped)

    done = forgets(stepped, live.grace)

    assert live.grace.id not in everything(stepped)
    assert done.audit == number
    assert done.requests == 1
    assert done.events == 4
    assert done.messages == 1, "the answer that went 1:1 because of outsiders"
    assert done.ended == 0
    pseudonyms = {row.person_id for row in rows(stepped) if row.person_id}
    assert len(pseudonyms) == 1
    last = rows(stepped)[-1]
    assert (last.channel, last.act, last.outcome, last.person_id) == ("cli", "forget", "done", None)


def test_their_1_1_space_is_nowhere_either_so_later_rows_lead_to_nothing_of_before(stepped: SteppedBot) -> None:
    live = stepped.setup
    space = stepped.world.direct_space(live.grace, live.bot)
    with stepped.database.begin() as tx:
        row = messages.intend(tx, messages.Name(f"away:1-2:{space.id}"), OPERATORS, "words", MOMENT)
        assert row is not None
        messages.settle(tx, row, messages.SENT, MOMENT)
    report = live.partner_report()
    stepped.receive(live.grace, f"report {report.id}")
    stepped.work()
    card = next(one for one in stepped.said(person=live.grace) if one.card)
    stepped.pressed(live.grace, card, {"command": "refresh", "argument": report.id})
    stepped.work()
    with stepped.database.begin() as tx:
        space_settings.save(tx, space.id, SpaceSettings("Europe/Berlin"), MOMENT, person_id=live.grace.id)
    assert space.id in everything(stepped)
    assert space.id not in str(rows(stepped)), "the audit never has it"

    forgets(stepped, live.grace)

    assert space.id not in everything(stepped)
    assert id_key(space.id) not in everything(stepped)
    before = len(stepped.said(person=live.grace))
    with stepped.database.begin() as tx:
        for event in ("1", "2"):
            stepped.queue.put(tx, tasks.EVENT, event)
    stepped.work()
    assert len(stepped.said(person=live.grace)) == before, "nothing is answered a second time"
    shown = next(one for one in stepped.said(person=live.grace) if one.card)
    stepped.pressed(live.grace, shown, {"command": "help"})
    stepped.work()
    assert len(stepped.said(person=live.grace)) == before + 1, "and an old card still works"


def test_of_a_group_space_the_audit_says_which(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.grace, "reports", stepped.setup.group)
    stepped.receive(stepped.setup.grace, "reports")
    stepped.work()

    assert [row.room_id for row in rows(stepped)] == [stepped.setup.group.id, audit.DIRECT_SPACE]


def test_two_runs_have_two_pseudonyms(stepped: SteppedBot) -> None:
    live = stepped.setup
    for person in (live.ada, live.grace):
        stepped.receive(person, "reports")
    stepped.work()

    forgets(stepped, live.ada)
    forgets(stepped, live.grace)

    assert len({row.person_id for row in rows(stepped) if row.person_id}) == 2


def test_a_watch_is_canceled_first_and_nothing_comes(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.grace, f"report {report.id}")
    stepped.work()

    done = forgets(stepped, stepped.setup.grace)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(11)

    assert done.ended == 1
    assert stepped.request().state is State.CANCELED
    assert endings(stepped) == ["canceled:forget"]
    assert stepped.downloads == 0


@pytest.mark.parametrize(("moment", "ended"), [("download", "canceled:forget"), ("upload", "unsure:forget")])
def test_a_file_on_its_way_ends_too(stepped: SteppedBot, moment: str, ended: str) -> None:
    """The worker that has it in its hands finds that it ended, and writes the person's id nowhere."""
    live = stepped.setup
    stepped.receive(live.grace, f"report {live.partner_report().id}", live.group)
    stepped.work(until=tasks.DELIVER)
    where = stepped.files if moment == "download" else stepped.chat
    call = getattr(where, moment)

    def and_then_forgotten(*args: Any, **how: Any) -> Any:
        done = call(*args, **how)
        forgets(stepped, live.grace)
        return done

    setattr(where, moment, and_then_forgotten)
    stepped.work()

    assert endings(stepped) == [ended]
    assert bool([one for one in stepped.said(live.group) if one.files]) is (moment == "upload")
    assert live.grace.id not in everything(stepped)


def test_no_thread_says_anything_of_a_request_whose_person_was_forgotten(stepped: SteppedBot) -> None:
    stepped.receive(
        stepped.setup.grace, f"report {stepped.setup.partner_report(status='waiting').id}", stepped.setup.group
    )
    stepped.work()
    before = stepped.said(stepped.setup.group)

    forgets(stepped, stepped.setup.grace)
    with stepped.database.begin() as tx:
        stepped.queue.put(tx, tasks.THREAD, "1")
    stepped.work()

    assert stepped.said(stepped.setup.group) == before


@pytest.mark.parametrize("state", ["pending", "done"])
def test_rows_of_the_version_before_are_covered_before_they_are_carried_over(stepped: SteppedBot, state: str) -> None:
    live = stepped.setup
    space, person = stepped.world.direct_space(live.grace, live.bot).id, live.grace.id
    with stepped.database.begin() as tx:
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

    done = forgets(stepped, live.grace)
    with stepped.database.begin() as tx:
        carry_over(tx)

    assert (done.ended, done.requests, done.messages) == (state == "pending", 1, 1)
    assert person not in everything(stepped)
    assert space not in everything(stepped)
    assert stepped.request().state is (State.CANCELED if state == "pending" else State.DELIVERED)


def test_what_they_wrote_and_nobody_read_yet_is_answered_no_more(stepped: SteppedBot) -> None:
    """Without that, the worker fetches the message from Webex, and the person is on record again."""
    live = stepped.setup
    report = live.partner_report()
    stepped.receive(live.grace, f"report {report.id}")
    stepped.receive(live.grace, f"report {report.id}", live.group)
    stepped.receive(live.ada, "help", live.group)

    done = forgets(stepped, live.grace)
    ran = stepped.work()
    stepped.clock.turn(61)
    stepped.sweep.once()
    stepped.work()

    assert done.unread == 2
    assert [one.task for one in ran] == [tasks.EVENT], "Ada's"
    assert stepped.said(person=live.grace) == []
    assert len(stepped.said(live.group)) == 1
    assert stepped.downloads == 0
    assert live.grace.id not in everything(stepped)


def test_no_job_leads_to_them(stepped: SteppedBot) -> None:
    """Neither by its key nor by its lock, which is their 1:1 space; what others wait for stays in the queue."""
    live = stepped.setup
    mine, other = live.partner_report(status="waiting"), live.partner_report(status="waiting")
    stepped.receive(live.grace, f"report {mine.id}")
    stepped.receive(live.ada, f"report {other.id}")
    stepped.work(until=tasks.LOOKUP)
    stepped.receive(live.grace, "help")
    with stepped.database.begin() as tx:
        for task, key in ((tasks.THREAD, "1"), (tasks.EVENT, "1"), (tasks.THREAD, "2")):
            stepped.queue.put(tx, task, key)

    forgets(stepped, live.grace)

    with stepped.database.read() as tx:
        jobs = tx.connection.exec_driver_sql("SELECT task, key, lock FROM jobs ORDER BY id").all()
    assert sorted((task, key) for task, key, _ in jobs) == [(tasks.LOOKUP, "2"), (tasks.THREAD, "2")]
    assert id_key(stepped.world.direct_space(live.grace, live.bot).id) not in str(jobs)


def test_those_who_joined_somebody_go_on_waiting(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report(status="waiting")
    henry = stepped.world.add_person("Henry", live.acme, roles=ADMIN_OF_BOTH)
    stepped.world.join(live.group, henry)
    for person in (live.grace, live.ada, henry):
        stepped.receive(person, f"report {report.id}", live.group)
        stepped.work()

    forgets(stepped, live.grace)
    stepped.world.set_report(report.id, status="done")
    stepped.sweep.once()
    stepped.wait(61)

    files = [one.files[0].path.read_bytes() for one in stepped.said(live.group) if one.files]
    assert files == [CSV]
    ended = {row.person_id: row.outcome for row in rows(stepped) if row.act == audit.DELIVERY}
    assert ended[live.ada.id] == ended[henry.id] == "delivered"
    assert sorted(ended.values()) == ["canceled:forget", "delivered", "delivered"]


def test_somebody_unknown_is_forgotten_without_harm(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    with stepped.database.begin() as tx:
        done = forget(tx, stepped.queue, "nobody", stepped.clock())

    nothing = dict.fromkeys(("ended", "unread", "audit", "requests", "events", "messages", "settings", "stopped"), 0)
    assert done == Forgotten(**nothing, keys=0)
    assert [row.person_id for row in rows(stepped)] == [stepped.setup.ada.id, None]


def test_a_job_that_serves_others_too_names_nobody_and_goes_on(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    live.grace.roles = ADMIN_OF_BOTH
    stepped.receive(live.grace, f"report {report.id}", live.group)
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.work(until=tasks.DELIVER)
    assert id_key(live.grace.id) in everything(stepped)

    forgets(stepped, live.grace)

    assert id_key(live.grace.id) not in everything(stepped)
    stepped.work()
    assert [one.files[0].path.read_bytes() for one in stepped.said(live.group) if one.files] == [CSV]


def test_settings_of_a_1_1_space_go_although_nothing_else_is_left_of_the_person(stepped: SteppedBot) -> None:
    live = stepped.setup
    with stepped.database.begin() as tx:
        for space, owner in (("direct", live.grace.id), ("another", live.ada.id), ("group", None)):
            space_settings.save(tx, space, SpaceSettings("Europe/Berlin"), MOMENT, person_id=owner)

    done = forgets(stepped, live.grace)

    assert done.settings == 1
    assert not done.nobody
    with stepped.database.read() as tx:
        zones = [space_settings.get(tx, space).time_zone for space in ("direct", "another", "group")]
    assert zones == ["UTC", "Europe/Berlin", "Europe/Berlin"]


def test_who_had_a_report_deleted_is_forgotten(stepped: SteppedBot) -> None:
    ada, report = stepped.setup.ada, stepped.setup.partner_report()
    stepped.receive(ada, f"report {report.id}")
    stepped.work()
    with stepped.database.begin() as tx:
        reports.set_deleted(tx, report.id, stepped.clock(), ada.id)

    forgets(stepped, ada)

    assert ada.id not in everything(stepped)


def test_what_they_own_is_stopped_and_waits_for_another_owner_where_others_read_it(stepped: SteppedBot) -> None:
    setup, database, now = stepped.setup, stepped.database, stepped.clock()
    direct = stepped.world.direct_space(setup.grace, setup.bot)
    alone = add_subscription(database, setup.grace, direct, now)
    shared = add_schedule(database, setup.grace, setup.group, now)
    of_ada = add_schedule(database, setup.ada, setup.group, now)

    done = forgets(stepped, setup.grace)

    assert (done.stopped, done.nobody) == (2, False)
    assert setup.grace.id not in everything(stepped)
    assert direct.id not in everything(stepped)
    assert stored(database, alone.origin).state is OriginState.ENDED
    paused = stored(database, shared.origin)
    assert (paused.state, paused.pause_cause) == (OriginState.PAUSED, PauseCause.NOT_ALLOWED)
    assert audit.is_pseudonym(paused.person_id)
    assert paused.room_id == setup.group.id
    assert stored(database, of_ada.origin).state is OriginState.ACTIVE

    stepped.work()
    (offer,) = [BotMessage(one) for one in stepped.said(setup.group)]
    assert "Everything about its owner was deleted. An administrator who is here can take it over" in offer.words
    assert list(offer.buttons) == ["Take over"]
