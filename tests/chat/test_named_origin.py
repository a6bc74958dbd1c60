"""Who may change a subscription or schedule, and which one words name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.chat.invocation import Invocation
from bot.chat.named_origin import may_change, named_origins, require_change
from bot.db.origin import Kind
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN
from bot.errors import Refused
from tests.origin_rows import add_schedule, add_subscription

if TYPE_CHECKING:
    from bot.emulator.things import Person, Space
    from tests.stepped_bot import SteppedBot


def asks(stepped: SteppedBot, person: Person, space: Space | None = None) -> Invocation:
    where = space or stepped.world.direct_space(person, stepped.setup.bot)
    return Invocation(stepped.services, "messages:M", person.id, where.id, where.type, None, "pause")


@pytest.mark.parametrize("kind", [Kind.SUBSCRIPTION, Kind.SCHEDULE])
def test_who_may_change_it(stepped: SteppedBot, kind: Kind) -> None:
    setup, world = stepped.setup, stepped.world
    carol = world.add_person("Carol Partner", setup.acme, roles=[PARTNER_FULL_ADMIN])
    dora = world.add_person("Dora Other", setup.acme, roles=[FULL_ADMIN])
    for one in (carol, dora):
        world.join(setup.group, one)
    # Partner reports, of a schedule or subscription of the read-only administrator's in the group space.
    add = add_subscription if kind is Kind.SUBSCRIPTION else add_schedule
    owned = add(stepped.database, setup.grace, setup.group, stepped.clock(), family="partner")
    for one in (setup.ada, setup.grace, carol):
        assert may_change(asks(stepped, one, setup.group), owned)
    assert not may_change(asks(stepped, setup.nora, setup.group), owned)
    assert not may_change(asks(stepped, dora, setup.group), owned), "a full administrator, of the other family"
    assert may_change(asks(stepped, setup.ada), owned), "a full administrator, from anywhere"
    with pytest.raises(Refused, match="Only Webex administrators"):
        require_change(asks(stepped, setup.nora, setup.group), owned)


def test_a_read_only_administrator_may_not_change_what_is_anothers(stepped: SteppedBot) -> None:
    setup = stepped.setup
    owned = add_schedule(stepped.database, setup.ada, setup.group, stepped.clock())
    with pytest.raises(Refused, match="Read-only administrators"):
        require_change(asks(stepped, setup.grace, setup.group), owned)


def test_who_may_write_elsewhere_changes_nothing_here(stepped: SteppedBot) -> None:
    setup, world = stepped.setup, stepped.world
    pat = world.add_person("Pat", setup.acme, roles=[], email="pat@acme.example")
    setup.environ["ALLOWED_PEOPLE"] = "pat@acme.example"
    stepped.restart()
    owned = add_schedule(stepped.database, setup.ada, setup.group, stepped.clock())
    assert may_change(asks(stepped, pat, setup.group), owned)
    assert not may_change(asks(stepped, pat, world.add_space("Elsewhere", [pat, setup.bot])), owned)


def test_words_and_references_name_what_a_person_may_see(stepped: SteppedBot) -> None:
    setup, world, database, now = stepped.setup, stepped.world, stepped.database, stepped.clock()
    weekly = add_schedule(database, setup.ada, setup.group, now, name="Monday figures")
    calls = add_subscription(database, setup.ada, setup.group, now)
    everything = add_subscription(database, setup.grace, setup.group, now, words="")
    own = add_schedule(database, setup.grace, world.direct_space(setup.grace, setup.bot), now)

    def named(person: Person, words: str, space: Space | None = None, *kinds: Kind) -> list[str]:
        return [one.reference for one in named_origins(asks(stepped, person, space), words.split(), *kinds)]

    assert named(setup.ada, "usage calling", setup.group) == [calls.reference, weekly.reference]
    assert named(setup.ada, "Calling usage", setup.group) == [calls.reference], "a whole name wins"
    assert named(setup.ada, "CALLING", setup.group, Kind.SCHEDULE) == [weekly.reference]
    assert named(setup.ada, "monday", setup.group) == [weekly.reference]
    assert named(setup.ada, "all reports", setup.group) == [everything.reference]
    assert named(setup.ada, "figures of another", setup.group) == []
    assert named(setup.grace, "calling") == [own.reference], "in a 1:1 space the person's own"
    assert named(setup.grace, weekly.reference) == []
    assert named(setup.grace, weekly.reference.upper(), setup.group) == [weekly.reference]
    assert named(setup.ada, own.reference) == [own.reference], "a full administrator's"
    with pytest.raises(Refused):
        named(setup.nora, weekly.reference, setup.group)
