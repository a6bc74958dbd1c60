"""The outbox says a thing once, wherever the program is killed and whatever becomes of Webex's answer."""

from __future__ import annotations

from html import escape
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest
from bot.fingerprint import fingerprint
from hypothesis import given
from hypothesis import strategies as st

from bot.db import messages
from bot.db.requests import State
from bot.emulator.mentions import from_markdown
from bot.errors import WebexError
from bot.outbox import Outbox, Unsure
from bot.text import MAX_TEXT_BYTES, escape_markdown, shortened
from bot.webex.types import Target
from tests.core.posting import GENTLY, PLACES, later, nowhere_to_look, one_to_one, said, state_of, thread
from tests.core.workbench import Crash
from tests.stage import ADMIN_OF_BOTH, CSV

if TYPE_CHECKING:
    from bot.emulator.faults import Cut
    from tests.core.workbench import Workbench


pytestmark = pytest.mark.threads_listed


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("point", [1, 2, 3, 4, 5, 6])
def test_a_message_is_said_once_wherever_the_program_is_killed(bench: Workbench, place: str, point: int) -> None:
    """The points: before and after the intent is kept, the post is made, the outcome is kept."""
    target = PLACES[place](bench)
    bench.points.deadly = point
    with pytest.raises(Crash):
        bench.outbox.say("key", target, "**Hello**, it is `done` & well")
    bench.restart()

    posted = bench.outbox.say("key", target, "**Hello**, it is `done` & well")

    (message,) = said(bench, "Hello")
    assert posted.message_id == message.id
    assert state_of(bench, "key").state == messages.SENT


def crashed_dialogue(bench: Workbench, point: int) -> bool:
    """A whole dialogue with a kill at one point; False when it has fewer points than that."""
    report = bench.stage.partner_report(status="In progress")
    bench.points.passed, bench.points.deadly = 0, point
    try:
        bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
        bench.work()
        bench.world.set_report(report.id, status="done")
        bench.wait(11)
    except Crash:
        bench.points.deadly = None
        # While it was gone, the world went on.
        bench.world.set_report(report.id, status="done")
        bench.restart()
        bench.work()
        for _ in range(3):
            bench.wait(GENTLY)
        return True
    return False


def test_one_card_and_one_file_wherever_the_program_is_killed(bench: Workbench) -> None:
    """Every point before and after every commit and every post of a whole dialogue, one kill each."""
    for point in count(1):
        before = len(bench.said(bench.stage.group))
        if not crashed_dialogue(bench, point):
            break
        heard = bench.said(bench.stage.group)[before:]
        kinds = [("card" if one.card else "file" if one.files else one.text) for one in heard]
        assert kinds == ["card", "file"], f"killed at point {point}"
        assert heard[1].files[0].path.read_bytes() == CSV
        assert bench.request(point).state is State.DELIVERED
    assert point > 15, "the dialogue has so many points at least"


