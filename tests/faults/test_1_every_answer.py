"""Issue 4, item 1: every answer of Webex, at every call of the pipeline, ends in the file or in one sentence about it.

What the clients make of each status is tried in ``tests/webex``; here the whole program meets it. A call goes wrong
once or twice, then all is well again and the clock is turned as far as the jobs ask. Time-outs are cuts: to the program
both are "no answer".
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bot.db import requests
from bot.db.requests import State
from bot.db.tables import requests as table
from bot.emulator import Emulator
from bot.files import streaming_upload
from bot.messages.progress import WORDS
from bot.queue import tasks
from bot.reports import progress as progress_message
from bot.webex.growing_file import HELD_BACK
from tests.live_bot import CSV, PATIENCE, BotMessage
from tests.stepped_bot import SteppedBot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.db.requests import Request
    from bot.emulator.things import Message

Dialogue: TypeAlias = "Iterator[bytes]"
"""What happens before the fault, up to a ``yield`` of the file that is asked for; and what happens then."""

LASTING = (400, 401, 403, 404, 405, 409, 410, 413, 415, 428, 451)
SECOND_CHANCE = (401, 403, 404, 410)
"""What may be right at the next try, or by another way."""
PASSING = (408, 423, 425, 429, 499, 500, 502, 503, 504, 522, 599)
USELESS: dict[str, Any] = {
    "html": "<html>Bad Gateway</html>",
    "empty": "",
    "list": "[]",
    "truncated": '{"id": "Y2lz',
    "wrong types": {"id": 5, "items": 5, "roles": 5},
    "wrong items": {"items": [5, None]},
}
LARGE = "Name,Minutes\r\n" + "Ada Lovelace,12\r\n" * (2 * HELD_BACK // 17)
A_DAY = 24 * 3600.0
LONGEST = 2 * 3600.0
"""Seconds: a wish to wait is cut to an hour."""
CASES_OF_A_BOT = 50
MOST_ROUNDS = 100
"""Turns of the clock after which a case that does not come to rest has failed."""


def asked(stepped: SteppedBot) -> Dialogue:
    yield CSV
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}", stepped.setup.group)


def asked_of_organization(stepped: SteppedBot) -> Dialogue:
    yield CSV
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.organization_report().id}", stepped.setup.group)


def asked_for_a_large_one(stepped: SteppedBot) -> Dialogue:
    """Passed on: uploaded while it is fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming_upload, "WORTH_IT_FROM", 1)
        yield LARGE.encode("utf-8-sig")
        stepped.receive(
            stepped.setup.ada, f"report {stepped.setup.partner_report(content=LARGE).id}", stepped.setup.group
        )
        to_the_end(stepped)


def pressed(stepped: SteppedBot) -> Dialogue:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    to_the_end(stepped)
    card = next(one for one in reversed(stepped.said(stepped.setup.group)) if one.card)
    yield CSV
    stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Send again"])


def watched(stepped: SteppedBot, family: str = "partner") -> Dialogue:
    make = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    report = make(status="In progress")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    stepped.world.set_report(report.id, status="done")
    yield CSV


def watched_of_organization(stepped: SteppedBot) -> Dialogue:
    return watched(stepped, "organization")


def ends_badly(stepped: SteppedBot) -> Dialogue:
    report = stepped.setup.partner_report(status="In progress")
    stepped.receive(stepped.setup.ada, f"report {report.id}", stepped.setup.group)
    stepped.work()
    stepped.world.set_report(report.id, status="failed")
    yield b""


def refused(stepped: SteppedBot) -> Dialogue:
    """Anyone who lost the role meanwhile is told so, in a sentence."""
    roles = stepped.setup.grace.roles
    before = list(roles)
    stepped.receive(stepped.setup.grace, f"report {stepped.setup.partner_report().id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    roles.clear()
    stepped.directory.forget()
    yield b""
    to_the_end(stepped)
    roles.extend(before)


def looked_for(stepped: SteppedBot) -> Dialogue:
    """The answer to the file's post is lost, so the next try looks whether it is there."""
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut="after", skip=1, times=1)
    yield CSV
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}", stepped.setup.group)


def takes_long(stepped: SteppedBot) -> Dialogue:
    """A download of which the line in the thread tells, and whose message is edited."""
    download, world = stepped.files.download, stepped.world
    edits = stepped.calls("PUT", "/v1/messages/*")
    words = f"{WORDS}: 40 %"

    def lines() -> set[str]:
        return {one.id for one in stepped.said(stepped.setup.group) if words in (one.text or "")}

    before = lines()  # where a dialogue of before had trouble, its line may have stayed

    def slow(*args: Any, progress: Callable[[int, int], None], **more: Any) -> Any:
        progress(40, 100)
        world.wait_for(lambda _: bool(lines() - before), timeout=PATIENCE)
        progress(60, 100)
        world.wait_for(lambda _: stepped.calls("PUT", "/v1/messages/*") > edits, timeout=PATIENCE)
        return download(*args, progress=progress, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress_message, "LONG", 0.0)
        patch.setattr(progress_message, "EVERY", 0.001)
        patch.setattr(stepped.files, "download", slow)
        yield CSV
        stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}", stepped.setup.group)
        to_the_end(stepped)


