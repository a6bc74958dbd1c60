"""The web process, which strangers reach, is not given the admin token, its client's secret, or ``SECRET_KEY``."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import Settings, load_web, web_environ
from tests.test_serve import running as serving
from tests.waiting import until
from tests.web.running_web import running as web_alone

WITHHELD = {
    "WEBEX_ADMIN_TOKEN": "m4rk3d-admin-token-0123456789",
    "WEBEX_ADMIN_CLIENT_ID": "m4rk3d-client-id-0123456789",
    "WEBEX_ADMIN_CLIENT_SECRET": "m4rk3d-client-secret-0123456789",
    "WEBEX_ADMIN_REFRESH_TOKEN": "m4rk3d-refresh-token-0123456789",
    "SECRET_KEY": "m4rk3d-secret-key-0123456789",
    "WEBEX_ADMIN_CLIENT_SECRT": "m4rk3d-misspelled-0123456789",
    "ALLOWED_PEOPLE": "m4rk3d@example.com",
}
MARK = b"m4rk3d"


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(other for child in children for other in tree(int(child)))]


def environ_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def memory_holds(pid: int, words: bytes) -> bool:
    """Return True when a process has these bytes anywhere in what it may write: heap, stacks, environment."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, permissions, *_ = line.split()
            if not permissions.startswith("rw") or "[vvar" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            if words in memory.read(end - start):
                return True
    return False


def test_under_serve_neither_its_environment_nor_its_memory_holds_them(tmp_path):
    with serving(tmp_path, **WITHHELD) as served:
        served.up()
        web, worker = served.pid_of("web"), served.pid_of("worker")
        until(lambda: len(tree(web)) > 1)
        for pid in tree(web):
            assert MARK not in environ_of(pid)
            assert not memory_holds(pid, MARK)
            assert memory_holds(pid, b"webhook-secret-0123456789"), "the test would see one that is there"
        assert WITHHELD["WEBEX_ADMIN_CLIENT_SECRET"].encode() in environ_of(worker)


def test_alone_as_in_the_procfile_it_does_not_keep_them(tmp_path):
    with web_alone(tmp_path, **WITHHELD) as web:
        processes = tree(web.process.pid)
        assert len(processes) == 2
        for pid in processes:
            assert MARK not in environ_of(pid)
            assert not memory_holds(pid, MARK)
        assert not (tmp_path / "data" / "secret.key").exists()


def test_alone_it_still_names_every_wrong_setting(tmp_path):
    with pytest.raises(AssertionError) as ended, web_alone(tmp_path, WEBEX_ADMIN_TOKEN="", POLL_INTERVAL="soon"):
        pass
    said = str(ended.value)
    assert "WEBEX_ADMIN_TOKEN is not set" in said
    assert "POLL_INTERVAL" in said


def test_what_is_no_setting_of_the_bots_stays_in_the_environment():
    given = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", "GUNICORN_CMD_ARGS": "--threads=8", "OPS_TOKEN": "x"}
    assert web_environ(given | WITHHELD) == given


def test_its_settings_have_no_place_for_them(tmp_path):
    settings = load_web(
        {
            **WITHHELD,
            "WEBEX_BOT_TOKEN": "bot-token",
            "WEBEX_WEBHOOK_SECRET": "webhook-secret-0123456789",
            "DATA_DIR": str(tmp_path),
        }
    )
    assert "m4rk3d" not in str([getattr(settings, name) for name in type(settings).model_fields])
    secrets = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert {name for name in secrets if name in type(settings).model_fields} == {
        "database_url",
        "ops_token",
        "webex_bot_token",
        "webex_webhook_secret",
    }
