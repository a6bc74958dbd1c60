"""Public clients of Webex drive the emulator: each call that they know and it has, since none was made for it.

They come with ``make test``; wxc-sdk only for Pythons that it knows.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.emulator import Template, ids

CARD = {
    "contentType": "application/vnd.microsoft.card.adaptive",
    "content": {
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": "Again?",
        "body": [{"type": "TextBlock", "text": "Again?"}],
        "actions": [{"type": "Action.Submit", "title": "Again", "data": {"do": "again"}}],
    },
}
TARGET = "http://127.0.0.1:9/hook"
CSV = "﻿Name,Minutes\r\nAda,12\r\n".encode()


def with_sdk(name: str, live: Any) -> Any:
    """Return the APIs of the bot, of Ada and of Nora in one of Cisco's SDKs, which share their names."""
    sdk = pytest.importorskip(name, reason="make test installs it")
    api = getattr(sdk, "WebexTeamsAPI", None) or sdk.WebexAPI
    made = {
        person.first_name.lower(): api(live.world.add_token(person), base_url=f"{live.emulator.api_url}/")
        for person in (live.bot, live.ada, live.nora)
    }
    return SimpleNamespace(bot=made["report"], ada=made["ada"], nora=made["nora"], error=sdk.ApiError)


@pytest.fixture(params=["webexteamssdk", "webexpythonsdk"])
def cisco(request: pytest.FixtureRequest, live: Any) -> Iterator[Any]:
    made = with_sdk(request.param, live)
    yield made
    for api in (made.bot, made.ada, made.nora):
        api._session._req_session.close()


def test_people_roles_and_organizations_with_ciscos_sdks(live, cisco):
    me = cisco.bot.people.me()
    assert (me.id, me.type, me.emails, me.orgId) == (live.bot.id, "bot", [live.bot.email], live.acme.id)
    ada = cisco.ada.people.get(live.ada.id)
    names = {role.id: role.name for role in cisco.ada.roles.list()}
    assert [names[role] for role in ada.roles] == ["Full Administrator", "Partner Full Administrator"]
    assert cisco.ada.roles.get(ids.role_id("id_full_admin")).name == "Full Administrator"
    assert [one.displayName for one in cisco.bot.people.list(email=live.ada.email)] == ["Ada Lovelace"]
    assert [one.displayName for one in cisco.bot.people.list(id=live.nora.id)] == ["Nora Jones"]
    assert cisco.ada.organizations.get(live.acme.id).displayName == "Acme"
    for api, call in ((cisco.nora, "roles"), (cisco.bot, "roles")):
        with pytest.raises(cisco.error) as refused:
            list(getattr(api, call).list())
        assert refused.value.status_code == 403
        assert "ROUTERGW" in str(refused.value.response.headers["trackingId"])
    with pytest.raises(cisco.error, match="404"):
        cisco.bot.people.get(ids.new_id(ids.PEOPLE))


def test_spaces_and_memberships_with_ciscos_sdks(live, cisco):
    direct = live.world.direct_space(live.ada, live.bot)
    live.world.page_size = 1
    assert [room.id for room in cisco.bot.rooms.list()] == [live.space.id, direct.id]
    assert [room.id for room in cisco.bot.rooms.list(type="direct", sortBy="lastactivity", max=10)] == [direct.id]
    assert cisco.bot.rooms.get(live.space.id).title == "Reports"
    there = {one.personEmail: one for one in cisco.bot.memberships.list(live.space.id)}
    assert set(there) == {live.ada.email, live.nora.email, live.bot.email}
    assert cisco.bot.memberships.get(there[live.ada.email].id).personId == live.ada.id
    (found,) = cisco.bot.memberships.list(live.space.id, personEmail=live.nora.email)
    assert found.personOrgId == live.acme.id
    with pytest.raises(cisco.error, match="400"):
        list(cisco.bot.memberships.list(personEmail=live.nora.email))
    added = cisco.ada.memberships.create(live.space.id, personEmail=live.ethan.email)
    assert added.personOrgId == live.globex.id
    cisco.ada.memberships.delete(added.id)
    assert not live.world.is_member(live.space.id, live.ethan.id)


