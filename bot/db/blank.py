"""Why nothing is in a report's file, as the report's row keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Blank:
    """Why a file has nothing in it, and what may be run instead."""

    likeliest: str
    """What is in the file and the likeliest cause, as the beginning of a sentence."""
    otherwise: str = ""
    """Other causes; empty where the first is certain."""
    title: str = ""
    """Of the button that runs another report; empty where nothing else is worth a try."""
    argument: str = ""
    """The words after ``new`` that ask for it."""

    @property
    def sentence(self) -> str:
        """Return all that it may be, the likeliest first."""
        return f"{self.likeliest}{f'; otherwise {self.otherwise}' if self.otherwise else ''}."

    def as_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps(asdict(self))


def from_json(kept: str | None) -> Blank | None:
    """Return what is kept."""
    return None if kept is None else Blank(**json.loads(kept))
