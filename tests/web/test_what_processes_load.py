"""Neither process loads what it rarely needs, and the web process nothing that asks Webex: they run side by side."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"


def _loaded(module: str) -> list[str]:
    """Return the packages that a process with a module has loaded."""
    command = [sys.executable, "-c", LOADED.format(module=module)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()


@pytest.fixture(scope="module")
def web() -> list[str]:
    return _loaded("bot.web.application")


@pytest.fixture(scope="module")
def worker() -> list[str]:
    return _loaded("bot.app")


@pytest.mark.parametrize(
    "package",
    ["requests", "urllib3", "webexteamssdk", "requests_toolbelt", "cryptography", "alembic", "flask_openapi3"],
)
def test_the_web_process_does_not_load(web: list[str], package: str) -> None:
    assert "flask" in web
    assert package not in web


@pytest.mark.parametrize("package", ["flask", "cryptography", "standardwebhooks", "alembic", "xlsxwriter"])
def test_the_worker_does_not_load(worker: list[str], package: str) -> None:
    assert "webexteamssdk" in worker
    assert package not in worker
