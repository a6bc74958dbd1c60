"""Wait for a row to change, a few calls at a time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.db import api_questions
from bot.reports.api_questions import put_question
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from bot.web.api.context import ApiContext

T = TypeVar("T")

ANSWER_PATIENCE: Final = 10.0
"""Seconds that a call waits for what Webex says."""
STEP: Final = 0.05
LONGEST_STEP: Final = 0.5
"""Seconds between two looks at a row."""
AGAIN_AFTER: Final = "1"
"""Seconds after which a call that could not wait is to be repeated."""


def wait_for(context: ApiContext, seconds: float, look: Callable[[], T | None]) -> T | None:
    """Return what ``look`` gives as soon as it gives something, None after so many seconds."""
    ends, step = time.monotonic() + seconds, STEP
    found = look()
    while found is None and time.monotonic() < ends and not context.stopping.wait(step):
        step = min(step * 1.2, LONGEST_STEP)
        found = look()
    return found


@contextmanager
def place(places: threading.Semaphore) -> Iterator[bool]:
    """Take a place to wait and give it back at the end; yields False where none is free."""
    taken = places.acquire(blocking=False)
    try:
        yield taken
    finally:
        if taken:
            places.release()


def ask(context: ApiContext, key_id: int, question: dict[str, Any]) -> dict[str, Any]:
    """Have the worker ask Webex, and return its answer. Raises ``Problem``."""
    with place(context.questions) as taken:
        if not taken:
            raise Problem("busy", headers={"Retry-After": AGAIN_AFTER})
        return _ask(context, key_id, question)


def _ask(context: ApiContext, key_id: int, question: dict[str, Any]) -> dict[str, Any]:
    with context.database.begin(durable=False) as tx:
        question_id = api_questions.add(tx, key_id, question, context.now())
        put_question(tx, context.queue, question_id, key_id)

    def look() -> dict[str, Any] | None:
        with context.database.read() as tx:
            found = api_questions.get(tx, question_id)
        return None if found is None else found.answer

    answer = wait_for(context, ANSWER_PATIENCE, look)
    with context.database.begin(durable=False) as tx:
        api_questions.remove(tx, question_id)
    if answer is None:
        raise Problem("busy", "Webex has not answered in time.", headers={"Retry-After": AGAIN_AFTER})
    if "problem" not in answer:
        return dict(answer["ok"])
    after = answer.pop("retry_after", None)
    headers = {} if after is None else {"Retry-After": str(max(1, round(after)))}
    name, detail = answer.pop("problem"), answer.pop("detail")
    raise Problem(name, detail, headers=headers, **answer)
