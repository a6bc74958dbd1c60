"""The documents say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.chat.commands import registry
from bot.settings import Settings

TOP = Path(__file__).parent.parent
README = TOP / "README.md"
PAGES = [path for path in [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md")] if path.name != "CHANGELOG.md"]


def row_of(setting: str) -> str:
    """Return the README's row about a setting."""
    rows: list[str] = re.findall(rf"^\|[^|]*`{setting}`[^|]*\|.*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_the_readme_has_a_row_for_each_setting_with_its_default(setting: str) -> None:
    default = Settings.model_fields[setting].default
    row = row_of(setting.upper())
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, str | int | float):
        shown = default if isinstance(default, str) else f"{default:g}"
        assert shown in row


def test_the_readme_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert [command.usage for command in registry if f"| `{command.usage}` |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_within_the_documents_leads_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
        found = (page.parent / target) if target else page
        assert found.exists(), f"{target} does not exist"
        if heading:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_index_of_the_decisions_names_each_by_its_title() -> None:
    folder = TOP / "docs" / "decisions"
    pages = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.glob("0*.md")}
    wanted = [re.sub(r"# (\d+)\. (.*)", rf"| \1 | [\2]({name}) |", title) for name, title in sorted(pages.items())]
    assert re.findall(r"^\| \d+ \|.*$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE) == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_path_that_the_documents_name_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:bot|tests|docs|manifest|\.ci)/[\w./-]*)`", text)
    named += [f"bot/{one}" for one in re.findall(r"`((?:webex|reports|files|access|messages|db)/\w+\.py)`", text)]
    assert [one for one in named if not (TOP / one).exists()] == []
    tests = re.findall(r"`(test_\w+\.py)`", text)
    assert [one for one in tests if not list(TOP.glob(f"tests/**/{one}"))] == []
