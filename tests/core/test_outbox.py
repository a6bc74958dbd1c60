"""The outbox sends a message once, wherever the program is killed and whatever becomes of Webex's answer."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.db import messages
from bot.emulator.mentions import from_markdown
from bot.errors import WebexError
from bot.outbox import FILE_SETTLES, TEXT_SETTLES, File, Outbox, Sent, Text, Unsure, fingerprint
from bot.text import MAX_TEXT_BYTES, escape_markdown, shortened
from bot.webex.types import Target
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
from tests.core.workbench import Crash

if TYPE_CHECKING:
    from pathlib import Path

    from bot.db.database import Transaction
    from tests.core.workbench import Workbench


pytestmark = pytest.mark.threads_listed

SECRET = "a-registered-secret-0123456789"


@pytest.fixture
def patient(bench: Workbench) -> Workbench:
    """Return the workbench with the product's own waits for what may still appear."""
    identity = bench.services.identity.person
    bench.outbox = Outbox(bench.database, bench.chat, identity, bench.clock, settle=(TEXT_SETTLES, FILE_SETTLES))
    return bench


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("point", [1, 2, 3, 4, 5, 6])
def test_a_message_is_sent_once_wherever_the_program_is_killed(bench: Workbench, place: str, point: int) -> None:
    """The points: before and after the intent is stored, the post is made, the outcome is stored."""
    target = PLACES[place](bench)
    bench.points.deadly = point
    with pytest.raises(Crash):
        bench.outbox.send("key", target, "**Hello**, it is `done` & well")
    bench.restart()

    posted = bench.outbox.send("key", target, "**Hello**, it is `done` & well")

    (message,) = sent(bench, "Hello")
    assert posted.message_id == message.id
    assert row_of(bench, "key").state == messages.SENT


@pytest.mark.parametrize("fault", [LOST, NOT_POSTED, {**POST, "status": 504, "times": 1}], ids=str)
@pytest.mark.parametrize("place", PLACES)
def test_after_a_lost_answer_the_bot_looks_before_it_sends_again(
    bench: Workbench, place: str, fault: dict[str, Any]
) -> None:
    target = PLACES[place](bench)
    fails(bench, "key", target, **fault)

    bench.outbox.send("key", target, "Hello")

    assert len(sent(bench, "Hello")) == 1


def test_a_lost_first_message_to_a_person_is_sent_again_though_there_is_no_space_to_look_into(bench: Workbench) -> None:
    target = Target(person_id=bench.stage.nora.id, direct=True)
    fails(bench, "key", target, **POST, status=504, times=1)
    assert all(space.type == "group" for space in bench.world.spaces.values())

    posted = bench.outbox.send("key", target, "Hello")

    assert [one.id for one in bench.said(person=bench.stage.nora)] == [posted.message_id]


def test_only_the_bot_s_own_new_unclaimed_message_is_taken_for_it(bench: Workbench) -> None:
    """The same words by another author, in another thread, of long ago, or of another key are not ours."""
    target, other = thread(bench), thread(bench)
    world, bot, group = bench.world, bench.stage.bot, bench.stage.group
    world.post(bot, group, text="Hello", parent_id=target.parent_id)
    bench.clock.turn(25 * 3600)
    world.say(bench.stage.ada, group, "Hello", parent_id=target.parent_id)
    world.post(bot, group, text="Hello", parent_id=other.parent_id)
    bench.outbox.send("another", target, "Hello")
    fails(bench, "key", target, **NOT_POSTED)

    posted = bench.outbox.send("key", target, "Hello")

    assert posted.message_id == world.messages(group)[-1].id
    assert len(sent(bench, "Hello")) == 4


def test_where_the_bot_cannot_look_it_does_not_guess(bench: Workbench) -> None:
    target = nowhere_to_look(bench)
    fails(bench, "key", target, **LOST)

    for _ in range(2):
        with pytest.raises(Unsure):
            bench.outbox.send("key", target, "Hello")

    assert len(sent(bench, "Hello")) == 1
    assert row_of(bench, "key").state == messages.UNSURE


