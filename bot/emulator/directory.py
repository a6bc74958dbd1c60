"""Organizations, people, bots and their tokens: who a person is and what a token may do."""

import secrets
from collections.abc import Iterable, Sequence

from bot.emulator import ids
from bot.emulator.problems import BAD_TOKEN, Refusal
from bot.emulator.state import State
from bot.emulator.things import (
    FULL_ADMIN,
    PARTNER_FULL_ADMIN,
    PARTNER_READONLY_ADMIN,
    READONLY_ADMIN,
    Organization,
    Person,
    Refreshable,
    Token,
    TokenKind,
    iso,
)

BEARER = "Bearer "
DAY_SECONDS = 86400
ACCESS_DAYS = 14
REFRESH_DAYS = 90


class Directory(State):
    """People and tokens. A bot never has any roles."""

    def __init__(self) -> None:
        super().__init__()
        self.organizations: dict[str, Organization] = {}
        self.people: dict[str, Person] = {}
        self.tokens: dict[str, Token] = {}
        self.refreshables: list[Refreshable] = []

    # ------------------------------------------------------------------ making

    def add_organization(
        self,
        name: str,
        *,
        is_partner: bool = False,
        pro_pack: bool = True,
        region: str = "US",
        sub_partner_of: Organization | None = None,
    ) -> Organization:
        """Add an organization; only in one with `is_partner` do partner roles count."""
        with self.change():
            org = Organization(ids.new_id(ids.ORGANIZATION), name, self.clock(), is_partner, pro_pack, region)
            org.partner_id = sub_partner_of.id if sub_partner_of is not None else None
            self.organizations[org.id] = org
        return org

    def add_person(
        self, name: str, org: Organization, email: str | None = None, roles: Iterable[str] = (), note: str = ""
    ) -> Person:
        """Add a person of `org`; the address is made from the name when none is given."""
        domain = f"{org.name.split()[0].lower()}.example"
        return self._add(name, org, email or f"{name.lower().replace(' ', '.')}@{domain}", list(roles), note)

    def add_bot(self, name: str, org: Organization, email: str | None = None, note: str = "") -> Person:
        """Add a bot that a person of `org` made."""
        bot = self._add(name, org, email or f"{name.lower().replace(' ', '-')}@webex.bot", [], note)
        bot.type = "bot"
        return bot

    def _add(self, name: str, org: Organization, email: str, roles: list[str], note: str) -> Person:
        first, _, last = name.partition(" ")
        with self.change():
            person = Person(
                ids.new_id(ids.PEOPLE), [email], name, first, last, org.id, self.clock(), roles=roles, note=note
            )
            self.people[person.id] = person
        return person

    def add_token(
        self,
        person: Person,
        kind: TokenKind | None = None,
        scopes: Iterable[str] | None = None,
        expires_in: float | None = None,
    ) -> str:
        """Add a token of this person. `scopes` None is every scope of its kind; `expires_in` seconds, None is never."""
        with self.change():
            value = secrets.token_urlsafe(48)
            self.tokens[value] = Token(
                value,
                person,
                kind or ("bot" if person.is_bot else "integration"),
                None if scopes is None else frozenset(scopes),
                None if expires_in is None else self.clock() + expires_in,
            )
        return value

    def add_refreshable(
        self,
        person: Person,
        scopes: Iterable[str] | None = None,
        *,
        kind: TokenKind = "integration",
        expires_in: int = ACCESS_DAYS * DAY_SECONDS,
        refresh_token_expires_in: int = REFRESH_DAYS * DAY_SECONDS,
        rotates: bool = True,
    ) -> Refreshable:
        """Credentials for `POST /access_token`; with `rotates`, each use makes the refresh token before it invalid."""
        with self.change():
            made = Refreshable(
                client_id=f"C{secrets.token_hex(32)}",
                client_secret=secrets.token_hex(32),
                refresh_token=secrets.token_urlsafe(48),
                person=person,
                kind=kind,
                scopes=None if scopes is None else frozenset(scopes),
                expires_in=expires_in,
                refresh_token_expires_in=refresh_token_expires_in,
                refresh_expires_at=self.clock() + refresh_token_expires_in,
                rotates=rotates,
            )
            self.refreshables.append(made)
        return made

    def expire_token(self, token: str) -> None:
        """From now on this token is answered with 401."""
        with self.change():
            self.tokens[token].expires_at = self.clock()

    # ------------------------------------------------------------------ asking

    def token_of(self, authorization: str) -> Token:
        """Return the valid token of an `Authorization` header; 401 otherwise."""
        token = self._known_token(authorization)
        if token is None or (token.expires_at is not None and token.expires_at <= self.clock()):
            raise Refusal(401, BAD_TOKEN)
        return token

    def owner_of(self, authorization: str) -> Person | None:
        """Return whose token it is, valid or expired; None when unknown."""
        token = self._known_token(authorization)
        return token.person if token else None

    def _known_token(self, authorization: str) -> Token | None:
        if not authorization.startswith(BEARER):
            return None
        return self.tokens.get(authorization.removeprefix(BEARER).strip())

    def person_by(self, key: str, value: str) -> Person | None:
        """Return a person by `personId` (in any spelling) or `personEmail` (without regard to case)."""
        if key == "personId":
            plain = ids.plain_part(value).lower()
            return self.people.get(value) or next(
                (p for p in self.people.values() if ids.plain_part(p.id) == plain), None
            )
        return next((p for p in self.people.values() if value.lower() in (mail.lower() for mail in p.emails)), None)

    def refresh(self, client_id: str, client_secret: str, refresh_token: str) -> tuple[str, Refreshable]:
        """Return a new access token for a refresh token; 401 for a wrong client, 400 for a wrong or expired token."""
        with self.change():
            known = next((r for r in self.refreshables if r.client_id == client_id), None)
            if known is None or known.client_secret != client_secret:
                raise Refusal(401, "The client credentials are not valid.")
            if known.refresh_token != refresh_token or known.refresh_expires_at <= self.clock():
                raise Refusal(400, "The refresh token provided is expired, revoked, malformed, or invalid.")
            if known.rotates:
                known.refresh_token = secrets.token_urlsafe(48)
            known.refresh_expires_at = self.clock() + known.refresh_token_expires_in
            value = self.add_token(known.person, known.kind, known.scopes, expires_in=known.expires_in)
        return value, known


