"""A line of ``doctor``: what it looks with, and what it finds. A ``Check`` of the alerts is another thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from bot.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from bot.db.database import Database
    from bot.manifest import Manifest
    from bot.settings import Settings
    from bot.webex.chat import Chat
    from bot.webex.client import Client
    from bot.webex.http import TokenSource
    from bot.webex.people import Directory
    from bot.webex.types import Role


class State(StrEnum):
    """How a line came out; only ``FAILED`` makes the exit code 1."""

    OK = "ok"
    NOTE = "note"
    NEXT = "next"
    """All is well so far, and this is what to do next."""
    FAILED = "FAILED"


Found = tuple[State, str]
"""How a line came out, and the sentence about it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line of ``doctor``."""

    name: str
    state: State
    text: str


@dataclass(frozen=True, slots=True)
class Setup:
    """What a line looks with."""

    settings: Settings
    manifest: Manifest
    database: Database
    chat: Chat
    token: TokenSource
    """The admin token."""
    admin: Client
    directory: Directory
    partner_role: Callable[[], Role | None]
    """Returns the role by which the admin token reads partner reports, if that is proven."""
    now: Callable[[], datetime]

    @property
    def target(self) -> str | None:
        """Return the address of the webhooks; None without ``PUBLIC_URL``."""
        return f"{self.settings.public_url}{self.manifest.path}" if self.settings.public_url else None


def result(name: str, look: Callable[[], Found]) -> Result:
    """Return what looking at one thing gives; an error of ours in it is a line like any other."""
    try:
        return Result(name, *look())
    except BotError as error:
        return Result(name, State.FAILED, error.in_full)


def line(name: str) -> Callable[[Callable[[Setup], Found]], Callable[[Setup], Iterable[Result]]]:
    """Make a line of a function that looks at one thing."""

    def decorate(look: Callable[[Setup], Found]) -> Callable[[Setup], Iterable[Result]]:
        return lambda setup: [result(name, partial(look, setup))]

    return decorate
