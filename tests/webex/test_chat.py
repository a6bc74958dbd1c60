"""What the bot does in Webex, against the emulator; and every status code at every call."""

from __future__ import annotations

import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.errors import WebexError
from bot.webex.chat import RECENT, Chat
from bot.webex.session import Timeouts
from bot.webex.tokens import StaticToken
from bot.webex.types import Posted, Target
from tests.webex.loopback import ALL_ERRORS

SECRET = "top-secret-token-0123456789"
CARD = {
    "type": "AdaptiveCard",
    "version": "1.3",
    "body": [{"type": "TextBlock", "text": "Hello"}],
    "actions": [{"type": "Action.Submit", "title": "Again", "data": {"word": "again"}}],
}

CALLS = {
    "me": lambda chat: chat.me(),
    "message": lambda chat: chat.message("x"),
    "action": lambda chat: chat.action("x"),
    "post": lambda chat: chat.post(Target(room_id="r"), markdown="hi", card=CARD),
    "edit": lambda chat: chat.edit("x", "r", markdown="hi"),
    "delete": lambda chat: chat.delete("x"),
    "recent": lambda chat: chat.recent(Target(room_id="r", parent_id="p")),
    "recent 1:1": lambda chat: chat.recent(Target(person_id="p")),
    "members": lambda chat: chat.members("r"),
    "is_member": lambda chat: chat.is_member("r", "p"),
    "spaces": lambda chat: chat.spaces(),
    "space": lambda chat: chat.space("r"),
    "webhooks": lambda chat: chat.webhooks(),
    "create_webhook": lambda chat: chat.create_webhook(
        name="n", target_url="https://x", resource="messages", event="created", secret=SECRET
    ),
    "update_webhook": lambda chat: chat.update_webhook("x", name="n", target_url="https://x", secret=SECRET),
    "delete_webhook": lambda chat: chat.delete_webhook("x"),
}
WITH_ID = {
    "message": lambda chat, an_id: chat.message(an_id),
    "action": lambda chat, an_id: chat.action(an_id),
    "edit": lambda chat, an_id: chat.edit(an_id, "r", markdown="hi"),
    "delete": lambda chat, an_id: chat.delete(an_id),
    "space": lambda chat, an_id: chat.space(an_id),
    "update_webhook": lambda chat, an_id: chat.update_webhook(an_id, name="n", target_url="https://x"),
    "delete_webhook": lambda chat, an_id: chat.delete_webhook(an_id),
}
WITHOUT_ANSWER = {"edit", "delete", "delete_webhook"}


@pytest.fixture
def scripted(loopback, closed):
    return closed(Chat(loopback.url, StaticToken(SECRET), timeouts=Timeouts(2, 2)))


def refused(chat, call) -> WebexError:
    with pytest.raises(WebexError) as caught:
        call(chat)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert SECRET not in shown
    return caught.value


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("name", ["message", "post", "recent", "upload"])
def test_a_refusal_names_the_token_that_was_refused(loopback, scripted, tmp_path, name, status):
    file = tmp_path / "file.csv"
    file.write_bytes(b"a,b")
    send = {"path": file, "name": "file.csv", "content_type": "text/csv", "markdown": "x"}
    calls = CALLS | {"upload": lambda chat: chat.upload(Target(room_id="r"), **send)}
    loopback.answer(lambda exchange, _: exchange.reply(status, {"message": "no"}))
    sentence = refused(scripted, calls[name]).sentence
    assert "the bot's own token" in sentence
    assert "admin" not in sentence


def test_a_post_whose_answer_does_not_tell_the_space_was_made(loopback, scripted):
    loopback.answer(lambda exchange, _: exchange.reply(200, {"id": "m"}))
    assert scripted.post(Target(room_id="r"), markdown="hi") == Posted("m", "r")
    assert scripted.post(Target(person_id="p"), markdown="hi") == Posted("m", "")


def test_the_bot_knows_itself(live):
    me = live.chat.me()
    assert (me.id, me.display_name, me.first_name, me.kind) == (live.bot.id, "Report Bot", "Report", "bot")


