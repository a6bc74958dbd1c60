"""Webex allows thirty downloads of a report: they are counted, told when few are left, and not one person's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db import reports, subscriptions
from bot.db.downloads import FEW, MOST, MOST_OF_ONE_PERSON
from bot.db.origin import Kind, Origin
from bot.db.requests import Content, State
from bot.reports.requests import Asker, open_request

if TYPE_CHECKING:
    from bot.emulator.things import Family, Space
    from tests.stepped_bot import SteppedBot


def count(stepped: SteppedBot, report_id: str) -> int:
    with stepped.database.read() as tx:
        row = reports.get(tx, report_id)
    return row.downloads if row is not None else 0


def count_up_to(stepped: SteppedBot, report_id: str, number: int) -> None:
    more = number - count(stepped, report_id)
    with stepped.database.begin() as tx:
        reports.add_downloads(tx, report_id, more)


def lines(stepped: SteppedBot) -> list[str]:
    return [one.text or one.markdown or "" for one in stepped.said() if one.files]


def forget_the_file(stepped: SteppedBot) -> None:
    for path in stepped.folder.rglob("*"):
        if path.is_file():
            path.unlink()


def test_each_download_counts_also_one_that_fails(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    assert count(stepped, report.id) == stepped.downloads == 1

    forget_the_file(stepped)
    fault = stepped.emulator.faults.add("GET", host="download", status=503, times=1)
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()
    stepped.wait(60)
    assert fault.hits == 1
    assert count(stepped, report.id) == stepped.downloads == 3
    assert len(lines(stepped)) == 2


def test_few_that_are_left_are_told_with_the_file(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()
    for used, told in ((MOST - FEW - 2, ""), (MOST - FEW - 1, "5 are left"), (MOST - 2, "1 is left"), (MOST, "none")):
        count_up_to(stepped, report.id, used)
        forget_the_file(stepped)
        stepped.receive(stepped.setup.ada, f"again {report.id}")
        stepped.work()
        assert ("Webex allows 30 downloads" in lines(stepped)[-1]) == bool(told)
        assert told in lines(stepped)[-1]


def test_the_last_downloads_are_for_others(stepped: SteppedBot) -> None:
    report, other = stepped.setup.partner_report(), stepped.setup.partner_report()
    for number in range(MOST_OF_ONE_PERSON + 2):
        stepped.receive(stepped.setup.ada, f"again {report.id}")
        stepped.work()
        stepped.clock.turn(60)
        assert len(lines(stepped)) == number + 1, "while downloads are left nobody is refused one"
    count_up_to(stepped, report.id, MOST - FEW)

    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()
    assert len(lines(stepped)) == MOST_OF_ONE_PERSON + 2
    assert "the last 5 of this one are for others" in (stepped.said()[-1].text or "")

    stepped.receive(stepped.setup.ada, f"report {report.id} {other.id}")
    stepped.receive(stepped.setup.grace, f"report {report.id}")
    stepped.work()
    assert len(lines(stepped)) == MOST_OF_ONE_PERSON + 3, "another report"
    assert [one for one in stepped.said(person=stepped.setup.grace) if one.files], "another person"


def ask_for_a_subscription(stepped: SteppedBot, report_id: str, space: Space | None = None) -> None:
    """Have a report announced in a group space, as a subscription does."""
    ada, group, now = stepped.setup.ada, space or stepped.setup.group, stepped.clock()
    values = {"person_id": ada.id, "room_id": group.id, "room_type": "group", "created_at": now, "words": ""}
    with stepped.database.begin() as tx:
        row = subscriptions.add(tx, values | {"reference": f"subs{now}", "event_key": f"messages:{now}"})
        assert row is not None
        asker = Asker(f"sub:{row}", ada.id, group.id, "group", None, now, Origin(Kind.SUBSCRIPTION, row))
        assert open_request(tx, stepped.services, asker, report_id, content=Content.FILE)


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_the_last_downloads_are_for_people(stepped: SteppedBot, family: Family) -> None:
    report = stepped.world.add_report(family=family, title="Calling Usage")
    ask_for_a_subscription(stepped, report.id)
    stepped.work()
    assert stepped.downloads == 1
    count_up_to(stepped, report.id, MOST - FEW)
    forget_the_file(stepped)
    stepped.clock.turn(60)

    other = stepped.world.add_space("Another team", [stepped.setup.ada, stepped.setup.bot])
    ask_for_a_subscription(stepped, report.id, other)
    stepped.work()
    assert stepped.downloads == 1
    assert stepped.request(2).state is State.FAILED
    assert stepped.request(2).cause == "few_downloads_left"
    assert stepped.request(2).reason == (
        "The report **Calling Usage** is ready, but its file wasn't posted. Webex allows 30 downloads of a report, and "
        "I leave the last 5 of this one for people. Type `report` and its title to get it."
    )

    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    assert stepped.downloads == 2
    assert len(lines(stepped)) == 1


def test_a_subscription_gets_along_with_a_person_who_asks_and_what_is_here_already(stepped: SteppedBot) -> None:
    report = stepped.world.add_report(
        family="partner", title="Calling Usage", status="In progress", ready_after_polls=2
    )
    ask_for_a_subscription(stepped, report.id)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    count_up_to(stepped, report.id, MOST - 1)
    for _ in range(4):
        stepped.wait(60)
    ask_for_a_subscription(stepped, report.id)
    stepped.work()
    assert [stepped.request(number).state for number in (1, 2, 3)] == [State.DELIVERED] * 3
    assert stepped.downloads == 1


def test_what_subscriptions_brought_counts_for_nobody(stepped: SteppedBot) -> None:
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    for _ in range(MOST_OF_ONE_PERSON):
        ask_for_a_subscription(stepped, report.id)
        stepped.clock.turn(1)
    stepped.work()
    assert stepped.request(MOST_OF_ONE_PERSON).state is State.DELIVERED
    count_up_to(stepped, report.id, MOST - FEW)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    assert len(lines(stepped)) == 1
