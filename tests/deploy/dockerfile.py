"""Read as much of a Dockerfile as ours uses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Stage:
    """One ``FROM`` and what follows it."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    """Instructions and their texts, in order; lines that go on in the next are one."""

    def all(self, instruction: str) -> list[str]:
        return [text for name, text in self.steps if name == instruction]

    def last(self, instruction: str) -> str:
        return self.all(instruction)[-1]


def read(path: Path) -> list[Stage]:
    """Return the stages; fails with the instructions that nobody here understands."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        if not line.strip():
            continue
        instruction, rest = line.split(maxsplit=1)
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].steps.append((instruction, rest))
    return stages


def words(text: str) -> list[str]:
    """Return the words of ``CMD ["a", "b"]``; of a shell's line nothing here makes any."""
    found: list[str] = json.loads(text[text.index("[") :])
    return found


def variables(text: str, known: dict[str, str]) -> dict[str, str]:
    """Return what an ``ENV`` sets, with the variables that it names put in."""
    pairs = [one.split("=", 1) for one in text.split()]
    return {name: put_in(value, known) for name, value in pairs}


def put_in(text: str, known: dict[str, str]) -> str:
    """Return a text with the variables that it names, as ``$NAME`` or ``${NAME}``, put in."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: known[found[1]], text)
