"""Who is who: roles by every name, never guessed, remembered for a while."""

from __future__ import annotations

import base64

import pytest

from bot.errors import Refused, WebexError
from bot.webex.client import Client
from bot.webex.ids import bare_id, readable_tail
from bot.webex.people import Directory
from bot.webex.tokens import StaticToken
from bot.webex.types import Role
from tests.webex.loopback import ALL_ERRORS


def encoded(kind: str, tail: str) -> str:
    return base64.urlsafe_b64encode(f"ciscospark://us/{kind}/{tail}".encode()).decode().rstrip("=")


ORG = encoded("ORGANIZATION", "11-22")
ADMIN = encoded("ROLE", "id_full_admin")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scripted(loopback, closed, clock):
    return Directory(closed(Client(loopback.url, StaticToken("t"))), clock=clock)


def answers(loopback, **by_path) -> None:
    """Path's last piece → (status, body); others are 404."""

    def answer(exchange, asked):
        status, body = by_path.get(asked.path.rpartition("/")[2], (404, {"message": "no"}))
        exchange.reply(status, body, {"trackingId": "T_1", "Retry-After": "0"})

    loopback.answer(answer)


ME = (200, {"id": "me", "orgId": ORG})


def test_an_administrator_of_the_emulator_is_known_by_every_name_of_the_role(live):
    directory = Directory(live.admin)
    assert directory.our_org() == live.org.id
    ada = directory.roles_of(live.ada.id)
    assert (ada.person_id, ada.org_id) == (live.ada.id, live.org.id)
    assert ada.emails == {"ada.lovelace@acme.example"}
    assert ("id_full_admin", "Full Administrator") in {(readable_tail(one.id), one.name) for one in ada.roles}
    assert directory.roles_of(live.nora.id).roles == frozenset()


def test_without_the_scope_for_role_names_the_ids_still_say_it(live, closed):
    token = live.emulator.world.add_token(live.ada, scopes={"spark-admin:people_read"})
    directory = Directory(closed(Client(live.emulator.api_url, StaticToken(token))))
    assert ("id_full_admin", "") in {(bare_id(one.id), one.name) for one in directory.roles_of(live.ada.id).roles}
    directory.roles_of(live.nora.id)
    assert len(live.emulator.calls.calls_to("GET", "/v1/roles")) == 1


def test_where_people_hide_their_roles_scim_shows_them(live, closed):
    token = live.emulator.world.add_token(live.ada, scopes={"spark:people_read", "identity:people_read"})
    directory = Directory(closed(Client(live.emulator.api_url, StaticToken(token))))
    assert ("id_full_admin", "") in {(bare_id(one.id), one.name) for one in directory.roles_of(live.ada.id).roles}
    assert directory.roles_of(live.nora.id).roles == frozenset()


def test_where_nothing_shows_roles_it_is_refused_with_the_scope_that_is_missing(live, closed):
    token = live.emulator.world.add_token(live.ada, scopes={"spark:people_read"})
    directory = Directory(closed(Client(live.emulator.api_url, StaticToken(token))))
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            directory.roles_of(live.ada.id)
        assert "`spark-admin:people_read`" in caught.value.details
        assert caught.value.reason == "roles_unreadable"
    assert len(live.emulator.calls.calls_to("GET", f"/v1/people/{live.ada.id}")) == 2


NORA = encoded("PEOPLE", "n-1")
HIDDEN = {NORA: (200, {"id": NORA, "orgId": ORG})}
"""An ordinary person as people/… shows her; SCIM, by her bare id, answers 404."""


@pytest.mark.parametrize(
    "seen",
    [
        {"me": (200, {"id": "me", "orgId": ORG, "roles": [ADMIN]})},
        {"me": ME, "roles": (200, {"items": [{"id": ADMIN, "name": "Full Administrator"}]})},
    ],
    ids=["its own roles", "the list of roles"],
)
def test_where_the_admin_token_sees_roles_somebody_without_them_has_none(loopback, scripted, seen):
    """Webex leaves the field out for ordinary people, and SCIM wants another scope."""
    answers(loopback, **HIDDEN, **seen)
    assert scripted.roles_of(NORA).roles == frozenset()


def test_where_it_sees_none_the_missing_scopes_are_named(loopback, scripted):
    answers(loopback, **HIDDEN, me=ME, roles=(403, {"message": "no"}))
    with pytest.raises(Refused) as caught:
        scripted.roles_of(NORA)
    assert "`spark-admin:people_read`" in caught.value.details


