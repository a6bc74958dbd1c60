"""The same words in every sentence: people type a command, and an ID is written in capitals."""

from __future__ import annotations

import re
from pathlib import Path

import bot

SOURCES = [
    path for folder in ("messages", "chat", "webex", "reports") for path in Path(bot.__path__[0], folder).rglob("*.py")
]
OTHER_WORDS = re.compile(r"[Ww]rite `|Webex tracking ids?\b")


def test_no_sentence_uses_another_word() -> None:
    assert len(SOURCES) > 50
    found = [f"{path.name}: {line.strip()}" for path in SOURCES for line in path.read_text("utf-8").splitlines()
             if OTHER_WORDS.search(line) and '"""' not in line]  # fmt: skip
    assert found == []
