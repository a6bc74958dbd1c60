"""The outbox sends a message once, wherever the program is killed and whatever becomes of Webex's answer."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from bot import logs
from bot.db import messages, tables
from bot.emulator.mentions import from_markdown
from bot.errors import DatabaseUnavailable, WebexError
from bot.outbox import FILE_SETTLES, TEXT_SETTLES, File, Outbox, Sent, Text, Unsure, fingerprint
from bot.text import MAX_TEXT_BYTES, escape_markdown, shortened
from bot.webex.types import Posted, Target
from tests.core.posting import (
    DELETE,
    LIST,
    LOST,
    NOT_POSTED,
    PLACES,
    POST,
    directly,
    fails,
    nowhere_to_look,
    row_of,
    sent,
    thread,
)
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from pathlib import Path

    from bot.db.database import Transaction
    from tests.stepped_bot import SteppedBot


pytestmark = pytest.mark.threads_listed

SECRET = "a-registered-secret-0123456789"


@pytest.fixture
def patient(stepped: SteppedBot) -> SteppedBot:
    """Return the stepped bot with the product's own waits for what may still appear."""
    identity = stepped.services.identity.person
    stepped.outbox = Outbox(
        stepped.database, stepped.chat, identity, stepped.clock, settle=(TEXT_SETTLES, FILE_SETTLES)
    )
    return stepped


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("point", [1, 2, 3, 4, 5, 6])
def test_a_message_is_sent_once_wherever_the_program_is_killed(stepped: SteppedBot, place: str, point: int) -> None:
    """The points: before and after the intent is stored, the post is made, the outcome is stored."""
    target = PLACES[place](stepped)
    stepped.points.deadly = point
    with pytest.raises(Crash):
        stepped.outbox.send("key", target, "**Hello**, it is `done` & well")
    stepped.restart()

    posted = stepped.outbox.send("key", target, "**Hello**, it is `done` & well")

    (message,) = sent(stepped, "Hello")
    assert posted.message_id == message.id
    assert row_of(stepped, "key").state == messages.SENT


@pytest.mark.parametrize("fault", [LOST, NOT_POSTED, {**POST, "status": 504, "times": 1}], ids=str)
@pytest.mark.parametrize("place", PLACES)
def test_after_a_lost_answer_the_bot_looks_before_it_sends_again(
    stepped: SteppedBot, place: str, fault: dict[str, Any]
) -> None:
    target = PLACES[place](stepped)
    fails(stepped, "key", target, **fault)

    stepped.outbox.send("key", target, "Hello")

    assert len(sent(stepped, "Hello")) == 1


def test_a_lost_first_message_to_a_person_is_sent_again_though_there_is_no_space_to_look_into(
    stepped: SteppedBot,
) -> None:
    target = Target(person_id=stepped.setup.nora.id, direct=True)
    fails(stepped, "key", target, **POST, status=504, times=1)
    assert all(space.type == "group" for space in stepped.world.spaces.values())

    posted = stepped.outbox.send("key", target, "Hello")

    assert [one.id for one in stepped.said(person=stepped.setup.nora)] == [posted.message_id]


def test_only_the_bot_s_own_new_unclaimed_message_is_taken_for_it(stepped: SteppedBot) -> None:
    """The same words by another author, in another thread, of long ago, or of another key are not ours."""
    target, other = thread(stepped), thread(stepped)
    world, bot, group = stepped.world, stepped.setup.bot, stepped.setup.group
    world.post(bot, group, text="Hello", parent_id=target.parent_id)
    stepped.clock.turn(25 * 3600)
    world.say(stepped.setup.ada, group, "Hello", parent_id=target.parent_id)
    world.post(bot, group, text="Hello", parent_id=other.parent_id)
    stepped.outbox.send("another", target, "Hello")
    fails(stepped, "key", target, **NOT_POSTED)

    posted = stepped.outbox.send("key", target, "Hello")

    assert posted.message_id == world.messages(group)[-1].id
    assert len(sent(stepped, "Hello")) == 4


