"""Which events there are, and which webhooks hear them: those of keys that reach the space, or that ordered it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import origins, requests, tables, webhooks
from bot.db.origin import Kind, Origin, PauseCause
from bot.db.requests import Content
from bot.outbound.events import recover
from bot.reports.origin_states import pause
from bot.reports.requests import Asker, open_request
from bot.reports.runs import open_run
from bot.reports.schedules import put_schedules
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from tests.origin_rows import add_schedule, add_subscription
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.api_keys import ApiKey
    from bot.emulator.things import Family as FamilyName
    from bot.emulator.things import Space
    from tests.outbound.conftest import Stage


def heard(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    """Return what the receiver was told: types and data."""
    return [(one["type"], one["data"]) for one in stage.receiver.told]


def types(stage: Stage) -> list[str]:
    return [one for one, _ in heard(stage)]


def order(
    stage: Stage, key: ApiKey, report_id: str, space: Space | None = None, *, content: Content = Content.FILE
) -> str:
    """Have a key's delivery made as the API does; return its reference."""
    stepped = stage.stepped
    person = f"key:{key.id}" if space is not None else stepped.setup.ada.id
    room, kind = (space.id, "group") if space is not None else (None, None)
    asker = Asker(
        f"api:{stepped.services.new_reference()}", person, room, kind, None, stepped.clock(), Origin(Kind.KEY, key.id)
    )
    with stepped.database.begin() as tx:
        opened = open_request(tx, stepped.services, asker, report_id, content=content)
    assert opened is not None
    return opened[1]


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_what_people_ask_for_in_a_space_is_told_the_keys_of_the_space(stage: Stage, family: FamilyName) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family=family, title="Calling Usage")
    group = stepped.setup.group
    stage.webhook(stage.key([group.id]))
    stage.webhook(stage.key([stepped.setup.outside.id]))
    stage.webhook(stage.key([]))
    stepped.receive(stepped.setup.ada, f"report {report.id}", group)
    stepped.work()
    request = stepped.request()
    expected = {
        "id": request.reference,
        "status": "delivered",
        "reportId": report.id,
        "spaceId": group.id,
        "reference": request.reference,
    }
    assert heard(stage) == [("delivery.delivered", expected)]


