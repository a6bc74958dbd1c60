"""Issue 4, item 10: Webex's reports do not answer for long; anyone who waits is told once, and served afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.queue import tasks

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

TROUBLE = "Webex Reports isn't responding right now. I'll keep trying; no action needed."
MINUTE = 60.0


def words(messages: list[Message]) -> list[str]:
    return [one.markdown or one.text or "" for one in messages]


def told(stepped: SteppedBot, space: Space | None = None) -> list[Message]:
    return [one for one in stepped.said(space) if "right now" in (one.markdown or one.text or "")]


def minutes(stepped: SteppedBot, number: float) -> None:
    """Let time pass in small steps, with the maintenance of each minute."""
    for quarter in range(int(number * 4)):
        stepped.wait(MINUTE / 4)
        if quarter % 4 == 0:
            stepped.sweep.once()
            stepped.work()


def test_no_name_in_the_dns_for_an_hour_is_no_end(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.LOOKUP)
    fault = stepped.emulator.faults.add(method="*", path="/v1/*", cut="before")
    minutes(stepped, 60)
    assert fault.hits
    assert stepped.said() == []

    stepped.emulator.faults.clear()
    minutes(stepped, 2)

    assert stepped.request().state is State.DELIVERED
    assert len([one for one in stepped.said() if one.files]) == 1


def test_it_is_said_once_through_restarts(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    minutes(stepped, 4)
    stepped.restart()
    minutes(stepped, 4)

    assert len(told(stepped)) == 1


def test_a_watch_in_trouble_is_explained_after_a_quarter_of_an_hour_to_everybody_who_waits(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    space = stepped.setup.group
    first = stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    second = stepped.receive(stepped.setup.grace, f"report {report.id}", space)
    stepped.work()
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)
    minutes(stepped, 14)
    assert told(stepped, space) == []

    minutes(stepped, 20)

    assert {one.parent_id for one in told(stepped, space)} == {first.id, second.id}
    minutes(stepped, 60)
    assert len(told(stepped, space)) == 2

    stepped.emulator.faults.clear()
    stepped.world.set_report(report.id, status="done")
    minutes(stepped, 10)
    assert stepped.request().state is State.DELIVERED


def test_a_watch_whose_trouble_comes_and_goes_bothers_nobody(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    for _ in range(8):
        stepped.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)
        minutes(stepped, 8)
        stepped.emulator.faults.clear()
        minutes(stepped, 8)

    assert told(stepped) == []


def test_a_file_that_cannot_be_fetched_is_explained_too(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    stepped.emulator.faults.add(method="GET", path="*", host="download", status=503)
    minutes(stepped, 30)
    assert len(told(stepped)) == 1

    stepped.emulator.faults.clear()
    minutes(stepped, 2)
    assert [one for one in stepped.said() if one.files]


def test_other_commands_are_explained_as_well(stepped: SteppedBot) -> None:
    stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path="/v1/*reports*", status=503)
    stepped.receive(stepped.setup.ada, "reports")
    stepped.work()
    minutes(stepped, 30)
    assert words(told(stepped)) == [TROUBLE]

    stepped.emulator.faults.clear()
    minutes(stepped, 2)
    assert [one for one in stepped.said() if one.card]
    assert told(stepped) == []


def test_who_asks_is_explained_that_webex_does_not_say_who_they_are(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, "hi")
    stepped.work()  # the bot knows who it is itself
    stepped.emulator.faults.add(method="GET", path="/v1/people/*", status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    minutes(stepped, 10)
    assert len(told(stepped)) == 1

    stepped.emulator.faults.clear()
    minutes(stepped, 2)
    assert [one for one in stepped.said() if one.files]


@pytest.mark.parametrize("status", [400, 405, 410])
def test_without_the_list_of_roles_reports_come_to_those_whose_role_is_known_by_its_id(
    stepped: SteppedBot, status: int
) -> None:
    stepped.emulator.faults.add(method="GET", path="/v1/roles", status=status)
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.organization_report().id}")
    stepped.work()
    assert [one for one in stepped.said() if one.files]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/roles", {"status": 500}),
        ("/v1/roles", {"status": 200, "body": ""}),
        ("/v1/roles", {"status": 200, "body": {}}),
        ("/v1/*reports", {"status": 200, "body": ""}),
        ("/v1/*reports", {"status": 200, "body": "<html>"}),
        ("/v1/people/*", {"status": 200, "body": {"items": [{"id": "x"}]}}),
        ("/v1/people/*", {"status": 200, "body": {"emails": ["ada@acme.example"]}}),
        ("/v1/memberships", {"status": 200, "body": {}}),
        ("/v1/memberships", {"status": 408}),
    ],
)
def test_what_cannot_be_read_is_told_within_ten_seconds(stepped: SteppedBot, path: str, answer: dict[str, Any]) -> None:
    stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, "help", stepped.setup.group)
    stepped.work()  # the bot knows who it is itself
    stepped.directory.forget()
    fault = stepped.emulator.faults.add(method="GET", path=path, **answer)
    stepped.receive(stepped.setup.ada, "reports", stepped.setup.group)
    for _ in range(10):
        stepped.wait(1)
    assert fault.hits
    assert len(told(stepped, stepped.setup.group)) == 1

    stepped.emulator.faults.clear()
    minutes(stepped, 2)
    assert told(stepped, stepped.setup.group) == []
    assert [one for one in stepped.said(stepped.setup.group) if one.card]


def test_a_message_that_could_not_be_read_for_an_hour_is_answered(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path="/v1/messages/*", status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    minutes(stepped, 1.5)
    assert stepped.said() == []
    minutes(stepped, 60)
    assert words(stepped.said()) == ["Webex isn't responding right now. I'll keep trying; no action needed."]

    stepped.emulator.faults.clear()
    minutes(stepped, 2)

    assert [one for one in stepped.said() if one.files]


def test_an_ask_that_meets_nothing_but_trouble_ends_with_its_deadline_and_a_sentence(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    stepped.work()
    for _ in range(33):
        stepped.wait(3600)

    assert stepped.request().state is State.EXPIRED
    assert "kept returning errors" in " ".join(f"{one.markdown} {one.card}" for one in stepped.said())


@pytest.mark.parametrize("status", [408, 499, 500, 502, 503, 504, 522, 429])
def test_why_says_what_hinders_and_says_no_more_when_it_is_over(stepped: SteppedBot, status: int) -> None:
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=status)
    minutes(stepped, 3)
    stepped.receive(stepped.setup.ada, f"why {report.id}")
    stepped.work()
    assert "has been returning errors since" in str(stepped.said()[-1].card)

    stepped.emulator.faults.clear()
    minutes(stepped, 5)
    stepped.receive(stepped.setup.ada, f"why {report.id}")
    stepped.work()
    assert "has been returning errors since" not in str(stepped.said()[-1].card)


def test_webex_asks_for_an_hour_and_the_person_hears_of_it_at_once(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    hour = {"Retry-After": "3600"}
    fault = stepped.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=429, headers=hour)
    stepped.work()
    (said,) = words(told(stepped, stepped.setup.group))
    assert said == "Webex is asking me to slow down right now. I'll keep trying; no action needed."
    minutes(stepped, 50)
    assert fault.hits == 1, "Webex is left alone for as long as it asked"
    assert len(told(stepped, stepped.setup.group)) == 1
    stepped.emulator.faults.clear()
    minutes(stepped, 70)
    assert stepped.request().state is State.DELIVERED


def test_who_wrote_another_command_hears_of_a_long_wait_at_once_as_well(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(
        method="GET", path="/v1/*reports*", status=429, headers={"Retry-After": "1800"}, times=1
    )
    stepped.receive(stepped.setup.ada, "reports")

    stepped.work()

    assert words(told(stepped)) == ["Webex is asking me to slow down right now. I'll keep trying; no action needed."]
