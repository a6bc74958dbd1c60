"""What may be posted where, by whom, and how it reads afterwards."""

import hashlib

import pytest

from bot.emulator import Refusal

LIMIT = 7439
CARD = {
    "contentType": "application/vnd.microsoft.card.adaptive",
    "content": {
        "type": "AdaptiveCard",
        "version": "1.3",
        "body": [{"type": "TextBlock", "text": "Report"}],
        "actions": [{"type": "Action.Submit", "title": "Again", "data": {"do": "again"}}],
    },
}


def test_a_message_is_posted_and_read_back(live, bot):
    made = bot.post("/messages", roomId=live.space.id, markdown="**done** `x`").json()
    read = bot.get(f"/messages/{made['id']}").json()
    assert read == made
    assert (read["text"], read["html"]) == ("done x", "<p><strong>done</strong> <code>x</code></p>")
    assert (read["roomType"], read["personEmail"]) == ("group", "report-bot@webex.bot")
    assert live.world.messages(live.space)[-1].text == "done x"


@pytest.mark.parametrize("field", ["text", "markdown"])
def test_the_limit_of_7439_is_in_bytes(live, bot, field):
    assert bot.post("/messages", roomId=live.space.id, **{field: "é" * (LIMIT // 2)}).status_code == 200
    refused = bot.post("/messages", roomId=live.space.id, **{field: "é" * (LIMIT // 2 + 1)})
    assert refused.status_code == 400
    assert str(LIMIT) in refused.json()["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": ""},
        {"text": 5},
        {"text": "a", "toPersonEmail": "ada.lovelace@acme.example"},
        {"text": "a", "files": ["https://example.com/a.csv"]},
        {"attachments": [CARD, CARD]},
        {"attachments": "card"},
        {"attachments": [{"contentType": "text/html", "content": {}}]},
        {"attachments": [{"contentType": CARD["contentType"], "content": {"type": "AdaptiveCard", "version": "1.4"}}]},
        {"text": "a", "parentId": "none"},
    ],
)
def test_a_malformed_post_gets_400_and_leaves_nothing(live, bot, fields):
    assert bot.post("/messages", roomId=live.space.id, **fields).status_code == 400
    assert live.world.messages(live.space) == []


def test_a_target_is_needed_and_must_be_reachable(live, bot):
    assert bot.post("/messages", text="a").status_code == 400
    assert bot.post("/messages", text="a", roomId="none").status_code == 404
    elsewhere = live.world.add_space("Private", [live.ada])
    assert bot.post("/messages", text="a", roomId=elsewhere.id).status_code == 404
    assert bot.post("/messages", text="a", toPersonEmail="nobody@acme.example").status_code == 404


def test_a_message_to_a_person_opens_the_1_to_1_once(live, bot):
    first = bot.post("/messages", text="a", toPersonEmail=live.ada.email).json()
    second = bot.post("/messages", text="b", toPersonId=live.ada.id).json()
    assert first["roomId"] == second["roomId"]
    assert first["roomType"] == "direct"
    listed = bot.get("/messages/direct", personEmail=live.ada.email).json()["items"]
    assert [message["text"] for message in listed] == ["b", "a"]


def test_who_never_wrote_to_each_other_has_no_1_to_1_to_list(live, bot):
    for named in ({"personEmail": live.ada.email}, {"personId": live.ada.id}, {"personId": live.bot.id}):
        assert bot.get("/messages/direct", **named).status_code == 404
    assert bot.get("/messages/direct").status_code == 400
    assert [space.type for space in live.world.spaces.values()] == ["group"]
    bot.post("/messages", text="a", toPersonId=live.ada.id)
    assert len(bot.get("/messages/direct", personId=live.ada.id).json()["items"]) == 1


def test_a_mention_in_markdown_becomes_a_mention(live, bot):
    made = bot.post("/messages", roomId=live.space.id, markdown=f"<@personEmail:{live.ada.email}> look").json()
    assert made["mentionedPeople"] == [live.ada.id]
    assert made["text"] == "Ada Lovelace look"
    assert f'data-object-id="{live.ada.id}">Ada Lovelace</spark-mention>' in made["html"]


@pytest.mark.parametrize(("shown_as", "label"), [("full", "Report Bot"), ("first", "Report")])
def test_a_typed_mention_stands_in_text_and_html(live, bot, shown_as, label):
    say = live.world.say
    at_start = say(live.ada, live.space, "report <X> & y", mention=live.bot, mention_as=shown_as)
    at_end = say(live.ada, live.space, "help", mention=live.bot, mention_as=shown_as, mention_at="end")
    plain = say(live.ada, live.space, "help", mention=live.bot, with_html=False)
    read = bot.get(f"/messages/{at_start.id}").json()
    assert read["text"] == f"{label} report <X> & y"
    assert read["html"].endswith(f">{label}</spark-mention> report &lt;X&gt; &amp; y</p>")
    assert at_end.text == f"help {label}"
    assert at_end.html is not None
    assert at_end.html.startswith("<p>help <spark-mention")
    assert plain.html is None
    assert plain.mentioned == [live.bot.id]


def test_a_bot_reads_in_a_group_only_what_mentions_it(live, bot):
    hidden = live.world.say(live.ada, live.space, "between us")
    shown = live.world.say(live.ada, live.space, "help", mention=live.bot)
    assert bot.get(f"/messages/{hidden.id}").status_code == 404
    assert bot.get("/messages", roomId=live.space.id).status_code == 403
    listed = bot.get("/messages", roomId=live.space.id, mentionedPeople="me", max=100).json()["items"]
    assert [message["id"] for message in listed] == [shown.id]
    assert bot.get("/messages", roomId=live.space.id, mentionedPeople="me", max=101).status_code == 400
    assert bot.get("/messages", roomId=live.space.id, mentionedPeople=live.ada.id).status_code == 400
    reply = bot.post("/messages", roomId=live.space.id, text="yes", parentId=shown.id).json()
    closed = bot.get("/messages", roomId=live.space.id, parentId=shown.id)
    assert (closed.status_code, closed.json()["message"]) == (403, "Failed to get activity.")
    live.world.lists_threads = True
    thread = bot.get("/messages", roomId=live.space.id, parentId=shown.id).json()["items"]
    assert [message["id"] for message in thread] == [reply["id"]]


def test_a_reply_to_a_reply_or_across_spaces_is_refused(live, bot):
    root = live.world.say(live.ada, live.space, "help", mention=live.bot)
    reply = bot.post("/messages", roomId=live.space.id, text="yes", parentId=root.id).json()
    assert reply["parentId"] == root.id
    assert bot.post("/messages", roomId=live.space.id, text="?", parentId=reply["id"]).status_code == 400
    other = live.world.direct_space(live.ada, live.bot)
    assert bot.post("/messages", roomId=other.id, text="?", parentId=root.id).status_code == 400


def test_a_list_is_newest_first_and_comes_in_pages(live, bot):
    direct = live.world.direct_space(live.ada, live.bot)
    said = [live.world.say(live.ada, direct, f"n {n}").id for n in range(5)]
    live.world.page_size = 2
    answer = bot.get("/messages", roomId=direct.id, max=3)
    found, pages = list(answer.json()["items"]), 1
    while "next" in answer.links:
        answer = bot.get(answer.links["next"]["url"])
        found += answer.json()["items"]
        pages += 1
    assert ([message["id"] for message in found], pages) == (said[::-1], 3)
    before = bot.get("/messages", roomId=direct.id, beforeMessage=said[1]).json()["items"]
    assert [message["id"] for message in before] == said[:1]
    assert bot.get("/messages", roomId=direct.id, max=0).status_code == 400


def test_words_are_edited_at_most_ten_times(live, bot):
    made = bot.post("/messages", roomId=live.space.id, text="0").json()
    for n in range(1, 11):
        answer = bot.put(f"/messages/{made['id']}", roomId=live.space.id, text=str(n))
        assert (answer.status_code, answer.json()["text"]) == (200, str(n))
    assert bot.put(f"/messages/{made['id']}", roomId=live.space.id, text="11").status_code == 400


def test_a_message_with_a_card_or_file_cannot_be_edited(live, bot):
    card = bot.post("/messages", roomId=live.space.id, text="a", attachments=[CARD]).json()
    file = bot.upload("a.csv", b"1", roomId=live.space.id).json()
    for message in (card, file):
        assert bot.put(f"/messages/{message['id']}", roomId=live.space.id, text="b").status_code == 400


def test_only_the_author_edits_and_deletes(live, bot, admin):
    made = bot.post("/messages", roomId=live.space.id, text="mine").json()
    assert admin.put(f"/messages/{made['id']}", roomId=live.space.id, text="b").status_code == 403
    assert admin.delete(f"/messages/{made['id']}").status_code == 403
    assert bot.delete(f"/messages/{made['id']}").status_code == 204
    assert bot.get(f"/messages/{made['id']}").status_code == 404
    assert bot.delete(f"/messages/{made['id']}").status_code == 404
    assert [message.deleted for message in live.world.messages_of(live.bot)] == [True]


def test_a_file_is_stored_with_its_size_hash_and_name_and_can_be_fetched(live, bot, admin):
    content = bytes(range(256)) * 3000
    made = bot.upload("Überblick.csv", content, roomId=live.space.id, markdown="**rows**").json()
    stored = live.world.messages(live.space)[-1].files[0]
    assert (stored.name, stored.size, stored.content_type) == ("Überblick.csv", len(content), "text/csv")
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.path.read_bytes() == content
    assert made["text"] == "rows"
    assert admin.get(made["files"][0]).content == content
    assert live.client(live.ethan).get(made["files"][0]).status_code == 404


def test_one_file_a_message_and_never_with_a_card(live, bot):
    room = {"roomId": live.space.id}
    two = [("files", ("a.csv", b"1")), ("files", ("b.csv", b"2"))]
    assert bot.call("POST", "/messages", files=two, data=room).status_code == 400
    assert bot.call("POST", "/messages", files={"file": ("a.csv", b"1")}, data=room).status_code == 400
    assert bot.upload("a.csv", b"1", roomId=live.space.id, attachments="[]").status_code == 400
    assert live.world.messages(live.space) == []


def test_a_button_is_pressed_and_its_inputs_are_fetched(live, bot, admin):
    made = bot.post("/messages", roomId=live.space.id, text="a", attachments=[CARD]).json()
    assert made["attachments"] == [CARD]
    by_title = live.world.press(live.ada, made["id"], "Again")
    read = bot.get(f"/attachment/actions/{by_title.id}").json()
    assert (read["type"], read["inputs"], read["personId"]) == ("submit", {"do": "again"}, live.ada.id)
    assert (read["messageId"], read["roomId"]) == (made["id"], live.space.id)
    by_api = admin.post("/attachment/actions", type="submit", messageId=made["id"], inputs={"a": "b"}).json()
    assert bot.get(f"/attachment/actions/{by_api['id']}").json()["inputs"] == {"a": "b"}
    assert live.client(live.ethan).get(f"/attachment/actions/{by_api['id']}").status_code == 404
    assert bot.get("/attachment/actions/none").status_code == 404


def test_what_cannot_be_pressed_is_not_pressed(live, bot):
    plain = bot.post("/messages", roomId=live.space.id, text="a").json()
    card = bot.post("/messages", roomId=live.space.id, text="a", attachments=[CARD]).json()
    with pytest.raises(Refusal, match="no card"):
        live.world.press(live.ada, plain["id"], {})
    with pytest.raises(Refusal, match=r"no Action\.Submit"):
        live.world.press(live.ada, card["id"], "Nonsense")
    own = bot.post("/attachment/actions", type="submit", messageId=card["id"], inputs={"do": "again"})
    assert own.status_code == 400
    with pytest.raises(Refusal) as outsider:
        live.world.press(live.ethan, card["id"], {})
    assert outsider.value.status == 404


def test_waiting_gives_up_with_an_account_of_what_there_is(live):
    live.world.say(live.ada, live.space, "hello there")
    with pytest.raises(TimeoutError, match="hello there"):
        live.world.wait_for(lambda world: len(world.messages(live.space)) == 2, timeout=0.05)
