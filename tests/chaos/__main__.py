"""`make chaos`: a long random run. Exits 1 when something was lost, or posted twice where that could be known."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import RECOVERS_WITHIN, run
from tests.chaos.verdict import summary

SEEDS = 1_000_000
TOLD = 40
"""Losses that are told one by one."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(SEEDS))
    parser.add_argument("--seconds", type=float, default=180.0, help="how long there is trouble")
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--keep", type=Path, help="folder for data and log, instead of one that is thrown away")
    parser.add_argument(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="postgresql: two machines, whose server crashes and stands still as well",
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reportbot-chaos-") as passing:
        folder = given.keep or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        print(
            f"Chaos with seed {given.seed}: {given.requests} requests, {given.seconds:.0f} s of trouble,"
            f" then at most {RECOVERS_WITHIN:.0f} s to recover.",
            flush=True,
        )
        outcome = run(given.seed, given.seconds, given.requests, folder, on_postgresql=given.database == "postgresql")
    print(summary(outcome.figures()))
    for title, found in (("lost", outcome.lost), ("said twice", outcome.twice)):
        for one in found[:TOLD]:
            print(f"{title}: {one}")
    return 0 if outcome.good else 1


if __name__ == "__main__":
    sys.exit(main())
