"""After ``AUDIT_DAYS`` nothing tells of who asked for what: not in a row, nor in the bytes of the database's files."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from bot.db import confirmations, origins, ready_reports, retention
from bot.db.requests import State
from bot.db.retention import PAUSE, Retention
from bot.db.tables import events, messages, reports, requests
from bot.webex.report import Report
from bot.webex.report_families import Family
from bot.webex.report_lists import ReportList
from tests.db.rows import store_run
from tests.live_bot import CSV
from tests.origin_rows import add_schedule, add_subscription

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.stepped_bot import SteppedBot

DAY = 24 * 3600
TITLE = "Qwxz Licences"
TABLES = ("audit", "confirmations", "events", "messages", "reports", "requests", "runs")


def kept(stepped: SteppedBot) -> dict[str, int]:
    """Return how many rows each table has."""
    with stepped.database.read() as tx:
        names = TABLES
        return {name: tx.connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names}


def on_disk(stepped: SteppedBot) -> bytes:
    """Return the bytes of the database and of SQLite's files beside it."""
    return b"".join(path.read_bytes() for path in sorted(stepped.folder.parent.glob("reportbot.db*")))


def asks(stepped: SteppedBot, person: Person, number: int) -> list[bytes]:
    """Have a person be answered in all kinds of ways; gives what the database's files hold of it."""
    live = stepped.setup
    report = live.partner_report(title=f"{TITLE} {number}")
    asked = [stepped.receive(person, f"report {report.id}"), stepped.receive(person, "qwxzhelp", live.group)]
    stepped.work()
    stepped.receive(person, f"why {report.id}", live.group)
    stepped.work()
    stepped.clock.turn(30)
    with stepped.database.begin() as tx:
        now = stepped.clock()
        confirmations.add(tx, person.id, "delete", report.id, now)
        store_run(tx, f"run:{number}", person_id=person.id, title=TITLE, state="done", asked_at=now, closed_at=now)
    space = stepped.world.direct_space(person, live.bot)
    return [one.encode() for one in (TITLE, report.id, person.id, space.id, *(message.id for message in asked))]


@pytest.mark.sqlite("its files are read")
def test_a_year_later_no_byte_of_the_database_tells_of_a_request(stepped: SteppedBot) -> None:
    live = stepped.setup
    people = [live.ada, live.grace]
    written = [word for number in range(20) for word in asks(stepped, people[number % 2], number)]
    before = on_disk(stepped)
    assert [word for word in written if word not in before] == []

    stepped.clock.turn(366 * DAY)
    stepped.sweep.once()

    assert kept(stepped) == dict.fromkeys(TABLES, 0)
    after = on_disk(stepped)
    never = [words for person in people for words in (person.display_name, person.emails[0], "qwxzhelp")]
    assert [word for word in [*written, *(words.encode() for words in never)] if word in after] == []


def test_what_is_younger_stays_and_0_keeps_everything(stepped: SteppedBot) -> None:
    asks(stepped, stepped.setup.ada, 1)
    full = kept(stepped)

    stepped.clock.turn(364 * DAY)
    stepped.sweep.once()
    assert kept(stepped) == full

    stepped.clock.turn(1000 * DAY)
    Retention(stepped.database, 0, stepped.clock).prune()
    assert kept(stepped) == full


def test_what_is_delivered_again_is_recognized_for_two_days_whatever_the_setting(stepped: SteppedBot) -> None:
    asks(stepped, stepped.setup.ada, 1)
    full = kept(stepped)
    short = Retention(stepped.database, 1, stepped.clock)

    stepped.clock.turn(1.5 * DAY)
    short.prune()
    assert kept(stepped) == full | {"audit": 0}

    stepped.clock.turn(DAY)
    short.prune()
    assert set(kept(stepped).values()) == {0}


