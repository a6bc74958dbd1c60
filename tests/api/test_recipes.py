"""Every request of the recipes in ``docs/automation`` is sent to the running program and answered as documented."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests
import yaml

from bot.emulator.things import Template
from tests.api.conftest import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import Api, Caller
    from tests.live_bot import LiveBot

FOLDER = Path(__file__).parents[2] / "docs" / "automation"
PAGES = sorted(FOLDER.glob("*.md"))
DAY = "2026-10-01"
SECRET = "a-secret-of-the-caller"


def fences(page: Path, language: str) -> list[str]:
    """Return the blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def scripts(page: Path) -> list[str]:
    """Return what a page has run by a shell: of its own, and as steps of a CI system."""
    found = [one for one in fences(page, "shell") if "curl" in one]
    for block in fences(page, "yaml"):
        jobs = yaml.safe_load(block)
        for job in [*jobs.get("jobs", {}).values(), *jobs.values()]:
            if isinstance(job, dict):
                found += [step["run"] for step in job.get("steps", []) if isinstance(step, dict)]
                found += job.get("script", [])
    return found


SCRIPTS = [(page, one) for page in PAGES for one in scripts(page)]
MESSAGES = [(page, one) for page in PAGES for one in fences(page, "http")]


@pytest.fixture
def api(stage_alone: LiveBot, database_file: Path) -> Iterator[Api]:
    stage_alone.environ["OUTBOUND_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    stage_alone.has_database(database_file)
    with running(stage_alone) as found:
        yield found


@pytest.fixture(autouse=True)
def webex(api: Api) -> None:
    api.live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    api.live.partner_report("Calling Usage")


def check(api: Api, method: str, path: str, answer: requests.Response) -> Any:
    """Hold an answer against the OpenAPI document, and return its JSON."""
    document = requests.get(f"{api.address}/api/v1/openapi.json", timeout=10).json()
    called = path.partition("?")[0]
    pattern = next(one for one in document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), called))
    described = document["paths"][pattern][method.lower()]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"] | {"components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())
    return answer.json()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
@pytest.mark.parametrize(("page", "script"), SCRIPTS, ids=lambda one: one.stem if isinstance(one, Path) else "script")
def test_a_script_does_what_it_says(api: Api, caller: Caller, tmp_path: Path, page: Path, script: str) -> None:
    hook = {"action": "deliver", "title": "calling usage", "spaceId": api.live.group.id}
    signed = {"secret": SECRET} if "HOOK_SECRET" in script else {}
    environ = {
        "REPORTBOT_URL": api.address,
        "REPORTBOT_KEY": caller.key,
        "SPACE_ID": api.live.group.id,
        "HOOK_URL": caller.post("/hooks", hook | signed, status=201)["url"],
        "HOOK_SECRET": SECRET,
        "RECEIVER_URL": "https://127.0.0.1:9/events",
    }
    file = tmp_path / "script.sh"
    file.write_text(script)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", str(file)],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}: {done.stdout}{done.stderr}"
    assert "/docs/errors/" not in done.stdout
    if "HOOK_URL" in script:
        assert '"reference"' in done.stdout
    made = [caller.get(f"/{what}")["items"] for what in ("deliveries", "schedules", "webhooks", "hooks")]
    assert sum(map(len, made)) > 1 or api.live.emulator.world.reports


@pytest.mark.parametrize(("page", "message"), MESSAGES, ids=lambda one: one.stem if isinstance(one, Path) else "http")
def test_a_request_is_answered_as_the_document_says(api: Api, caller: Caller, page: Path, message: str) -> None:
    delivery = caller.post("/deliveries", {"title": "calling usage", "spaceId": api.live.group.id})["id"]
    values = {
        "key": caller.key,
        "space": api.live.group.id,
        "email": api.live.ada.emails[0],
        "workflow": f"run-{page.stem}",
        "delivery": delivery,
    }
    filled = re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], message)
    head, _, body = filled.partition("\n\n")
    first, *lines = head.splitlines()
    method, path = first.split()
    headers = dict(line.split(": ", 1) for line in lines)
    answer = requests.request(method, f"{api.address}{path}", headers=headers, data=body.encode(), timeout=40)
    assert answer.status_code in {200, 202}, answer.text
    check(api, method, path, answer)


def test_the_workflow_of_n8n_is_run_as_n8n_would(api: Api, caller: Caller) -> None:
    """The expressions are filled in by hand: n8n itself is not here."""
    (block,) = fences(FOLDER / "n8n.md", "json")
    nodes = {node["name"]: node["parameters"] for node in json.loads(block)["nodes"]}
    values = {
        "$env.REPORTBOT_URL": api.address,
        "$env.SPACE_ID": api.live.group.id,
        "$execution.id": "231",
        "$today.minus({days: 1}).toISODate()": DAY,
    }

    def filled(text: str) -> str:
        return re.sub(r"\{\{ (.*?) \}\}", lambda found: values[found[1]], text.removeprefix("="))

    run = nodes["Run the report"]
    headers = {one["name"]: filled(one["value"]) for one in run["headerParameters"]["parameters"]}
    body = json.loads(filled(run["jsonBody"]))
    answer = caller.session.post(filled(run["url"]), json=body, headers=headers, timeout=20)
    made = check(api, "POST", "/api/v1/reports", answer)
    values["$json.deliveryId"] = made["deliveryId"]
    api.live.emulator.world.set_report(made["id"], status="done")
    url = filled(nodes["Wait for the file"]["url"])
    found = check(api, "GET", url.removeprefix(api.address), caller.session.get(url, timeout=40))
    assert found["status"] == "delivered"
    again = caller.session.post(filled(run["url"]), json=body, headers=headers, timeout=20).json()
    assert again["id"] == made["id"]


def test_each_recipe_has_something_to_replay() -> None:
    replayed = {page.stem for page, _ in SCRIPTS + MESSAGES} | {"n8n"}
    assert {"README", "curl-and-cron", "ci", "power-automate", "n8n", "servicenow"} <= replayed
