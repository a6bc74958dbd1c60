"""Who may do what with which family of reports, and where it may be shown: one pure decision, deny by default.

It is asked for each command, typed or by a button, and again right before each message. It does no I/O:
``authorizer.py`` gathers the facts. Facts that could not be had arrive as ``None`` and refuse.

The bot gives nobody what Webex itself would refuse them, so roles are judged per family: Webex gives organization
reports to full and read-only administrators, partner reports to Partner Full and Partner Read-only Administrators.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

from bot.errors import Refused
from bot.messages import refusals
from bot.webex.ids import bare_id, same_id
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.webex.types import Role, RolesOf

_NOT_A_LETTER = re.compile(r"[\W_]+")
_ADMINISTRATOR = re.compile(r"administrators?")


@cache
def role_word(text: str) -> str:
    """Fold a role's name, or the readable part of its id, for comparing.

    ``Read-only Administrator`` and ``id_readonly_admin`` are both ``readonlyadmin``: Webex's own pages write
    "Read-only", "Readonly", "Administrator" and "Admin" for the same role.
    """
    return _ADMINISTRATOR.sub("admin", _NOT_A_LETTER.sub("", text.casefold().removeprefix("id_")))


def words_of(role: Role) -> frozenset[str]:
    """Return everything that a role is known by: its name, and the last part of its id."""
    return frozenset(filter(None, (role_word(role.name), role_word(bare_id(role.id)))))


def is_read_only(role: Role) -> bool:
    """Return True for a role that lets nobody make or delete anything."""
    return any("readonly" in word for word in words_of(role))


def is_full(role: Role) -> bool:
    """Return True for a full administrator of the organization, or a partner full administrator."""
    return bool(words_of(role) & {"fulladmin", "partnerfulladmin"})


def says_partner(role: Role) -> bool:
    """Return True for a role whose name or id says "partner"."""
    return any("partner" in word for word in words_of(role))


def may_be_partner_role(role: Role) -> bool:
    """Return True for a role that says "partner" and is none of those that Webex gives no partner reports to."""
    weaker = any("sales" in word or "helpdesk" in word or word.endswith("partneradmin") for word in words_of(role))
    return says_partner(role) and not weaker


class Action(StrEnum):
    """What someone wants to do."""

    READ = "read"
    """See a report's details or get its file."""
    LIST = "list"
    """See which reports there are."""
    CHANGE = "change"
    """Make or delete a report."""
    CONFIGURE = "configure"
    """Change the settings of a group space: for who may make reports."""
    MANAGE = "manage"
    """Change what somebody else has subscribed to or scheduled: for who may make such reports."""
    AUDIT = "audit"
    """See who requested which reports."""
    KEYS = "keys"
    """Make and revoke keys of the HTTP API."""


