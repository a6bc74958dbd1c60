"""The web process loads nothing that asks Webex, and nothing that it rarely needs: it runs beside the worker."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys, bot.web.application; print(*{name.partition('.')[0] for name in sys.modules})"


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """Return the packages that a process with the web application has loaded."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize(
    "package", ["requests", "urllib3", "webexteamssdk", "requests_toolbelt", "cryptography", "alembic"]
)
def test_the_web_process_does_not_load(loaded: list[str], package: str) -> None:
    assert "flask" in loaded
    assert package not in loaded
