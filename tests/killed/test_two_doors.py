"""Two web processes on one database, as behind a load balancer, and a Webex that hangs."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.killed.program import WEB
from tests.stage import SECRET, Stage

if TYPE_CHECKING:
    from bot.emulator.things import Delivery
    from tests.conftest import Start


def test_ten_deliveries_at_once_in_two_processes_are_one_card_and_the_log_holds_no_secret(
    stage: Stage, start: Start
) -> None:
    one, other = start(), start(WEB)
    stage.register(one.url)
    emulator = stage.emulator
    emulator.deliver_webhooks = False
    report = stage.partner_report(status="waiting")
    line = stage.at(stage.ada, stage.group).says(f"report {report.id}")
    (event,) = emulator.undelivered
    there = replace(event, target_url=event.target_url.replace(one.url, other.url))
    outcomes: list[Delivery] = []

    def deliver(which) -> None:
        outcomes.extend(emulator.world.redeliver(which, times=5))

    threads = [threading.Thread(target=deliver, args=(which,)) for which in (event, there)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes += emulator.world.redeliver(event, times=2)

    assert [outcome.status for outcome in outcomes] == [200] * 12
    line.card()
    emulator.world.set_report(report.id, status="done")
    line.file()
    assert [heard.card is not None for heard in line.answers()] == [True, False]
    forged = replace(event, headers={**event.headers, "X-Spark-Signature": "0" * 40})
    assert emulator.world.redeliver(forged)[0].status == 401
    written = one.log.read_text() + other.log.read_text()
    for secret in (SECRET, stage.bot_token, stage.admin_token, event.headers["X-Spark-Signature"], "signature="):
        assert secret not in written


def test_the_door_answers_at_once_while_webex_hangs(stage: Stage, start: Start) -> None:
    """Webhooks are answered from the disk alone; what they are about comes when Webex is back."""
    program = start()
    stage.register(program.url)
    report = stage.partner_report()
    ada = stage.at(stage.ada)
    stage.emulator.deliver_webhooks = False
    line = ada.says(f"report {report.id}")
    hanging = stage.emulator.faults.add(path="/v1/*", delay=3.0, times=4)
    (event,) = stage.emulator.undelivered
    program.worker()

    began = time.monotonic()
    outcomes = stage.emulator.world.redeliver(event, times=20)

    assert time.monotonic() - began < 2
    assert {outcome.status for outcome in outcomes} == {200}
    assert max(outcome.seconds for outcome in outcomes) < 1
    stage.emulator.world.wait_for(lambda _: hanging.hits)
    stage.emulator.faults.clear()
    line.card()
    line.file()
