"""``pause``, ``resume``, ``takeover`` and ``reassign``: who may do what with subscriptions and schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import origins, schedules
from bot.db.events import Event
from bot.db.origin import Kind, OriginState, PauseCause
from bot.db.requests import Content
from bot.db.schedules import Schedule
from bot.emulator.mentions import mention_tag
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN, READONLY_ADMIN
from bot.reports.requests import Asker, open_request
from tests.audit.rows import rows
from tests.live_bot import ADMIN_OF_BOTH, BotMessage
from tests.origin_rows import add_schedule, add_subscription, stored
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Person, Space
    from tests.stepped_bot import SteppedBot

FAMILIES = ["partner", "organization"]
KINDS = [Kind.SUBSCRIPTION, Kind.SCHEDULE]
SUNDAY = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)


class Stage:
    """Olga owns something in the group space, where Ada (a full administrator), Grace (read-only) and Nora are too."""

    def __init__(self, stepped: SteppedBot, kind: Kind, family: str = "partner") -> None:
        world, setup = stepped.world, stepped.setup
        stepped.clock.time = SUNDAY
        self.stepped, self.kind, self.family = stepped, kind, family
        self.olga = world.add_person("Olga Owner", setup.acme, roles=ADMIN_OF_BOTH)
        world.join(setup.group, self.olga)
        self.owned = self.adds(self.olga, setup.group)

    def adds(self, person: Person, space: Space, **values: Any) -> Subscription | Schedule:
        add = add_subscription if self.kind is Kind.SUBSCRIPTION else add_schedule
        return add(self.stepped.database, person, space, self.stepped.clock(), family=self.family, **values)

    def pauses(self, cause: PauseCause, owned: Subscription | Schedule | None = None) -> None:
        with self.stepped.database.begin() as tx:
            assert origins.pause(tx, (owned or self.owned).origin, cause, "")

    def says(self, person: Person, text: str, space: Space | None = None, **how: Any) -> BotMessage | None:
        """Return the last answer in the person's thread."""
        message = self.stepped.receive(person, text, space, **how)
        self.stepped.work()
        where = self.stepped.world.spaces[message.room_id]
        there = [one for one in self.stepped.said(where) if one.parent_id == message.id]
        return BotMessage(there[-1]) if there else None

    def here(self, person: Person, text: str, **how: Any) -> BotMessage | None:
        return self.says(person, text, self.stepped.setup.group, **how)

    def presses(self, person: Person, heard: BotMessage, button: str) -> None:
        self.stepped.pressed(person, heard.message, heard.buttons[button])
        self.stepped.work()

    def last(self, person: Person) -> BotMessage:
        """Return the last words to somebody directly."""
        return BotMessage(self.stepped.said(person=person)[-1])

    @property
    def now(self) -> Subscription | Schedule:
        return stored(self.stepped.database, self.owned.origin)

    @property
    def state(self) -> str:
        return self.now.state.value


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, stepped: SteppedBot) -> Stage:
    return Stage(stepped, request.param)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_owner_pauses_and_resumes_in_the_space(stepped: SteppedBot, kind: Kind, family: str) -> None:
    stage = Stage(stepped, kind, family)
    paused = stage.here(stage.olga, "pause calling usage")
    assert paused is not None
    assert "● Paused" in paused.shown
    assert "until someone resumes it." in paused.words
    assert (stage.now.state, stage.now.pause_cause) == (OriginState.PAUSED, PauseCause.PERSON)

    stage.presses(stage.olga, paused, "Resume")
    assert stage.state == OriginState.ACTIVE
    active = BotMessage(stepped.said(stepped.setup.group)[-1])
    assert "● Active" in active.shown
    if isinstance(stage.now, Schedule):
        assert stage.now.next_at == datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
        assert "Next run: Mon, Nov 30, 2026, 08:00, Europe/Berlin." in active.words
    assert stepped.said(person=stage.olga) == [], "who did it themselves isn't told of it"
    assert [(row.act, row.reference) for row in rows(stepped)] == [
        ("pause", stage.owned.reference),
        ("resume", stage.owned.reference),
    ]


