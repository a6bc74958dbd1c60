"""`again` within some minutes sends the file that is proved already: Webex allows thirty downloads of a report."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from bot.files import storage
from bot.files.fetch import HELD_SECONDS
from tests.core.workbench import Workbench, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINUTE = 61
"""Seconds after which Webex is asked for a report's details again."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with Emulator() as emulator:
        made = Workbench(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"))
        made.sweep.once()
        yield made
        made.stop()


def files(bench: Workbench) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in bench.said() if one.files]


def kept(bench: Workbench) -> list[Path]:
    return [path for path in bench.folder.rglob("*") if path.is_file()]


def asked(bench: Workbench, *words: str) -> str:
    report = bench.stage.partner_report()
    for word in words:
        bench.hears(bench.stage.ada, f"{word} {report.id}")
        bench.work()
    return str(report.id)


def test_again_sends_the_file_without_another_download(bench: Workbench) -> None:
    asked(bench, "report", "again", "again", "report")

    first, *others = files(bench)
    assert others == [first] * 3
    assert bench.downloads == 1


def test_somebody_else_s_request_too_and_policy_is_asked_for_them(bench: Workbench) -> None:
    report = asked(bench, "report")
    for person in (bench.stage.grace, bench.stage.nora):
        bench.hears(person, f"report {report}")
    bench.work()

    assert [one for one in bench.said(person=bench.stage.grace) if one.files]
    assert not [one for one in bench.said(person=bench.stage.nora) if one.files]
    assert bench.downloads == 1


def test_a_report_that_was_generated_again_is_fetched(bench: Workbench) -> None:
    report = asked(bench, "report")
    bench.world.set_report(report, content=b"other,words\r\n1,2\r\n")
    bench.clock.turn(MINUTE)
    bench.hears(bench.stage.ada, f"again {report}")
    bench.work()

    assert bench.downloads == 2
    assert len(set(files(bench))) == 2


def test_it_is_removed_after_some_minutes(bench: Workbench) -> None:
    asked(bench, "report")
    bench.sweep.once()
    (path,) = kept(bench)
    old = time.time() - HELD_SECONDS - 1
    os.utime(path, (old, old))
    bench.sweep.once()

    assert kept(bench) == []


def test_it_is_removed_at_the_start(bench: Workbench) -> None:
    asked(bench, "report")
    assert len(kept(bench)) == 1
    bench.restart()

    assert kept(bench) == []


def test_it_does_not_stay_where_the_disk_has_little_room(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "may_keep", lambda _: False)
    asked(bench, "report")

    assert kept(bench) == []


def test_a_file_that_somebody_changed_is_fetched(bench: Workbench) -> None:
    report = asked(bench, "report")
    (path,) = kept(bench)
    path.write_bytes(b"x" * path.stat().st_size)
    bench.hears(bench.stage.ada, f"again {report}")
    bench.work()

    assert bench.downloads == 2
    assert len(set(files(bench))) == 1


@pytest.mark.parametrize("checksum", ["", "not hex", "abc"])
def test_without_a_checksum_nobody_knows_whether_the_file_is_still_the_same(bench: Workbench, checksum: str) -> None:
    report = bench.stage.partner_report(content="Name\r\nAda\r\n")
    bench.world.set_report(report.id, checksum=checksum)
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work()
    bench.world.set_report(report.id, content="Name\r\nBob\r\n", checksum=checksum)
    bench.clock.turn(MINUTE)
    bench.hears(bench.stage.ada, f"again {report.id}")
    bench.work()

    assert b"Bob" in files(bench)[-1]
