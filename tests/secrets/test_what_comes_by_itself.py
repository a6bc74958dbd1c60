"""What fails of subscriptions, schedules and programs tells no secret: in spaces, the API, the database, the log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from bot.cli import schedules_file
from bot.db import api_keys, origins
from bot.db.api_keys import Right
from bot.emulator import Emulator
from bot.emulator.things import Template
from bot.logs import register_secrets
from bot.messages.names import Names
from tests.api.conftest import Api, Caller
from tests.live_bot import ADMIN_OF_BOTH, PATIENCE
from tests.origin_rows import add_schedule, add_subscription
from tests.secrets.outputs import Outputs, kept_in, log_in_both_forms, said_by
from tests.secrets.test_no_secret_leaks import CELL, BotWithSecrets, was_hit, ways_to_fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.emulator.things import Family

CREATES: dict[Family, str] = {"partner": "/v1/partner/reports", "organization": "/v1/reports"}
CALLS = (("GET", "/v1/partner/reports"), ("GET", "/api"), ("GET", "/v1/memberships"), ("POST", "/v1/messages"))
"""Of an announcement."""
EVERY = 4
"""Of the ways to fail, each so many is tried of each call."""


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


class Owners:
    """The program, people who own schedules, and a program that has a key."""

    def __init__(self, live: BotWithSecrets, address: str) -> None:
        self.live, self.world, self.api = live, live.emulator.world, Api(live, address)
        now = datetime.now(UTC)
        with self.api.database.begin() as tx:
            key = api_keys.create(tx, "nightly", None, tuple(Right), created_by="test", now=now)
        self.caller = Caller(address, key)
        for family in CREATES:
            self.world.add_template(Template(130, family, "Calling Usage", "Teams"))

    def run_of_a_person(self, family: Family, way: dict[str, Any]) -> None:
        """Have a schedule run by hand, whose creation fails, and look at what is told of it."""
        person = self.world.add_person(f"Admin {len(self.world.people)}", self.live.acme, roles=ADMIN_OF_BOTH)
        space = self.world.add_space("Group", [person, self.live.bot])
        about = {"family": family, "template_id": "130", "title": "Calling Usage"}
        schedule = add_schedule(self.api.database, person, space, datetime.now(UTC), **about)
        fault = self.live.emulator.faults.add("POST", CREATES[family], host="api", times=1, **way)
        voice = self.live.at(person, space)
        voice.says(f"run {schedule.reference}")
        self.world.wait_for(partial(was_hit, fault), timeout=PATIENCE)
        voice.says(f"history {schedule.reference}").card()

    def run_of_a_key(self, family: Family, way: dict[str, Any]) -> str:
        """Have the same by the API, and return what it tells."""
        about = {"family": family, "templateId": 130, "period": "last week", "spaceId": self.live.group.id}
        recurs = {"dtstart": "2026-11-30T08:00:00[Europe/Berlin]", "rrule": "FREQ=WEEKLY;BYDAY=MO"}
        made = self.caller.post("/schedules", about | recurs, status=201)["id"]
        fault = self.live.emulator.faults.add("POST", CREATES[family], host="api", times=1, **way)
        self.caller.call("POST", f"/schedules/{made}/runs", status=202)
        self.world.wait_for(partial(was_hit, fault), timeout=PATIENCE)
        return f"{self.caller.get(f'/schedules/{made}/runs')} {self.caller.get(f'/schedules/{made}')}"

    def announcement(self, number: int, method: str, path: str, way: dict[str, Any]) -> None:
        """Have a subscription announce a report while a call of it fails."""
        person = self.world.add_person(f"Admin {len(self.world.people)}", self.live.acme, roles=ADMIN_OF_BOTH)
        space = self.world.add_space("Group", [person, self.live.bot])
        words = "".join("abcdefghjk"[int(digit)] for digit in f"{number:04}")
        add_subscription(self.api.database, person, space, datetime.now(UTC), words=words)
        host: Any = "download" if path == "/api" else "api"
        fault = self.live.emulator.faults.add(method, path, host=host, times=1, **way)
        self.live.partner_report(f"Usage {words}", content=f"Name\r\n{CELL}\r\n".encode())
        self.world.wait_for(partial(was_hit, fault), timeout=PATIENCE)


def test_nothing_that_fails_by_itself_lets_a_secret_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, logs = Outputs(), log_in_both_forms()
    monkeypatch.setattr("bot.queue.runner.FIRST_WAIT", 0.02)
    with Emulator() as emulator:
        live = BotWithSecrets(emulator, tmp_path / "data")
        (live.settings().data_dir / "files").mkdir(parents=True)
        register_secrets(*live.settings().secret_values())
        with live.program() as address:
            live.register(address)
            live.at(live.ada).says("help").answer()
            owners = Owners(live, address)
            live.at(live.ada).says("subscribe calling usage").answer()  # from now on the lists are looked at
            number = 0
            for family, path in CREATES.items():
                for way in ways_to_fail(live.token_of("GET", path))[::EVERY]:
                    owners.run_of_a_person(family, way)
                    outputs.add("an answer of the API", owners.run_of_a_key(family, way))
            for method, path in CALLS:
                for way in ways_to_fail(live.token_of(method, path))[::EVERY]:
                    owners.announcement(number := number + 1, method, path, way)
            with owners.api.database.read() as tx:
                written = schedules_file.written(origins.going(tx), Names())
                outputs.add("the export", "\n".join(written))
            outputs.add_all("a message", said_by(emulator, live.bot))
        owners.api.database.close()
        outputs.add_all("a kept file", kept_in(tmp_path / "data"))
        for form, log in logs.items():
            outputs.add(f"the log as {form}", log.getvalue())
        assert {"a message", "a kept file", "the export", "an answer of the API"} <= outputs.places
        assert {"the log as json", "the log as text"} <= outputs.places
        found = outputs.leaks(live.secrets() | {"the key": owners.caller.key})
        # A file that was announced is kept a while, for who asks for it next.
        assert [one for one in found if not one.startswith("cell of the file in a kept file")] == []
