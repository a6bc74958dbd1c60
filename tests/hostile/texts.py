"""Hostile texts, and what everything that is posted or logged must look like whatever it holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bot.emulator.cards import problems
from tests.live_bot import actions_of, texts_of
from tests.messages.clients import in_documented_subset, in_extended_markdown

if TYPE_CHECKING:
    import io

    from bot.emulator.things import Message

TEXTS = {
    "a link": "[click](https://evil.example/x)",
    "a link by reference": "[click][1]\n\n[1]: https://evil.example/x",
    "a picture": "![x](https://evil.example/x.png)",
    "an autolink": "<https://evil.example/x>",
    "a mention by address": "<@personEmail:ethan.hunt@globex.example|Ada>",
    "a mention by id": "<@personId:{ethan}>",
    "everybody": "<@all> <@here>",
    "a mention as html": '<spark-mention data-object-type="person" data-object-id="{ethan}">x</spark-mention>',
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)><a href='https://evil.example'>x</a>",
    "entities": "&lt;script&gt; &#91;x](https://evil.example)",
    "emphasis": "**bold** __bold__ ~~gone~~ `code` ```fence",
    "blocks": "# head\n> quote\n- item\n1. one\n***\n| a | b |\n|---|---|",
    "escapes": "\\[x\\](https://evil.example) \\\\[x](https://evil.example)",
    "colours of a terminal": "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b31m\x08\x08",
    "directions": "\u202egnp.exe\u2066\u2069\u200f\u061c",
    "lines": "one\r\ntwo\nthree\u2028four\u2029five\x85six",
    "percent": "%0d%0aSet-Cookie: x=1%00%2e%2e%2f",
    "a header": 'x"; filename="evil.exe"\r\nContent-Type: text/html\r\n\r\n<html>',
    "paths": "../../../etc/passwd\\..\\..\\CON",
    "date of a card": "{{DATE(2026-01-01T00:00:00Z,SHORT)}} ${{title}} {{{{x}}}}",
    "json": '"}],"actions":[{"type":"Action.OpenUrl","url":"https://evil.example"}],"x":[{"y":"',
    "a formula": '=HYPERLINK("https://evil.example","x")',
    "nothing visible": "\u200b\u2060\ufeff\x00",
    "lone surrogate": "a\ud800b",
    "very long": "W" * 10_000,
    "many marks": "[*_`<@" * 2_000,
    "zalgo": "z" + "\u0301" * 5_000,
}
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
LONGEST_CARD = 22_000
MARKS = re.compile(r"<\w+>")
OURS = {
    *("<strong_open>", "<strong_close>", "<code_inline>", "<softbreak>", "<hardbreak>"),
    *("<bullet_list_open>", "<bullet_list_close>", "<list_item_open>", "<list_item_close>"),
}


def check_message(message: Message) -> None:
    """The emulator makes html of markdown as Webex does; whatever it made, only ours may be in it."""
    html = message.html or ""
    assert not re.search(r"<(?!/?(p|strong|code|br)\b)", html), html
    assert not message.mentioned
    assert len((message.markdown or "").encode()) <= 7439
    assert not UNSEEN.search(message.markdown or "")
    assert "\\" not in (message.markdown or ""), "some clients show it"
    assert set(MARKS.findall(in_extended_markdown(message.markdown or ""))) <= OURS
    for file in message.files:
        check_name(file.name)
    if message.card is not None:
        check_card(message.card)


def check_card(card: dict[str, Any]) -> None:
    assert problems(card) == []
    assert len(json.dumps(card, ensure_ascii=False).encode()) < LONGEST_CARD
    assert {one["type"] for one in actions_of(card)} <= {"Action.Submit", "Action.ToggleVisibility"}
    for words in texts_of(card):
        assert not UNSEEN.search(words), words
        assert "\n" not in words
        assert "](" not in words
        assert "{{" not in words
        assert not {"\\", "`"} & set(words), words
        for client in (in_extended_markdown, in_documented_subset):
            assert set(MARKS.findall(client(words))) <= {"<strong_open>", "<strong_close>", "<em>"}, words


def check_name(name: str) -> None:
    assert re.fullmatch(r"[\w .()+,=@-]{1,130}\.(csv|zip)", name), name
    assert ".." not in name


def check_log(log: io.StringIO, start: int) -> None:
    """One line an event, each JSON, each fit for a terminal."""
    for line in log.getvalue().splitlines()[start:]:
        assert isinstance(json.loads(line), dict)
        assert not UNSEEN.search(line)
        assert line.isprintable()
