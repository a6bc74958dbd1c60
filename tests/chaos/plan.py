"""What will go wrong, and when: a list of steps made of a seed alone, so that a bad run can be had again.

The processes' own timing is not in the seed: a run with the same seed has the same steps, not the same course.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.emulator.things import Family

CALLS = (
    # method, path, host, weight: how much of the trouble it gets
    ("POST", "/v1/messages", "api", 10),
    ("GET", "/v1/messages", "api", 4),
    ("GET", "/v1/messages/?*", "api", 4),
    ("GET", "/v1/attachment/actions/*", "api", 2),
    ("GET", "/v1/partner/reports/*", "api", 5),
    ("GET", "/v1/partner/reports", "api", 3),
    ("GET", "/v1/reports/*", "api", 3),
    ("GET", "/v1/reports", "api", 2),
    ("POST", "/v1/partner/reports", "api", 3),
    ("POST", "/v1/reports", "api", 3),
    ("DELETE", "/v1/partner/reports/*", "api", 2),
    ("DELETE", "/v1/reports/*", "api", 2),
    ("GET", "/v1/people/*", "api", 3),
    ("GET", "/v1/memberships", "api", 3),
    ("GET", "/v1/rooms", "api", 3),
    ("DELETE", "/v1/messages/*", "api", 1),
    ("GET", "/*", "download", 5),
)
PASSING = (408, 423, 429, 500, 502, 503, 504, 522)
LASTING = (401, 403, 404, 409, 410, 428, 451)
CUTS = ("before", "after", "middle", "late")
TRUNCATED = b'{"items": [{"id": "Y2lzY29zcGFyazov'
DATE_SOON, DATE_PAST = "a date to come", "a date gone by"
"""Retry-After as a date, which is written when the time has come."""
KINDS = (
    *("done", "done", "zip", "pending", "pending", "pending", "pending"),
    *("fails", "failed", "nowhere", "help", "new", "delete"),
)
PLACES = ("1:1", "1:1", "group", "group", "group", "outside")
PEOPLE = ("ada", "ada", "grace", "nora")
VICTIMS = ("worker", "worker", "worker", "web", "gunicorn worker", "supervisor", "all")
STARTS_AFTER = 1.5
"""Seconds without trouble, so that there is something to disturb."""
LONG_RUN = 120.0
"""Seconds from which a run can afford what takes half a minute: calls that hang, a database that is locked for long."""

LONGEST_FREEZE = 60.0
"""Seconds."""


@dataclass(frozen=True)
class Ask:
    """Someone asks for a report. `like`: for the report of that earlier question. `fate`: see `webhook_sender.py`."""

    at: float
    number: int
    who: str
    where: str
    what: str
    family: str
    fate: str
    like: int | None = None


@dataclass(frozen=True)
class Press:
    """Someone presses one of the buttons of an earlier answer's card, if there is one by then."""

    at: float
    ask: int
    choice: int
    fate: str


@dataclass(frozen=True)
class Trouble:
    """Webex misbehaves: the arguments of `Faults.add`."""

    at: float
    fault: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kill:
    """A process dies, at once or in order."""

    at: float
    whom: str
    gently: bool


@dataclass(frozen=True)
class Lock:
    """Someone else holds the database's lock."""

    at: float
    seconds: float


@dataclass(frozen=True)
class Outage:
    """Nothing runs for so long, and as far as the database can tell for some minutes."""

    at: float
    seconds: float


@dataclass(frozen=True)
class Appear:
    """Reports that nobody asks for become ready, some of them at once: subscriptions announce them."""

    at: float
    number: int
    many: int
    family: Family
    pending: bool


@dataclass(frozen=True)
class Due:
    """The time of a schedule comes; it is stored before the run begins."""

    at: float
    number: int
    where: str
    family: Family


@dataclass(frozen=True)
class Order:
    """A program calls the API, or a hook: to have a report delivered, or run."""

    at: float
    number: int
    family: Family
    runs: bool
    by_title: bool
    by_hook: bool


@dataclass(frozen=True)
class Restart:
    """The database's server crashes, and starts again."""

    at: float


@dataclass(frozen=True)
class Freeze:
    """The database's server stands still for so long: nothing that it was sent is lost."""

    at: float
    seconds: float


Step = Ask | Press | Trouble | Kill | Lock | Outage | Appear | Due | Order | Restart | Freeze


