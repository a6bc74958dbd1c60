"""What the bot tells in the operators' space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stage import PATIENCE

if TYPE_CHECKING:
    from tests.stage import Stage


def told(stage: Stage, about: str = "") -> list[str]:
    """Give what was said there, outside of threads, that holds the words."""
    mine = [one for one in stage.emulator.world.messages(stage.group) if one.person_id == stage.bot.id]
    return [one.text or "" for one in mine if one.parent_id is None and about in (one.text or "")]


def is_told(stage: Stage, words: str, number: int = 1) -> None:
    """Wait until it was said so often."""
    stage.emulator.world.wait_for(lambda _: len(told(stage, words)) >= number, timeout=PATIENCE)
    assert len(told(stage, words)) == number
