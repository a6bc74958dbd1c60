"""A rotation of the webhook secret that was not finished is told to the operators, and its end; doctor says it, too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import app
from bot.cli import doctor
from bot.db import key_values, migrations
from bot.ops.checks import webhook_secrets
from tests.operators.space import heard, hears
from tests.stage import SECRET

NEW = "a-new-webhook-secret-0001"


def days_pass(stage, days: float) -> None:
    database = app.open_database(stage.settings())
    with database.begin() as tx:
        assert key_values.updated_at(tx, webhook_secrets.FACT) is not None
        key_values.set(tx, webhook_secrets.FACT, "", app.now() - timedelta(days=days))
    database.close()


def doctor_says(stage) -> list[str]:
    lines: list[str] = []
    doctor.run(stage.settings(), lines.append)
    for line in lines:
        assert SECRET not in line
        assert NEW not in line
    return [line for line in lines if "webhook secret:" in line]


def runs(stage, words: str) -> None:
    """Let the program run until it has said these words."""
    with stage.program():
        hears(stage, words)


def test_two_secrets_for_more_than_a_day_are_told_once_and_their_end_once(stage):
    assert doctor_says(stage) == []
    stage.environ["WEBEX_WEBHOOK_SECRET"] = f"{NEW},{SECRET}"
    assert "two are set, and" in doctor_says(stage)[0]
    runs(stage, "lapses by itself")
    assert heard(stage, "webhook secret") == []
    assert "two are set since" in doctor_says(stage)[0]

    days_pass(stage, 1.01)
    for _ in range(2):
        runs(stage, "Two webhook secrets have been set since")
    assert doctor_says(stage)[0].startswith("note")

    stage.environ["WEBEX_WEBHOOK_SECRET"] = NEW
    for _ in range(2):
        runs(stage, "Over. One webhook secret is set")
    assert doctor_says(stage) == []
    assert len(heard(stage, "webhook secret")) == 2


@pytest.mark.parametrize(("hours", "told"), [(0.0, False), (23.9, False), (24.1, True)])
def test_a_day_is_counted_from_the_first_round_with_both(stage, hours, told):
    stage.environ["WEBEX_WEBHOOK_SECRET"] = f"{NEW},{SECRET}"
    settings = stage.settings()
    database = app.open_database(settings)
    migrations.upgrade(database)
    moment = app.now()
    check = webhook_secrets.check(settings, database, lambda: moment)
    assert check.look() is None
    moment += timedelta(hours=hours)
    assert (check.look() is not None) is told
    stage.environ["WEBEX_WEBHOOK_SECRET"] = NEW
    one = webhook_secrets.check(stage.settings(), database, lambda: moment)
    assert one.look() is None
    assert check.look() is None, "the next rotation has a day of its own"
    database.close()