def test_messages_files_cards_and_presses_with_ciscos_sdks(live, cisco, tmp_path):
    asked = live.world.say(live.ada, live.space, "report", mention=live.bot)
    assert cisco.bot.messages.get(asked.id).html == asked.html
    (listed,) = cisco.bot.messages.list(live.space.id, mentionedPeople="me", max=100)
    assert (listed.id, listed.mentionedPeople) == (asked.id, [live.bot.id])
    for more in ({}, {"parentId": asked.id}, {"mentionedPeople": "me", "max": 101}):
        with pytest.raises(cisco.error):
            list(cisco.bot.messages.list(live.space.id, **more))
    with pytest.raises(cisco.error, match="404"):
        list(cisco.bot.messages.list_direct(personEmail=live.nora.email))
    card = cisco.bot.messages.create(live.space.id, parentId=asked.id, markdown="**Again?**", attachments=[CARD])
    assert card.attachments == [CARD]
    with pytest.raises(cisco.error, match="400"):
        cisco.bot.messages.create(live.space.id, attachments=[CARD])
    pressed = cisco.ada.attachment_actions.create("submit", card.id, {"do": "again"})
    assert cisco.bot.attachment_actions.get(pressed.id).inputs == {"do": "again"}
    with pytest.raises(cisco.error, match="400"):
        cisco.bot.attachment_actions.create("submit", card.id, {"do": "again"})
    file = tmp_path / "usage.csv"
    file.write_bytes(CSV)
    posted = cisco.bot.messages.create(toPersonEmail=live.ada.email, text="Here it is", files=[str(file)])
    assert live.world.messages(live.world.direct_space(live.ada, live.bot))[-1].files[0].path.read_bytes() == CSV
    assert [one.id for one in cisco.bot.messages.list_direct(personId=live.ada.id)] == [posted.id]
    words = cisco.bot.messages.create(live.space.id, text="Soon")
    change = getattr(cisco.bot.messages, "edit", None) or cisco.bot.messages.update
    assert change(words.id, live.space.id, text="Now").text == "Now"
    for unchanging in (card.id, posted.id):
        with pytest.raises(cisco.error, match="400"):
            change(unchanging, live.space.id, text="Never")
    cisco.bot.messages.delete(words.id)
    with pytest.raises(cisco.error, match="404"):
        cisco.bot.messages.get(words.id)


def test_webhooks_with_ciscos_sdks(live, cisco):
    hooks = cisco.bot.webhooks
    made = hooks.create("mine", TARGET, "messages", "created", filter=f"roomId={live.space.id}", secret="secret")
    assert (made.status, made.ownedBy, hooks.get(made.id).filter) == ("active", "creator", f"roomId={live.space.id}")
    with pytest.raises(cisco.error, match="409"):
        hooks.create("again", TARGET, "messages", "created", filter=f"roomId={live.space.id}")
    with pytest.raises(cisco.error, match="400"):
        hooks.update(made.id, name="mine", targetUrl=TARGET, status="inactive")
    assert hooks.update(made.id, name="renamed", targetUrl=TARGET, status="active").name == "renamed"
    assert [hook.id for hook in hooks.list()] == [made.id]
    hooks.delete(made.id)
    assert list(hooks.list()) == []


@pytest.mark.parametrize("name", ["webexteamssdk", "webexpythonsdk"])
def test_a_token_is_renewed_with_ciscos_sdks(live, name):
    known = live.world.add_refreshable(live.ada)
    api = with_sdk(name, live).ada
    fresh = api.access_tokens.refresh(known.client_id, known.client_secret, known.refresh_token)
    assert (fresh.refresh_token, fresh.expires_in) == (known.refresh_token, known.expires_in)
    assert live.world.token_of(f"Bearer {fresh.access_token}").person is live.ada


# ---------------------------------------------------------------------- wxc_sdk


