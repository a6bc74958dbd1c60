"""The directory finds people by address, and names by id, with as few calls as may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.errors import WebexError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.webex.people import Directory
    from tests.stepped_bot import SteppedBot


def named(directory: Directory, ids: Collection[str]) -> dict[str, str]:
    return {one: person.display_name for one, person in directory.people(ids).items()}


def test_an_address_is_found_in_any_case_and_an_unknown_one_is_nobody(stepped: SteppedBot) -> None:
    assert stepped.directory.find("Ada.Lovelace@Acme.example") == stepped.setup.ada.id
    assert stepped.directory.find("nobody@acme.example") is None


def test_names_come_in_one_call_and_are_remembered_for_a_while(stepped: SteppedBot) -> None:
    people = [stepped.setup.ada, stepped.setup.grace, stepped.setup.ethan]
    wanted = {one.id: one.display_name for one in people}

    assert named(stepped.directory, [*wanted, "gone"]) == wanted
    assert named(stepped.directory, list(wanted)) == wanted
    assert stepped.calls("GET", "/v1/people") == 1

    stepped.clock.turn(301)
    assert named(stepped.directory, list(wanted)) == wanted
    assert stepped.calls("GET", "/v1/people") == 2


def test_where_webex_stumbles_over_one_id_the_others_are_still_named(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(path="/v1/people", status=400, times=1)

    names = named(stepped.directory, [stepped.setup.ada.id, stepped.setup.grace.id])

    assert sorted(names.values()) == ["Ada Lovelace", "Grace Hopper"]


def test_pages_are_followed(stepped: SteppedBot) -> None:
    stepped.world.page_size = 1

    assert len(named(stepped.directory, [stepped.setup.ada.id, stepped.setup.grace.id, stepped.setup.nora.id])) == 3


@pytest.mark.parametrize("status", [401, 403, 503])
def test_trouble_is_an_error_and_not_nobody(stepped: SteppedBot, status: int) -> None:
    stepped.emulator.faults.add(path="/v1/people", status=status)

    with pytest.raises(WebexError):
        stepped.directory.find("ada.lovelace@acme.example")
