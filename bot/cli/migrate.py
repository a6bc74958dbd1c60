"""``reportbot migrate``: bring the database to this version, or carry everything over into another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot import setting_types
from bot.app import now, open_database
from bot.db import migrations
from bot.errors import SettingsError
from bot.logs import register_secrets
from bot.ops.move import INSTEAD, NotMoved, move, shown
from bot.settings import KEY_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.ops.move import Moved
    from bot.settings import StorageSettings

    Say = Callable[[str], None]

NUL = "{number} texts had a NUL character, which PostgreSQL can't hold: there it is “{instead}”."
KEY = (
    "Set SECRET_KEY to the content of {file}: the admin token is encrypted with it, and the secrets of outbound events "
    "come from it."
)
MARKED = (
    "The old database was already marked as a backup, so the new one is, too: the bot begins on it as on a restored "
    "database, and tells those with open requests so. “Move to PostgreSQL” in docs/operations.md says when to remove "
    "the mark before the start."
)
NEXT = "Now set DATABASE_URL to the new database and start the bot."
OLD = (
    "The old database is as it was, and marked as a backup: should you start the bot on it again, it does nothing a "
    "second time that was done on the new one."
)


def upgrade(settings: StorageSettings, say: Say) -> int:
    """Bring the database to this version."""
    database = open_database(settings)
    try:
        migrations.upgrade(database)
        found, wanted = migrations.current(database), migrations.newest()
    finally:
        database.close()
    say(f"The database is at {found}." if found == wanted else f"The database is at {found}, newer than this version.")
    return 0


def carry_over(settings: StorageSettings, source: str, target: str, say: Say) -> int:
    """Carry everything over. Raises ``NotMoved`` or ``SettingsError``."""
    source, target = _url("--from", source), _url("--to", target)
    if source == target:
        raise NotMoved("--from and --to are the same database.")
    for url in (source, target):
        register_secrets(*settings.model_copy(update={"database_url": SecretStr(url)}).secret_values())
    moved: list[Moved] = []

    def tell(one: Moved) -> None:
        moved.append(one)
        say(f"{one.table:<16} {one.rows:>10,}")

    was_marked = move(source, target, now(), tell)
    rows, replaced = sum(one.rows for one in moved), sum(one.without_nul for one in moved)
    say(f"Carried over {rows:,} rows from {shown(source)} to {shown(target)}, and compared each.")
    if replaced:
        say(NUL.format(number=replaced, instead=INSTEAD))
    file = settings.data_dir / KEY_FILE
    if target.startswith("postgresql") and file.exists():
        say(KEY.format(file=file))
    if was_marked:
        say(MARKED)
    say(NEXT)
    say(OLD)
    return 0


def _url(name: str, text: str) -> str:
    try:
        return setting_types.database(text)
    except ValueError as error:
        raise SettingsError([f"{name} {error}"]) from None