def test_a_schedule_that_cannot_be_read_is_not_resumed(stepped: SteppedBot) -> None:
    stage = Stage(stepped, Kind.SCHEDULE)
    stage.pauses(PauseCause.FAILURES)
    with stepped.database.begin() as tx:
        schedules.set_values(tx, stage.owned.id, time_zone="Europe/Atlantis")
    said = stage.here(stage.olga, "resume calling")
    assert said is not None
    assert "“Europe/Atlantis” isn't a time zone that I know." in said.words
    assert stage.state == OriginState.PAUSED


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_1_1_space_a_person_pauses_their_own_wherever_it_is(stepped: SteppedBot, kind: Kind) -> None:
    stage = Stage(stepped, kind)
    assert stage.says(stage.olga, f"pause {stage.owned.reference}") is not None
    assert stage.state == OriginState.PAUSED
    own = stage.adds(stage.olga, stepped.world.direct_space(stage.olga, stepped.setup.bot), reference="ownownow")
    stage.says(stage.olga, "pause ownownow")
    assert stored(stepped.database, own.origin).state is OriginState.PAUSED


def test_of_several_it_asks_which(stage: Stage) -> None:
    other = stage.adds(stage.stepped.setup.ada, stage.stepped.setup.group)
    asked = stage.here(stage.olga, "pause calling")
    assert asked is not None
    assert "2 are called “calling”. Which one?" in asked.shown
    pressed = [one["data"] for one in asked.actions]
    assert pressed == [
        {"command": "pause", "argument": one.reference} for one in sorted((stage.owned, other), key=lambda one: one.id)
    ]
    stage.stepped.pressed(stage.olga, asked.message, pressed[0])
    stage.stepped.work()
    assert stage.state == OriginState.PAUSED


def test_nothing_of_that_name(stage: Stage) -> None:
    for person, where in ((stage.olga, "This space has"), (stage.stepped.setup.ada, "This space has")):
        said = stage.here(person, "pause meetings")
        assert said is not None
        assert said.words.startswith(f"{where} no subscription or schedule called “meetings”.")
    said = stage.says(stage.stepped.setup.ada, "resume meetings")
    assert said is not None
    assert said.words.startswith("You have no subscription or schedule")


@pytest.mark.parametrize("word", ["pause", "resume"])
def test_who_may_only_read_changes_nothing_of_another(stage: Stage, word: str) -> None:
    setup = stage.stepped.setup
    if word == "resume":
        stage.pauses(PauseCause.PERSON)
    before = stage.state
    said = stage.here(setup.grace, f"{word} calling")
    assert said is not None
    assert said.words.startswith("Read-only administrators can't do this. Ask a partner full administrator.")
    said = stage.here(setup.nora, f"{word} {stage.owned.reference}")
    assert said is not None
    assert said.words.startswith("Only Webex administrators can get reports.")
    said = stage.says(setup.grace, f"{word} {stage.owned.reference}")
    assert said is not None
    assert "no subscription or schedule" in said.words, "from elsewhere it isn't there"
    assert stage.state == before


def test_a_read_only_administrator_pauses_and_resumes_their_own_subscription(stepped: SteppedBot) -> None:
    stage = Stage(stepped, Kind.SUBSCRIPTION)
    stage.owned = stage.adds(stepped.setup.grace, stepped.setup.group, words="meetings")
    stage.here(stepped.setup.grace, "pause meetings")
    assert stage.state == OriginState.PAUSED
    stage.here(stepped.setup.grace, "resume meetings")
    assert stage.state == OriginState.ACTIVE


def test_the_owner_is_told_once_who_paused_and_resumed_it(stage: Stage) -> None:
    ada = stage.stepped.setup.ada
    for word in ("pause", "resume"):
        stage.here(ada, f"{word} calling")
    told = [one.text for one in stage.stepped.said(person=stage.olga)]
    what = "subscription to calling usage" if stage.kind is Kind.SUBSCRIPTION else "schedule Calling Usage"
    ref = f"(reference {stage.owned.reference})"
    assert told == [f"Ada Lovelace {word} your {what} in Admin reports. {ref}" for word in ("paused", "resumed")]


def test_the_card_of_a_pause_goes_when_its_button_was_pressed(stage: Stage) -> None:
    stage.pauses(PauseCause.FAILURES)
    with stage.stepped.database.begin() as tx:
        stage.stepped.queue.put(tx, "outcome", stage.owned.origin.key)
    stage.stepped.work()
    card = BotMessage(stage.stepped.said(stage.stepped.setup.group)[-1])
    stage.presses(stage.stepped.setup.grace, card, "Resume")
    assert stage.last(stage.stepped.setup.grace).words.startswith("Read-only administrators can't do this.")
    assert stage.state == OriginState.PAUSED

    stage.presses(stage.stepped.setup.ada, card, "Resume")
    assert stage.state == OriginState.ACTIVE
    assert card.message.deleted


