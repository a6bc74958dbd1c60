"""Who may do what, and where a report may go: one pure decision, deny by default.

It is asked at every door (typed word, button, and again right before a file is posted). It knows no I/O: ``guard.py``
gathers the facts. Facts that could not be had arrive as ``None`` and refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.ports import RolesOf

FULL_ADMIN = frozenset({"id_full_admin", "full administrator"})
READ_ONLY_ADMIN = frozenset({"id_readonly_admin", "read-only administrator", "read only administrator"})
ADMINISTRATORS = FULL_ADMIN | READ_ONLY_ADMIN
"""Role ids' readable tails and role names, lower case."""


class Act(StrEnum):
    """What somebody wants."""

    READ = "read"
    """See a report's details or get its file."""
    CHANGE = "change"
    """Make or delete a report."""
    AUDIT = "audit"
    """See who asked for what."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings. Roles and addresses in lower case."""

    our_org: str
    roles: frozenset[str] = ADMINISTRATORS
    people: frozenset[str] = frozenset()
    spaces: frozenset[str] | None = None
    """None: every space."""
    partner_orgs: frozenset[str] = frozenset()

    def is_ours(self, org_id: str | None) -> bool:
        """Whether an organisation is the admin token's own, or one that the operator named."""
        return bool(org_id) and (org_id == self.our_org or org_id in self.partner_orgs)


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was asked, and where the answer would go."""

    room_id: str | None
    direct: bool
    member_orgs: frozenset[str] | None = None
    """Organisations of everyone in a group space but the bot itself; None when they could not be listed."""
    asker_left: bool = False
    """Whether who asked is not in the group space any more."""


class Verdict(StrEnum):
    """What policy says."""

    ALLOWED = "allowed"
    PRIVATELY = "privately"
    """Allowed, but nothing of the report may be seen in this space: answer 1:1."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, a stable reason for the log, and a sentence for the person."""

    verdict: Verdict
    reason: str = ""
    sentence: str = ""


ALLOWED = Decision(Verdict.ALLOWED)


def decide(who: RolesOf, act: Act, place: Place, rules: Rules) -> Decision:
    """Decide. First who, then where."""
    named = bool(rules.people & frozenset(email.lower() for email in who.emails))
    # A role counts only in the organisation that gave it; somebody of a partner organisation must be named.
    if not rules.is_ours(who.org_id) or (who.org_id != rules.our_org and not named):
        return Decision(
            Verdict.REFUSED,
            "other_organization",
            "Reports are for administrators of the organisation that runs this bot. Ask one of them.",
        )
    roles = frozenset(role.lower() for role in who.roles)
    if not named and not roles & rules.roles:
        return Decision(
            Verdict.REFUSED,
            "not_administrator",
            "Reports are for administrators. Ask one of yours, or let the bot's operators allow you.",
        )
    if not _enough(act, roles, rules, named=named):
        return Decision(
            Verdict.REFUSED,
            "read_only",
            "Your role lets you read reports, and no more than that. Ask a full administrator.",
        )
    return _where(place, rules)


def _enough(act: Act, roles: frozenset[str], rules: Rules, *, named: bool) -> bool:
    """Whether who may read may do this too."""
    if act is Act.READ or roles & FULL_ADMIN:
        return True
    if act is Act.AUDIT:
        return False  # it tells of people: neither a setting nor a name makes somebody their supervisor
    # The settings may name a read-only role by its opaque id, so what its name says of it counts.
    read_only = any("read" in role and "only" in role for role in roles)
    return named or (bool(roles & rules.roles) and not read_only)


def _where(place: Place, rules: Rules) -> Decision:
    if place.direct:
        return ALLOWED
    if rules.spaces is not None and place.room_id not in rules.spaces:
        return Decision(
            Verdict.REFUSED, "space_not_allowed", "This space is not one where the bot may show reports. Ask me 1:1."
        )
    if place.member_orgs is None:
        return Decision(Verdict.PRIVATELY, "members_unknown", "I cannot see who is in this space, so I answer you 1:1.")
    if not all(rules.is_ours(org) for org in place.member_orgs):
        return Decision(
            Verdict.PRIVATELY, "outsiders", "This space has people from outside your organisation, so I answer you 1:1."
        )
    if place.asker_left:
        return Decision(Verdict.PRIVATELY, "asker_left", "Who asked has left this space, so I answer them 1:1.")
    return ALLOWED
