"""What a deployment installs comes from the locks: packages, and the tools that build them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
LOCKS = sorted(TOP.glob("requirements*.lock"))
BUILT_HERE = {"webexteamssdk": "setuptools"}
"""Packages of which there is no wheel, and what builds them."""
INSTALL = re.compile(r"^(?:pip install|\t\$\(PIP_INSTALL\)) .*", re.MULTILINE)


def pinned(name: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)[^\n]*\\\n(?=    --hash=sha256:[0-9a-f]{64})", text_of(name), re.MULTILINE)
    return dict(found)


def text_of(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", [one.name for one in LOCKS])
def test_a_lock_names_no_index_and_has_a_hash_for_each_package(lock: str) -> None:
    text = text_of(lock)
    assert "://" not in text
    assert not re.findall(r"^-", text, re.MULTILINE)
    assert len(pinned(lock)) == len(re.findall(r"^\w", text, re.MULTILINE)) > 5


def test_every_tool_that_builds_the_bot_or_a_package_is_in_the_lock_of_build_tools() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))
    tools = [re.split(r"\W", one)[0] for one in project["build-system"]["requires"]]
    locked = pinned("requirements-build.lock")
    assert {*tools, *BUILT_HERE.values()} <= locked.keys()
    assert BUILT_HERE.keys() <= pinned("requirements.lock").keys()
    assert locked.items() <= pinned("requirements-dev.lock").items(), "a deployment is built as it was tested"


@pytest.mark.parametrize("document", ["README.md", "Makefile"])
def test_an_install_by_the_documents_builds_with_the_locked_tools_and_brings_no_others(document: str) -> None:
    text = text_of(document)
    shared = next(iter(re.findall(r"^PIP_INSTALL := .*pip (install .*)", text, re.MULTILINE)), "")
    build, run, product, *dev = [line.replace("\t$(PIP_INSTALL)", f"pip {shared}") for line in INSTALL.findall(text)]
    assert build.endswith("--require-hashes -r requirements-build.lock")
    assert run.endswith("--require-hashes -r requirements.lock")
    assert all("--no-deps" in line for line in [build, run, product, *dev])
    assert all("--no-build-isolation" in line for line in [run, product, *dev])
    assert all(line.endswith("--require-hashes -r requirements-dev.lock") for line in dev)