def test_what_its_owner_may_not_have_stays_paused_and_is_offered(stage: Stage) -> None:
    stage.olga.roles.clear()
    stage.pauses(PauseCause.NOT_ALLOWED)
    said = stage.here(stage.stepped.setup.ada, "resume calling")
    assert said is not None
    assert "stays paused. Its owner may no longer get these reports." in said.words
    assert stage.state == OriginState.PAUSED

    stage.presses(stage.stepped.setup.nora, said, "Take over")
    assert "Only Webex administrators" in stage.last(stage.stepped.setup.nora).words
    stage.presses(stage.stepped.setup.ada, said, "Take over")
    assert stage.state == OriginState.ACTIVE
    assert stage.now.person_id == stage.stepped.setup.ada.id
    answer = BotMessage(stage.stepped.said(stage.stepped.setup.group)[-1])
    works = "runs" if stage.kind is Kind.SCHEDULE else "works"
    assert f"It's Ada Lovelace's now, and {works} in their name." in answer.words
    assert "has taken over your" in stage.last(stage.olga).words
    if isinstance(stage.now, Schedule):
        assert stage.now.next_at is not None

    stage.presses(stage.stepped.setup.grace, said, "Take over")
    expected = "Its owner may have it." if stage.kind is Kind.SUBSCRIPTION else "Read-only administrators"
    assert stage.last(stage.stepped.setup.grace).words.startswith(expected)


ROLES = {
    # who: takes over a subscription, takes over a schedule, gives it to somebody; all of partner reports
    "full administrator of both": (ADMIN_OF_BOTH, True, True, True),
    "partner full administrator": ([PARTNER_FULL_ADMIN], True, True, True),
    "partner read-only administrator": ([PARTNER_READONLY_ADMIN], True, False, False),
    "full administrator": ([FULL_ADMIN], False, False, False),
    "read-only administrator": ([READONLY_ADMIN], False, False, False),
    "without a role": ([], False, False, False),
}


@pytest.mark.parametrize("where", ["in its space", "in another space", "directly"])
@pytest.mark.parametrize("who", sorted(ROLES))
@pytest.mark.parametrize("kind", KINDS)
def test_who_takes_over_and_who_gives_away(stepped: SteppedBot, kind: Kind, who: str, where: str) -> None:
    roles, subscription, schedule, gives = ROLES[who]
    stage, world, setup = Stage(stepped, kind), stepped.world, stepped.setup
    person = world.add_person("Pat Presser", setup.acme, roles=roles)
    if where == "in its space":
        world.join(setup.group, person)
    stage.pauses(PauseCause.NOT_ALLOWED)
    elsewhere = world.add_space("Elsewhere", [person, setup.bot])
    space = {"in its space": setup.group, "in another space": elsewhere, "directly": None}[where]

    stage.says(person, f"takeover {stage.owned.reference}", space)

    allowed = (subscription if kind is Kind.SUBSCRIPTION else schedule) and where == "in its space"
    assert (stage.now.person_id == person.id) is allowed
    assert (stage.state == OriginState.ACTIVE) is allowed

    stage.says(person, f"reassign {stage.owned.reference} {setup.ada.emails[0]}", space)
    offered = [BotMessage(one) for one in stepped.said(person=person)]
    cards = [one for one in offered if "Reassign" in one.buttons]
    assert bool(cards) is gives
    if cards:
        stage.presses(person, cards[0], "Reassign")
        assert stage.now.person_id == setup.ada.id


def test_who_may_only_read_takes_over_a_subscription(stepped: SteppedBot) -> None:
    stage = Stage(stepped, Kind.SUBSCRIPTION)
    stage.pauses(PauseCause.NOT_ALLOWED)
    stage.here(stepped.setup.grace, f"takeover {stage.owned.reference}")
    assert stage.now.person_id == stepped.setup.grace.id
    assert stage.state == OriginState.ACTIVE