@dataclass(frozen=True)
class Call:
    """A call of the pipeline, and a dialogue in which it is made after so many others (``skip``) like it."""

    dialogue: Callable[[SteppedBot], Dialogue]
    method: str
    path: str
    host: Any = "api"
    skip: int = 0
    ends: State = State.DELIVERED
    waits: bool = True
    """Whether nothing goes on before this call went well; the others are courtesies, or have a second way."""


POSTS = "/v1/messages"
CALLS = {
    "GET message": Call(asked, "GET", "/v1/messages/*"),
    "GET action": Call(pressed, "GET", "/v1/attachment/actions/*"),
    "GET details, partner": Call(asked, "GET", "/v1/partner/reports/*"),
    "GET details, organization": Call(asked_of_organization, "GET", "/v1/reports/*"),
    "GET list, partner": Call(watched, "GET", "/v1/partner/reports"),
    "GET list, organization": Call(watched_of_organization, "GET", "/v1/reports"),
    "GET download": Call(asked, "GET", "*", host="download"),
    "GET memberships": Call(asked, "GET", "/v1/memberships"),
    "GET people": Call(asked, "GET", "/v1/people/*"),
    "GET roles": Call(asked, "GET", "/v1/roles"),
    "GET messages, to look": Call(looked_for, "GET", POSTS),
    "POST card": Call(asked, "POST", POSTS),
    "POST file": Call(asked, "POST", POSTS, skip=1),
    "POST file, passed on": Call(asked_for_a_large_one, "POST", POSTS, skip=1, waits=False),
    "POST card of an end": Call(ends_badly, "POST", POSTS, ends=State.FAILED),
    "POST sentence of an end": Call(refused, "POST", POSTS, ends=State.REFUSED),
    "PUT edit": Call(takes_long, "PUT", "/v1/messages/*", waits=False),
    "DELETE message": Call(watched, "DELETE", "/v1/messages/*", waits=False),
}


class SharedBots:
    """One stepped bot for many cases, since it takes a while to set up; after a failure, or many cases, a fresh one."""

    def __init__(self, folder: Path, database_file: Path) -> None:
        self._folder, self._database = folder, database_file
        self._made = self._lent = 0
        self._open: tuple[Emulator, SteppedBot] | None = None

    @contextmanager
    def lent(self) -> Iterator[SteppedBot]:
        self._lent += 1
        if self._lent % CASES_OF_A_BOT == 0:
            self.close()
        if self._open is None:
            emulator = Emulator().start()
            emulator.world.lists_threads = True  # what became of a lost answer is looked for
            self._made += 1
            folder = self._folder / str(self._made)
            self._open = emulator, SteppedBot(emulator, folder, self._database, POLL_INTERVAL="10")
        stepped = self._open[1]
        try:
            stepped.emulator.faults.clear()
            stepped.directory.forget()
            stepped.clock.turn(A_DAY)
            yield stepped
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._open is not None:
            emulator, stepped = self._open
            stepped.stop()
            emulator.stop()
            self._open = None


@pytest.fixture(scope="module")
def bots(tmp_path_factory: pytest.TempPathFactory, database_file: Path) -> Iterator[SharedBots]:
    made = SharedBots(tmp_path_factory.mktemp("bots"), database_file)
    yield made
    made.close()


def to_the_end(stepped: SteppedBot) -> float:
    """Run all jobs, turning the clock as far as they ask; gives the seconds that it was turned."""
    begin = stepped.clock.seconds()
    stepped.work()
    for _ in range(MOST_ROUNDS):
        if stepped.next_wait() is None:
            return stepped.clock.seconds() - begin
        stepped.wait_for_next()
    raise AssertionError("it never comes to rest")


def newest(stepped: SteppedBot) -> Request | None:
    with stepped.database.read() as tx:
        number = tx.execute(select(func.max(table.c.id))).scalar()
        return requests.get(tx, number) if number else None


