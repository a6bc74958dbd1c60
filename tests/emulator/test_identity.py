"""Who someone is, and what a token may ask about people."""

import base64
from typing import Any

import pytest
import requests

from bot.emulator import ids
from bot.emulator.things import PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN


def decoded(webex_id: str) -> str:
    return base64.b64decode(webex_id + "=" * (-len(webex_id) % 4)).decode()


def test_ids_are_unpadded_base64_of_a_ciscospark_address(live, bot):
    me = bot.get("/people/me").json()
    assert "=" not in me["id"]
    assert decoded(me["id"]).startswith("ciscospark://us/PEOPLE/")
    assert decoded(ids.role_id("id_full_admin")) == "ciscospark://us/ROLE/id_full_admin"


def test_a_bot_is_told_its_name_first_name_and_kind(live, bot):
    me = bot.get("/people/me").json()
    assert (me["displayName"], me["firstName"], me["type"]) == ("Report Bot", "Report", "bot")
    assert me["emails"] == ["report-bot@webex.bot"]


@pytest.mark.parametrize("header", [None, "", "Bearer nonsense", "Basic abc", "Bearer "])
def test_a_missing_or_wrong_token_gets_401(live, header):
    headers = {} if header is None else {"Authorization": header}
    answer = requests.get(f"{live.emulator.api_url}/people/me", headers=headers, timeout=5)
    assert answer.status_code == 401


def test_an_expired_token_gets_401(live):
    token = live.world.add_token(live.ada)
    call: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}, "timeout": 5}
    assert requests.get(f"{live.emulator.api_url}/people/me", **call).status_code == 200
    live.world.expire_token(token)
    assert requests.get(f"{live.emulator.api_url}/people/me", **call).status_code == 401


def test_an_error_has_message_description_and_the_tracking_id_of_its_header(bot):
    answer = bot.get("/people/nobody")
    body = answer.json()
    assert answer.status_code == 404
    assert body["errors"] == [{"description": body["message"]}]
    assert body["trackingId"] == answer.headers["trackingId"]


def test_roles_are_shown_only_to_an_administrator_who_may_read_people(live, admin, bot):
    path = f"/people/{live.ada.id}"
    assert admin.get(path).json()["roles"] == [ids.role_id("id_full_admin"), ids.role_id(PARTNER_FULL_ADMIN)]
    assert "roles" not in bot.get(path).json()
    assert "roles" not in live.client(live.nora).get(path).json()
    assert "roles" not in live.client(live.ada, scopes={"spark:all"}).get(path).json()
    assert "roles" not in admin.get(f"/people/{live.ethan.id}").json()


@pytest.mark.parametrize("path", ["/people/me", "/people/{ada}", "/people?email={mail}"])
def test_reading_people_needs_a_people_scope_except_for_a_bot(live, bot, path):
    path = path.format(ada=live.ada.id, mail=live.ada.email)
    assert bot.get(path).status_code == 200
    for scope in ("spark:people_read", "spark-admin:people_read", "spark:all"):
        assert live.client(live.ada, scopes={scope}).get(path).status_code == 200
    for scopes in ({"spark-admin:reports_read", "identity:people_read"}, {"analytics:read_all"}, set()):
        refused = live.client(live.ada, scopes=scopes).get(path)
        assert refused.status_code == 403
        assert "spark:people_read" in refused.json()["message"]


def test_roles_are_in_no_list(live, admin):
    for query in ({"email": live.ada.email}, {"id": live.ada.id}, {"displayName": "Ada"}, {}):
        (found,) = (one for one in admin.get("/people", **query).json()["items"] if one["id"] == live.ada.id)
        assert "roles" not in found


def test_people_are_found_by_address_name_and_ids(live, bot):
    def names(**query) -> Any:
        return [person["displayName"] for person in bot.get("/people", **query).json()["items"]]

    assert names(email="ADA.lovelace@acme.example") == ["Ada Lovelace"]
    assert names(displayName="nora") == ["Nora Jones"]
    assert names(id=f"{live.ada.id},{live.ethan.id}") == ["Ada Lovelace", "Ethan Hunt"]
    assert bot.get("/people").status_code == 400
    many = [ids.new_id(ids.PEOPLE) for _ in range(85)]
    assert names(id=",".join(many)) == []
    assert bot.get("/people", id=",".join([*many, live.ada.id])).status_code == 400


