"""A confirmation is used once, in time, by the person who was asked, for the command that asked."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import confirmations
from bot.db.confirmations import Unusable
from bot.emulator import ids
from tests.db.rows import NOW

if TYPE_CHECKING:
    from bot.db.database import Database

ADA = ids.webex_id(ids.PEOPLE, "aaaaaaaa-1ea0-4d52-9f49-6cbb4eb8e0c7")
ADA_ELSEWHERE = ids.webex_id(ids.PEOPLE, "AAAAAAAA-1ea0-4d52-9f49-6cbb4eb8e0c7", "urn:TEAM:us-west-2_r")
GRACE = ids.webex_id(ids.PEOPLE, "bbbbbbbb-1ea0-4d52-9f49-6cbb4eb8e0c7")
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
def token(database: Database) -> str:
    with database.begin() as tx:
        return confirmations.add(tx, ADA, "delete", "partner:R", NOW + TEN_MINUTES)


def test_the_person_uses_it_once_and_the_same_event_gets_it_again(database: Database, token: str) -> None:
    with database.begin() as tx:
        assert confirmations.use(tx, token, ADA_ELSEWHERE, "press:1", NOW, command="delete") == "partner:R"
    with database.begin() as tx:
        late = NOW + timedelta(hours=2)
        assert confirmations.use(tx, token, ADA, "press:1", late, command="delete") == "partner:R"
        assert confirmations.use(tx, token, ADA, "press:2", NOW, command="delete") is None
        assert confirmations.why_not(tx, token, ADA, command="delete") is Unusable.USED


def test_it_lapses(database: Database, token: str) -> None:
    with database.begin() as tx:
        assert confirmations.use(tx, token, ADA, "press:1", NOW + TEN_MINUTES, command="delete") is None
        assert confirmations.why_not(tx, token, ADA, command="delete") is Unusable.LAPSED
        last = NOW + TEN_MINUTES - timedelta(seconds=1)
        assert confirmations.use(tx, token, ADA, "press:2", last, command="delete") == "partner:R"


def test_nobody_else_uses_it_and_it_stays_the_person_s(database: Database, token: str) -> None:
    with database.begin() as tx:
        assert confirmations.use(tx, token, GRACE, "press:1", NOW, command="delete") is None
        assert confirmations.why_not(tx, token, GRACE, command="delete") is Unusable.ANOTHER_PERSONS
        assert confirmations.use(tx, token, ADA, "press:2", NOW, command="delete") == "partner:R"


@pytest.mark.parametrize(("forged", "command"), [("", "delete"), ("made-up", "delete"), (None, "new")])
def test_a_forged_token_and_another_command_get_nothing(
    database: Database, token: str, forged: str | None, command: str
) -> None:
    sent = token if forged is None else forged
    with database.begin() as tx:
        assert confirmations.use(tx, sent, ADA, "press:1", NOW, command=command) is None
        assert confirmations.why_not(tx, sent, ADA, command=command) is Unusable.LAPSED


def test_of_many_presses_at_once_one_wins(database: Database, token: str) -> None:
    won: list[str | None] = []

    def press(number: int) -> None:
        with database.begin() as tx:
            won.append(confirmations.use(tx, token, ADA, f"press:{number}", NOW, command="delete"))

    threads = [threading.Thread(target=press, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(one or "" for one in won) == [""] * 7 + ["partner:R"]
