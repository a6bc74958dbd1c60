"""The authorizer gathers the facts that policy decides on, and fails closed where it cannot have them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from bot.access.authorizer import Authorizer
from bot.access.policy import Action, Decision, Rules, Verdict
from bot.errors import Refused, WebexError
from bot.webex.types import Membership, Person, Role, RolesOf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.webex.chat import Chat
    from bot.webex.people import Directory

OURS, FOREIGN = "ours", "foreign"
BOT = Person("bot", "Report Bot", "Report", "")


@dataclass
class People:
    """Everybody is a full administrator of the organization that is named here."""

    orgs: dict[str, str] = field(default_factory=lambda: {"ada": OURS, "eve": FOREIGN})
    trouble: Exception | None = None

    def our_org(self) -> str:
        return OURS

    def roles_of(self, person_id: str) -> RolesOf:
        if self.trouble is not None:
            raise self.trouble
        return RolesOf(person_id, self.orgs.get(person_id, ""), frozenset(), frozenset({Role("id_full_admin")}))


@dataclass
class Space:
    """The part of the chat that the authorizer uses."""

    found: list[tuple[str, str]] = field(default_factory=lambda: [("ada", OURS), (BOT.id, FOREIGN)])
    trouble: Exception | None = None
    asked: int = 0

    def members(self, room_id: str) -> Sequence[Membership]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return [Membership(*one) for one in self.found]


def decide(
    people: People,
    space: Space,
    who: str = "ada",
    *,
    room: str | None = "room",
    direct: bool = False,
    rules: Callable[[str], Rules] = Rules,
) -> Decision:
    authorizer = Authorizer(cast("Directory", people), cast("Chat", space), lambda: BOT, rules)
    return authorizer.decide(who, Action.READ, room_id=room, direct=direct)


def test_a_space_of_our_own_people_is_open_and_the_bot_s_own_organization_does_not_count() -> None:
    assert decide(People(), Space()).verdict is Verdict.ALLOWED


@pytest.mark.parametrize("member", [("eve", FOREIGN), ("nobody knows", "")])
def test_one_outsider_closes_a_space(member: tuple[str, str]) -> None:
    assert decide(People(), Space([("ada", OURS), member, (BOT.id, OURS)])).verdict is Verdict.DIRECT_ONLY


@pytest.mark.parametrize("status", [403, 404])
def test_a_space_that_is_closed_to_the_bot_counts_as_one_with_outsiders(status: int) -> None:
    decision = decide(People(), Space(trouble=WebexError("GET memberships", status)))
    assert (decision.verdict, decision.reason) == (Verdict.DIRECT_ONLY, "members_unknown")


@pytest.mark.parametrize("found", [[], [(BOT.id, OURS)]])
def test_a_space_that_lists_nobody_but_the_bot_is_not_believed(found: list[tuple[str, str]]) -> None:
    assert decide(People(), Space(found)).verdict is Verdict.DIRECT_ONLY


def encoded(kind: str, bare: str) -> str:
    return base64.urlsafe_b64encode(f"ciscospark://us/{kind}/{bare}".encode()).decode().rstrip("=")


@pytest.mark.parametrize("pasted", ["bare", "whole"])
@pytest.mark.parametrize("shown", ["bare", "whole"])
def test_an_operator_may_paste_an_id_bare_or_whole(pasted: str, shown: str) -> None:
    def form(which: str, kind: str, bare: str) -> str:
        return bare if which == "bare" else encoded(kind, bare)

    ours, partner, room = ("ORGANIZATION", "11-22"), ("ORGANIZATION", "33-44"), ("ROOM", "55-66")

    def rules(_our_org: str) -> Rules:
        return Rules(
            our_org=form(shown, *ours),
            spaces=frozenset({form(pasted, *room)}),
            partner_orgs=frozenset({form(pasted, *partner)}),
        )

    people = People({"ada": encoded(*ours)})
    space = Space([("ada", encoded(*ours)), ("pat", form(shown, *partner))])
    assert decide(people, space, room=form(shown, *room), rules=rules).verdict is Verdict.ALLOWED
    assert decide(people, space, room=encoded("ROOM", "other"), rules=rules).reason == "space_not_allowed"
    space.found.append(("eve", encoded("ORGANIZATION", "77-88")))
    assert decide(people, space, room=form(shown, *room), rules=rules).reason == "outsiders"


def test_no_space_at_all_is_not_an_open_space() -> None:
    assert decide(People(), Space(), room=None).verdict is Verdict.DIRECT_ONLY


@pytest.mark.parametrize("status", [None, 400, 401, 429, 500, 502, 503])
def test_members_that_cannot_be_read_now_allow_nothing(status: int | None) -> None:
    with pytest.raises(WebexError):
        decide(People(), Space(trouble=WebexError("GET memberships", status)))


@pytest.mark.parametrize("status", [None, 400, 401, 500])
def test_roles_that_cannot_be_read_now_allow_nothing(status: int | None) -> None:
    with pytest.raises(WebexError):
        decide(People(trouble=WebexError("GET people", status)), Space(), direct=True)


def test_roles_that_the_admin_token_may_not_see_refuse_with_the_reason() -> None:
    decision = decide(People(trouble=Refused("A scope is missing.", reason="roles_unreadable")), Space(), direct=True)
    assert (decision.verdict, decision.reason) == (Verdict.REFUSED, "roles_unreadable")
    assert decision.sentence == "A scope is missing."


def test_somebody_whom_webex_does_not_show_is_refused() -> None:
    assert decide(People(), Space(), "a stranger", direct=True).verdict is Verdict.REFUSED


def test_the_members_are_not_asked_for_who_may_not_ask_at_all_nor_one_to_one() -> None:
    space = Space()
    assert decide(People(), space, "eve").verdict is Verdict.REFUSED
    assert decide(People(), space, direct=True).verdict is Verdict.ALLOWED
    assert space.asked == 0
