"""The documents say what the program does."""

from __future__ import annotations

from pathlib import Path

from bot.chat.commands import registry
from bot.settings import Settings

README = Path(__file__).parent.parent / "README.md"


def test_the_readme_names_every_setting() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in map(str.upper, Settings.model_fields) if f"`{name}`" not in text] == []


def test_the_readme_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert [command.usage for command in registry if f"| `{command.usage}` |" not in text] == []
