"""Someone from outside joins right before the n-th call to Webex, for every n and everything that shows a report.

From then on the space is told nothing but that the answer goes 1:1. One call is excepted: the post itself, when it has
been decided by a look at the members right before it. So no other call lies between that look and a post.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.emulator.things import Person, Space
    from tests.stepped_bot import SteppedBot

TITLE = "Secret Figures"
NEUTRAL = "so I've replied to you directly."
MOST_CALLS = 60


@dataclass
class Calls:
    """The calls that the bot makes, and what happens right before one of them."""

    before: int = 0
    happens: Callable[[], object] = lambda: None
    made: int = 0
    posted: list[tuple[int, str, str]] = field(default_factory=list)
    """The number of the call, the space, and the words of each message."""

    def install(self, monkeypatch: pytest.MonkeyPatch, stepped: SteppedBot) -> None:
        send, world, bot = requests.Session.send, stepped.world, stepped.setup.bot

        def counted(session: requests.Session, request: Any, **more: Any) -> Any:
            self.made += 1
            number = self.made
            if number == self.before:
                self.happens()
            before = len(world.messages_of(bot))
            answer = send(session, request, **more)
            for one in world.messages_of(bot)[before:]:
                self.posted.append((number, one.room_id, one.markdown or one.text or ""))
            return answer

        monkeypatch.setattr(requests.Session, "send", counted)


class Scenario:
    """A space of our own people, a report, and what was asked before."""

    def __init__(self, stepped: SteppedBot, what: str) -> None:
        self.stepped, self.setup, self.what = stepped, stepped.setup, what
        self.space: Space = stepped.world.add_space("Figures", [self.setup.ada, self.setup.grace, self.setup.bot])
        self.word, _, self.status = what.partition(" ")
        self.report = self.setup.partner_report(TITLE, status=self.status.split()[0] if self.status else "done")
        self.asked = ""
        if "after" in what:
            self.hears(self.setup.ada, "report")
            if "joined" in what:
                self.hears(self.setup.grace, "report")

    def hears(self, who: Person, word: str) -> None:
        self.stepped.receive(who, f"{word} {self.report.id}", self.space)
        self.stepped.work()

    def pressed(self, word: str) -> None:
        card = next(one for one in self.stepped.said(self.space) if one.card)
        self.stepped.pressed(self.setup.ada, card, {"command": word, "argument": self.report.id})
        self.stepped.work()

    def run(self) -> None:
        if "pressed" in self.what:
            self.pressed(self.word)
        elif self.word == "reports":
            self.stepped.receive(self.setup.ada, "reports", self.space)
            self.stepped.work()
        elif self.word == "becomes":
            self.report.status = self.what.rsplit(maxsplit=1)[1]
            self.stepped.wait(3600)
        else:
            self.hears(self.setup.ada, self.word)


SCENARIOS = (
    "report done",
    "report waiting",
    "report failed",
    "report waiting after joined",
    "reports done",
    "refresh done",
    "refresh waiting",
    "refresh waiting after",
    "refresh waiting after pressed",
    "again done after",
    "again done after pressed",
    "again waiting after",
    "cancel waiting after",
    "cancel waiting after joined",
    "cancel waiting after joined pressed",
    "why done after",
    "why failed after",
    "why waiting after joined",
    "becomes waiting after done",
    "becomes waiting after joined done",
    "becomes waiting after joined failed",
)


@pytest.mark.parametrize("what", SCENARIOS)
def test_nothing_is_shown_after_the_next_look(stepped: SteppedBot, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    st, number, windows = stepped.setup, 0, 0
    while True:
        number += 1
        assert number < MOST_CALLS
        scenario = Scenario(stepped, what)
        with monkeypatch.context() as patch:
            calls = Calls(number, lambda scenario=scenario: stepped.world.join(scenario.space, st.ethan))  # type: ignore[misc]
            calls.install(patch, stepped)
            scenario.run()
        if calls.made < number:
            break
        shown = [(n, said) for n, room, said in calls.posted if room == scenario.space.id and n >= number]
        late = [(n, said) for n, said in shown if NEUTRAL not in said and n != number]
        assert not late, f"joined before call {number}: {late}"
        windows += any(n == number and NEUTRAL not in said for n, said in shown)
    assert number > 2  # it was played at all
    assert windows  # and something is shown to those who may read it


@pytest.mark.parametrize("what", ["report done", "report waiting after joined", "becomes waiting after done"])
def test_who_asked_gets_it_all_the_same(stepped: SteppedBot, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    st, number = stepped.setup, 0
    while True:
        number += 1
        scenario = Scenario(stepped, what)
        before = len(stepped.said(person=st.ada))
        with monkeypatch.context() as patch:
            calls = Calls(number, lambda scenario=scenario: stepped.world.join(scenario.space, st.ethan))  # type: ignore[misc]
            calls.install(patch, stepped)
            scenario.run()
        if calls.made < number:
            break
        there = [*stepped.said(scenario.space), *stepped.said(person=st.ada)[before:]]
        assert [one for one in there if TITLE in f"{one.text} {one.card}"], number
        assert ("waiting" in what.split()[1:2] and "becomes" not in what) or [one for one in there if one.files], number
