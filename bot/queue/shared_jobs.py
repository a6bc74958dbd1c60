"""The jobs where several workers take them: a row says who runs it, and what a dead worker had is given back.

Workers beat every few seconds. One whose beats have not changed over several looks is dead; looks and beats fail
together while the database is away, so an outage kills nobody, and no two machines' clocks are compared.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import (
    ARRAY,
    Float,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from bot.errors import DatabaseUnavailable
from bot.queue.adding import adds, values_of
from bot.queue.queue import Queue
from bot.queue.statements import WINDOW, jobs, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Row

    from bot.db.database import Database, Transaction
    from bot.queue.job_table import Taken
    from bot.queue.jobs import Claim, RowWithJob

log = structlog.get_logger(__name__)

CHANNEL: Final = "reportbot_jobs"
BEAT_EVERY: Final = 5.0  # seconds
COMPARE_EVERY: Final = 5.0
"""Seconds, at least, between two looks of a worker whether the rows say of it that it runs a job which it does not."""
LOOKS_UNTIL_DEAD: Final = 6
"""Looks of another worker in a row that find no new beat: what a dead one ran is started again after half a minute."""
NAME_FILE: Final = "worker"
"""Holds, in a worker's own folder, under which id it works: the next one in that folder knows that one to be dead.

With it the start of the machine and the number of the file: a copy of the folder says nothing of a living worker.
"""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_me = bindparam("me", type_=Text)
_now = bindparam("now", type_=Float)
ENTER = insert(workers).values(id=_me, beats=0, seen=_now)
BEAT = update(workers).where(workers.c.id == _me).values(beats=workers.c.beats + 1, seen=_now)
BEATS = select(workers.c.id, workers.c.beats)
LEAVE = delete(workers).where(workers.c.id == _me)
IS_ONE = select(workers.c.id).where(workers.c.id == _me)
_other = jobs.alias()
CLAIM = (
    update(jobs)
    .where(
        jobs.c.id == any_(bindparam("ids", type_=ARRAY(Integer))),
        jobs.c.worker.is_(None),
        jobs.c.due <= _now,
        # Under its lock no other job runs, and none comes before it.
        ~exists().where(
            _other.c.lock == jobs.c.lock,
            or_(_other.c.worker.is_not(None), and_(_other.c.place < jobs.c.place, _other.c.due <= _now)),
        ),
        exists().where(workers.c.id == _me),
    )
    .values(worker=_me, again_due=null(), again_place=null())
    .returning(jobs.c.id)
)
"""Others may have taken some since they were chosen, also ended or put them off, or have taken this one for dead."""
LOCKS = select(jobs.c.lock).where(jobs.c.worker.is_not(None), jobs.c.lock.is_not(None))
IS_THERE = select(jobs.c.id).where(jobs.c.id == bindparam("of_id"))
GIVE_BACK_BUT = (
    update(jobs).where(jobs.c.worker == _me, jobs.c.id.not_in(bindparam("ids", expanding=True))).values(worker=null())
)
GIVE_BACK = (
    update(jobs).where(jobs.c.worker.is_not(None), jobs.c.worker.not_in(select(workers.c.id))).values(worker=null())
)
NOTIFY = select(func.pg_notify(CHANNEL, ""))


class SharedJobTable(Queue):
    """The rows, and what this worker does with them beside others."""

    _one_snapshot = False  # what is chosen is looked at again when it is claimed

    def __init__(self, database: Database, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(database, folder, clock=clock, channel=CHANNEL)
        self._me = ""
        self._compared: float | None = None
        """When the rows were last known to say of no job that this worker runs it though it does not.

        None: its last choice may have been written without its knowledge. Of how a job ended or was put off, a server
        that crashes may know nothing afterwards: its row still names this worker then, and nobody would run it.
        """
        self._beats: dict[str, tuple[int, int]] = {}
        """Of each other worker: its beats when it was looked at last, and in how many looks they have not changed."""

    def add(self, new: RowWithJob) -> None:
        """Add a row and its job by one statement, which waits for no other writer."""
        statement = adds(new.table, tuple(new.values), new.unique, new.task)
        self._database.add_at_once(statement, values_of(new, self.clock()), CHANNEL)

    def take(self, running: Collection[Claim], threads: Mapping[str, int]) -> Taken:
        """Choose jobs as `JobTable` does, and note that this worker has them."""
        now = time.monotonic()
        if self._compared is None or now - self._compared >= COMPARE_EVERY:
            with self._database.begin(durable=False) as tx:
                if tx.execute(GIVE_BACK_BUT, {"me": self._me, "ids": [claim.id for claim in running]}).rowcount:
                    tx.execute(NOTIFY)
                self._enter_if_needed(tx)
            self._compared = now
        taken = self._chosen(running, threads)
        return self._claimed(taken) if taken.claims else taken

    def _claimed(self, chosen: Taken) -> Taken:
        """Return what this worker has now of what it has chosen."""
        compared, self._compared = self._compared, None
        with self._database.begin(durable=False) as tx:
            ids = [claim.id for claim in chosen.claims]
            taken = set(tx.execute(CLAIM, {"ids": ids, "me": self._me, "now": self.clock()}).scalars())
            if not taken:
                self._enter_if_needed(tx)
        self._compared = compared
        claims = [claim for claim in chosen.claims if claim.id in taken]
        for claim in claims:
            claim.worker = self._me
            claim.put_again = False  # this run is what those puts asked for
        return replace(chosen, claims=claims, seconds=chosen.seconds if len(claims) == len(ids) else 0.0)

    def _locked_elsewhere(self, tx: Transaction, due: Sequence[Row[Any]]) -> Collection[str]:
        """Return also the locks of what runs here."""
        if len(due) < WINDOW:
            return {row.lock for row in due if row.locked}
        return set(tx.execute(LOCKS).scalars())

    def finish(self, tx: Transaction) -> bool:
        """Do the same as one worker's, unless other workers have the job: then the transaction must not commit."""
        if super().finish(tx):
            return True
        claim = self.current
        assert claim is not None
        # Without a row, it was dropped. A server that crashes may forget who has a row, and gives it to another then.
        if tx.execute(IS_THERE, {"of_id": claim.id}).first() is not None:
            raise DatabaseUnavailable(RuntimeError("the job was given to another worker"))
        if tx.execute(IS_ONE, {"me": claim.worker}).first() is None:
            raise DatabaseUnavailable(RuntimeError("other workers have taken this one for dead, and have its jobs"))
        return False

    def beat(self) -> None:
        """Show that this worker lives, and give back what those had that do not. Raises ``DatabaseUnavailable``."""
        if not self._me:
            return  # it hasn't entered: the tables may not be there yet
        given = 0
        with self._database.begin(durable=False) as tx:
            tx.execute(BEAT, {"me": self._me, "now": self.clock()})
            found = {row.id: row.beats for row in tx.execute(BEATS) if row.id != self._me}
            dead = self._dead(found)
            for worker in dead:
                tx.execute(LEAVE, {"me": worker})
            if dead:
                given = self._give_back(tx)
        for worker in dead:
            log.warning("worker_is_gone", **_told(worker), jobs=given)

    def leave(self) -> None:
        """Give back what has not ended, if it has entered. Raises ``DatabaseUnavailable``."""
        if not self._me:
            return
        with self._database.begin(durable=False) as tx:
            tx.execute(LEAVE, {"me": self._me})
            tx.execute(GIVE_BACK)
            tx.execute(NOTIFY)  # also of what waited for the end of a job that ended here
        self._me, self._compared = "", None

    def wake(self) -> None:
        """Wake the workers of all machines. Raises ``DatabaseUnavailable``."""
        with self._database.begin(durable=False) as tx:
            tx.execute(NOTIFY)

    def _enter_if_needed(self, tx: Transaction) -> None:
        """Become a worker, for the first time or after others took this one for dead."""
        if self._me and tx.execute(IS_ONE, {"me": self._me}).first() is not None:
            return
        if (earlier := self._earlier()) is not None:
            tx.execute(LEAVE, {"me": earlier})
            self._give_back(tx)
        self._me = f"{secrets.token_hex(8)} {socket.gethostname()} {self._folder}"  # says where to look if it dies
        self._note()
        tx.execute(ENTER, {"me": self._me, "now": self.clock()})
        log.info("worker_entered", **_told(self._me))

    def _earlier(self) -> str | None:
        """Return who worked in this folder before, as far as it can be read."""
        name = self._folder / NAME_FILE
        try:
            noted, here = name.read_text(), f" {_place(name)}"
            return noted.removesuffix(here) if noted.endswith(here) else None
        except OSError:
            return None

    def _note(self) -> None:
        """Note in the folder that this worker works here."""
        name = self._folder / NAME_FILE
        try:
            name.touch(mode=0o600)
            name.write_text(f"{self._me} {_place(name)}")
        except OSError as error:  # the disk is full, say: the others find a dead one half a minute later
            log.warning("worker_not_noted", folder=str(self._folder), cause=error.strerror)

    def _dead(self, found: Mapping[str, int]) -> list[str]:
        seen = self._beats
        self._beats = {
            worker: (beats, seen[worker][1] + 1 if worker in seen and seen[worker][0] == beats else 0)
            for worker, beats in found.items()
        }
        return [worker for worker, (_, looks) in self._beats.items() if looks >= LOOKS_UNTIL_DEAD]

    def _give_back(self, tx: Transaction) -> int:
        """Return how many jobs were given back."""
        if given := tx.execute(GIVE_BACK).rowcount:
            tx.execute(NOTIFY)
        return given


def _told(worker: str) -> dict[str, str]:
    """Return what the log says of a worker; of one of an older version nobody knows the place."""
    return dict(zip(("worker", "host", "folder"), worker.split(" ", 2), strict=False))


def _place(name: Path) -> str:
    """Return this start of the machine and the number of the file."""
    return f"{_boot_id()} {name.stat().st_ino}"


def _boot_id() -> str:
    """Return what Linux calls this start of the machine; nothing elsewhere."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Beats:
    """A thread in which a worker beats until it ends."""

    def __init__(self, table: SharedJobTable) -> None:
        self._table = table
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue-beats", daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """End, and leave."""
        self._over.set()
        self._thread.join()
        try:
            self._table.leave()
        except DatabaseUnavailable as error:
            log.debug("worker_did_not_leave", cause=str(error))  # the others find out

    def _run(self) -> None:
        while not self._over.wait(BEAT_EVERY):
            try:
                self._table.beat()
            except DatabaseUnavailable as error:
                log.debug("worker_did_not_beat", cause=str(error))  # the database has logged it
            except Exception:  # without beats the others would take this worker for dead, and do its jobs
                log.exception("beat_crashed")
