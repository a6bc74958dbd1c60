"""A file that is read while it comes: nobody has its end before it is released."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.webex.growing_file import HELD_BACK, AbandonedError, GrowingFile

SIZE = 3 * HELD_BACK


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "part"
    made.write_bytes(bytes(range(256)) * (SIZE // 256))
    return made


def whole(growing: GrowingFile, most: int = -1) -> bytes:
    found = b""
    while piece := growing.read(most):
        found += piece
    return found


@pytest.fixture
def reading(path):
    """Return the file, and a thread that reads all of it."""
    growing = GrowingFile(path, SIZE, "csv")
    got: list[object] = []

    def read() -> None:
        try:
            while piece := growing.read(10_000):
                got.append(piece)
            got.append("end")
        except AbandonedError:
            got.append("abandoned")

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield growing, got, thread
    growing.abandon()
    thread.join(10)
    growing.close()


def read_so_far(got: list[object]) -> bytes:
    return b"".join(piece for piece in got if isinstance(piece, bytes))


def test_all_but_the_end_may_go_on_and_the_end_when_it_is_released(reading, path):
    growing, got, thread = reading
    growing.came(SIZE)
    thread.join(0.2)
    assert thread.is_alive()
    assert len(read_so_far(got)) <= SIZE - HELD_BACK
    growing.release()
    thread.join(10)
    assert got[-1] == "end"
    assert read_so_far(got) == path.read_bytes()


def test_who_reads_is_told_when_it_is_abandoned(reading):
    growing, got, thread = reading
    growing.came(SIZE)
    growing.abandon()
    thread.join(10)
    assert got[-1] == "abandoned"
    assert len(read_so_far(got)) <= SIZE - HELD_BACK


@given(came=st.lists(st.integers(0, SIZE), max_size=20), most=st.sampled_from([-1, 1000, SIZE]))
def test_never_more_than_has_come_and_never_the_end(tmp_path_factory, came, most):
    path = tmp_path_factory.mktemp("files") / "part"
    path.write_bytes(b"x" * SIZE)
    growing = GrowingFile(path, SIZE, "csv")
    read = 0
    for so_far in came:
        growing.came(so_far)
        allowed = max(0, min(max(came[: came.index(so_far) + 1]), SIZE - HELD_BACK))
        while read < allowed and len(growing) == SIZE - read:
            read += len(growing.read(min(most, allowed - read) if most > 0 else allowed - read))
        assert read <= SIZE - HELD_BACK
    growing.release()
    assert read + len(whole(growing)) == SIZE
    assert (len(growing), growing.read()) == (0, b"")
    growing.close()


def test_a_file_that_is_shorter_than_it_was_said_to_be_breaks_off(path):
    growing = GrowingFile(path, SIZE + 1, "csv")
    growing.release()
    with pytest.raises(AbandonedError):
        whole(growing)
    growing.close()
