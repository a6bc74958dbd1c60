"""What people see of a card's or message's markdown, by the two kinds of clients that there are."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

_COMMONMARK = MarkdownIt("commonmark", {"html": True})
_EXTENDED = MarkdownIt("js-default", {"html": True})  # tables and struck-out text besides

# The documented subset: bold, italic, lists and links. A backslash is taken away before three marks, as Cisco's own
# parser does, whose lists also begin after a closing bracket.
_LIST = re.compile(r"(^|(?<=[\])\n]))([-+*] |\d+\. ?(?=\s))")
_LINK = re.compile(r"(?<!\\)\[([^\]]*)\]\([^()\s]+\)")
_EMPHASIS = re.compile(r"(?<!\\)(\*+|(?<![^\W_])_+)(?=\S)(.+?)(?<=\S)\1(?![^\W_])")
_ESCAPE = re.compile(r"\\([\[\])])")


def in_commonmark(markdown: str) -> str:
    """Return the text, with everything that is more than text in angle brackets: ``<strong>``, ``<bullet_list>``."""
    return _seen(_COMMONMARK, markdown)


def in_extended_markdown(markdown: str) -> str:
    """Return the same with the usual extensions."""
    return _seen(_EXTENDED, markdown)


def in_documented_subset(markdown: str) -> str:
    """Return the same in a client that knows bold, italic, lists and links."""
    shown = _LIST.sub(r"\1<list>", markdown)
    shown = _LINK.sub(r"<link>\1", shown)
    shown = _EMPHASIS.sub(r"<em>\2", shown)
    return _ESCAPE.sub(r"\1", shown)


def _seen(parser: MarkdownIt, markdown: str) -> str:
    shown: list[str] = []
    for block in parser.parse(markdown):
        if block.type not in ("paragraph_open", "paragraph_close", "inline"):
            shown.append(f"<{block.type}>")
        shown += [one.content if one.type == "text" else f"<{one.type}>" for one in block.children or ()]
    return "".join(shown)
