"""The table of commands: typed words and buttons find their handler here, and ``help`` is made of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.messages.help import CommandHelp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.chat.invocation import Invocation

    Handler = Callable[[Invocation], None]

HELP_ORDER = ("reports", "report", "again", "refresh", "cancel", "why", "audit")
"""How help lists the commands; others follow, and ``help`` is the last."""


@dataclass(frozen=True, slots=True)
class Command(CommandHelp):
    """A word that people may write, and its handler."""

    handler: Handler


class Registry:
    """Commands by their words."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}

    def command(self, word: str, *, usage: str, summary: str) -> Callable[[Handler], Handler]:
        """Register a handler for a word; help shows the usage and the summary."""

        def register(handler: Handler) -> Handler:
            if word in self._commands:
                raise ValueError(f"two commands are called {word}")
            self._commands[word] = Command(word, usage, summary, handler)
            return handler

        return register

    def __iter__(self) -> Iterator[Command]:
        """Give the commands in the order of ``HELP_ORDER``."""
        places = {word: place for place, word in enumerate(HELP_ORDER)} | {"help": len(self._commands) + 1}
        return iter(sorted(self._commands.values(), key=lambda one: places.get(one.word, len(HELP_ORDER))))

    @property
    def words(self) -> frozenset[str]:
        """Return all words."""
        return frozenset(self._commands)

    def find(self, word: str) -> Command | None:
        """Return the command of a word, in any case."""
        return self._commands.get(word.casefold())

    def nearest(self, word: str) -> Command | None:
        """Return the command that was probably meant by a mistyped word."""
        close = difflib.get_close_matches(word, sorted(self._commands), n=1, cutoff=0.6)
        return self._commands[close[0]] if close else None


registry = Registry()
