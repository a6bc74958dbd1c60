"""Gather what policy needs to know and ask it: roles with the admin token, a space's members with the bot's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.access.policy import (
    READING,
    SUPERVISING,
    Action,
    Decision,
    Rules,
    SpaceInfo,
    Verdict,
    decide,
    decide_for_key,
    decide_space,
    families_for,
    may_be_partner_role,
)
from bot.db.api_keys import Right, key_id_of
from bot.db.origin import Kind
from bot.errors import Refused, WebexError
from bot.messages.refusals import (
    KEY_REVOKED,
    ONE_TO_ONE,
    explained,
    needed_to_change,
    needed_to_configure,
    needed_to_manage,
    not_looked_for,
    own_roles,
)
from bot.webex.ids import id_key
from bot.webex.report_families import PROVEN_BY_LISTING
from bot.webex.responses import SPACE_CLOSED
from bot.webex.types import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bot.db.api_keys import ApiKey
    from bot.db.origin import Origin
    from bot.webex.chat import Chat
    from bot.webex.people import Directory
    from bot.webex.types import Membership, Person, Role, RolesOf

LISTS_LAG = timedelta(seconds=30)
"""How long someone who has just joined a space may be missing among its members."""


class Authorizer:
    """Ask policy with fresh facts. Raises ``WebexError`` while Webex has trouble."""

    def __init__(
        self,
        directory: Directory,
        chat: Chat,
        bot: Callable[[], Person],
        rules: Callable[[str], Rules],
        partner_role: Callable[[], Role | None] = lambda: None,
        *,
        key: Callable[[int], ApiKey | None] = lambda _: None,
        saw: Callable[[str, str], None] = lambda _room, _person: None,
    ) -> None:
        """``saw`` is told of a space in which a person is."""
        self._directory = directory
        self._chat = chat
        self._bot = bot
        self._rules = rules
        self._partner_role = partner_role
        self._key = key
        self._saw = saw

    def decide(
        self,
        person_id: str,
        action: Action,
        *,
        room_id: str | None,
        direct: bool,
        later: bool = False,
        family: str | None = None,
        members: bool = True,
        origin: Origin | None = None,
    ) -> Decision:
        """Return what policy says of a person in a space now.

        ``later``: some time has passed since the person wrote there. Before that, a person who is not among the members
        may just have joined: Webex's lists lag. ``family``: of the report that it is about; without, the decision says
        which families the person may use. ``members=False``: who else is in the space is asked for later. In a person's
        place may stand a key of the API. ``origin``: what it is made for; where a key delivers to a person, both must
        be allowed it.
        """
        if origin is not None and origin.kind is Kind.KEY and key_id_of(person_id) is None:
            decision = self._decide_for_key(origin.id, action, room_id, family, members=members)
            if not person_id or decision.verdict is Verdict.REFUSED:
                return decision
        if (key_id := key_id_of(person_id)) is not None:
            return self._decide_for_key(key_id, action, room_id, family, members=members)
        try:
            who, rules = self.facts_about(person_id, family)
        except Refused as refused:
            return Decision(Verdict.REFUSED, refused.reason, refused.sentence, refused.details)
        room = None if room_id is None else id_key(room_id)
        decision = decide(who, action, SpaceInfo(room, direct=True), rules, family)
        if decision.verdict is Verdict.REFUSED:
            return replace(decision, details=_details(who, rules, action, family))
        if not direct:
            ours = SpaceInfo(room, direct=False, member_orgs=frozenset({rules.our_org}))
            decision = decide(who, action, ours, rules, family)
        # The members are asked only for someone who may ask there at all: it is a call for each page.
        if members and not direct and decision.verdict is not Verdict.REFUSED:
            people = self._people(room_id)
            orgs = frozenset(id_key(one.person_org_id) for one in people) or None
            is_there = id_key(person_id) in {id_key(one.person_id) for one in people}
            left = later and not is_there
            if is_there and room_id is not None:
                self._saw(room_id, person_id)
            decision = decide(
                who, action, SpaceInfo(room, direct=False, member_orgs=orgs, asker_left=left), rules, family
            )
        roles_of = rules.writing_roles if action is Action.CHANGE else rules.roles_for
        others = {one: roles_of(one) for one in rules.families if one not in decision.families}
        alone = direct or decision.verdict is Verdict.DIRECT_ONLY
        writes = families_for(who, Action.CHANGE, rules)
        return replace(decision, others=not_looked_for(others, alone=alone), name=who.name, writes=writes)

    def others_alone(self, person_id: str) -> str:
        """Return which families are not looked up for a person, and the roles that they need: for the person alone."""
        return self.decide(person_id, Action.READ, room_id=None, direct=True).others

    def decide_space(self, room_id: str) -> Decision:
        """Return what policy says of a group space by itself: whether everyone there is ours.

        Raises ``Refused`` when the organization is unknown, and ``WebexError``.
        """
        rules = comparable(self._rules(self._directory.our_org()))
        orgs = frozenset(id_key(one.person_org_id) for one in self._people(room_id)) or None
        return decide_space(SpaceInfo(id_key(room_id), direct=False, member_orgs=orgs), rules)

    def _decide_for_key(
        self, key_id: int, action: Action, room_id: str | None, family: str | None, *, members: bool
    ) -> Decision:
        key = self._key(key_id)
        if key is None:
            return Decision(Verdict.REFUSED, "key_revoked", KEY_REVOKED)
        rules = comparable(self._rules(self._directory.our_org()))
        right = action in READING or Right.CREATE in key.rights
        if room_id is None:  # it goes to a person, or nowhere
            return decide_for_key(None, SpaceInfo(None, direct=True), rules, family, right=right)
        space = SpaceInfo(id_key(room_id), direct=False, member_orgs=frozenset({rules.our_org}))
        decision = decide_for_key(key.spaces, space, rules, family, right=right)
        if not members or decision.verdict is Verdict.REFUSED:
            return decision
        if self._is_direct(room_id):  # else a key would give someone what they may not ask for themselves
            return Decision(Verdict.REFUSED, "one_to_one", ONE_TO_ONE)
        orgs = frozenset(id_key(one.person_org_id) for one in self._people(room_id)) or None
        return decide_for_key(key.spaces, replace(space, member_orgs=orgs), rules, family, right=right)

    def _is_direct(self, room_id: str) -> bool:
        """Return True for a 1:1 space; of one that the bot does not see, its members are not seen either."""
        try:
            space = self._chat.space(room_id)
        except WebexError as error:
            if error.status in SPACE_CLOSED:
                return False
            raise
        return space.kind == DIRECT

    def rights(self, person_id: str, *, room_id: str | None, direct: bool) -> dict[Action, Decision]:
        """Return what policy says of each action of a person in a space, whoever else is there.

        Raises ``WebexError`` while Webex has trouble.
        """
        try:
            who, rules = self.facts_about(person_id)
        except Refused as refused:
            return dict.fromkeys(Action, Decision(Verdict.REFUSED, refused.reason, refused.sentence))
        room = None if room_id is None else id_key(room_id)
        space = SpaceInfo(room, direct=direct, member_orgs=frozenset({rules.our_org}))
        return {action: decide(who, action, space, rules) for action in Action}

    def facts_about(self, person_id: str, family: str | None = None) -> tuple[RolesOf, Rules]:
        """Return what Webex says of a person, and the rules as far as they matter for them, both by comparable IDs.

        ``family``: the only one that it is about, so that trouble of partner reports holds up no others.
        Raises ``Refused`` when roles cannot be seen, and ``WebexError``.
        """
        rules = comparable(self._rules(self._directory.our_org()))
        who = self._directory.roles_of(person_id)
        who = replace(who, org_id=id_key(who.org_id))
        wanted = family in {None, PROVEN_BY_LISTING} and PROVEN_BY_LISTING in rules.families
        unknown = wanted and PROVEN_BY_LISTING not in families_for(who, Action.READ, rules)
        if unknown and who.org_id == rules.our_org and any(map(may_be_partner_role, who.roles)):
            role = None if rules.partner_roles else self._partner_role()
            rules = replace(rules, proven_partner_role=role.id if role else "")
        return who, rules

    def outsiders_only(self, room_id: str) -> frozenset[str]:
        """Return the members of a group space by their keys when none of them is ours, else nobody.

        Also nobody when they cannot be listed. Raises ``WebexError``.
        """
        rules = comparable(self._rules(self._directory.our_org()))
        people = self._people(room_id)
        if any(rules.is_ours(id_key(one.person_org_id)) for one in people):
            return frozenset()
        return frozenset(id_key(one.person_id) for one in people)

    def _people(self, room_id: str | None) -> list[Membership]:
        """Return everyone in a group space but the bot itself; nobody when they cannot be listed."""
        if room_id is None:
            return []
        try:
            members = self._chat.members(room_id)
        except WebexError as error:
            if error.status in SPACE_CLOSED:
                return []  # the bot was removed, or the space was deleted: nobody knows who reads there
            raise
        bot = self._bot()
        return [member for member in members if not bot.goes_by(member.person_id, member.person_email)]


def _details(who: RolesOf, rules: Rules, action: Action, family: str | None) -> str:
    """Return what explains a refusal to someone of our organization: their roles, and those that it needs."""
    if who.org_id != rules.our_org:
        return ""
    if action in SUPERVISING:
        return own_roles(who)
    if action in READING:
        return explained(who, rules.roles_by_family(rules.families))
    families: Collection[str] = [family] if family else rules.families
    if not family and action is not Action.CHANGE:  # who may run or delete reports of any family may do it
        families = families_for(who, Action.READ, rules) or families
    roles = {one: rules.writing_roles(one) for one in families}
    needed = {Action.CONFIGURE: needed_to_configure, Action.MANAGE: needed_to_manage}.get(action, needed_to_change)
    return f"{own_roles(who)} {needed(roles)}".rstrip()


def comparable(rules: Rules) -> Rules:
    """Return the same rules by what all spellings of an ID have in common: the settings may have any of them."""
    return replace(
        rules,
        our_org=id_key(rules.our_org),
        partner_orgs=frozenset(map(id_key, rules.partner_orgs)),
        spaces=None if rules.spaces is None else frozenset(map(id_key, rules.spaces)),
    )