def test_a_dialogue_in_a_space(live):
    """Ada asks in a group space, the bot answers in her thread with a card, she presses its button."""
    world = live.emulator.world
    space = world.add_space("Reports", [live.ada, live.bot])
    said = world.say(live.ada, space, "report AbC", mention=live.bot)
    message = live.chat.message(said.id)
    assert (message.room_id, message.room_type, message.person_id) == (space.id, "group", live.ada.id)
    assert "AbC" in message.text
    assert f'data-object-id="{live.bot.id}"' in message.html
    assert (message.parent_id, message.files) == (None, 0)
    assert message.created
    assert abs(message.created.timestamp() - time.time()) < 60

    posted = live.chat.post(Target(room_id=space.id, parent_id=said.id), markdown="**Hello**", card=CARD)
    assert (posted.room_id, world.messages(space)[-1].card) == (space.id, CARD)

    pressed = world.press(live.ada, posted.message_id, {"word": "again", "note": "now"})
    action = live.chat.action(pressed.id)
    assert (action.message_id, action.room_id, action.person_id) == (posted.message_id, space.id, live.ada.id)
    assert action.inputs == {"word": "again", "note": "now"}

    with pytest.raises(WebexError, match="Failed to get activity"):
        live.chat.recent(Target(room_id=space.id, parent_id=said.id))
    world.lists_threads = True
    thread = live.chat.recent(Target(room_id=space.id, parent_id=said.id))
    assert [found.id for found in thread] == [posted.message_id]
    assert thread[0].parent_id == said.id

    live.chat.delete(posted.message_id)
    assert live.chat.recent(Target(room_id=space.id, parent_id=said.id)) == []


def test_a_bot_sees_its_mentions_in_a_group_space_and_everything_one_to_one(live):
    world = live.emulator.world
    space = world.add_space("Reports", [live.ada, live.bot])
    world.say(live.ada, space, "not for the bot")
    said = world.say(live.ada, space, "help", mention=live.bot)
    here = next(one for one in live.chat.spaces() if one.id == space.id)
    assert [found.id for found in live.chat.written_to_bot(here, datetime(2020, 1, 1, tzinfo=UTC))] == [said.id]
    with pytest.raises(WebexError) as caught:
        live.chat.recent(Target(room_id=space.id))
    assert caught.value.status == 403

    direct = world.direct_space(live.ada, live.bot)
    first, second = (world.say(live.ada, direct, text) for text in ("one", "two"))
    assert [found.id for found in live.chat.recent(Target(room_id=direct.id, direct=True))] == [second.id, first.id]
    assert [found.text for found in live.chat.recent(Target(person_id=live.ada.id))] == ["two", "one"]


@pytest.mark.parametrize("by_person", [True, False])
def test_of_many_messages_all_are_listed_that_were_written_since_then(live, by_person):
    world = live.emulator.world
    direct = world.direct_space(live.ada, live.bot)
    said = [world.post(live.bot, direct, text=str(number)) for number in range(130)]
    target = Target(person_id=live.ada.id) if by_person else Target(room_id=direct.id, direct=True)
    since = datetime.fromtimestamp(said[0].created, UTC) - timedelta(seconds=1)

    assert len(live.chat.recent(target)) == RECENT
    assert [one.text for one in live.chat.recent(target, since)] == [str(number) for number in reversed(range(130))]
    assert len(live.chat.recent(target, since + timedelta(days=1))) == RECENT, "a page comes anyway"


def test_looking_for_words_to_a_person_opens_no_one_to_one_space(live):
    with pytest.raises(WebexError, match="404"):
        live.chat.recent(Target(person_id=live.ada.id, direct=True))
    assert live.emulator.world.spaces == {}


def test_words_to_a_person_open_the_one_to_one_space(live):
    posted = live.chat.post(Target(person_id=live.ada.id), markdown="hi")
    assert posted.room_id == live.emulator.world.direct_space(live.ada, live.bot).id


def test_a_message_can_be_changed_but_not_one_with_a_card(live):
    space = live.emulator.world.direct_space(live.ada, live.bot)
    posted = live.chat.post(Target(room_id=space.id), markdown="one")
    live.chat.edit(posted.message_id, space.id, markdown="two")
    assert live.emulator.world.messages(space)[-1].markdown == "two"
    with_card = live.chat.post(Target(room_id=space.id), markdown="one", card=CARD)
    with pytest.raises(WebexError) as caught:
        live.chat.edit(with_card.message_id, space.id, markdown="two")
    assert caught.value.status == 400


