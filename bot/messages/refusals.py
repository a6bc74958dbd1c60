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
NOT_ADMINISTRATOR_LIST: Final = "Only Webex administrators can get reports."
NOT_ADMINISTRATOR_CHANGE: Final = "Only Webex administrators can run or delete reports."
NOT_ADMINISTRATOR_CONFIGURE: Final = "Only Webex administrators can change the settings of a space."
NOT_ADMINISTRATOR_MANAGE: Final = "Only Webex administrators can change subscriptions and schedules."
OTHER_ORGANIZATION: Final = "Only administrators of the organization that runs this bot can get this report."
READ_ONLY: Final = "Read-only administrators can't do this."
NO_AUDIT: Final = "Only full administrators can see the audit log. Ask one of them."
NO_KEYS: Final = "Only full administrators can see, make and revoke API keys. Ask one of them."
SPACE_NOT_ALLOWED: Final = "I'm not allowed to show reports in this space. Message me directly."

KEY_REVOKED: Final = "This API key is revoked."
KEY_MAY_NOT: Final = "This API key may not do this."
NOT_OF_KEY: Final = "This API key does not reach this space."
ONE_TO_ONE: Final = "This is a 1:1 space: send personEmail in place of spaceId."
OUTSIDERS_FOR_KEY: Final = {
    "outsiders": "There are external people in this space, so nothing was posted there.",
    "members_unknown": "The bot can't see who is in this space, so nothing was posted there. Add the bot to it.",
}
"""By policy's reason."""

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


def not_looked_for(roles: RolesByFamily, *, alone: bool) -> str:
    """Return which families the answer is not about; ``alone``: the person reads it alone, so it says for whom."""
    said = ""
    for one, named in roles.items():
        why = f": they need the role {_either(named)}" if alone and named else ""
        said += f" I didn't look for {FAMILIES[Family(one)].name}s{why}."
    return said.lstrip()


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


def read_only(families: Iterable[str]) -> str:
    """Return that reading is all that somebody may do, and whom to ask; ``families``: those that it is about."""
    partner_only = set(families) == {Family.PARTNER}
    return f"{READ_ONLY} Ask a {'partner full' if partner_only else 'full'} administrator."


def needed_to_change(roles: RolesByFamily) -> str:
    """Return which roles run and delete reports, from those of each family."""
    return " ".join(
        f"Running and deleting {FAMILIES[Family(one)].name}s needs the role {_either(named)}."
        for one, named in roles.items()
        if named
    )


def needed_to_configure(roles: RolesByFamily) -> str:
    """Return which roles change a space's settings, from those that run reports of each family."""
    named = _either(role for of_family in roles.values() for role in of_family)
    return f"Changing the settings of a space needs the role {named}." if named else ""


def needed_to_manage(roles: RolesByFamily) -> str:
    """Return which roles change what somebody else has subscribed to or scheduled, from those of each family."""
    named = _either(role for of_family in roles.values() for role in of_family)
    what = "Muting, changing and ending other people's subscriptions and schedules"
    return f"{what} needs the role {named}." if named else ""


def remedy(roles: RolesByFamily) -> str:
    """Return the same for the people who run the bot."""
    return f"{for_whom(roles)} Give such a role in Control Hub, or change {_variables(roles)}"


def _variables(families: Iterable[str]) -> str:
    names = [f"`{one}`" for one in (*(FAMILIES[Family(one)].roles_setting for one in families), "ALLOWED_PEOPLE")]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _either(roles: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(map(_shown, roles)))


def _shown(setting: str) -> str:
    """Return a role of the settings by its name, or by the readable part of its ID."""
    return readable_tail(setting) or setting


def may_not_write(family: str, tracking_id: str) -> tuple[str, str]:
    """Return what is said when Webex lets the admin token neither run nor delete reports, and what that takes."""
    about = FAMILIES[Family(family)]
    needs = f"{about.write_needs[0].upper()}{about.write_needs[1:]}."
    remedy = "Please ask the people who run this bot to add what's missing to its admin token."
    tracking = f"Webex tracking ID: {tracking_id}." if tracking_id else ""
    return f"Webex doesn't let me run or delete {about.name}s.", " ".join(filter(None, (needs, remedy, tracking)))
