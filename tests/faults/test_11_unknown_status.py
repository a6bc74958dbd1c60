"""Issue 11, §4: a status that is no word we know counts as pending, and its file is carefully tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from tests.live_bot import CSV, BotMessage
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

MINUTE, HOUR = 60.0, 3600.0
UNKNOWN = "which I don't know; the file is complete."


def pass_by(stepped: SteppedBot, seconds: float, step: float = MINUTE) -> None:
    for _ in range(int(seconds / step)):
        stepped.wait(step)


def asked_for(stepped: SteppedBot, status: Any = "PREPARED", space: Space | None = None, **more: Any) -> Any:
    report = stepped.setup.partner_report("Calling Usage", **({"status": status, "has_file": True} | more))
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work()
    assert stepped.request().state is State.OPEN
    return report


def files(stepped: SteppedBot, space: Space | None = None) -> list[Message]:
    return [one for one in stepped.said(space) if one.files]


def line(stepped: SteppedBot, space: Space | None = None) -> str:
    (one,) = files(stepped, space)
    assert one.files[0].path.read_bytes() == CSV
    return one.markdown or ""


def card(stepped: SteppedBot, space: Space | None = None) -> str:
    (one,) = [one for one in stepped.said(space) if one.card]
    return BotMessage(one).shown


@pytest.mark.parametrize("family", ["partner", "organization"])
@pytest.mark.parametrize("group", [False, True])
def test_what_proves_whole_is_posted_after_ten_minutes(stepped: SteppedBot, family: str, group: bool) -> None:
    space = stepped.setup.group if group else stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)
    make = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    report = make(status="PREPARED", has_file=True)
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    pass_by(stepped, 9 * MINUTE)
    assert "● In progress" in card(stepped, space)
    assert "Status in Webex: PREPARED" in card(stepped, space)
    assert stepped.downloads == 0

    pass_by(stepped, 6 * MINUTE)

    assert stepped.downloads == 1
    assert "Webex's status is “PREPARED”, which I don't know; the file is complete." in line(stepped, space)
    assert "● Ready" in card(stepped, space)
    assert "Status in Webex: PREPARED" in card(stepped, space)
    assert "The file follows below." in card(stepped, space)
    assert stepped.request().state is State.DELIVERED


@pytest.mark.parametrize("status", ["", None, 7, "完了", "generated_ok", "***"])
def test_whatever_is_no_word_of_ours_is_tried(stepped: SteppedBot, status: Any) -> None:
    asked_for(stepped, status)
    pass_by(stepped, 16 * MINUTE)

    said = line(stepped)
    assert UNKNOWN in said or "Webex gives no status for this report; the file is complete." in said


@pytest.mark.parametrize("status", ["waiting", "QUEUED", "In_Progress", "manual-processing", "Generating "])
def test_what_is_surely_pending_is_never_tried(stepped: SteppedBot, status: str) -> None:
    report = asked_for(stepped, status)
    pass_by(stepped, 3 * HOUR, 15 * MINUTE)
    assert (stepped.downloads, len(stepped.said())) == (0, 1)

    stepped.world.set_report(report.id, status="COMPLETED ")
    pass_by(stepped, 6 * MINUTE)
    assert "don't know" not in line(stepped)


BROKEN: list[dict[str, Any]] = [
    {"has_file": False},
    {"html_error": True},
    {"claimed_length": len(CSV) + 10},
    {"infected": True},
    {"checksum": "0" * 32},
    {"unscannable": True},
    {"locked_times": 100},
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_what_does_not_prove_whole_changes_nothing(stepped: SteppedBot, broken: dict[str, Any]) -> None:
    report = asked_for(stepped, **broken)
    (before,) = stepped.said()
    asked: list[float] = []
    start = stepped.clock.seconds()
    for step in [5 * MINUTE] * 18 + [HOUR] * 23:
        had = stepped.downloads
        stepped.wait(step)
        assert stepped.downloads - had <= 1
        if stepped.downloads > had:
            asked.append(stepped.clock.seconds() - start)

    assert len(asked) == 3
    assert asked[0] >= 10 * MINUTE
    assert asked[1] - asked[0] < asked[2] - asked[1]
    assert [one.id for one in stepped.said()] == [before.id]
    assert stepped.request().state is State.OPEN

    stepped.world.set_report(report.id, status="Finished", has_file=True, **dict.fromkeys(set(broken) - {"has_file"}))
    stepped.world.set_report(report.id, locked_times=0)
    pass_by(stepped, 10 * MINUTE)
    assert "don't know" not in line(stepped)


def test_it_ends_with_its_deadline_and_the_word(stepped: SteppedBot) -> None:
    asked_for(stepped, has_file=False)
    pass_by(stepped, 27 * HOUR, HOUR)

    assert stepped.request().state is State.EXPIRED
    assert "“PREPARED”" in (stepped.request().reason or "")
    assert stepped.downloads == 3


@pytest.mark.parametrize(
    ("then", "state"), [("done", State.DELIVERED), ("FAILED", State.FAILED), ("error", State.FAILED)]
)
def test_a_word_that_is_known_later_says_it(stepped: SteppedBot, then: str, state: State) -> None:
    report = asked_for(stepped)
    pass_by(stepped, 5 * MINUTE)
    stepped.world.set_report(report.id, status=then)
    pass_by(stepped, 3 * MINUTE)

    assert stepped.request().state is state
    assert stepped.downloads == (state is State.DELIVERED)
    assert all("don't know" not in (one.markdown or "") for one in stepped.said())


def test_ten_minutes_are_those_of_one_word(stepped: SteppedBot) -> None:
    report = asked_for(stepped)
    for status in ("ASSEMBLED", "waiting", "PREPARED", "ASSEMBLED", "prepared"):
        pass_by(stepped, 8 * MINUTE)
        stepped.world.set_report(report.id, status=status)
    assert stepped.downloads == 0
    pass_by(stepped, 4 * MINUTE)
    stepped.world.set_report(report.id, status="Pre-Pared")
    pass_by(stepped, 12 * MINUTE)

    assert "“Pre-Pared”" in line(stepped)


def test_restarts_and_further_requests_do_not_begin_the_count_again(stepped: SteppedBot) -> None:
    report = asked_for(stepped, has_file=False)
    pass_by(stepped, 8 * MINUTE)
    stepped.restart()
    pass_by(stepped, 8 * MINUTE)
    assert stepped.downloads == 1
    for _ in range(20):
        stepped.receive(stepped.setup.ada, f"cancel {report.id}")
        stepped.work()
        stepped.receive(stepped.setup.ada, f"report {report.id}")
        stepped.work()
        stepped.restart()
        pass_by(stepped, HOUR, 30 * MINUTE)

    assert stepped.downloads == 3


def test_a_kill_in_the_middle_costs_a_try(stepped: SteppedBot) -> None:
    asked_for(stepped)

    def die() -> None:
        raise Crash("in the middle")

    stepped.while_fetching(die)
    with pytest.raises(Crash):
        pass_by(stepped, 20 * MINUTE)
    stepped.restart()
    pass_by(stepped, 50 * MINUTE)
    assert (stepped.downloads, files(stepped)) == (1, [])
    pass_by(stepped, 20 * MINUTE)
    assert stepped.downloads == 2
    assert UNKNOWN in line(stepped)


def test_one_that_proved_whole_is_posted_though_webex_does_not_take_it_at_once(stepped: SteppedBot) -> None:
    asked_for(stepped)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=3)
    pass_by(stepped, 20 * MINUTE)

    assert UNKNOWN in line(stepped)
    assert stepped.request().state is State.DELIVERED


def remove_kept_file(stepped: SteppedBot) -> None:
    """As happens a quarter of an hour after the file was proved."""
    for path in stepped.folder.rglob("*"):
        if path.is_file():
            path.unlink()


def test_who_asks_later_has_no_ten_minutes_to_wait(stepped: SteppedBot) -> None:
    report = asked_for(stepped)
    pass_by(stepped, 16 * MINUTE)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    pass_by(stepped, 2 * MINUTE)
    assert UNKNOWN in line(stepped, stepped.setup.group)
    for _ in range(4):
        remove_kept_file(stepped)
        stepped.receive(stepped.setup.ada, f"again {report.id}")
        pass_by(stepped, 2 * MINUTE)
    assert (len(files(stepped)), stepped.downloads) == (5, 5)
    remove_kept_file(stepped)

    stepped.world.set_report(report.id, has_file=False)
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    pass_by(stepped, 20 * HOUR, HOUR)
    assert len(files(stepped)) == 5
    assert stepped.downloads <= 5 + 3


def test_all_who_wait_are_served_by_one_try(stepped: SteppedBot) -> None:
    report = asked_for(stepped)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    pass_by(stepped, 16 * MINUTE)

    assert stepped.downloads == 1
    assert UNKNOWN in line(stepped)
    assert UNKNOWN in line(stepped, stepped.setup.group)


def test_without_a_link_there_is_nothing_to_try(stepped: SteppedBot) -> None:
    asked_for(stepped, shape=_without_link())
    calls = stepped.calls("GET", "/v1/partner/reports/*")
    pass_by(stepped, 2 * HOUR, 5 * MINUTE)

    assert (stepped.downloads, len(stepped.said())) == (0, 1)
    assert stepped.calls("GET", "/v1/partner/reports/*") - calls <= 2 * HOUR / (10 * MINUTE)


def _without_link() -> Any:
    from bot.emulator.report import Shape

    return Shape(wrap="flat", names={"downloadURL": "somethingElse"})


@pytest.mark.parametrize(
    ("listed", "detailed", "tells"), [("PREPARED", "done", False), ("done", "PREPARED", True), ("PREPARED", "x", True)]
)
def test_the_list_says_one_thing_and_the_details_another(
    stepped: SteppedBot, listed: str, detailed: str, tells: bool
) -> None:
    report = stepped.setup.partner_report(status="waiting", has_file=True)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    stepped.world.set_report(report.id, status=detailed)
    item = {"reportId": report.id, "title": report.title, "status": listed}
    stepped.emulator.faults.add(method="GET", path="/v1/partner/reports", status=200, body=[item])
    calls = stepped.calls("GET", "/v1/partner/reports/*")
    pass_by(stepped, 40 * MINUTE, 30)

    assert ("don't know" in line(stepped)) is tells
    assert stepped.calls("GET", "/v1/partner/reports/*") - calls < 15


def test_it_can_be_canceled_at_any_time(stepped: SteppedBot) -> None:
    report = asked_for(stepped)

    def cancel() -> None:
        stepped.receive(stepped.setup.ada, f"cancel {report.id}")
        stepped.work_beside()

    stepped.while_fetching(cancel)
    pass_by(stepped, 20 * MINUTE)

    assert files(stepped) == []
    assert stepped.request().state is State.CANCELED
