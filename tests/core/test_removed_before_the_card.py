"""The bot is removed from a space after its members were listed, and before its card or its file: it goes 1:1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.files import streaming_upload
from bot.queue import tasks
from bot.reports import deliver
from tests.stage import CSV

if TYPE_CHECKING:
    from tests.core.workbench import Workbench


def test_the_asker_gets_it_1_1_with_a_word_that_fits(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = bench.stage
    report = stage.partner_report("Usage")
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work(until=tasks.ANSWER)
    post = bench.chat.post

    def removed_first(*args: Any, **more: Any) -> Any:
        bench.world.leave(stage.group, stage.bot)
        monkeypatch.undo()
        return post(*args, **more)

    monkeypatch.setattr(bench.chat, "post", removed_first)
    bench.work()

    words = [one.text or "" for one in bench.said()]
    assert any("in the space where you asked" in one for one in words)
    assert not any("couldn't find that report" in one for one in words)
    assert any(one.card for one in bench.said())
    assert len([one for one in bench.said() if one.files]) == 1
    assert bench.said(stage.group) == []
    assert bench.request().state is State.DELIVERED
    assert bench.request().private


def test_a_space_that_takes_words_but_no_cards_is_told_what_is_so(bench: Workbench) -> None:
    stage = bench.stage
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=403, times=1)

    bench.hears(stage.ada, f"report {stage.partner_report('Usage').id}", stage.group)
    bench.work()

    (said,) = bench.said(stage.group)
    assert said.text == "Webex does not let me post the answer in this space, so I send it to you 1:1."
    assert [("card" if one.card else "file") for one in bench.said()] == ["card", "file"]


@pytest.mark.parametrize(("how", "files"), [("small", 1), ("passed on", 1), ("in parts", 2)])
def test_removed_before_the_file(bench: Workbench, how: str, files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = bench.stage
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1 if how == "passed on" else len(CSV) + 1)
    content = CSV
    if how == "in parts":
        monkeypatch.setattr(deliver, "MAX_POSTED", 20_000)
        content = b"Name,Minutes\r\n" + b"".join(b"Ada %d,%d\r\n" % (n, n * 7919 % 10007) for n in range(6000))
    report = stage.partner_report("Usage", content=content)
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work(until=tasks.DELIVER)
    send = bench.outbox.send

    def removed_first(*args: Any, **more: Any) -> Any:
        if not args[1].direct:
            bench.world.leave(stage.group, stage.bot)
        return send(*args, **more)

    monkeypatch.setattr(bench.outbox, "send", removed_first)
    bench.work()

    assert len([one for one in bench.said() if one.files]) == files
    assert not [one for one in bench.said(stage.group) if one.files]
    assert bench.request().state is State.DELIVERED
    assert bench.request().private