READING: Final = frozenset({Action.READ, Action.LIST})
SUPERVISING: Final = frozenset({Action.AUDIT, Action.KEYS})
"""For full administrators: neither a setting nor a name makes anyone one."""
_NOT_ADMINISTRATOR: Final = {
    Action.READ: refusals.NOT_ADMINISTRATOR,
    Action.LIST: refusals.NOT_ADMINISTRATOR_LIST,
    Action.CHANGE: refusals.NOT_ADMINISTRATOR_CHANGE,
    Action.CONFIGURE: refusals.NOT_ADMINISTRATOR_CONFIGURE,
    Action.MANAGE: refusals.NOT_ADMINISTRATOR_MANAGE,
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of access, and what was learned of the organization. Addresses are in lower case."""

    our_org: str
    families: tuple[str, ...] = tuple(one.value for one in Family)
    """The families that are served, in the order of asking."""
    roles: tuple[str, ...] = ()
    """Names or ids of the roles for organization reports."""
    partner_roles: tuple[str, ...] = ()
    """Names or ids of the roles for partner reports; empty: those of Webex's, by their names alone."""
    proven_partner_role: str = ""
    """The id of the role by which Webex gave the admin token partner reports; it counts besides Webex's."""
    people: frozenset[str] = frozenset()
    spaces: frozenset[str] | None = None
    """None: every space."""
    partner_orgs: frozenset[str] = frozenset()

    def is_ours(self, org_id: str | None) -> bool:
        """Return True for the admin token's own organization, or one that the settings name."""
        return bool(org_id) and (org_id == self.our_org or org_id in self.partner_orgs)

    def roles_for(self, family: str) -> tuple[str, ...]:
        """Return the roles of a family, as the settings or Webex name them."""
        about = FAMILIES[Family(family)]
        return (self.partner_roles if about.roles_have_no_id else self.roles) or about.roles

    def roles_by_family(self, families: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the roles of each of these families."""
        return {one: self.roles_for(one) for one in families}

    def writing_roles(self, family: str) -> tuple[str, ...]:
        """Return those roles of a family whose people may make and delete its reports too."""
        return tuple(one for one in self.roles_for(family) if "readonly" not in role_word(bare_id(one)))

    def counts(self, role: Role, family: str) -> bool:
        """Return True when a role lets its people read the reports of a family."""
        about = FAMILIES[Family(family)]
        if about.roles_have_no_id and not self.partner_roles:
            return role_word(role.name) in set(map(role_word, about.roles)) or self._is_proven(role)
        return not words_of(role).isdisjoint(role_word(bare_id(one)) for one in self.roles_for(family))

    def may_write(self, role: Role, family: str) -> bool:
        """Return True when a role lets its people make and delete the reports of a family too."""
        # What a role may do that is known only by what it could read, nobody knows.
        known = is_full(role) or not self._is_proven(role)
        return known and self.counts(role, family) and not is_read_only(role)

    def _is_proven(self, role: Role) -> bool:
        return same_id(role.id, self.proven_partner_role)


@dataclass(frozen=True, slots=True)
class SpaceInfo:
    """The space where it was asked, and where the answer would go."""

    room_id: str | None
    direct: bool
    member_orgs: frozenset[str] | None = None
    """Organizations of everyone in a group space but the bot itself; None when they could not be listed."""
    asker_left: bool = False
    """The person who asked is not in the group space any more."""


class Verdict(StrEnum):
    """What policy says."""

    ALLOWED = "allowed"
    DIRECT_ONLY = "privately"
    """Allowed, but nothing of the report may be seen in this space: answer the person directly."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, a stable reason for the log, and a sentence for the person."""

    verdict: Verdict
    reason: str = ""
    sentence: str = ""
    """It names no role, so that it can be said before others."""
    details: str = ""
    """For the person alone: the rule, the person's own roles, and what can be set."""
    families: tuple[str, ...] = ()
    """The families of reports that it is about: no other is looked up for this person."""
    others: str = ""
    """Which families are not looked up, and, for the person alone, whom they are for; empty when all are."""
    name: str = ""
    """The person's display name."""
    writes: tuple[str, ...] = ()
    """The families whose reports the person may make and delete."""

    def raise_if_refused(self) -> None:
        """Raise ``Refused`` with what to tell the person."""
        if self.verdict is Verdict.REFUSED:
            raise Refused(self.sentence, reason=self.reason, details=self.details)


def families_for(who: RolesOf, action: Action, rules: Rules) -> tuple[str, ...]:
    """Return the families in which someone may do this, in the order of asking."""
    if not rules.is_ours(who.org_id):
        return ()
    named = is_named(who, rules)
    # A role counts only in the organization that gave it; someone of a partner organization must be named.
    roles = who.roles if who.org_id == rules.our_org else frozenset()
    readable = tuple(one for one in rules.families if named or any(rules.counts(role, one) for role in roles))
    if action in READING or (named and action not in SUPERVISING):
        return readable
    if action in SUPERVISING:
        return readable if any(map(is_full, roles)) else ()
    return tuple(one for one in readable if any(rules.may_write(role, one) for role in roles))


def is_named(who: RolesOf, rules: Rules) -> bool:
    """Return True for someone whom the settings allow by e-mail address."""
    return bool(rules.people & frozenset(email.lower() for email in who.emails))


def decide(who: RolesOf, action: Action, space: SpaceInfo, rules: Rules, family: str | None = None) -> Decision:
    """Return the decision: first who, then where. ``family``: of the report that it is about, once that is known."""
    if not rules.is_ours(who.org_id) or (who.org_id != rules.our_org and not is_named(who, rules)):
        return _refused("other_organization", refusals.OTHER_ORGANIZATION)
    families = families_for(who, action, rules)
    if family is not None:
        families = tuple(one for one in families if one == family)
    if not families:
        readable = () if action in READING else families_for(who, Action.READ, rules)
        reason = "read_only" if readable else "not_administrator"
        if action in SUPERVISING:
            return _refused(reason, refusals.NO_AUDIT if action is Action.AUDIT else refusals.NO_KEYS)
        meant = [family] if family else rules.families if action is Action.CHANGE else readable
        return _refused(reason, refusals.read_only(meant) if readable else _NOT_ADMINISTRATOR[action])
    return _where(space, rules, families)


def decide_space(space: SpaceInfo, rules: Rules) -> Decision:
    """Return the decision about a place alone, for what the bot says there of itself: nobody asks."""
    return _where(space, rules, rules.families)


def decide_for_key(
    spaces: frozenset[str] | None, space: SpaceInfo, rules: Rules, family: str | None = None, *, right: bool
) -> Decision:
    """Return the decision about a key of the API, which is the organization's own: it needs no role.

    ``spaces``: those that it reaches, None for all; ``right``: it may do what is asked.
    """
    families = tuple(one for one in rules.families if family in {None, one})
    if not right or not families:
        return _refused("right_missing", refusals.KEY_MAY_NOT)
    if spaces is not None and space.room_id not in spaces:
        return _refused("space_not_of_key", refusals.NOT_OF_KEY)
    decision = _where(space, rules, families)
    if decision.verdict is Verdict.DIRECT_ONLY:  # there is nobody whom it could answer directly
        return _refused(decision.reason, refusals.OUTSIDERS_FOR_KEY.get(decision.reason, decision.sentence))
    return decision


def _where(space: SpaceInfo, rules: Rules, families: tuple[str, ...]) -> Decision:
    if space.direct:
        return Decision(Verdict.ALLOWED, families=families)
    if rules.spaces is not None and space.room_id not in rules.spaces:
        return _refused("space_not_allowed", refusals.SPACE_NOT_ALLOWED)
    reason = ""
    if space.member_orgs is None:
        reason, sentence = "members_unknown", refusals.MEMBERS_UNKNOWN
    elif not _all_ours(space.member_orgs, rules):
        reason, sentence = "outsiders", refusals.OUTSIDERS
    elif space.asker_left:
        reason, sentence = "asker_left", refusals.ASKER_LEFT
    if reason:
        return Decision(Verdict.DIRECT_ONLY, reason, sentence, families=families)
    return Decision(Verdict.ALLOWED, families=families)


def _all_ours(orgs: Iterable[str], rules: Rules) -> bool:
    return all(rules.is_ours(org) for org in orgs)


def _refused(reason: str, sentence: str) -> Decision:
    return Decision(Verdict.REFUSED, reason, sentence)
