"""Events arrive at least once, signed, with the same ID; who does not take them is tried for 75 hours, and told of."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import api_keys, audit, webhooks
from bot.db.outbound_events import EventState
from bot.outbound import events, send
from bot.outbound.secrets import secret_of
from bot.outbound.send import LONGEST_PAUSE, WAITS, wait_after
from bot.queue import tasks
from bot.settings import secret_keys
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.db.webhooks import Webhook
    from tests.outbound.conftest import Stage
    from tests.webex.loopback import Asked, Exchange

HOURS_75 = 75 * 3600
A_DAY = 86400


def secret(stage: Stage, webhook: Webhook, number: int = 1) -> str:
    return secret_of(secret_keys(stage.stepped.services.settings)[0], webhook.reference, number)


def signature(a_secret: str, asked: Asked) -> str:
    """Compute the signature as Standard Webhooks says, without the library."""
    key = base64.b64decode(a_secret.removeprefix("whsec_"), validate=True)
    signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def test_an_event_is_sent_at_once_and_signed(stage: Stage) -> None:
    webhook = stage.webhook()
    event_id = stage.test(webhook)
    stage.stepped.work()
    (asked,) = stage.receiver.asked
    assert asked.headers["webhook-id"] == event_id
    assert event_id.startswith("evt_")
    assert asked.headers["webhook-timestamp"] == str(int(stage.stepped.clock().timestamp()))
    assert asked.headers["webhook-signature"] == signature(secret(stage, webhook), asked)
    told = stage.receiver.told[0]
    assert (set(told), told["type"]) == ({"type", "timestamp", "data"}, "webhook.test")
    event = stage.event(event_id)
    assert (event.state, event.attempts, event.last_status, event.answer) == ("delivered", 1, 200, "thanks")
    assert stage.stepped.next_wait() is None


def test_a_secret_is_32_bytes_and_each_has_its_own(stage: Stage) -> None:
    one, other = stage.webhook(), stage.webhook()
    secrets = {secret(stage, one), secret(stage, one, 2), secret(stage, other)}
    assert len(secrets) == 3
    for found in secrets:
        assert found.startswith("whsec_")
        assert len(base64.b64decode(found.removeprefix("whsec_"), validate=True)) == 32


def test_while_a_secret_rotates_both_sign(stage: Stage) -> None:
    webhook = stage.webhook()
    with stage.stepped.database.begin() as tx:
        assert webhooks.rotate(tx, webhook, stage.stepped.clock()) == 2
    stage.test(webhook)
    stage.stepped.work()
    new, old = secret(stage, webhook, 2), secret(stage, webhook, 1)
    asked = stage.receiver.last
    assert asked.headers["webhook-signature"].split() == [signature(new, asked), signature(old, asked)]
    stage.stepped.clock.turn(A_DAY)
    stage.test(webhook, "later")
    stage.stepped.work()
    asked = stage.receiver.last
    assert asked.headers["webhook-signature"] == signature(new, asked)


@pytest.mark.parametrize("both", ["{new},{old}", "{old},{new}"])
def test_while_the_key_rotates_the_secrets_of_both_sign(stage: Stage, both: str) -> None:
    """A receiver goes on with the secret that it has; ``webhooks rotate`` prints one of the first key."""
    old, new = "the old key 0123456789", "the new key 0123456789"
    stage.stepped.setup.environ["SECRET_KEY"] = both.format(old=old, new=new)
    stage.stepped.restart()
    webhook = stage.webhook()
    stage.test(webhook)
    stage.stepped.work()
    asked = stage.receiver.last
    wanted = {signature(secret_of(key.encode(), webhook.reference, 1), asked) for key in (old, new)}
    assert set(asked.headers["webhook-signature"].split()) == wanted


def test_the_waits_grow_with_jitter_over_75_hours() -> None:
    waits = [wait_after(attempts, 0.0) for attempts in range(1, len(WAITS) + 1)]
    assert all(one is not None for one in waits)
    assert waits == sorted(waits, key=lambda one: one or timedelta())
    assert sum(WAITS) == pytest.approx(HOURS_75, rel=0.02)
    assert wait_after(1, 1.0) <= timedelta(seconds=10)  # type: ignore[operator]
    assert wait_after(2, 1.0) > wait_after(2, 0.0)  # type: ignore[operator]
    assert wait_after(len(WAITS) + 1, 0.0) is None


@pytest.mark.parametrize("status", [302, 400, 401, 404, 500, 502, 503])
def test_what_is_no_success_is_sent_again_with_the_same_id_and_body(stage: Stage, status: int) -> None:
    webhook = stage.webhook()
    stage.receiver.always(status, b"no", {"Location": "/elsewhere"})
    event_id = stage.test(webhook)
    stage.stepped.work()
    assert stage.event(event_id).last_status == status
    assert stage.stored(webhook).failing_since == stage.stepped.clock()
    wait = stage.stepped.next_wait()
    assert wait is not None
    assert 0 < wait <= 10
    stage.receiver.always(200)
    stage.stepped.wait(10)
    assert stage.receiver.ids == [event_id, event_id]
    assert len({one.body for one in stage.receiver.asked}) == 1
    assert stage.event(event_id).state is EventState.DELIVERED
    assert stage.stored(webhook).failing_since is None


@pytest.mark.parametrize("status", [None, 500, 503])
def test_what_was_put_off_by_a_clock_that_was_ahead_is_sent_when_it_is_right(stage: Stage, status: int | None) -> None:
    webhook = stage.webhook()
    stage.stepped.clock.turn(A_DAY)
    event_id = stage.test(webhook)
    if status is not None:
        stage.receiver.always(status)
        stage.stepped.work()
    stage.receiver.always(200)
    stage.stepped.clock.turn(-A_DAY)
    stage.stepped.queue.restart_waits()  # as the worker does when it sees the clock set back
    stage.stepped.wait(10)
    assert stage.event(event_id).state is EventState.DELIVERED


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_receiver_that_has_too_much_to_do_is_left_alone_for_as_long_as_it_asks(stage: Stage, status: int) -> None:
    webhook = stage.webhook()
    stage.receiver.always(status, b"", {"Retry-After": "600"})
    stage.test(webhook)
    stage.stepped.work()
    stage.test(webhook, "another")  # is new, and waits all the same
    stage.stepped.wait(599)
    assert len(stage.receiver.asked) == 1
    stage.receiver.always(200)
    stage.stepped.wait(2)
    assert len(stage.receiver.asked) == 3


def test_one_event_that_is_not_taken_holds_up_no_other(stage: Stage) -> None:
    webhook = stage.webhook()
    poison = stage.test(webhook, "poison")

    def answer(exchange: Exchange, asked: Asked) -> None:
        exchange.reply(500 if asked.headers["webhook-id"] == poison else 200)

    stage.receiver.answer(answer)
    stage.stepped.work()
    for number in range(3):
        assert stage.event(stage.test(webhook, f"good {number}")).state is EventState.PENDING
        stage.stepped.wait(1)
    assert [one.state.value for one in stage.events(webhook)] == ["pending", *["delivered"] * 3]
    for _ in range(20):
        stage.stepped.wait(A_DAY)
        stage.test(webhook, f"good {_ + 3}")
    assert stage.event(poison).state is EventState.FAILED
    assert stage.event(poison).attempts == len(WAITS) + 1
    assert stage.stored(webhook).disabled_at is None


@pytest.mark.parametrize(("seconds", "turns"), [(send.TURN_SECONDS, 1), (0.0, 3)])
def test_a_slow_receiver_has_a_short_turn(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, seconds: float, turns: int
) -> None:
    """Others wait meanwhile, also for one that takes everything."""
    monkeypatch.setattr(send, "TURN_SECONDS", seconds)
    webhook = stage.webhook()
    for number in range(3):
        stage.test(webhook, f"event {number}")
    ran = [job.task for job in stage.stepped.work()]
    assert len(stage.receiver.asked) == 3
    assert ran.count(tasks.SEND_EVENTS) in {turns, turns + 1}  # the last one may find nothing


def drain(stage: Stage) -> float:
    """Turn the clock from job to job until nothing is left; return the hours that took."""
    began = stage.stepped.clock()
    while stage.stepped.next_wait() is not None:
        stage.stepped.wait_for_next()
    return (stage.stepped.clock() - began).total_seconds() / 3600


def test_after_75_hours_without_success_it_is_disabled(stage: Stage) -> None:
    webhook = stage.webhook()
    stage.receiver.always(500, b"broken")
    event_id = stage.test(webhook)
    stage.stepped.work()
    hours = drain(stage)
    assert 75 <= hours <= 77
    assert len(stage.receiver.asked) == len(WAITS) + 1
    assert set(stage.receiver.ids) == {event_id}
    assert stage.event(event_id).state is EventState.FAILED
    now = stage.stored(webhook)
    assert (now.disabled_reason, now.disabled_at is not None) == ("no_success", True)
    with stage.stepped.database.read() as tx:
        rows = [one for one in audit.latest(tx, 9) if one.act == audit.WEBHOOKS]
    assert [(one.outcome, one.reference, one.person_id) for one in rows] == [
        ("disabled:no_success", webhook.reference, f"key:{webhook.key_id}")
    ]


def test_410_disables_at_once(stage: Stage) -> None:
    webhook = stage.webhook()
    stage.receiver.always(410)
    first, second = stage.test(webhook), stage.test(webhook, "two")
    stage.stepped.work()
    assert len(stage.receiver.asked) == 1
    assert stage.stored(webhook).disabled_reason == "gone"
    assert [stage.event(one).state.value for one in (first, second)] == ["failed", "failed"]
    assert stage.stepped.next_wait() is None


def test_recover_sends_what_was_missed_also_while_it_was_disabled(stage: Stage) -> None:
    webhook = stage.webhook()
    taken = stage.test(webhook, "taken")
    stage.stepped.work()
    stage.stepped.clock.turn(60)
    since = stage.stepped.clock()
    stage.receiver.always(410)
    missed = stage.test(webhook, "missed")
    stage.stepped.work()
    meanwhile = stage.test(stage.stored(webhook), "meanwhile")
    stage.stepped.work()
    stage.receiver.forget()
    with stage.stepped.database.begin() as tx:
        number = events.recover(tx, stage.stepped.queue, webhook, since, stage.stepped.clock())
    stage.stepped.work()
    assert number == 2
    assert stage.receiver.ids == [missed, meanwhile]
    assert taken not in stage.receiver.ids
    assert stage.stored(webhook).disabled_at is None


def test_nothing_is_sent_with_a_revoked_key(stage: Stage) -> None:
    webhook = stage.webhook()
    stage.receiver.always(500)
    event_id = stage.test(webhook)
    stage.stepped.work()
    with stage.stepped.database.begin() as tx:
        api_keys.revoke(tx, webhook.key_id, stage.stepped.clock())
    stage.stepped.wait(A_DAY)
    assert len(stage.receiver.asked) == 1
    assert stage.event(event_id).state is EventState.FAILED
    assert stage.stepped.next_wait() is None


def test_an_address_that_is_not_allowed_any_more_is_not_connected_to(stage: Stage) -> None:
    webhook = stage.webhook(url="https://169.254.169.254/latest/meta-data")
    event_id = stage.test(webhook)
    stage.stepped.work()
    event = stage.event(event_id)
    assert (event.last_status, "OUTBOUND_ALLOWED_NETWORKS" in (event.answer or "")) == (None, True)


def test_who_gives_no_answer_is_tried_seldom(stage: Stage) -> None:
    """A hundred events for a receiver that hangs: one attempt, then a pause that grows."""
    webhook = stage.webhook()
    stage.receiver.answer(lambda exchange, _: exchange.hang_up())
    for number in range(100):
        stage.test(webhook, str(number))
    stage.stepped.work()
    assert len(stage.receiver.asked) == 1
    for _ in range(12 * 60):
        stage.stepped.wait(60)
    tried = len(stage.receiver.asked)
    assert tried <= 12 * 3600 / LONGEST_PAUSE.total_seconds() + 40
    stage.receiver.always(200)
    drain(stage)
    assert {one.state for one in stage.events(webhook)} == {EventState.DELIVERED}


def test_a_kill_at_each_point_loses_nothing_and_keeps_the_id(stage: Stage) -> None:
    """Killed after each commit in turn: the event arrives, perhaps twice, and always with its ID."""
    stepped, webhook = stage.stepped, stage.webhook()
    stepped.work()  # it is a worker then, where that is written down
    stage.test(webhook, "before")
    stepped.points.passed = 0
    stepped.work()
    points = stepped.points.passed
    assert points >= 2
    for number in range(1, points + 1):
        stage.receiver.forget()
        event_id = stage.test(webhook, f"kill {number}")
        stepped.points.passed, stepped.points.deadly = 0, number
        with pytest.raises(Crash):
            stepped.work()
        stepped.points.deadly = None
        stepped.restart()
        stepped.work()
        assert set(stage.receiver.ids) == {event_id}
        assert 1 <= len(stage.receiver.ids) <= 2
        assert stage.event(event_id).state is EventState.DELIVERED


def test_a_job_that_was_lost_is_put_again(stage: Stage) -> None:
    webhook = stage.webhook()
    event_id = stage.test(webhook)
    with stage.stepped.database.begin() as tx:
        stage.stepped.queue.drop(tx, "send events", [str(webhook.id)])
    stage.stepped.sweep.once()
    stage.stepped.work()
    assert stage.receiver.ids == [event_id]


def test_old_events_are_deleted_but_not_what_waits(stage: Stage) -> None:
    webhook = stage.webhook()
    stage.test(webhook, "old")
    stage.stepped.work()
    stage.receiver.always(500)
    stage.stepped.clock.turn(40 * A_DAY)
    waits = stage.test(webhook, "waits")
    stage.stepped.work()
    stage.stepped.sweep.once()
    assert [one.event_id for one in stage.events(webhook)] == [waits]
