"""What people may do with a subscription or schedule that somebody else owns: word × person × place × family.

Its name is a secret to whom its family's reports are not shown, and to whom it is neither here nor theirs. A full
administrator may be shown it from anywhere, but directly: others in the space may not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from bot.db import origins, tables
from bot.db.origin import PauseCause
from bot.emulator.things import (
    FULL_ADMIN,
    PARTNER_ADMIN,
    PARTNER_FULL_ADMIN,
    PARTNER_READONLY_ADMIN,
    READONLY_ADMIN,
    Template,
)
from tests.origin_rows import add_schedule, add_subscription, stored

if TYPE_CHECKING:
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Person, Space
    from tests.stepped_bot import SteppedBot

    Owned = Schedule | Subscription

NAME = "Quarterly Secrets"
FAMILIES = ("partner", "organization")
READS, CHANGES, NOTHING = "reads", "changes", "nothing"
HERE, DIRECTLY, HIDDEN = "here", "directly", "hidden"
"""Where its name stands: in the space where somebody typed, in their 1:1 space, or nowhere."""
PEOPLE: dict[str, tuple[list[str], str, str]] = {
    # who: roles, and what they may do with partner and organization reports
    "full administrator": ([FULL_ADMIN], NOTHING, CHANGES),
    "read-only administrator": ([READONLY_ADMIN], NOTHING, READS),
    "partner full administrator": ([PARTNER_FULL_ADMIN], CHANGES, NOTHING),
    "partner read-only administrator": ([PARTNER_READONLY_ADMIN], READS, NOTHING),
    "partner administrator": ([PARTNER_ADMIN], NOTHING, NOTHING),
    "without a role": ([], NOTHING, NOTHING),
    "administrator of another organization": ([FULL_ADMIN, PARTNER_FULL_ADMIN], NOTHING, NOTHING),
}
PLACES = ("its space", "another space", "1:1")
CHANGING = ("pause", "resume", "run", "unschedule", "unsubscribe", "mute")
NAMING = ("history", "why", "schedule")
"""Show the one that a reference names."""
SHOWING = (*NAMING, "schedules", "subscriptions")


class Theirs:
    """One of Ada's, and a person at a place."""

    def __init__(self, stepped: SteppedBot, word: str, who: str, place: str, family: str) -> None:
        self.stepped, self.word, world, live = stepped, word, stepped.world, stepped.setup
        outsider = who == "administrator of another organization"
        self.person: Person = world.add_person("Pat Smith", live.acme, email=None, roles=PEOPLE[who][0])
        self.person.emails = [f"pat{len(world.people)}@acme.example"]
        home = world.add_space("Home", [live.ada, self.person, live.bot])
        self.space: Space = home
        if place == "another space":
            self.space = world.add_space("Elsewhere", [self.person, live.bot])
        elif place == "1:1":
            self.space = world.direct_space(self.person, live.bot)
        if outsider:
            self.person.org_id = live.globex.id
        of_schedules = word in {"run", "unschedule", "schedules", "schedule", "history"}
        about: dict[str, Any] = {"family": family}
        if of_schedules:
            about |= {"name": NAME, "template_id": "130" if family == "partner" else "2", "title": "Usage"}
            self.owned = add_schedule(stepped.database, live.ada, home, stepped.clock(), **about)
        else:
            about |= {"words": NAME}
            self.owned = add_subscription(stepped.database, live.ada, home, stepped.clock(), **about)
        if word == "resume":
            with stepped.database.begin() as tx:
                origins.pause(tx, self.owned.origin, PauseCause.PERSON, "")

    def came_of_it(self) -> tuple[str, bool]:
        """Type the word; return where it was shown to them, and whether anything was changed."""
        before, runs = stored(self.stepped.database, self.owned.origin), self._runs()
        words = self.word if self.word in {"schedules", "subscriptions"} else f"{self.word} {self.owned.reference}"
        self.stepped.receive(self.person, words, self.space)
        self.stepped.work()
        private = self.stepped.world.direct_space(self.person, self.stepped.setup.bot)
        places = {DIRECTLY: self.stepped.said(private)}
        if private is not self.space:
            places[HERE] = self.stepped.said(self.space)
        shown = [
            place for place, said in places.items() if any(NAME in f"{one.text} {json.dumps(one.card)}" for one in said)
        ]
        after = stored(self.stepped.database, self.owned.origin)
        return " and ".join(shown) or HIDDEN, (before != after or self._runs() > runs)

    def _runs(self) -> int:
        with self.stepped.database.read() as tx:
            return int(tx.execute(select(func.count()).select_from(tables.runs)).scalar_one())


def expected(word: str, place: str, may: str) -> tuple[str, bool]:
    """Return where it is shown, and whether it is changed."""
    if word in {"schedules", "subscriptions"}:
        return HERE if may != NOTHING and place == "its space" else HIDDEN, False
    if place == "its space":
        seen = HERE if may == CHANGES or (may == READS and word in SHOWING) else HIDDEN
    else:
        seen = DIRECTLY if may == CHANGES else HIDDEN
    return seen, may == CHANGES and word in CHANGING


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("word", [*CHANGING, *SHOWING])
def test_what_others_own_is_changed_and_seen_by_whom_it_is_for(stepped: SteppedBot, word: str, family: str) -> None:
    stepped.world.add_template(Template(130, "partner", "Usage", "Teams"))
    stepped.world.add_template(Template(2, "organization", "Usage", "Meetings"))
    came: dict[tuple[str, str], tuple[str, bool]] = {}
    wanted: dict[tuple[str, str], tuple[str, bool]] = {}
    for who, (_, *may) in PEOPLE.items():
        for place in PLACES:
            came[who, place] = Theirs(stepped, word, who, place, family).came_of_it()
            wanted[who, place] = expected(word, place, may[FAMILIES.index(family)])

    assert came == wanted
