"""One place turns a failed run into a wait, or into a sentence and a log line with the same reference."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.errors import DOWNLOAD, BotError, DatabaseUnavailable, FileRejected, WebexError
from bot.queue import Job, Queue, RetryLater
from bot.queue.runner import (
    FIRST_WAIT,
    LONGEST_WAIT,
    MOST_TRIES,
    MOST_TRIES_WITH_BUGS,
    MOST_TRIES_WITHOUT_MEMORY,
    NO_MEMORY,
    JobRunner,
    wait_before,
)


@dataclass
class Failing:
    """A task that fails in a given way, and remembers what it was told at the end."""

    error: Exception | None = None
    at_the_end: Exception | None = None
    again: RetryLater | None = None
    told: list[tuple[str, str]] = field(default_factory=list)

    def run(self, key: str) -> RetryLater | None:
        if self.error is not None:
            raise self.error
        return self.again

    def on_failure(self, key: str, sentence: str) -> None:
        if self.at_the_end is not None:
            raise self.at_the_end
        self.told.append((key, sentence))


@dataclass
class Made:
    task: Failing
    observed: list[tuple[str, str]] = field(default_factory=list)

    def handle(self, attempt: int = 1, task: str = "task") -> RetryLater | None:
        queue: Queue = None  # type: ignore[assignment]
        worker = JobRunner(
            queue,
            {"task": self.task},
            new_reference=lambda: "k4m7x2p9",
            observe=lambda name, outcome: self.observed.append((name, outcome)),
        )
        return worker.handle(Job(task, "key", None, attempt))


def passing(retry_after: float | None = None) -> WebexError:
    return WebexError("GET reports", 503, tracking_id="TRACK", retry_after=retry_after)


@given(st.integers(1, 10**6), st.none() | st.floats(0, 3600), st.floats(0, 1))
def test_a_wait_is_at_least_what_webex_asked_for_and_otherwise_bounded(
    attempt: int, asked: float | None, chance: float
) -> None:
    wait = wait_before(attempt, asked, chance)
    if asked is None:
        assert FIRST_WAIT / 2 <= wait <= LONGEST_WAIT
    else:
        assert asked <= wait <= asked + LONGEST_WAIT / 10


def test_waits_double_with_jitter() -> None:
    assert [wait_before(n, None, 1.0) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 32, 60]
    assert wait_before(3, None, 0.0) == 1.0


@pytest.mark.parametrize("error", [passing(), passing(77.0), DatabaseUnavailable(OSError("away"))])
def test_a_passing_error_is_tried_again_and_said_to_nobody(error: BotError) -> None:
    made = Made(Failing(error))
    again = made.handle(attempt=7)
    assert again is not None
    assert again.count
    assert again.seconds >= (error.retry_after or FIRST_WAIT)
    assert made.task.told == []
    assert made.observed == [("task", "again")]


@pytest.mark.parametrize(
    ("error", "together"),
    [
        (WebexError("GET reports", 429, retry_after=7.0), True),
        (WebexError("GET reports", 429, retry_after=7.0, reached=False), True),
        (WebexError("GET reports", 429, retry_after=3600.0), True),
        (WebexError("GET reports", 429), False),
        (WebexError(DOWNLOAD, 429, retry_after=7.0), False),
        (passing(7.0), False),
        (DatabaseUnavailable(OSError("away")), False),
    ],
)
def test_after_a_429_the_other_jobs_of_the_task_wait_as_long(error: BotError, together: bool) -> None:
    """A minute at most. Not after one of a download: that is another host's."""
    again = Made(Failing(error)).handle()
    assert again is not None
    assert again.seconds >= (error.retry_after or 0.0)
    assert again.others == (min(again.seconds, LONGEST_WAIT) if together else 0.0)


@pytest.mark.parametrize("error", [WebexError("GET reports", 400, tracking_id="TRACK"), FileRejected()])
def test_a_permanent_error_is_given_up_at_once_with_one_reference(error: BotError) -> None:
    made = Made(Failing(error))
    with capture_logs() as lines:
        assert made.handle() is None
    ((key, said),) = made.task.told
    assert key == "key"
    assert error.sentence in said
    assert "k4m7x2p9" in said
    (line,) = lines
    assert (line["event"], line["reference"], line["log_level"]) == ("job_given_up", "k4m7x2p9", "error")
    assert made.observed == [("task", "failed")]


