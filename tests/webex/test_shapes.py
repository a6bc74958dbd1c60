"""People and messages out of any JSON."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.webex import parsing
from bot.webex.types import Posted

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
FIELDS = ["id", "roomId", "personId", "emails", "roles", "text", "files", "created", "inputs", "displayName", "title"]
READERS = [
    parsing.person,
    parsing.message,
    parsing.posted,
    parsing.action,
    parsing.membership,
    parsing.webhook,
    parsing.space,
]


@pytest.mark.parametrize("raw", [["a,b", "c"], ["a", "b", "c"], "a, b ,c", ["a,,b,c", 5, None]])
def test_roles_may_come_as_a_list_or_as_texts_with_commas(raw):
    assert parsing.person({"id": "x", "roles": raw}).roles == ("a", "b", "c")


def test_a_message_keeps_its_text_to_the_letter():
    message = parsing.message(
        {
            "id": "m",
            "roomId": "r",
            "text": " report  AbC=\n",
            "files": ["https://x"],
            "created": "2026-01-01T00:00:00.000Z",
            "parentId": "p",
        }
    )
    assert (message.text, message.files, message.parent_id) == (" report  AbC=\n", 1, "p")
    assert message.created == datetime(2026, 1, 1, tzinfo=UTC)


def test_of_an_answer_to_a_post_only_the_message_s_id_is_needed():
    assert parsing.posted({"id": "m"}, "r") == Posted("m", "r")
    assert parsing.posted({"id": "m", "roomId": "other"}, "r") == Posted("m", "other")
    assert parsing.posted({"id": "m"}) == Posted("m", "")
    with pytest.raises(parsing.ShapeError):
        parsing.posted({"roomId": "r"}, "r")


def test_a_person_without_a_type_is_of_unknown_kind():
    assert parsing.person({"id": "x"}).kind == ""


def test_what_no_database_takes_is_replaced():
    assert parsing.message({"id": "m", "roomId": "r", "text": "a\x00b\ud800"}).text == "a\ufffdb\ufffd"


def test_a_webhooks_address_is_not_shown():
    assert "secret-path" not in repr(parsing.webhook({"id": "w", "targetUrl": "https://x/secret-path"}))


@settings(max_examples=60, deadline=None)
@given(raw=st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_object_is_read_or_refused(raw):
    for read in READERS:
        with suppress(parsing.ShapeError):
            read(raw)
