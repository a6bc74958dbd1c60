"""``again`` for a report that is not ready, and a cancel before it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import requests
from bot.db.requests import State
from bot.queue import tasks
from tests.stage import texts_of

if TYPE_CHECKING:
    from tests.core.workbench import Workbench


def shown(bench: Workbench) -> list[str]:
    return ["\n".join(texts_of(one.card)) if one.card else one.text or "" for one in bench.said()]


def test_again_for_a_report_in_progress_says_when_the_file_comes(bench: Workbench) -> None:
    report = bench.stage.partner_report("Calling Usage", status="running")
    bench.hears(bench.stage.ada, f"again {report.id}")
    bench.work()
    (card,) = shown(bench)
    assert "● In progress" in card
    assert "I'll post the file here as soon as it's ready" in card

    bench.world.reports[report.id].status = "done"
    bench.wait(60)
    card, line = shown(bench)
    assert "● Ready" in card
    assert line.startswith("Calling Usage")


def test_again_for_a_report_that_is_ready_brings_the_file_alone(bench: Workbench) -> None:
    report = bench.stage.partner_report("Calling Usage")
    bench.hears(bench.stage.ada, f"again {report.id}")
    bench.work()
    (line,) = shown(bench)
    assert line.startswith("Calling Usage")


def test_a_cancel_before_the_report_is_found_leaves_no_card(bench: Workbench) -> None:
    report = bench.stage.partner_report(status="running")
    bench.hears(bench.stage.ada, f"report {report.id}")
    bench.work(until=tasks.LOOKUP)
    find = bench.services.catalog.find

    def canceled_meanwhile(*args: object, **more: object) -> object:
        with bench.database.begin() as tx:
            requests.close(tx, bench.request(), State.CANCELED, bench.clock())
        return find(*args, **more)  # type: ignore[arg-type]

    bench.services.catalog.find = canceled_meanwhile  # type: ignore[method-assign, assignment]
    bench.work()
    assert shown(bench) == []
