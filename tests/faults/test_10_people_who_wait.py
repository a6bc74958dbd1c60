"""Issue 4, item 10: Webex's reports do not answer for long; anyone who waits is told once, and served afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.queue import tasks

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.core.workbench import Workbench

TROUBLE = "Webex Reports isn't responding right now. I'll keep trying; no action needed."
MINUTE = 60.0


def words(messages: list[Message]) -> list[str]:
    return [one.markdown or one.text or "" for one in messages]


def told(bench: Workbench, space: Space | None = None) -> list[Message]:
    return [one for one in bench.said(space) if "right now" in (one.markdown or one.text or "")]


def minutes(bench: Workbench, number: float) -> None:
    """Let time pass in small steps, with the maintenance of each minute."""
    for quarter in range(int(number * 4)):
        bench.wait(MINUTE / 4)
        if quarter % 4 == 0:
            bench.sweep.once()
            bench.work()


def test_no_name_in_the_dns_for_an_hour_is_no_end(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work(until=tasks.LOOKUP)
    fault = bench.emulator.faults.add(method="*", path="/v1/*", cut="before")
    minutes(bench, 60)
    assert fault.hits
    assert bench.said() == []

    bench.emulator.faults.clear()
    minutes(bench, 2)

    assert bench.request().state is State.DELIVERED
    assert len([one for one in bench.said() if one.files]) == 1


def test_it_is_said_once_through_restarts(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    minutes(bench, 4)
    bench.restart()
    minutes(bench, 4)

    assert len(told(bench)) == 1


def test_a_watch_in_trouble_is_explained_after_a_quarter_of_an_hour_to_everybody_who_waits(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    space = bench.stage.group
    first = bench.hears(bench.stage.ada, f"report {report.id}", space)
    second = bench.hears(bench.stage.grace, f"report {report.id}", space)
    bench.work()
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)
    minutes(bench, 14)
    assert told(bench, space) == []

    minutes(bench, 20)

    assert {one.parent_id for one in told(bench, space)} == {first.id, second.id}
    minutes(bench, 60)
    assert len(told(bench, space)) == 2

    bench.emulator.faults.clear()
    bench.world.set_report(report.id, status="done")
    minutes(bench, 10)
    assert bench.request().state is State.DELIVERED


def test_a_watch_whose_trouble_comes_and_goes_bothers_nobody(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    for _ in range(8):
        bench.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)
        minutes(bench, 8)
        bench.emulator.faults.clear()
        minutes(bench, 8)

    assert told(bench) == []


def test_a_file_that_cannot_be_fetched_is_explained_too(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work(until=tasks.DELIVER)
    bench.emulator.faults.add(method="GET", path="*", host="download", status=503)
    minutes(bench, 30)
    assert len(told(bench)) == 1

    bench.emulator.faults.clear()
    minutes(bench, 2)
    assert [one for one in bench.said() if one.files]


def test_other_commands_are_explained_as_well(bench: Workbench) -> None:
    bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path="/v1/*reports*", status=503)
    bench.hears(bench.stage.ada, "reports")
    bench.work()
    minutes(bench, 30)
    assert words(told(bench)) == [TROUBLE]

    bench.emulator.faults.clear()
    minutes(bench, 2)
    assert [one for one in bench.said() if one.card]
    assert told(bench) == []


def test_who_asks_is_explained_that_webex_does_not_say_who_they_are(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, "help")
    bench.work()  # the bot knows who it is itself
    bench.emulator.faults.add(method="GET", path="/v1/people/*", status=503)
    bench.hears(bench.stage.ada, f"report {report.id}")
    minutes(bench, 10)
    assert len(told(bench)) == 1

    bench.emulator.faults.clear()
    minutes(bench, 2)
    assert [one for one in bench.said() if one.files]


@pytest.mark.parametrize("status", [400, 405, 410])
def test_without_the_list_of_roles_reports_come_to_those_whose_role_is_known_by_its_id(
    bench: Workbench, status: int
) -> None:
    bench.emulator.faults.add(method="GET", path="/v1/roles", status=status)
    bench.hears(bench.stage.ada, f"report {bench.stage.organization_report().id}")
    bench.work()
    assert [one for one in bench.said() if one.files]


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
def test_what_cannot_be_read_is_told_within_ten_seconds(bench: Workbench, path: str, answer: dict[str, Any]) -> None:
    bench.stage.partner_report()
    bench.hears(bench.stage.ada, "help", bench.stage.group)
    bench.work()  # the bot knows who it is itself
    bench.directory.forget()
    fault = bench.emulator.faults.add(method="GET", path=path, **answer)
    bench.hears(bench.stage.ada, "reports", bench.stage.group)
    for _ in range(10):
        bench.wait(1)
    assert fault.hits
    assert len(told(bench, bench.stage.group)) == 1

    bench.emulator.faults.clear()
    minutes(bench, 2)
    assert told(bench, bench.stage.group) == []
    assert [one for one in bench.said(bench.stage.group) if one.card]


def test_a_message_that_could_not_be_read_for_an_hour_is_answered(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="GET", path="/v1/messages/*", status=503)
    bench.hears(bench.stage.ada, f"report {report.id}")
    minutes(bench, 1.5)
    assert bench.said() == []
    minutes(bench, 60)
    assert words(bench.said()) == ["Webex isn't responding right now. I'll keep trying; no action needed."]

    bench.emulator.faults.clear()
    minutes(bench, 2)

    assert [one for one in bench.said() if one.files]


def test_an_ask_that_meets_nothing_but_trouble_ends_with_its_deadline_and_a_sentence(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=503)
    bench.work()
    for _ in range(33):
        bench.wait(3600)

    assert bench.request().state is State.EXPIRED
    assert "kept returning errors" in " ".join(f"{one.markdown} {one.card}" for one in bench.said())


@pytest.mark.parametrize("status", [408, 499, 500, 502, 503, 504, 522, 429])
def test_why_says_what_hinders_and_says_no_more_when_it_is_over(bench: Workbench, status: int) -> None:
    report = bench.stage.partner_report(status="waiting")
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    bench.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=status)
    minutes(bench, 3)
    bench.hears(bench.stage.ada, f"why {report.id}")
    bench.work()
    assert "has been returning errors since" in str(bench.said()[-1].card)

    bench.emulator.faults.clear()
    minutes(bench, 5)
    bench.hears(bench.stage.ada, f"why {report.id}")
    bench.work()
    assert "has been returning errors since" not in str(bench.said()[-1].card)


def test_webex_asks_for_an_hour_and_the_person_hears_of_it_at_once(bench: Workbench) -> None:
    report = bench.stage.partner_report("Calling Usage")
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    hour = {"Retry-After": "3600"}
    fault = bench.emulator.faults.add(method="GET", path="/v1/partner/reports/*", status=429, headers=hour)
    bench.work()
    (said,) = words(told(bench, bench.stage.group))
    assert said == "Webex is asking me to slow down right now. I'll keep trying; no action needed."
    minutes(bench, 50)
    assert fault.hits == 1, "Webex is left alone for as long as it asked"
    assert len(told(bench, bench.stage.group)) == 1
    bench.emulator.faults.clear()
    minutes(bench, 70)
    assert bench.request().state is State.DELIVERED


def test_who_wrote_another_command_hears_of_a_long_wait_at_once_as_well(bench: Workbench) -> None:
    bench.emulator.faults.add(method="GET", path="/v1/*reports*", status=429, headers={"Retry-After": "1800"}, times=1)
    bench.hears(bench.stage.ada, "reports")

    bench.work()

    assert words(told(bench)) == ["Webex is asking me to slow down right now. I'll keep trying; no action needed."]
