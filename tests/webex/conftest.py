"""A setup for the client's tests: the emulator with one organization, and a server that misbehaves on demand."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from bot.emulator import Emulator
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.tokens import StaticToken
from tests.webex.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


@dataclass
class LiveBot:
    """People and spaces that every test may use; `chat` is the bot's, `admin` the administrator's client."""

    emulator: Emulator
    org: Any
    ada: Any
    nora: Any
    bot: Any
    admin_token: str
    bot_token: str
    chat: Chat
    admin: Client


@pytest.fixture
def closed() -> Iterator[Callable[[T], T]]:
    """Closes at the end of the test what is given to it."""
    with ExitStack() as stack:
        yield lambda thing: stack.enter_context(closing(thing))  # type: ignore[type-var]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    made = Loopback()
    yield made
    made.stop()


@pytest.fixture
def loopback(server: Loopback) -> Loopback:
    """Return the same server for all tests of a module, with nothing left of the test before."""
    server.forget()
    return server


@pytest.fixture
def live() -> Iterator[LiveBot]:
    with Emulator() as emulator:
        world = emulator.world
        org = world.add_organization("Acme", is_partner=True)
        ada = world.add_person("Ada Lovelace", org, roles=[FULL_ADMIN, PARTNER_FULL_ADMIN])
        nora = world.add_person("Nora Jones", org)
        bot = world.add_bot("Report Bot", org)
        admin_token, bot_token = world.add_token(ada), world.add_token(bot)
        chat = Chat(emulator.api_url, StaticToken(bot_token))
        admin = Client(emulator.api_url + "/", StaticToken(admin_token))
        with closing(chat), closing(admin):
            yield LiveBot(emulator, org, ada, nora, bot, admin_token, bot_token, chat, admin)