def test_where_the_bot_cannot_look_it_does_not_guess(stepped: SteppedBot) -> None:
    target = nowhere_to_look(stepped)
    fails(stepped, "key", target, **LOST)

    for _ in range(2):
        with pytest.raises(Unsure):
            stepped.outbox.send("key", target, "Hello")

    assert len(sent(stepped, "Hello")) == 1
    assert row_of(stepped, "key").state == messages.UNSURE


@pytest.mark.parametrize("place", PLACES)
def test_where_webex_refuses_to_list_the_bot_does_not_guess(stepped: SteppedBot, place: str) -> None:
    target = PLACES[place](stepped)
    stepped.world.lists_threads = False
    stepped.emulator.faults.add(method="GET", path="/v1/messages/direct", status=403)
    fails(stepped, "key", target, **LOST)

    for _ in range(2):
        with pytest.raises(Unsure):
            stepped.outbox.send("key", target, "Hello")

    assert len(sent(stepped, "Hello")) == 1


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_clear_refusal_may_be_tried_again_without_a_look(stepped: SteppedBot, status: int) -> None:
    stepped.world.lists_threads = False
    target = nowhere_to_look(stepped)
    for _ in range(2):
        fails(stepped, "key", target, **POST, status=status, times=1)
        stepped.clock.turn(2)  # a 429 holds all calls back for a moment

    stepped.outbox.send("key", target, "Hello")

    assert len(sent(stepped, "Hello")) == 1


def test_after_a_lost_answer_a_clear_refusal_makes_nothing_certain(stepped: SteppedBot) -> None:
    """Lists lag: the first look may be too early, so the next try looks again, and where it cannot does not guess."""
    target = thread(stepped)
    fails(stepped, "key", target, **NOT_POSTED)
    fails(stepped, "key", target, **POST, status=503, times=1)
    stepped.world.lists_threads = False

    with pytest.raises(Unsure):
        stepped.outbox.send("key", target, "Hello")


def test_while_the_list_fails_for_now_nothing_is_settled(stepped: SteppedBot) -> None:
    target = thread(stepped)
    fails(stepped, "key", target, **LOST)
    fails(stepped, "key", target, **LIST, status=503, times=1)

    stepped.outbox.send("key", target, "Hello")

    assert len(sent(stepped, "Hello")) == 1


@pytest.mark.parametrize(("content", "settles"), [("text", TEXT_SETTLES), ("file", FILE_SETTLES)])
def test_what_is_not_listed_yet_is_waited_for(patient: SteppedBot, tmp_path: Path, content: str, settles: Any) -> None:
    """Webex scans files first, and its lists lag."""
    (tmp_path / "usage.csv").write_bytes(b"Name\r\n")
    file = File("Hello", tmp_path / "usage.csv", "usage.csv", "text/csv")
    target, what = thread(patient), file if content == "file" else Text("Hello")
    patient.emulator.faults.add(**LOST)
    with pytest.raises(WebexError):
        patient.outbox.send("key", target, what)
    (late,) = sent(patient, "Hello")
    late.deleted = True  # as if it was not listed yet

    patient.clock.turn(settles.total_seconds() - 1)
    with pytest.raises(WebexError) as waiting:
        patient.outbox.send("key", target, what)
    late.deleted = False

    assert waiting.value.passing
    assert waiting.value.retry_after == pytest.approx(1)
    assert patient.outbox.send("key", target, what).message_id == late.id
    assert len(sent(patient, "Hello")) == 1


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(WebexError("POST messages", None, reached=None), id="no answer"),
        pytest.param(WebexError("POST messages", 504), id="504"),
        pytest.param(Crash(), id="killed"),
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_long_call_posted_is_waited_for_from_its_end(
    patient: SteppedBot, place: str, end: BaseException
) -> None:
    """Where the program was killed, nobody knows the end: it was before the next look."""
    post, target = patient.chat.post, PLACES[place](patient)

    def hangs(*_: Any, **__: Any) -> Posted:
        patient.clock.turn(60)
        raise end

    with patch.object(patient.chat, "post", hangs), pytest.raises(type(end)):
        patient.outbox.send("key", target, "Hello")
    for _ in range(2):
        patient.clock.turn(1)
        with pytest.raises(WebexError, match="not there yet"):
            patient.outbox.send("key", target, "Hello")
    late = post(target, markdown="Hello")
    patient.clock.turn(TEXT_SETTLES.total_seconds())

    assert patient.outbox.send("key", target, "Hello").message_id == late.message_id
    assert len(sent(patient, "Hello")) == 1


