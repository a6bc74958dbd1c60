"""Whatever is killed, and whenever: one card and one file."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.killed.program import peak_memory
from tests.live_bot import CSV, Conversation, LiveBot
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Start

# A kill may fall between the effect of a post and its record: what became of it is looked for.
pytestmark = pytest.mark.threads_listed

LINE = b"Ada,12,some words that make the line a little longer than it would be\r\n"
PIECE = LINE * 1000
LARGE = 60_000_000
MAY_GROW = 60_000_000
"""Bytes by which the worker may grow for a report of that size: it must never hold it whole."""


def pieces(total: int) -> Iterator[bytes]:
    """Return a CSV of so many bytes."""
    while total > 0:
        yield PIECE[:total]
        total -= len(PIECE)


def only_one_card_and_one_file(live: LiveBot, line: Conversation, content: bytes | None = CSV) -> None:
    """Wait for the file, and see that nothing else has come in this thread."""
    file = line.file()
    assert content is None or file.content == content
    # A question asked afterwards is answered afterwards: by then a second file would have come.
    after = live.at(live.grace).says("help")
    after.card()
    assert [("card" if one.card else "file" if one.file else one.words) for one in line.answers()] == ["card", "file"]


def test_a_pending_report_comes_after_every_process_was_killed(live: LiveBot, start: Start) -> None:
    program = start()
    live.register(program.url)
    report = live.partner_report(status="In progress")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    line.card()

    program.kill()
    live.emulator.world.webhooks.clear()
    live.emulator.world.set_report(report.id, status="done")
    again = start()
    live.register(again.url)

    only_one_card_and_one_file(live, line)


def test_the_worker_is_killed_in_the_middle_of_a_download(live: LiveBot, start: Start) -> None:
    program = start()
    live.register(program.url)
    half, goes_on = threading.Event(), threading.Event()

    def content() -> Iterator[bytes]:
        yield CSV[:20]
        half.set()
        goes_on.wait(20)
        yield CSV[20:]

    report = live.partner_report(content=content, size=len(CSV), checksum=None)
    worker = program.worker()
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    assert half.wait(20)

    os.kill(worker, signal.SIGKILL)
    goes_on.set()

    only_one_card_and_one_file(live, line)
    assert program.worker() != worker
    assert live.emulator.world.reports[report.id].downloads == 2


@pytest.mark.parametrize("size", [len(CSV), 20_000_000], ids=["after it took effect", "before it took effect"])
def test_the_worker_is_killed_in_the_middle_of_an_upload(live: LiveBot, start: Start, size: int) -> None:
    """A small file is with Webex when the worker dies, which then looks and finds it; a large one is not."""
    program = start()
    live.register(program.url)
    slow = live.emulator.faults.add(method="POST", path="/v1/messages", delay=0.4, skip=1, times=1)
    report = live.partner_report(content=lambda: pieces(size), size=size, checksum=None)
    worker = program.worker()
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    until(lambda: slow.hits, "the upload")

    os.kill(worker, signal.SIGKILL)

    only_one_card_and_one_file(live, line, content=None)
    assert line.file().file.size == size
    uploads = [
        call for call in live.emulator.calls.calls_to("POST", "/v1/messages") if "multipart" in str(call.headers)
    ]
    assert sum(call.status == 200 for call in uploads) == 1


def test_a_large_report_is_delivered_in_bounded_memory(
    live: LiveBot, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    program = start()
    live.register(program.url)
    ada = live.at(live.ada)
    ada.says(f"report {live.partner_report().id}").file()
    worker = program.worker()
    before = peak_memory(worker)
    report = live.partner_report(content=lambda: pieces(LARGE), size=LARGE, checksum=None)

    file = ada.says(f"report {report.id}").file()

    grown = peak_memory(worker) - before
    figures = f"the worker grew by {grown / 1e6:.1f} MB to {(before + grown) / 1e6:.0f} MB"
    with capsys.disabled():
        print(f"\na report of {LARGE / 1e6:.0f} MB: {figures}")
    assert file.file.size == LARGE
    assert f"{LARGE // len(LINE):,} rows" in file.words
    assert grown < MAY_GROW
    assert program.worker() == worker
