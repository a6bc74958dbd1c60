"""Who runs the bot, and who made the key, are told once that a webhook fails and once that it was disabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db import api_keys
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from tests.outbound.conftest import Stage


@pytest.fixture
def watched(stage: Stage) -> Stage:
    """The stage with the group space as the operators' space."""
    stage.stepped.setup.environ["OPERATORS_SPACE"] = stage.stepped.setup.group.id
    stage.stepped.restart()
    stage.stepped.work()
    return stage


def in_space(stage: Stage) -> list[str]:
    return [one.text or "" for one in stage.stepped.said(stage.stepped.setup.group)]


def directly(stage: Stage) -> list[str]:
    return [one.text or "" for one in stage.stepped.said(person=stage.stepped.setup.grace)]


def drain(stage: Stage) -> None:
    while stage.stepped.next_wait() is not None:
        stage.stepped.wait_for_next()


def test_a_streak_and_its_end_are_told_once_each(watched: Stage) -> None:
    key = watched.key(created_by=watched.stepped.setup.grace.id)
    webhook = watched.webhook(key, url=f"http://{watched.receiver.host}/hook?token=very-secret")
    watched.receiver.always(500)
    watched.test(webhook)
    watched.stepped.work()
    watched.stepped.wait(10)
    (failing,) = in_space(watched)
    assert failing == (
        f"⚠ Problem: The webhook {webhook.reference} (key “nightly”, 127.0.0.1) hasn't taken an event. It answered "
        "500. I'll keep trying for 75 hours, then I'll disable it. "
        f"reportbot webhooks show {webhook.reference} shows its answers."
    )
    drain(watched)
    failing_again, disabled = in_space(watched)
    assert failing_again == failing
    assert "I disabled the webhook" in disabled
    assert f"reportbot webhooks recover {webhook.reference} --since" in disabled
    assert directly(watched) == [failing, disabled]
    assert "very-secret" not in str(in_space(watched))


def test_a_new_streak_is_told_anew(watched: Stage) -> None:
    webhook = watched.webhook()
    for number in range(2):
        watched.receiver.always(503)
        watched.test(webhook, str(number))
        watched.stepped.work()
        watched.receiver.always(200)
        drain(watched)
    assert len(in_space(watched)) == 2
    assert directly(watched) == []


def test_no_answer_is_said_so_and_410_too(watched: Stage) -> None:
    silent = watched.webhook(url="https://10.0.0.1/")
    watched.test(silent)
    watched.stepped.work()
    assert "hasn't taken an event. This address leads into a private network" in in_space(watched)[0]
    gone = watched.webhook()
    watched.receiver.always(410)
    watched.test(gone)
    watched.stepped.work()
    assert "it answered 410 (gone)" in in_space(watched)[1]


def test_without_an_operators_space_the_maker_is_told(stage: Stage) -> None:
    webhook = stage.webhook(stage.key(created_by=stage.stepped.setup.grace.id))
    stage.receiver.always(410)
    stage.test(webhook)
    stage.stepped.work()
    assert in_space(stage) == []
    assert len(directly(stage)) == 1


def test_a_key_of_the_command_line_and_a_forgotten_person_are_nobody(stage: Stage) -> None:
    webhook = stage.webhook(stage.key(created_by="forgotten-abc"))
    stage.receiver.always(410)
    stage.test(webhook)
    stage.stepped.work()
    assert stage.stepped.next_wait() is None
    assert stage.stepped.calls("POST", "messages") == 0


def test_a_name_of_a_key_breaks_out_of_no_message(watched: Stage) -> None:
    webhook = watched.webhook(watched.key(name="**x** [a](https://evil.example) <@all>"))
    watched.receiver.always(410)
    watched.test(webhook)
    watched.stepped.work()
    (message,) = watched.stepped.said(watched.stepped.setup.group)
    assert "](https://evil.example)" not in (message.markdown or "")
    assert "<@all>" not in (message.markdown or "")


def test_a_kill_at_each_point_still_tells_once(watched: Stage) -> None:
    stepped = watched.stepped
    webhook = watched.webhook()
    watched.receiver.always(410)
    watched.test(webhook)
    for number in range(1, 40):
        stepped.points.passed, stepped.points.deadly = 0, number
        try:
            stepped.work()
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            continue
        break
    stepped.points.deadly = None
    stepped.wait(3600)
    assert len(in_space(watched)) == 1


def test_of_a_revoked_key_nothing_is_told(watched: Stage) -> None:
    webhook = watched.webhook()
    watched.receiver.always(500)
    watched.test(webhook)
    watched.stepped.work(until="webhook trouble")
    with watched.stepped.database.begin() as tx:
        api_keys.revoke(tx, webhook.key_id, watched.stepped.clock())
    watched.stepped.work()
    assert in_space(watched) == []
