"""The search itself: a secret, or a good piece of it, is found wherever it stands in what came out."""

from __future__ import annotations

from string import ascii_letters

import pytest

from tests.secrets.outputs import SHORTEST_PIECE, Outputs

SECRET = "0123456789abcdefghijABCDEFGHIJ9876543210"


@pytest.mark.parametrize("shown", [SECRET, SECRET[:SHORTEST_PIECE], SECRET[-SHORTEST_PIECE:]])
@pytest.mark.parametrize("before", range(2 * SHORTEST_PIECE))
def test_it_is_found_at_every_place(shown: str, before: int) -> None:
    outputs = Outputs()
    outputs.add("a message", "-" * before + shown)
    outputs.add("the log", f"{'-' * before}{shown}{ascii_letters}")

    found = outputs.leaks({"the token": SECRET, "another": SECRET[::-1].swapcase()})

    assert {one.partition(":")[0] for one in found} == {"the token in a message", "the token in the log"}


def test_less_of_it_is_no_leak() -> None:
    outputs = Outputs()
    outputs.add("a message", f"{SECRET[: SHORTEST_PIECE - 1]} {SECRET[-SHORTEST_PIECE + 1 :]} {SECRET[1:-1][:20]}")

    assert outputs.leaks({"the token": SECRET}) == []