def test_what_is_under_way_comes_in_the_name_of_who_took_it_over(stage: Stage) -> None:
    stepped, setup = stage.stepped, stage.stepped.setup
    report = stepped.world.add_report(family="partner", title="Calling Usage", status="In progress")
    owned = stage.owned
    asker = Asker(owned.origin.key, stage.olga.id, setup.group.id, "group", None, stepped.clock(), owned.origin)
    with stepped.database.begin() as tx:
        assert open_request(tx, stepped.services, asker, report.id, content=Content.FILE)
    stepped.work()
    stage.pauses(PauseCause.NOT_ALLOWED)
    stage.olga.roles.clear()
    stage.here(setup.ada, f"takeover {owned.reference}")
    stepped.world.set_report(report.id, status="done")
    stepped.wait(3600)
    assert [one.files for one in stepped.said(setup.group)][-1]
    assert stage.state == OriginState.ACTIVE


def test_nobody_takes_over_while_outsiders_are_there(stage: Stage) -> None:
    stage.pauses(PauseCause.NOT_ALLOWED)
    stage.stepped.world.join(stage.stepped.setup.group, stage.stepped.setup.ethan)
    stage.here(stage.stepped.setup.ada, "takeover calling")
    assert stage.now.person_id == stage.olga.id
    said = stage.here(stage.olga, "resume calling")
    assert said is not None
    assert stage.state == OriginState.PAUSED
    assert "external people" in stage.last(stage.olga).words


def test_what_is_in_a_1_1_space_is_nobody_elses(stage: Stage) -> None:
    setup = stage.stepped.setup
    own = stage.adds(stage.olga, stage.stepped.world.direct_space(stage.olga, setup.bot))
    stage.pauses(PauseCause.NOT_ALLOWED, own)
    for text in (f"takeover {own.reference}", f"reassign {own.reference} {setup.ada.emails[0]}"):
        said = stage.says(setup.ada, text)
        assert said is not None
        assert said.words.startswith("That's in somebody's 1:1 space, so nobody else can own it.")
    assert stored(stage.stepped.database, own.origin).person_id == stage.olga.id


def mentioning(stepped: SteppedBot, text: str, *people: Person) -> dict[str, str]:
    """Return what a client makes of a message to the bot that mentions people in place of ``@``."""
    html = text
    for person in people:
        html = html.replace("@", mention_tag(person, person.display_name), 1)
    return {"html": f"<p>{mention_tag(stepped.setup.bot, 'Report Bot')} {html}</p>"}


def test_a_full_administrator_gives_it_to_somebody_who_is_mentioned(stage: Stage) -> None:
    stepped, setup = stage.stepped, stage.stepped.setup
    hedy = stepped.world.add_person("Hedy Heir", setup.acme, roles=ADMIN_OF_BOTH)
    stepped.world.join(setup.group, hedy)
    text = f"reassign {stage.owned.reference} @"
    neutral = stage.here(setup.ada, text, **mentioning(stepped, text, hedy))
    assert neutral is not None
    assert neutral.words == "I've sent you the answer in a direct message."
    card = stage.last(setup.ada)
    assert "Give this to Hedy Heir?" in card.shown
    assert stage.now.person_id == stage.olga.id

    stage.presses(setup.ada, card, "Reassign")
    assert stage.now.person_id == hedy.id
    assert "Hedy Heir owns the s" in stage.last(setup.ada).words
    assert "Ada Lovelace has made you the owner of the s" in stage.last(hedy).words
    assert stage.last(stage.olga).words == "Ada Lovelace has given 1 of your subscription or schedule to Hedy Heir."
    assert card.message.deleted


def test_it_is_given_to_nobody_who_may_not_have_it(stage: Stage) -> None:
    setup = stage.stepped.setup
    said = stage.says(setup.ada, f"reassign {stage.owned.reference} {setup.nora.emails[0]}")
    assert said is not None
    assert said.words.startswith("Only Webex administrators can")
    said = stage.says(setup.ada, f"reassign {stage.owned.reference} nobody@acme.example")
    assert said is not None
    assert said.words == "No Webex user has that address."
    said = stage.says(setup.ada, f"reassign {stage.owned.reference}")
    assert said is not None
    assert said.words.startswith("Type “reassign”") or said.words.startswith("Type reassign")
    assert stage.now.person_id == stage.olga.id


