"""``reportbot webhooks`` shows, tests, recovers, replays, rotates and deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.main import main
from bot.db import audit
from bot.db.audit import Channel
from bot.outbound.secrets import secret_of
from bot.settings import secret_keys

if TYPE_CHECKING:
    from tests.outbound.conftest import Stage
    from tests.stepped_bot import SteppedBot

A_MINUTE = 60.0
"""Past what the command line, whose clock is the machine's, has put for now."""

pytestmark = pytest.mark.usefixtures("machine")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["webhooks", *arguments]) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def test_list_and_show(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There are no webhooks" in printed(capsys, "list")
    webhook = stage.webhook(heard="report.ready")
    stage.receiver.always(500, b"line\nbreak \x1b[31m \xe2\x80\xae")
    event_id = stage.test(webhook)
    stage.stepped.work()
    listed = printed(capsys, "list")
    for words in (webhook.reference, webhook.url, "report.ready", "key nightly", "failing since", "1 event pending"):
        assert words in listed
    shown = printed(capsys, "show", webhook.reference.upper())
    for words in (event_id, "webhook.test", "pending, 1 attempt, next", "500 line break"):
        assert words in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_test_and_replay(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = stage.webhook()
    event_id = printed(capsys, "test", webhook.reference).splitlines()[-1].split()[0]  # a worker may log before
    stage.stepped.wait(A_MINUTE)
    printed(capsys, "replay", event_id)
    stage.stepped.wait(A_MINUTE)
    assert stage.receiver.ids == [event_id, event_id]


def test_recover(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = stage.webhook()
    stage.receiver.always(410)
    event_id = stage.test(webhook)
    stage.stepped.work()
    assert "disabled" in printed(capsys, "list")
    for command in (("test", webhook.reference), ("replay", event_id)):
        assert "is disabled" in printed(capsys, *command, code=1)
    stage.receiver.forget()
    assert "1 event since" in printed(capsys, "recover", webhook.reference, "--since", "2026-01-01")
    stage.stepped.wait(A_MINUTE)
    assert stage.receiver.ids == [event_id]


def test_rotate_prints_the_new_secret_alone_on_the_last_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = stage.webhook()
    secret = printed(capsys, "rotate", webhook.reference).splitlines()[-1]
    assert secret == secret_of(secret_keys(stage.stepped.services.settings)[0], webhook.reference, 2)
    stage.test(webhook)
    stage.stepped.work()
    assert len(stage.receiver.last.headers["webhook-signature"].split()) == 2


def test_delete(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = stage.webhook()
    stage.test(webhook)
    printed(capsys, "delete", webhook.reference)
    stage.stepped.wait(A_MINUTE)
    assert stage.receiver.asked == []
    assert stage.events(webhook) == []


@pytest.mark.parametrize("step", ["show", "test", "replay", "rotate", "delete"])
def test_what_does_not_exist(machine: SteppedBot, capsys: pytest.CaptureFixture[str], step: str) -> None:
    assert "has this ID" in printed(capsys, step, "none", code=1)
    assert machine.next_wait() is None


def test_each_act_is_in_the_audit(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = stage.webhook()
    for step in ("test", "rotate", "delete"):
        printed(capsys, step, webhook.reference)
    with stage.stepped.database.read() as tx:
        rows = [one for one in audit.latest(tx, 9) if one.channel is Channel.CLI][::-1]
    assert [(one.act, one.outcome, one.reference) for one in rows] == [
        ("webhooks", outcome, webhook.reference) for outcome in ("tested", "rotated", "deleted")
    ]
