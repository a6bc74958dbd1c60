"""After ``AUDIT_DAYS`` nothing tells of who asked for what: not in a row, nor in the bytes of the database's files."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from bot.db import retention
from bot.db.requests import State
from bot.db.retention import PAUSE, Retention
from bot.db.tables import events, messages, reports, requests
from tests.stage import CSV

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.core.workbench import Workbench

DAY = 24 * 3600
TITLE = "Qwxz Licences"
TABLES = ("audit", "events", "messages", "reports", "requests")


def kept(bench: Workbench) -> dict[str, int]:
    """Return how many rows each table has."""
    with bench.database.read() as tx:
        names = TABLES
        return {name: tx.connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names}


def on_disk(bench: Workbench) -> bytes:
    """Return the bytes of the database and of SQLite's files beside it."""
    return b"".join(path.read_bytes() for path in sorted(bench.folder.parent.glob("reportbot.db*")))


def asks(bench: Workbench, person: Person, number: int) -> list[bytes]:
    """Have a person be answered in all kinds of ways; gives what the database's files hold of it."""
    stage = bench.stage
    report = stage.partner_report(title=f"{TITLE} {number}")
    asked = [bench.hears(person, f"report {report.id}"), bench.hears(person, "qwxzhelp", stage.group)]
    bench.work()
    bench.hears(person, f"why {report.id}", stage.group)
    bench.work()
    bench.clock.turn(30)
    space = bench.world.direct_space(person, stage.bot)
    return [one.encode() for one in (TITLE, report.id, person.id, space.id, *(message.id for message in asked))]


def test_a_year_later_no_byte_of_the_database_tells_of_a_request(bench: Workbench) -> None:
    stage = bench.stage
    people = [stage.ada, stage.grace]
    written = [word for number in range(20) for word in asks(bench, people[number % 2], number)]
    before = on_disk(bench)
    assert [word for word in written if word not in before] == []

    bench.clock.turn(366 * DAY)
    bench.sweep.once()

    assert kept(bench) == dict.fromkeys(TABLES, 0)
    after = on_disk(bench)
    never = [words for person in people for words in (person.display_name, person.emails[0], "qwxzhelp")]
    assert [word for word in [*written, *(words.encode() for words in never)] if word in after] == []


def test_what_is_younger_stays_and_0_keeps_everything(bench: Workbench) -> None:
    asks(bench, bench.stage.ada, 1)
    full = kept(bench)

    bench.clock.turn(364 * DAY)
    bench.sweep.once()
    assert kept(bench) == full

    bench.clock.turn(1000 * DAY)
    Retention(bench.database, 0, bench.clock).prune()
    assert kept(bench) == full


def test_what_is_delivered_again_is_recognized_for_two_days_whatever_the_setting(bench: Workbench) -> None:
    asks(bench, bench.stage.ada, 1)
    full = kept(bench)
    short = Retention(bench.database, 1, bench.clock)

    bench.clock.turn(1.5 * DAY)
    short.prune()
    assert kept(bench) == full | {"audit": 0}

    bench.clock.turn(DAY)
    short.prune()
    assert set(kept(bench).values()) == {0}


def test_an_open_request_keeps_what_came_after_it(bench: Workbench) -> None:
    """Its card is replaced and its file comes as if nothing had been deleted."""
    stage = bench.stage
    report = stage.partner_report(status="waiting")
    bench.hears(stage.ada, f"report {report.id}")
    bench.work()
    with bench.database.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE requests SET deadline_at = '2999-01-01T00:00:00.000000+00:00'")

    bench.clock.turn(500 * DAY)
    bench.sweep.once()
    bench.world.set_report(report.id, status="done")
    for _ in range(3):
        bench.wait(15)

    assert [one.files[0].path.read_bytes() for one in bench.said() if one.files] == [CSV]
    assert len([one for one in bench.said() if one.card]) == 1
    assert bench.request().state is State.DELIVERED


def test_a_report_that_the_audit_still_names_keeps_its_family_and_title_and_nobody_who_asked(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report(title=TITLE)
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work()
    bench.clock.turn(300 * DAY)
    bench.hears(stage.grace, f"why {report.id}", stage.group)
    bench.work()

    bench.clock.turn(100 * DAY)
    bench.sweep.once()

    assert kept(bench) | {"audit": 0, "events": 0, "messages": 0, "requests": 0} == dict.fromkeys(TABLES, 0) | {
        "reports": 1
    }
    with bench.database.read() as tx:
        row = tx.execute(select(reports)).one()
    assert (row.title, row.family) == (TITLE, "partner")
    assert stage.ada.id.encode() not in on_disk(bench)
    bench.clock.turn(300 * DAY)
    bench.sweep.once()
    assert set(kept(bench).values()) == {0}


def test_an_old_card_still_works(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    bench.hears(stage.ada, f"report {report.id}")
    bench.work()
    card = next(one for one in bench.said() if one.card)
    bench.clock.turn(366 * DAY)
    bench.sweep.once()
    files = sum(bool(one.files) for one in bench.said())

    bench.pressed(stage.ada, card, {"command": "again", "argument": report.id})
    bench.work()

    assert sum(bool(one.files) for one in bench.said()) == files + 1


def test_why_says_for_how_long_requests_are_known(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"why {report.id}")
    bench.work()
    (said,) = bench.said()
    assert said.text is not None
    assert said.text.endswith(f"write `report {report.id}`. Requests are kept for 365 days.".replace("`", ""))


def filled(bench: Workbench, number: int) -> None:
    """Fill the tables with rows of two years ago."""
    at = bench.clock() - timedelta(days=730)

    def rows(**fixed: Any) -> list[dict[str, Any]]:
        return [{name: value(n) if callable(value) else value for name, value in fixed.items()} for n in range(number)]

    with bench.database.begin() as tx:
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
def test_of_many_rows_no_byte_stays_and_the_file_grows_no_more(bench: Workbench) -> None:
    filled(bench, 3000)
    bench.sweep.once()
    assert set(kept(bench).values()) == {0}
    assert TITLE.encode() not in on_disk(bench)
    assert b"p" * 48 not in on_disk(bench)
    size = len(on_disk(bench))

    filled(bench, 3000)
    bench.clock.turn(3601)
    bench.sweep.once()

    assert len(on_disk(bench)) <= size * 1.02, "what was deleted is used again"


def test_a_round_ends_and_the_next_one_goes_on(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(bench, 1000)
    monkeypatch.setattr(retention, "LONGEST_ROUND", 2 * PAUSE)
    rounds = 0
    while sum(kept(bench).values()) and rounds < 100:
        before = sum(kept(bench).values())
        bench.sweep.once()
        assert sum(kept(bench).values()) < before
        rounds += 1
    assert rounds > 1
