"""The alert rules, the dashboard and the runbooks: they fit each other, and the metrics that the program has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bot import metrics
from bot.cli.main import main
from bot.db import alerts as open_alerts
from bot.db import heartbeats, key_values
from bot.ops.gauges import Gauges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stepped_bot import SteppedBot

TOP = Path(__file__).parents[2]
FOLDER = TOP / "docs" / "observability"
RUNBOOKS = TOP / "docs" / "runbooks"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
NAMES = [rule["alert"] for rule in RULES]
METRIC = re.compile(r"\breportbot_[a-z_]+\b")
PARTS = re.compile(r"_(bucket|sum|count)$")
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def own(stepped: SteppedBot, counted: None) -> set[str]:
    """The names of all metrics, once everything has happened."""
    now = stepped.clock()
    metrics.webhook_answered(200, 0.01)
    metrics.webex_called("GET", "/v1/people/me", 200, 0.1)
    metrics.job_run("event", "done")
    metrics.event_sent("webhook.test", "delivered")
    with stepped.database.begin() as tx:
        key_values.set(tx, key_values.WORKER_SEEN, "", now)
        key_values.set(tx, heartbeats.WEB_SEEN, "", now)
        key_values.set(tx, f"{key_values.ADMIN_TOKEN_ENDS}refresh", "0", now)
        open_alerts.change(tx, open_alerts.add(tx, "webhooks", "digest", now), firing_since=now)
    page = metrics.render(Gauges(stepped.database, stepped.queue, stepped.folder, stepped.clock).read()).decode()
    return {name for name in METRIC.findall(page) if not PARTS.search(name)}


@needs_promtool
@pytest.mark.parametrize("command", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]])
def test_promtool_accepts_the_rules_and_their_tests(command: list[str]):
    done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested_when_it_fires_and_when_it_does_not():
    tests = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == set(NAMES)
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == set(NAMES)


def test_rules_and_dashboard_ask_for_metrics_that_there_are(own: set[str]):
    asked = {PARTS.sub("", name) for expression in expressions() for name in METRIC.findall(expression)}
    assert asked - own == set()


def test_each_metric_is_explained(own: set[str]):
    told = set(METRIC.findall((FOLDER / "README.md").read_text()))
    assert own - told == set()
    assert {PARTS.sub("", name) for name in told} - own == set()


def test_alerts_look_at_failures_alone():
    of_outcome = [rule["expr"] for rule in RULES if "outcome" in rule["expr"]]
    assert of_outcome
    assert not [one for one in of_outcome if "halted" in one or "again" in one]


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == set(NAMES)
    assert [rule["annotations"]["runbook_url"] for rule in RULES] == [f"docs/runbooks/{name}.md" for name in NAMES]
    index = (RUNBOOKS / "README.md").read_text()
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.MULTILINE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_what_people_see_what_to_look_at_and_what_to_do(name: str):
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    wanted = ["| Check | Found | Do |"] if name == "ReportbotCheckFailing" else ["People see", "## Look at", "## Do"]
    assert [one for one in wanted if one not in text] == []
    assert "```" in text


def test_the_runbooks_ask_for_metrics_that_there_are(own: set[str]):
    told = {name for path in RUNBOOKS.glob("*.md") for name in METRIC.findall(path.read_text())}
    begun = {name for name in told if not any(one.startswith(name) for one in own)}
    assert begun == set()


def test_the_runbooks_commands_are_there(capsys: pytest.CaptureFixture[str]):
    text = "\n".join(path.read_text() for path in RUNBOOKS.glob("*.md"))
    commands = set(re.findall(r"`?reportbot ((?:manifest|webhooks|schedules|keys) [a-z]+|[a-z]+)\b", text))
    assert {"why", "doctor", "audit", "webhooks show", "manifest plan"} <= commands
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([*command.split(), "--help"])
        assert ended.value.code == 0, f"reportbot {command}: {capsys.readouterr().err}"


def test_the_runbook_of_the_checks_names_each_of_them(stepped: SteppedBot):
    rows = re.findall(r"^\| (`.*?) \|", (RUNBOOKS / "ReportbotCheckFailing.md").read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"\w+", row)}
    checks = {check.name for check in stepped.operations.alerts._checks}
    assert checks <= told
    # Those that need an address, a space or a limit, which the program in pieces has not.
    assert told - checks == {"webhooks", "operators_space", "answers_stopped"}
