"""What is to be taken back goes, also where an answer was lost before; what cannot go is not looked at for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db import messages
from bot.db.requests import State
from bot.errors import WebexError
from bot.outbox import FILES_SETTLE, WORDS_SETTLE, Outbox
from bot.queue import tasks
from tests.core.posting import PLACES, later, one_to_one, said, state_of, thread

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from bot.webex.types import Target
    from tests.core.workbench import Workbench

pytestmark = pytest.mark.threads_listed

POST: dict[str, Any] = {"method": "POST", "path": "/v1/messages"}
LOOK: dict[str, Any] = {"method": "GET", "path": "/v1/messages*"}
DELETE: dict[str, Any] = {"method": "DELETE", "path": "/v1/messages/*"}


@pytest.fixture
def patient(bench: Workbench) -> Workbench:
    """The bench with the product's own waits for what may still show."""
    bench.outbox._words_settle, bench.outbox._files_settle = WORDS_SETTLE, FILES_SETTLE
    return bench


def answer_is_lost(bench: Workbench, target: Target, words: str = "Hello", outbox: Outbox | None = None) -> Message:
    """Say something that takes effect, without the bot's knowing; gives the message."""
    before = said(bench, words)
    bench.emulator.faults.add(**POST, cut="after", times=1)
    with pytest.raises(WebexError):
        (outbox or bench.outbox).say("key", target, words)
    (new,) = (one for one in said(bench, words) if one not in before)
    return new