def test_members_are_listed_over_all_pages_with_their_organizations(live):
    world = live.emulator.world
    other = world.add_organization("Globex")
    outsiders = [world.add_person(f"Person {n}", other) for n in range(5)]
    space = world.add_space("Mixed", [live.ada, live.bot, *outsiders])
    world.page_size = 2
    members = live.chat.members(space.id)
    assert len(members) == 7
    assert {(one.person_id, one.person_email) for one in members if one.person_org_id == other.id} == {
        (person.id, person.email) for person in outsiders
    }


def test_who_is_in_a_space_is_known_by_one_short_answer(live):
    space = live.emulator.world.add_space("Finance", [live.ada, live.bot])
    assert live.chat.is_member(space.id, live.ada.id)
    live.emulator.world.leave(space, live.ada)
    assert not live.chat.is_member(space.id, live.ada.id)


@pytest.mark.parametrize(("person", "room"), [("other", "r"), ("p", "another")])
def test_a_membership_that_was_not_asked_for_makes_nobody_a_member(loopback, scripted, person, room):
    loopback.always(200, {"items": [{"id": "1", "personId": person, "roomId": room}]})
    assert not scripted.is_member("r", "p")


def test_a_membership_says_who_joined_which_space_and_when(live):
    space = live.emulator.world.add_space("New", [live.ada])
    joined = live.emulator.world.join(space, live.bot)
    found = live.chat.membership(joined.id)
    assert (found.id, found.room_id, found.room_type) == (joined.id, space.id, "group")
    assert found.person_id == live.bot.id
    assert abs(found.created.timestamp() - joined.created) < 1


def test_webhooks_are_made_listed_changed_revived_and_removed(live):
    chat = live.chat
    made = chat.create_webhook(
        name="ours",
        target_url="https://bot.example/hook",
        resource="messages",
        event="created",
        secret="0123456789abcdef",
        webhook_filter="roomType=direct",
    )
    assert (made.name, made.status, made.filter) == ("ours", "active", "roomType=direct")
    changed = chat.update_webhook(made.id, name="ours too", target_url="https://bot.example/other")
    assert (changed.id, changed.name, changed.target_url) == (made.id, "ours too", "https://bot.example/other")
    assert chat.webhooks() == [changed]
    chat.delete_webhook(made.id)
    assert chat.webhooks() == []


def test_spaces_are_listed_and_read(live):
    space = live.emulator.world.add_space("Reports", [live.ada, live.bot])
    assert live.chat.spaces() == [live.chat.space(space.id)]
    assert (live.chat.space(space.id).title, live.chat.space(space.id).kind) == ("Reports", "group")


@pytest.mark.parametrize("name", CALLS)
def test_every_status_at_every_call_is_an_error_with_its_tracking_id(loopback, scripted, name):
    for status in ALL_ERRORS:
        loopback.always(status, {"message": f"no {SECRET}"}, {"trackingId": "T_1", "Retry-After": "0"})
        error = refused(scripted, CALLS[name])
        assert (error.status, error.tracking_id, error.message) == (status, "T_1", "no (hidden)")


@pytest.mark.parametrize("name", CALLS)
def test_a_malformed_retry_after_does_not_crash_a_call(loopback, scripted, name):
    loopback.always(429, b"", {"Retry-After": "rand(30),add(30)"})
    error = refused(scripted, CALLS[name])
    assert (error.status, error.retry_after, error.passing) == (429, None, True)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in WITHOUT_ANSWER])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"id":', b"[]", b"null", b"{}", b'{"items":5}', b'{"items":[5]}', b'{"items":[{}]}', b'"x"'],
)
def test_a_success_that_cannot_be_read_is_an_error(loopback, scripted, name, body):
    loopback.always(200, body)
    error = refused(scripted, CALLS[name])
    assert error.status is None
    assert error.passing
    assert error.reached is (None if name in {"post", "create_webhook", "update_webhook"} else True)


@pytest.mark.parametrize("name", WITH_ID)
def test_an_id_that_would_reach_another_path_is_unknown_without_asking(loopback, scripted, name):
    for unfit in ("../people/me", "a/b", "", "a?b=c"):
        error = refused(scripted, lambda chat, unfit=unfit: WITH_ID[name](chat, unfit))
        assert (error.status, error.reached) == (404, False)
    assert loopback.asked == []


