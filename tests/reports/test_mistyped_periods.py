"""Which typing errors in a period are forgiven, and what is no period with one."""

from __future__ import annotations

from datetime import date

import pytest

from bot.reports.mistyped_periods import guess_period
from bot.reports.periods import Period

TODAY = date(2026, 11, 29)
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))


@pytest.mark.parametrize(
    ("words", "period", "rest"),
    [
        ("Caling usage last mnth", OCTOBER, ("Caling", "usage")),
        ("usage Lats Month", OCTOBER, ("usage",)),
        ("usage Octobre 1-15", Period(date(2026, 10, 1), date(2026, 10, 15)), ("usage",)),
        ("weak signals ocotber", OCTOBER, ("weak", "signals")),
        ("yesterdya", Period(date(2026, 11, 28), date(2026, 11, 28)), ()),
        ("calling usage", None, ("calling", "usage")),
        ("active hosts yearly", None, ("active", "hosts", "yearly")),
        ("usage 2025-1x", None, ("usage", "2025-1x")),
        ("last mnth ocotber", None, ("last", "mnth", "ocotber")),
    ],
)
def test_a_guess(words: str, period: Period | None, rest: tuple[str, ...]) -> None:
    assert guess_period(words.split(), TODAY) == (period, rest)
