"""A stage for each test: a running emulator with two organizations and a bot."""

from collections.abc import Iterator

import pytest

from bot.emulator import Emulator
from tests.emulator.support import Client, Listener, Stage, set_stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Emulator() as emulator:
        made = set_stage(emulator)
        yield made
        for client in made.clients:
            client.session.close()


@pytest.fixture
def admin(stage: Stage) -> Client:
    return stage.client(stage.ada)


@pytest.fixture
def bot(stage: Stage) -> Client:
    return stage.client(stage.bot)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()
