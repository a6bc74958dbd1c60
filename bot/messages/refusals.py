"""What people read when they may not have something, or not where they asked: for policy, which decides. Pure.

The first sentences name no role, so that they can be said before others. What explains a refusal (the rule in force,
the person's roles, what can be set) is for the person alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.webex.ids import readable_tail
from bot.webex.report_families import FAMILIES, Family

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.webex.types import RolesOf

    RolesByFamily = Mapping[str, Iterable[str]]

NOT_ADMINISTRATOR: Final = "Only Webex administrators can get this report."
OTHER_ORGANIZATION: Final = "Only administrators of the organization that runs this bot can get this report."
READ_ONLY: Final = "Read-only administrators can't do this. Ask a full administrator."
NO_AUDIT: Final = "Only full administrators can see the audit log. Ask one of them."
SPACE_NOT_ALLOWED: Final = "I'm not allowed to show reports in this space. Message me directly."

MEMBERS_UNKNOWN: Final = "I can't see who is in this space, so I've replied to you directly."
OUTSIDERS: Final = "There are external people in this space, so I've replied to you directly."
ASKER_LEFT: Final = "The person who asked has left this space, so I've replied to them directly."

NAMELESS: Final = "a role that Webex doesn't name"


def for_whom(roles: RolesByFamily) -> str:
    """Return ``Partner reports are for: Partner Full Administrator, ….``, from the roles that read each family."""
    return " ".join(
        f"{FAMILIES[Family(one)].name.capitalize()}s are for: {', '.join(map(_shown, named))}."
        for one, named in roles.items()
    )


def own_roles(who: RolesOf) -> str:
    """Return the roles that someone has, as Webex names them."""
    names = sorted({role.name or readable_tail(role.id) or NAMELESS for role in who.roles})
    return f"You are: {', '.join(names)}." if names else "Webex shows no administrator role for you."


def explained(who: RolesOf, roles: RolesByFamily) -> str:
    """Return why someone of our organization is refused, and what to do."""
    return (
        f"{own_roles(who)} {for_whom(roles)} If you should have them, contact the people who run this bot: they can "
        f"give you such a role, or change {_variables(roles)}."
    )


def remedy(roles: RolesByFamily) -> str:
    """Return the same for the people who run the bot."""
    return f"{for_whom(roles)} Give such a role in Control Hub, or change {_variables(roles)}"


def _variables(families: Iterable[str]) -> str:
    names = [f"`{one}`" for one in (*(FAMILIES[Family(one)].roles_setting for one in families), "ALLOWED_PEOPLE")]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _shown(setting: str) -> str:
    """Return a role of the settings by its name, or by the readable part of its ID."""
    return readable_tail(setting) or setting


def may_not_write(family: str, tracking_id: str) -> tuple[str, str]:
    """Return what is said when Webex lets the admin token neither run nor delete reports, and what that takes."""
    about = FAMILIES[Family(family)]
    needs = f"{about.write_needs[0].upper()}{about.write_needs[1:]}."
    remedy = "Please ask the people who run this bot to add what's missing to its admin token."
    tracking = f"Webex tracking id: {tracking_id}." if tracking_id else ""
    return f"Webex doesn't let me run or delete {about.name}s.", " ".join(filter(None, (needs, remedy, tracking)))
