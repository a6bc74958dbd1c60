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


@dataclass(frozen=True, slots=True)
class Command(CommandHelp):
    """One word that people may write."""

    handler: Handler


class Registry:
    """Commands by their words."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}

    def command(self, word: str, *, usage: str, summary: str) -> Callable[[Handler], Handler]:
        """Register a handler for a word."""

        def register(handler: Handler) -> Handler:
            if word in self._commands:
                raise ValueError(f"two commands are called {word}")
            self._commands[word] = Command(word, usage, summary, handler)
            return handler

        return register

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    @property
    def words(self) -> frozenset[str]:
        """Every word."""
        return frozenset(self._commands)

    def find(self, word: str) -> Command | None:
        """The command of that word, in any case."""
        return self._commands.get(word.casefold())

    def nearest(self, word: str) -> Command | None:
        """The command that was probably meant by a mistyped word."""
        close = difflib.get_close_matches(word, sorted(self._commands), n=1, cutoff=0.6)
        return self._commands[close[0]] if close else None


registry = Registry()
