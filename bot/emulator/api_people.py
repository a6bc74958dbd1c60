"""`/people`, `/roles`, `/organizations`, SCIM users, and `/access_token`."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.emulator import ids
from bot.emulator.directory import administers, has_scope, is_admin, people_named, person_view
from bot.emulator.paging import page
from bot.emulator.problems import Refusal, missing_role, missing_scope, not_found
from bot.emulator.request import caller, world
from bot.emulator.things import ROLE_NAMES, Person, Token, iso

EVERYTHING = "spark:all"
OWN_PEOPLE_READ = "spark:people_read"
PEOPLE_READ = "spark-admin:people_read"
ROLES_READ = "spark-admin:roles_read"
IDENTITY_READ = "identity:people_read"

MOST_IDS = 85  # D: in one list call

part = Blueprint("people", __name__)


def _reader() -> Token:
    """Return the caller's token when it may read people: a bot's always does; 403 for one without a people scope."""
    token = caller()
    if token.kind != "bot" and not any(has_scope(token, one) for one in (OWN_PEOPLE_READ, PEOPLE_READ, EVERYTHING)):
        raise missing_scope(OWN_PEOPLE_READ)
    return token


def _view(person: Person, token: Token) -> dict[str, object]:
    """Roles go to an administrator of the same organization whose token may read people."""
    org = world().organizations[token.person.org_id]
    allowed = administers(token.person, org) and org.id == person.org_id and has_scope(token, PEOPLE_READ)
    return person_view(person, with_roles=allowed)


def require_admin(*scopes: str) -> Token:
    """Return the caller's token when it is an administrator's and has all the scopes; 403 otherwise."""
    token = caller()
    lacking = [scope for scope in scopes if not has_scope(token, scope)]
    if lacking:
        raise missing_scope(*lacking)
    if not administers(token.person, world().organizations[token.person.org_id]):
        raise missing_role("administrator")
    return token


@part.get("/people/me")
def get_me() -> Response:
    """Return whose token this is."""
    token = _reader()
    own = {"id": token.person.own_id} if token.person.own_id else {}
    return jsonify(_view(token.person, token) | own)


@part.get("/people/<person_id>")
def get_person(person_id: str) -> Response:
    """Return any person; the roles only to an administrator of the same organization."""
    token = _reader()
    person = world().person_by("personId", person_id)
    if person is None:
        raise not_found()
    return jsonify(_view(person, token))


@part.get("/people")
def list_people() -> Response:
    """By address, name or ids, without roles; only an administrator may list everyone of the own organization."""
    token, asked = _reader(), request.args
    if len(asked.get("id", "").split(",")) > MOST_IDS:
        raise Refusal(400, f"id takes at most {MOST_IDS} ids.")
    with world().lock:
        people = list(world().people.values())
        if asked.get("email"):
            found = [person for person in people if person is world().person_by("personEmail", asked["email"])]
        elif asked.get("id"):
            wanted = [world().person_by("personId", one) for one in asked["id"].split(",")]
            found = [person for person in people if person in wanted]
        elif asked.get("displayName"):
            found = people_named(people, asked["displayName"])
        elif is_admin(token.person) and has_scope(token, PEOPLE_READ):
            found = [person for person in people if person.org_id == token.person.org_id and not person.is_bot]
        else:
            raise Refusal(400, "Email, displayName, or id list should be specified.")
        return page([person_view(person, with_roles=False) for person in found])


def _role_view(name: str) -> dict[str, str]:
    return {"id": ids.role_id(name), "name": ROLE_NAMES.get(name, name)}


def _role_names() -> list[str]:
    given = {role for person in world().people.values() for role in person.roles}
    return [*ROLE_NAMES, *sorted(given - set(ROLE_NAMES))]


@part.get("/roles")
def list_roles() -> Response:
    """Return all roles, by id and name."""
    require_admin(ROLES_READ)
    return page([_role_view(name) for name in _role_names()])


@part.get("/roles/<role_id>")
def get_role(role_id: str) -> Response:
    """One role."""
    require_admin(ROLES_READ)
    found = next((name for name in _role_names() if ids.role_id(name) == role_id), None)
    if found is None:
        raise not_found()
    return jsonify(_role_view(found))


@part.get("/organizations/<org_id>")
def get_organization(org_id: str) -> Response:
    """Only the administrator's own one."""
    token = require_admin()
    org = world().organizations.get(org_id)
    if org is None or org.id != token.person.org_id:
        raise not_found()
    return jsonify({"id": org.id, "displayName": org.name, "created": iso(org.created)})


@part.get("/identity/scim/<org_id>/v2/Users/<user_id>")
def get_scim_user(org_id: str, user_id: str) -> Response:
    """Return a user of the administrator's organization by SCIM; takes the ids in both spellings."""
    token = require_admin(IDENTITY_READ)
    own = token.person.org_id
    if org_id not in (own, ids.plain_part(own)):
        raise not_found()
    person = next((p for p in world().people.values() if user_id in (p.id, ids.plain_part(p.id))), None)
    if person is None or person.org_id != own:
        raise not_found()
    first_name: dict[str, Any] = {"givenName": person.first_name, "familyName": person.last_name}
    return jsonify(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": ids.plain_part(person.id),
            "userName": person.email,
            "displayName": person.display_name,
            "name": first_name,
            "active": True,
            "emails": [{"value": mail, "type": "work", "primary": n == 0} for n, mail in enumerate(person.emails)],
            "roles": [
                {"value": role, "type": "cirole", "display": ROLE_NAMES.get(role, role)} for role in person.roles
            ],
        }
    )


@part.post("/access_token")
def refresh_access_token() -> Response:
    """`grant_type=refresh_token`, form-encoded; 415 for another content type."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise Refusal(415, "Content type must be application/x-www-form-urlencoded.")
    form = request.form
    if form.get("grant_type") != "refresh_token":
        raise Refusal(400, "The emulator knows only grant_type=refresh_token.")
    token, known = world().refresh(
        form.get("client_id", ""), form.get("client_secret", ""), form.get("refresh_token", "")
    )
    return jsonify(
        {
            "access_token": token,
            "expires_in": known.expires_in,
            "refresh_token": known.refresh_token,
            "refresh_token_expires_in": known.refresh_token_expires_in,
            "token_type": "Bearer",
            "scope": " ".join(sorted(known.scopes or ())),
        }
    )
