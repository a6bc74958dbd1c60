"""Subscriptions announce each matching report once, as soon as it is ready, for no more calls than the list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.cli.main import main
from bot.db import origins, outcomes, requests, subscriptions, tables
from bot.db.origin import OriginState, PauseCause
from bot.db.requests import State
from bot.emulator.things import READONLY_ADMIN
from bot.queue import tasks
from bot.reports.subscriptions import announce, put_watches
from tests.live_bot import BotMessage
from tests.origin_rows import add_subscription, stored
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Family, Space
    from tests.stepped_bot import SteppedBot

POLL = 10.0
"""The stepped bot's POLL_INTERVAL."""
PATHS = {"partner": "/v1/partner/reports", "organization": "/v1/reports"}


def subscribed(stepped: SteppedBot, words: str = "calling usage", **values: Any) -> Subscription:
    """A subscription of Ada's in the group space, as the command makes it: after a look at what is ready."""
    made = add_subscription(
        stepped.database, stepped.setup.ada, stepped.setup.group, stepped.clock(), **({"words": words} | values)
    )
    for which in subscriptions.lists_for(made.family, made.region, made.on_behalf_of):
        announce(stepped.services, which, stepped.services.catalog.listing(*which))
    with stepped.database.begin() as tx:
        put_watches(tx, stepped.services, made)
    stepped.emulator.calls.clear()
    return made


def posted(stepped: SteppedBot) -> list[BotMessage]:
    return [BotMessage(one) for one in stepped.said(stepped.setup.group)]


def files(stepped: SteppedBot) -> list[str]:
    return [one.message.files[0].name for one in posted(stepped) if one.message.files]


def becomes_ready(stepped: SteppedBot, family: Family = "partner", title: str = "Calling Usage", **more: Any) -> Any:
    add = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    return add(title, **more)


def rounds(stepped: SteppedBot, number: int = 1) -> None:
    for _ in range(number):
        stepped.wait(POLL)


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_report_that_becomes_ready_is_announced_once_whoever_ran_it(stepped: SteppedBot, family: Family) -> None:
    subscribed(stepped, family=family)
    report = becomes_ready(stepped, family, status="In progress")
    becomes_ready(stepped, family, "Something Else")
    rounds(stepped)
    assert posted(stepped) == []

    stepped.world.set_report(report.id, status="done")
    rounds(stepped, 3)

    (file,) = posted(stepped)
    assert file.message.files
    assert "Calling Usage" in file.words
    assert "For the subscription to calling usage." in file.words


@pytest.mark.parametrize("where", ["here", "directly"])
def test_what_the_space_has_already_does_not_come_again(stepped: SteppedBot, where: str) -> None:
    subscribed(stepped)
    report = becomes_ready(stepped)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group if where == "here" else None)
    stepped.work()
    assert len(files(stepped)) == (where == "here")

    rounds(stepped, 3)

    assert len(files(stepped)) == 1


class Awaited:
    """Somebody waits for a report that the space's subscription is to announce with a card alone."""

    def __init__(self, stepped: SteppedBot, space: Space | None) -> None:
        self.stepped = stepped
        self.report = becomes_ready(stepped, status="In progress")
        stepped.receive(stepped.setup.ada, f"report {self.report.id}", space)
        stepped.work()
        self.subscription = subscribed(stepped, card_only=True)

    def is_announced(self) -> None:
        """One look finds the report ready: its delivery is about to begin, and what was announced is looked up."""
        self.stepped.world.set_report(self.report.id, status="done")
        self.stepped.wait(POLL, until=tasks.DELIVER)
        for which in subscriptions.lists_for(None, None, None):
            announce(self.stepped.services, which, self.stepped.services.catalog.listing(*which))
        self.stepped.work_beside()

    def state(self) -> State:
        with self.stepped.database.read() as tx:
            (request,) = requests.find(tx, tables.requests.c.subscription_id == self.subscription.id)
        return request.state

    def has_card(self) -> bool:
        return any("The file is ready to be sent" in one.shown for one in posted(self.stepped))


