"""A link to a message, as the bot's ``why`` gives it, leads to the message in the page, and nothing is navigated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bot.emulator import Emulator, ids
from bot.emulator.sample_data import furnish
from bot.webex.ids import message_link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from bot.emulator import Message, Space, World
    from bot.emulator.sample_data import Demo

SOON = 20_000
"""Milliseconds until something must have appeared on the page."""
MANY = 30
"""Messages that do not fit on the screen together."""
# The mark stays until the test ends it, however slow the machine is.
SLOW_MARK = ".marked { animation-duration: 600s !important }"


@dataclass
class Playground:
    """The page as Ada sees it in her 1:1 space, and everything that was opened or called elsewhere."""

    page: Page
    world: World
    demo: Demo
    elsewhere: list[str]

    def says(self, markdown: str, space: Space | None = None, *, in_card: bool = False) -> Locator:
        """Say it as the bot, to Ada 1:1 unless a space is named; return where it stands on the page."""
        shown = {"type": "AdaptiveCard", "version": "1.3", "body": [{"type": "TextBlock", "text": markdown}]}
        card = {"contentType": "application/vnd.microsoft.card.adaptive", "content": shown}
        here = space or self.world.direct_space(self.demo.people["ada"], self.demo.bot)
        said = self.world.post(self.demo.bot, here, markdown=markdown, attachments=[card] if in_card else [])
        return self.message(said)

    def message(self, message: Message) -> Locator:
        """Return where it stands on the page."""
        return self.page.get_by_test_id(f"message-{message.id}")


@pytest.fixture
def playground(browser: Browser, renderer: None) -> Iterator[Playground]:
    with Emulator() as emulator:
        demo = furnish(emulator.world)
        context = browser.new_context(viewport={"width": 1280, "height": 600})
        page = context.new_page()
        page.set_default_timeout(SOON)
        page.goto(emulator.page_url)
        elsewhere: list[str] = []
        context.on("page", lambda opened: elsewhere.append(opened.url))
        page.on("request", lambda request: elsewhere.append(request.url) if request.is_navigation_request() else None)
        page.get_by_test_id(f"person-{demo.people['ada'].id}").click()
        page.add_style_tag(content=SLOW_MARK)
        yield Playground(page, emulator.world, demo, elsewhere)
        context.close()


def filled(playground: Playground, space: Space) -> Message:
    """Return a message far up in a space."""
    messages = [playground.world.say(playground.demo.people["ada"], space, f"Line {number}") for number in range(MANY)]
    return messages[0]


@pytest.mark.parametrize(("in_card", "by_key"), [(False, False), (True, False), (True, True)])
def test_it_opens_the_space_and_marks_the_message_for_a_while(
    playground: Playground, in_card: bool, by_key: bool
) -> None:
    message = filled(playground, playground.demo.spaces["Admin reports"])
    said = playground.says(f"[Show the message]({message_link(message.room_id, message.id)})", in_card=in_card)

    link = said.get_by_role("link", name="Show the message")
    if by_key:
        link.press("Enter")
    else:
        link.click()

    shown = playground.message(message)
    playground.page.locator(".marked").wait_for()
    assert playground.page.locator("#space-title").inner_text() == "Admin reports"
    box, stream = shown.bounding_box(), playground.page.locator("#stream").bounding_box()
    assert box is not None
    assert stream is not None
    assert stream["y"] <= box["y"] <= stream["y"] + stream["height"] - box["height"]
    assert shown.evaluate("item => item === document.activeElement && item.classList.contains('marked')")
    shown.evaluate("item => item.getAnimations().forEach((mark) => mark.finish())")
    playground.page.locator(".marked").wait_for(state="detached")
    assert playground.elsewhere == []


def test_a_link_with_whole_ids_leads_to_the_message_too(playground: Playground) -> None:
    message = filled(playground, playground.demo.spaces["Admin reports"])
    said = playground.says(f"[Show the message](webexteams://im?space={message.room_id}&message={message.id})")

    said.get_by_role("link").click()

    playground.page.locator(".marked").wait_for()
    assert playground.message(message).get_attribute("class") == "message marked"


def test_a_deleted_message_leads_to_its_space(playground: Playground) -> None:
    message = filled(playground, playground.demo.spaces["Admin reports"])
    playground.world.delete(message, playground.demo.people["ada"])
    said = playground.says(f"[Show the message]({message_link(message.room_id, message.id)})")

    said.get_by_role("link").click()

    playground.page.get_by_text(f"Line {MANY - 1}", exact=True).wait_for()
    assert playground.page.locator(".marked").count() == 0
    assert playground.elsewhere == []


def test_everything_else_of_that_scheme_does_nothing(playground: Playground) -> None:
    theirs = filled(playground, playground.demo.spaces["Project with Globex"])
    space, message = ids.plain_part(theirs.room_id), ids.plain_part(theirs.id)
    hers = playground.world.direct_space(playground.demo.people["nora"], playground.demo.bot)
    of_nora = playground.world.say(playground.demo.people["nora"], hers, "hello")
    addresses = [
        message_link(of_nora.room_id, of_nora.id),  # Ada is not in that space
        f"webexteams://im?space={space}",
        f"webexteams://im?message={message}&space={space}",
        f"webexteams://im?space={space}&message={message}&more=1",
        f"webexteams://im/x?space={space}&message={message}",
        f"webexteams://meet?space={space}&message={message}",
        f"webexteams:im?space={space}&message={message}",
        f"web&#9;exteams://im?space={space}&message={message}",
        f"&#1;webexteams://im?space={space}&message={message}",
        f"webexteams://im?space={'0' * 36}&message={'0' * 36}",
    ]
    here = playground.demo.spaces["Admin reports"]
    playground.page.get_by_test_id(f"space-{here.id}").click()
    said = playground.says(
        "\n\n".join(f"[link {number}](<{address}>)" for number, address in enumerate(addresses)), here
    )

    for number in range(len(addresses)):
        words = said.get_by_text(f"link {number}")
        words.click()
        words.click(button="middle")

    assert said.locator("a[href]").count() == 0
    assert playground.page.locator("#space-title").inner_text() == "Admin reports"
    assert playground.page.locator(".marked").count() == 0
    assert playground.elsewhere == []
