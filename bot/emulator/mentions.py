"""How Webex turns mentions and markdown into `text` and `html`, as far as a bot can notice."""

import re
from collections.abc import Callable
from html import escape
from typing import Literal

from bot.emulator.things import Person

MentionAs = Literal["full", "first"]
MentionAt = Literal["start", "end"]

_MENTION_OUT = re.compile(r"<@(personEmail|personId):([^|>]+)(?:\|([^>]*))?>")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`]+)`")


def mention_tag(person: Person, label: str) -> str:
    """Return the element that a client puts where a person is mentioned."""
    return (
        f'<spark-mention data-object-type="person" data-object-id="{escape(person.id)}">{escape(label)}</spark-mention>'
    )


def written_mention(text: str, person: Person, shown_as: MentionAs, at: MentionAt) -> tuple[str, str]:
    """Return what `text` and `html` become when someone types a mention of `person` before or after the words."""
    label = person.display_name if shown_as == "full" else person.first_name
    words = escape(text).replace("\n", "<br/>")
    if at == "start":
        return f"{label} {text}", f"<p>{mention_tag(person, label)} {words}</p>"
    return f"{text} {label}", f"<p>{words} {mention_tag(person, label)}</p>"


def from_markdown(markdown: str, find: Callable[[str, str], Person | None]) -> tuple[str, str, list[str]]:
    """(text, html, mentioned person ids) of posted markdown; `find("personEmail"|"personId", value)` knows people."""
    mentioned: list[str] = []
    tags: list[str] = []

    def label_of(found: re.Match[str]) -> str:
        person = find(found[1], found[2])
        if person is None:
            return found[3] or found[2]
        mentioned.append(person.id)
        tags.append(mention_tag(person, found[3] or person.display_name))
        return f"\x00{len(tags) - 1}\x00"

    marked = _MENTION_OUT.sub(label_of, markdown)
    text = _CODE.sub(r"\1", _BOLD.sub(r"\1", _LINK.sub(r"\1", marked)))
    html = _CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<strong>\1</strong>", escape(marked)))
    html = _LINK.sub(r'<a href="\2" rel="nofollow">\1</a>', html).replace("\n", "<br/>")
    for number, tag in enumerate(tags):
        label = re.sub(r"<[^>]+>", "", tag)
        text = text.replace(f"\x00{number}\x00", label)
        html = html.replace(f"\x00{number}\x00", tag)
    return text, f"<p>{html}</p>", mentioned
