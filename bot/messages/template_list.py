"""The list of what can be run: one card, or the text that stands in for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.messages.elements import button, card, sentence_in_card, text
from bot.messages.report_form import LONGEST_TITLE, limits_of
from bot.text import MAX_TEXT_BYTES, count, escape_card, escape_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.webex.report_templates import Template
    from bot.webex.types import Card

NOTHING: Final = "No template fits. Type `templates` to see all of them."
NONE_AT_ALL: Final = "Webex lists no report templates."


def note_of(total: int, start: int, shown: int, words: str) -> str:
    """Return the line above the list."""
    if not total:
        return NOTHING if words else NONE_AT_ALL
    found = f"{count(total, 'template')}{f' for “{escape_markdown(words, 60)}”' if words else ''}"
    return f"{found}." if shown == total else f"{start + 1}–{start + shown} of {found}."


def templates_card(templates: Sequence[Template], *, note: str, more: str, buttons: bool) -> tuple[str, Card]:
    """Return a page; ``more``: the argument of the next one, if any; ``buttons``: the person may run them."""
    body = [
        text("Templates", size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
        *(_row(one, buttons=buttons) for one in templates),
    ]
    said = _text(templates, note)
    return said, card(body, [button("More", "templates", more)] if more else [], instead=said)


def _row(template: Template, *, buttons: bool) -> dict[str, Any]:
    about: dict[str, Any] = {
        "type": "Column",
        "width": "stretch",
        "items": [
            text(escape_card(template.title, LONGEST_TITLE), weight="Bolder"),
            text(escape_card(limits_of(template)), size="Small", isSubtle=True, spacing="None"),
        ],
    }
    run = {
        "type": "Column",
        "width": "auto",
        "verticalContentAlignment": "Center",
        "items": [{"type": "ActionSet", "actions": [button("Run…", "new", template.key)]}],
    }
    return {"type": "ColumnSet", "separator": True, "columns": [about, run] if buttons else [about]}


def _text(templates: Sequence[Template], note: str) -> str:
    lines = [note, ""]
    for one in templates:
        line = f"- **{escape_markdown(one.title, LONGEST_TITLE)}** ({escape_markdown(limits_of(one))}): `new {one.key}`"
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