# ---------------------------------------------------------------------- what a token may do

BOT_SCOPES = frozenset({"spark:all"})


def has_scope(token: Token, scope: str) -> bool:
    """Return True when the token carries the scope; a bot's token never has administrative ones."""
    if token.kind == "bot":
        return scope in BOT_SCOPES
    return token.scopes is None or scope in token.scopes


def is_admin(person: Person) -> bool:
    """Return True for a full or read-only administrator of the own organization."""
    return not person.is_bot and any(role in (FULL_ADMIN, READONLY_ADMIN) for role in person.roles)


def is_partner_admin(person: Person, org: Organization) -> bool:
    """Return True for a Partner Full or Partner Read-only Administrator of a partner; no other role counts."""
    roles = {PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN}
    return org.is_partner and not person.is_bot and not roles.isdisjoint(person.roles)


def administers(person: Person, org: Organization) -> bool:
    """Return True for an administrator of either kind, who may see people's roles."""
    return is_admin(person) or is_partner_admin(person, org)


def person_view(person: Person, *, with_roles: bool) -> dict[str, object]:
    """Return a person as `GET /people` shows them; the roles only to an administrator's token."""
    view: dict[str, object] = {
        "id": person.id,
        "emails": person.emails,
        "phoneNumbers": [],
        "displayName": person.display_name,
        "nickName": person.first_name if not person.is_bot else person.display_name,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "orgId": person.org_id,
        "created": iso(person.created),
        "lastModified": iso(person.created),
        "status": "active",
        "type": person.type,
    }
    if person.time_zone:
        view["timeZone"] = person.time_zone
    if with_roles:
        view["roles"] = [ids.role_id(role) for role in person.roles]
        view["licenses"] = []
        view["loginEnabled"] = not person.deactivated
        view["invitePending"] = False
    return view


def people_named(people: Sequence[Person], name: str) -> list[Person]:
    """Return the people whose display name begins with these letters."""
    return [person for person in people if person.display_name.lower().startswith(name.lower())]