@pytest.mark.parametrize("broken", ["me", "roles"])
def test_trouble_in_finding_out_is_no_answer(loopback, scripted, broken):
    asked: list[str] = []

    def answer(exchange, request):
        asked.append(request.path)
        last = request.path.rpartition("/")[2]
        if last == broken and "/identity/scim/11-22/v2/Users/n-1" in asked:
            exchange.reply(503, {})
        else:
            exchange.reply(*(HIDDEN | {"me": ME}).get(last, (404, {})))

    loopback.answer(answer)
    with pytest.raises(WebexError) as caught:
        scripted.roles_of(NORA)
    assert caught.value.status == 503


def test_an_outsiders_hidden_roles_are_not_asked_for(loopback, scripted):
    answers(loopback, me=ME, eve=(200, {"id": "eve", "orgId": "OTHER"}))
    assert scripted.roles_of("eve").roles == frozenset()
    assert [asked.path for asked in loopback.asked] == ["/v1/people/eve", "/v1/people/me"]


def test_somebody_whom_webex_does_not_know_has_nothing_and_is_asked_for_again_after_a_minute(loopback, scripted, clock):
    answers(loopback, me=ME)
    for number, seconds in ((1, 0), (1, 59), (2, 1)):
        clock.now += seconds
        found = scripted.roles_of("eve")
        assert (found.org_id, found.roles, found.emails) == ("", frozenset(), frozenset())
        assert len(loopback.asked) == number


def test_roles_may_come_as_one_text_with_commas(loopback, scripted):
    answers(loopback, me=ME, ada=(200, {"id": "ada", "orgId": ORG, "roles": [f"{ADMIN},custom"]}))
    assert scripted.roles_of("ada").roles == {Role(ADMIN), Role("custom")}


def test_people_are_remembered_for_five_minutes_and_the_org_for_good(loopback, scripted, clock):
    answers(loopback, me=ME, ada=(200, {"id": "ada", "orgId": ORG, "roles": []}))
    scripted.our_org()
    scripted.roles_of("ada")
    clock.now = 299
    scripted.roles_of("ada")
    scripted.our_org()
    assert len(loopback.asked) == 2
    clock.now = 301
    scripted.roles_of("ada")
    assert len(loopback.asked) == 3
    scripted.forget()
    scripted.roles_of("ada")
    assert len(loopback.asked) == 4


@pytest.mark.parametrize("enabled", [True, "true", "True"])
def test_webex_says_yes_as_a_boolean_or_as_a_string(loopback, scripted, enabled):
    answers(loopback, me=ME, ada=(200, {"id": "ada", "orgId": ORG, "roles": [ADMIN], "loginEnabled": enabled}))
    assert scripted.roles_of("ada").roles == {Role(ADMIN)}


@pytest.mark.parametrize("enabled", [False, "false", 0, 1, None, [], "yes"])
def test_only_a_plain_yes_lets_somebody_be_enabled(loopback, scripted, enabled):
    """The roles of someone who was deactivated may stand there yet; a text of "false" is true to a program."""
    answers(loopback, me=ME, ada=(200, {"id": "ada", "orgId": ORG, "roles": [ADMIN], "loginEnabled": enabled}))
    found = scripted.roles_of("ada")
    assert (found.org_id, found.roles, found.emails) == ("", frozenset(), frozenset())


def by_scim(loopback, **fields) -> None:
    """Nora's roles are hidden, and SCIM (asked by her bare id) shows an administrator's, with these fields."""
    scim = {"roles": [{"value": "id_full_admin", "type": "cirole"}]} | fields
    answers(loopback, me=ME, **HIDDEN, **{"n-1": (200, scim)})


@pytest.mark.parametrize("active", [False, "false", None, 0, 1])
def test_somebody_whom_scim_calls_inactive_is_nobody(loopback, scripted, active):
    by_scim(loopback, active=active)
    found = scripted.roles_of(NORA)
    assert (found.org_id, found.roles) == ("", frozenset())


@pytest.mark.parametrize("fields", [{}, {"active": True}, {"active": True, "id": "n-1"}])
def test_somebody_whom_scim_calls_active_or_says_nothing_of_has_the_roles_it_shows(loopback, scripted, fields):
    by_scim(loopback, **fields)
    assert scripted.roles_of(NORA).roles == {Role("id_full_admin")}


def test_roles_of_somebody_else_are_not_taken_for_this_persons(loopback, scripted):
    answers(loopback, me=ME, eve=(200, {"id": "ada", "orgId": ORG, "roles": [ADMIN]}), roles=(200, {"items": []}))
    with pytest.raises(WebexError):
        scripted.roles_of("eve")
    by_scim(loopback, id="a-1")
    with pytest.raises(WebexError):
        scripted.roles_of(NORA)