def test_only_full_administrators_reassign(stage: Stage) -> None:
    setup = stage.stepped.setup
    for person in (setup.grace, setup.nora):
        said = stage.says(person, f"reassign all {person.emails[0]}")
        assert said is not None
        assert said.words.startswith("Only full administrators can")


def test_all_that_have_lost_their_owner_are_given_at_once(stage: Stage) -> None:
    stepped, setup = stage.stepped, stage.stepped.setup
    second = stage.adds(stage.olga, setup.group)
    stays = stage.adds(setup.ada, setup.group)
    own = stage.adds(stage.olga, stepped.world.direct_space(stage.olga, setup.bot))
    said = stage.says(setup.ada, f"reassign all {setup.ada.emails[0]}")
    assert said is not None
    assert said.words.startswith("There is nothing to reassign")

    stage.olga.deactivated = True
    stepped.clock.turn(3600)
    card = stage.says(setup.ada, f"reassign all {setup.ada.emails[0]}")
    assert card is not None
    assert "Give these 2 to Ada Lovelace?" in card.shown
    stage.presses(setup.ada, card, "Reassign")
    owners = [stored(stepped.database, one.origin).person_id for one in (stage.owned, second, stays, own)]
    assert owners == [setup.ada.id, setup.ada.id, setup.ada.id, stage.olga.id]


def test_all_of_an_owner_who_goes_on_leave_are_given_to_another(stage: Stage) -> None:
    stepped, setup = stage.stepped, stage.stepped.setup
    hedy = stepped.world.add_person("Hedy Heir", setup.acme, roles=ADMIN_OF_BOTH)
    stepped.world.join(setup.group, hedy)
    closed = stepped.world.add_space("Without Hedy", [stage.olga, setup.bot])
    elsewhere = stage.adds(stage.olga, closed)
    nine = [stage.owned, *(stage.adds(stage.olga, setup.group) for _ in range(8))]
    text = "reassign all of @ to @"
    stage.here(setup.ada, text, **mentioning(stepped, text, stage.olga, hedy))
    card = stage.last(setup.ada)
    assert "Give these 10 to Hedy Heir?" in card.shown
    stage.presses(setup.ada, card, "Reassign")
    assert {stored(stepped.database, one.origin).person_id for one in nine} == {hedy.id}
    assert stored(stepped.database, elsewhere.origin).person_id == stage.olga.id
    said = stage.last(setup.ada).words
    assert "I couldn't give them" in said
    assert said.endswith("Only someone who is in this space can own it.")
    assert stage.last(stage.olga).words == "Ada Lovelace has given 9 of your subscriptions and schedules to Hedy Heir."


def test_a_confirmation_is_one_persons_and_used_once(stage: Stage) -> None:
    setup = stage.stepped.setup
    card = stage.says(setup.ada, f"reassign {stage.owned.reference} {setup.ada.emails[0]}")
    assert card is not None
    data = card.buttons["Reassign"]
    other = stage.says(stage.olga, "help")
    assert other is not None
    stage.stepped.pressed(stage.olga, other.message, data)
    stage.stepped.work()
    assert stage.now.person_id == stage.olga.id
    assert stage.last(stage.olga).words.startswith("Only the person who asked can confirm this.")
    stage.presses(setup.ada, card, "Reassign")
    assert stage.now.person_id == setup.ada.id


def backs(stepped: SteppedBot) -> int:
    return sum((one.text or "").startswith("I'm back, so 1 s") for one in stepped.said(stepped.setup.group))


def added_again(stepped: SteppedBot, space: Space) -> None:
    bot = stepped.setup.bot
    joined = stepped.world.join(space, bot)
    stepped._keep(Event("memberships", "created", joined.id, space.id, "group", bot.id))


