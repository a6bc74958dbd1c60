"""Check for ``doctor`` the settings that can lock everybody out: each role, space, organization and person they name.

A typing error in one of them refuses people without a line in any log. What is found is shown by its name, what isn't
with the nearest name that there is.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from bot.access.policy import PARTNER, PARTNER_ROLES, role_word, says_partner, words_of
from bot.errors import WebexError
from bot.ops.checks.result import Found, State, line
from bot.webex.client import segment
from bot.webex.ids import bare_id, id_key, readable_tail
from bot.webex.types import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bot.ops.checks.result import Setup
    from bot.webex.client import Client
    from bot.webex.people import Directory
    from bot.webex.types import Space

NOT_SHOWN: Final = frozenset({400, 401, 403, 404})
"""How Webex refuses to show something to a token that may not see it."""
MOST_PEOPLE: Final = 25
"""Addresses that are looked up, one call each."""
LONGEST_SHOWN: Final = 40
"""Letters of an opaque ID that are shown."""


@line("ALLOWED_ROLES")
def allowed_roles(setup: Setup) -> Found | None:
    """Return which of the roles there are."""
    wanted = setup.settings.allowed_roles
    return _roles(wanted, setup.directory) if wanted else None


@line("ALLOWED_PARTNER_ROLES")
def allowed_partner_roles(setup: Setup) -> Found | None:
    """Return which of the roles there are."""
    wanted = setup.settings.allowed_partner_roles
    return _roles(wanted, setup.directory) if wanted else None


@line("partner roles")
def partner_roles(setup: Setup) -> Found | None:
    """Return who gets partner reports where the settings name no role for them."""
    if setup.settings.allowed_partner_roles or PARTNER not in setup.settings.report_families:
        return None
    names = set((_role_names(setup.directory) or {}).values())
    known = sorted(name for name in names if role_word(name) in set(map(role_word, PARTNER_ROLES)))
    if known:
        return State.OK, f"partner reports are for: {', '.join(known)}"
    own = setup.partner_role()
    if own is not None:
        name = own.name or readable_tail(own.id) or _short(own.id)
        return State.NOTE, (
            f"partner reports are for {name}, the admin token's own role. ALLOWED_PARTNER_ROLES can name others."
        )
    why = (
        f"no role here is called {' or '.join(PARTNER_ROLES)}"
        if names
        else "the admin token may not list roles (spark-admin:roles_read)"
    )
    others = sorted(name for name in names if says_partner(Role("", name)))
    there = f" (there are {', '.join(others)})" if others else ""
    return State.NOTE, (
        f"{why}, so nobody but ALLOWED_PEOPLE gets partner reports. Set ALLOWED_PARTNER_ROLES to names or IDs of roles"
        f"{there}, or remove partner from REPORT_FAMILIES."
    )


@line("ALLOWED_PEOPLE")
def allowed_people(setup: Setup) -> Found | None:
    """Return which addresses Webex doesn't know, by their place: who they are is nobody's business over a shoulder.

    Somebody in another organization may not be shown, which is no fault.
    """
    wanted = setup.settings.allowed_people
    if not wanted:
        return None
    looked_up = wanted[:MOST_PEOPLE]
    unknown = [str(place) for place, email in enumerate(looked_up, 1) if setup.directory.find(email) is None]
    more = len(wanted) - len(looked_up)
    beyond = f" ({more} more weren't looked up)" if more else ""
    if not unknown:
        return State.OK, f"Webex knows all {len(looked_up)}{beyond}"
    return State.NOTE, f"Webex doesn't know number {', '.join(unknown)} of the list. Check for typos{beyond}."


@line("ALLOWED_ORGS")
def allowed_orgs(setup: Setup) -> Found | None:
    """Return the organizations' names; Webex rarely shows another one than the token's own, which is no fault."""
    wanted = setup.settings.allowed_orgs
    named = [(one, _organization(setup.admin, one)) for one in wanted]
    found = [f"{name} ({_short(bare_id(one))})" for one, name in named if name is not None]
    hidden = [_short(bare_id(one)) for one, name in named if name is None]
    if hidden:
        text = f"{', '.join(hidden)}: Webex doesn't show the admin token the name, so compare the ID yourself"
        return State.NOTE, "; ".join([text, *found])
    return (State.OK, ", ".join(found)) if wanted else None


@line("ALLOWED_SPACES")
def allowed_spaces(setup: Setup) -> Found | None:
    """Return which of the spaces the bot is in."""
    wanted = setup.settings.allowed_spaces
    return _spaces(wanted, setup.chat.spaces()) if wanted else None


@line("OPERATORS_SPACE")
def operators_space(setup: Setup) -> Found | None:
    """Return whether the bot is in the space."""
    wanted = setup.settings.operators_space
    return _spaces([wanted], setup.chat.spaces()) if wanted else None


CHECKS: Final = (
    allowed_roles,
    allowed_partner_roles,
    partner_roles,
    allowed_people,
    allowed_orgs,
    allowed_spaces,
    operators_space,
)


def shown_organization(admin: Client, org_id: str) -> str:
    """Return an organization's name with its bare ID, or that alone where Webex doesn't show the name."""
    name = _organization(admin, org_id)
    return bare_id(org_id) if name is None else f"{name} ({bare_id(org_id)})"


def _organization(admin: Client, org_id: str) -> str | None:
    """Return the name; None where Webex doesn't show it."""
    try:
        answer = admin.call("GET", f"organizations/{segment(org_id)}").json
    except WebexError as error:
        if error.status in NOT_SHOWN:
            return None
        raise
    return str(answer.get("displayName", "")) if isinstance(answer, dict) else ""


