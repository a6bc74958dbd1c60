"""Check for ``doctor`` the settings that can lock everyone out: each role, space, organization and person they name.

A typing error in one of them refuses people without a line in any log. What is found is shown by its name, what isn't
with the nearest name that there is.
"""

from __future__ import annotations

import difflib
from functools import partial
from typing import TYPE_CHECKING, Final

from bot.access.policy import role_word, says_partner, words_of
from bot.errors import WebexError
from bot.ops.checks.doctor_line import Found, Result, Setup, State, line, result
from bot.webex.client import segment
from bot.webex.ids import bare_id, id_key, readable_tail
from bot.webex.report_families import FAMILIES, PROVEN_BY_LISTING
from bot.webex.types import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

NOT_SHOWN: Final = frozenset({400, 401, 403, 404})
"""How Webex refuses to show something to a token that may not see it."""
MAY_NOT_LIST: Final = "the admin token may not list roles (spark-admin:roles_read)"
MOST_PEOPLE: Final = 25
"""Addresses that are looked up, one call each."""
LONGEST_SHOWN: Final = 40
"""Letters of an opaque ID that are shown."""


def names(setup: Setup) -> Iterator[Result]:
    """Look up what the settings name, with a line for each that is set."""
    settings = setup.settings
    looks: dict[str, tuple[Sequence[str], Callable[[Setup, Sequence[str]], Found]]] = {
        "ALLOWED_ROLES": (settings.allowed_roles, _roles),
        "ALLOWED_PARTNER_ROLES": (settings.allowed_partner_roles, _roles),
        "ALLOWED_PEOPLE": (settings.allowed_people, _people),
        "ALLOWED_ORGS": (settings.allowed_orgs, _organizations),
        "ALLOWED_SPACES": (settings.allowed_spaces, _spaces),
        "OPERATORS_SPACE": ([settings.operators_space] if settings.operators_space else [], _spaces),
    }
    if PROVEN_BY_LISTING in settings.report_families and not settings.allowed_partner_roles:
        yield from partner_roles(setup)
    yield from (result(name, partial(look, setup, wanted)) for name, (wanted, look) in looks.items() if wanted)


@line("partner roles")
def partner_roles(setup: Setup) -> Found:
    """Return who gets the reports of the family whose roles have no published ID, where the settings name none."""
    about = FAMILIES[PROVEN_BY_LISTING]
    reports, setting = f"{about.name}s", about.roles_setting
    there = sorted(set((_role_names(setup) or {}).values()))
    known = [name for name in there if role_word(name) in set(map(role_word, about.roles))]
    if known:
        return State.OK, f"{reports} are for: {', '.join(known)}"
    own = setup.partner_role()
    if own is not None:
        name = own.name or readable_tail(own.id) or _short(own.id)
        return State.NOTE, f"{reports} are for {name}, the admin token's role. {setting} can change it"
    others = ", ".join(name for name in there if says_partner(Role("", name)))
    why = f"no role here is called {' or '.join(about.roles)}" if there else MAY_NOT_LIST
    return State.NOTE, (
        f"{why}, so nobody but ALLOWED_PEOPLE gets {reports}. Set {setting} to names or IDs of roles"
        f"{others and f' (there are {others})'}, or remove {about.key.value} from REPORT_FAMILIES."
    )


def organization_name(setup: Setup, org_id: str) -> str | None:
    """Return an organization's name; None where Webex doesn't show it."""
    try:
        answer = setup.admin.call("GET", f"organizations/{segment(org_id)}").json
    except WebexError as error:
        if error.status in NOT_SHOWN:
            return None
        raise
    return str(answer.get("displayName", "")) if isinstance(answer, dict) else ""


def _roles(setup: Setup, wanted: Sequence[str]) -> Found:
    """Look each role up by its name, its ID and the readable end of its ID."""
    listed = _role_names(setup)
    if listed is None:
        return State.NOTE, f"can't be checked: {MAY_NOT_LIST}. Write names as Control Hub does: {', '.join(wanted)}"
    known = {word: name for key, name in listed.items() for word in words_of(Role(key, name))}
    found, missing = [], []
    for one in wanted:
        name = known.get(role_word(bare_id(one)))
        if name is None:
            missing.append(f"“{_short(one)}” isn't a role here{_nearest(one, listed.values())}")
        else:
            found.append(name if name.casefold() == one.casefold() else f"{name} ({_short(bare_id(one))})")
    return _judged(found, missing, "so nobody has a role that counts")


def _role_names(setup: Setup) -> dict[str, str] | None:
    """Return the roles' names by ID; None where the admin token may not list them."""
    try:
        return dict(setup.directory.role_names())
    except WebexError as error:
        if error.status in NOT_SHOWN:
            return None
        raise


def _people(setup: Setup, wanted: Sequence[str]) -> Found:
    """Return which addresses Webex doesn't know, by their place: who they are is nobody's business over a shoulder.

    Someone in another organization may not be shown, which is no fault.
    """
    looked_up = wanted[:MOST_PEOPLE]
    unknown = [str(place) for place, email in enumerate(looked_up, 1) if setup.directory.find(email) is None]
    more = len(wanted) - len(looked_up)
    beyond = f" ({more} more weren't looked up)" if more else ""
    if not unknown:
        return State.OK, f"Webex knows all {len(looked_up)}{beyond}"
    return State.NOTE, f"Webex doesn't know number {', '.join(unknown)} of the list. Check for typos{beyond}."


def _organizations(setup: Setup, wanted: Sequence[str]) -> Found:
    """Return the organizations' names; Webex rarely shows another one than the token's own, which is no fault."""
    named = {_short(bare_id(one)): organization_name(setup, one) for one in wanted}
    found = [f"{name} ({org_id})" for org_id, name in named.items() if name is not None]
    hidden = [org_id for org_id, name in named.items() if name is None]
    if not hidden:
        return State.OK, ", ".join(found)
    text = f"{', '.join(hidden)}: Webex doesn't show the admin token the name, so compare the ID yourself"
    return State.NOTE, "; ".join([text, *found])


def _spaces(setup: Setup, wanted: Sequence[str]) -> Found:
    """Look each space up among those that the bot is in."""
    there = setup.chat.spaces()
    titles = {id_key(one.id): f"“{one.title}”{' (a 1:1 space)' if one.kind == 'direct' else ''}" for one in there}
    found = [titles[id_key(one)] for one in wanted if id_key(one) in titles]
    missing = [_short(bare_id(one)) for one in wanted if id_key(one) not in titles]
    return _judged(found, [f"the bot isn't in the space {one}. Add it there, or correct the ID" for one in missing])


def _judged(found: Sequence[str], missing: Sequence[str], without: str = "") -> Found:
    """Return a failure where nothing of a list was found, a note where something wasn't."""
    if not missing:
        return State.OK, ", ".join(found)
    return State.NOTE if found else State.FAILED, "; ".join(filter(None, [*missing, *(found or [without])]))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _nearest(wanted: str, names: Collection[str]) -> str:
    by_name = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(wanted.casefold(), by_name, n=1, cutoff=0.5)
    if near:
        return f" (did you mean “{by_name[near[0]]}”?)"
    return f" (there are {', '.join(sorted(set(names))[:8])})" if names else ""