def test_an_id_in_its_other_spelling_is_the_same_person(loopback, scripted):
    answers(loopback, me=ME, **{NORA: (200, {"id": "n-1", "orgId": ORG, "roles": ["custom"]})})
    assert scripted.roles_of(NORA).roles == {Role("custom")}


GOOD = {"me": ME, "ada": (200, {"id": "ada", "orgId": ORG, "roles": [ADMIN]}), "roles": (200, {"items": []})}
CAN_DO_WITHOUT = {("ada", 404), *(("roles", status) for status in (400, 401, 403, 404, 405, 410))}
"""A person whom Webex does not know, and role names that the token may not list."""


@pytest.mark.parametrize("status", ALL_ERRORS)
@pytest.mark.parametrize("broken", GOOD)
def test_every_status_is_an_error_or_a_refusal_and_not_remembered(loopback, scripted, clock, broken, status):
    answers(loopback, **(GOOD | {broken: (status, {"message": "no"})}))
    ask = scripted.our_org if broken == "me" else lambda: scripted.roles_of("ada").roles
    if (broken, status) in CAN_DO_WITHOUT:
        assert (Role(ADMIN) in ask()) == (broken == "roles")
    elif (broken, status) == ("me", 403):
        with pytest.raises(Refused) as missing:
            ask()
        assert missing.value.reason == "organization_unknown"
        assert "`spark:people_read`" in missing.value.details
        assert "`WEBEX_ORG_ID`" in missing.value.details
        assert "T_1" in missing.value.details
    elif (broken, status) == ("ada", 403):
        with pytest.raises(Refused) as hidden:
            ask()
        assert "T_1" in hidden.value.details
    else:
        with pytest.raises(WebexError) as caught:
            ask()
        assert (caught.value.status, caught.value.tracking_id) == (status, "T_1")
    answers(loopback, **GOOD)
    if (broken, status) == ("ada", 404):
        clock.now += 60
    assert scripted.our_org() == ORG
    assert Role(ADMIN) in scripted.roles_of("ada").roles


@pytest.mark.parametrize("body", [[], 5, {}, {"id": 5}, b"<html>"])
def test_a_person_that_cannot_be_read_is_an_error(loopback, scripted, body):
    answers(loopback, me=(200, body), ada=(200, body))
    with pytest.raises(WebexError):
        scripted.our_org()
    with pytest.raises(WebexError):
        scripted.roles_of("ada")


def test_a_token_without_an_organization_makes_nobody_ours(loopback, scripted):
    answers(loopback, me=(200, {"id": "me"}))
    with pytest.raises(WebexError):
        scripted.our_org()


def test_the_organization_of_the_settings_is_not_asked_for(loopback, closed):
    answers(loopback, me=(403, {"message": "no"}))
    directory = Directory(closed(Client(loopback.url, StaticToken("t"))), our_org=ORG)
    assert directory.our_org() == ORG
    directory.forget()
    assert directory.our_org() == ORG
    assert not loopback.asked


def test_somebody_else_in_the_answer_is_never_who_was_looked_for(loopback, scripted):
    """A page that lost its filter lists everyone."""
    everybody = [{"id": "ada", "orgId": ORG, "emails": ["ada@acme.example"]}]
    loopback.answer(lambda exchange, _: exchange.reply(200, {"items": everybody}))
    assert scripted.find("bob@acme.example") is None
    assert scripted.find("Ada@ACME.example") == "ada"


def test_ids_have_a_readable_tail():
    assert readable_tail(ADMIN) == "id_full_admin"
    assert bare_id(ORG) == "11-22"
    assert bare_id("11-22") == "11-22"
    for unfit in ("", "x", "é", "Full Administrator", encoded("ROLE", "x").lower()):
        assert readable_tail(unfit) == ""


def test_people_are_known_again_in_another_spelling_than_they_were_asked_for(live, closed):
    """Webex answers with the id as it spells it there, and an answer is not asked for twice."""
    directory = Directory(closed(Client(live.emulator.api_url, StaticToken(live.admin_token))))
    bare = bare_id(live.ada.id)
    spelled = [encoded("PEOPLE", bare.upper()), encoded("PEOPLE", bare), bare]
    for one in spelled:
        assert "Full Administrator" in {role.name for role in directory.roles_of(one).roles}
    assert {one.display_name for one in directory.people(spelled).values()} == {"Ada Lovelace"}
    assert list(directory.people(spelled)) == spelled
    assert directory.people([live.ada.id])[live.ada.id].display_name == "Ada Lovelace"
    assert len(live.emulator.calls.calls_to("GET", "/v1/people/*")) == 1
    assert len(live.emulator.calls.calls_to("GET", "/v1/people")) == 0, "who was judged is known by name"
