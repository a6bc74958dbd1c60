"""The running program with its API, and a caller with a key."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from bot import app
from bot.db import api_keys
from bot.db.api_keys import Right
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.live_bot import LiveBot


class Caller:
    """A program of somebody's that calls the API with a key."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.key = key
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, *, status: int = 200, **how: Any) -> Any:
        """Call the API, and return the answer's JSON; its status must be this one."""
        answer = self.session.request(method, f"{self.address}/api/v1{path}", timeout=40, **how)
        assert answer.status_code == status, answer.text
        self.headers = answer.headers
        return answer.json() if answer.content else None

    def get(self, path: str, **how: Any) -> Any:
        """Call with GET."""
        return self.call("GET", path, **how)

    def post(self, path: str, body: Any, *, status: int = 202, once: str = "", **how: Any) -> Any:
        """Call with POST; ``once``: the ``Idempotency-Key``."""
        headers = {"Idempotency-Key": once} if once else {}
        return self.call("POST", path, json=body, status=status, headers=headers, **how)

    def ended(self, delivery_id: str) -> Any:
        """Wait for the end of a delivery and return it."""
        found = self.get(f"/deliveries/{delivery_id}?wait=20")
        assert found["status"] != "open"
        return found


class Api:
    """The program, and the keys that are made for it."""

    def __init__(self, live: LiveBot, address: str) -> None:
        self.live = live
        self.address = address
        self.database = app.open_database(live.settings())

    def caller(
        self, *, spaces: Sequence[str] | None = None, rights: Sequence[Right] = tuple(Right), name: str = "test"
    ) -> Caller:
        """Return a caller with a new key, for all spaces unless told otherwise."""
        with self.database.begin() as tx:
            key = api_keys.create(tx, name, spaces, rights, created_by="command line", now=app.now())
        return Caller(self.address, key)

    def revoke(self, name: str = "test") -> None:
        """Revoke the keys of a name."""
        with self.database.begin() as tx:
            for one in api_keys.named(tx, name):
                api_keys.revoke(tx, one.id, app.now())


@contextmanager
def running(live: LiveBot) -> Iterator[Api]:
    """Run the program."""
    with live.program() as address:
        live.register(address)
        api = Api(live, address)
        try:
            yield api
        finally:
            live.let_go()
            api.database.close()


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    """Another system, which takes what it is sent."""
    made = Loopback()
    made.always(200, b"thanks")
    yield made
    made.stop()


@pytest.fixture
def api(stage_alone: LiveBot, database_file: Path) -> Iterator[Api]:
    stage_alone.has_database(database_file)
    with running(stage_alone) as found:
        yield found


@pytest.fixture
def caller(api: Api) -> Caller:
    return api.caller()
