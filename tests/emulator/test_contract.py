"""Webex's published OpenAPI documents, where they are at hand: our answers use their paths, codes and field names.

Loosely: known faults of the documents (multipart, a card's attachment, the reports' shapes) are left out, and a
document may name more fields than we give.
"""

import json
import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.emulator import Template
from bot.webex.report_families import FAMILIES, Family
from bot.webex.report_templates import NewReport, body_of
from tests.emulator.support import Client

ROOT = Path(__file__).parents[2]
CONTRACT = Path(os.environ.get("WEBEX_CONTRACT", ROOT / "../shared/contract/webex-openapi-subset.json"))

# Fields that real answers have and the documents' schemas lack.
BEYOND = {
    "/webhooks": {"orgId", "createdBy", "appId"},
    "/messages/direct": {"html", "mentionedPeople", "attachments", "parentId"},
    "/messages": {"parentId", "html"},
    "/people/{personId}": set(),
    "/partner/reports": {"reportId", "templateId", "regionId", "createdTime", "fileName", "fileSize", "checksum"}
    | {"downloadUrlExpiryTime"},
    "/reports": {"Id", "reportTitle", "scheduleFrom", "downloadDomain"},
    "/report/templates": {"Id", "startDate", "endDate"},
    "/partner/reports/templates": {"templateId", "category", "dataStartDate", "dataEndDate"},
}
PERIOD = {"startDate": "2026-01-01", "endDate": "2026-01-31"}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    if not CONTRACT.exists():
        pytest.skip("Webex's OpenAPI documents are not on this machine (WEBEX_CONTRACT names their file)")
    loaded: dict[str, Any] = json.loads(CONTRACT.read_text())
    return loaded


def resolved(contract, schema) -> Any:
    while "$ref" in schema:
        schema = contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def documented(contract, path, method, code) -> Any:
    """(the example's fields and the schema's fields, of the answer itself or of one item of it)."""
    content = contract["paths"][path][method]["responses"][code]["content"]["application/json"]
    schema = resolved(contract, content["schema"])
    names = set()
    for one in (schema, *schema.get("properties", {}).values()):
        part = resolved(contract, one)
        items = resolved(contract, part.get("items", {})) if part.get("type") == "array" else part
        names |= set(items.get("properties", {}))
    example = content.get("example") or {}
    return names | set(one_of(example))


def one_of(body) -> Any:
    """Return the thing that an answer is about: itself, or the first of its items."""
    if isinstance(body, list):
        return body[0]
    if isinstance(body, dict) and "items" in body:
        return body["items"][0] if isinstance(body["items"], list) else body["items"]
    return body


def beyond(path) -> Any:
    base = max((known for known in BEYOND if path.startswith(known)), key=len, default=None)
    return BEYOND[base] if base else set()


def prepared(live, bot) -> Any:
    """One thing of each kind, and how the documents' path parameters are filled."""
    world = live.world
    world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    world.add_template(Template(1, "organization", "Active Hosts", "Meetings"))
    root = world.say(live.ada, live.space, "help", mention=live.bot)
    card = {"type": "AdaptiveCard", "version": "1.3", "body": []}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    message = bot.post("/messages", roomId=live.space.id, text="a", parentId=root.id, attachments=[attachment]).json()
    plain = bot.post("/messages", toPersonId=live.ada.id, markdown="b").json()
    hook = bot.post("/webhooks", name="w", targetUrl="http://127.0.0.1:9/", resource="rooms", event="created")
    action = world.press(live.ada, message["id"], {"a": "b"})
    return {
        "message": message["id"],
        "plain": plain["id"],
        "direct": plain["roomId"],
        "webhook": hook.json()["id"],
        "action": action.id,
        "membership": world.memberships_in(live.space.id)[0].id,
        "partner": world.add_report(family="partner").id,
        "organization": world.add_report(family="organization").id,
        "role": "Y2lzY29zcGFyazovL3VzL1JPTEUvaWRfZnVsbF9hZG1pbg",
        "space": live.space.id,
        "ada": live.ada.id,
        "mail": live.ada.email,
        "acme": live.acme.id,
    }


@dataclass
class Tried:
    """The clients by name, and what fills the paths."""

    clients: dict[str, Client]
    known: dict[str, str]


@pytest.fixture
def tried(live, bot, admin) -> Tried:
    return Tried({"bot": bot, "admin": admin}, prepared(live, bot))