def suffers(stepped: SteppedBot, call: Call, **fault: Any) -> tuple[State | None, float]:
    """Play a call's dialogue with the fault, judge what came of it, and give the state and the seconds it took."""
    dialogue = call.dialogue(stepped)
    wanted = next(dialogue)
    before, spoken = newest(stepped), len(stepped.world.messages_of(stepped.setup.bot))
    injected = stepped.emulator.faults.add(method=call.method, path=call.path, host=call.host, skip=call.skip, **fault)
    begin = stepped.clock.seconds()
    with capture_logs() as lines:
        next(dialogue, None)
        to_the_end(stepped)
    assert injected.hits, "the dialogue does not make this call"
    assert [line for line in lines if line["event"].endswith("_crashed")] == []
    assert stepped.files_left == []
    said = stepped.world.messages_of(stepped.setup.bot)[spoken:]
    request = newest(stepped)
    if before is not None and before.state is not State.OPEN and request is not None and request.id == before.id:
        request = None  # the request never came to be
    judge(said, request, wanted, cards=2 if call.method == "DELETE" else 1)
    return request.state if request else None, stepped.clock.seconds() - begin


def judge(said: list[Message], request: Request | None, wanted: bytes, *, cards: int) -> None:
    """The file stands there once, or one sentence that tells why not, as the database has it; nothing is said twice."""
    standing = [one for one in said if not one.deleted]
    files = [one.files[0].path.read_bytes() for one in standing if one.files]
    words = [one.markdown or one.text or "" for one in said if not one.files and not one.card]
    assert len(words) == len(set(words)), "a sentence was said twice"
    assert sum(one.card is not None for one in standing) <= cards
    if request is None:
        assert files == []
        assert 1 <= len(words) <= 2, "one sentence, and the details of a refusal directly"
        for word in words:
            assert "reference" in word.lower(), "no answer is told with what the log has of it"
        return
    told = [one for one in standing if f"eference {request.reference}" in (one.markdown or "") and ends(one)]
    assert request.state is not State.OPEN
    assert bool(told) is (request.state is not State.DELIVERED), "the end was not told"
    # A refusal in a space is told there in a sentence, and directly with its details.
    assert len(told) == len({one.room_id for one in told}) <= (2 if request.state is State.REFUSED else 1)
    if request.state is State.DELIVERED:
        assert files == [wanted]
    elif request.state is not State.UNSURE:
        assert files == []


def ends(message: Message) -> bool:
    """Return True when it says that nothing follows: the report is neither in progress nor ready."""
    if message.card is None:  # a card that Webex refuses is sent as its text
        return not any(one in (message.markdown or "") for one in (": In progress.", ": Ready."))
    return not any(one in BotMessage(message).shown for one in ("● In progress", "● Ready"))


@pytest.mark.parametrize(
    ("status", "times"), [(status, 2) for status in LASTING] + [(status, 1) for status in SECOND_CHANCE]
)
@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_ends_in_the_file_or_in_one_sentence(bots: SharedBots, name: str, status: int, times: int) -> None:
    with bots.lent() as stepped:
        suffers(stepped, CALLS[name], status=status, times=times)


@pytest.mark.parametrize("status", PASSING)
@pytest.mark.parametrize("name", CALLS)
def test_trouble_that_passes_costs_time_and_nothing_else(bots: SharedBots, name: str, status: int) -> None:
    with bots.lent() as stepped:
        state, _ = suffers(stepped, CALLS[name], status=status, times=2)
        assert state is CALLS[name].ends


@pytest.mark.parametrize("cut", ["before", "after", "middle"])
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("name", CALLS)
def test_a_cut_connection_loses_nothing_and_repeats_nothing(bots: SharedBots, name: str, cut: Any, times: int) -> None:
    """The call took effect or not, or half of its answer came."""
    with bots.lent() as stepped:
        state, _ = suffers(stepped, CALLS[name], cut=cut, times=times)
        assert state is CALLS[name].ends


@pytest.mark.parametrize("body", USELESS.values(), ids=USELESS)
@pytest.mark.parametrize("name", CALLS)
def test_a_success_that_says_nothing_of_use_is_no_success(bots: SharedBots, name: str, body: Any) -> None:
    with bots.lent() as stepped:
        suffers(stepped, CALLS[name], status=200, body=body, times=2)


@pytest.mark.parametrize(
    ("status", "said", "least"),
    [
        (423, "7", 7.0),
        (429, "7", 7.0),
        (503, "in a minute, as a date", 55.0),
        (429, "rand(30),add(30)", 0.0),
        (423, "999999999", 3600.0),
        (503, "-5", 0.0),
    ],
)
@pytest.mark.parametrize("name", CALLS)
def test_a_wish_to_wait_is_kept_however_it_is_spelled(
    bots: SharedBots, name: str, status: int, said: str, least: float
) -> None:
    if "date" in said:
        said = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    with bots.lent() as stepped:
        state, seconds = suffers(stepped, CALLS[name], status=status, headers={"Retry-After": said}, times=1)
        assert state is CALLS[name].ends
        assert seconds >= least or not CALLS[name].waits
        assert seconds < LONGEST
