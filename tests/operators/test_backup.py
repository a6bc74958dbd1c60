"""A backup is made while the bot works; a bot that is restored from it says and makes nothing twice."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from bot.cli.main import main
from bot.db import events, key_values, requests
from bot.db.backup import BackupFailed, back_up
from bot.db.database import Database
from bot.db.events import Event
from bot.db.requests import State
from bot.db.tables import events as events_table
from bot.ops import catch_up_job
from bot.ops.restored import begin_if_restored
from bot.reports.schedules import put_schedules, set_next
from tests.audit.rows import rows
from tests.origins_at_work import on_a_monday, schedule, settles, subscription
from tests.reports.test_schedules import all_runs

if TYPE_CHECKING:
    from pathlib import Path

    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot

about_sqlite = pytest.mark.sqlite("PostgreSQL has pg_dump; what a restored bot does is the same")
HOUR = 3600.0


@pytest.fixture
def data(machine: SteppedBot) -> Path:
    return machine.setup.folder


def event_count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as opened:
        found: int = opened.execute("SELECT count(*) FROM events").fetchone()[0]
        return found


@about_sqlite
def test_a_backup_is_whole_private_and_made_while_others_write(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "secret.key").write_text("k" * 64)
    database = Database(f"sqlite:///{data / 'reportbot.db'}")
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with database.begin() as tx:
                for _ in range(20):  # a copy that is whole has all of them or none
                    events.record(tx, Event("messages", "created", f"m{number}", "r", "group", "p"), _now())
                    number += 1
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(10)
    before = os.umask(0)
    try:
        target = tmp_path / "copies" / "one.db"
        target.parent.mkdir()
        assert main(["backup", str(target)]) == 0
    finally:
        os.umask(before)
        stop.set()
        writer.join()
    with database.read() as tx:
        all_events = tx.execute(select(func.count()).select_from(events_table)).scalar_one()
        assert key_values.updated_at(tx, key_values.RESTORED) is None, "the bot's own database is no copy"
    database.close()
    assert 0 < event_count(target) <= all_events
    assert event_count(target) % 20 == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["one.db"]
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"Saved and checked: {target} (")
    assert said[1:] == [
        f"The key of what is encrypted in it isn't in it: keep {data / 'secret.key'} too, in another place."
    ]


def _now() -> datetime:
    return datetime.now(UTC)


@about_sqlite
def test_a_file_that_is_there_is_never_replaced(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "there.db"
    target.write_text("mine")
    assert main(["backup", str(target)]) == 1
    assert "exists. Choose another name" in capsys.readouterr().err
    assert target.read_text() == "mine"


@about_sqlite
def test_what_goes_wrong_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="can't be written to"):
        back_up(data / "reportbot.db", tmp_path / "none" / "copy.db", _now())
    with pytest.raises(BackupFailed, match="There is no database yet"):
        back_up(data / "other.db", tmp_path / "copy.db", _now())
    pages = bytearray((data / "reportbot.db").read_bytes())
    pages[4096:8192] = b"\xff" * 4096
    (data / "damaged.db").write_bytes(pages)
    with pytest.raises(BackupFailed, match=r"damaged|malformed"):
        back_up(data / "damaged.db", tmp_path / "copy.db", _now())
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.fixture
def copied(stepped: SteppedBot, tmp_path: Path) -> SteppedBot:
    """A bot of which a backup was made at six on a Monday, and that has gone on for some hours."""
    live = stepped.setup
    on_a_monday(stepped)
    stepped.clock.time -= timedelta(hours=1)
    stepped.sweep.once()
    weekly = schedule(stepped)
    subscription(stepped, place="direct")
    with stepped.database.begin() as tx:
        set_next(tx, weekly, stepped.clock())  # type: ignore[arg-type]
        put_schedules(tx, stepped.queue)
    stepped.sweep.once()  # the subscription's list is looked at for the first time
    settles(stepped)
    pending = live.partner_report(title="Meetings Usage", status="waiting")
    stepped.receive(live.grace, f"report {pending.id}")
    stepped.work()

    back_up(live.folder / "reportbot.db", tmp_path / "backup.db", stepped.clock())

    asked = live.partner_report(title="Devices")
    stepped.receive(live.ada, f"report {asked.id}", live.group)
    stepped.work()
    live.partner_report(title="Calling Usage")
    stepped.world.set_report(pending.id, status="done")
    for _ in range(5):
        stepped.sweep.once()
        settles(stepped)
        stepped.wait(HOUR / 3)
    return stepped


def everything(stepped: SteppedBot) -> list[Message]:
    live = stepped.setup
    return [
        *stepped.said(live.group),
        *stepped.said(person=live.ada),
        *stepped.said(person=live.grace),
    ]


def restore(stepped: SteppedBot, backup: Path) -> None:
    """Put the backup in the place of the database, and start as ``app.build_worker`` does."""
    stepped.stop()
    for old in stepped.setup.folder.glob("reportbot.db*"):
        old.unlink()
    shutil.copy(backup, stepped.setup.folder / "reportbot.db")
    stepped.start()
    begin_if_restored(stepped.database, stepped.queue, stepped.clock())
    for _ in range(3):
        stepped.sweep.once()
        with stepped.database.begin() as tx:
            catch_up_job.put(tx, stepped.queue, stepped.clock(), stepped.clock())
        settles(stepped)
        stepped.wait(HOUR / 3)


@about_sqlite
def test_a_restored_bot_says_and_makes_nothing_twice(copied: SteppedBot, tmp_path: Path) -> None:
    stepped, live = copied, copied.setup
    files = [one for one in everything(stepped) if one.files]
    assert len(files) == 5, "what was asked for, scheduled, waited for, and announced: the scheduled one, too"
    assert [run.state.value for run in all_runs(stepped)] == ["created"]
    before, made = everything(stepped), stepped.calls("POST", "/v1/partner/reports")

    restore(stepped, tmp_path / "backup.db")

    (news,) = [one for one in everything(stepped) if one not in before]
    assert news in stepped.said(person=live.grace)
    assert "restored from a backup" in str(news.card or news.text)
    assert stepped.calls("POST", "/v1/partner/reports") == made
    assert stepped.request().state is State.UNSURE
    assert [row.outcome for row in rows(stepped) if row.act == "settings"] == ["restored"]

    # What comes from now on is answered, announced and run as ever.
    stepped.receive(live.ada, "help")
    live.partner_report(title="Calling Usage")
    settles(stepped)
    assert sum(bool(one.files) for one in everything(stepped)) == len(files) + 1
    stepped.clock.turn(7 * 24 * HOUR)
    stepped.sweep.once()
    settles(stepped)
    assert stepped.calls("POST", "/v1/partner/reports") == made + 1


@about_sqlite
def test_what_was_asked_after_the_restore_is_not_closed(copied: SteppedBot, tmp_path: Path) -> None:
    """A request of the API may be there before the worker starts."""
    stepped = copied
    stepped.stop()
    shutil.copy(tmp_path / "backup.db", stepped.setup.folder / "reportbot.db")
    stepped.start()
    report = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    with stepped.database.read() as tx:
        assert key_values.updated_at(tx, key_values.RESTORED) is not None
    begin_if_restored(stepped.database, stepped.queue, stepped.clock())
    stepped.work()
    with stepped.database.read() as tx:
        assert [one.state for one in requests.open_for(tx, report.id)] == [State.OPEN]


def test_the_mark_alone_makes_a_start_one_of_a_restored_bot(stepped: SteppedBot) -> None:
    """It is set by hand where a backup was not made by the bot, as with PostgreSQL."""
    pending = stepped.setup.partner_report(status="waiting")
    stepped.receive(stepped.setup.ada, f"report {pending.id}")
    stepped.work()
    with stepped.database.begin() as tx:
        key_values.set(tx, key_values.RESTORED, "", stepped.clock())
    for _ in range(2):
        begin_if_restored(stepped.database, stepped.queue, stepped.clock())
    stepped.work()
    assert stepped.request().state is State.UNSURE
    assert sum("restored from a backup" in str(one.card or one.text) for one in stepped.said()) == 1
    assert [row.outcome for row in rows(stepped) if row.act == "settings"] == ["restored"]