def test_of_a_file_that_somebody_waits_for_here_no_card_comes_as_well(stepped: SteppedBot) -> None:
    awaited = Awaited(stepped, stepped.setup.group)
    awaited.is_announced()
    assert not awaited.has_card()

    rounds(stepped, 3)

    assert len(files(stepped)) == 1
    assert not awaited.has_card()
    assert awaited.state() is State.DELIVERED


@pytest.mark.parametrize("why", ["canceled", "cannot be had", "directly"])
def test_of_a_file_that_does_not_come_here_after_all_the_card_comes(stepped: SteppedBot, why: str) -> None:
    awaited = Awaited(stepped, None if why == "directly" else stepped.setup.group)
    if why == "cannot be had":
        stepped.emulator.faults.add("GET", "*", host="download", status=410, times=None)
    awaited.is_announced()
    assert awaited.has_card() is (why == "directly")
    if why == "canceled":
        stepped.receive(stepped.setup.ada, f"cancel {awaited.report.id}", stepped.setup.group)
        stepped.work_beside()

    rounds(stepped, 3)

    assert files(stepped) == []
    assert awaited.has_card()
    assert awaited.state() is State.DELIVERED


def test_what_is_ready_when_it_is_subscribed_does_not_come(stepped: SteppedBot) -> None:
    for _ in range(12):
        becomes_ready(stepped)
    subscribed(stepped)
    rounds(stepped, 3)
    assert posted(stepped) == []


def test_a_list_that_webex_gives_only_later_announces_only_what_is_new(stepped: SteppedBot) -> None:
    made = add_subscription(stepped.database, stepped.setup.ada, stepped.setup.group, stepped.clock())
    with stepped.database.begin() as tx:
        put_watches(tx, stepped.services, made)
    stepped.emulator.faults.add("GET", PATHS["partner"], status=403)
    rounds(stepped)
    becomes_ready(stepped)
    stepped.emulator.faults.clear()
    stepped.wait(301.0)
    assert posted(stepped) == []

    becomes_ready(stepped)
    rounds(stepped)
    assert len(files(stepped)) == 1


def test_an_empty_list_counts_as_a_look(stepped: SteppedBot) -> None:
    subscribed(stepped)
    becomes_ready(stepped)
    rounds(stepped)
    assert len(files(stepped)) == 1


def test_a_file_with_nothing_in_it_says_why_beside_it(stepped: SteppedBot) -> None:
    subscribed(stepped)
    becomes_ready(stepped, content=b"Name,Minutes\r\n")
    rounds(stepped)
    (file,) = posted(stepped)
    assert "on the card" not in file.words
    assert "empty" in file.words


