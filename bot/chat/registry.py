"""The table of commands: typed words and buttons find their handler here, and ``help`` is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.access.policy import Action
from bot.messages.help import CommandHelp, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.chat.invocation import Invocation

    Handler = Callable[[Invocation], None]

HELP_ORDER = (
    *("report", "reports", "again"),
    *("new", "templates", "last", "run", "schedule"),
    *("pending", "refresh", "cancel", "why"),
    *("subscribe", "subscriptions", "unsubscribe", "mute", "unmute"),
    *("history", "schedules", "unschedule"),
    *("delete", "settings", "audit", "keys"),
)
"""How help lists the commands of a group; others follow, and ``help`` is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(CommandHelp):
    """A word that people may write, and its handler."""

    handler: Handler
    action: Action | None
    """What policy must allow for it, so that help lists it only for who may do it; None: it is for everybody."""


class Registry:
    """Commands by their words."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}

    def command(
        self,
        word: str,
        *,
        usage: str,
        summary: str,
        group: Group = Group.MANAGE,
        examples: tuple[str, ...] = (),
        action: Action | None = Action.READ,
        rare: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a handler for a word; the rest is what help shows, and to whom."""

        def register(handler: Handler) -> Handler:
            if word in self._commands:
                raise ValueError(f"two commands are called {word}")
            self._commands[word] = Command(
                word=word,
                usage=usage,
                summary=summary,
                group=group,
                examples=examples,
                rare=rare,
                handler=handler,
                action=action,
            )
            return handler

        return register

    def __iter__(self) -> Iterator[Command]:
        """Give the commands by their groups, and in each in the order of ``HELP_ORDER``."""
        places = {word: place for place, word in enumerate(HELP_ORDER)} | {
            "help": len(self._commands) + len(HELP_ORDER)
        }
        groups = list(Group)
        return iter(
            sorted(
                self._commands.values(),
                key=lambda one: (groups.index(one.group), places.get(one.word, len(HELP_ORDER))),
            )
        )

    @property
    def words(self) -> frozenset[str]:
        """Return all words."""
        return frozenset(self._commands)

    def find(self, word: str) -> Command | None:
        """Return the command of a word, in any case."""
        return self._commands.get(word.casefold())


registry = Registry()
