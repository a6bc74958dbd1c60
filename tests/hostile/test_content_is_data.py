"""What comes from outside is shown as it is and does nothing: no link, mention, markup, line or header comes of it.

Each text is driven the whole way, through the real program: a report that holds it everywhere, the card, the list, the
file and its line, an error of Webex's, a typed word; then what stands in the space, in the log and on the wire is read.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from bot.db import api_keys, hook_calls, hooks
from bot.db.api_keys import Right
from bot.logs import new_reference
from bot.queue import tasks
from tests.hostile.texts import check_log, check_message
from tests.live_bot import ADMIN_OF_BOTH

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


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
