"""Check for ``doctor`` that a worker runs: without one, messages are stored and nobody is answered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from bot.db import heartbeats, key_values, migrations
from bot.ops.checks.doctor_line import Found, Result, Setup, State, result
from bot.queue import open_queue, tasks
from bot.text import duration, when

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "worker"
REMEDY: Final = "Until one runs, nobody gets an answer. Start `reportbot worker` (`serve` runs it too)."
RESTORED: Final = (
    "this database is marked as a backup of {when}, and no worker has started on it since. The next start answers "
    "nothing from before it, makes up no scheduled run, and tells those with open requests so (“Restore” in "
    "docs/operations.md)."
)


def seen(setup: Setup) -> Iterator[Result]:
    """Return a line once the bot has run on this database."""
    if migrations.current(setup.database) != migrations.newest():
        return
    with setup.database.read() as tx:
        unused = heartbeats.is_unused(tx)
    if not unused:
        yield result(NAME, partial(_look, setup))


def _look(setup: Setup) -> Found:
    queue = open_queue(setup.database, setup.settings.data_dir, lambda: setup.now().timestamp())
    with setup.database.read() as tx:
        marked = key_values.updated_at(tx, key_values.RESTORED)
        if marked is not None:  # when a worker was last seen is of before, too
            return State.NOTE, RESTORED.format(when=when(marked))
        if heartbeats.worker_lives(tx, setup.now()):
            return State.OK, "running"
        last = key_values.updated_at(tx, key_values.WORKER_SEEN)
        waited = queue.oldest_waiting_seconds(tx, without=tasks.BACKGROUND)
    since = "not seen yet" if last is None else f"not seen since {when(last)}"
    waiting = f" Somebody has waited for {duration(waited)}." if waited else ""
    return State.NOTE, f"{since}. {REMEDY}{waiting}"