@pytest.mark.parametrize("place", PLACES)
def test_where_webex_refuses_to_list_the_bot_does_not_guess(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    bench.world.lists_threads = False
    bench.emulator.faults.add(method="GET", path="/v1/messages/direct", status=403)
    fails(bench, "key", target, **LOST)

    for _ in range(2):
        with pytest.raises(Unsure):
            bench.outbox.send("key", target, "Hello")

    assert len(sent(bench, "Hello")) == 1


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_clear_refusal_may_be_tried_again_without_a_look(bench: Workbench, status: int) -> None:
    bench.world.lists_threads = False
    target = nowhere_to_look(bench)
    for _ in range(2):
        fails(bench, "key", target, **POST, status=status, times=1)
        bench.clock.turn(2)  # a 429 holds all calls back for a moment

    bench.outbox.send("key", target, "Hello")

    assert len(sent(bench, "Hello")) == 1


def test_after_a_lost_answer_a_clear_refusal_makes_nothing_certain(bench: Workbench) -> None:
    """Lists lag: the first look may be too early, so the next try looks again, and where it cannot does not guess."""
    target = thread(bench)
    fails(bench, "key", target, **NOT_POSTED)
    fails(bench, "key", target, **POST, status=503, times=1)
    bench.world.lists_threads = False

    with pytest.raises(Unsure):
        bench.outbox.send("key", target, "Hello")


def test_while_the_list_fails_for_now_nothing_is_settled(bench: Workbench) -> None:
    target = thread(bench)
    fails(bench, "key", target, **LOST)
    fails(bench, "key", target, **LIST, status=503, times=1)

    bench.outbox.send("key", target, "Hello")

    assert len(sent(bench, "Hello")) == 1


@pytest.mark.parametrize(("content", "settles"), [("text", TEXT_SETTLES), ("file", FILE_SETTLES)])
def test_what_is_not_listed_yet_is_waited_for(patient: Workbench, tmp_path: Path, content: str, settles: Any) -> None:
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


def test_what_is_never_listed_is_sent_again(patient: Workbench) -> None:
    target = thread(patient)
    fails(patient, "key", target, **NOT_POSTED)
    patient.clock.turn(TEXT_SETTLES.total_seconds())

    patient.outbox.send("key", target, "Hello")

    assert len(sent(patient, "Hello")) == 1


@pytest.mark.parametrize("field", ["text", "markdown", "html"])
def test_a_message_is_recognized_by_whatever_webex_shows_of_it(bench: Workbench, field: str) -> None:
    target = thread(bench)
    fails(bench, "key", target, "Hello reference7", **NOT_POSTED)
    shown: dict[str, Any] = {field: "Hello reference7"}
    posted = bench.world.post(bench.stage.bot, bench.stage.group, parent_id=target.parent_id, **shown)

    assert bench.outbox.send("key", target, "Hello reference7").message_id == posted.id


@pytest.mark.parametrize("place", PLACES)
def test_a_message_is_recognized_by_the_words_of_each_try(bench: Workbench, place: str) -> None:
    """A percentage, a time or a status may differ from try to try."""
    target = PLACES[place](bench)
    bench.emulator.faults.add(**NOT_POSTED)
    bench.emulator.faults.add(**LOST)
    bench.emulator.faults.add(**LIST, status=503, times=1, skip=1)
    for percent in (10, 20, 30):
        with pytest.raises(WebexError):
            bench.outbox.send("key", target, f"Hello: {percent} %")

    bench.outbox.send("key", target, "Hello: 40 %")

    assert len(sent(bench, "Hello: 20 %")) == len(sent(bench, "Hello")) == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_message_is_never_taken_for_another_of_the_same_request(bench: Workbench, place: str) -> None:
    """Two at once whose answers are lost: the second was posted, the first was not."""
    target = PLACES[place](bench)
    first, second = "Usage: In progress. Reference r7.", "Usage: Ready. Reference r7."
    fails(bench, "first", target, first, **NOT_POSTED)
    fails(bench, "second", target, second, **LOST)

    one, other = bench.outbox.send("first", target, first), bench.outbox.send("second", target, second)

    assert one.message_id != other.message_id
    assert len(sent(bench, first)) == len(sent(bench, second)) == 1


def test_a_message_is_recognized_though_our_clock_is_ahead_of_webex_s(bench: Workbench) -> None:
    target = thread(bench)
    posted = bench.world.post(bench.stage.bot, bench.stage.group, text="Hello", parent_id=target.parent_id)
    bench.clock.turn(3600)
    fails(bench, "key", target, **NOT_POSTED)

    assert bench.outbox.send("key", target, "Hello").message_id == posted.id


@pytest.mark.parametrize("title", ["R&amp;D", "A &lt;b&gt;", "&copy; &#65;", "R&D", "<b>"])
@pytest.mark.parametrize("rendered", [True, False], ids=["as Webex renders it", "with its entities"])
def test_a_title_with_an_entity_is_recognized(bench: Workbench, title: str, rendered: bool) -> None:
    target, words = thread(bench), f"**{escape_markdown(title)}**: done"
    fails(bench, "key", target, words, **NOT_POSTED)
    shown = words.replace("*", "") if rendered else escape(words.replace("*", ""))
    posted = bench.world.post(bench.stage.bot, bench.stage.group, text=shown, parent_id=target.parent_id)

    assert bench.outbox.send("key", target, words).message_id == posted.id


@given(st.text())
def test_a_fingerprint_is_that_of_the_rendered_text(foreign: str) -> None:
    markdown = f"**{escape_markdown(foreign)}**: `done` & [shown](webexteams://im?space=1&message=2)"
    text, *_ = from_markdown(markdown, lambda *_: None)
    assert "webexteams" not in text, "else this proves nothing of links"
    assert fingerprint(text) == fingerprint(markdown) != fingerprint(f"{markdown} 2")


def test_a_message_of_which_webex_tells_no_space_is_settled(bench: Workbench) -> None:
    target = thread(bench)
    bench.emulator.faults.add(**POST, status=200, body={"id": "M"}, times=1)

    assert bench.outbox.send("key", target, "Hello").message_id == "M"

    row = row_of(bench, "key")
    assert (row.state, row.message_id, row.room_id) == (messages.SENT, "M", target.room_id)


@dataclass(frozen=True)
class Orphan:
    """A thread whose root was deleted."""

    target: Target
    sent: Any


def thread_without_root(bench: Workbench, *, direct: bool) -> Orphan:
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot) if direct else bench.stage.group
    root = bench.world.say(bench.stage.ada, space, "hello")
    bench.world.delete(root, bench.stage.ada)
    return Orphan(Target(room_id=space.id, parent_id=root.id, direct=direct), lambda: bench.said(space))


