"""``reportbot keys`` makes, lists and revokes keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.main import main
from bot.db import api_keys
from bot.db.api_keys import Right
from bot.webex.ids import bare_id

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


def created(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["keys", "create", *arguments]) == 0
    return capsys.readouterr().out.splitlines()[-1]


def test_a_key_is_printed_alone_on_the_last_line_and_works(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    key = created(capsys, "--name", "nightly", "--space", machine.setup.group.id, "--can", "create")
    with machine.database.read() as tx:
        found = api_keys.by_secret(tx, key)
    assert found is not None
    assert (found.name, found.rights) == ("nightly", frozenset({Right.DELIVER, Right.CREATE}))
    assert found.may_reach(machine.setup.group.id)
    assert not found.may_reach(machine.setup.outside.id)
    assert main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert "nightly" in listed
    assert found.prefix in listed
    assert key not in listed


def test_several_spaces(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    group, outside = machine.setup.group.id, machine.setup.outside.id
    for given in (["--space", group, outside], ["--space", group, "--space", outside]):
        key = created(capsys, "--name", f"to {len(given)}", *given)
        with machine.database.read() as tx:
            found = api_keys.by_secret(tx, key)
        assert found is not None
        assert found.may_reach(group)
        assert found.may_reach(outside)


@pytest.mark.parametrize("spelled", ["{bare}", "webexteams://im?space={bare}", "<{id}>", "{id},{id}", "{id}=="])
def test_a_space_is_read_as_the_setting_reads_it_and_listed(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], spelled: str
) -> None:
    space = machine.setup.group.id
    key = created(capsys, "--name", "x", "--space", spelled.format(id=space, bare=bare_id(space).upper()))
    with machine.database.read() as tx:
        found = api_keys.by_secret(tx, key)
    assert found is not None
    assert found.may_reach(space)
    assert main(["keys", "list"]) == 0
    assert f"  1 space ({bare_id(space)})  " in capsys.readouterr().out


def test_what_is_no_space_makes_no_key(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    group, person = machine.setup.group.id, machine.setup.ada.id
    assert main(["keys", "create", "--name", "x", "--space", "nospace", group, "ALL", "--space", f"{person},"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    remedy = "which isn't the ID of a space. Use its ID from the API, its UUID, or a link to the space."
    assert told.err.splitlines() == [
        "These settings are wrong:",
        f"  --space has “nospace”, {remedy}",
        "  --space all means every space. Give it alone.",
        f"  --space has “{person[:8]}…”, {remedy}",
        f"  --space has “”, {remedy}",
    ]
    with machine.database.read() as tx:
        assert api_keys.listed(tx) == []


def test_several_spaces_are_listed(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    spaces = machine.setup.group.id, machine.setup.outside.id
    created(capsys, "--name", "two", "--space", *spaces)
    created(capsys, "--name", "none")
    created(capsys, "--name", "each", "--space", "all")
    assert main(["keys", "list"]) == 0
    two, none, each = capsys.readouterr().out.splitlines()
    assert f"  2 spaces ({', '.join(sorted(map(bare_id, spaces)))})  " in two
    assert "  0 spaces  " in none
    assert "  all spaces  " in each


@pytest.mark.parametrize(
    ("given", "reaches"), [([], False), (["--space", "all"], True), (["--space", "ALL", "all"], True)]
)
def test_which_spaces_it_reaches(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], given: list[str], *, reaches: bool
) -> None:
    key = created(capsys, "--name", "x", *given)
    with machine.database.read() as tx:
        found = api_keys.by_secret(tx, key)
    assert found is not None
    assert found.may_reach(machine.setup.group.id) is reaches
    assert found.rights == {Right.DELIVER}


def test_a_revoked_key_is_gone_and_its_name_free(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    key = created(capsys, "--name", "nightly")
    assert main(["keys", "create", "--name", "nightly"]) == 1
    assert "exists" in capsys.readouterr().err
    assert main(["keys", "revoke", "nightly"]) == 0
    assert main(["keys", "revoke", "nightly"]) == 1
    capsys.readouterr()
    with machine.database.read() as tx:
        assert api_keys.by_secret(tx, key) is None
    assert created(capsys, "--name", "nightly") != key


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "nightly\nrbk_forged", "nightly\x1b[2J", "yl\u202ethgin"])
def test_a_name_that_could_be_taken_for_another_line_is_none(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["keys", "create", "--name", name]) == 1
    assert "Choose a name" in capsys.readouterr().err
    with machine.database.read() as tx:
        assert api_keys.listed(tx) == []


def test_a_right_that_does_not_exist(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["keys", "create", "--name", "x", "--can", "everything"])
    assert ended.value.code == 2
    assert "deliver, create, manage" in capsys.readouterr().err
    assert machine.database is not None
