"""Checks the settings that can lock everybody out: looks up each role, space, organization and person they name.

A typing error in one of them refuses people without a word in any log. What is found is shown by its name, what isn't
with the nearest name that there is.
"""

from __future__ import annotations

import difflib
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from bot.access.policy import PARTNER, PARTNER_ROLES, role_word, says_partner, words_of
from bot.errors import WebexError
from bot.ops.checks.result import Check, State, checked
from bot.webex.client import segment
from bot.webex.ids import bare_id, id_key, readable_tail
from bot.webex.types import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from bot.settings import Settings
    from bot.webex.chat import Chat
    from bot.webex.client import Client
    from bot.webex.types import Space

NOT_SHOWN: Final = frozenset({400, 401, 403, 404})
"""How Webex refuses to show something to a token that may not see it."""
MOST_PEOPLE: Final = 25
"""Addresses that are looked up, one call each."""
LONGEST_SHOWN: Final = 40
"""Letters of an opaque id that are shown."""


class Directory(Protocol):
    """What is asked with the admin token. Raises ``WebexError``."""

    def role_names(self) -> Mapping[str, str]: ...  # noqa: D102
    def find(self, email: str) -> str | None: ...  # noqa: D102


def looked_up(
    settings: Settings,
    directory: Directory,
    admin: Client,
    chat: Chat,
    partner_role: Callable[[], Role | None],
) -> Iterator[Check]:
    """Look up what each of the settings names, with a line for each that is set.

    ``partner_role``: gives the role by which Webex gives the admin token partner reports, if that is proved.
    """
    if settings.allowed_roles:
        yield checked("ALLOWED_ROLES", lambda: roles(settings.allowed_roles, directory))
    if settings.allowed_partner_roles:
        yield checked("ALLOWED_PARTNER_ROLES", lambda: roles(settings.allowed_partner_roles, directory))
    elif PARTNER in settings.report_families:
        yield checked("partner roles", lambda: partner_roles(directory, partner_role))
    if settings.allowed_people:
        yield checked("ALLOWED_PEOPLE", lambda: people(settings.allowed_people, directory))
    if settings.allowed_orgs:
        yield checked("ALLOWED_ORGS", lambda: organizations(settings.allowed_orgs, partial(_organization, admin)))
    if settings.allowed_spaces:
        yield checked("ALLOWED_SPACES", lambda: spaces(settings.allowed_spaces, chat.spaces()))
    if settings.operators_space:
        operators = (settings.operators_space,)
        yield checked("OPERATORS_SPACE", lambda: spaces(operators, chat.spaces()))


def shown_organization(admin: Client, org_id: str) -> str:
    """Give an organization's name with its bare id, or that alone where Webex does not show the name."""
    try:
        return f"{_organization(admin, org_id)} ({bare_id(org_id)})"
    except WebexError:
        return bare_id(org_id)


def _organization(admin: Client, org_id: str) -> str:
    answer = admin.call("GET", f"organizations/{segment(org_id)}").json
    return str(answer.get("displayName", "")) if isinstance(answer, dict) else ""


def roles(wanted: Sequence[str], directory: Directory) -> tuple[State, str]:
    """Look each role up in ``GET /roles``, by its name, its id and the readable end of its id."""
    try:
        listed = directory.role_names()
    except WebexError as error:
        if error.status not in NOT_SHOWN:
            raise
        return State.NOTE, (
            f"{', '.join(wanted)}: can't be compared, since the admin token may not list roles "
            "(spark-admin:roles_read); names are as Control Hub writes them"
        )
    known = {word: name for key, name in listed.items() for word in words_of(Role(key, name))}
    seen, unseen = [], []
    for one in wanted:
        name = known.get(role_word(bare_id(one)))
        if name is None:
            unseen.append(f"“{_short(one)}” is no role here{_nearest(one, listed.values())}")
        else:
            seen.append(name if name.casefold() == one.casefold() else f"{name} ({_short(bare_id(one))})")
    if not unseen:
        return State.OK, ", ".join(seen)
    return (State.NOTE if seen else State.FAILED), "; ".join([*unseen, *(seen or ["so nobody has a role that counts"])])


