"""Spaces and who is in them."""

import pytest


def test_members_are_told_with_their_organization(live, bot):
    shared = live.world.add_space("With Globex", [live.ada, live.ethan, live.bot])
    found = bot.get("/memberships", roomId=shared.id).json()["items"]
    assert {member["personDisplayName"]: member["personOrgId"] for member in found} == {
        "Ada Lovelace": live.acme.id,
        "Ethan Hunt": live.globex.id,
        "Report Bot": live.acme.id,
    }
    assert {member["roomType"] for member in found} == {"group"}


def test_members_come_in_pages(live, bot):
    live.world.page_size = 1
    first = bot.get("/memberships", roomId=live.space.id)
    assert len(first.json()["items"]) == 1
    assert first.links["next"]["url"].startswith(live.emulator.api_url)


def test_who_is_not_in_a_space_is_told_it_does_not_exist(live, bot):
    hidden = live.world.add_space("Hidden", [live.ada])
    assert bot.get("/memberships", roomId=hidden.id).status_code == 404
    assert bot.get(f"/rooms/{hidden.id}").status_code == 404
    assert bot.get("/messages", roomId=hidden.id).status_code == 404
    membership = live.world.memberships_in(hidden.id)[0]
    assert bot.get(f"/memberships/{membership.id}").status_code == 404
    assert bot.get("/memberships", roomId="none").status_code == 404


def test_one_persons_membership_is_found_only_within_a_named_space(live, bot):
    for named in ({"personId": live.ada.id}, {"personEmail": live.ada.email}):
        assert bot.get("/memberships", **named).status_code == 400
        (found,) = bot.get("/memberships", roomId=live.space.id, **named).json()["items"]
        assert found["personId"] == live.ada.id


@pytest.mark.parametrize("query", [{"type": "team"}, {"sortBy": "title"}])
def test_spaces_are_listed_by_known_kinds_and_orders_only(bot, query):
    assert bot.get("/rooms", **query).status_code == 400


def test_the_own_spaces_are_listed_and_a_1_to_1_has_the_other_ones_name(live, bot):
    direct = live.world.direct_space(live.ada, live.bot)
    titles = {space["title"]: space["type"] for space in bot.get("/rooms").json()["items"]}
    assert titles == {"Reports": "group", "Ada Lovelace": "direct"}
    assert [space["id"] for space in bot.get("/rooms", type="direct").json()["items"]] == [direct.id]
    assert bot.get(f"/rooms/{direct.id}").json()["type"] == "direct"
    assert len(bot.get("/memberships").json()["items"]) == 2


def test_a_bot_leaves_a_group_but_no_1_to_1(live, bot):
    direct = live.world.direct_space(live.ada, live.bot)
    own = {m["roomId"]: m["id"] for m in bot.get("/memberships").json()["items"]}
    assert bot.delete(f"/memberships/{own[direct.id]}").status_code == 400
    assert bot.delete(f"/memberships/{own[live.space.id]}").status_code == 204
    assert not live.world.is_member(live.space.id, live.bot.id)
    assert bot.post("/messages", roomId=live.space.id, text="a").status_code == 404


def test_others_are_added_once_and_removed_by_who_made_the_space(live, bot, admin):
    added = admin.post("/memberships", roomId=live.space.id, personEmail=live.ethan.email)
    assert added.json()["personOrgId"] == live.globex.id
    assert admin.post("/memberships", roomId=live.space.id, personId=live.ethan.id).status_code == 409
    assert bot.delete(f"/memberships/{added.json()['id']}").status_code == 403
    assert admin.delete(f"/memberships/{added.json()['id']}").status_code == 204
    assert admin.post("/memberships", roomId=live.space.id, personId="none").status_code == 404
