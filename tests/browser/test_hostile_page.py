"""Whatever names, texts and cards hold, the playground's page runs no script of theirs and calls no other host."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from bot.emulator import Emulator
from bot.emulator.sample_data import furnish

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Route

SOON = 20_000
"""Milliseconds until something must have appeared on the page."""
SCRIPT = "document.documentElement.dataset.pwned=1"
PAYLOADS = (
    f"<script>{SCRIPT}</script>",
    f"<img src=x onerror='{SCRIPT}'>",
    f"<svg onload='{SCRIPT}'><iframe srcdoc='<script>parent.{SCRIPT}</script>'>",
    f"[x](javascript:{SCRIPT})",
    f"javascript:{SCRIPT}",
    f"[x](webexteams://im?space={'0' * 36}&message='onclick={SCRIPT}')",
    f"<a href='javascript:{SCRIPT}' id=composer name=body>x</a>",
    f"![x](https://evil.example/{SCRIPT}.png)",
    '"><style>@import "https://evil.example/x.css"</style><form action="https://evil.example">',
    f"<spark-mention onclick='{SCRIPT}' style='background:url(https://evil.example)'>x</spark-mention>",
    f"`</code><script>{SCRIPT}</script>`",
)


def card(text: str) -> dict[str, Any]:
    """Return a card that holds the text wherever a card of the bot's holds text."""
    return {
        "type": "AdaptiveCard",
        "version": "1.3",
        "body": [
            {"type": "TextBlock", "text": text, "wrap": True},
            {"type": "FactSet", "facts": [{"title": text, "value": text}]},
            {
                "type": "RichTextBlock",
                "inlines": [{"type": "TextRun", "text": text, "selectAction": {"type": "Action.OpenUrl", "url": text}}],
            },
        ],
        "actions": [{"type": "Action.Submit", "title": text, "data": {"x": text}}],
    }


@pytest.mark.parametrize("with_renderer", [True, False])
def test_no_script_runs_and_nobody_is_called(browser: Browser, with_renderer: bool) -> None:
    with Emulator() as emulator:
        demo = furnish(emulator.world)
        world = emulator.world
        writer = world.add_person(PAYLOADS[1], next(iter(world.organizations.values())), email="eve@acme.example")
        bot = next(one for one in world.people.values() if one.is_bot)
        space = world.add_space(PAYLOADS[0], [writer, bot])
        token = demo.bot_token
        for payload in PAYLOADS:
            world.say(writer, space, payload, mention=bot)
            world.add_report(family="partner", title=payload, note=payload)
            body = {"roomId": space.id, "markdown": payload}
            for more in ({}, {"attachments": [{"contentType": CARD, "content": card(payload)}]}):
                post(f"{emulator.api_url}/messages", token, body | more)

        context = browser.new_context()
        called: list[str] = []

        def guard(route: Route) -> None:
            url = route.request.url
            if not url.startswith("http://127.0.0.1"):
                called.append(url)
                route.abort()
            elif "node_modules" in url and not with_renderer:
                route.abort()
            else:
                route.continue_()

        context.route("**/*", guard)
        page = context.new_page()
        dialogs: list[str] = []

        def refuse(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", refuse)
        page.set_default_timeout(SOON)
        page.goto(emulator.api_url.replace("/v1", "/emulator/"))
        page.get_by_test_id(f"person-{writer.id}").click()
        page.get_by_test_id(f"space-{space.id}").click()
        page.wait_for_function(
            "n => document.querySelectorAll('[data-message-id]').length >= n", arg=3 * len(PAYLOADS), timeout=SOON
        )
        for address in page.locator("[data-message-id] a[href]").evaluate_all("links => links.map((a) => a.href)"):
            assert address.startswith(("http://127.0.0.1", "https://"))
        found = page.evaluate(
            "() => [document.documentElement.dataset.pwned ?? '', document.querySelectorAll("
            "'[data-message-id] :is(script, iframe, form, style, object, svg[onload])').length]"
        )
        context.close()

    assert found == ["", 0]
    assert dialogs == []
    assert called == []


CARD = "application/vnd.microsoft.card.adaptive"


def post(url: str, token: str, body: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=10):
        return