def test_roles_are_listed_for_an_administrator_with_the_scope(live, admin, bot):
    roles = {role["name"]: role["id"] for role in admin.get("/roles").json()["items"]}
    assert roles["Full Administrator"] == ids.role_id("id_full_admin")
    assert admin.get(f"/roles/{ids.role_id('id_readonly_admin')}").json()["name"] == "Read-only Administrator"
    assert decoded(roles["Partner Read-only Administrator"]) == f"ciscospark://us/ROLE/{PARTNER_READONLY_ADMIN}"
    for name in ("Partner Full Administrator", "Partner Read-only Administrator", "Partner Administrator"):
        assert "partner" not in decoded(roles[name])  # nothing but the name tells what it is
    assert admin.get("/roles/none").status_code == 404
    assert bot.get("/roles").status_code == 403
    assert live.client(live.nora).get("/roles").status_code == 403
    assert live.client(live.ada, scopes={"spark-admin:people_read"}).get("/roles").status_code == 403


def test_an_administrator_sees_the_own_organization_only(live, admin, bot):
    assert admin.get(f"/organizations/{live.acme.id}").json()["displayName"] == "Acme"
    assert admin.get(f"/organizations/{live.globex.id}").status_code == 404
    assert bot.get(f"/organizations/{live.acme.id}").status_code == 403


def test_scim_gives_role_names_beside_v1_and_under_it(live, admin):
    path = f"/identity/scim/{live.acme.id}/v2/Users/{live.ada.id}"
    for answer in (admin.get(path), admin.get(live.emulator.api_url.removesuffix("/v1") + path)):
        role = answer.json()["roles"][0]
        assert (role["value"], role["type"]) == ("id_full_admin", "cirole")
    assert admin.get(f"/identity/scim/{live.acme.id}/v2/Users/{live.ethan.id}").status_code == 404
    limited = live.client(live.ada, scopes={"analytics:read_all"})
    assert limited.get(path).status_code == 403


def ask_token(live, known, **changes) -> Any:
    form = {
        "grant_type": "refresh_token",
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "refresh_token": known.refresh_token,
        **changes,
    }
    return requests.post(f"{live.emulator.api_url}/access_token", data=form, timeout=5)


def test_a_refresh_token_gives_a_new_token_and_is_replaced(live):
    known = live.world.add_refreshable(live.ada, scopes={"analytics:read_all"}, expires_in=60)
    old = known.refresh_token
    first = ask_token(live, known).json()
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (60, 90 * 86400)
    assert first["refresh_token"] == known.refresh_token != old
    assert ask_token(live, known, refresh_token=old).status_code == 400
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    assert requests.get(f"{live.emulator.api_url}/reports", headers=headers, timeout=5).status_code == 200
    now = live.world.clock()
    live.world.clock = lambda: now + 61
    assert requests.get(f"{live.emulator.api_url}/reports", headers=headers, timeout=5).status_code == 401


def test_a_wrong_client_grant_or_content_type_gets_no_token(live):
    known = live.world.add_refreshable(live.ada)
    assert ask_token(live, known, client_secret="wrong").status_code == 401
    assert ask_token(live, known, grant_type="password").status_code == 400
    as_json = requests.post(f"{live.emulator.api_url}/access_token", json={}, timeout=5)
    assert as_json.status_code == 415


def test_unknown_paths_wrong_methods_and_content_types_are_refused(live, bot):
    assert bot.get("/nonsense").status_code == 404
    assert bot.delete("/people/me").status_code == 405
    assert bot.call("POST", "/messages", data="text=a").status_code == 415
    assert bot.call("POST", "/messages", data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert bot.call("POST", "/messages", data="[]", headers={"Content-Type": "application/json"}).status_code == 400
