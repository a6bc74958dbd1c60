"""``reportbot backup``: copy the SQLite database while the bot runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.app import now
from bot.db.backup import BackupFailed, back_up
from bot.settings import KEY_FILE, SQLITE
from bot.text import size

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.settings import StorageSettings


def run(settings: StorageSettings, target: Path, say: Callable[[str], None]) -> int:
    """Copy the database into a new file. Raises ``BackupFailed``."""
    url = settings.database_url.get_secret_value()
    if not url.startswith(SQLITE):
        raise BackupFailed("The database is PostgreSQL's: back it up with pg_dump, as docs/operations.md says.")
    back_up(Path(url.removeprefix(SQLITE)), target, now())
    say(f"Saved and checked: {target} ({size(target.stat().st_size)}).")
    key = settings.data_dir / KEY_FILE
    if key.exists():
        say(f"The key of what is encrypted in it isn't in it: keep {key} too, in another place.")
    return 0
