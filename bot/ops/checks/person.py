"""Checks what one person may have, and says why not: by the rules and in the words of the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bot.access.explanation import FAMILIES, own_roles, remedy
from bot.access.policy import Act, families_for, is_named
from bot.errors import Refused
from bot.ops.checks.result import Check, State, checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.access.authorizer import Authorizer
    from bot.access.policy import Rules
    from bot.webex.types import RolesOf


class Directory(Protocol):
    """What is asked with the admin token. Raises ``WebexError``."""

    def find(self, email: str) -> str | None: ...  # noqa: D102


def looked_up(email: str, directory: Directory, guard: Authorizer) -> Iterator[Check]:
    """Look the person up by e-mail address, and judge them for each family that is served."""
    found: list[tuple[RolesOf, Rules]] = []

    def look() -> tuple[State, str]:
        person_id = directory.find(email)
        if person_id is None:
            return State.FAILED, "No Webex user that the admin token may see has this e-mail address"
        try:
            who, rules = guard.facts_about(person_id)
        except Refused as refused:
            return State.FAILED, f"{refused.sentence} {refused.details}".rstrip()
        found.append((who, rules))
        return State.OK, f"{_where(who, rules)}. {own_roles(who)}"

    yield checked(email, look)
    for who, rules in found:
        for family in rules.families:
            yield Check(FAMILIES[family].lower(), *_judged(who, rules, family))


def _where(who: RolesOf, rules: Rules) -> str:
    if who.org_id == rules.our_org:
        return "of this organization"
    if not who.org_id:
        return "deactivated, or of an organization that Webex doesn't tell"
    return "of an organization in ALLOWED_ORGS" if rules.is_ours(who.org_id) else "of another organization"


def _judged(who: RolesOf, rules: Rules, family: str) -> tuple[State, str]:
    if family in families_for(who, Act.READ, rules):
        change = " and make or delete them" if family in families_for(who, Act.CHANGE, rules) else ""
        by = "by ALLOWED_PEOPLE" if is_named(who, rules) else "by role"
        return State.OK, f"may read{change}, {by}"
    if who.org_id == rules.our_org:
        return State.NOTE, f"refused. {remedy([family], rules)}"
    if rules.is_ours(who.org_id):
        return State.NOTE, "refused. A role of another organization doesn't count: add the address to ALLOWED_PEOPLE"
    return State.NOTE, "refused. Only people of this organization, or of one in ALLOWED_ORGS, may have reports"
