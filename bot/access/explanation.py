"""Explains a refusal to the person whom it is about: the rule in force, their roles, and what can be set. Pure.

None of it is for a group space: it names roles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.webex.ids import readable_tail
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.access.policy import Rules
    from bot.webex.types import RolesOf

NAMELESS = "a role that Webex doesn't name"


def for_whom(families: Iterable[str], rules: Rules) -> str:
    """Return ``Partner reports are for: Partner Full Administrator, ….``."""
    return " ".join(
        f"{FAMILIES[Family(one)].name.capitalize()}s are for: {', '.join(map(_shown, rules.roles_for(one)))}."
        for one in families
    )


def own_roles(who: RolesOf) -> str:
    """Return the roles that someone has, as Webex names them."""
    names = sorted({role.name or readable_tail(role.id) or NAMELESS for role in who.roles})
    return f"You are: {', '.join(names)}." if names else "Webex shows no administrator role for you."


def refusal(who: RolesOf, rules: Rules, action: Action = Action.READ) -> str:
    """Return why someone of our organization is refused, and what to do; no setting opens the audit log."""
    if action is Action.AUDIT:
        return own_roles(who)
    return (
        f"{own_roles(who)} {for_whom(rules.families, rules)} If you should have them, contact the people who run this "
        f"bot: they can give you such a role, or change {_variables(rules.families)}."
    )


def remedy(families: Iterable[str], rules: Rules) -> str:
    """Return the same for the people who run the bot."""
    asked = list(families)
    return f"{for_whom(asked, rules)} Give such a role in Control Hub, or change {_variables(asked)}"


def _variables(families: Iterable[str]) -> str:
    names = [f"`{one}`" for one in (*(FAMILIES[Family(one)].roles_setting for one in families), "ALLOWED_PEOPLE")]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _shown(setting: str) -> str:
    """Return a role of the settings by its name, or by the readable part of its ID."""
    return readable_tail(setting) or setting