def partner_roles(directory: Directory, proven: Callable[[], Role | None]) -> tuple[State, str]:
    """Say who gets partner reports where the settings name no role for them."""
    try:
        names = set(directory.role_names().values())
    except WebexError as error:
        if error.status not in NOT_SHOWN:
            raise
        names = set()
    known = sorted(name for name in names if role_word(name) in set(map(role_word, PARTNER_ROLES)))
    if known:
        return State.OK, f"partner reports are for: {', '.join(known)}"
    role = proven()
    if role is not None:
        name = role.name or readable_tail(role.id) or _short(role.id)
        return State.NOTE, f"partner reports are for {name}, the admin token's own role; ALLOWED_PARTNER_ROLES may say"
    others = sorted(name for name in names if says_partner(Role("", name)))
    there = f" (there are {', '.join(others)})" if others else ""
    why = "no role here has the name" if names else "the admin token may not list roles (spark-admin:roles_read), so"
    unknown = "" if names else " none is known by the name"
    return State.NOTE, (
        f"{why}{unknown} {' or '.join(PARTNER_ROLES)}: nobody but ALLOWED_PEOPLE gets partner reports. Set "
        f"ALLOWED_PARTNER_ROLES to names or IDs of roles{there}, or leave partner out of REPORT_FAMILIES"
    )


def spaces(wanted: Sequence[str], there: Sequence[Space]) -> tuple[State, str]:
    """Look each space up among those that the bot is in."""
    titles = {id_key(one.id): one for one in there}
    seen, unseen = [], []
    for one in wanted:
        space = titles.get(id_key(one))
        if space is None:
            unseen.append(f"the bot isn't in the space {_short(bare_id(one))}: add it there, or correct the ID")
        else:
            seen.append(f"“{space.title}”" + (" (a 1:1 space)" if space.kind == "direct" else ""))
    if not unseen:
        return State.OK, ", ".join(seen)
    return (State.NOTE if seen else State.FAILED), "; ".join([*unseen, *seen])


def organizations(wanted: Sequence[str], name_of: Callable[[str], str]) -> tuple[State, str]:
    """Look each organization up; Webex rarely shows another one than the token's own, which is no fault."""
    seen, unseen = [], []
    for one in wanted:
        try:
            seen.append(f"{name_of(one)} ({_short(bare_id(one))})")
        except WebexError as error:
            if error.status not in NOT_SHOWN:
                raise
            unseen.append(_short(bare_id(one)))
    if not unseen:
        return State.OK, ", ".join(seen)
    said = f"{', '.join(unseen)}: Webex doesn't show the admin token its name, so compare the ID yourself"
    return State.NOTE, "; ".join([said, *seen])


def people(wanted: Sequence[str], directory: Directory) -> tuple[State, str]:
    """Look each address up; somebody of another organization may not be shown, which is no fault.

    Whose the addresses are is nobody's business who reads this over a shoulder: they are told by their place.
    """
    unseen = [str(place) for place, email in enumerate(wanted[:MOST_PEOPLE], 1) if directory.find(email) is None]
    looked_for = min(len(wanted), MOST_PEOPLE)
    beyond = f" (the {len(wanted) - looked_for} after them weren't looked up)" if len(wanted) > looked_for else ""
    if not unseen:
        return State.OK, f"Webex knows all {looked_for}{beyond}"
    places = ", ".join(unseen)
    return State.NOTE, f"Webex doesn't know number {places} of the list: look for a typo there{beyond}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _nearest(wanted: str, names: Collection[str]) -> str:
    by_name = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(wanted.casefold(), by_name, n=1, cutoff=0.5)
    if near:
        return f"; did you mean “{by_name[near[0]]}”?"
    return f"; there are {', '.join(sorted(set(names))[:8])}" if names else ""
