"""The directory finds people by address, and names by id, with as few calls as may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.errors import WebexError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.webex.people import Directory
    from tests.core.workbench import Workbench


def named(directory: Directory, ids: Collection[str]) -> dict[str, str]:
    return {one: person.display_name for one, person in directory.people(ids).items()}


def test_an_address_is_found_in_any_case_and_an_unknown_one_is_nobody(bench: Workbench) -> None:
    assert bench.directory.find("Ada.Lovelace@Acme.example") == bench.stage.ada.id
    assert bench.directory.find("nobody@acme.example") is None


def test_names_come_in_one_call_and_are_remembered_for_a_while(bench: Workbench) -> None:
    people = [bench.stage.ada, bench.stage.grace, bench.stage.ethan]
    wanted = {one.id: one.display_name for one in people}

    assert named(bench.directory, [*wanted, "gone"]) == wanted
    assert named(bench.directory, list(wanted)) == wanted
    assert bench.calls("GET", "/v1/people") == 1

    bench.clock.turn(301)
    assert named(bench.directory, list(wanted)) == wanted
    assert bench.calls("GET", "/v1/people") == 2


def test_where_webex_stumbles_over_one_id_the_others_are_still_named(bench: Workbench) -> None:
    bench.emulator.faults.add(path="/v1/people", status=400, times=1)

    names = named(bench.directory, [bench.stage.ada.id, bench.stage.grace.id])

    assert sorted(names.values()) == ["Ada Lovelace", "Grace Hopper"]


def test_pages_are_followed(bench: Workbench) -> None:
    bench.world.page_size = 1

    assert len(named(bench.directory, [bench.stage.ada.id, bench.stage.grace.id, bench.stage.nora.id])) == 3


@pytest.mark.parametrize("status", [401, 403, 503])
def test_trouble_is_an_error_and_not_nobody(bench: Workbench, status: int) -> None:
    bench.emulator.faults.add(path="/v1/people", status=status)

    with pytest.raises(WebexError):
        bench.directory.find("ada.lovelace@acme.example")