def plan(seed: int, seconds: float, requests: int, *, has_server: bool = False) -> list[Step]:
    """Return the steps of a run, in order of time; `has_server`: the database is one's."""
    chance = random.Random(seed)
    long = seconds >= LONG_RUN
    asks = [_ask(chance, number, seconds) for number in range(requests)]
    steps: list[Step] = [*asks, *(_press(chance, chance.choice(asks), seconds) for _ in range(requests // 2))]
    steps += [_trouble(chance, seconds, long=long) for _ in range(requests)]
    steps += [_kill(chance, seconds) for _ in range(max(3, round(seconds / 4)))]
    locks = (1.0, 1.0, 7.0) if long else (1.0,)
    steps += [Lock(_later(chance, seconds), chance.choice(locks)) for _ in range(max(1, round(seconds / 20)))]
    steps += [Outage(_later(chance, seconds), chance.uniform(0.5, 2.0)) for _ in range(max(1, round(seconds / 60)))]
    steps += _unasked(chance, seconds, requests)
    if has_server:
        steps += [Restart(_later(chance, seconds)) for _ in range(max(1, round(seconds / 20)))]
        steps.append(Freeze(_later(chance, seconds * 0.8), min(LONGEST_FREEZE, seconds / 4)))
    return sorted(steps, key=lambda step: step.at)


def _unasked(chance: random.Random, seconds: float, requests: int) -> list[Step]:
    """Return what comes of subscriptions, schedules and programs."""
    families: tuple[Family, ...] = ("partner", "organization")
    steps: list[Step] = [
        Appear(
            at=chance.uniform(0.0, seconds),
            number=10 * number,
            many=chance.choice((1, 1, 1, 2, 7)),
            family=chance.choice(families),
            pending=chance.random() < 0.3,
        )
        for number in range(max(2, requests // 8))
    ]
    for number in range(max(3, requests // 8)):
        where, family = chance.choice(("1:1", "group", "group")), chance.choice(families)
        steps.append(Due(chance.uniform(0.0, seconds), number, where, family))
    for number in range(max(4, requests // 5)):
        runs, by_title, by_hook = chance.random() < 0.4, chance.random() < 0.3, chance.random() < 0.3
        family = chance.choice(families)
        steps.append(Order(chance.uniform(0.0, seconds), number, family, runs, by_title, by_hook))
    return steps


def _later(chance: random.Random, seconds: float) -> float:
    return chance.uniform(STARTS_AFTER, seconds)


def _fate(chance: random.Random, *, may_be_lost: bool) -> str:
    fates = ["once"] * 5 + ["ten"] * 3 + ["late"] * 2 + ["lost"] * (2 if may_be_lost else 0)
    return chance.choice(fates)


def _ask(chance: random.Random, number: int, seconds: float) -> Ask:
    like = chance.randrange(number) if number and chance.random() < 0.15 else None
    return Ask(
        at=chance.uniform(0.0, seconds),
        number=number,
        who=chance.choice(PEOPLE),
        where=chance.choice(PLACES),
        what=chance.choice(KINDS),
        family=chance.choice(("partner", "organization")),
        fate=_fate(chance, may_be_lost=True),
        like=like,
    )


def _press(chance: random.Random, ask: Ask, seconds: float) -> Press:
    # A press that gets lost cannot be found again by anyone, which is documented, so none is lost on purpose.
    at = min(ask.at + chance.uniform(1.0, 8.0), seconds)
    return Press(at, ask.number, chance.randrange(6), _fate(chance, may_be_lost=False))


def _kill(chance: random.Random, seconds: float) -> Kill:
    return Kill(_later(chance, seconds), chance.choice(VICTIMS), chance.random() < 0.25)


def _trouble(chance: random.Random, seconds: float, *, long: bool) -> Trouble:
    method, path, host, _ = chance.choices(CALLS, weights=[weight for *_, weight in CALLS])[0]
    fault: dict[str, Any] = {"method": method, "path": path, "host": host, "times": chance.choice((1, 1, 1, 2, 3))}
    match chance.randrange(10):
        case 0 | 1 | 2:
            fault["status"] = chance.choice(PASSING)
        case 3:
            fault["status"] = chance.choice(LASTING)
            fault["times"] = 1
        case 4 | 5 | 6 | 7:
            fault["cut"] = chance.choice(CUTS)
            if fault["cut"] == "late" and chance.random() < 0.5:
                # It takes effect later than a text is waited for, unless that wait begins at the end of the call.
                fault["delay"] = chance.uniform(1.6, 2.2)
        case 8:
            fault["status"], fault["body"] = 200, TRUNCATED
        case _:
            hangs = long and chance.random() < 0.3
            fault["delay"] = 32.0 if hangs else chance.uniform(0.2, 1.5)
    if fault.get("status") in {423, 429, 503}:
        fault["headers"] = {"Retry-After": _retry_after(chance)}
    return Trouble(_later(chance, seconds), fault)


def _retry_after(chance: random.Random) -> str:
    return chance.choice(("1", "2", "0", "-5", "rand(30),add(30)", "soon", DATE_SOON, DATE_PAST))
