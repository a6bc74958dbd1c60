"""The page shows a card's text as the poorest of Webex's clients does, and what the bot says of a report reads well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.emulator import Emulator
from bot.emulator.sample_data import furnish
from bot.text import escape_card, escape_markdown, folded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

SOON = 20_000
"""Milliseconds until something must have appeared on the page."""
SHOWN = [
    ("**bold** and *italic*", "<strong>bold</strong> and <em>italic</em>"),
    ("__bold__ and _italic_, snake_case_too", "<strong>bold</strong> and <em>italic</em>, snake_case_too"),
    ("**a *b* c**", "<strong>a <em>b</em> c</strong>"),
    ("`code`", "`code`"),
    ("~~gone~~", "~~gone~~"),
    ("# head", "# head"),
    ("> quote", "&gt; quote"),
    ("<b>x</b> &amp;", "&lt;b&gt;x&lt;/b&gt; &amp;amp;"),
    (r"\1. \*a\* \_b\_ C:\new", r"\1. \*a\* \_b\_ C:\new"),
    (r"\[x\](y\)", "[x](y)"),
    ("2 * 3 * 4", "2 * 3 * 4"),
    ("one\ntwo", "one<br>two"),
]
TITLES = [
    "1. Quarter",
    "a*b*c",
    "_x_",
    "[click](https://evil.example)",
    "~~no~~",
    "`code`",
    "<@personEmail:ada@acme.example>",
    "C:\\new",
    "- item",
    "# head",
    "{{DATE(2024-01-01T00:00:00Z)}}",
    "<b>x</b>",
    "&amp;",
    "Active_Hosts_2024.csv",
]


MICROSOFTS = """
async ([card, linkify]) => {
  const markdown = globalThis.markdownit({ html: true, linkify });
  const hook = AdaptiveCards.AdaptiveCard.onProcessMarkdown;
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = markdown.render(text);
    result.didProcess = true;
  };
  try {
    const drawn = new AdaptiveCards.AdaptiveCard();
    drawn.parse(card);
    const shown = drawn.render();
    document.body.append(shown);
    const seen = [shown.innerText.trim(), shown.querySelectorAll("a, b, code, em, h1, hr, li, s, strong").length];
    shown.remove();
    return seen;
  } finally {
    AdaptiveCards.AdaptiveCard.onProcessMarkdown = hook;
  }
}
"""
"""Draws a card by Microsoft's renderer and a renderer of all of markdown, as it is documented."""


class Playground:
    """The page, and the bot that posts there."""

    def __init__(self, page: Page, emulator: Emulator) -> None:
        self._page = page
        self._world = emulator.world
        self._demo = furnish(emulator.world)

    def open(self, address: str) -> None:
        self._page.goto(address)
        self._page.get_by_test_id(f"person-{self._demo.people['ada'].id}").click()

    def by_microsoft(self, text: str, *, linkify: bool) -> tuple[str, int]:
        """Return what people read there, and how many elements say more than text."""
        card = {"type": "AdaptiveCard", "version": "1.2", "body": [{"type": "TextBlock", "text": text}]}
        seen, marks = self._page.evaluate(MICROSOFTS, [card, linkify])
        return seen, marks

    def shows(self, *body: dict[str, Any], markdown: str = "x") -> Locator:
        """Post it to Ada as the bot; return where it stands on the page."""
        card = {"type": "AdaptiveCard", "version": "1.2", "body": list(body)}
        there = self._world.direct_space(self._demo.people["ada"], self._demo.bot)
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        said = self._world.post(self._demo.bot, there, markdown=markdown, attachments=[attachment] if body else [])
        return self._page.get_by_test_id(f"message-{said.id}")


@pytest.fixture(scope="module")
def playground(browser: Browser, renderer: None) -> Iterator[Playground]:
    with Emulator() as emulator:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(SOON)
        made = Playground(page, emulator)
        made.open(emulator.page_url)
        yield made
        context.close()


@pytest.mark.parametrize(("written", "html"), SHOWN)
def test_a_text_block_knows_the_documented_markdown_only(playground: Playground, written: str, html: str) -> None:
    block = playground.shows({"type": "TextBlock", "text": written}).locator(".ac-textBlock p")

    assert block.inner_html() == html


def test_lists_are_lists(playground: Playground) -> None:
    said = playground.shows({"type": "TextBlock", "text": "- **a**\n* b\ntext\n3. c\n4. d"})

    block = said.locator(".ac-textBlock")
    block.wait_for()
    assert block.locator("ul > li").all_inner_texts() == ["a", "b"]
    assert block.locator("ol > li").all_inner_texts() == ["c", "d"]
    assert block.locator("ol").get_attribute("start") == "3"


def test_a_link_opens_elsewhere_and_no_script(playground: Playground) -> None:
    said = playground.shows({"type": "TextBlock", "text": '[a](https://a.example/?x="1") [b](javascript:alert(1))'})

    link = said.locator("a[href]")
    assert link.get_attribute("href") == 'https://a.example/?x="1"'
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert said.locator("a[href]").count() == 1


def test_a_fact_is_shown_as_it_is(playground: Playground) -> None:
    value = r"**a** _b_ [c](https://d.example) \[e\] `f`"
    said = playground.shows({"type": "FactSet", "facts": [{"title": "**Name**", "value": value}]})

    assert said.locator(".ac-fact-title").inner_text() == "**Name**"
    assert said.locator(".ac-fact-value").inner_text() == value


@pytest.mark.parametrize("title", TITLES)
def test_people_read_the_title_of_a_report(playground: Playground, title: str) -> None:
    """In a text block, in a fact, and in a message, which is rendered by CommonMark."""
    said = playground.shows(
        {"type": "TextBlock", "text": escape_card(title)},
        {"type": "FactSet", "facts": [{"title": "Service", "value": escape_card(title)}]},
    )
    assert folded(said.locator(".card > * > .ac-textBlock").inner_text()) == title
    assert folded(said.locator(".ac-fact-value").inner_text()) == title
    assert said.locator(".card :is(a, em, li)").count() == 0

    words = playground.shows(markdown=f"**{escape_markdown(title)}**: done").locator(".text")
    assert folded(words.inner_text()) == f"{title}: done"
    assert words.locator("a, code, em, h1, li, s, spark-mention").count() == 0


@pytest.mark.parametrize("linkify", [False, True])
@pytest.mark.parametrize("title", TITLES)
def test_people_read_it_by_microsoft_s_renderer_too(playground: Playground, title: str, linkify: bool) -> None:
    seen, marks = playground.by_microsoft(escape_card(title), linkify=linkify)

    assert (folded(seen), marks) == (title, 0)


def test_microsoft_s_renderer_would_show_more_of_a_title_that_is_not_made_harmless(playground: Playground) -> None:
    assert playground.by_microsoft("a*b*c", linkify=False) == ("abc", 1)
    assert playground.by_microsoft("1. Quarter", linkify=False) == ("Quarter", 1)
