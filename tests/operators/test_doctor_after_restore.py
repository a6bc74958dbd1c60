"""What ``doctor`` says of a database that was restored from a backup, on which the bot has not started yet."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot import app as application
from bot.db import heartbeats, key_values
from bot.ops.restored import begin_if_restored
from bot.queue import open_queue
from bot.text import when
from tests.operators.test_doctor import examined

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


def test_a_restored_database_names_no_worker_that_runs_and_says_what_the_next_start_does(live: LiveBot) -> None:
    now = application.now()
    backed_up = now - timedelta(minutes=1)
    database = application.open_database(live.settings())
    with database.begin() as tx:
        heartbeats.begin(tx, now)
        for name in (key_values.WORKER_SEEN, key_values.RESTORED):
            key_values.set(tx, name, "", backed_up)

    state, words = examined(live)[1]["worker"]
    assert state == "note"
    assert words.startswith(
        f"this database is marked as a backup of {when(backed_up)}, and no worker has started on it"
    )
    assert "The next start answers nothing from before it" in words

    begin_if_restored(database, open_queue(database, live.folder), now)
    with database.begin() as tx:
        key_values.set(tx, key_values.WORKER_SEEN, "", now)
    database.close()
    assert examined(live)[1]["worker"] == ("ok", "running")
