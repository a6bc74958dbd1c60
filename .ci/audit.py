"""Asks pip-audit about the locked packages, and does not let "nothing could be asked" look like "nothing was found".

Where no advisory source answers, pip-audit skips every package and ends with 0; this says so in words instead. A
finding fails unless ``accepted-advisories.txt`` beside this file names it: ``<advisory id> <package> <reason>``.
"""
# ruff: noqa: INP001 a script of its own, no part of a package

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ACCEPTED = HERE / "accepted-advisories.txt"
LOCK = HERE.parent / "requirements-dev.lock"
LONGEST_SECONDS = 300
WORDS = 3  # of an accepted line: id, package, reason


def say(line: str) -> None:
    """Write one line beside the other checks' output."""
    sys.stdout.write(f"{line}\n")


def accepted() -> dict[tuple[str, str], str]:
    """Return reasons by advisory and package; a line without a reason ends the program."""
    found = {}
    for line in ACCEPTED.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(maxsplit=WORDS - 1)
        if len(words) < WORDS:
            sys.exit(f"{ACCEPTED.name}: “{line}” has no reason; write: <advisory id> <package> <reason>")
        found[words[0], words[1].lower()] = words[2]
    return found


def ask() -> list[dict[str, Any]] | None:
    """Return what pip-audit knows of each locked package; None when it could not work at all."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--no-deps", "--disable-pip", "-f", "json"]
    try:
        done = subprocess.run(  # noqa: S603 our own command
            command, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return packages


def main() -> int:
    """Return 0 when nothing unaccepted was found, also when nothing could be asked (then it says so)."""
    reasons = accepted()
    say("asking for advisories about the locked packages (up to a few minutes)")
    packages = ask()
    audited = [package for package in packages or [] if "vulns" in package]
    if not packages or not audited:
        count = f"{len(packages)} packages" if packages else "the lock"
        say(f"audited nothing: no advisory source could be reached, {count} of {LOCK.name} went unchecked")
        return 0
    open_findings = 0
    for package in audited:
        for finding in package["vulns"]:
            names = sorted({finding["id"], *finding.get("aliases", [])})
            keys = [(name, package["name"].lower()) for name in names]
            known = [reasons[key] for key in keys if key in reasons]
            open_findings += not known
            verdict = f"accepted: {known[0]}" if known else "FOUND"
            say(f"{package['name']} {package['version']} {finding['id']} {verdict}")
    unchecked = len(packages) - len(audited)
    say(f"audited {len(audited)} packages, {unchecked} could not be checked, {open_findings} open findings")
    return 1 if open_findings else 0


if __name__ == "__main__":
    sys.exit(main())
