"""A rotation of the webhook secret that was not finished is an alert; doctor says it, too."""

from __future__ import annotations

from datetime import timedelta

from bot import app
from bot.cli import doctor
from bot.db import alerts, migrations
from bot.ops.checks import webhook_secrets
from tests.live_bot import SECRET
from tests.operators.space import is_told, told
from tests.waiting import until

NEW = "a-new-webhook-secret-0001"


def days_pass(live, days: float) -> None:
    database = app.open_database(live.settings())
    with database.begin() as tx:
        (alert,) = alerts.of_check(tx, webhook_secrets.NAME)
        alerts.change(tx, alert, since=app.now() - timedelta(days=days))
    database.close()


def doctor_says(live) -> list[str]:
    lines: list[str] = []
    doctor.run(live.settings(), lines.append)
    for line in lines:
        assert SECRET not in line
        assert NEW not in line
    return [line for line in lines if "webhook secret:" in line]


def runs_a_round(live) -> None:
    """Let the program run until it has looked at the secrets."""
    database = app.open_database(live.settings())
    migrations.upgrade(database)

    def is_told() -> bool:
        with database.read() as tx:
            return bool(alerts.of_check(tx, webhook_secrets.NAME))

    with live.program():
        until(is_told, "the secrets were looked at")
    database.close()


def runs(live, words: str) -> None:
    """Let the program run until it has said these words."""
    with live.program():
        is_told(live, words)


def test_two_secrets_for_more_than_a_day_are_told_once_and_their_end_once(live):
    assert doctor_says(live) == []
    live.environ["WEBEX_WEBHOOK_SECRET"] = f"{NEW},{SECRET}"
    assert "two are set. " in doctor_says(live)[0]
    runs_a_round(live)
    assert told(live, "webhook secret") == []
    assert "two are set since" in doctor_says(live)[0]

    days_pass(live, 1.01)
    for _ in range(2):
        runs(live, "Two webhook secrets have been set since")
    assert doctor_says(live)[0].startswith("note")

    live.environ["WEBEX_WEBHOOK_SECRET"] = NEW
    for _ in range(2):
        runs(live, "Resolved: Only one webhook secret is set")
    assert doctor_says(live) == []
    assert len(told(live, "webhook secret")) == 2


def test_one_day_is_long_enough_for_a_rotation(live):
    live.environ["WEBEX_WEBHOOK_SECRET"] = f"{NEW},{SECRET}"
    assert webhook_secrets.check(live.settings()).pending_for == timedelta(days=1)
    live.environ["WEBEX_WEBHOOK_SECRET"] = NEW
    assert webhook_secrets.check(live.settings()).look() is None