@pytest.mark.parametrize("direct", [True, False])
def test_a_thread_whose_root_was_deleted_is_answered_outside_of_it(bench: Workbench, direct: bool) -> None:
    orphan = thread_without_root(bench, direct=direct)

    first = bench.outbox.send("key", orphan.target, "Hello")

    assert bench.outbox.send("key", orphan.target, "Hello") == first
    assert [one.parent_id for one in orphan.sent()] == [None]
    assert bench.outbox.edit("key", "Hello, again")
    bench.outbox.delete("key")
    assert orphan.sent() == []


@pytest.mark.parametrize("direct", [True, False])
def test_outside_of_its_thread_too_a_lost_answer_is_not_sent_twice(bench: Workbench, direct: bool) -> None:
    """In a 1:1 space the bot looks; in a group space it cannot, and does not guess."""
    orphan = thread_without_root(bench, direct=direct)
    fails(bench, "key", orphan.target, **LOST, skip=1)

    if direct:
        bench.outbox.send("key", orphan.target, "Hello")
    else:
        with pytest.raises(Unsure):
            bench.outbox.send("key", orphan.target, "Hello")

    assert len(orphan.sent()) == 1


def test_a_message_is_edited_when_it_is_there(bench: Workbench) -> None:
    target = thread(bench)
    assert not bench.outbox.edit("key", "Hello")
    bench.outbox.send("key", target, "Hello")

    assert bench.outbox.edit("key", "Hello, again")

    assert [one.text for one in bench.said(bench.stage.group)] == ["Hello, again"]


