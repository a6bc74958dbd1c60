"""A download host that drips is given up after a few tries, and the request ends with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator
from bot.files.downloader import Downloader
from bot.files.fetch import WAITS_AFTER_SLOW
from bot.webex.download import DownloadClient
from bot.webex.session import Floor, Timeouts
from bot.webex.tokens import StaticToken
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST = Floor(10_000_000, 0.2)
"""What the emulator's host does not come to when its line is slow."""
SLOW_LINE = 200_000.0


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[SteppedBot]:
    """Return the program in pieces, with a floor that a test has time for."""
    with Emulator() as emulator:
        made = SteppedBot(emulator, tmp_path / "data", migrated(tmp_path / "empty.db"))
        hosts = made.setup.settings().report_download_hosts
        slow = DownloadClient(StaticToken(made.setup.admin_token), hosts, timeouts=Timeouts(floor=FAST))
        made.files.download = Downloader(slow, temp_dir=made.temp_dir).download  # type: ignore[method-assign]
        yield made
        slow.close()
        made.stop()


def test_it_is_tried_a_few_times_and_ends_with_one_sentence(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(content=b"a,b\r\n" * 100_000)
    stepped.emulator.line_speed = SLOW_LINE
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    for number, seconds in enumerate(WAITS_AFTER_SLOW, start=1):
        assert stepped.downloads == number
        stepped.wait(seconds - 1)
        assert stepped.downloads == number
        stepped.wait(seconds * 0.2 + 3)
    tries = 1 + len(WAITS_AFTER_SLOW)
    assert stepped.downloads == tries
    stepped.wait(7200)
    assert stepped.downloads == tries
    (sentence,) = [one.text or "" for one in stepped.said() if "too slowly" in (one.text or "")]
    assert f"Webex sent it too slowly, {tries} times in a row. Ask again later" in sentence
    assert stepped.files_left == []


def test_one_that_comes_in_the_end_is_delivered_and_forgiven(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(content=b"a,b\r\n" * 100_000)
    stepped.emulator.line_speed = SLOW_LINE
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    stepped.emulator.line_speed = 0
    stepped.wait(60)

    assert [one for one in stepped.said() if one.files]