def test_what_the_version_before_tried_last_is_waited_for(patient: SteppedBot) -> None:
    """It stores when its call begins, and leaves the end of an earlier one as it is."""
    target = directly(patient)
    fails(patient, "key", target, **LOST)
    (late,) = sent(patient, "Hello")
    late.deleted = True  # as if it was not listed yet
    patient.clock.turn(60)
    with patient.database.begin() as tx:
        tx.execute(update(tables.messages).values(tried_at=patient.clock.now()))
    patient.clock.turn(1)
    with pytest.raises(WebexError, match="not there yet"):
        patient.outbox.send("key", target, "Hello")
    late.deleted = False

    assert patient.outbox.send("key", target, "Hello").message_id == late.id


def test_what_the_database_cannot_store_at_once_is_stored_later_and_not_looked_for(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Webex does not show a bot every thread: what it has answered must not be forgotten for an outage of seconds."""
    settle, tries = messages.settle, []

    def away_at_first(*args: Any, **values: Any) -> None:
        tries.append(args)
        if len(tries) < 3:
            raise DatabaseUnavailable(OSError("away"))
        settle(*args, **values)

    monkeypatch.setattr(messages, "settle", away_at_first)
    person = stepped.services.identity.person
    outbox = Outbox(stepped.database, stepped.chat, person, stepped.clock, database_waits=(0.0, 0.0))
    before = stepped.calls("GET", "/v1/messages")

    outbox.send("key", directly(stepped), "words")

    assert outbox.was_sent("key")
    assert stepped.calls("POST", "/v1/messages") == 1
    assert stepped.calls("GET", "/v1/messages") == before


def test_of_two_workers_that_look_at_once_one_sends_again(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(stepped, "key", directly(stepped), **NOT_POSTED)
    other = Outbox(stepped.database, stepped.chat, stepped.services.identity.person, stepped.clock)
    look = Outbox._look_for

    def both_look(outbox: Outbox, message: messages.Message) -> Any:
        found = look(outbox, message)
        if outbox is not other:
            monkeypatch.setattr(Outbox, "_look_for", look)
            other.send("key", directly(stepped), "Hello")
        return found

    stepped.clock.turn(TEXT_SETTLES.total_seconds() + 1)
    monkeypatch.setattr(Outbox, "_look_for", both_look)

    with pytest.raises(WebexError) as caught:
        stepped.outbox.send("key", directly(stepped), "Hello")

    assert caught.value.passing
    assert len(sent(stepped, "Hello")) == 1


def test_what_is_never_listed_is_sent_again(patient: SteppedBot) -> None:
    target = thread(patient)
    fails(patient, "key", target, **NOT_POSTED)
    patient.clock.turn(TEXT_SETTLES.total_seconds())

    patient.outbox.send("key", target, "Hello")

    assert len(sent(patient, "Hello")) == 1


@pytest.mark.parametrize("field", ["text", "markdown", "html"])
def test_a_message_is_recognized_by_whatever_webex_shows_of_it(stepped: SteppedBot, field: str) -> None:
    target = thread(stepped)
    fails(stepped, "key", target, "Hello reference7", **NOT_POSTED)
    shown: dict[str, Any] = {field: "Hello reference7"}
    posted = stepped.world.post(stepped.setup.bot, stepped.setup.group, parent_id=target.parent_id, **shown)

    assert stepped.outbox.send("key", target, "Hello reference7").message_id == posted.id


@pytest.mark.parametrize("place", PLACES)
def test_a_message_is_recognized_by_the_words_of_each_try(stepped: SteppedBot, place: str) -> None:
    """A percentage, a time or a status may differ from try to try."""
    target = PLACES[place](stepped)
    stepped.emulator.faults.add(**NOT_POSTED)
    stepped.emulator.faults.add(**LOST)
    stepped.emulator.faults.add(**LIST, status=503, times=1, skip=1)
    for percent in (10, 20, 30):
        with pytest.raises(WebexError):
            stepped.outbox.send("key", target, f"Hello: {percent} %")

    stepped.outbox.send("key", target, "Hello: 40 %")

    assert len(sent(stepped, "Hello: 20 %")) == len(sent(stepped, "Hello")) == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_message_is_never_taken_for_another_of_the_same_request(stepped: SteppedBot, place: str) -> None:
    """Two at once whose answers are lost: the second was posted, the first was not."""
    target = PLACES[place](stepped)
    first, second = "Usage: In progress. Reference r7.", "Usage: Ready. Reference r7."
    fails(stepped, "first", target, first, **NOT_POSTED)
    fails(stepped, "second", target, second, **LOST)

    one, other = stepped.outbox.send("first", target, first), stepped.outbox.send("second", target, second)

    assert one.message_id != other.message_id
    assert len(sent(stepped, first)) == len(sent(stepped, second)) == 1


def test_a_message_is_recognized_though_our_clock_is_ahead_of_webex_s(stepped: SteppedBot) -> None:
    target = thread(stepped)
    posted = stepped.world.post(stepped.setup.bot, stepped.setup.group, text="Hello", parent_id=target.parent_id)
    stepped.clock.turn(3600)
    fails(stepped, "key", target, **NOT_POSTED)

    assert stepped.outbox.send("key", target, "Hello").message_id == posted.id


@pytest.mark.parametrize("title", ["R&amp;D", "A &lt;b&gt;", "&copy; &#65;", "R&D", "<b>"])
@pytest.mark.parametrize("rendered", [True, False], ids=["as Webex renders it", "with its entities"])
def test_a_title_with_an_entity_is_recognized(stepped: SteppedBot, title: str, rendered: bool) -> None:
    target, words = thread(stepped), f"**{escape_markdown(title)}**: done"
    fails(stepped, "key", target, words, **NOT_POSTED)
    shown = words.replace("*", "") if rendered else escape(words.replace("*", ""))
    posted = stepped.world.post(stepped.setup.bot, stepped.setup.group, text=shown, parent_id=target.parent_id)

    assert stepped.outbox.send("key", target, words).message_id == posted.id


@given(st.text())
def test_a_fingerprint_is_that_of_the_rendered_text(foreign: str) -> None:
    markdown = f"**{escape_markdown(foreign)}**: `done` & [shown](webexteams://im?space=1&message=2)"
    text, *_ = from_markdown(markdown, lambda *_: None)
    assert "webexteams" not in text, "else this proves nothing of links"
    assert fingerprint(text) == fingerprint(markdown) != fingerprint(f"{markdown} 2")


def test_a_message_of_which_webex_tells_no_space_is_settled(stepped: SteppedBot) -> None:
    target = thread(stepped)
    stepped.emulator.faults.add(**POST, status=200, body={"id": "M"}, times=1)

    assert stepped.outbox.send("key", target, "Hello").message_id == "M"

    row = row_of(stepped, "key")
    assert (row.state, row.message_id, row.room_id) == (messages.SENT, "M", target.room_id)


@dataclass(frozen=True)
class Orphan:
    """A thread whose root was deleted."""

    target: Target
    sent: Any


def thread_without_root(stepped: SteppedBot, *, direct: bool) -> Orphan:
    space = stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot) if direct else stepped.setup.group
    root = stepped.world.say(stepped.setup.ada, space, "hello")
    stepped.world.delete(root, stepped.setup.ada)
    return Orphan(Target(room_id=space.id, parent_id=root.id, direct=direct), lambda: stepped.said(space))


@pytest.mark.parametrize("direct", [True, False])
def test_a_thread_whose_root_was_deleted_is_answered_outside_of_it(stepped: SteppedBot, direct: bool) -> None:
    orphan = thread_without_root(stepped, direct=direct)

    first = stepped.outbox.send("key", orphan.target, "Hello")

    assert stepped.outbox.send("key", orphan.target, "Hello") == first
    assert [one.parent_id for one in orphan.sent()] == [None]
    assert stepped.outbox.edit("key", "Hello, again")
    stepped.outbox.delete("key")
    assert orphan.sent() == []


@pytest.mark.parametrize("direct", [True, False])
def test_outside_of_its_thread_too_a_lost_answer_is_not_sent_twice(stepped: SteppedBot, direct: bool) -> None:
    """In a 1:1 space the bot looks; in a group space it cannot, and does not guess."""
    orphan = thread_without_root(stepped, direct=direct)
    fails(stepped, "key", orphan.target, **LOST, skip=1)

    if direct:
        stepped.outbox.send("key", orphan.target, "Hello")
    else:
        with pytest.raises(Unsure):
            stepped.outbox.send("key", orphan.target, "Hello")

    assert len(orphan.sent()) == 1


def test_a_message_is_edited_when_it_is_there(stepped: SteppedBot) -> None:
    target = thread(stepped)
    assert not stepped.outbox.edit("key", "Hello")
    stepped.outbox.send("key", target, "Hello")

    assert stepped.outbox.edit("key", "Hello, again")

    assert [one.text for one in stepped.said(stepped.setup.group)] == ["Hello, again"]


@pytest.mark.parametrize("place", PLACES)
def test_a_deleted_message_is_gone_and_its_key_may_be_sent_again(stepped: SteppedBot, place: str) -> None:
    target = PLACES[place](stepped)
    first = stepped.outbox.send("key", target, "Hello")

    for _ in range(2):  # a second time is harmless
        stepped.outbox.delete("key")
    assert sent(stepped, "Hello") == []
    assert not stepped.outbox.edit("key", "Hello")
    assert not stepped.outbox.was_intended("key")

    second = stepped.outbox.send("key", target, "Hello")
    assert second.message_id != first.message_id
    assert stepped.outbox.send("key", target, "Hello") == second
    assert len(sent(stepped, "Hello")) == 1


@pytest.mark.parametrize("point", range(1, 5))
def test_a_message_is_deleted_wherever_the_program_is_killed(stepped: SteppedBot, point: int) -> None:
    """The points: before and after the message is deleted, and before and after that is stored."""
    stepped.outbox.send("key", thread(stepped), "Hello")
    stepped.points.passed, stepped.points.deadly = 0, point
    with pytest.raises(Crash):
        stepped.outbox.delete("key")
    stepped.restart()

    stepped.outbox.delete("key")

    assert sent(stepped, "Hello") == []
    assert not stepped.outbox.was_intended("key")


@pytest.mark.parametrize("place", PLACES)
def test_what_was_sent_unnoticed_is_deleted_each_try_of_it(stepped: SteppedBot, place: str) -> None:
    target = PLACES[place](stepped)
    fails(stepped, "key", target, "Hello: 40 %", **LOST)
    (first,) = sent(stepped, "Hello")
    first.deleted = True  # as if it was not listed yet
    fails(stepped, "key", target, "Hello: 50 %", **LOST)
    first.deleted = False

    stepped.outbox.delete("key")

    assert sent(stepped, "Hello") == []


def test_what_may_still_appear_is_deleted_when_it_does(stepped: SteppedBot) -> None:
    target = thread(stepped)
    fails(stepped, "key", target, **NOT_POSTED)
    with pytest.raises(WebexError) as waiting:
        stepped.outbox.delete("key")
    stepped.world.post(stepped.setup.bot, stepped.setup.group, text="Hello", parent_id=target.parent_id)

    stepped.outbox.delete("key")

    assert waiting.value.passing
    assert sent(stepped, "Hello") == []


def test_what_never_appears_is_not_looked_for_for_ever(stepped: SteppedBot) -> None:
    fails(stepped, "key", thread(stepped), **NOT_POSTED)
    stepped.clock.turn(121)

    stepped.outbox.delete("key")

    assert not stepped.outbox.was_intended("key")


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_bot_may_not_look_any_more_it_does_not_look_for_ever(stepped: SteppedBot, status: int) -> None:
    fails(stepped, "key", thread(stepped), **LOST)
    looked = stepped.emulator.faults.add(**LIST, status=status)

    for _ in range(3):
        stepped.outbox.delete("key")

    assert looked.hits == 1
    assert row_of(stepped, "key").state == messages.UNSURE, "it may be there, so it is not sent again"


@pytest.mark.parametrize(("status", "passing"), [(403, False), (404, False), (429, True), (503, True)])
def test_a_message_that_webex_does_not_delete_is_tried_again_where_that_may_help(
    stepped: SteppedBot, status: int, passing: bool
) -> None:
    stepped.outbox.send("key", thread(stepped), "Hello")
    fault = stepped.emulator.faults.add(**DELETE, status=status, times=1)

    if passing:
        with pytest.raises(WebexError):
            stepped.outbox.delete("key")
        stepped.clock.turn(2)
    stepped.outbox.delete("key")

    assert fault.hits == 1
    assert not stepped.outbox.was_intended("key")
    assert (sent(stepped, "Hello") == []) is passing


def test_a_press_confirms_a_message_whose_answer_was_lost(stepped: SteppedBot) -> None:
    target = nowhere_to_look(stepped)
    fails(stepped, "key", target, **LOST)
    (message,) = sent(stepped, "Hello")

    for message_id in (message.id, "another"):
        stepped.outbox.confirm(row_of(stepped, "key"), message_id, message.room_id)

    assert stepped.outbox.send("key", target, "Hello").message_id == message.id
    assert len(sent(stepped, "Hello")) == 1


def test_rows_that_belong_together_are_stored_with_the_intent_and_the_outcome(stepped: SteppedBot) -> None:
    target, seen = thread(stepped), []

    def before(tx: Transaction) -> None:
        seen.append(("before", messages.was_intended(tx, "key"), len(sent(stepped, "Hello"))))

    def then(_: Transaction, posted: Sent) -> None:
        seen.append(("then", posted.message_id == sent(stepped, "Hello")[0].id, posted.row_id))

    stepped.emulator.faults.add(**LOST)
    with pytest.raises(WebexError):
        stepped.outbox.send("key", target, "Hello", before=before, then=then)
    stepped.outbox.send("key", target, "Hello", before=before, then=then)

    row_id = row_of(stepped, "key").id
    assert seen == [("before", True, 0), ("before", True, 1), ("then", True, row_id)]


def test_secrets_are_masked_in_all_that_is_sent(
    stepped: SteppedBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_hidden", logs._Hidden())
    logs.register_secrets(SECRET)
    path = tmp_path / "usage.csv"
    path.write_bytes(b"Name\r\n")
    card = {"type": "AdaptiveCard", "version": "1.2", "body": [{"type": "TextBlock", "text": SECRET}]}
    target = thread(stepped)

    stepped.outbox.send("text", target, SECRET)
    stepped.outbox.send("card", target, Text(f"Card {SECRET}", card))
    stepped.outbox.send("file", target, File(f"File {SECRET}", path, f"{SECRET}.csv", "text/csv"))
    stepped.outbox.edit("text", f"Edited {SECRET}")

    shown = stepped.said(stepped.setup.group)
    assert len(shown) == 3
    assert SECRET not in "".join(str(vars(one)) for one in shown)


def test_a_text_that_is_too_long_for_webex_is_cut(stepped: SteppedBot) -> None:
    stepped.outbox.send("key", directly(stepped), "ü" * MAX_TEXT_BYTES)

    (message,) = stepped.said()
    assert len((message.markdown or "").encode()) <= MAX_TEXT_BYTES


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(4, 60))
def test_a_cut_text_is_whole_letters_within_the_limit(text: str, limit: int) -> None:
    cut = shortened(text, limit)
    assert len(cut.encode()) <= limit
    assert cut == text or text.startswith(cut.removesuffix(" …"))