def never_arrives(bench: Workbench, target: Target) -> None:
    """Say something that takes no effect, which the bot cannot know, and have it taken back."""
    bench.emulator.faults.add(**POST, cut="before", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")
    assert not bench.outbox.take_back("key")


def cannot_be_deleted_now(bench: Workbench) -> None:
    bench.emulator.faults.add(**DELETE, status=503, times=1)
    with pytest.raises(WebexError):
        bench.outbox.take_back("key")
    assert state_of(bench, "key").state == messages.LEAVING


def sweeps_of_an_hour(bench: Workbench) -> int:
    """How often an hour of sweeps tries to take something back."""
    tries = 0
    for _ in range(60):
        bench.clock.turn(60)
        bench.sweep.once()
        tries += sum(job.task == tasks.TAKE_BACK for job in bench.work())
    return tries


def test_what_may_stand_in_a_space_goes_when_it_is_said_privately_after_all(bench: Workbench) -> None:
    answer_is_lost(bench, thread(bench))

    bench.outbox.say("key", one_to_one(bench), "Hello")
    later(bench)

    assert not [one for one in bench.said(bench.stage.group) if not one.deleted]
    assert len(bench.said()) == 1


@pytest.mark.parametrize("ends", ["done", "failed"])
def test_a_title_does_not_stay_before_somebody_external_though_the_card_s_answer_was_lost(
    patient: Workbench, ends: str
) -> None:
    bench, space = patient, patient.stage.group
    report = bench.stage.partner_report("Secret title", status="In progress")
    bench.emulator.faults.add(**POST, cut="after", times=1)
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    bench.world.join(space, bench.stage.ethan)
    later(bench)
    bench.world.set_report(report.id, status=ends)
    for _ in range(3):
        later(bench)

    assert bench.request().state in {State.DELIVERED, State.FAILED}
    assert not [one for one in bench.said(space) if "Secret title" in f"{one.markdown}{one.card}"]


def test_a_card_does_not_stay_before_somebody_external_though_it_cannot_be_renewed(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, post = bench.stage.group, bench.chat.post
    report = bench.stage.partner_report("Secret title")
    bench.hears(bench.stage.ada, f"report {report.id}", space)

    def joined_by(target: Target, **more: Any) -> object:
        if more.get("card") and target.direct:
            raise WebexError("POST /messages", 503)
        posted = post(target, **more)
        if more.get("card"):
            bench.world.join(space, bench.stage.ethan)
        return posted

    monkeypatch.setattr(bench.chat, "post", joined_by)
    bench.work()
    later(bench)

    assert [one for one in bench.said() if one.files]
    assert not [one for one in bench.said(space) if "Secret title" in f"{one.markdown}{one.card}"]


@pytest.mark.parametrize("fault", [{"cut": "after"}, {"status": 503}], ids=str)
def test_a_card_that_could_not_be_made_to_say_done_does_not_stand_beside_the_file(
    patient: Workbench, fault: dict[str, Any]
) -> None:
    bench, space = patient, patient.stage.group
    report = bench.stage.partner_report(status="In progress")
    bench.hears(bench.stage.ada, f"report {report.id}", space)
    bench.work()
    bench.world.set_report(report.id, status="done")
    bench.emulator.faults.add(**POST, **fault, times=1)
    for _ in range(3):
        later(bench)

    assert [one for one in bench.said(space) if one.files]
    assert not [one for one in bench.said(space) if one.card and "I keep looking" in str(one.card)]


def test_what_was_leaving_and_is_said_again_is_there_once(bench: Workbench) -> None:
    target = thread(bench)
    bench.outbox.say("key", target, "Hello")
    cannot_be_deleted_now(bench)

    bench.outbox.say("key", target, "Hello")
    later(bench)

    assert len(said(bench, "Hello")) == 1
    assert bench.outbox.take_back("key")
    assert said(bench, "Hello") == []


def test_what_was_leaving_and_is_gone_by_now_is_said_again(bench: Workbench) -> None:
    target = thread(bench)
    bench.outbox.say("key", target, "Hello")
    bench.emulator.faults.add(**DELETE, cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.take_back("key")

    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


def test_what_is_on_its_way_again_is_not_taken_for_what_is_to_go(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = thread(bench)
    never_arrives(bench, target)
    post = bench.chat.post

    def slowly(*arguments: Any, **more: Any) -> object:
        posted = post(*arguments, **more)  # Webex has it, and the sweep comes before its answer
        monkeypatch.undo()
        with bench.database.read() as tx:
            keys = messages.leaving(tx)
        for key in keys:
            assert not bench.outbox.take_back(key)
        return posted

    monkeypatch.setattr(bench.chat, "post", slowly)
    bench.outbox.say("key", target, "Hello")

    assert len(said(bench, "Hello")) == 1


def test_what_was_said_beside_its_thread_and_goes_private_is_known_to_be_said(bench: Workbench) -> None:
    target = thread(bench)
    bench.emulator.faults.add(**POST, status=404, times=1)
    bench.emulator.faults.add(**POST, cut="after", times=1)
    with pytest.raises(WebexError):
        bench.outbox.say("key", target, "Hello")

    bench.outbox.say("key", one_to_one(bench), "Hello")

    assert bench.outbox.was_sent("key")


def test_what_shows_only_after_it_was_said_again_goes(patient: Workbench) -> None:
    bench, target = patient, thread(patient)
    first = answer_is_lost(bench, target, "Fetching 40 %")
    first.deleted = True  # as if it did not show yet
    assert not bench.outbox.take_back("key")
    bench.outbox.say("key", target, "Fetching 50 %")
    first.deleted = False

    later(bench)

    assert [one.text for one in said(bench, "Fetching")] == ["Fetching 50 %"]


def test_what_is_said_while_the_sweep_looks_is_not_called_gone(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = thread(bench)
    never_arrives(bench, target)
    bench.clock.turn(200)
    recent = bench.chat.recent

    def meanwhile(*arguments: object) -> object:
        found = recent(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        bench.outbox.say("key", target, "Hello")
        return found

    monkeypatch.setattr(bench.chat, "recent", meanwhile)
    bench.outbox.take_back("key")

    assert state_of(bench, "key").state == messages.SENT
    assert bench.outbox.take_back("key")
    assert said(bench, "Hello") == []


@pytest.mark.parametrize("place", PLACES)
def test_all_tries_that_took_effect_go(bench: Workbench, place: str) -> None:
    target = PLACES[place](bench)
    first = answer_is_lost(bench, target)
    first.deleted = True  # as if it did not show yet
    answer_is_lost(bench, target)
    first.deleted = False

    assert bench.outbox.take_back("key")

    assert said(bench, "Hello") == []


def test_a_look_for_replies_that_fails_is_made_again(bench: Workbench) -> None:
    bench.outbox.say("key", one_to_one(bench), "Hello")
    bench.emulator.faults.add(**LOOK, status=503, times=1)
    with pytest.raises(WebexError):
        bench.outbox.take_back("key")

    later(bench)

    assert said(bench, "Hello") == []


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_bot_may_not_look_any_more_it_does_not_look_for_ever(bench: Workbench, status: int) -> None:
    answer_is_lost(bench, thread(bench))
    bench.emulator.faults.add(**LOOK, status=503, times=1)
    with pytest.raises(WebexError):
        bench.outbox.take_back("key")
    bench.emulator.faults.add(**LOOK, status=status)

    assert sweeps_of_an_hour(bench) == 1
    assert state_of(bench, "key").state == messages.UNKNOWN


def test_what_has_replies_by_now_stays_and_is_not_tried_for_ever(bench: Workbench) -> None:
    posted = bench.outbox.say("key", one_to_one(bench), "Hello")
    cannot_be_deleted_now(bench)
    space = bench.world.direct_space(bench.stage.ada, bench.stage.bot)
    bench.world.say(bench.stage.ada, space, "hello yourself", parent_id=posted.message_id)

    assert sweeps_of_an_hour(bench) == 1
    assert state_of(bench, "key").state == messages.SENT
