"""A command that needs what the bot has stored makes no database where there is none, such as in the wrong folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.main import main
from tests.test_cli import clean  # noqa: F401 - a fixture of each test here

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    "audit",
    "why r1",
    "forget --yes ada",
    "keys list",
    "keys revoke ci",
    "schedules export",
    "webhooks list",
    "webhooks show w1",
    "backup copy.db",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_made_and_the_path_is_said(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATA_DIR")
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 1
    where = f"There is no database at {tmp_path}/data/reportbot.db."
    remedy = "Run this in the bot's folder, or set DATA_DIR or DATABASE_URL to the bot's."
    assert capsys.readouterr() == ("", f"reportbot: {where} {remedy}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_first_key_may_be_made_before_the_first_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--name", "ci"]) == 0
    assert (tmp_path / "data" / "reportbot.db").exists()
