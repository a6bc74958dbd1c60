"""The command line, as a user meets it: sentences and exit codes, against an emulated Webex."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

from bot import __version__
from bot.cli.main import main
from bot.emulator import Emulator
from bot.emulator.sample_data import furnish
from bot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


SECRET = "webhook-secret-0123456789"
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path) -> Iterator[None]:
    """No setting from outside, a log that is put back, and a data folder of its own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # a command sets its own
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def webex(monkeypatch) -> Iterator[Emulator]:
    """Return the emulator, with the settings that fit."""
    with Emulator() as emulator:
        demo = furnish(emulator.world)
        for name, value in {
            "WEBEX_BOT_TOKEN": demo.bot_token,
            "WEBEX_ADMIN_TOKEN": demo.admin_token,
            "WEBEX_WEBHOOK_SECRET": SECRET,
            "WEBEX_API_URL": emulator.api_url,
            "PUBLIC_URL": "https://bot.invalid",
        }.items():
            monkeypatch.setenv(name, value)
        yield emulator


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    # A thread of an earlier test may still write its last line of log.
    assert capsys.readouterr().out.splitlines()[-1] == f"reportbot {__version__}"


@pytest.mark.parametrize("words", [[], ["nonsense"], ["manifest"], ["manifest", "nonsense"]])
def test_a_wrong_call_is_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.fixture
def _own_pace() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_own_pace")
def test_the_workers_threads_give_way_quickly(webex, monkeypatch):
    """A thread that holds SQLite's write lock must not wait long for the interpreter. Garbage is collected again."""
    seen: list[object] = []

    class Idle:
        def run(self, stop: threading.Event) -> None:
            seen.extend((sys.getswitchinterval(), gc.isenabled()))

    monkeypatch.setattr("bot.app.build_worker", lambda _: Idle())
    monkeypatch.setattr("bot.process.on_stop_signal", lambda _: None)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    assert main(["worker"]) == 0
    assert seen == [pytest.approx(0.001), True]


def test_the_webs_threads_give_way_quickly_and_what_its_start_made_is_not_looked_through_again(webex):
    code = (
        "import sys; from bot.web import gunicorn_conf; print(sys.getswitchinterval());"
        "gunicorn_conf.post_fork(None, None); print(sys.getswitchinterval());"
        "import gc; from types import SimpleNamespace as Worker; print(gc.isenabled());"
        "gunicorn_conf.post_worker_init(Worker(alive=True)); print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )
    assert told.stdout.split() == ["0.005", "0.001", "False", "True", "True"]


def doctor(capsys) -> tuple[int, dict[str, str], str]:
    code = main(["doctor"])
    told = capsys.readouterr().out
    lines = [line.split(None, 1) for line in told.splitlines()]
    return code, {rest.split(":")[0]: state for state, rest in lines}, told


def test_a_healthy_set_up_passes_every_check(webex, capsys):
    assert main(["manifest", "apply"]) == 0
    capsys.readouterr()
    code, checks, told = doctor(capsys)
    assert code == 0
    right = (
        *("settings", "database", "secret key", "files", "Webex", "bot token", "admin token", "roles"),
        *("partner reports", "organization reports", "partner roles", "webhooks"),
    )
    assert checks == dict.fromkeys(right, "ok") | {"public address": "next", "worker": "note"}
    assert "Report Bot" in told
    assert "Ada Lovelace, a person" in told


def test_before_apply_the_doctor_says_what_apply_would_do(webex, capsys):
    code, checks, told = doctor(capsys)
    assert code == 0
    assert (checks["database"], checks["webhooks"], checks["public address"]) == ("note", "next", "next")
    assert "Run `reportbot manifest apply`" in told


def test_webhooks_that_differ_are_a_failure(webex, monkeypatch, capsys):
    assert main(["manifest", "apply"]) == 0
    monkeypatch.setenv("PUBLIC_URL", "https://elsewhere.invalid")
    code, checks, told = doctor(capsys)
    assert (code, checks["webhooks"]) == (1, "FAILED")
    assert "they differ. Run `reportbot manifest apply`" in told


def test_missing_scopes_are_named_with_who_can_give_them(webex, monkeypatch, capsys):
    world = webex.world
    ada = next(one for one in world.people.values() if one.first_name == "Ada")
    monkeypatch.setenv("WEBEX_ADMIN_TOKEN", world.add_token(ada, "integration", scopes={"spark-admin:people_read"}))
    code, checks, told = doctor(capsys)
    assert code == 1
    assert checks["partner reports"] == checks["organization reports"] == "FAILED"
    assert "They need spark-admin:reports_read and identity:people_read" in told
    assert "They need analytics:read_all, granted by: full administrator" in told


def test_a_family_that_is_refused_is_only_a_note_when_the_other_answers(webex, monkeypatch, capsys):
    world = webex.world
    grace = next(one for one in world.people.values() if one.first_name == "Grace")
    monkeypatch.setenv("WEBEX_ADMIN_TOKEN", world.add_token(grace, "integration"))
    _, checks, told = doctor(capsys)
    assert (checks["partner reports"], checks["organization reports"]) == ("note", "ok")
    assert "REPORT_FAMILIES" in told


def test_tokens_in_each_others_place_are_recognised(webex, monkeypatch, capsys):
    bot, admin = os.environ["WEBEX_BOT_TOKEN"], os.environ["WEBEX_ADMIN_TOKEN"]
    monkeypatch.setenv("WEBEX_BOT_TOKEN", admin)
    monkeypatch.setenv("WEBEX_ADMIN_TOKEN", bot)
    code, checks, told = doctor(capsys)
    assert code == 1
    assert (checks["bot token"], checks["admin token"]) == ("FAILED", "FAILED")
    assert "must be a bot's token" in told
    assert "has no administrator rights" in told


def test_tokens_that_webex_does_not_know_and_a_webex_that_is_down_are_lines_not_tracebacks(webex, monkeypatch, capsys):
    monkeypatch.setenv("WEBEX_BOT_TOKEN", "no-such-token")
    monkeypatch.setenv("WEBEX_ADMIN_TOKEN", "nor-such-token")
    code, checks, told = doctor(capsys)
    assert code == 1
    assert {checks[name] for name in ("bot token", "admin token", "roles", "webhooks")} == {"FAILED"}
    assert "such-token" not in told
    webex.faults.add(path="/v1/*", status=503, times=None)
    assert doctor(capsys)[0] == 1


def test_the_procfile_has_three_simple_commands():
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert set(lines) == {"release", "web", "worker"}
    assert lines["release"] == "reportbot manifest apply"
    assert not any(character in line for line in lines.values() for character in "&|;$=()'\"")