def test_an_open_request_keeps_what_came_after_it(stepped: SteppedBot) -> None:
    """Its card is replaced and its file comes as if nothing had been deleted."""
    live = stepped.setup
    report = live.partner_report(status="waiting")
    stepped.receive(live.ada, f"report {report.id}")
    stepped.work()
    with stepped.database.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE requests SET deadline_at = '2999-01-01T00:00:00.000000+00:00'")

    stepped.clock.turn(500 * DAY)
    stepped.sweep.once()
    stepped.world.set_report(report.id, status="done")
    for _ in range(3):
        stepped.wait(15)

    assert [one.files[0].path.read_bytes() for one in stepped.said() if one.files] == [CSV]
    assert len([one for one in stepped.said() if one.card]) == 1
    assert stepped.request().state is State.DELIVERED


def test_an_open_run_keeps_what_came_after_it(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        store_run(tx, asked_at=stepped.clock())
    stepped.clock.turn(60)
    asks(stepped, stepped.setup.ada, 1)
    full = kept(stepped)

    stepped.clock.turn(500 * DAY)
    stepped.sweep.once()

    assert kept(stepped) | {"audit": 0} == full | {"audit": 0}


def test_a_report_that_the_audit_still_names_keeps_its_family_and_title_and_nobody_who_asked(
    stepped: SteppedBot,
) -> None:
    live = stepped.setup
    report = live.partner_report(title=TITLE)
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.work()
    stepped.clock.turn(300 * DAY)
    stepped.receive(live.grace, f"why {report.id}", live.group)
    stepped.work()

    stepped.clock.turn(100 * DAY)
    stepped.sweep.once()

    of_the_question = {"audit": 0, "events": 0, "messages": 0}
    assert kept(stepped) | of_the_question == dict.fromkeys(TABLES, 0) | {"reports": 1}
    with stepped.database.read() as tx:
        row = tx.execute(select(reports)).one()
    assert (row.title, row.family) == (TITLE, "partner")
    assert live.ada.id.encode() not in on_disk(stepped)
    stepped.clock.turn(300 * DAY)
    stepped.sweep.once()
    assert set(kept(stepped).values()) == {0}


def test_an_old_card_still_works(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    stepped.receive(live.ada, f"report {report.id}")
    stepped.work()
    card = next(one for one in stepped.said() if one.card)
    stepped.clock.turn(366 * DAY)
    stepped.sweep.once()
    files = sum(bool(one.files) for one in stepped.said())

    stepped.pressed(live.ada, card, {"command": "again", "argument": report.id})
    stepped.work()

    assert sum(bool(one.files) for one in stepped.said()) == files + 1


def test_why_says_for_how_long_requests_are_known(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"why {report.id}")
    stepped.work()
    (said,) = stepped.said()
    assert said.text is not None
    assert said.text.endswith(f"type `report {report.id}`. Requests are kept for 365 days.".replace("`", ""))


def filled(stepped: SteppedBot, number: int) -> None:
    """Fill the tables with rows of two years ago."""
    at = stepped.clock() - timedelta(days=730)

    def rows(**fixed: Any) -> list[dict[str, Any]]:
        return [{name: value(n) if callable(value) else value for name, value in fixed.items()} for n in range(number)]

    with stepped.database.begin() as tx:
        tx.execute(
            insert(events),
            rows(
                id=lambda n: n + 1,
                resource="messages",
                event="created",
                data_id=lambda n: f"Y2lzY29zcGFyazovL3VzL01FU1NBR0Uv{n:040}",
                room_id="Y2lzY29zcGFyazovL3VzL1JPT00v" + "r" * 48,
                person_id="Y2lzY29zcGFyazovL3VzL1BFT1BMRS9" + "p" * 48,
                received_at=at,
                state="done",
                settled_at=at,
            ),
        )
        tx.execute(
            insert(reports),
            rows(
                report_id=lambda n: f"{n:032}",
                family="partner",
                title=f"{TITLE} of somebody",
                phase="ready",
                checked_at=at,
            ),
        )
        tx.execute(
            insert(requests),
            rows(
                id=lambda n: n + 1,
                reference=lambda n: f"r{n}",
                event_key=lambda n: f"messages:Y2lzY29zcGFyazovL3VzL01FU1NBR0Uv{n:040}:0",
                person_id="Y2lzY29zcGFyazovL3VzL1BFT1BMRS9" + "p" * 48,
                report_id=lambda n: f"{n:032}",
                state="delivered",
                asked_at=at,
                deadline_at=at,
                closed_at=at,
            ),
        )
        tx.execute(
            insert(messages),
            rows(
                id=lambda n: n + 1,
                request_id=lambda n: n + 1,
                key=lambda n: f"request:{n}:card",
                room_id="Y2lzY29zcGFyazovL3VzL1JPT00v" + "r" * 48,
                direct=False,
                state="sent",
                message_id=lambda n: f"Y2lzY29zcGFyazovL3VzL01FU1NBR0Uv{n:040}x",
                intended_at=at,
                tried_at=at,
                settled_at=at,
            ),
        )


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make rounds end where there is nothing left."""
    monkeypatch.setattr(retention, "PAUSE", 0)
    monkeypatch.setattr(retention, "LONGEST_ROUND", 300)


@pytest.mark.usefixtures("hurried")
def test_of_many_rows_no_byte_stays_and_the_file_grows_no_more(stepped: SteppedBot) -> None:
    filled(stepped, 3000)
    stepped.sweep.once()
    assert set(kept(stepped).values()) == {0}
    assert TITLE.encode() not in on_disk(stepped)
    assert b"p" * 48 not in on_disk(stepped)
    size = len(on_disk(stepped))

    filled(stepped, 3000)
    stepped.clock.turn(3601)
    stepped.sweep.once()

    assert len(on_disk(stepped)) <= size * 1.02, "what was deleted is used again"


def test_a_round_ends_and_the_next_one_goes_on(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(stepped, 1000)
    monkeypatch.setattr(retention, "LONGEST_ROUND", 2 * PAUSE)
    rounds = 0
    while sum(kept(stepped).values()) and rounds < 100:
        before = sum(kept(stepped).values())
        stepped.sweep.once()
        assert sum(kept(stepped).values()) < before
        rounds += 1
    assert rounds > 1


def test_what_has_ended_goes_and_what_was_seen_ready_stays_while_it_is_listed(stepped: SteppedBot) -> None:
    live, which = stepped.setup, ReportList("partner")
    kept_one = add_subscription(stepped.database, live.ada, live.group, stepped.clock())
    ended = [
        add_subscription(stepped.database, live.ada, live.group, stepped.clock()),
        add_schedule(stepped.database, live.ada, live.group, stepped.clock()),
    ]
    gone, listed = (Report(name, Family.PARTNER, "done") for name in ("GONE", "LISTED"))
    with stepped.database.begin() as tx:
        ready_reports.store(tx, which, [gone, listed], stepped.clock())
        for one in ended:
            origins.end(tx, one.origin, stepped.clock())
    stepped.clock.turn(364 * DAY)
    with stepped.database.begin() as tx:
        ready_reports.store(tx, which, [listed], stepped.clock())

    stepped.clock.turn(3000 * DAY)
    Retention(stepped.database, 365, stepped.clock).prune()

    with stepped.database.read() as tx:
        assert origins.going(tx) == [kept_one]
        assert [origins.get(tx, one.origin) for one in ended] == [None, None]
        assert ready_reports.unseen(tx, which, [gone, listed], stepped.clock())[0] == []
    with stepped.database.begin() as tx:
        ready_reports.store(tx, which, [listed], stepped.clock())
    stepped.clock.turn(DAY)
    Retention(stepped.database, 365, stepped.clock).prune()
    with stepped.database.read() as tx:
        assert ready_reports.unseen(tx, which, [gone, listed], stepped.clock())[0] == [gone]
