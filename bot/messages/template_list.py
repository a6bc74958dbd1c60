"""The list of what can be run: one card, or the text that stands in for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.messages.elements import button, card, sentence_in_card, text
from bot.messages.report_form import LONGEST_TITLE, argument_of, limits_of, template_row
from bot.text import MAX_TEXT_BYTES, count, escape_markdown
from bot.webex.report_templates import NewReport

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


def templates_card(
    templates: Sequence[Template], *, note: str, more: str, buttons: bool, on_behalf_of: str = ""
) -> tuple[str, Card]:
    """Return a page; ``more``: the argument of the next one, if any; ``buttons``: the person may run them.

    ``on_behalf_of``: the sub-partner whose templates they are.
    """
    listed = [(one, argument_of(NewReport(one.family, one.id, on_behalf_of=on_behalf_of))) for one in templates]
    body = [
        text("Templates", size="Medium", weight="Bolder"),
        text(sentence_in_card(note), isSubtle=True, spacing="Small"),
        *(template_row(one, argument if buttons else None) for one, argument in listed),
    ]
    said = _text(listed, note)
    return said, card(body, [button("More", "templates", more)] if more else [], instead=said)


def _text(listed: Sequence[tuple[Template, str]], note: str) -> str:
    lines = [note, ""]
    for one, argument in listed:
        title = escape_markdown(one.title, LONGEST_TITLE)
        line = f"- **{title}** ({escape_markdown(limits_of(one))}): `new {argument}`"
        if len("\n".join([*lines, line]).encode()) > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)
