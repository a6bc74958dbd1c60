"""A run whose report Webex has not created, or could not: what its thread means, ``pending`` and ``why``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.requests import State
from bot.emulator.cards import problems
from bot.emulator.things import Template
from tests.live_bot import actions_of, texts_of

if TYPE_CHECKING:
    from bot.emulator.things import Family, Message, Person, Space
    from tests.stepped_bot import SteppedBot

PLACES = ["1:1", "group"]
RUN: dict[Family, str] = {
    "partner": "new calling usage 2026-10-01 to 2026-10-31 EU",
    "organization": "new meeting details 2026-10-01 to 2026-10-31",
}


@pytest.fixture(autouse=True)
def templates(stepped: SteppedBot) -> None:
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))


def run(stepped: SteppedBot, family: Family, space: Space | None, status: int) -> Message:
    """Ada runs a report, and Webex does not create it; return what she wrote."""
    path = "/v1/partner/reports" if family == "partner" else "/v1/reports"
    stepped.emulator.faults.add(method="POST", path=path, status=status, times=None)
    written = stepped.receive(stepped.setup.ada, RUN[family], space)
    stepped.work()
    return written


def asked(
    stepped: SteppedBot, words: str, space: Space | None, person: Person | None = None, root: Message | None = None
) -> str:
    """Return everything that a person, or Ada, is answered."""
    person = person or stepped.setup.ada
    before = {one.id for one in stepped.said(space, person)}
    stepped.receive(person, words, space, parent_id=root.id if root else None)
    stepped.work()
    said = [one for one in stepped.said(space, person) if one.id not in before]
    assert all(not one.card or problems(one.card) == [] for one in said)
    return "\n".join(f"{one.markdown or one.text} {' '.join(texts_of(one.card))}" for one in said)


def place_of(stepped: SteppedBot, place: str) -> Space | None:
    return stepped.setup.group if place == "group" else None


@pytest.mark.parametrize("family", RUN)
@pytest.mark.parametrize("place", PLACES)
def test_pending_and_why_tell_of_a_run_that_webex_does_not_take_yet(
    stepped: SteppedBot, family: Family, place: str
) -> None:
    space = place_of(stepped, place)
    root = run(stepped, family, space, 503)
    title = "Calling Usage" if family == "partner" else "Meeting Details"
    where = "in **Admin reports**" if space else "directly"

    pending = asked(stepped, "pending", space)
    assert "You're waiting for 1 report" in pending
    days = "Oct 1–31, 2026 · EU" if family == "partner" else "Oct 1–31, 2026"
    assert f"{title} ● Webex hasn't created it yet {days} · requested {where}, " in pending
    why = asked(stepped, "why", space, root=root)
    assert f"**Ada Lovelace** asked to run **{title}** {where} on " in why
    assert "→ Webex hasn't created the report yet. I'll keep trying; no action needed. Reference reference1." in why


@pytest.mark.parametrize("family", RUN)
@pytest.mark.parametrize("place", PLACES)
def test_why_tells_in_the_thread_that_there_is_no_report(stepped: SteppedBot, family: Family, place: str) -> None:
    space = place_of(stepped, place)
    root = run(stepped, family, space, 400)

    why = asked(stepped, "why did it fail?", space, root=root)

    assert "→ no report " in why
    assert "Webex rejected the request" in why


@pytest.mark.parametrize(
    ("word", "said"), [("cancel", "Pick one below"), ("again", "No report is ready yet"), ("refresh", "Pick one below")]
)
def test_in_the_thread_of_a_run_no_other_report_is_meant(stepped: SteppedBot, word: str, said: str) -> None:
    report = stepped.setup.partner_report("Another", status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    root = run(stepped, "partner", None, 400)

    assert said in asked(stepped, word, None, root=root)
    assert stepped.request().state is State.OPEN


def test_nobody_without_a_role_learns_of_a_run(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    root = run(stepped, "partner", space, 400)

    said = asked(stepped, "why", space, stepped.setup.nora, root)

    assert "Only Webex administrators" in said
    assert "Calling Usage" not in said


def test_the_reference_of_a_run_finds_its_report(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, RUN["partner"])
    stepped.work()

    assert "**Ada Lovelace** asked directly on " in asked(stepped, "why reference1", None)
    run(stepped, "organization", None, 400)
    failed = asked(stepped, "why reference3", None)
    assert "**Ada Lovelace** asked to run a report in a direct message." in failed
    assert "**Ada Lovelace** got no report from Webex in a direct message. Failed: Webex answered 400." in failed


@pytest.mark.parametrize("family", RUN)
@pytest.mark.parametrize("how", ["in its thread", "alone", "by the button"])
def test_a_run_that_webex_does_not_take_yet_is_canceled(stepped: SteppedBot, family: Family, how: str) -> None:
    root = run(stepped, family, None, 503)
    if how == "by the button":
        asked(stepped, "pending", None)
        pressed = next(one for one in stepped.said(None, stepped.setup.ada) if one.card)
        (cancel,) = (one["data"] for one in actions_of(pressed.card))
        stepped.pressed(stepped.setup.ada, pressed, cancel)
        stepped.work()
        said = "\n".join(one.markdown or "" for one in stepped.said(None, stepped.setup.ada))
    else:
        said = asked(stepped, "cancel", None, root=root if how == "in its thread" else None)

    assert "Canceled. I won't post this report here, but Webex may create it all the same." in said
    stepped.emulator.faults.clear()
    for _ in range(4):
        stepped.wait(61)
    assert not stepped.world.reports
    assert "You have no pending requests." in asked(stepped, "pending", None)
    assert "→ no report " in asked(stepped, "why", None, root=root)


def test_a_run_of_which_webex_heard_nothing_is_canceled_for_certain(stepped: SteppedBot) -> None:
    run(stepped, "partner", None, 429)

    assert "Canceled. I won't run this report." in asked(stepped, "cancel", None)


def test_of_a_run_and_a_request_that_wait_cancel_takes_neither(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Another", status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    run(stepped, "partner", None, 503)

    assert "Pick one below" in asked(stepped, "cancel", None)
    assert stepped.request().state is State.OPEN


def test_another_administrator_cancels_no_run_of_somebody_else(stepped: SteppedBot) -> None:
    space = stepped.setup.group
    root = run(stepped, "partner", space, 503)

    asked(stepped, "cancel", space, stepped.setup.grace, root)

    assert "→ Webex hasn't created the report yet." in asked(stepped, "why", space, root=root)
