"""A typed schedule with a condition: what the condition holds back is not posted, and its history says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import schedules
from bot.emulator.things import READONLY_ADMIN, Template
from tests.live_bot import CSV, BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Family, Message, Space
    from tests.stepped_bot import SteppedBot

SUNDAY = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
A_WEEK = timedelta(days=7)
WORDS: dict[Family, str] = {"partner": "calling usage", "organization": "meeting details"}
BLANK = b"Name,Value\r\n"


@pytest.fixture(autouse=True)
def on_sunday(stepped: SteppedBot) -> None:
    stepped.clock.time = SUNDAY
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Meeting Details", "Meetings", max_days=62))


def place(stepped: SteppedBot, *, in_group: bool) -> Space:
    setup = stepped.setup
    return setup.group if in_group else stepped.world.direct_space(setup.ada, setup.bot)


def says(stepped: SteppedBot, space: Space, text: str) -> str:
    stepped.receive(stepped.setup.ada, text, space)
    stepped.work()
    return BotMessage(stepped.said(space)[-1]).shown


def runs_next(stepped: SteppedBot, space: Space, content: bytes) -> list[Message]:
    """Turn the clock to the next run, have its report made with this content; return what was posted."""
    before = stepped.said(space)
    with stepped.database.read() as tx:
        next_at = schedules.first_time(tx)
    assert next_at is not None
    stepped.clock.time = next_at
    stepped.work()
    for report in stepped.world.reports.values():
        if report.status != "done":
            stepped.world.set_report(report.id, status="done", content=content)
    for _ in range(3):
        stepped.wait(61)
    return [one for one in stepped.said(space) if one not in before]


@pytest.mark.parametrize("in_group", [False, True])
@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_blank_report_is_not_posted_and_the_next_one_is(stepped: SteppedBot, family: Family, in_group: bool) -> None:
    space = place(stepped, in_group=in_group)
    answer = says(stepped, space, f"schedule {WORDS[family]} every Monday 8:00 UTC last week only if not blank")
    assert "only if not blank" in answer
    assert runs_next(stepped, space, BLANK) == []
    (reference,) = (one.reference for one in stored(stepped))
    history = says(stepped, space, f"history {reference}")
    assert "Not posted" in history
    assert "is blank, so I didn't post it" in history

    (file,) = runs_next(stepped, space, CSV)
    assert file.files


def test_what_is_the_same_as_last_week_is_not_posted_again(stepped: SteppedBot) -> None:
    group = stepped.setup.group
    says(stepped, group, "schedule calling usage every Monday 8:00 UTC last week only if changed and more than 1 rows")
    assert [bool(one.files) for one in runs_next(stepped, group, CSV)] == [True]
    assert runs_next(stepped, group, CSV) == []
    assert [bool(one.files) for one in runs_next(stepped, group, CSV.replace(b"1", b"7"))] == [True]


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_with_no_room_at_webex_the_space_and_the_history_say_so(stepped: SteppedBot, family: Family) -> None:
    group = stepped.setup.group
    stepped.world.reports_kept = 50
    says(stepped, group, f"schedule {WORDS[family]} every Monday 8:00 UTC last week")
    for _ in range(50):
        stepped.world.add_report(family=family, title="Other", template_id=999)
    assert runs_next(stepped, group, CSV) == []
    for _ in range(12):
        stepped.wait(310)
    for told in (stepped.said(group)[-1], stepped.said()[-1]):
        assert "all places are taken" in (told.text or "")
    (reference,) = (one.reference for one in stored(stepped))
    assert "all places are taken" in says(stepped, group, f"history {reference}")
    assert not any(one.deleted for one in stepped.world.reports.values())


def test_who_may_only_read_schedules_nothing_with_conditions_either(stepped: SteppedBot) -> None:
    stepped.setup.ada.roles = [READONLY_ADMIN]
    says(stepped, stepped.setup.group, "schedule meeting details every day 8:00 only if changed")
    assert stored(stepped) == []


def stored(stepped: SteppedBot) -> list[schedules.Schedule]:
    with stepped.database.read() as tx:
        return schedules.find(tx)
