"""Who is who: organization, addresses and roles of a person, by the admin token. Policy decides on them.

A role has an id and a name (``GET /roles``, which needs another scope); what each says is policy's to read. Where
``GET /people`` hides the roles, SCIM shows them. What cannot be read is an error, never "no roles".
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from bot.errors import Refused, WebexError
from bot.webex import parsing
from bot.webex.client import segment
from bot.webex.ids import bare_id, id_key, same_id
from bot.webex.responses import unreadable
from bot.webex.types import Role, RolesOf

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from bot.webex.client import Client
    from bot.webex.types import Person

REMEMBERED_SECONDS: Final = 300.0
"""How long a person's roles are believed: as long as it may take until someone who lost a role is refused."""
NOT_KNOWN_SECONDS: Final = 60.0
"""How long it is believed that Webex does not show a person: people of other organizations ask, too."""
ROLE_NAMES_SECONDS: Final = 3600.0
MOST_REMEMBERED: Final = 2000
"""People; more are forgotten together."""
MOST_LISTED: Final = 85
"""Ids in one call of ``GET /people``, by its documentation."""
NOBODY: Final = frozenset({400, HTTPStatus.NOT_FOUND})
NO_SCOPE: Final = frozenset({400, 401, 403, 404, 405, 410})
"""How Webex refuses a listing to a token without its scope, or where it doesn't offer it."""

ROLES_UNREADABLE: Final = (
    "roles_unreadable",
    "I can't see who is an administrator here, so I can't give out reports.",
    (
        "The bot's admin token needs the scopes `spark:people_read`, `spark-admin:people_read` and "
        "`spark-admin:roles_read`; the people who run this bot must add them."
    ),
)
ORGANIZATION_UNKNOWN: Final = (
    "organization_unknown",
    "I can't see which organization this bot's admin token belongs to, so I can't give out reports.",
    (
        "The bot's admin token needs the scope `spark:people_read`; the people who run this bot must add it, or set "
        "`WEBEX_ORG_ID`."
    ),
)
"""Refusals for what the admin token doesn't show: the reason, the sentence, and the remedy."""


