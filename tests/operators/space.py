"""What the bot tells in the operators' space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.live_bot import PATIENCE

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


def told(live: LiveBot, about: str = "") -> list[str]:
    """Give what was said there, outside of threads, that holds the words."""
    mine = [one for one in live.emulator.world.messages(live.group) if one.person_id == live.bot.id]
    return [one.text or "" for one in mine if one.parent_id is None and about in (one.text or "")]


def is_told(live: LiveBot, words: str, number: int = 1) -> None:
    """Wait until it was said so often."""
    live.emulator.world.wait_for(lambda _: len(told(live, words)) >= number, timeout=PATIENCE)
    assert len(told(live, words)) == number
