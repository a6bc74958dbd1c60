"""What follows from how the requests and runs of a subscription or schedule ended, and who is told of it: each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import audit, origins
from bot.db.origin import Kind, OriginState, PauseCause
from bot.db.outcomes import Outcome
from bot.db.requests import Content, State
from bot.db.runs import Why
from bot.emulator.things import PARTNER_READONLY_ADMIN
from bot.reports.outcomes import cause_to_pause
from bot.reports.requests import Asker, open_request
from bot.reports.runs import open_run
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from tests.live_bot import ADMIN_OF_BOTH, BotMessage
from tests.origin_rows import add_schedule, add_subscription, stored
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Person
    from tests.stepped_bot import SteppedBot

KINDS = [Kind.SUBSCRIPTION, Kind.SCHEDULE]
T0 = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


def outcome(state: State, cause: str = "", reference: str = "abcdefgh") -> Outcome:
    return Outcome(reference, state, cause, "It failed.", T0)


FAILED = outcome(State.FAILED, "webex_500")
REFUSED = outcome(State.REFUSED, "not_administrator")


@pytest.mark.parametrize(
    ("failures", "cause"),
    [
        ([], None),
        ([FAILED], None),
        ([FAILED] * 4, None),
        ([FAILED] * 5, PauseCause.FAILURES),
        ([outcome(State.EXPIRED), *[FAILED] * 4], PauseCause.FAILURES),
        ([outcome(State.UNSURE)], None),
        ([REFUSED], PauseCause.NOT_ALLOWED),
        ([outcome(State.REFUSED, "read_only"), *[FAILED] * 3], PauseCause.NOT_ALLOWED),
        ([outcome(State.REFUSED, "asker_left")], PauseCause.NOT_ALLOWED),
        ([outcome(State.REFUSED, "space_not_allowed")], PauseCause.NOT_ALLOWED),
        ([outcome(State.REFUSED, "outsiders")], PauseCause.OUTSIDERS),
        ([outcome(State.REFUSED, "members_unknown")], PauseCause.SPACE_CLOSED),
        ([outcome(State.FAILED, "space_closed")], PauseCause.SPACE_CLOSED),
        # The admin token's fault is not its owner's.
        ([outcome(State.REFUSED, "roles_unreadable")], None),
        ([outcome(State.REFUSED, "organization_unknown")] * 5, PauseCause.FAILURES),
    ],
)
def test_failures_in_a_row_call_for_a_pause(failures: list[Outcome], cause: PauseCause | None) -> None:
    assert cause_to_pause(failures) is cause


class Stage:
    """A subscription or schedule of Olga's, in the group space or in her own. Ada's is the admin token."""

    def __init__(
        self, stepped: SteppedBot, kind: Kind, *, direct: bool = False, roles: list[str] | None = None
    ) -> None:
        world, setup = stepped.world, stepped.setup
        self.stepped = stepped
        self.owner = world.add_person("Olga Owner", setup.acme, roles=roles or ADMIN_OF_BOTH)
        world.join(setup.group, self.owner)
        self.space = world.direct_space(self.owner, setup.bot) if direct else setup.group
        space = self.space
        add = add_subscription if kind is Kind.SUBSCRIPTION else add_schedule
        self.owned = add(stepped.database, self.owner, space, stepped.clock())
        self._number = 0
        stepped.clock.turn(3600)

    def ends(self, status: str = "failed") -> None:
        """Have something of it end, as the status of its report says."""
        self.begins(status)
        self.stepped.work()
        self.stepped.clock.turn(60)

    def begins(self, status: str = "failed") -> None:
        stepped = self.stepped
        report = stepped.world.add_report(family="partner", title="Calling Usage", status=status)
        self._number += 1
        asker = self._asker()
        with stepped.database.begin() as tx:
            assert open_request(tx, stepped.services, asker, report.id, content=Content.FILE)

    def runs(self) -> None:
        """Have a schedule run."""
        self._number += 1
        new = NewReport(Family.PARTNER, "130", T0.date(), T0.date(), "", (), "")
        with self.stepped.database.begin() as tx:
            assert open_run(tx, self.stepped.services, self._asker(), new, "Calling Usage", why=Why.DUE)
        self.stepped.work()
        self.stepped.clock.turn(60)

    def _asker(self) -> Asker:
        key = f"{self.owned.origin.key}:{self._number}"
        now = self.stepped.clock()
        return Asker(key, self.owner.id, self.space.id, self.space.type, None, now, self.owned.origin)

    def resume(self) -> None:
        with self.stepped.database.begin() as tx:
            assert origins.resume(tx, self.owned.origin, self.stepped.clock())

    @property
    def now(self) -> Subscription | Schedule:
        return stored(self.stepped.database, self.owned.origin)

    @property
    def state(self) -> tuple[OriginState, PauseCause | None]:
        return self.now.state, self.now.pause_cause

    def told(self, person: Person | None = None) -> list[BotMessage]:
        """What the bot has said to the owner directly, or to another person, and is no file."""
        return self._words(self.stepped.said(person=person or self.owner))

    @property
    def in_space(self) -> list[BotMessage]:
        return self._words(self.stepped.said(self.stepped.setup.group))

    @staticmethod
    def _words(said: list) -> list[BotMessage]:  # type: ignore[type-arg]
        return [BotMessage(one) for one in said if not one.files]


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, stepped: SteppedBot) -> Stage:
    return Stage(stepped, request.param)


@pytest.fixture(params=KINDS)
def direct(request: pytest.FixtureRequest, stepped: SteppedBot) -> Stage:
    return Stage(stepped, request.param, direct=True)


def paused(cause: PauseCause) -> tuple[OriginState, PauseCause | None]:
    return OriginState.PAUSED, cause


def test_the_first_failure_in_a_row_is_told_in_the_space_and_to_the_owner(stage: Stage) -> None:
    for _ in range(3):
        stage.ends()
    (here,), (alone,) = stage.in_space, stage.told()
    assert "failed. Webex couldn't generate the report Calling Usage. Run it again. " in here.words
    assert here.words.endswith(" (reference reference1)")
    assert here.words.startswith("⚠ The s")
    assert alone.words.startswith("⚠ Your s")
    assert " in Admin reports failed. " in alone.words
    assert stage.now.state is OriginState.ACTIVE

    stage.ends("done")
    stage.ends()
    assert len(stage.in_space) == len(stage.told()) == 2, "a success ends the streak"


def test_in_a_1_1_space_it_is_told_once(direct: Stage) -> None:
    direct.ends()
    (told,) = direct.told()
    assert told.words.startswith("⚠ Your s")
    assert " in " not in told.words.partition(" failed. ")[0]


def test_after_five_failures_it_is_paused_with_a_button(stage: Stage) -> None:
    for _ in range(7):
        stage.ends()
    assert stage.state == paused(PauseCause.FAILURES)
    for first, card in (stage.in_space, stage.told()):
        assert first.card is None
        assert "● Paused after 5 failures in a row" in card.shown
        assert card.buttons["Resume"] == {"command": "resume", "argument": stage.owned.reference}
    assert "Admin reports" in stage.told()[1].shown

    stage.resume()
    stage.ends()
    assert stage.now.state is OriginState.ACTIVE
    assert len(stage.in_space) == 3, "a resumption begins a new streak"
    for _ in range(4):
        stage.ends()
    assert stage.state == paused(PauseCause.FAILURES)
    assert len(stage.in_space) == len(stage.told()) == 4


def test_an_owner_who_lost_the_role_is_told_why_and_the_space_is_offered_it(stage: Stage) -> None:
    stage.owner.roles.clear()
    stage.ends("done")
    stage.ends("done")
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    (card,), (alone,) = stage.in_space, stage.told()
    assert "Its owner may no longer get these reports." in card.shown
    assert card.buttons == {"Take over": {"command": "takeover", "argument": stage.owned.reference}}
    assert "You may no longer get these reports." in alone.words
    assert "Webex shows no administrator role for you." in alone.words
    assert "Calling Usage" not in alone.words, "who may not see such reports isn't told of them"
    assert "calling usage" not in alone.words


def test_of_a_1_1_space_nothing_is_offered_and_the_operators_are_told(direct: Stage) -> None:
    stepped, setup = direct.stepped, direct.stepped.setup
    operators = stepped.world.add_space("Operators", [setup.nora, setup.bot])
    setup.environ["OPERATORS_SPACE"] = operators.id
    stepped.restart()
    direct.owner.roles.clear()
    direct.ends("done")
    assert direct.state == paused(PauseCause.NOT_ALLOWED)
    (told,) = direct.told()
    assert "offered" not in told.words
    (words,) = [one.text or "" for one in stepped.said(operators)]
    assert f"(reference {direct.owned.reference})" in words
    assert "Olga" not in words


def test_an_owner_who_is_deactivated_is_offered_all_the_same(stage: Stage) -> None:
    stage.owner.deactivated = True
    stage.ends("done")
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    (card,) = stage.in_space
    assert "Take over" in card.buttons


def test_in_a_space_that_is_not_allowed_any_more_nothing_is_said_there(stage: Stage) -> None:
    stage.stepped.setup.environ["ALLOWED_SPACES"] = stage.stepped.setup.outside.id
    stage.stepped.restart()
    stage.ends("done")
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    assert stage.in_space == []
    (alone,) = stage.told()
    assert "I'm not allowed to show reports in that space. Ask the people who run this bot to allow it." in alone.words


def test_an_owner_who_left_the_space_no_longer_owns_there(stage: Stage) -> None:
    stage.stepped.world.leave(stage.space, stage.owner)
    stage.ends("done")
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    (card,), (alone,) = stage.in_space, stage.told()
    assert "Its owner has left this space." in card.shown
    assert "You've left the space." in alone.words


def test_a_schedule_of_who_may_only_read_by_now_is_paused_at_once(stepped: SteppedBot) -> None:
    stage = Stage(stepped, Kind.SCHEDULE, roles=[PARTNER_READONLY_ADMIN])
    stage.runs()
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    (card,), (alone,) = stage.in_space, stage.told()
    assert "Its owner's role lets them read reports, but not run them." in card.shown
    assert "Your role lets you read reports, but not run them." in alone.words
    assert "schedule Calling Usage in Admin reports" in alone.words


def test_a_run_of_an_owner_who_left_costs_no_report(stepped: SteppedBot) -> None:
    stage = Stage(stepped, Kind.SCHEDULE)
    stepped.world.leave(stage.space, stage.owner)
    stage.runs()
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    assert stepped.calls("POST", "/partner/reports") == 0


def test_outsiders_pause_it_until_they_leave_and_only_the_owner_is_told(stage: Stage) -> None:
    stepped = stage.stepped
    stepped.world.join(stage.space, stepped.setup.ethan)
    stage.ends("done")
    stage.ends("done")
    assert stage.state == paused(PauseCause.OUTSIDERS)
    assert stage.in_space == []
    (told,) = stage.told()
    assert "There are external people in the space. I'll resume it after they've left." in told.words

    stepped.world.leave(stage.space, stepped.setup.ethan)
    stage.ends("done")
    assert stage.now.state is OriginState.ACTIVE
    assert stage.in_space == []
    _, again = stage.told()
    assert again.words.startswith("The external people have left the space, so your s")
    stage.ends("done")
    assert len(stage.told()) == 2


def test_outsiders_a_second_time_are_told_a_second_time(stage: Stage) -> None:
    stepped = stage.stepped
    for _ in range(2):
        stepped.world.join(stage.space, stepped.setup.ethan)
        stage.ends("done")
        stepped.world.leave(stage.space, stepped.setup.ethan)
        stage.ends("done")
    assert [("left the space, so" in one.words) for one in stage.told()] == [False, True, False, True]


def test_a_bot_that_was_removed_tells_the_owner(stage: Stage) -> None:
    stepped = stage.stepped
    stepped.world.leave(stage.space, stepped.setup.bot)
    stage.ends("done")
    assert stage.state == paused(PauseCause.SPACE_CLOSED)
    (told,) = stage.told()
    assert "I was removed, or it's archived. Add me to the space again, and I'll resume it." in told.words
    assert "I haven't posted Calling Usage, " in told.words


def test_a_space_that_takes_no_post_tells_the_owner(stage: Stage) -> None:
    stage.stepped.emulator.faults.add(method="POST", path="/v1/messages", status=403, times=1)
    stage.ends("done")
    assert stage.state == paused(PauseCause.SPACE_CLOSED)
    (told,) = stage.told()
    assert (
        "Webex doesn't let me post in the space: I was removed, it's archived, or only moderators may post. Add me to "
        "the space again, or make me a moderator there, and I'll resume it. I haven't posted Calling Usage, Jan 1–31, "
        f"2026 · US. To get it, type report {stage.stepped.request().report_id}. (reference"
    ) in told.words

    stage.ends("done")
    assert stage.now.state is OriginState.ACTIVE
    assert stage.told()[1].words.startswith("I can post in the space again, so your s")


def test_a_lost_role_during_a_pause_for_outsiders_is_told(stage: Stage) -> None:
    stage.stepped.world.join(stage.space, stage.stepped.setup.ethan)
    stage.ends("done")
    stage.owner.roles.clear()
    stage.stepped.clock.turn(3600)  # roles are remembered for a while
    stage.ends("done")
    assert stage.state == paused(PauseCause.NOT_ALLOWED)
    assert stage.in_space == [], "with outsiders there, nothing is said"
    assert len(stage.told()) == 2


def test_what_a_person_paused_is_left_alone(stage: Stage) -> None:
    with stage.stepped.database.begin() as tx:
        origins.pause(tx, stage.owned.origin, PauseCause.PERSON, "")
    for _ in range(5):
        stage.ends()
    assert stage.state == paused(PauseCause.PERSON)
    assert stage.in_space == stage.told() == []


def test_trouble_while_it_is_told_is_tried_again(stage: Stage) -> None:
    stage.stepped.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)
    stage.ends()
    stage.stepped.wait(timedelta(minutes=1).total_seconds())
    assert len(stage.in_space) == len(stage.told()) == 1


KILLED = [
    pytest.param(Kind.SUBSCRIPTION, marks=pytest.mark.sqlite("the steps are those of a schedule")),
    Kind.SCHEDULE,
]
BETWEEN_POST_AND_ROW = {"after the post", "before the commit in Outbox._stored"}


@pytest.mark.parametrize("kind", KILLED)
def test_killed_at_every_step_it_pauses_and_tells_once(stepped: SteppedBot, kind: Kind) -> None:
    for deadly in stepped.deadly_points():
        stage = Stage(stepped, kind)
        stage.owner.roles.clear()
        in_group = len(stage.in_space)
        stage.begins("done")
        stepped.points.passed, stepped.points.deadly = 0, deadly
        try:
            stepped.work()
        except Crash as crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(600)
            killed_at = str(crash)
        else:
            assert deadly > 10, "it was killed at no step"
            break
        assert stage.state == paused(PauseCause.NOT_ALLOWED), killed_at
        assert len(stage.told()) == 1, killed_at
        # Webex shows a bot no top level of a group space: the card that must be there may be there twice.
        cards = len(stage.in_space) - in_group
        assert cards == 1 or (cards == 2 and killed_at in BETWEEN_POST_AND_ROW), killed_at
        with stepped.database.read() as tx:
            acts = [row.outcome for row in audit.read(tx, limit=1000) if row.reference == stage.owned.reference]
        assert acts == ["not_allowed"], killed_at


@pytest.mark.parametrize("kind", KILLED)
def test_killed_at_every_step_a_failure_is_told_to_the_owner_once(stepped: SteppedBot, kind: Kind) -> None:
    for deadly in stepped.deadly_points():
        stage = Stage(stepped, kind)
        in_group = len(stage.in_space)
        stage.begins()
        stepped.points.passed, stepped.points.deadly = 0, deadly
        try:
            stepped.work()
        except Crash as crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(600)
            killed_at = str(crash)
        else:
            assert deadly > 10, "it was killed at no step"
            break
        assert len(stage.told()) == 1, killed_at
        assert len(stage.in_space) - in_group <= 1, killed_at
        if "the post" not in killed_at and "the commit in Outbox.send" not in killed_at:
            assert len(stage.in_space) - in_group == 1, killed_at
