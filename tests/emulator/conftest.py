"""A stage for each test: a running emulator with two organizations and a bot."""

from collections.abc import Iterator

import pytest

from bot.emulator import Emulator
from tests.emulator.support import Client, Listener, LiveBot, set_stage


@pytest.fixture
def live() -> Iterator[LiveBot]:
    with Emulator() as emulator:
        made = set_stage(emulator)
        yield made
        for client in made.clients:
            client.session.close()


@pytest.fixture
def admin(live: LiveBot) -> Client:
    return live.client(live.ada)


@pytest.fixture
def bot(live: LiveBot) -> Client:
    return live.client(live.bot)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()
