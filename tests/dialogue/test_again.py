"""`again` within some minutes sends the file that is proved already: Webex allows thirty downloads of a report."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from bot.files import storage
from bot.files.fetch import HELD_SECONDS
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINUTE = 61
"""Seconds after which Webex is asked for a report's details again."""


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[SteppedBot]:
    with Emulator() as emulator:
        made = SteppedBot(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"))
        made.sweep.once()
        yield made
        made.stop()


def files(stepped: SteppedBot) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in stepped.said() if one.files]


def kept(stepped: SteppedBot) -> list[Path]:
    return [path for path in stepped.folder.rglob("*") if path.is_file()]


def asked(stepped: SteppedBot, *words: str) -> str:
    report = stepped.setup.partner_report()
    for word in words:
        stepped.receive(stepped.setup.ada, f"{word} {report.id}")
        stepped.work()
    return str(report.id)


def test_again_sends_the_file_without_another_download(stepped: SteppedBot) -> None:
    asked(stepped, "report", "again", "again", "report")

    first, *others = files(stepped)
    assert others == [first] * 3
    assert stepped.downloads == 1


def test_somebody_else_s_request_too_and_policy_is_asked_for_them(stepped: SteppedBot) -> None:
    report = asked(stepped, "report")
    for person in (stepped.setup.grace, stepped.setup.nora):
        stepped.receive(person, f"report {report}")
    stepped.work()

    assert [one for one in stepped.said(person=stepped.setup.grace) if one.files]
    assert not [one for one in stepped.said(person=stepped.setup.nora) if one.files]
    assert stepped.downloads == 1


def test_a_report_that_was_generated_again_is_fetched(stepped: SteppedBot) -> None:
    report = asked(stepped, "report")
    stepped.world.set_report(report, content=b"other,words\r\n1,2\r\n")
    stepped.clock.turn(MINUTE)
    stepped.receive(stepped.setup.ada, f"again {report}")
    stepped.work()

    assert stepped.downloads == 2
    assert len(set(files(stepped))) == 2


def test_it_is_removed_after_some_minutes(stepped: SteppedBot) -> None:
    asked(stepped, "report")
    stepped.sweep.once()
    (path,) = kept(stepped)
    old = time.time() - HELD_SECONDS - 1
    os.utime(path, (old, old))
    stepped.sweep.once()

    assert kept(stepped) == []


def test_it_is_removed_at_the_start(stepped: SteppedBot) -> None:
    asked(stepped, "report")
    assert len(kept(stepped)) == 1
    stepped.restart()

    assert kept(stepped) == []


def test_it_does_not_stay_where_the_disk_has_little_room(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "may_keep", lambda _: False)
    asked(stepped, "report")

    assert kept(stepped) == []


def test_a_file_that_somebody_changed_is_fetched(stepped: SteppedBot) -> None:
    report = asked(stepped, "report")
    (path,) = kept(stepped)
    path.write_bytes(b"x" * path.stat().st_size)
    stepped.receive(stepped.setup.ada, f"again {report}")
    stepped.work()

    assert stepped.downloads == 2
    assert len(set(files(stepped))) == 1


@pytest.mark.parametrize("checksum", ["", "not hex", "abc"])
def test_without_a_checksum_nobody_knows_whether_the_file_is_still_the_same(stepped: SteppedBot, checksum: str) -> None:
    report = stepped.setup.partner_report(content="Name\r\nAda\r\n")
    stepped.world.set_report(report.id, checksum=checksum)
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    stepped.world.set_report(report.id, content="Name\r\nBob\r\n", checksum=checksum)
    stepped.clock.turn(MINUTE)
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()

    assert b"Bob" in files(stepped)[-1]
