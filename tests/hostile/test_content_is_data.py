"""What comes from outside is shown as it is and does nothing: no link, mention, markup, line or header comes of it.

Each text is driven the whole way, through the real program: a report that holds it everywhere, the card, the list, the
file and its line, an error of Webex's, a typed word; then what stands in the space, in the log and on the wire is read.
"""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from bot.db import api_keys, hook_calls, hooks
from bot.db.api_keys import Right
from bot.emulator import Emulator
from bot.emulator.cards import problems
from bot.logs import new_reference, start_logging
from bot.queue import tasks
from tests.live_bot import ADMIN_OF_BOTH, actions_of, texts_of
from tests.messages.clients import in_documented_subset, in_extended_markdown
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("test", level="debug", form="json", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def stepped(tmp_path_factory: pytest.TempPathFactory, log: io.StringIO) -> Iterator[SteppedBot]:
    folder = tmp_path_factory.mktemp("hostile")
    with Emulator() as emulator:
        made = SteppedBot(emulator, folder / "data", migrated(folder / "empty.db"), POLL_INTERVAL="10")
        yield made
        made.stop()


@pytest.fixture(autouse=True)
def end_faults(stepped: SteppedBot) -> Iterator[None]:
    yield
    stepped.emulator.faults.clear()


@pytest.fixture(params=sorted(TEXTS))
def text(request: pytest.FixtureRequest, stepped: SteppedBot) -> str:
    return str(TEXTS[request.param].replace("{ethan}", stepped.setup.ethan.id))


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


def test_a_report_that_is_hostile_everywhere(stepped: SteppedBot, text: str, log: io.StringIO) -> None:
    live, faults = stepped.setup, stepped.emulator.faults
    asker = stepped.world.add_person("Eve Smith", live.acme, roles=ADMIN_OF_BOTH)
    space = stepped.world.add_space("Group", [asker, live.ada, live.bot])
    lines_before = len(log.getvalue().splitlines())
    for family in ("partner", "organization"):
        make = live.partner_report if family == "partner" else live.organization_report
        report = make("Calls", content=f'"{text}"\r\nx\r\n'.encode("utf-8", "replace"))
        body = {
            **dict.fromkeys(("title", "service", "regionId", "siteList", "templateId", "fileName"), text),
            **dict.fromkeys(("startDate", "endDate", "checksum", "scheduleFrom", "createdBy"), text),
            **dict.fromkeys(("created", "createdTime", "downloadUrlExpiryTime"), text),
            "reportId": report.id,
            "status": "done",
            "downloadURL": stepped.world.download_link(report),
        }
        path = f"/v1/partner/reports/{report.id}" if family == "partner" else f"/v1/reports/{report.id}"
        if family == "organization":
            faults.add("GET", f"/v1/partner/reports/{report.id}", status=404)
        pending = faults.add("GET", path, status=200, body={**body, "status": text}, times=1)
        faults.add("GET", path, status=200, body=body)
        listing = "/v1/partner/reports" if family == "partner" else "/v1/reports"
        faults.add("GET", listing, status=200, body={"items": [body] * 10})
        stepped.receive(asker, f"report {report.id}", space)
        stepped.wait(120)
        stepped.receive(asker, "reports", space)
        stepped.work()
        assert pending.hits == 1
        faults.clear()
        assert [one for one in stepped.said(space) if one.card]
    messages = stepped.said(space)
    assert len(messages) >= 4  # two cards that have become one each, and two lists
    for message in messages:
        check_message(message)
    check_log(log, lines_before)


def test_a_file_of_a_hostile_name_is_posted_under_a_safe_one(stepped: SteppedBot, text: str) -> None:
    asker = stepped.world.add_person("Eve Smith", stepped.setup.acme, roles=ADMIN_OF_BOTH)
    space = stepped.world.add_space("Group", [asker, stepped.setup.bot])
    plain = text.encode("utf-8", "replace").decode()
    report = stepped.setup.partner_report(plain, content=b"a\r\n1\r\n", file_name="x.csv")
    shown = {"reportId": report.id, "status": "done", "fileName": plain}
    shown["downloadURL"] = stepped.world.download_link(report)
    stepped.emulator.faults.add("GET", f"/v1/partner/reports/{report.id}", status=200, body=shown)
    stepped.receive(asker, f"report {report.id}", space)
    stepped.work()
    stepped.emulator.faults.clear()

    (posted,) = [one for one in stepped.said(space) if one.files]
    for message in stepped.said(space):
        check_message(message)
    assert posted.files[0].content_type == "text/csv"


def test_hostile_words_of_a_person_are_repeated_harmlessly(stepped: SteppedBot, text: str, log: io.StringIO) -> None:
    """``report <odd>``, an unknown word, and a button's data, which anyone may make up."""
    live = stepped.setup
    asker = stepped.world.add_person("Eve Smith", live.acme, roles=ADMIN_OF_BOTH)
    lines_before = len(log.getvalue().splitlines())
    typed = text.encode("utf-8", "replace").decode()
    for words in (typed, f"report {typed}", f"reports {typed}", f"cancel {typed}"):
        stepped.receive(asker, words)
        stepped.work()
    card = next(one for one in stepped.said(person=asker) if one.card)
    for data in ({"command": typed, "argument": typed}, {"command": "report", "argument": typed}, {"command": [typed]}):
        stepped.pressed(asker, card, data)
        stepped.work()

    for message in stepped.said(person=asker):
        check_message(message)
    check_log(log, lines_before)


def test_hostile_words_of_an_error_are_repeated_harmlessly(stepped: SteppedBot, text: str, log: io.StringIO) -> None:
    live, faults = stepped.setup, stepped.emulator.faults
    asker = stepped.world.add_person("Eve Smith", live.acme, roles=ADMIN_OF_BOTH)
    lines_before = len(log.getvalue().splitlines())
    for status in (400, 403, 409, 415):
        body = {"message": text, "errors": [{"description": text}], "trackingId": text}
        faults.add("GET", "/v1/partner/reports/*", status=status, body=body)
        faults.add("GET", "/v1/reports/*", status=status, body=body)
        stepped.receive(asker, f"report {live.partner_report().id}")
        stepped.work()
        faults.clear()

    messages = stepped.said(person=asker)
    assert len(messages) == 4
    for message in messages:
        check_message(message)
    check_log(log, lines_before)


def check_log(log: io.StringIO, start: int) -> None:
    """One line an event, each JSON, each fit for a terminal."""
    for line in log.getvalue().splitlines()[start:]:
        assert isinstance(json.loads(line), dict)
        assert not UNSEEN.search(line)
        assert line.isprintable()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\x1b[2J.csv", "b.zip"])
def test_a_hostile_zip_is_refused_with_a_sentence(stepped: SteppedBot, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(name, b"a,b\r\n")
    asker = stepped.world.add_person("Eve Smith", stepped.setup.acme, roles=ADMIN_OF_BOTH)
    report = stepped.setup.partner_report("Calls", content=buffer.getvalue())
    stepped.receive(asker, f"report {report.id}")
    stepped.work()

    said = stepped.said(person=asker)
    assert not [one for one in said if one.files]
    assert "is ready, but its file wasn't posted. The zip that Webex sent holds" in (said[-1].text or "")
    assert name not in (said[-1].text or "")
    for message in said:
        check_message(message)


def test_a_key_and_a_call_of_its_hook_that_are_hostile(stepped: SteppedBot, text: str) -> None:
    name, live = text.encode(errors="replace").decode(), stepped.setup
    asker = stepped.world.add_person("Eve Smith", live.acme, roles=ADMIN_OF_BOTH)
    space = stepped.world.add_space("Group", [asker, live.ada, live.bot])
    with stepped.database.begin() as tx:
        for one in api_keys.listed(tx):
            api_keys.revoke(tx, one.id, stepped.clock())
        api_keys.create(tx, name, None, list(Right), created_by=asker.id, now=stepped.clock())
        key = api_keys.listed(tx)[-1]
        values = {"reference": new_reference(), "key_id": key.id, "action": "create", "room_id": space.id}
        hooks.add(
            tx, hooks.new_token(), values | {"family": "partner", "template_id": "1", "created_at": stepped.clock()}
        )
        (hook,) = hooks.of_key(tx, key.id, before=None, most=1)
        call = {"reference": new_reference(), "hook_id": hook.id, "body_sha256": "", "period": name[:200]}
        call_id = hook_calls.add(tx, call, stepped.clock())
        stepped.queue.put(tx, tasks.HOOK, str(call_id))
    stepped.work()
    (told,) = stepped.said(space)
    assert "A hook was called" in (told.text or "")
    for words in ("keys", f"keys revoke {key.prefix}", "audit", f"keys revoke {text[:80]}", f"keys create {text[:80]}"):
        stepped.receive(asker, words)
        stepped.work()
    said = stepped.said(person=asker)
    assert len(said) == 5
    for message in [told, *said]:
        check_message(message)
