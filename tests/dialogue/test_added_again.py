"""The bot is removed from a space while somebody waits there, answers directly, and is added again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db.events import Event

if TYPE_CHECKING:
    from bot.emulator.report import Report
    from tests.stepped_bot import SteppedBot


@pytest.fixture
def report(stepped: SteppedBot) -> Report:
    """Return the report that Ada waits for in the group space."""
    report: Report = stepped.setup.partner_report("Calling Usage", status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    return report


def removed(stepped: SteppedBot) -> None:
    stepped.world.leave(stepped.setup.group, stepped.setup.bot)


def added_again(stepped: SteppedBot) -> None:
    setup = stepped.setup
    joined = stepped.world.join(setup.group, setup.bot)
    stepped._keep(Event("memberships", "created", joined.id, setup.group.id, "group", setup.bot.id))
    stepped.work()


def shown(stepped: SteppedBot) -> list[str]:
    return [one.text or "" for one in stepped.said(stepped.setup.group)]


def test_the_card_of_what_was_answered_directly_goes(stepped: SteppedBot, report: Report) -> None:
    removed(stepped)
    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)
    assert [one for one in stepped.said(person=stepped.setup.ada) if one.files]
    assert any("In progress" in one for one in shown(stepped))

    added_again(stepped)

    (hello,) = shown(stepped)
    assert "Report Bot" in hello


def test_the_card_of_what_is_still_waited_for_there_stays(stepped: SteppedBot, report: Report) -> None:
    before = shown(stepped)
    removed(stepped)
    stepped.wait(60)

    added_again(stepped)
    assert shown(stepped)[:1] == before

    stepped.world.set_report(report.id, status="done")
    stepped.wait(60)
    assert [one for one in stepped.said(stepped.setup.group) if one.files]
