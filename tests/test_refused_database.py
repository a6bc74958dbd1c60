"""A PostgreSQL server that lets the bot not in is no outage: that doesn't pass by itself."""

from __future__ import annotations

import pytest

from bot.errors import DatabaseUnavailable


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ('FATAL:  password authentication failed for user "bot"', "refuses the bot's user or password."),
        ('FATAL:  role "bot" does not exist', "refuses the bot's user or password."),
        ("fe_sendauth: no password supplied", "refuses the bot's user or password."),
        ('FATAL:  no pg_hba.conf entry for host "::1", user "bot"', "refuses the bot's user or password."),
        ('FATAL:  database "reportbot" does not exist', "has no database with this name."),
    ],
)
def test_what_to_correct_is_said_when_the_server_refuses(says: str, words: str) -> None:
    error = DatabaseUnavailable(RuntimeError(f"connection failed: {says}"))
    expected = f"The database's server {words} Check DATABASE_URL. The cause: connection failed: {says}"
    assert error.in_full == expected


def test_a_server_that_is_away_is_an_outage() -> None:
    error = DatabaseUnavailable(RuntimeError("connection refused"))
    assert error.in_full.endswith("or is full. Try again later. The cause: connection refused")
