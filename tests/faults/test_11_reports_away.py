"""Issue 11, §4: both families of reports are away at once. One line within ten seconds, gone when the card stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.emulator.gate import Gate
from bot.reports import report_calls, trouble
from bot.services import MOST_REPORT_CALLS
from tests.live_bot import PATIENCE, BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

LINE = "Webex Reports isn't responding right now. I'll keep trying; no action needed."
STEP, A_WHILE = 0.25, 5.0
SOON = 10.0
BOTH = "/v1/*reports*"
TROUBLES: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 502},
    {"status": 503},
    {"status": 504},
    {"cut": "before"},
    {"cut": "after"},
    {"cut": "middle"},
]


@pytest.fixture(params=["1:1", "group"])
def space(stepped: SteppedBot, request: pytest.FixtureRequest) -> Space:
    live = stepped.setup
    return live.group if request.param == "group" else stepped.world.direct_space(live.ada, live.bot)


def pass_by(stepped: SteppedBot, seconds: float) -> None:
    for _ in range(int(seconds / A_WHILE)):
        stepped.wait(A_WHILE)


def lines(stepped: SteppedBot, space: Space) -> list[Message]:
    return [one for one in stepped.said(space) if "right now" in (one.markdown or one.text or "")]


def seconds_until_told(stepped: SteppedBot, space: Space) -> float:
    asked = stepped.clock.seconds()
    stepped.work()
    while not lines(stepped, space):
        assert stepped.clock.seconds() - asked < SOON, "nothing was said in time"
        stepped.wait(STEP)
    return stepped.clock.seconds() - asked


def kinds(stepped: SteppedBot, space: Space) -> list[str]:
    return ["card" if one.card else "file" if one.files else "words" for one in stepped.said(space)]


@pytest.mark.parametrize(
    ("family", "fault"), [*(("partner", one) for one in TROUBLES), ("organization", TROUBLES[0])], ids=str
)
def test_one_line_soon_and_in_its_place_the_card(
    stepped: SteppedBot, space: Space, family: str, fault: dict[str, Any]
) -> None:
    make = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    report = make("Quarterly Secrets")
    root = stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.emulator.faults.add(method="GET", path=BOTH, **fault)

    assert 1 < seconds_until_told(stepped, space) < SOON
    pass_by(stepped, 300)

    (one,) = stepped.said(space)
    assert (one.markdown, one.parent_id) == (LINE, root.id)

    stepped.emulator.faults.clear()
    pass_by(stepped, 70)

    assert stepped.request().state is State.DELIVERED
    assert kinds(stepped, space) == ["card", "file"]
    assert stepped.request().failing_since is None


@pytest.mark.parametrize(("partner", "organization"), [(503, None), (None, 503), (None, None)])
def test_a_family_that_hangs_is_as_bad(
    stepped: SteppedBot, space: Space, monkeypatch: pytest.MonkeyPatch, partner: int | None, organization: int | None
) -> None:
    """It answers nothing for the patience of a call, so no error tells that it is away."""
    monkeypatch.setattr(trouble, "FIRST_ANSWER_PATIENCE", timedelta())  # the clock of the tests stands still
    monkeypatch.setattr(trouble, "SILENCE_PATIENCE", timedelta(seconds=0.2))
    monkeypatch.setattr(trouble, "LEAST_SILENCE", timedelta(seconds=0.1))
    report = stepped.setup.partner_report(status="waiting")
    for path, status in (("/v1/partner/reports/*", partner), ("/v1/reports/*", organization)):
        delay = 0.0 if status else PATIENCE
        stepped.emulator.faults.add(method="GET", path=path, status=status or 503, delay=delay, times=1)

    def silent(_: Gate, seconds: float) -> None:
        if seconds:
            stepped.world.wait_for(lambda _: bool(lines(stepped, space)), timeout=seconds)

    monkeypatch.setattr(Gate, "_wait", silent)  # until the line stands there
    seen: list[int] = []
    while_asking = stepped.services.catalog.find

    def find(*args: Any, **more: Any) -> Any:
        try:
            return while_asking(*args, **more)
        finally:
            seen.append(len(lines(stepped, space)))

    monkeypatch.setattr(stepped.services.catalog, "find", find)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work()
    assert seen == [1], "it is said while Webex is silent"
    assert len(lines(stepped, space)) == 1
    pass_by(stepped, A_WHILE)

    assert stepped.request().state is State.OPEN
    assert kinds(stepped, space) == ["card"]


def test_one_family_that_answers_is_enough(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.organization_report()
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    pass_by(stepped, 20)

    assert kinds(stepped, space) == ["card", "file"]


def test_a_hiccup_of_a_second_is_worth_no_word(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503, times=4)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    said: list[int] = []
    for _ in range(40):
        stepped.wait(0.25)
        said.append(len(lines(stepped, space)))

    assert max(said) == 0
    assert kinds(stepped, space) == ["card", "file"]


@pytest.mark.parametrize("command", ["reports", "refresh {}", "again {}"])
def test_other_commands_say_it_as_soon(stepped: SteppedBot, space: Space, command: str) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(stepped.setup.ada, command.format(report.id), space)

    assert seconds_until_told(stepped, space) < SOON
    pass_by(stepped, 120)
    assert [one.markdown for one in stepped.said(space)] == [LINE]

    stepped.emulator.faults.clear()
    pass_by(stepped, 70)
    assert kinds(stepped, space) == (["file"] if "again" in command else ["card"])


def test_the_line_goes_when_the_request_is_canceled(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    seconds_until_told(stepped, space)
    stepped.receive(stepped.setup.ada, f"cancel {report.id}", space)
    pass_by(stepped, 70)

    assert lines(stepped, space) == []
    assert stepped.request().state is State.CANCELED


def test_the_line_goes_when_the_answer_is_no(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.partner_report(made_in_portal=True)
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    seconds_until_told(stepped, space)
    stepped.emulator.faults.clear()
    pass_by(stepped, 70)

    assert lines(stepped, space) == []
    assert stepped.request().state is State.FAILED
    assert len(stepped.said(space)) == 1


def test_it_is_said_once_and_goes_through_a_restart(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    seconds_until_told(stepped, space)
    stepped.restart()
    pass_by(stepped, 120)
    assert len(stepped.said(space)) == 1

    stepped.restart()
    stepped.emulator.faults.clear()
    pass_by(stepped, 70)
    assert kinds(stepped, space) == ["card", "file"]


def test_a_line_that_webex_does_not_delete_now_goes_later(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.partner_report()
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    seconds_until_told(stepped, space)
    stepped.emulator.faults.clear()
    failed = stepped.emulator.faults.add(method="DELETE", path="/v1/messages/*", status=503, times=1)
    pass_by(stepped, 70)
    assert failed.hits
    assert kinds(stepped, space) == ["card", "file"]


def test_several_reports_of_one_message_share_one_line(stepped: SteppedBot, space: Space) -> None:
    reports = [stepped.setup.partner_report(status="waiting") for _ in range(5)]
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(stepped.setup.ada, "report " + " ".join(one.id for one in reports), space)
    seconds_until_told(stepped, space)
    pass_by(stepped, 60)
    assert len(stepped.said(space)) == 1

    stepped.emulator.faults.clear()
    stepped.emulator.faults.add(method="GET", path=f"/v1/partner/reports/{reports[3].id}", status=503)
    pass_by(stepped, 70)
    assert kinds(stepped, space) in ([], ["words"]), "no list while one of them is away, and never two lines"

    stepped.emulator.faults.clear()
    pass_by(stepped, 70)
    assert kinds(stepped, space) == ["card"], "one list of all"


def test_reports_that_hang_leave_room_for_others(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where so many are asked for already, the request comes again by itself, and its person is told."""
    monkeypatch.setattr(report_calls, "LONGEST_WAIT", 0.01)
    report = stepped.setup.partner_report()
    space = stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)
    for _ in range(MOST_REPORT_CALLS):
        stepped.services.report_slots.acquire()
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    assert seconds_until_told(stepped, space) < SOON
    assert stepped.calls("GET", BOTH) == 0

    stepped.services.report_slots.release()
    pass_by(stepped, 20)
    assert kinds(stepped, space) == ["card", "file"]


def test_where_others_read_along_the_line_tells_nothing_and_goes(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.receive(live.ada, f"report {report.id}", live.outside)
    direct = stepped.world.direct_space(live.ada, live.bot)
    seconds_until_told(stepped, live.outside)
    pass_by(stepped, 60)
    assert (kinds(stepped, live.outside), kinds(stepped, direct)) == (["words"], [])

    stepped.emulator.faults.clear()
    pass_by(stepped, 70)
    assert kinds(stepped, direct) == ["card", "file"]
    assert kinds(stepped, live.outside) == ["words"]


def test_a_press_is_told_as_well(stepped: SteppedBot, space: Space) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work()
    card = next(one for one in stepped.said(space) if one.card)
    stepped.emulator.faults.add(method="GET", path=BOTH, status=503)
    stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Send again"])
    seconds_until_told(stepped, space)

    stepped.emulator.faults.clear()
    pass_by(stepped, 70)
    assert kinds(stepped, space) == ["card", "file", "file"]