CALLS: list[tuple[str, str, str, str, Any]] = [
    # who, method, the documents' path, our path, body
    ("bot", "get", "/people/me", "/people/me", None),
    ("admin", "get", "/people/{personId}", "/people/{ada}", None),
    ("admin", "get", "/people", "/people?email={mail}", None),
    ("admin", "get", "/roles", "/roles", None),
    ("admin", "get", "/roles/{roleId}", "/roles/{role}", None),
    ("admin", "get", "/organizations/{orgId}", "/organizations/{acme}", None),
    ("bot", "get", "/rooms", "/rooms", None),
    ("bot", "get", "/rooms/{roomId}", "/rooms/{space}", None),
    ("bot", "get", "/memberships", "/memberships?roomId={space}", None),
    ("bot", "get", "/memberships/{membershipId}", "/memberships/{membership}", None),
    ("bot", "get", "/messages", "/messages?roomId={direct}", None),
    ("bot", "get", "/messages/direct", "/messages/direct?personEmail={mail}", None),
    ("bot", "get", "/messages/{messageId}", "/messages/{message}", None),
    ("bot", "post", "/messages", "/messages", {"roomId": "{space}", "text": "a"}),
    ("bot", "put", "/messages/{messageId}", "/messages/{plain}", {"roomId": "{direct}", "text": "b"}),
    ("bot", "get", "/attachment/actions/{id}", "/attachment/actions/{action}", None),
    ("bot", "get", "/webhooks", "/webhooks", None),
    ("bot", "get", "/webhooks/{webhookId}", "/webhooks/{webhook}", None),
    ("bot", "put", "/webhooks/{webhookId}", "/webhooks/{webhook}", {"name": "n", "targetUrl": "http://127.0.0.1:9/"}),
    ("admin", "get", "/partner/reports", "/partner/reports", None),
    ("admin", "get", "/partner/reports/{reportId}", "/partner/reports/{partner}", None),
    ("admin", "get", "/partner/reports/templates", "/partner/reports/templates", None),
    ("admin", "post", "/partner/reports", "/partner/reports", {"templateId": 130, **PERIOD}),
    ("admin", "get", "/reports", "/reports", None),
    ("admin", "get", "/reports/{reportId}", "/reports/{organization}", None),
    ("admin", "post", "/reports", "/reports", {"templateId": 1, **PERIOD}),
    ("admin", "get", "/report/templates", "/report/templates", None),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[1]} {call[2]}")
def test_a_success_has_only_documented_fields(contract, tried, call):
    who, method, path, ours, body = call
    known = tried.known
    filled = {name: value.format(**known) if isinstance(value, str) else value for name, value in (body or {}).items()}
    answer = tried.clients[who].call(method.upper(), ours.format(**known), json=filled or None)
    assert answer.status_code == 200, answer.text
    extra = set(one_of(answer.json())) - documented(contract, path, method, "200") - beyond(path)
    assert not extra


@pytest.mark.parametrize(
    "call",
    [
        ("bot", "/messages/{messageId}", "/messages/{plain}"),
        ("bot", "/webhooks/{webhookId}", "/webhooks/{webhook}"),
        ("admin", "/memberships/{membershipId}", "/memberships/{membership}"),
        ("admin", "/partner/reports/{reportId}", "/partner/reports/{partner}"),
        ("admin", "/reports/{reportId}", "/reports/{organization}"),
    ],
)
def test_a_delete_answers_204_as_documented(contract, tried, call):
    who, path, ours = call
    assert "204" in contract["paths"][path]["delete"]["responses"]
    assert tried.clients[who].delete(ours.format(**tried.known)).status_code == 204


def test_every_documented_path_that_we_play_is_tried(contract):
    """A path of the documents that no case above calls is one that the emulator leaves out on purpose."""
    tried = {(method, path) for _, method, path, _, _ in CALLS}
    left_out = {
        f"{method} {path}"
        for path, methods in contract["paths"].items()
        for method in methods
        if method in ("get", "post", "put") and (method, path) not in tried
    }
    assert left_out == {
        "post /webhooks",  # made for every case
        "post /attachment/actions",  # documented as 202, answered with 200; tested among messages
        "post /memberships",  # tested among spaces
        "put /memberships/{membershipId}",
        "post /rooms",
        "put /rooms/{roomId}",
        "post /people",
        "put /people/{personId}",
    }


@pytest.mark.parametrize("family", list(Family))
def test_what_creates_a_report_has_the_documented_fields(contract, family):
    new = NewReport(family, "130", date(2026, 1, 1), date(2026, 1, 31), sites=("acme.webex.com",))
    new = replace(new, region="EU", sites=()) if FAMILIES[family].takes_region else new
    documented = contract["paths"][f"/{FAMILIES[family].path}"]["post"]["requestBody"]["content"]["application/json"]
    body = body_of(new)
    assert set(body) <= set(documented["schema"]["properties"])
    assert set(documented["schema"]["required"]) <= set(body)
    kinds = {"number": int, "string": str}
    for name, value in body.items():
        assert isinstance(value, kinds[documented["schema"]["properties"][name]["type"]])
