"""From webhook to card, against the bare chain of the same API calls: what the bot adds to what Webex takes anyway.

Both end at the moment that the emulator notes on the card. The bare chain is what a script without any of the bot's
duties would do: read the message, read the report's details, post the very card that the bot posts, over one kept
connection. Bot and chain take turns in short blocks, so that a disturbance of the machine meets both.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from tests.bench.senders import Acks, Connection, request_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.world import Addresses, Asked, World

IN_A_BLOCK = 5
"""Requests of each sender, one right after the card of the one before: its file is fetched and posted meanwhile."""
WARM_UP = 2
"""Requests of each sender that do not count: they fill the caches and open the connections."""


@dataclass
class Cards:
    """What came of it, in seconds."""

    bot: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    failures: int = 0
    bot_elapsed: float = 0.0
    """Until the last card."""
    elapsed: float = 0.0
    """Until the last file."""


def acks_of_waiting_senders(world: World, port: int, asked: Sequence[Sequence[Asked]], seconds: float) -> Acks:
    """Have each sender ask for its next report as soon as it has the card of the last, for so long.

    The first ones of each do not count (see `WARM_UP`); after them, no two senders ask at once but by chance.
    """
    connections = [Connection(port) for _ in asked]
    began = time.monotonic()

    def send(connection: Connection, row: Sequence[Asked]) -> Acks:
        acks = Acks()
        for number, one in enumerate(row):
            if time.monotonic() - began > seconds:
                break
            taken, good = connection.post(request_bytes(one))
            if number >= WARM_UP:
                acks.seconds.append(taken)
                acks.failures += not good
            world.card_at(one.message_id)
        return acks

    with ThreadPoolExecutor(len(asked)) as pool:
        each = list(pool.map(send, connections, asked))
    for connection in connections:
        connection.close()
    taken = [one for acks in each for one in acks.seconds]
    return Acks(taken, sum(acks.failures for acks in each), time.monotonic() - began)


class Bare:
    """The chain of calls, one kept-alive session a sender."""

    def __init__(self, addresses: Addresses, card: tuple[str, list[dict[str, Any]]]) -> None:
        self._api = addresses.api
        self._bot = {"Authorization": f"Bearer {addresses.bot_token}"}
        self._admin = {"Authorization": f"Bearer {addresses.admin_token}"}
        self._words, self._attachments = card
        self._session = requests.Session()
        self._session.trust_env = False  # looking for proxies and .netrc would only make the chain slower

    def run(self, asked: Asked) -> None:
        """Answer one message with a card."""
        self._call("GET", f"messages/{asked.message_id}", self._bot)
        self._call("GET", f"partner/reports/{asked.report_id}", self._admin)
        said = {
            "roomId": asked.room_id,
            "parentId": asked.message_id,
            "markdown": self._words,
            "attachments": self._attachments,
        }
        self._call("POST", "messages", self._bot, said)

    def _call(self, method: str, path: str, headers: dict[str, str], said: dict[str, Any] | None = None) -> None:
        answer = self._session.request(method, f"{self._api}/{path}", headers=headers, json=said)
        answer.raise_for_status()
        answer.json()

    def close(self) -> None:
        """Hang up."""
        self._session.close()


class Comparison:
    """Bot and bare chain, turn by turn, with so many senders."""

    def __init__(self, world: World, port: int, senders: int) -> None:
        self._world = world
        self._senders = senders
        self._connections = [Connection(port) for _ in range(senders)]
        self._lock = threading.Lock()
        self._reports = 0
        """Of each person's reports, so many were asked for."""
        self.cards = Cards()

    def run(self, blocks: int) -> Cards:
        """So many blocks of each, after a warm-up."""
        first = self._ask(WARM_UP)
        self._all(self._bot_block, first)
        self._files_of(first)
        self.card = self._world.card_of(first[0][0].message_id)
        self._bare = [Bare(self._world.addresses, self.card) for _ in range(self._senders)]
        self._all(self._bare_block, self._ask(WARM_UP))
        self.cards = Cards()
        for _ in range(blocks):
            asked = self._ask(IN_A_BLOCK)
            began = time.perf_counter()
            self._all(self._bot_block, asked)
            self.cards.bot_elapsed += time.perf_counter() - began
            self._files_of(asked)
            self.cards.elapsed += time.perf_counter() - began
            self._all(self._bare_block, self._ask(IN_A_BLOCK))
        for bare in self._bare:
            bare.close()
        for connection in self._connections:
            connection.close()
        return self.cards

    def _ask(self, each: int) -> list[list[Asked]]:
        """Return messages for reports that no message was about before, so that each gets a file of its own.

        Also those of the bare chain: the bot may find them, since it looks for what it has missed.
        """
        asked = self._world.ask_once(self._senders, each, self._reports)
        self._reports += each
        return asked

    def _all(self, work: Callable[[int, Sequence[Asked]], None], asked: Sequence[Sequence[Asked]]) -> None:
        """Every sender at once, a thread each."""
        with ThreadPoolExecutor(self._senders) as pool:
            for done in [pool.submit(work, index, row) for index, row in enumerate(asked)]:
                done.result()

    def _bot_block(self, index: int, row: Sequence[Asked]) -> None:
        for asked in row:
            request = request_bytes(asked)
            began = time.time()
            seconds, good = self._connections[index].post(request)
            taken = self._world.card_at(asked.message_id) - began
            with self._lock:
                self.cards.acks.append(seconds)
                self.cards.failures += not good
                self.cards.bot.append(taken)

    def _bare_block(self, index: int, row: Sequence[Asked]) -> None:
        for asked in row:
            began = time.time()
            self._bare[index].run(asked)
            taken = self._world.card_at(asked.message_id) - began
            with self._lock:
                self.cards.bare.append(taken)

    def _files_of(self, asked: Sequence[Sequence[Asked]]) -> None:
        """Wait until every file is there, so that the bare chain runs undisturbed."""
        files = self._world.files_at(asked)
        cards = [self._world.card_at(one.message_id) for row in asked for one in row]
        self.cards.files += [file - card for file, card in zip(files, cards, strict=True)]