@pytest.mark.parametrize("place", PLACES)
def test_a_lost_answer_is_looked_for(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_post_that_took_no_effect_is_made_again(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=504, times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


def test_a_lost_first_post_to_somebody_is_made_again_though_there_is_no_space_to_look_into(bench: Workbench) -> None:
    target = Target(person_id=bench.stage.nora.id, direct=True)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=504, times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")
    assert all(space.type == "group" for space in bench.world.spaces.values())

    posted = bench.outbox.say("key", target, "Hello")

    space = bench.world.direct_space(bench.stage.nora, bench.stage.bot)
    assert [one.id for one in bench.world.messages(space)] == [posted.message_id]


def test_only_the_bot_s_own_new_unclaimed_message_is_taken_for_it(bench: Workbench) -> None:
    """The same words by somebody else, in another thread, of long ago, or of another post are not ours."""
    target, other = thread(bench), thread(bench)
    world, bot, group = bench.world, bench.stage.bot, bench.stage.group
    world.post(bot, group, text="Hello", parent_id=target.parent_id)
    bench.clock.turn(25 * 3600)
    world.say(bench.stage.ada, group, "Hello", parent_id=target.parent_id)
    world.post(bot, group, text="Hello", parent_id=other.parent_id)
    bench.outbox.say("another", target, "Hello")
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    posted = bench.outbox.say("key", target, "Hello")

    assert posted.message_id == world.messages(group)[-1].id
    assert len(said(bench, "Hello")) == 4


def test_where_the_bot_cannot_look_it_does_not_guess(bench: Workbench) -> None:
    target = nowhere_to_look(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    for _ in range(2):
        with pytest.raises(Unsure):
            bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1
    assert state_of(bench, "key").state == messages.UNKNOWN


def test_where_the_bot_cannot_look_a_clear_refusal_may_be_tried_again(bench: Workbench) -> None:
    target = nowhere_to_look(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


@pytest.mark.parametrize("place", PLACES)
def test_where_webex_refuses_the_look_the_bot_does_not_guess(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    bench.world.lists_threads = False
    bench.emulator.faults.add(method="GET", path="/v1/messages/direct", status=403, times=None)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    for _ in range(2):
        with pytest.raises(Unsure):
            bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1
    assert state_of(bench, "key").state == messages.UNKNOWN


@pytest.mark.parametrize("status", [429, 503])
def test_where_webex_refuses_the_look_a_clear_refusal_may_be_tried_again(bench: Workbench, status: int) -> None:
    bench.world.lists_threads = False
    target = thread(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=status, times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")
    bench.clock.turn(2)  # a 429 holds all calls back for a moment

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


def test_after_a_lost_answer_a_clear_refusal_makes_nothing_certain(bench: Workbench) -> None:
    """REST lags: the first look may be too early, so the next one looks again, and where it cannot does not guess."""
    target = thread(bench)
    for how in ({"cut": "before"}, {"status": 503}):
        bench.emulator.faults.add(method="POST", path="/v1/messages", times=1, **how)
        with pytest.raises(WebexError):
            bench.outbox.say("key", target, "Hello")
    bench.world.lists_threads = False

    with pytest.raises(Unsure):
        bench.outbox.say("key", target, "Hello")


def test_while_the_look_fails_for_a_while_nothing_is_settled(bench: Workbench) -> None:
    target = thread(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    bench.emulator.faults.add(method="GET", path="/v1/messages", status=503, times=1)
    for _ in range(2):
        with pytest.raises(WebexError):
            bench.outbox.say("key", target, "Hello")

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


@pytest.mark.parametrize("threads", [True, False])
def test_a_card_whose_answer_was_lost_does_not_keep_the_file_back(bench: Workbench, threads: bool) -> None:
    bench.world.lists_threads = threads
    report = bench.stage.partner_report()
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)

    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    bench.wait(GENTLY)
    bench.wait(GENTLY)

    heard = bench.said(bench.stage.group)
    assert [("card" if one.card else "file" if one.files else one.text) for one in heard] == ["card", "file"]
    assert bench.request().state is State.DELIVERED


@pytest.mark.parametrize("field", ["text", "markdown", "html"])
def test_the_message_is_known_by_whatever_webex_shows_of_it(bench: Workbench, field: str) -> None:
    target = thread(bench)
    words = "Hello reference7"
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, words)
    shown: dict[str, Any] = {field: words}
    posted = bench.world.post(bench.stage.bot, bench.stage.group, parent_id=target.parent_id, **shown)

    assert bench.outbox.say("key", target, words).message_id == posted.id


def test_a_message_with_a_link_is_known_though_webex_s_text_has_only_the_link_s_words(bench: Workbench) -> None:
    target = thread(bench)
    words = "**Usage**\n\n- Posted at 10:00\n- [Show the message](webexteams://im?space=1&message=2)"
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, words)

    bench.outbox.say("key", target, words)

    (message,) = bench.said(bench.stage.group)
    assert "webexteams" not in (message.text or ""), "else this proves nothing"


@pytest.mark.parametrize("place", PLACES)
def test_a_message_is_known_by_the_words_of_each_try(bench: Workbench, place: str) -> None:
    """A card's words are others at each try: a status, how long the link lasts, a reference."""
    target = PLACES[place](bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    bench.emulator.faults.add(method="GET", path="/v1/messages*", status=503, times=1, skip=1)
    for percent in (10, 20, 30):
        with pytest.raises(WebexError):
            bench.outbox.say("key", target, f"Hello: {percent} %")

    bench.outbox.say("key", target, "Hello: 40 %")

    assert len(said(bench, "Hello: 20 %")) == 1
    assert len(said(bench, "Hello")) == 1


@pytest.mark.parametrize("place", PLACES)
def test_one_post_is_never_taken_for_another_of_the_same_request(bench: Workbench, place: str) -> None:
    """Two at once whose answers are lost: the second took effect, the first did not."""
    target = PLACES[place](bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    first, second = "Usage: In progress. Reference r7.", "Usage: Done. Reference r7."
    for key, words in (("first", first), ("second", second)):
        with pytest.raises(WebexError):
            bench.outbox.say(key, target, words)

    one, other = bench.outbox.say("first", target, first), bench.outbox.say("second", target, second)

    assert one.message_id != other.message_id
    assert len(said(bench, first)) == len(said(bench, second)) == 1


def test_a_message_is_known_although_our_clock_goes_ahead_of_webex_s(bench: Workbench) -> None:
    target = thread(bench)
    posted = bench.world.post(bench.stage.bot, bench.stage.group, text="Hello", parent_id=target.parent_id)
    bench.clock.turn(3600)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    assert bench.outbox.say("key", target, "Hello").message_id == posted.id


def test_what_an_older_version_was_about_to_say_is_known_by_what_is_said_now(bench: Workbench) -> None:
    target = thread(bench)
    with bench.database.begin() as tx:
        messages.intend(tx, "key", target, bench.clock())
    posted = bench.world.post(bench.stage.bot, bench.stage.group, text="Hello", parent_id=target.parent_id)

    assert bench.outbox.say("key", target, "Hello").message_id == posted.id


def test_the_card_is_not_taken_for_the_last_word_about_its_delivery(bench: Workbench) -> None:
    """Both bear the reference. The card's fate is unknown, so no post of ours lays claim to it."""
    bench.world.lists_threads = False
    report = bench.stage.partner_report(status="In progress")
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    bench.hears(bench.stage.ada, f"report {report.id}", bench.stage.group)
    bench.work()
    bench.wait(GENTLY)
    bench.world.lists_threads = True
    bench.world.set_report(report.id, status="failed")
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)

    for _ in range(4):
        bench.wait(GENTLY)

    card, promise, end = bench.said(bench.stage.group)
    assert card.card
    assert "I keep looking" in (promise.text or "")
    assert f"(reference {bench.request().reference})" in (end.text or "")


def test_a_post_of_which_webex_tells_no_space_is_settled(bench: Workbench) -> None:
    target = thread(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=200, body={"id": "M"}, times=1)

    posted = bench.outbox.say("key", target, "Hello")

    assert (posted.message_id, posted.room_id) == ("M", target.room_id)
    assert state_of(bench, "key").state == messages.SENT


@pytest.mark.parametrize("direct", [True, False])
def test_a_thread_whose_root_was_deleted_is_answered_beside_it(bench: Workbench, direct: bool) -> None:
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot) if direct else bench.stage.group
    root = bench.world.say(bench.stage.ada, space, "hello")
    bench.world.delete(root, bench.stage.ada)
    target = Target(room_id=space.id, parent_id=root.id, direct=direct)

    first = bench.outbox.say("key", target, "Hello")
    again = bench.outbox.say("key", target, "Hello")

    (message,) = bench.said(space)
    assert message.parent_id is None
    assert first == again


def test_beside_a_deleted_root_too_a_lost_answer_is_not_said_twice(bench: Workbench) -> None:
    """1:1 the bot looks; in a group space it cannot, and does not guess."""
    for direct in (True, False):
        space = bench.world.direct_space(bench.stage.ada, bench.stage.bot) if direct else bench.stage.group
        root = bench.world.say(bench.stage.ada, space, "hello")
        bench.world.delete(root, bench.stage.ada)
        target = Target(room_id=space.id, parent_id=root.id, direct=direct)
        bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1, skip=1)
        with pytest.raises(WebexError):
            bench.outbox.say(f"key {direct}", target, "Hello")

        if direct:
            bench.outbox.say(f"key {direct}", target, "Hello")
        else:
            with pytest.raises(Unsure):
                bench.outbox.say(f"key {direct}", target, "Hello")

        assert len(bench.said(space)) == 1


def test_what_was_said_is_edited(bench: Workbench) -> None:
    target = thread(bench)
    assert not bench.outbox.edit("key", "Hello"), "nothing was said yet"
    bench.outbox.say("key", target, "Hello")

    assert bench.outbox.edit("key", "Hello, again")

    assert [one.text for one in bench.said(bench.stage.group)] == ["Hello, again"]


@pytest.mark.parametrize("place", PLACES)
def test_what_was_taken_back_is_gone_and_may_be_said_again(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    first = bench.outbox.say("key", target, "Hello")

    assert bench.outbox.take_back("key")
    assert bench.outbox.take_back("key"), "a second time is harmless"
    assert said(bench, "Hello") == []
    assert not bench.outbox.edit("key", "Hello")

    second = bench.outbox.say("key", target, "Hello")
    assert second.message_id != first.message_id
    assert bench.outbox.say("key", target, "Hello") == second
    assert len(said(bench, "Hello")) == 1


@pytest.mark.parametrize("point", range(1, 7))
def test_what_is_said_again_is_said_once_wherever_the_program_is_killed(bench: Workbench, point: int) -> None:
    target = thread(bench)
    bench.outbox.say("key", target, "Hello")
    bench.outbox.take_back("key")
    bench.points.passed, bench.points.deadly = 0, point
    with pytest.raises(Crash):
        bench.outbox.say("key", target, "Hello")
    bench.restart()

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


@pytest.mark.parametrize("point", range(1, 5))
def test_what_is_taken_back_is_gone_wherever_the_program_is_killed(bench: Workbench, point: int) -> None:
    """The points: before and after the message is deleted, and before and after that is kept."""
    bench.outbox.say("key", thread(bench), "Hello")
    bench.points.passed, bench.points.deadly = 0, point
    with pytest.raises(Crash):
        bench.outbox.take_back("key")
    bench.restart()

    assert bench.outbox.take_back("key")

    assert said(bench, "Hello") == []
    assert state_of(bench, "key").state == messages.DELETED


@pytest.mark.parametrize("place", PLACES)
def test_what_was_said_unnoticed_is_taken_back(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello: 40 %")

    assert bench.outbox.take_back("key")

    assert said(bench, "Hello") == []


def test_a_message_that_others_have_replied_to_is_not_taken_back(bench: Workbench) -> None:
    posted = bench.outbox.say("key", one_to_one(bench), "Hello")
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    bench.world.say(bench.stage.ada, space, "hello yourself", parent_id=posted.message_id)

    assert bench.outbox.stays("key")
    assert not bench.outbox.take_back("key")

    assert len(said(bench, "Hello")) == 1


def test_a_message_whose_replies_nobody_may_list_is_not_taken_back(bench: Workbench) -> None:
    bench.world.lists_threads = False
    bench.outbox.say("key", nowhere_to_look(bench), "Hello")

    assert not bench.outbox.take_back("key")

    assert len(said(bench, "Hello")) == 1


def test_what_was_said_beside_a_deleted_thread_is_edited_and_taken_back(bench: Workbench) -> None:
    root = bench.world.say(bench.stage.ada, bench.stage.group, "hello")
    bench.world.delete(root, bench.stage.ada)
    bench.outbox.say("key", Target(room_id=bench.stage.group.id, parent_id=root.id), "Hello")

    assert bench.outbox.edit("key", "Hello, again")
    assert len(said(bench, "Hello, again")) == 1
    assert bench.outbox.take_back("key")

    assert said(bench, "Hello") == []


def test_what_is_too_long_for_webex_is_cut_and_said(bench: Workbench) -> None:
    bench.outbox.say("key", one_to_one(bench), "ü" * MAX_TEXT_BYTES)

    (message,) = bench.said()
    assert len((message.markdown or "").encode()) <= MAX_TEXT_BYTES


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(4, 60))
def test_a_cut_text_is_whole_letters_within_the_limit(text: str, limit: int) -> None:
    cut = shortened(text, limit)
    assert len(cut.encode()) <= limit
    assert cut == text or text.startswith(cut.removesuffix(" …"))


def test_a_press_says_nothing_of_what_was_said_to_somebody_else(bench: Workbench) -> None:
    """The same words to two people 1:1: one message came and its answer was lost, the other never came."""
    grace = bench.world.add_person("Grace", bench.stage.acme, roles=ADMIN_OF_BOTH)
    for key, person, cut in (("graces", grace, "before"), ("adas", bench.stage.ada, "after")):
        bench.emulator.faults.add(method="POST", path="/v1/messages", cut=cast("Cut", cut), times=1)
        with pytest.raises(WebexError):
            bench.outbox.say(key, Target(person_id=person.id, direct=True), "Hello")
    (message,) = bench.said(person=bench.stage.ada)

    bench.outbox.recognise(bench.chat.message(message.id), bench.stage.ada.id)

    assert state_of(bench, "adas").message_id == message.id
    assert state_of(bench, "graces").state == messages.INTENDED
    for key, person in (("graces", grace), ("adas", bench.stage.ada)):
        bench.outbox.say(key, Target(person_id=person.id, direct=True), "Hello")
        assert len(bench.said(person=person)) == 1


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_looked_for_when_it_is_taken_back_goes_by_the_sweep(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    bench.emulator.faults.add(method="GET", path="/v1/messages*", status=503, times=1)
    for act in (lambda: bench.outbox.say("key", target, "Hello"), lambda: bench.outbox.take_back("key")):
        with pytest.raises(WebexError):
            act()

    later(bench)

    assert said(bench, "Hello") == []
    assert state_of(bench, "key").state == messages.DELETED


def test_what_does_not_show_yet_when_it_is_taken_back_goes_by_the_sweep(bench: Workbench) -> None:
    target = thread(bench)
    outbox = Outbox(bench.database, bench.chat, bench.chat.me, bench.clock)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    with pytest.raises(WebexError):
        outbox.say("key", target, "Hello")

    assert not outbox.take_back("key")
    bench.world.post(bench.stage.bot, bench.stage.group, text="Hello", parent_id=target.parent_id)
    later(bench)

    assert said(bench, "Hello") == []


def test_what_is_taken_back_before_its_post_is_answered_goes_afterwards(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, post = thread(bench), bench.chat.post
    outbox = Outbox(bench.database, bench.chat, bench.chat.me, bench.clock)

    def slow(*args: Any, **more: Any) -> Any:
        assert not outbox.take_back("key")
        return post(*args, **more)

    monkeypatch.setattr(bench.chat, "post", slow)
    outbox.say("key", target, "Hello")
    assert said(bench, "Hello") != []

    later(bench)

    assert said(bench, "Hello") == []


@pytest.mark.parametrize("title", ["R&amp;D", "A &lt;b&gt;", "&copy; &#65;", "R&D", "<b>"])
@pytest.mark.parametrize("rendered", [True, False], ids=["as Webex renders it", "with its entities"])
def test_a_title_with_an_entity_is_known_again(bench: Workbench, title: str, rendered: bool) -> None:
    target, words = thread(bench), f"**{escape_markdown(title)}**: done"
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, words)
    shown = words.replace("*", "") if rendered else escape(words.replace("*", ""))
    posted = bench.world.post(bench.stage.bot, bench.stage.group, text=shown, parent_id=target.parent_id)

    assert bench.outbox.say("key", target, words).message_id == posted.id


@given(st.text())
def test_a_text_is_known_again_as_webex_shows_it(foreign: str) -> None:
    markdown = f"**{escape_markdown(foreign)}**: `done` & [shown](webexteams://im?space=1&message=2)"
    text, *_ = from_markdown(markdown, lambda *_: None)
    assert fingerprint(text) == fingerprint(markdown) != fingerprint(f"{markdown} 2")
