"""How far a large file is, and what people read of it meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from bot.text import size

WORDS: Final = "Downloading the file"
"""How each message begins."""


class Stage(Enum):
    """What is being done with the file."""

    FETCHING = "fetching"
    CONVERTING = "converting"
    CUTTING = "cutting"
    POSTING = "posting"


@dataclass(frozen=True, slots=True)
class Figures:
    """How far it is: bytes so far, of so many (0: nobody knows)."""

    stage: Stage = Stage.FETCHING
    came: int = 0
    total: int = 0


NOTHING: Final = Figures()


def words(now: Figures) -> str:
    """Return how far it is, in words."""
    match now.stage:
        case Stage.POSTING:
            return f"{WORDS}: done; posting it now."
        case Stage.CONVERTING:
            return f"{WORDS}: done; converting it."
        case Stage.CUTTING:
            return f"{WORDS}: done; splitting it into parts, {percent(now)} %."
        case Stage.FETCHING if now.total <= 0:
            return f"{WORDS}: {size(now.came)} so far."
        case Stage.FETCHING:
            return f"{WORDS}: {percent(now)} % of {size(now.total)}."


def percent(now: Figures) -> int:
    """Return whole per cent, at most 100: the host's figure may be wrong."""
    return min(100, now.came * 100 // now.total) if now.total > 0 else 0
