"""A post whose answer is lost may take effect some seconds later: it is waited for before it is said again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.outbox import FILES_SETTLE, WORDS_SETTLE
from bot.queue import tasks
from tests.stage import CSV

if TYPE_CHECKING:
    from tests.core.workbench import Workbench


pytestmark = pytest.mark.threads_listed


@pytest.fixture
def patient(bench: Workbench) -> Workbench:
    """The workbench's outbox does not wait; this one does, as the real one."""
    bench.outbox._words_settle, bench.outbox._files_settle = WORDS_SETTLE, FILES_SETTLE
    return bench


def files(bench: Workbench) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said(bench.stage.group) if one.files]


@pytest.mark.parametrize("status", [None, 408, 499, 502, 504, 524])
@pytest.mark.parametrize("late", [1.0, 4.0, 9.0])
def test_a_file_that_shows_late_is_posted_once(patient: Workbench, status: int | None, late: float) -> None:
    report = patient.stage.partner_report()
    patient.hears(patient.stage.ada, f"report {report.id}", patient.stage.group)
    patient.work(until=tasks.DELIVER)
    fault: dict[str, Any] = {"cut": "after"} if status is None else {"status": status}
    upload = patient.chat.upload
    hidden: list[Any] = []

    def lost(*args: Any, **more: Any) -> Any:
        """Webex answers nothing of use, and the file shows later."""
        patient.chat.upload = upload  # type: ignore[method-assign]
        if status is not None:
            upload(*args, **more)
        patient.emulator.faults.add(method="POST", path="/v1/messages", times=1, **fault)
        try:
            return upload(*args, **more) if status is None else patient.chat.post(args[0], markdown="x")
        finally:
            (message,) = [one for one in patient.world.messages(patient.stage.group) if one.files]
            hidden.append(message)
            message.deleted = True

    patient.chat.upload = lost  # type: ignore[method-assign]
    patient.work()
    (message,) = hidden
    while patient.clock() < patient.request().asked_at + timedelta(seconds=late):
        patient.wait(0.5)
    message.deleted = False
    for _ in range(30):
        patient.wait(1)

    assert files(patient) == [CSV]
    assert patient.request().state is State.DELIVERED


def test_what_never_shows_is_said_again_soon(patient: Workbench) -> None:
    report = patient.stage.partner_report()
    patient.hears(patient.stage.ada, f"report {report.id}", patient.stage.group)
    patient.emulator.faults.add(method="POST", path="/v1/messages", cut="before", times=2)
    for _ in range(30):
        patient.wait(1)

    assert files(patient) == [CSV]
    assert len([one for one in patient.said(patient.stage.group) if one.card]) == 1
