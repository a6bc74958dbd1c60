"""``again`` for a report that is not ready, and a cancel before it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.db import requests
from bot.db.requests import State
from bot.queue import tasks
from tests.live_bot import texts_of

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


def shown(stepped: SteppedBot) -> list[str]:
    return ["\n".join(texts_of(one.card)) if one.card else one.text or "" for one in stepped.said()]


def test_again_for_a_report_in_progress_says_when_the_file_comes(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage", status="running")
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()
    (card,) = shown(stepped)
    assert "● In progress" in card
    assert "I'll post the file here as soon as it's ready" in card

    stepped.world.reports[report.id].status = "done"
    stepped.wait(60)
    card, line = shown(stepped)
    assert "● Ready" in card
    assert line.startswith("Calling Usage")


def test_again_for_a_report_that_is_ready_brings_the_file_alone(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()
    (line,) = shown(stepped)
    assert line.startswith("Calling Usage")


def test_a_cancel_before_the_report_is_found_leaves_no_card(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(status="running")
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work(until=tasks.LOOKUP)
    find = stepped.services.catalog.find

    def canceled_meanwhile(*args: object, **more: object) -> object:
        with stepped.database.begin() as tx:
            requests.close(tx, stepped.request(), State.CANCELED, stepped.clock())
        return find(*args, **more)  # type: ignore[arg-type]

    stepped.services.catalog.find = canceled_meanwhile  # type: ignore[method-assign, assignment]
    stepped.work()
    assert shown(stepped) == []