def test_a_lost_answer_to_a_post_is_unsure(live):
    space = live.emulator.world.direct_space(live.ada, live.bot)
    live.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError) as caught:
        live.chat.post(Target(room_id=space.id), markdown="said once")
    assert caught.value.reached is None
    assert [message.markdown for message in live.emulator.world.messages(space)] == ["said once"]


def test_a_next_page_on_another_host_is_not_asked(loopback, scripted):
    loopback.always(200, {"items": []}, {"Link": '<http://127.0.0.1:9/v1/memberships>; rel="next"'})
    error = refused(scripted, CALLS["members"])
    assert not error.passing
    assert len(loopback.asked) == 1


@pytest.mark.parametrize("link", ["page=2", "page=2&max=null", "page=2&roomId=another"])
def test_members_of_other_spaces_never_come_in_by_a_next_page_that_lost_its_filter(loopback, scripted, link):
    def answer(exchange, asked):
        following = {} if "page=2" in asked.path else {"Link": f'<{loopback.url}/memberships?{link}>; rel="next"'}
        items = [{"id": str(number), "personId": f"p{number}", "roomId": room} for number, room in enumerate("xy")]
        exchange.reply(200, {"items": items}, following)

    loopback.answer(answer)
    assert [one.person_id for one in scripted.members("x")] == ["p0", "p0"]
    assert parse_qs(urlsplit(loopback.asked[1].path).query) == {"roomId": ["x"], "page": ["2"], "max": ["1000"]}


LISTINGS = {name: CALLS[name] for name in ("recent", "recent 1:1", "members", "spaces", "webhooks")} | {
    "active_spaces": lambda chat: chat.active_spaces(datetime(2026, 1, 1, tzinfo=UTC), 10)
}


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_that_leads_back_to_itself_is_an_error(loopback, scripted, name):
    """Its pages are empty, so counting what is on them would never end."""
    loopback.always(200, {"items": []}, {"Link": f'<{loopback.url}/again?page=2>; rel="next"'})
    error = refused(scripted, LISTINGS[name])
    assert (error.status, error.passing) == (None, False)
    assert "circles" in error.message
    assert len(loopback.asked) == 2


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_that_never_ends_is_an_error(loopback, scripted, name):
    def answer(exchange, asked):
        exchange.reply(200, {"items": []}, {"Link": f'<{loopback.url}/on?page={len(loopback.asked)}>; rel="next"'})

    loopback.answer(answer)
    error = refused(scripted, LISTINGS[name])
    assert (error.message, error.passing) == ("more pages than are followed", False)
    assert len(loopback.asked) == 100


def test_one_listing_after_the_other_may_ask_the_same_pages(live):
    space = live.emulator.world.add_space("Reports", [live.ada, live.nora, live.bot])
    live.emulator.world.page_size = 1
    assert [len(live.chat.members(space.id)) for _ in range(3)] == [3, 3, 3]


def test_the_token_never_gets_into_the_sdk(loopback, scripted):
    """All calls go over our transport, which sets the header; the SDK holds a placeholder."""
    loopback.always(200, {"id": "x"})
    scripted.me()
    assert loopback.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert scripted._api.access_token == "(set by the transport)"
    assert scripted._api.wait_on_rate_limit is False


def test_sixteen_threads_share_one_chat(live):
    """Every thread gets the message that it asked for."""
    direct = live.emulator.world.direct_space(live.ada, live.bot)
    ids = [live.emulator.world.say(live.ada, direct, f"number {n}").id for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda n: live.chat.message(ids[n % 16]).text, range(160)))
    assert texts == [f"number {n % 16}" for n in range(160)]


def test_one_after_the_other_shares_one_connection(loopback, scripted):
    loopback.always(200, {"id": "x", "roomId": "r", "personId": "p"})
    for name in ("message", "action", "post"):
        CALLS[name](scripted)
    assert len({asked.connection for asked in loopback.asked}) == 1
    assert len(loopback.asked) == 3


def test_posted_says_where(loopback, scripted):
    loopback.always(200, {"id": "m", "roomId": "r"})
    assert CALLS["post"](scripted) == Posted("m", "r")