@pytest.mark.parametrize("place", PLACES)
def test_a_deleted_message_is_gone_and_its_key_may_be_sent_again(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    first = bench.outbox.send("key", target, "Hello")

    for _ in range(2):  # a second time is harmless
        bench.outbox.delete("key")
    assert sent(bench, "Hello") == []
    assert not bench.outbox.edit("key", "Hello")
    assert not bench.outbox.was_intended("key")

    second = bench.outbox.send("key", target, "Hello")
    assert second.message_id != first.message_id
    assert bench.outbox.send("key", target, "Hello") == second
    assert len(sent(bench, "Hello")) == 1


@pytest.mark.parametrize("point", range(1, 5))
def test_a_message_is_deleted_wherever_the_program_is_killed(bench: Workbench, point: int) -> None:
    """The points: before and after the message is deleted, and before and after that is stored."""
    bench.outbox.send("key", thread(bench), "Hello")
    bench.points.passed, bench.points.deadly = 0, point
    with pytest.raises(Crash):
        bench.outbox.delete("key")
    bench.restart()

    bench.outbox.delete("key")

    assert sent(bench, "Hello") == []
    assert not bench.outbox.was_intended("key")


@pytest.mark.parametrize("place", PLACES)
def test_what_was_sent_unnoticed_is_deleted_each_try_of_it(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    fails(bench, "key", target, "Hello: 40 %", **LOST)
    (first,) = sent(bench, "Hello")
    first.deleted = True  # as if it was not listed yet
    fails(bench, "key", target, "Hello: 50 %", **LOST)
    first.deleted = False

    bench.outbox.delete("key")

    assert sent(bench, "Hello") == []


def test_what_may_still_appear_is_deleted_when_it_does(bench: Workbench) -> None:
    target = thread(bench)
    fails(bench, "key", target, **NOT_POSTED)
    with pytest.raises(WebexError) as waiting:
        bench.outbox.delete("key")
    bench.world.post(bench.stage.bot, bench.stage.group, text="Hello", parent_id=target.parent_id)

    bench.outbox.delete("key")

    assert waiting.value.passing
    assert sent(bench, "Hello") == []


def test_what_never_appears_is_not_looked_for_for_ever(bench: Workbench) -> None:
    fails(bench, "key", thread(bench), **NOT_POSTED)
    bench.clock.turn(121)

    bench.outbox.delete("key")

    assert not bench.outbox.was_intended("key")


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_bot_may_not_look_any_more_it_does_not_look_for_ever(bench: Workbench, status: int) -> None:
    fails(bench, "key", thread(bench), **LOST)
    looked = bench.emulator.faults.add(**LIST, status=status)

    for _ in range(3):
        bench.outbox.delete("key")

    assert looked.hits == 1
    assert row_of(bench, "key").state == messages.UNSURE, "it may be there, so it is not sent again"


@pytest.mark.parametrize(("status", "passing"), [(403, False), (404, False), (429, True), (503, True)])
def test_a_message_that_webex_does_not_delete_is_tried_again_where_that_may_help(
    bench: Workbench, status: int, passing: bool
) -> None:
    bench.outbox.send("key", thread(bench), "Hello")
    fault = bench.emulator.faults.add(**DELETE, status=status, times=1)

    if passing:
        with pytest.raises(WebexError):
            bench.outbox.delete("key")
        bench.clock.turn(2)
    bench.outbox.delete("key")

    assert fault.hits == 1
    assert not bench.outbox.was_intended("key")
    assert (sent(bench, "Hello") == []) is passing


def test_a_press_confirms_a_message_whose_answer_was_lost(bench: Workbench) -> None:
    target = nowhere_to_look(bench)
    fails(bench, "key", target, **LOST)
    (message,) = sent(bench, "Hello")

    for message_id in (message.id, "another"):
        bench.outbox.confirm(row_of(bench, "key"), message_id, message.room_id)

    assert bench.outbox.send("key", target, "Hello").message_id == message.id
    assert len(sent(bench, "Hello")) == 1


def test_rows_that_belong_together_are_stored_with_the_intent_and_the_outcome(bench: Workbench) -> None:
    target, seen = thread(bench), []

    def before(tx: Transaction) -> None:
        seen.append(("before", messages.was_intended(tx, "key"), len(sent(bench, "Hello"))))

    def then(_: Transaction, posted: Sent) -> None:
        seen.append(("then", posted.message_id == sent(bench, "Hello")[0].id, posted.row_id))

    bench.emulator.faults.add(**LOST)
    with pytest.raises(WebexError):
        bench.outbox.send("key", target, "Hello", before=before, then=then)
    bench.outbox.send("key", target, "Hello", before=before, then=then)

    row_id = row_of(bench, "key").id
    assert seen == [("before", True, 0), ("before", True, 1), ("then", True, row_id)]


def test_secrets_are_masked_in_all_that_is_sent(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_hidden", logs._Hidden())
    logs.register_secrets(SECRET)
    path = tmp_path / "usage.csv"
    path.write_bytes(b"Name\r\n")
    card = {"type": "AdaptiveCard", "version": "1.2", "body": [{"type": "TextBlock", "text": SECRET}]}
    target = thread(bench)

    bench.outbox.send("text", target, SECRET)
    bench.outbox.send("card", target, Text(f"Card {SECRET}", card))
    bench.outbox.send("file", target, File(f"File {SECRET}", path, f"{SECRET}.csv", "text/csv"))
    bench.outbox.edit("text", f"Edited {SECRET}")

    shown = bench.said(bench.stage.group)
    assert len(shown) == 3
    assert SECRET not in "".join(str(vars(one)) for one in shown)


def test_a_text_that_is_too_long_for_webex_is_cut(bench: Workbench) -> None:
    bench.outbox.send("key", directly(bench), "ü" * MAX_TEXT_BYTES)

    (message,) = bench.said()
    assert len((message.markdown or "").encode()) <= MAX_TEXT_BYTES


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(4, 60))
def test_a_cut_text_is_whole_letters_within_the_limit(text: str, limit: int) -> None:
    cut = shortened(text, limit)
    assert len(cut.encode()) <= limit
    assert cut == text or text.startswith(cut.removesuffix(" …"))
