"""Two web processes on one database, as behind a load balancer, and a Webex that hangs."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.killed.program import WEB
from tests.live_bot import SECRET, LiveBot

if TYPE_CHECKING:
    from bot.emulator.things import Delivery
    from tests.conftest import Start


def test_ten_deliveries_at_once_in_two_processes_are_one_card_and_the_log_holds_no_secret(
    live: LiveBot, start: Start
) -> None:
    one, other = start(), start(WEB)
    live.register(one.url)
    emulator = live.emulator
    emulator.deliver_webhooks = False
    report = live.partner_report(status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
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
    for secret in (SECRET, live.bot_token, live.admin_token, event.headers["X-Spark-Signature"], "signature="):
        assert secret not in written


def test_the_web_process_answers_at_once_while_webex_hangs(live: LiveBot, start: Start) -> None:
    """Webhooks are answered from the disk alone; what they are about comes when Webex is back."""
    program = start()
    live.register(program.url)
    report = live.partner_report()
    ada = live.at(live.ada)
    live.emulator.deliver_webhooks = False
    line = ada.says(f"report {report.id}")
    hanging = live.emulator.faults.add(path="/v1/*", delay=3.0, times=4)
    (event,) = live.emulator.undelivered
    program.worker()

    began = time.monotonic()
    outcomes = live.emulator.world.redeliver(event, times=20)

    assert time.monotonic() - began < 2
    assert {outcome.status for outcome in outcomes} == {200}
    assert max(outcome.seconds for outcome in outcomes) < 1
    live.emulator.world.wait_for(lambda _: hanging.hits)
    live.emulator.faults.clear()
    line.card()
    line.file()
