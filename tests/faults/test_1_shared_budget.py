"""Issue 4, item 1: one 429 slows all processes, not each in turn."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.errors import WebexError
from bot.ledger import facts
from bot.store import Store
from bot.webex.shared_brake import FACT, SharedBrake
from bot.webex.tokens import StaticToken
from bot.webex.transport import Transport
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "a-token-of-the-tests"
ANOTHER_PROCESS = """
import sys
from datetime import UTC, datetime
from bot.errors import WebexError
from bot.store import Store
from bot.webex.shared_brake import SharedBrake
from bot.webex.tokens import StaticToken
from bot.webex.transport import Transport

store = Store(sys.argv[1])
transport = Transport(sys.argv[2], StaticToken("t"), brake=SharedBrake(store, "bot", lambda: datetime.now(UTC)))
try:
    transport.request("GET", transport.base_url + "things")
    print("answered")
except WebexError as error:
    print(error.status, "reached" if error.reached else "held back")
transport.close()
store.close()
"""


class Time:
    """One clock for what two processes would each ask for the time."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(seconds=self.passed)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def webex() -> Iterator[Loopback]:
    made = Loopback()
    yield made
    made.stop()


@pytest.fixture
def url(tmp_path: Path, database: Path) -> str:
    shutil.copy(database, tmp_path / "shared.db")
    return f"sqlite:///{tmp_path / 'shared.db'}"


@pytest.fixture
def transport(url: str, webex: Loopback, time: Time) -> Iterator[Callable[..., Transport]]:
    """Makes a transport as a process of its own would: with a store of its own."""
    with ExitStack() as stack:

        def make(whose: str = "bot", store: Store | None = None) -> Transport:
            mine = store or stack.enter_context(closing(Store(url)))
            brake = SharedBrake(mine, whose, time.now, clock=time.monotonic, chance=lambda: 0.0)
            return stack.enter_context(closing(Transport(webex.url, StaticToken(TOKEN), brake=brake)))

        yield make


def call(transport: Transport) -> WebexError | None:
    try:
        transport.request("GET", transport.base_url + "things")
    except WebexError as error:
        return error
    return None


def test_a_429_at_one_process_holds_back_the_others(transport, webex: Loopback, time: Time) -> None:
    one, other = transport(), transport()
    webex.always(429, b"", {"Retry-After": "20"})
    call(one)
    webex.always(200, {})
    time.passed += 5

    held = call(other)

    assert held is not None
    assert (held.status, held.reached, held.retry_after) == (429, False, 15.0)
    assert len(webex.asked) == 1
    time.passed += 16
    assert call(other) is None
    assert call(one) is None


def test_who_had_looked_already_learns_of_it_within_a_second(transport, webex: Loopback, time: Time) -> None:
    one, other = transport(), transport()
    assert call(other) is None
    webex.always(429, b"", {"Retry-After": "20"})
    call(one)
    time.passed += 1.0

    held = call(other)

    assert held is not None
    assert held.reached is False


def test_the_two_tokens_have_budgets_of_their_own(transport, webex: Loopback) -> None:
    webex.always(429, b"", {"Retry-After": "20"})
    call(transport("bot"))
    webex.always(200, {})

    assert call(transport("admin")) is None


def test_the_ledger_is_not_asked_at_each_call(transport, url: str, time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(url)
    reads: list[float] = []
    read = store.read

    def counted():
        reads.append(time.passed)
        return read()

    monkeypatch.setattr(store, "read", counted)
    mine = transport(store=store)
    for _ in range(100):
        call(mine)
    time.passed += 1
    for _ in range(100):
        call(mine)

    assert len(reads) == 2
    store.close()


def test_sixteen_threads_that_meet_one_429_write_it_down_once(transport, url: str, webex: Loopback) -> None:
    mine = transport()
    for _ in range(16):
        mine.brake.hold(20.0)

    with closing(Store(url)) as store, store.read() as tx:
        began = facts.noted_at(tx, f"{FACT}bot")
    mine.brake.hold(20.2)
    with closing(Store(url)) as store, store.read() as tx:
        assert facts.noted_at(tx, f"{FACT}bot") == began
        assert facts.read(tx, f"{FACT}bot") == "20.0"


def test_a_database_that_is_away_stops_no_call(transport, tmp_path: Path, webex: Loopback, time: Time) -> None:
    mine = transport()
    assert call(mine) is None
    for path in tmp_path.glob("shared.db*"):
        path.unlink()
    time.passed += 5

    assert call(mine) is None
    webex.always(429, b"", {"Retry-After": "20"})
    call(mine)
    held = call(mine)

    assert held is not None
    assert held.reached is False, "its own brake still holds"


def test_a_database_without_tables_stops_no_call(transport, tmp_path: Path, webex: Loopback) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'empty.db'}")) as store:
        mine = transport(store=store)
        assert call(mine) is None
        webex.always(429, b"", {"Retry-After": "20"})
        held = call(mine)
        assert held is not None
        assert held.reached is True


def test_a_clock_that_was_set_back_holds_nobody_for_longer_than_webex_asked(transport, webex: Loopback, time) -> None:
    one = transport()
    webex.always(429, b"", {"Retry-After": "20"})
    call(one)
    webex.always(200, {})
    real = time.now
    time.now = lambda: real() - timedelta(hours=1)
    other = transport()

    assert call(other) is not None
    for _ in range(21):
        time.passed += 1
        last = call(other)
    assert last is None


def test_another_process_is_held_back(transport, url: str, webex: Loopback, time: Time) -> None:
    time.now = lambda: datetime.now(UTC)  # type: ignore[method-assign]
    webex.always(429, b"", {"Retry-After": "30"})
    call(transport())
    webex.always(200, {})

    said = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS, url, webex.url],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

    assert said.split("\n")[0] == "429 held back"
    assert len(webex.asked) == 1
