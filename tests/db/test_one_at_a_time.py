"""What one thread of all processes does at a time, on PostgreSQL; a `Database` of its own stands for a process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bot.db import one_at_a_time
from bot.db.database import Database
from bot.db.one_at_a_time import BusyElsewhere, OneAtATime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgresql import Databases

WORK = "some work"


@pytest.fixture
def processes(postgresql: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Database]]:
    monkeypatch.setattr(one_at_a_time, "LOCK_TIMEOUT", 0.2)
    url = postgresql.migrated()
    found = [Database(url), Database(url)]
    yield found
    for one in found:
        one.close()
    postgresql.take_back()


def test_another_process_waits_until_the_work_is_done(processes: list[Database]) -> None:
    here, there = (OneAtATime(one, WORK) for one in processes)

    with here.about(7):
        with pytest.raises(BusyElsewhere), there.about(7):
            pytest.fail("two at a time")
        with there.about(8):
            pass

    with there.about(7):
        pass


def test_other_work_about_the_row_waits_for_nobody(processes: list[Database]) -> None:
    with OneAtATime(processes[0], WORK).about(7), OneAtATime(processes[1], "other work").about(7):
        pass


def test_a_lost_connection_frees_what_it_held_and_is_made_again(processes: list[Database]) -> None:
    here, there = (OneAtATime(one, WORK) for one in processes)

    with here.about(7):
        with processes[1].begin() as tx:
            tx.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7"))
        with there.about(7):
            pass

    with here.about(7):
        pass


def test_threads_of_a_process_take_turns(processes: list[Database]) -> None:
    one, entered = OneAtATime(processes[0], WORK), threading.Event()

    def work() -> None:
        with one.about(7):
            entered.set()

    with one.about(7):
        other = threading.Thread(target=work)
        other.start()
        assert not entered.wait(0.1)
    other.join()
    assert entered.is_set()
