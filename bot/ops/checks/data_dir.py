"""Checks where the key of the encrypted admin token is, and that nobody else reads the bot's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.files.data_dir import open_to_others, remedy
from bot.ops.checks.result import Check, State
from bot.settings import KEY_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.settings import Settings

OUTSIDE: Final = "in SECRET_KEY: keep it outside of DATA_DIR and of its backups"
NOT_NEEDED: Final = "nothing that it would open is stored, since WEBEX_ADMIN_TOKEN isn't refreshed"
INSIDE: Final = (
    "in DATA_DIR, so a copy of that folder opens the encrypted admin token: set SECRET_KEY to what the file {file} "
    "holds, delete the file, and start the bot again"
)


def looked_up(settings: Settings) -> Iterator[Check]:
    """Say where the key is, and what others may read."""
    if settings.secret_key is not None:
        yield Check("secret key", State.OK, OUTSIDE)
    elif settings.refreshable:
        yield Check("secret key", State.NOTE, INSIDE.format(file=settings.data_dir / KEY_FILE))
    else:
        yield Check("secret key", State.OK, f"in DATA_DIR; {NOT_NEEDED}")
    found = open_to_others(settings)
    if found:
        names = ", ".join(str(path) for path in found)
        yield Check("files", State.NOTE, f"others on this machine may read {names}; {remedy(settings, found)}")
    else:
        yield Check("files", State.OK, "only the bot's own user may read DATA_DIR and the database")
