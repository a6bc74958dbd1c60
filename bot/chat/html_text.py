"""Read the HTML of a message as text: without mentions and quotes, and with the report IDs of its links. Pure."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

from bot.chat.report_ids import ids_in_link

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.webex.types import Person

MENTION = "spark-mention"
MENTIONED_ID = "data-object-id"
LEFT_OF_MENTION = " @ "
"""What stands for a mention in the text: no word, and yet what follows it does not begin a line."""
QUOTE = "blockquote"
UNSEEN = frozenset({QUOTE, "del", "head", "s", "script", "strike", "style", "template", "title"})
"""Elements whose text the author has not written, has struck out, or does not see."""
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
LISTS_AND_TABLES = frozenset({"dd", "dl", "dt", "li", "ol", "table", "td", "th", "tr", "ul"})
BREAKS = frozenset({"br", "div", "hr", "p", "pre", QUOTE}) | HEADINGS | LISTS_AND_TABLES
"""Elements that begin a line. All others are part of one, such as an ID of which some letters are bold."""
ENDS_MENTION = BREAKS | UNSEEN
EMPTY = frozenset({"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
"""Elements that have no end tag."""
LONGEST_HTML = 3 * 7439
"""Letters of HTML that are read. Webex's messages have at most 7,439 bytes of text, and HTML a few times that."""
MOST_TAGS = 2_000
"""Tags that are read: a table pasted from a spreadsheet has hundreds."""


class HtmlText(HTMLParser):
    """Collects the text of a message's HTML."""

    def __init__(self, bot: Person, names: Collection[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._is_bots = bot.goes_by
        self._names = names
        self._unseen: list[str] = []
        """The elements that are left out and not closed yet, from the outermost on."""
        self._mention = ""
        """The tag of the mention that is not closed yet."""
        self._nested = 0
        self._is_bot = False
        self._mentioned_id = ""
        self._label: list[str] = []
        self._linked: list[str] = []
        """The report IDs of the link that is not closed yet."""
        self._link_at = 0
        self._parts: list[str] = []
        self.mentions_bot = False
        self.mentions_others = False
        self.mentioned: list[str] = []
        """The IDs of the others who are mentioned, in their order, where a client gives them."""
        self.left_out = False
        """True when there was a mention or a quote."""

    def text(self) -> str:
        """Give the text; a mention that never ended is words."""
        self._end_link()
        return "".join([*self._parts, *self._label])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what the tag begins."""
        if tag in UNSEEN:
            self._end_mention(tag)
            self._unseen.append(tag)
            self.left_out = True
        elif self._unseen:
            return
        elif self._mention:
            self._nested += tag == self._mention
            self._end_mention(tag)
        elif tag not in EMPTY and (tag == MENTION or self._names_bot(attrs)):
            self._mention, self._nested, self._label = tag, 1, []
            self._is_bot = self._names_bot(attrs)
            self._mentioned_id = dict(attrs).get(MENTIONED_ID) or ""
        elif tag == "a":
            self._end_link()
            self._linked, self._link_at = ids_in_link(dict(attrs).get("href") or ""), len(self._parts)
        if tag in BREAKS and not self._mention:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End what the tag ends."""
        if self._unseen:
            if tag in self._unseen:
                del self._unseen[len(self._unseen) - 1 - self._unseen[::-1].index(tag) :]
        elif self._mention:
            self._nested -= tag == self._mention
            self._end_mention(tag)
        elif tag == "a":
            self._end_link()
        if tag in BREAKS and not self._mention:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep text that is seen."""
        if not self._unseen:
            (self._label if self._mention else self._parts).append(data)

    def _names_bot(self, attrs: list[tuple[str, str | None]]) -> bool:
        """Return True when an attribute is the bot's ID: clients differ in the attribute's name, place and spelling."""
        given = (value.strip(" \t\r\n\"'") for _, value in attrs if value)
        return any(map(self._is_bots, given))

    def _end_mention(self, tag: str) -> None:
        """End the mention with its own end tag, or where a paragraph begins or ends and the mention is none."""
        if not self._mention or (self._nested and (tag not in ENDS_MENTION or self._mention in BREAKS)):
            return
        label = "".join(self._label).strip().lstrip("@").strip().casefold()
        is_bot = self._is_bot or label in self._names
        self.mentions_bot |= is_bot
        self.mentions_others |= not is_bot
        if self._mentioned_id and not is_bot:
            self.mentioned.append(self._mentioned_id)
        self.left_out = True
        self._parts.append(LEFT_OF_MENTION)
        self._mention, self._label = "", []

    def _end_link(self) -> None:
        """Put the report IDs of the link behind its label; a label that is the link itself may be cut short."""
        if self._linked:
            label = "".join(self._parts[self._link_at :])
            if "://" in label or "www." in label:
                del self._parts[self._link_at :]
            self._parts.append(f" {' '.join(self._linked)} ")
            self._linked = []


def read_html(html: str, bot: Person, names: Collection[str]) -> HtmlText | None:
    """Read a message's HTML; None where it is none that a person's client makes.

    ``names`` are what a mention of the bot may show, in lower case.
    """
    if len(html) > LONGEST_HTML or html.count("<") > MOST_TAGS:
        return None
    reader = HtmlText(bot, names)
    try:
        # A blank, since the parser keeps an unfinished entity. No close(): for that it looks from each unfinished tag
        # to the end, which takes a minute for the longest HTML.
        reader.feed(html + " ")
    except AssertionError:  # how the parser answers a declaration that it does not know
        return None
    return None if reader.rawdata else reader