class Directory:
    """Ask Webex with the admin token, and remember for a while. Threads may share it."""

    def __init__(
        self, admin: Client, *, our_org: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._admin = admin
        self._given_org = our_org or ""
        self._clock = clock
        self._lock = threading.Lock()
        self._org = self._given_org
        self._people: dict[str, tuple[float, RolesOf]] = {}
        self._called: dict[str, tuple[float, Person]] = {}
        self._names: tuple[float, dict[str, str]] = (0.0, {})

    def our_org(self) -> str:
        """Return the id of the admin token's organization, which is what "ours" means everywhere.

        It is asked of Webex, unless the settings tell it. Raises ``Refused`` when Webex does not tell.
        """
        if not self._org:
            try:
                self._org = self._person("me").org_id
            except WebexError as error:
                if error.status == HTTPStatus.FORBIDDEN:
                    raise _refused(ORGANIZATION_UNKNOWN, error) from error
                raise
            if not self._org:
                raise unreadable("GET people/me")
        return self._org

    def accepts_token(self) -> bool:
        """Return True when Webex accepts the admin token, whatever it lets it do. Raises ``WebexError``."""
        try:
            self._raw("me")
        except WebexError as error:
            if error.passing:
                raise
            return error.status != HTTPStatus.UNAUTHORIZED
        return True

    def me(self) -> Person:
        """Return whose the admin token is, asked again each time."""
        return self._person("me")

    def lists_roles(self) -> bool:
        """Return True when the admin token may list the organization's roles, which only an administrator's may."""
        try:
            self._listed_roles()
        except WebexError as error:
            if error.status not in NO_SCOPE:
                raise
            return False
        return True

    def role_names(self) -> dict[str, str]:
        """Return the roles that there are, id and name, asked again. Raises ``WebexError``."""
        return self._listed_roles()

    def roles_of(self, person_id: str) -> RolesOf:
        """Return a person's organization, addresses and roles; a person whom Webex does not show has none of them.

        Raises ``Refused`` when the admin token may not see roles, and ``WebexError``; errors are not remembered.
        """
        with self._lock:
            until, known = self._people.get(id_key(person_id), (0.0, None))
        if known is not None and self._clock() < until:
            return known
        found = self._ask(person_id)
        believed = REMEMBERED_SECONDS if found.org_id else NOT_KNOWN_SECONDS
        with self._lock:
            if len(self._people) >= MOST_REMEMBERED:
                self._people.clear()
            self._people[id_key(person_id)] = (self._clock() + believed, found)
        return found

    def find(self, email: str) -> str | None:
        """Return the id of the person with this address, None when Webex knows nobody (or does not show them to us)."""
        listed = self._listed({"email": email})
        # What a page holds besides is someone else: its filter may have been lost on the way.
        return next((one.id for one in listed if email.casefold() in map(str.casefold, one.emails)), None)

    def people(self, person_ids: Collection[str]) -> dict[str, Person]:
        """Return people by id, with one call for as many as Webex takes; someone who is gone is left out."""
        with self._lock:
            now = self._clock()
            kept = {one: self._called.get(id_key(one)) for one in person_ids}
        known = {one: found[1] for one, found in kept.items() if found is not None and found[0] > now}
        missing = sorted(set(person_ids) - set(known))
        for start in range(0, len(missing), MOST_LISTED):
            asked = missing[start : start + MOST_LISTED]
            found = {id_key(person.id): person for person in self._by_ids(asked) if person.display_name}
            self._remember(found.values())
            known |= {one: found[id_key(one)] for one in asked if id_key(one) in found}
        return known

    def _remember(self, people: Iterable[Person]) -> None:
        """Remember who people are, for their names."""
        until = self._clock() + REMEMBERED_SECONDS
        with self._lock:
            if len(self._called) >= MOST_REMEMBERED:
                self._called.clear()
            self._called |= {id_key(one.id): (until, one) for one in people}

    def forget(self) -> None:
        """Forget what was remembered: after the admin token or its scopes changed."""
        with self._lock:
            self._people.clear()
            self._called.clear()
            self._names = (0.0, {})
            self._org = self._given_org

    def _ask(self, person_id: str) -> RolesOf:
        try:
            raw = self._raw(person_id)
        except WebexError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise _refused(ROLES_UNREADABLE, error) from error
            if error.status == HTTPStatus.NOT_FOUND:
                return RolesOf(person_id, "", frozenset(), frozenset())
            raise
        call = f"GET people/{person_id}"
        person = self._read(raw, call)
        if not person.goes_by(person_id):  # another person's roles must not be taken for theirs
            raise unreadable(call)
        nobody = RolesOf(person_id, "", frozenset(), frozenset())
        if person.display_name:
            self._remember([person])
        if not _enabled(raw, "loginEnabled"):
            return nobody
        ids: Iterable[str] | None = person.roles
        if "roles" not in raw and same_id(person.org_id, self.our_org()):
            ids = self._roles_by_scim(person)
        if ids is None:
            return nobody
        names = self._role_names() if ids else {}
        roles = frozenset(Role(role, names.get(bare_id(role), "")) for role in ids if role)
        emails = frozenset(email.lower() for email in person.emails)
        time_zone = raw.get("timeZone")
        time_zone = time_zone if isinstance(time_zone, str) else ""
        return RolesOf(person_id, person.org_id, emails, roles, person.display_name, time_zone)

    def _person(self, which: str) -> Person:
        return self._read(self._raw(which), f"GET people/{which}")

    def _by_ids(self, person_ids: Sequence[str]) -> list[Person]:
        """Return people by their ids; where Webex stumbles over one of them, each is asked for by itself."""
        found = self._listed({"id": ",".join(person_ids)})
        if found or len(person_ids) == 1:
            return found
        return [person for one in person_ids for person in self._listed({"id": one})]

    def _listed(self, params: dict[str, str]) -> list[Person]:
        """Return some people; what Webex calls a wrong or an unknown id or address is nobody."""
        found: list[Person] = []
        try:
            for page in self._admin.pages("people", params):
                items = page.json.get("items") if isinstance(page.json, dict) else None
                if not isinstance(items, list):
                    raise unreadable("GET people")
                found += [self._read(item, "GET people") for item in items if isinstance(item, dict)]
        except WebexError as error:
            if error.status not in NOBODY:
                raise
        return found

    def _raw(self, which: str) -> dict[str, Any]:
        raw = self._admin.call("GET", f"people/{segment(which)}").json
        if not isinstance(raw, dict):
            raise unreadable(f"GET people/{which}")
        return raw

    @staticmethod
    def _read(raw: dict[str, Any], call: str) -> Person:
        try:
            return parsing.person(raw)
        except parsing.ShapeError as exc:
            raise unreadable(call) from exc

    def _roles_by_scim(self, person: Person) -> list[str] | None:
        """Return the second way: ``{"roles": [{"value": "id_full_admin", "type": "cirole"}]}``, with bare ids.

        None for someone who is deactivated.
        """
        org, user = (bare_id(an_id) for an_id in (person.org_id, person.id))
        try:
            raw = self._admin.call("GET", f"/identity/scim/{segment(org)}/v2/Users/{segment(user)}").json
        except WebexError as error:
            if error.status not in NO_SCOPE:
                raise
            if not self._shows_roles():
                raise _refused(ROLES_UNREADABLE, error) from error
            return []
        roles = raw.get("roles") if isinstance(raw, dict) else None
        if (
            not isinstance(raw, dict)
            or not isinstance(roles, list | None)
            or not same_id(str(raw.get("id", user)), user)
        ):
            raise unreadable("GET /identity/scim/{id}/v2/Users/{id}")
        if not _enabled(raw, "active"):
            return None
        values = (role.get("value") for role in roles or [] if isinstance(role, dict))
        return [value for value in values if isinstance(value, str) and value]

    def _shows_roles(self) -> bool:
        """Return True when the admin token sees roles at all: then a person who is shown without any has none."""
        try:
            if self._raw("me").get("roles"):
                return True
        except WebexError as error:
            if error.status not in NO_SCOPE:
                raise
        return self.lists_roles()

    def _role_names(self) -> dict[str, str]:
        """Return bare role ids and their names; empty when the token may not list roles."""
        until, names = self._names
        if self._clock() < until:
            return names
        try:
            names = self._listed_roles()
        except WebexError as error:
            if error.status not in NO_SCOPE:
                raise
            names = {}
        self._names = (self._clock() + ROLE_NAMES_SECONDS, names)
        return names

    def _listed_roles(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for page in self._admin.pages("roles"):
            items = page.json.get("items") if isinstance(page.json, dict) else None
            if not isinstance(items, list):
                raise unreadable("GET roles")
            for item in items:
                if isinstance(item, dict) and isinstance(item.get("id"), str) and isinstance(item.get("name"), str):
                    names[bare_id(item["id"])] = item["name"]
        return names


def _enabled(raw: dict[str, Any], field: str) -> bool:
    """Return True when someone may still sign in: a plain yes, which Webex writes as a boolean or as a string.

    Someone who may not can still be shown with roles.
    """
    return str(raw.get(field, True)).casefold() == "true"


def _refused(why: tuple[str, str, str], error: WebexError) -> Refused:
    reason, sentence, remedy = why
    tracking = f" Webex tracking ID: {error.tracking_id}." if error.tracking_id else ""
    return Refused(sentence, reason=reason, details=f"{remedy}{tracking}")