def test_nothing_of_1_1_spaces_is_told(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(
        family="partner", title="Calling Usage", status="In progress", ready_after_polls=2
    )
    stage.webhook(stage.key())
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    for _ in range(6):
        stepped.wait(60)
    assert stepped.request().state == "delivered"
    assert heard(stage) == []


def test_what_is_answered_directly_since_outsiders_are_there_is_not_told(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    stage.webhook(stage.key())
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.outside)
    stepped.work()
    assert stepped.request().state == "delivered"
    assert heard(stage) == []


def test_a_key_hears_of_what_it_orders_for_a_person_and_no_other_key_does(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    key = stage.key()
    stage.webhook(key)
    stage.webhook(stage.key(name="other"))
    reference = order(stage, key, report.id)
    stepped.work()
    ((kind, data),) = heard(stage)
    assert (kind, data["id"], data["spaceId"]) == ("delivery.delivered", reference, None)
    assert stepped.setup.ada.id not in stage.receiver.last.body.decode()


@pytest.mark.parametrize("status", ["failed", "unknown", "outsiders"])
def test_a_delivery_that_fails_is_told_with_how_it_ended(stage: Stage, status: str) -> None:
    stepped, key = stage.stepped, stage.key()
    report = stepped.world.add_report(
        family="partner", title="Calling Usage", status="failed" if status == "failed" else "done"
    )
    stage.webhook(key)
    space = stepped.setup.outside if status == "outsiders" else stepped.setup.group
    reference = order(stage, key, report.id if status != "unknown" else report.id[:-8] + "AAAAAAAA", space)
    stepped.work()
    ((kind, data),) = heard(stage)
    assert (kind, data["id"]) == ("delivery.failed", reference)
    assert data["status"] == ("refused" if status == "outsiders" else "failed")


def test_a_report_that_is_never_created_is_a_delivery_that_failed(stage: Stage) -> None:
    stepped, key = stage.stepped, stage.key()
    stage.webhook(key)
    asker = Asker(
        "api:1", f"key:{key.id}", stepped.setup.group.id, "group", None, stepped.clock(), Origin(Kind.KEY, key.id)
    )
    with stepped.database.begin() as tx:
        reference = open_run(tx, stepped.services, asker, NewReport(family=Family.PARTNER, template_id="999"), "")
    stepped.work()
    ((kind, data),) = heard(stage)
    assert (kind, data["id"], data["reportId"], data["status"]) == ("delivery.failed", reference, None, "failed")


def test_what_a_person_cancels_is_no_failure(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Calling Usage", status="In progress")
    stage.webhook(stage.key())
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    stepped.receive(stepped.setup.ada, f"cancel {report.id}", stepped.setup.group)
    stepped.work()
    assert stepped.request().state == "canceled"
    assert heard(stage) == []


def test_a_report_that_becomes_ready_is_told_once(stage: Stage) -> None:
    stepped = stage.stepped
    add = stepped.world.add_report
    report = add(family="partner", title="Calling Usage", status="In progress", ready_after_polls=3)
    group = stepped.setup.group
    stage.webhook(stage.key([group.id]), heard="report.ready")
    stage.webhook(stage.key([stepped.setup.outside.id]), heard="report.ready")
    for person in (stepped.setup.ada, stepped.setup.grace):
        stepped.receive(person, f"report {report.id}", group)
        stepped.work()
    assert heard(stage) == []
    for _ in range(8):
        stepped.wait(60)
    expected = {"id": report.id, "family": "partner", "spaceId": group.id, "reference": stepped.request().reference}
    assert heard(stage) == [("report.ready", expected)]


def test_a_report_that_was_ready_when_it_was_asked_for_has_not_become_so(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    stage.webhook(stage.key(), heard="report.ready")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    assert heard(stage) == []


def test_what_is_announced_to_a_subscription_has_become_ready(stage: Stage) -> None:
    stepped = stage.stepped
    stage.webhook(stage.key(), heard="report.ready,delivery.delivered")
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    origin = add_subscription(stepped.database, stepped.setup.ada, stepped.setup.group, stepped.clock()).origin
    asker = Asker(
        f"{origin.key}:x", stepped.setup.ada.id, stepped.setup.group.id, "group", None, stepped.clock(), origin
    )
    with stepped.database.begin() as tx:
        open_request(tx, stepped.services, asker, report.id, content=Content.FILE)
    stepped.work()
    assert types(stage) == ["report.ready", "delivery.delivered"]


def test_a_schedule_that_is_paused_is_told(stage: Stage) -> None:
    stepped = stage.stepped
    group = stepped.setup.group
    stage.webhook(stage.key([group.id]))
    stage.webhook(stage.key([stepped.setup.outside.id]))
    schedule = add_schedule(stepped.database, stepped.setup.ada, group, stepped.clock())
    subscription = add_subscription(stepped.database, stepped.setup.ada, group, stepped.clock())
    for owned in (schedule, subscription):
        for _ in range(2):
            with stepped.database.begin() as tx:
                pause(tx, stepped.services, owned, PauseCause.FAILURES, "It failed.")
    stepped.work()
    about = {"id": schedule.reference, "cause": "failures", "spaceId": group.id, "reference": schedule.reference}
    assert heard(stage) == [("schedule.paused", about)]
    with stepped.database.begin() as tx:
        origins.resume(tx, schedule.origin, stepped.clock())
    stepped.clock.turn(5)
    stepped.receive(stepped.setup.ada, f"pause {schedule.reference}", group)
    stepped.work()
    assert heard(stage)[1:] == [("schedule.paused", about | {"cause": "person"})]


def test_a_schedule_that_cannot_be_read_is_paused_and_told(stage: Stage) -> None:
    stepped = stage.stepped
    stage.webhook(stage.key())
    row = {"rrule": "FREQ=NEVER", "next_at": stepped.clock()}
    schedule = add_schedule(stepped.database, stepped.setup.ada, stepped.setup.group, stepped.clock(), **row)
    with stepped.database.begin() as tx:
        put_schedules(tx, stepped.queue)
    stepped.work()
    assert [(kind, data["id"], data["cause"]) for kind, data in heard(stage)] == [
        ("schedule.paused", schedule.reference, "failures")
    ]


def test_a_card_alone_is_a_delivery_too(stage: Stage) -> None:
    stepped, key = stage.stepped, stage.key()
    stage.webhook(key)
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    reference = order(stage, key, report.id, stepped.setup.group, content=Content.CARD)
    stepped.work()
    ((kind, data),) = heard(stage)
    assert (kind, data["id"]) == ("delivery.delivered", reference)


def test_what_its_key_ordered_is_told_though_the_webhook_is_disabled_once_it_recovers(stage: Stage) -> None:
    stepped, key = stage.stepped, stage.key()
    webhook = stage.webhook(key)
    with stepped.database.begin() as tx:
        webhooks.disable(tx, webhook.id, "gone", stepped.clock())
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    reference = order(stage, key, report.id, stepped.setup.group)
    stepped.work()
    (event,) = stage.events(webhook)
    assert (event.state.value, event.attempts, heard(stage)) == ("failed", 0, [])
    with stepped.database.begin() as tx:
        assert recover(tx, stepped.queue, webhook, stepped.clock(), stepped.clock()) == 1
    stepped.work()
    assert heard(stage)[0][1]["id"] == reference


def test_of_a_schedule_in_a_1_1_space_nothing_is_told(stage: Stage) -> None:
    stepped = stage.stepped
    stage.webhook(stage.key())
    direct = stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot)
    schedule = add_schedule(stepped.database, stepped.setup.ada, direct, stepped.clock())
    with stepped.database.begin() as tx:
        pause(tx, stepped.services, schedule, PauseCause.FAILURES, "It failed.")
    stepped.work()
    assert heard(stage) == []


def test_only_what_a_webhook_has_named_is_sent(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    webhook = stage.webhook(stage.key(), heard="delivery.failed")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    assert heard(stage) == []
    stage.test(webhook)
    stepped.work()
    assert types(stage) == ["webhook.test"]


def test_each_webhook_has_its_own_event(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    key = stage.key()
    stage.webhook(key)
    stage.webhook(key)
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    assert types(stage) == ["delivery.delivered"] * 2
    assert len(set(stage.receiver.ids)) == 2


def test_no_payload_holds_more_than_ids_and_words_of_ours(stage: Stage) -> None:
    stepped = stage.stepped
    report = stepped.world.add_report(family="partner", title="Title that stays here")
    stage.webhook(stage.key())
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    (asked,) = stage.receiver.asked
    assert set(json.loads(asked.body)["data"]) == {"id", "status", "reportId", "spaceId", "reference"}
    assert len(asked.body) < 20_000
    for word in (b"Title that", b"http", b"@", stepped.setup.ada.id.encode()):
        assert word not in asked.body


@pytest.mark.threads_listed
def test_a_kill_at_each_point_of_a_delivery_tells_it_once(stage: Stage) -> None:
    """The event is there if and only if the delivery has ended, whenever the program is killed."""
    stepped = stage.stepped
    webhook = stage.webhook(stage.key())
    report = stepped.world.add_report(family="partner", title="Calling Usage")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    for number in range(1, 60):
        stepped.points.passed, stepped.points.deadly = 0, number
        try:
            stepped.work()
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            with stepped.database.read() as tx:
                ended = requests.find(tx, tables.requests.c.state != "open")
            assert len(stage.events(webhook)) == len(ended)
            continue
        break
    stepped.points.deadly = None
    for _ in range(5):
        stepped.wait(60)
    events = stage.events(webhook)
    assert [(one.type, one.state.value) for one in events] == [("delivery.delivered", "delivered")]
    assert set(stage.receiver.ids) == {events[0].event_id}