@pytest.fixture
def wxc(live: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    sdk = pytest.importorskip("wxc_sdk", reason="make test installs it, on the Pythons that it knows")
    rest = pytest.importorskip("wxc_sdk.rest", reason="make test installs it, on the Pythons that it knows")
    monkeypatch.setattr(rest.RestSession, "BASE", live.emulator.api_url)
    made = [sdk.WebexSimpleApi(tokens=live.world.add_token(person)) for person in (live.bot, live.ada)]
    yield SimpleNamespace(bot=made[0], ada=made[1], error=rest.RestError)
    for api in made:
        api.close()


def test_people_roles_organizations_and_scim_with_wxc_sdk(live, wxc):
    assert wxc.bot.people.me().person_id == live.bot.id
    ada = wxc.ada.people.details(live.ada.id)
    names = {role.id: role.name for role in wxc.ada.roles.list()}
    assert [names[role] for role in ada.roles] == ["Full Administrator", "Partner Full Administrator"]
    assert (ada.login_enabled, ada.invite_pending) == (True, False)
    assert [one.display_name for one in wxc.bot.people.list(email=live.ada.email)] == ["Ada Lovelace"]
    assert wxc.ada.roles.details(ids.role_id("id_full_admin")).name == "Full Administrator"
    assert wxc.ada.organizations.details(live.acme.id).display_name == "Acme"
    with pytest.raises(wxc.error, match="403"):
        wxc.bot.roles.list()


def test_spaces_messages_and_presses_with_wxc_sdk(live, wxc, tmp_path: Path):
    assert [room.id for room in wxc.bot.rooms.list()] == [live.space.id]
    assert wxc.bot.rooms.details(live.space.id).title == "Reports"
    members = {one.person_email: one for one in wxc.bot.membership.list(room_id=live.space.id)}
    assert wxc.bot.membership.details(members[live.ada.email].id).person_id == live.ada.id
    added = wxc.ada.membership.create(room_id=live.space.id, person_email=live.ethan.email)
    wxc.ada.membership.delete(added.id)
    asked = live.world.say(live.ada, live.space, "report", mention=live.bot)
    assert wxc.bot.messages.details(asked.id).html == asked.html
    (listed,) = wxc.bot.messages.list(live.space.id, mentioned_people=["me"])
    assert listed.id == asked.id
    with pytest.raises(wxc.error, match="403"):
        list(wxc.bot.messages.list(live.space.id, parent_id=asked.id))
    card = wxc.bot.messages.create(room_id=live.space.id, text="Again?", attachments=[CARD])
    again = wxc.bot.messages.create(room_id=live.space.id, text="Again?", attachments=card.attachments)
    assert again.attachments == card.attachments
    assert '"size": null' in json.dumps(live.world.messages(live.space)[-1].card)  # this client sends every field
    pressed = wxc.ada.attachment_actions.create("submit", card.id, {"do": "again"})
    assert wxc.bot.attachment_actions.details(pressed.id).inputs == {"do": "again"}
    file = tmp_path / "usage.csv"
    file.write_bytes(CSV)
    wxc.bot.messages.create(to_person_email=live.ada.email, text="Here it is", files=[str(file)])
    (found,) = wxc.bot.messages.list_direct(person_email=live.ada.email)
    assert (found.text, len(found.files)) == ("Here it is", 1)
    words = wxc.bot.messages.create(room_id=live.space.id, text="Soon")
    words.text = "Now"
    assert wxc.bot.messages.edit(words).text == "Now"
    wxc.bot.messages.delete(words.id)


def test_webhooks_with_wxc_sdk(live, wxc):
    made = wxc.bot.webhook.create("mine", TARGET, "messages", "created", secret="secret")
    assert wxc.bot.webhook.details(made.webhook_id).status == "active"
    # Its update is left out: it sends a form and calls it JSON.
    assert [hook.webhook_id for hook in wxc.bot.webhook.list()] == [made.webhook_id]
    wxc.bot.webhook.webhook_delete(made.webhook_id)
    assert list(wxc.bot.webhook.list()) == []


def test_organization_reports_and_templates_with_wxc_sdk(live, wxc):
    """Made, listed, read, downloaded and deleted by a client that was written against the real service."""
    live.world.add_template(Template(1, "organization", "Active Hosts", "Meetings"))
    (template,) = wxc.ada.reports.list_templates()
    assert (template.id, template.title, template.max_days) == (1, "Active Hosts", 31)
    report_id = wxc.ada.reports.create(template_id=1, start_date=date(2026, 1, 1), end_date="2026-01-31")
    report = wxc.ada.reports.details(report_id)
    assert (report.id, report.title, report.status) == (report_id, "Active Hosts", "waiting")
    (listed,) = wxc.ada.reports.list(from_date=date(2020, 1, 1), to_date=date(2100, 1, 1))
    assert (listed.id, listed.title) == (report_id, "Active Hosts")
    live.world.set_report(report_id, status="done", content=CSV, as_zip=True)
    rows = list(wxc.ada.reports.download(wxc.ada.reports.details(report_id).download_url))
    assert rows == [{"Name": "Ada", "Minutes": "12"}]
    wxc.ada.reports.delete(report_id)
    with pytest.raises(wxc.error, match="404"):
        wxc.ada.reports.details(report_id)
    with pytest.raises(wxc.error, match="403"):
        wxc.bot.reports.list_templates()