def test_passing_trouble_without_end_is_given_up_in_the_end() -> None:
    made = Made(Failing(passing()))
    assert made.handle(attempt=MOST_TRIES - 1) is not None
    assert made.handle(attempt=MOST_TRIES) is None
    assert len(made.task.told) == 1


def test_a_crash_is_tried_five_times_and_then_told_without_its_inside() -> None:
    made = Made(Failing(ValueError("the secret inside")))
    for attempt in range(1, MOST_TRIES_WITH_BUGS):
        assert made.handle(attempt) is not None
    assert made.task.told == []

    with capture_logs() as lines:
        assert made.handle(MOST_TRIES_WITH_BUGS) is None

    ((_, said),) = made.task.told
    assert said == "Something went wrong inside the bot. Reference k4m7x2p9."
    assert {line.get("reference") for line in lines} >= {"k4m7x2p9"}
    assert [line["event"] for line in lines] == ["job_crashed", "job_given_up"]


def test_too_little_memory_is_tried_for_longer_and_then_told() -> None:
    made = Made(Failing(MemoryError()))
    for attempt in range(1, MOST_TRIES_WITHOUT_MEMORY):
        assert made.handle(attempt) is not None

    with capture_logs() as lines:
        assert made.handle(MOST_TRIES_WITHOUT_MEMORY) is None

    ((_, said),) = made.task.told
    assert said == f"{NO_MEMORY} Reference k4m7x2p9."
    assert [line["cause"] for line in lines] == ["MemoryError"]


def test_somebody_who_cannot_be_told_now_is_told_later() -> None:
    made = Made(Failing(FileRejected(), at_the_end=passing(9.0)))
    again = made.handle()
    assert again is not None
    assert again.seconds >= 9


def test_somebody_whom_there_is_no_memory_to_tell_is_told_later() -> None:
    made = Made(Failing(MemoryError(), at_the_end=MemoryError()))
    with capture_logs() as lines:
        assert made.handle(MOST_TRIES_WITHOUT_MEMORY) is not None
    assert (lines[-1]["event"], lines[-1]["cause"]) == ("person_not_told", "MemoryError")
    assert made.handle(2 * MOST_TRIES_WITHOUT_MEMORY) is None


def test_somebody_who_cannot_be_told_at_all_is_in_the_log() -> None:
    made = Made(Failing(FileRejected(), at_the_end=WebexError("POST messages", 404)))
    with capture_logs() as lines:
        assert made.handle() is None
    assert lines[-1]["event"] == "person_not_told"
    assert lines[-1]["reference"] == "k4m7x2p9"


def test_a_bug_in_giving_up_does_not_get_out() -> None:
    made = Made(Failing(FileRejected(), at_the_end=KeyError("oh")))
    with capture_logs() as lines:
        assert made.handle() is None
    assert lines[-1]["event"] == "giving_up_crashed"
    assert lines[-1]["reference"] == "k4m7x2p9"


def test_a_planned_next_look_is_passed_on() -> None:
    made = Made(Failing(again=RetryLater(30, count=False)))
    assert made.handle() == RetryLater(30, count=False)


def test_a_task_of_another_version_is_logged_and_left_to_it_for_an_hour() -> None:
    with capture_logs() as lines:
        assert Made(Failing()).handle(task="of the future") == RetryLater(60.0)
        assert Made(Failing()).handle(60, task="of the past") is None
    assert [line["event"] for line in lines] == ["unknown_task", "unknown_task"]


def test_an_outage_of_hours_is_a_handful_of_lines_for_each_job() -> None:
    one = Made(Failing(passing()))
    with capture_logs() as logs:
        for attempt in range(1, 101):
            assert one.handle(attempt) is not None
    assert [line["attempt"] for line in logs if line["log_level"] == "warning"] == [1, 2, 4, 8, 16, 32, 64]


def test_a_database_that_is_away_is_left_to_the_store_to_tell() -> None:
    with capture_logs() as logs:
        assert Made(Failing(DatabaseUnavailable(OSError()))).handle() is not None
    assert {line["log_level"] for line in logs} == {"debug"}
