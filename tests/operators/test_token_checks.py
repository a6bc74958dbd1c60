"""Each kind of wrong token is recognized, and a rejected one is noticed at once, not ten minutes later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Event

import pytest

from bot.errors import BotError, Refused, WebexError
from bot.messages.alerts import ADMIN_IS_BOT, BOT_NOT_A_BOT, NO_ROLE, ROLES_UNREADABLE, SAME_ACCOUNT
from bot.ops.alerts import NotKnown
from bot.ops.checks.tokens import (
    LEAST,
    LOOK_AGAIN,
    LOOK_EVERY,
    NEAR_THE_END,
    TokenChecks,
    admin_token_problem,
    refresh_problem,
)
from bot.webex.types import Person, Role, RolesOf

ADA = Person("ada", "Ada", "Ada", "acme")
BOT = Person("bot", "Report Bot", "Report", "acme", kind="bot")
NOW = 1_800_000_000.0
DAY = 86400.0


@dataclass
class FakeDirectory:
    """Webex as the admin token sees it."""

    person: Person = ADA
    status: int | None = 200
    roles: frozenset[str] | None = frozenset({"id_full_admin"})
    """None: Webex does not show them."""
    listed: bool = False
    org_id: str = ""
    """As ``WEBEX_ORG_ID`` tells it."""
    looks: int = 0

    def me(self) -> Person:
        self.looks += 1
        if self.status != 200:
            raise WebexError("GET people/me", self.status)
        return self.person

    def roles_of(self, person_id: str) -> RolesOf:
        if self.roles is None:
            raise Refused(reason="roles_unreadable")
        return RolesOf(person_id, "acme", frozenset(), frozenset(map(Role, self.roles)))

    def our_org(self) -> str:
        if not self.org_id:
            raise Refused(reason="organization_unknown")
        return self.org_id

    def lists_roles(self) -> bool:
        return self.listed


@dataclass
class FakeRefreshing:
    is_refused: bool = False
    ends_at: float | None = None

    def refused(self) -> bool:
        return self.is_refused

    def refusal(self) -> str:
        return "The refresh token has expired." if self.is_refused else ""

    def refresh_ends_at(self) -> float | None:
        return self.ends_at


@dataclass
class World:
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    bot: Person = BOT
    bot_status: int = 200
    refreshing: FakeRefreshing | None = field(default_factory=FakeRefreshing)
    now: float = NOW
    look_soon: Event = field(default_factory=Event)

    def checks(self) -> TokenChecks:
        def who() -> Person:
            if self.bot_status != 200:
                raise WebexError("GET people/me", self.bot_status)
            return self.bot

        return TokenChecks(self.directory, who, self.refreshing, self.look_soon, clock=lambda: self.now)  # type: ignore[arg-type]

    def problems(self, checks: TokenChecks | None = None) -> dict[str, str]:
        """Return what one round finds."""
        found = {}
        for check in (checks or self.checks()).all():
            try:
                said = check.look()
            except BotError:
                said = "not known"
            if said:
                found[check.name] = said
        return found


def test_when_all_is_well_there_is_no_alert():
    assert World().problems() == {}


def test_a_plain_token_will_expire():
    said = World(refreshing=None).problems()
    assert set(said) == {"admin_token_expiry"}
    assert "12 hours" in said["admin_token_expiry"]
    assert "14 days" in said["admin_token_expiry"]


@pytest.mark.parametrize("refreshing", [None, FakeRefreshing()])
def test_a_rejected_token_is_an_alert_with_what_to_do_and_hides_what_cannot_be_known(refreshing):
    said = World(FakeDirectory(status=401), refreshing=refreshing).problems()
    said.pop("admin_token_expiry", None)
    wanted = "set WEBEX_ADMIN_TOKEN" if refreshing is None else "set WEBEX_ADMIN_REFRESH_TOKEN"
    assert wanted in said.pop("admin_token")
    assert said == {}


def test_a_refused_refresh_is_an_alert_while_the_access_token_still_works():
    assert set(World(refreshing=FakeRefreshing(is_refused=True)).problems()) == {"admin_token"}


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_while_webex_has_trouble_nothing_is_known_of_the_admin_token(status):
    world = World(FakeDirectory(status=status))
    said = world.problems()
    assert set(said.values()) == {"not known"}
    assert world.directory.looks == 1  # one look serves all checks, also when it hangs


def test_a_token_that_may_not_ask_whose_it_is_lacks_a_scope():
    said = World(FakeDirectory(status=403)).problems()["admin_token"]
    assert "spark:people_read" in said
    assert "WEBEX_ORG_ID" in said
    known = FakeDirectory(status=403, org_id="acme", listed=True)
    assert "admin_token" not in World(known).problems()
    known.roles = None
    assert "spark-admin:roles_read" in World(known).problems()["admin_token"]


@pytest.mark.parametrize(
    ("me", "refreshable", "said"),
    [
        (ADA, False, None),
        (ADA, True, None),
        (BOT, False, SAME_ACCOUNT),
        (BOT, True, SAME_ACCOUNT),
        (replace(BOT, id="another"), False, ADMIN_IS_BOT),
        (replace(BOT, id="another"), True, None),
    ],
)
def test_the_wrong_kind_of_admin_token(me, refreshable, said):
    assert admin_token_problem(me, BOT.id, refreshable=refreshable) == said
    world = World(FakeDirectory(me), refreshing=FakeRefreshing() if refreshable else None)
    assert world.problems().get("admin_token") == (said)


def test_a_persons_token_in_the_bots_place():
    assert World(bot=replace(ADA, id="other")).problems() == {"bot_token": BOT_NOT_A_BOT}


def test_an_account_of_which_webex_does_not_tell_what_it_is_is_no_trouble():
    assert World(FakeDirectory(replace(ADA, kind="")), bot=replace(BOT, kind="")).problems() == {}


def test_a_rejected_bot_token_is_an_alert_that_only_the_log_has():
    assert "WEBEX_BOT_TOKEN" in World(bot_status=401).problems()["bot_token"]


@pytest.mark.parametrize(
    ("roles", "listed", "refreshable", "said"),
    [
        ({"id_full_admin"}, False, False, None),
        ({"ID_READONLY_ADMIN"}, False, False, None),
        ({"Full Administrator"}, False, False, None),
        ({"atlas-portal.partner.salesadmin"}, False, False, None),
        ({"id_device_admin"}, False, False, NO_ROLE),
        ({"id_device_admin"}, True, True, NO_ROLE),
        (set(), True, False, ROLES_UNREADABLE),
        (None, True, False, ROLES_UNREADABLE),
        (None, False, True, ROLES_UNREADABLE),
        (None, True, True, None),
    ],
)
def test_roles_that_cannot_be_seen_and_a_person_without_one(roles, listed, refreshable, said):
    directory = FakeDirectory(roles=None if roles is None else frozenset(roles), listed=listed)
    world = World(directory, refreshing=FakeRefreshing() if refreshable else None)
    assert world.problems().get("admin_token") == (said)


@pytest.mark.parametrize(
    ("left", "said"), [(None, False), (90 * DAY, False), (NEAR_THE_END, False), (13 * DAY, True), (-DAY, True)]
)
def test_a_refresh_token_near_its_end_is_an_alert_with_the_day(left, said):
    ends_at = None if left is None else NOW + left
    found = refresh_problem(ends_at, NOW)
    assert (found is not None) is said
    world = World(refreshing=FakeRefreshing(ends_at=ends_at))
    assert ("admin_token_expiry" in world.problems()) is said
    if left == 13 * DAY:
        assert "expires on Jan 28, 2027" in (found or "")


def test_no_sentence_holds_a_name_or_an_id():
    world = World(FakeDirectory(replace(BOT, id="bot"), roles=frozenset()), refreshing=None)
    assert not any(word in " ".join(world.problems().values()) for word in ("Ada", "Report Bot", "acme"))


def test_webex_is_asked_every_ten_minutes_while_all_is_well_and_sooner_otherwise():
    world = World()
    checks = world.checks()
    for _ in range(3):
        world.problems(checks)
    assert world.directory.looks == 1
    world.now += LOOK_EVERY
    world.directory.status = 401
    world.problems(checks)
    world.now += LOOK_AGAIN
    world.directory.status = 200
    assert world.problems(checks) == {}
    assert world.directory.looks == 3


def call(world: World, checks: TokenChecks, status: int | None) -> bool:
    """Make a call; return True when it makes a look urgent."""
    world.look_soon.clear()
    checks.observed("GET", "/v1/reports", status, 0.1)
    return world.look_soon.is_set()


def test_a_refused_call_makes_a_look_urgent() -> None:
    world = World()
    checks = world.checks()
    world.problems(checks)
    assert not any(call(world, checks, status) for status in (200, 404, 403, 503, None))
    assert call(world, checks, 401)
    world.directory.status = 401
    assert "admin_token" in world.problems(checks)
    assert not call(world, checks, 401), "it is known"


def test_a_token_that_is_accepted_again_is_found_in_the_next_round() -> None:
    world = World(FakeDirectory(status=401))
    checks = world.checks()
    assert "admin_token" in world.problems(checks)
    world.directory.status = 200
    world.now += LEAST
    assert world.problems(checks) == {}


def test_calls_that_are_refused_for_another_reason_do_not_make_a_look_a_second() -> None:
    """The download host may refuse one file's link with 401 for as long as someone asks."""
    world = World()
    checks = world.checks()
    world.problems(checks)
    for _ in range(20):
        if call(world, checks, 401):
            world.problems(checks)
    assert world.directory.looks == 2
    world.now += LEAST
    world.problems(checks)
    assert world.directory.looks == 3


def test_not_known_is_an_error_of_the_tree() -> None:
    assert issubclass(NotKnown, BotError)
