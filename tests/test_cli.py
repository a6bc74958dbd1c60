"""The command line, as a user meets it: sentences and exit codes, against an emulated Webex."""

from __future__ import annotations

import logging
import os
import socket
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


@pytest.mark.parametrize("words", [["serve"], ["worker"], ["doctor"], ["manifest", "plan"], ["manifest", "apply"]])
def test_every_command_names_all_wrong_settings_at_once_and_exits_with_2(words, monkeypatch, capsys):
    monkeypatch.setenv("PORT", "http")
    assert main(words) == 2
    told = capsys.readouterr()
    for name in ("WEBEX_BOT_TOKEN", "WEBEX_ADMIN_TOKEN", "WEBEX_WEBHOOK_SECRET", "PORT"):
        assert f"  {name} " in told.err
    assert told.out == ""


@pytest.mark.parametrize("words", [["worker"], ["doctor"], ["manifest", "apply"], ["why", "x"], ["audit"], ["serve"]])
def test_a_folder_that_cannot_be_made_is_a_sentence(webex, words, monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))
    assert main(words) == 2
    assert "DATA_DIR can't be used (Not a directory)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        *("--help", "audit --help", "doctor", "manifest plan", "manifest apply", "why x", "audit --json"),
        "forget somebody",
    ],
)
def test_a_pipe_that_closes_is_no_crash(webex, words):
    """The reader is gone before the first word; a shell then sees 141 of most tools."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "bot", *words.split()]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    os.close(writing)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert done.returncode in {0, 1, 141}


@pytest.mark.parametrize("words", ["doctor", "nonsense", "why x", "audit --help"])
def test_both_streams_of_a_command_may_close(webex, words):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "bot", *words.split()]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=writing, timeout=30, check=False)
    os.close(writing)
    assert done.returncode in {0, 1, 2, 141}, "120 would be Python's own complaint"


def test_settings_may_stand_in_a_file(webex, monkeypatch, capsys, tmp_path):
    for name in ("WEBEX_BOT_TOKEN", "PUBLIC_URL"):
        value = os.environ[name]
        monkeypatch.setattr(os, "environ", {k: v for k, v in os.environ.items() if k != name} | {"LOG_LEVEL": "error"})
        (tmp_path / name).write_text(f"\ufeff# a comment\n\nexport {name} = '{value}'\nLOG_LEVEL=nonsense\n")
        file, given = ["--env-file", str(tmp_path / name)], dict(os.environ)
        for words in (["manifest", "plan", *file], [*file, "manifest", "plan"]):
            monkeypatch.setattr(os, "environ", dict(given))
            assert main(words) == 0, "the environment wins"
            assert "Pending changes for https://bot.invalid" in capsys.readouterr().out


@pytest.mark.usefixtures("webex")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read (No such file or directory)"),
        (b"PORT=1\nexport\n", "line 2, is not NAME=value"),
        (b"\xff\xfe", "is not text. Save it as UTF-8."),
        (b"PORT=x\n", "PORT must be a whole number"),
    ],
)
def test_a_file_of_settings_that_cannot_be_used_is_a_sentence(capsys, monkeypatch, tmp_path, content, said):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    if content is not None:
        (tmp_path / "env").write_bytes(content)
    assert main(["doctor", "--env-file", str(tmp_path / "env")]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 2


def test_for_gunicorn_too(webex, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file"))
    command = [sys.executable, "-m", "gunicorn", "-c", "python:bot.web.gunicorn_conf"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "DATA_DIR is a file" in done.stderr
    assert "Traceback" not in done.stderr


def test_gunicorn_names_wrong_settings_too(monkeypatch):
    monkeypatch.setenv("WEBEX_BOT_TOKEN", "a token with spaces")
    command = [sys.executable, "-m", "gunicorn", "-c", "python:bot.web.gunicorn_conf"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "WEBEX_BOT_TOKEN contains a space" in done.stderr
    assert "WEBEX_WEBHOOK_SECRET is not set" in done.stderr
    assert "Traceback" not in done.stderr


def hooks_of(webex: Emulator) -> list[tuple[str, str, str, str, str | None]]:
    return sorted(
        (hook.name, f"{hook.resource}/{hook.event}", hook.target_url, hook.status, hook.secret)
        for hook in webex.world.webhooks.values()
    )


def test_apply_registers_the_webhooks_once_and_plan_then_finds_nothing_amiss(webex, capsys):
    assert main(["manifest", "plan"]) == 0
    assert "create “reportbot: messages”" in capsys.readouterr().out
    assert hooks_of(webex) == []
    assert main(["manifest", "apply"]) == 0
    first = hooks_of(webex)
    assert len(first) == 3
    assert {hook[2:] for hook in first} == {("https://bot.invalid/webhooks/webex", "active", SECRET)}
    assert main(["manifest", "apply"]) == 0
    assert hooks_of(webex) == first
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err
    assert main(["manifest", "plan"]) == 0
    assert "create" not in capsys.readouterr().out


def test_apply_follows_a_new_address_and_a_rotated_secret_and_revives_what_sleeps(webex, monkeypatch):
    assert main(["manifest", "apply"]) == 0
    ids = set(webex.world.webhooks)
    next(iter(webex.world.webhooks.values())).status = "inactive"
    monkeypatch.setenv("PUBLIC_URL", "https://new.example.com/")
    monkeypatch.setenv("WEBEX_WEBHOOK_SECRET", f"another-{SECRET},{SECRET}")
    assert main(["manifest", "apply"]) == 0
    assert {hook[2:] for hook in hooks_of(webex)} == {
        ("https://new.example.com/webhooks/webex", "active", f"another-{SECRET}")
    }
    assert set(webex.world.webhooks) == ids


def test_plan_tells_the_scopes_with_their_reason_and_role_also_without_an_address(webex, monkeypatch, capsys):
    monkeypatch.delenv("PUBLIC_URL")
    assert main(["manifest", "plan"]) == 0
    told = capsys.readouterr().out
    assert "PUBLIC_URL is not set" in told
    assert "analytics:read_all [organization reports]" in told
    assert "Role: full administrator" in told


def test_a_bot_of_another_name_is_a_remark_since_a_bot_cannot_rename_itself(webex, capsys):
    webex.world.people[next(one.id for one in webex.world.people.values() if one.type == "bot")].display_name = "Robo"
    assert main(["manifest", "plan"]) == 0
    assert "The bot's name is Robo. The manifest names it Report Bot" in capsys.readouterr().out


def test_apply_needs_the_public_address(webex, monkeypatch, capsys):
    monkeypatch.delenv("PUBLIC_URL")
    assert main(["manifest", "apply"]) == 2
    assert "PUBLIC_URL is not set" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["plan", "apply"])
def test_webex_down_is_one_sentence_and_exit_code_1(webex, step, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("WEBEX_API_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
    assert main(["manifest", step]) == 1
    told = capsys.readouterr().err
    assert told.splitlines()[-1] == (
        "reportbot: Webex didn't respond. 127.0.0.1 refuses the connection: check address and port, and that something "
        "listens there."
    )
    assert "Traceback" not in told


def test_one_webhook_that_webex_refuses_is_named_and_the_others_are_made(webex, capsys):
    webex.faults.add(method="POST", path="/v1/webhooks", status=500, times=1)
    assert main(["manifest", "apply"]) == 1
    assert capsys.readouterr().out.count("FAILED: Webex returned an error (500)") == 1
    assert len(hooks_of(webex)) == 2


@pytest.mark.parametrize("words", [["serve"], ["worker"], ["doctor"], ["manifest", "apply"], ["audit"]])
def test_postgresql_is_refused_with_a_remedy_and_no_traceback(webex, monkeypatch, capsys, words):
    monkeypatch.setenv("DATABASE_URL", "postgres://bot:m4rk3d-password@127.0.0.1/reports")
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 2
    assert "PostgreSQL, which this version can't use yet. Remove it" in told.err
    assert "m4rk3d" not in told.err + told.out


def test_gunicorn_refuses_postgresql_too(webex):
    command = [sys.executable, "-m", "gunicorn", "-c", "python:bot.web.gunicorn_conf"]
    settings = {**os.environ, "DATABASE_URL": "postgresql://db/reports", "SECRET_KEY": "k" * 32}
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "can't use yet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def _own_pace() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_own_pace")
def test_the_workers_threads_give_way_quickly(webex, monkeypatch):
    """A thread that holds SQLite's write lock must not wait long for the interpreter."""
    seen: list[float] = []

    class Idle:
        def run(self, stop: threading.Event) -> None:
            seen.append(sys.getswitchinterval())

    monkeypatch.setattr("bot.app.build_worker", lambda _: Idle())
    monkeypatch.setattr("bot.process.on_stop_signal", lambda _: None)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    assert main(["worker"]) == 0
    assert seen == [pytest.approx(0.001)]


def test_the_webs_threads_give_way_quickly(webex):
    code = (
        "import sys; from bot.web import gunicorn_conf; print(sys.getswitchinterval());"
        "gunicorn_conf.post_fork(None, None); print(sys.getswitchinterval())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True
    )
    assert told.stdout.split() == ["0.005", "0.001"]


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
    assert checks == dict.fromkeys(right, "ok") | {"public address": "next"}
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
