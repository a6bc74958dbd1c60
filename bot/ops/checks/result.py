"""Holds what a check of ``doctor`` finds. To add a check, write a function that gives one and list it there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Callable


class State(StrEnum):
    """How a check came out; only ``FAILED`` makes the exit code 1."""

    OK = "ok"
    NOTE = "note"
    NEXT = "next"
    """All is well so far, and this is what to do next."""
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Check:
    """One line."""

    what: str
    state: State
    found: str


def checked(what: str, look: Callable[[], tuple[State, str]]) -> Check:
    """Make a check; an error of ours in it is a line like any other."""
    try:
        return Check(what, *look())
    except BotError as error:
        return Check(what, State.FAILED, error.in_full)
