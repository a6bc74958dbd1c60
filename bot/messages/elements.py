"""The parts of every card: Adaptive Cards 1.2 as dicts, with the text that a client without cards shows instead.

What comes from others goes through ``escape_card`` or ``escape_markdown``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.text import CODE, escape_card, strip_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.webex.types import Card

VERSION: Final = "1.2"
"""The newest version that each of Webex's clients renders; 1.3 adds to it only what forms need."""
MOST_FALLBACK: Final = 2_000
"""Bytes of what a client shows that renders no card of this version."""
LONGEST_ID: Final = 600
COMMAND, ARGUMENT, REFERENCE = "command", "argument", "reference"
"""The names in a button's data: ``{"command": "report", "argument": "<id>"}`` as in typed words, and its request."""


def card(body: list[dict[str, Any]], actions: Iterable[dict[str, Any]] = (), *, instead: str) -> Card:
    """Return an Adaptive Card of these parts; ``instead`` is the message that stands in for it."""
    made: Card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": VERSION,
        "fallbackText": _lines_within(strip_markdown(instead), MOST_FALLBACK),
        "body": body,
    }
    listed = list(actions)
    return made | ({"actions": listed} if listed else {})


def sentence_in_card(sentence: str) -> str:
    """Return a sentence of a message as a card takes it: cards know no code, so a command is bold there."""
    return CODE.sub(lambda code: f"**{escape_card(code[1], LONGEST_ID)}**", sentence)


def _lines_within(words: str, most: int) -> str:
    """Return the first lines that are of so many bytes together, or the start of the first."""
    lines = words.split("\n")
    while len("\n".join(lines).encode()) > most and len(lines) > 1:
        lines.pop()
    return "\n".join(lines).encode()[:most].decode(errors="ignore").rstrip()


def text(words: str, **more: Any) -> dict[str, Any]:
    """Return a block of text that wraps: on a phone nothing is cut off."""
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def facts(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return named values; those without a value are left out."""
    return {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in pairs if value]}


WRITING: Final = frozenset({"new", "run", "last", "delete", "schedule", "unschedule"})
"""Commands for who may run and delete reports."""


THAT_YOU_MAY_SEE: Final = " that you may see"
"""The end of what is said of a list from which what the reader may not see is left out."""
RUN_IT_AGAIN: Final = "Run it again."
"""The end of a sentence about a report that failed."""


def for_reader(markdown: str, made: Card | None) -> tuple[str, Card | None]:
    """Return a message without what somebody who may only read reports can't do: buttons, and that advice."""
    said = _without_advice(markdown)
    if made is None:
        return said, None
    kept: Card = _without_writing(made)
    return said, {name: value for name, value in kept.items() if name != "actions" or value}


def _without_advice(said: str) -> str:
    return said.replace(f" {RUN_IT_AGAIN}", "")


def _without_writing(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_writing(one) for one in part if not _writes(one)]
    if isinstance(part, dict):
        return {name: _without_writing(value) for name, value in part.items()}
    return _without_advice(part) if isinstance(part, str) else part


def _writes(part: Any) -> bool:
    """Return True for a button of such a command, and for a row of nothing else."""
    if not isinstance(part, dict):
        return False
    if part.get("type") == "ActionSet":
        return all(map(_writes, part["actions"]))
    return part.get("type") == "Action.Submit" and part["data"].get(COMMAND) in WRITING


def button(title: str, word: str, argument: str = "", *, reference: str = "") -> dict[str, Any]:
    """Return a button that does what the typed command does; ``reference``: of the request whose card it is on."""
    data = {COMMAND: word, ARGUMENT: argument, REFERENCE: reference}
    return {"type": "Action.Submit", "title": title, "data": {name: value for name, value in data.items() if value}}


def primary(action: dict[str, Any]) -> dict[str, Any]:
    """Return a button as the one that most people want, of which a card has one."""
    return action | {"style": "positive"}


def destructive(action: dict[str, Any]) -> dict[str, Any]:
    """Return a button as one that destroys something."""
    return action | {"style": "destructive"}


def row(parts: list[dict[str, Any]], action: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an entry of a list: its texts, and beside them what can be done with it."""
    columns: list[dict[str, Any]] = [{"type": "Column", "width": "stretch", "items": parts}]
    if action is not None:
        buttons = {"type": "ActionSet", "actions": [action]}
        columns.append({"type": "Column", "width": "auto", "verticalContentAlignment": "Center", "items": [buttons]})
    return {"type": "ColumnSet", "separator": True, "columns": columns}