def test_a_bot_that_is_added_again_resumes_what_its_removal_paused_and_says_so_once(stage: Stage) -> None:
    stepped, setup = stage.stepped, stage.stepped.setup
    second = stage.adds(stage.olga, setup.group)
    of_ada = stage.adds(setup.ada, setup.group)
    by_hand = stage.adds(setup.ada, setup.group)
    stepped.world.leave(setup.group, setup.bot)
    for one in (stage.owned, second, of_ada):
        stage.pauses(PauseCause.SPACE_CLOSED, one)
    stage.pauses(PauseCause.PERSON, by_hand)

    added_again(stepped, setup.group)
    stepped.work()

    states = [stored(stepped.database, one.origin).state for one in (stage.owned, second, of_ada, by_hand)]
    assert states == [*[OriginState.ACTIVE] * 3, OriginState.PAUSED]
    said, hello = [one.text or "" for one in stepped.said(setup.group)]
    assert "Report Bot" in hello
    assert said == f"I'm back, so 3 {stage.kind.value}s of this space are active again."
    (told,) = stepped.said(person=stage.olga)
    called = "subscription to calling usage" if stage.kind is Kind.SUBSCRIPTION else "schedule Calling Usage"
    assert told.text == f"I'm back in Admin reports, so your {called} and your {called} are active again."
    (told,) = stepped.said(person=setup.ada)
    assert told.text == f"I'm back in Admin reports, so your {called} is active again."
    if isinstance(stage.now, Schedule):
        assert stage.now.next_at is not None


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_step_a_bot_that_is_added_again_resumes(stepped: SteppedBot, kind: Kind) -> None:
    for deadly in stepped.deadly_points():
        stage = Stage(stepped, kind)
        stepped.clock.turn(deadly * 61)
        stepped.world.leave(stepped.setup.group, stepped.setup.bot)
        stage.pauses(PauseCause.SPACE_CLOSED)
        added_again(stepped, stepped.setup.group)
        before = backs(stepped)
        stepped.points.passed, stepped.points.deadly = 0, deadly
        try:
            stepped.work()
        except Crash as crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(600)
            at = str(crash)
        else:
            assert deadly > 6, "it was killed at no step"
            break
        assert stage.state == OriginState.ACTIVE, at
        assert backs(stepped) - before <= 1, at
        assert len(stepped.said(person=stage.olga)) <= 1, at


@pytest.mark.threads_listed
@pytest.mark.parametrize("word", ["pause", "resume", "takeover"])
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_step_it_is_done_and_said_once(stepped: SteppedBot, kind: Kind, word: str) -> None:
    causes = {"resume": PauseCause.PERSON, "takeover": PauseCause.NOT_ALLOWED}
    for deadly in stepped.deadly_points():
        stage = Stage(stepped, kind)
        stepped.clock.turn(deadly * 61)
        if word in causes:
            stage.pauses(causes[word])
        stepped.points.passed, stepped.points.deadly = 0, deadly
        message = stepped.receive(stepped.setup.ada, f"{word} {stage.owned.reference}", stepped.setup.group)
        stepped.points.passed = 0
        try:
            stepped.work()
        except Crash as crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(600)
            at = str(crash)
        else:
            assert deadly > 6, "it was killed at no step"
            break
        answers = [one for one in stepped.said(stepped.setup.group) if one.parent_id == message.id]
        assert len(answers) <= 1, at
        if "post" not in at and "Outbox" not in at:
            assert len(answers) == 1, at
        assert stage.state == (OriginState.PAUSED if word == "pause" else OriginState.ACTIVE), at
        assert len(stepped.said(person=stage.olga)) <= 1, at
        if word != "takeover":
            assert len(stepped.said(person=stage.olga)) == 1, at


@pytest.mark.threads_listed
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_step_it_is_reassigned_and_each_is_told_once(stepped: SteppedBot, kind: Kind) -> None:
    for deadly in stepped.deadly_points():
        stage = Stage(stepped, kind)
        stepped.clock.turn(deadly * 61)
        hedy = stepped.world.add_person(f"Hedy {deadly}", stepped.setup.acme, roles=ADMIN_OF_BOTH)
        stepped.world.join(stepped.setup.group, hedy)
        card = stage.says(stepped.setup.ada, f"reassign {stage.owned.reference} {hedy.emails[0]}")
        assert card is not None
        before = len(stepped.said(person=stepped.setup.ada))
        stepped.pressed(stepped.setup.ada, card.message, card.buttons["Reassign"])
        stepped.points.passed, stepped.points.deadly = 0, deadly
        try:
            stepped.work()
        except Crash as crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(600)
            at = str(crash)
        else:
            assert deadly > 10, "it was killed at no step"
            break
        assert stage.now.person_id == hedy.id, at
        assert len(stepped.said(person=hedy)) == len(stepped.said(person=stage.olga)) == 1, at
        # The card that asked is gone, and the answer stands in its place.
        assert len(stepped.said(person=stepped.setup.ada)) == before, at