def test_why_tells_of_a_card_and_of_no_file_where_a_card_alone_was_posted(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    subscribed(machine, card_only=True)
    report = becomes_ready(machine)
    machine.receive(machine.setup.ada, f"report {report.id}")  # its file, to Ada directly
    rounds(machine)
    assert len(posted(machine)) == 1
    capsys.readouterr()
    assert main(["why", "--json", report.id]) == 0
    told = {one["made_for"] is None: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    by_ada, subscription = told[True], told[False]
    assert by_ada["file_size"]
    assert by_ada["file_sha256"]
    assert [subscription[name] for name in ("file_size", "file_sha256", "file_kind")] == [None] * 3
    assert any(one.startswith("card posted, ") for one in subscription["history"])


def test_a_list_card_that_is_lost_is_one_failure(stepped: SteppedBot) -> None:
    made = subscribed(stepped, card_only=True)
    for _ in range(8):
        becomes_ready(stepped)
    stepped.emulator.faults.add("POST", "/v1/messages", cut="after", times=1)
    rounds(stepped, 3)
    with stepped.database.read() as tx:
        assert [one.state for one in outcomes.latest(tx, made.origin, 5)] == [State.UNSURE]
    assert stored(stepped.database, made.origin).state is OriginState.ACTIVE


def test_after_a_downtime_what_was_missed_comes_once(stepped: SteppedBot) -> None:
    subscribed(stepped)
    stepped.stop()
    for _ in range(3):
        becomes_ready(stepped)
    stepped.clock.turn(40 * 86400.0)
    stepped.start()
    stepped.sweep.once()
    stepped.work()
    rounds(stepped, 3)
    assert len(files(stepped)) == 3
    assert not [one for one in posted(stepped) if one.card]


def test_more_than_five_at_once_share_a_list_card(stepped: SteppedBot) -> None:
    subscribed(stepped)
    for number in range(12):
        becomes_ready(stepped, start=f"2026-10-{number + 1:02}", end=f"2026-10-{number + 1:02}")
    rounds(stepped, 3)
    lists = [one for one in posted(stepped) if one.card]
    assert [one.shown.split("\n")[0] for one in lists] == ["10 reports", "2 reports"]
    assert len(files(stepped)) == 12
    first_file = next(number for number, one in enumerate(posted(stepped)) if one.message.files)
    assert posted(stepped).index(lists[0]) < first_file


@pytest.mark.parametrize("region", ["US", None])
def test_one_list_call_a_round_serves_all_and_nothing_new_costs_no_other(
    stepped: SteppedBot, region: str | None
) -> None:
    for number in range(30):
        subscribed(stepped, f"calling usage {number}", family="partner", region=region)
    pending = becomes_ready(stepped, title="Another", status="In progress", region="US")
    rounds(stepped)
    stepped.receive(stepped.setup.ada, f"report {pending.id}", stepped.setup.group)
    stepped.work()
    rounds(stepped)
    stepped.emulator.calls.clear()
    rounds(stepped, 4)
    assert len(stepped.emulator.calls) == stepped.calls("GET", PATHS["partner"]) == 4

    stepped.world.set_report(pending.id, status="done")
    rounds(stepped)
    assert len(files(stepped)) == 1, "the request is served by the same list"


def test_those_who_name_the_home_region_and_those_who_do_not_share_a_list(stepped: SteppedBot) -> None:
    becomes_ready(stepped)
    subscribed(stepped, "calling", family="partner")
    other = stepped.world.add_space("Others", [stepped.setup.ada, stepped.setup.bot])
    subscribed(stepped, "usage", family="partner", region="US", room_id=other.id)
    rounds(stepped, 2)
    stepped.emulator.calls.clear()
    rounds(stepped, 4)
    stepped.sweep.once()
    stepped.work()
    assert stepped.calls("GET", PATHS["partner"]) == 4
    becomes_ready(stepped)
    rounds(stepped)
    assert len(files(stepped)) == 1
    assert len([one for one in stepped.said(other) if one.files]) == 1


def test_many_who_are_told_of_one_report_cost_one_look_at_its_details_and_one_download(stepped: SteppedBot) -> None:
    for number in range(5):
        space = stepped.world.add_space(f"Team {number}", [stepped.setup.ada, stepped.setup.bot])
        subscribed(stepped, family="partner", room_id=space.id)
    becomes_ready(stepped)
    rounds(stepped)
    assert stepped.calls("GET", f"{PATHS['partner']}/*") == 1
    assert stepped.downloads == 1


def test_the_right_of_the_owner_is_asked_for_each_report(stepped: SteppedBot) -> None:
    grace = stepped.setup.grace
    made = subscribed(stepped, family="partner", person_id=grace.id)
    becomes_ready(stepped)
    rounds(stepped)
    grace.roles = [READONLY_ADMIN]
    stepped.directory.forget()
    becomes_ready(stepped)
    rounds(stepped, 2)
    assert len(files(stepped)) == 1
    now = stored(stepped.database, made.origin)
    assert (now.state, now.pause_cause) == (OriginState.PAUSED, PauseCause.NOT_ALLOWED)


def test_of_all_families_only_those_come_that_the_owner_may_use(stepped: SteppedBot) -> None:
    stepped.setup.grace.roles = [READONLY_ADMIN]
    made = subscribed(stepped, "", family=None, person_id=stepped.setup.grace.id)
    becomes_ready(stepped)
    becomes_ready(stepped, "organization", "Meeting Details")
    rounds(stepped, 3)
    (file,) = posted(stepped)
    assert "Meeting Details" in file.words
    now = stored(stepped.database, made.origin)
    assert now.state is OriginState.ACTIVE


def test_nothing_comes_where_the_owner_is_no_member_any_more(stepped: SteppedBot) -> None:
    made = subscribed(stepped)
    stepped.world.leave(stepped.setup.group, stepped.setup.ada)
    becomes_ready(stepped)
    rounds(stepped, 2)
    assert files(stepped) == []
    assert stored(stepped.database, made.origin).state is OriginState.PAUSED


@pytest.mark.parametrize("number", [1, 7])
@pytest.mark.parametrize("card_only", [False, True])
def test_while_an_outsider_is_there_nothing_comes_and_afterwards_it_goes_on(
    stepped: SteppedBot, number: int, card_only: bool
) -> None:
    made = subscribed(stepped, family="partner", card_only=card_only)
    stepped.world.join(stepped.setup.group, stepped.setup.ethan)
    for _ in range(2):
        for _ in range(number):
            becomes_ready(stepped)
        rounds(stepped, 2)
    assert posted(stepped) == []
    paused = stored(stepped.database, made.origin)
    assert (paused.state, paused.pause_cause) == (OriginState.PAUSED, PauseCause.OUTSIDERS)

    stepped.world.leave(stepped.setup.group, stepped.setup.ethan)
    for _ in range(number):
        becomes_ready(stepped)
    rounds(stepped, 2)

    assert len(files(stepped)) == (0 if card_only else number)
    assert len([one for one in posted(stepped) if one.card]) == (1 if card_only or number > 1 else 0)
    with stepped.database.read() as tx:
        assert requests.find(tx, tables.requests.c.state == "open") == []
    assert stored(stepped.database, made.origin).state is OriginState.ACTIVE


@pytest.mark.parametrize(
    ("several", "card_only"),
    [
        (1, False),
        pytest.param(6, True, marks=pytest.mark.sqlite("six are no other to the database than one")),
    ],
)
def test_wherever_it_is_killed_each_report_is_announced_once(
    stepped: SteppedBot, several: int, card_only: bool
) -> None:
    one = subscribed(stepped, card_only=card_only)
    made: list[str] = []
    for killed in stepped.deadly_points(half=several > 1):
        for old in made[: -2 * several]:  # the lists need not become longer and longer
            stepped.world.set_report(old, deleted=True)
        made += [becomes_ready(stepped, title=f"Calling Usage {len(made) + number}").id for number in range(several)]
        stepped.clock.turn(POLL + 1)
        stepped.points.passed, stepped.points.deadly = 0, killed
        try:
            stepped.work()
        except Crash:
            pass
        else:
            break
        finally:
            stepped.points.deadly = None
        stepped.restart()
        for _ in range(3):
            stepped.wait(61)
            stepped.sweep.once()
        stepped.work()
        announced_once(stepped, made)
        with stepped.database.begin() as tx:
            origins.resume(tx, one.origin, stepped.clock())  # lost answers count as failures
    assert killed > 20
    announced_once(stepped, made)


def announced_once(stepped: SteppedBot, made: list[str]) -> None:
    """Each report has one request and one file; where a kill hid whether it was posted, at most one."""
    with stepped.database.read() as tx:
        ended = {one.report_id: one.state for one in requests.find(tx, tables.requests.c.id > 0)}
        assert len(requests.find(tx, tables.requests.c.id > 0)) == len(made)
    assert ended.keys() == set(made)
    assert set(ended.values()) <= {State.DELIVERED, State.UNSURE}
    there = [one.words.partition(" ·")[0] for one in posted(stepped) if one.message.files]
    there += [title for one in posted(stepped) for title in one.shown.split("\n") if title.startswith("Calling")]
    assert len(there) == len(set(there))
    assert len(there) >= sum(state is State.DELIVERED for state in ended.values())


def test_wherever_subscribing_and_unsubscribing_are_killed_each_is_done_and_answered_once(stepped: SteppedBot) -> None:
    becomes_ready(stepped)
    ada, group = stepped.setup.ada, stepped.setup.group
    for text, answer, left in (("subscribe", "Subscribed to", 1), ("unsubscribe", "Unsubscribed from", 0)):
        for killed in stepped.deadly_points():
            done = False
            stepped.clock.turn(3700)
            with stepped.database.begin() as tx:
                for one in subscriptions.find(tx):
                    origins.end(tx, one.origin, stepped.clock())
            if text == "unsubscribe":
                stepped.receive(ada, "subscribe calling usage", group)
                stepped.work()
            before = len(stepped.said(group))
            stepped.receive(ada, f"{text} calling usage", group)
            stepped.points.passed, stepped.points.deadly = 0, killed
            try:
                stepped.work()
                done = True
            except Crash:
                stepped.points.deadly = None
                stepped.restart()
                for _ in range(3):
                    stepped.wait(61)
                    stepped.sweep.once()
                stepped.work()
            finally:
                stepped.points.deadly = None
            with stepped.database.read() as tx:
                assert len(subscriptions.find(tx)) == left, f"{text} at point {killed}"
            said = [one.text or "" for one in stepped.said(group)[before:]]
            # Whether a card was posted whose answer a kill has cut off, nobody can tell.
            assert [one for one in said if answer not in one and "didn't confirm" not in one] == []
            assert sum(answer in one for one in said) <= 1, f"{text} at point {killed}"
            assert said, f"{text} at point {killed}"
            if done:
                break
        assert killed > 5


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_list_that_webex_refuses_once_costs_one_round(stepped: SteppedBot, family: Family) -> None:
    subscribed(stepped, family=family)
    stepped.emulator.faults.add("GET", PATHS[family], status=409, times=1)
    becomes_ready(stepped, family)
    rounds(stepped, 2)
    assert len(files(stepped)) == 1


def test_unknown_regions_without_reports_are_looked_at_ever_more_rarely(stepped: SteppedBot) -> None:
    """A program may name any: a hundred would use up what Webex allows a token."""
    subscribed(stepped, family="partner", region="AU")
    rounds(stepped, 360)
    assert 12 <= stepped.calls("GET", PATHS["partner"]) <= 18, "an hour"

    stepped.world.add_report(family="partner", title="Calling Usage", region="AU")
    rounds(stepped, 31)
    assert len(files(stepped)) == 1, "within five minutes"
    before = stepped.calls("GET", PATHS["partner"])
    rounds(stepped, 6)
    assert stepped.calls("GET", PATHS["partner"]) - before >= 5, "every ten seconds again"


def test_a_region_that_webex_documents_is_looked_at_as_often_when_it_has_no_reports(stepped: SteppedBot) -> None:
    subscribed(stepped, family="partner", region="EU")
    rounds(stepped, 30)
    assert stepped.calls("GET", PATHS["partner"]) >= 29


def test_a_list_that_webex_keeps_refusing_is_looked_at_ever_more_rarely(stepped: SteppedBot) -> None:
    subscribed(stepped, family="partner")
    stepped.emulator.faults.add("GET", PATHS["partner"], status=403)
    rounds(stepped, 360)
    assert 12 <= stepped.calls("GET", PATHS["partner"]) <= 18, "an hour"
