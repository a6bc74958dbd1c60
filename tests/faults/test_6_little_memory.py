"""The program in as few addresses as `ulimit -v` gives it: a report arrives all the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.killed.program import SERVE

if TYPE_CHECKING:
    from tests.conftest import Start
    from tests.live_bot import LiveBot

KIBIBYTES = 400 * 1024
"""Without `limit_malloc_arenas` the worker takes 600 MiB; Python and the libraries need about 230."""
ROW = b"Ada Lovelace,2026-01-05 10:00:00,12\r\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps a process to its addresses")
def test_a_large_report_arrives_in_400_mebibytes_of_addresses(stage_alone: LiveBot, start: Start) -> None:
    live = stage_alone
    content = b"Name,Start,Minutes\r\n" + ROW * 500_000
    report: Any = live.partner_report(content=content)
    program = start(("sh", "-c", f'ulimit -v {KIBIBYTES} && exec "$0" "$@"', *SERVE))
    program.worker()
    live.register(program.url)
    live.emulator.deliver_webhooks = True

    lines = [live.at(one).says(f"report {report.id}") for one in (live.ada, live.grace)]

    assert [line.file().file.size for line in lines] == [len(content)] * 2
    assert program.lines("job_again") == []
