"""No ID of a person or a space is compared by its text, since Webex spells one ID in several ways."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BOT = Path(__file__).parents[1] / "bot"
IDS = {"person_id", "room_id", "person_org_id", "bot_id", "_bot_id"}
RIGHT = {"same_id", "id_key", "spellings", "goes_by"}
BY_ALL_SPELLINGS = {
    "access/policy.py": "the authorizer gives it keys to compare by",
    "db/confirmations.py": "stores keys to compare by",
    "db/recent_requests.py": "each person in each spelling that the database has",
    "db/retention.py": "tells rows without a person's ID from all others",
    "ops/forget.py": "each space in each spelling that the database has",
}


def compared(source: str) -> list[str]:
    """Return the statements that compare an ID by its text."""
    found = []
    for statement in ast.walk(ast.parse(source)):
        if not isinstance(statement, ast.stmt) or hasattr(statement, "body"):
            test = getattr(statement, "test", None)
            if test is None:
                continue
            statement = test  # noqa: PLW2901 of an "if" only what it asks
        names = [one for node in ast.walk(statement) for one in _names(node)]
        by_text = (one for one in ast.walk(statement) if isinstance(one, ast.Compare) and _by_text(one))
        if not RIGHT & set(names) and any(
            IDS & {name for side in ast.walk(one) for name in _names(side)} for one in by_text
        ):
            found.append(ast.unparse(statement))
    return found


def _by_text(one: ast.Compare) -> bool:
    none = any(isinstance(side, ast.Constant) and side.value is None for side in one.comparators)
    return not none and not all(isinstance(op, ast.Is | ast.IsNot) for op in one.ops)


def _names(node: ast.AST) -> list[str]:
    return [str(getattr(node, name)) for name in ("id", "attr") if hasattr(node, name)]


@pytest.mark.parametrize(
    "wrong",
    [
        "ours = message.person_id == bot_id",
        "if event.person_id != me.id: pass",
        "where = requests.c.room_id == room_id",
        "return [one for one in found if one.person_id in people]",
        "known = {one.person_id for one in members} == {person_id}",
    ],
)
def test_a_comparison_by_text_is_found(wrong: str) -> None:
    assert compared(wrong)


@pytest.mark.parametrize(
    "right", ["same_id(one.person_id, bot_id)", "if one.room_id is None: pass", "one.id == post.id"]
)
def test_what_is_right_is_let_be(right: str) -> None:
    assert not compared(right)


def test_the_program_compares_no_id_by_its_text() -> None:
    files = {str(path.relative_to(BOT)): path for path in BOT.rglob("*.py")}
    wrong = {
        name: found
        for name, path in files.items()
        if not name.startswith(("emulator/", "db/migrations/")) and name not in BY_ALL_SPELLINGS
        if (found := compared(path.read_text()))
    }
    assert wrong == {}
    assert BY_ALL_SPELLINGS.keys() <= files.keys()
