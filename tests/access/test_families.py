"""The families of reports where requests meet: nothing is told that Webex would refuse the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator import ids
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN, READONLY_ADMIN
from bot.messages import sentences
from bot.queue import tasks
from tests.live_bot import CSV, BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person
    from tests.stepped_bot import SteppedBot

ROLES_ARE_OLD = 400
"""Seconds after which roles are asked for again."""
ELSEWHERE = "00000000-1111-2222-3333-444444444444"
UNKNOWN = ids.webex_id("REPORT", "0" * 32, ids.CLUSTER_TEAM)


def pat(stepped: SteppedBot, *roles: str) -> Person:
    """Somebody with these roles, in the group space."""
    person = stepped.world.add_person("Pat Smith", stepped.setup.acme, roles=roles)
    stepped.world.join(stepped.setup.group, person)
    return person


def asks(stepped: SteppedBot, who: Person, text: str, *, directly: bool = True) -> list[Message]:
    """Somebody writes, and all that is due is done; gives what the bot says where it was written."""
    space = None if directly else stepped.setup.group
    before = len(stepped.said(space, who))
    stepped.receive(who, text, space)
    stepped.work()
    return stepped.said(space, who)[before:]


def test_nobody_waits_for_a_request_whose_person_may_not_have_the_report(stepped: SteppedBot) -> None:
    """Pat's own family is in trouble, so Pat's request is open; it cannot bring Ada the file of the other one."""
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path="/v1/reports*", status=503)
    asks(stepped, pat(stepped, READONLY_ADMIN), f"report {report.id}", directly=False)
    assert stepped.request().state is State.OPEN

    asks(stepped, stepped.setup.ada, f"report {report.id}", directly=False)

    assert [one.files[0].path.read_bytes() for one in stepped.said(stepped.setup.group) if one.files] == [CSV]
    assert stepped.request(2).state is State.DELIVERED


@pytest.mark.parametrize("word", ["report", "refresh", "again"])
def test_the_audit_does_not_tell_either_whether_there_is_a_report_of_the_other_family(
    stepped: SteppedBot, word: str
) -> None:
    report = stepped.setup.partner_report("Secret Usage")
    asks(stepped, stepped.setup.ada, f"report {report.id}")
    reader = pat(stepped, FULL_ADMIN)
    for one in (report.id, UNKNOWN):
        asks(stepped, reader, f"{word} {one}")

    known, unknown = (BotMessage(asks(stepped, reader, f"audit {one}")[0]) for one in (report.id, UNKNOWN))

    assert known.shown.count("Pat Smith") == unknown.shown.count("Pat Smith") > 0
    assert "Ada Lovelace" not in known.shown
    assert "Secret Usage" not in known.words + known.shown


@pytest.mark.parametrize("settings", [{"ALLOWED_SPACES": ELSEWHERE}])
def test_a_space_where_nothing_may_be_shown_refuses_a_message_once(stepped: SteppedBot) -> None:
    wanted = " ".join(stepped.setup.partner_report(f"Report {number}").id for number in range(9))

    (said,) = asks(stepped, stepped.setup.ada, f"report {wanted}", directly=False)

    assert "I'm not allowed to show reports in this space" in (said.text or "")
    assert not stepped.said()


def test_who_may_not_see_the_audit_is_told_so_and_of_no_setting_that_would_help(stepped: SteppedBot) -> None:
    for who, role in ((stepped.setup.grace, "Read-only Administrator"), (stepped.setup.nora, "no administrator role")):
        (said,) = asks(stepped, who, "audit", directly=False)
        assert (said.text or "").startswith("Only full administrators can see the audit log.")
        (directly,) = stepped.said(person=who)
        assert (directly.text or "").startswith("Only full administrators can see the audit log.")
        assert role in (directly.text or "")
        assert "ALLOWED" not in (directly.text or "")


def test_a_direct_message_says_what_it_is_about(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="waiting")
    was = pat(stepped, FULL_ADMIN, PARTNER_FULL_ADMIN)
    asks(stepped, was, f"report {report.id}", directly=False)
    was.roles = [FULL_ADMIN]
    stepped.clock.turn(ROLES_ARE_OLD)
    stepped.world.set_report(report.id, status="done")
    stepped.work()

    (directly,) = stepped.said(person=was)
    assert (directly.text or "").startswith("Only Webex administrators can get this report. You are: Full Admin")
    assert f"(reference {stepped.request().reference})" in (directly.text or "")


def test_who_lost_the_right_is_not_told_directly_what_became_of_the_report(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Secret Usage", status="waiting")
    asks(stepped, stepped.setup.grace, f"report {report.id}")
    stepped.setup.grace.roles = []
    stepped.clock.turn(ROLES_ARE_OLD)
    stepped.world.set_report(report.id, status="failed")
    stepped.work()

    (said,) = stepped.said(person=stepped.setup.grace)
    assert (said.text or "").startswith("Only Webex administrators can get this report.")


def test_an_end_that_tells_of_no_report_waits_for_no_roles(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, f"report {UNKNOWN}")
    stepped.work(until=tasks.THREAD)
    stepped.emulator.faults.add(method="GET", path="/v1/people/*", status=503)
    stepped.clock.turn(ROLES_ARE_OLD)
    stepped.work()

    assert "I couldn't find that report." in (stepped.said()[-1].text or "")


def test_while_the_family_of_a_request_is_not_known_only_the_person_who_made_it_cancels_it(stepped: SteppedBot) -> None:
    """It may be of a family that the other may not use."""
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path="/v1/*reports/*", status=503)
    asks(stepped, stepped.setup.ada, f"report {report.id}", directly=False)

    (said,) = asks(stepped, pat(stepped, FULL_ADMIN), f"cancel {report.id}", directly=False)
    assert sentences.NOT_WAITING in (said.markdown or "")
    assert stepped.request().state is State.OPEN

    asks(stepped, stepped.setup.ada, f"cancel {report.id}", directly=False)
    assert stepped.request().state is State.CANCELED