def _role_names(directory: Directory) -> dict[str, str] | None:
    """Return the roles' names by ID; None where the admin token may not list them."""
    try:
        return dict(directory.role_names())
    except WebexError as error:
        if error.status in NOT_SHOWN:
            return None
        raise


def _roles(wanted: Sequence[str], directory: Directory) -> Found:
    """Look each role up in ``GET /roles``, by its name, its ID and the readable end of its ID."""
    listed = _role_names(directory)
    if listed is None:
        return State.NOTE, (
            f"{', '.join(wanted)}: can't be compared, since the admin token may not list roles "
            "(spark-admin:roles_read). Names are as Control Hub writes them."
        )
    known = {word: name for key, name in listed.items() for word in words_of(Role(key, name))}
    found, missing = [], []
    for one in wanted:
        name = known.get(role_word(bare_id(one)))
        if name is None:
            missing.append(f"“{_short(one)}” isn't a role here{_nearest(one, listed.values())}")
        else:
            found.append(name if name.casefold() == one.casefold() else f"{name} ({_short(bare_id(one))})")
    return _judged(found, missing, "so nobody has a role that counts")


def _spaces(wanted: Sequence[str], there: Sequence[Space]) -> Found:
    """Look each space up among those that the bot is in."""
    titles = {id_key(one.id): f"“{one.title}”{' (a 1:1 space)' if one.kind == 'direct' else ''}" for one in there}
    found = [titles[id_key(one)] for one in wanted if id_key(one) in titles]
    missing = [
        f"the bot isn't in the space {_short(bare_id(one))}. Add it there, or correct the ID"
        for one in wanted
        if id_key(one) not in titles
    ]
    return _judged(found, missing)


def _judged(found: Sequence[str], missing: Sequence[str], without: str = "") -> Found:
    """Return a failure where nothing of a list was found, a note where something wasn't."""
    if not missing:
        return State.OK, ", ".join(found)
    state = State.NOTE if found else State.FAILED
    return state, "; ".join(filter(None, [*missing, *(found or [without])]))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _nearest(wanted: str, names: Collection[str]) -> str:
    by_name = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(wanted.casefold(), by_name, n=1, cutoff=0.5)
    if near:
        return f" (did you mean “{by_name[near[0]]}”?)"
    return f" (there are {', '.join(sorted(set(names))[:8])})" if names else ""
