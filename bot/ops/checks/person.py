"""Check what one person may have, by the rules and in the words of the chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action, families_for, is_named
from bot.errors import Refused
from bot.messages.refusals import own_roles, remedy
from bot.ops.checks.doctor_line import Found, Result, State, result
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.access.authorizer import Authorizer
    from bot.access.policy import Rules
    from bot.webex.people import Directory
    from bot.webex.types import RolesOf


def looked_up(email: str, directory: Directory, authorizer: Authorizer) -> Iterator[Result]:
    """Look the person up by e-mail address, and judge them for each family that is served."""
    found: list[tuple[RolesOf, Rules]] = []

    def look() -> Found:
        person_id = directory.find(email)
        if person_id is None:
            return State.FAILED, "No Webex user visible to the admin token has this email address."
        try:
            who, rules = authorizer.facts_about(person_id)
        except Refused as refused:
            return State.FAILED, f"{refused.sentence} {refused.details}".rstrip()
        found.append((who, rules))
        return State.OK, f"{_where(who, rules)}. {own_roles(who)}"

    yield result(email, look)
    for who, rules in found:
        for family in rules.families:
            yield Result(f"{FAMILIES[Family(family)].name}s", *_judged(who, rules, family))


def _where(who: RolesOf, rules: Rules) -> str:
    if who.org_id == rules.our_org:
        return "in this organization"
    if not who.org_id:
        return "deactivated, or in an organization that Webex doesn't show"
    return "in an organization in ALLOWED_ORGS" if rules.is_ours(who.org_id) else "in another organization"


def _judged(who: RolesOf, rules: Rules, family: str) -> Found:
    if family in families_for(who, Action.READ, rules):
        change = ", create and delete" if family in families_for(who, Action.CHANGE, rules) else ""
        return State.OK, f"may read{change} them, {'by ALLOWED_PEOPLE' if is_named(who, rules) else 'by role'}"
    if who.org_id == rules.our_org:
        return State.NOTE, f"refused. {remedy(rules.roles_by_family([family]))}."
    if rules.is_ours(who.org_id):
        return State.NOTE, "refused. Roles in another organization don't count: add the address to ALLOWED_PEOPLE."
    return State.NOTE, "refused. Only people in this organization, or in one in ALLOWED_ORGS, can have reports."
