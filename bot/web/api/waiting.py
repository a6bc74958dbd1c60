"""Have the worker ask Webex, and wait for its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bot.db import api_questions
from bot.reports.api_questions import put_question
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.web.api.context import ApiContext

T = TypeVar("T")

ANSWER_PATIENCE: Final = 10.0
"""Seconds that a call waits for what Webex says, its time in line for that included."""
STEP: Final = 0.05
LONGEST_STEP: Final = 0.5
"""Seconds between two looks at a row."""
AGAIN_AFTER: Final = "1"
"""Seconds after which a call that could not wait is to be repeated."""
NO_ANSWER: Final = "No answer came in time, from Webex or from the bot's worker. Try again."
"""Said in both cases: the web process doesn't see which of the two is slow or away."""


def wait_for(ends: float, look: Callable[[], T | None]) -> T | None:
    """Return what ``look`` gives as soon as it gives something, None when ``time.monotonic`` has come to ``ends``."""
    step = STEP
    found = look()
    while found is None and time.monotonic() < ends:
        time.sleep(step)
        step = min(step * 1.2, LONGEST_STEP)
        found = look()
    return found


def ask(context: ApiContext, key_id: int, question: dict[str, Any]) -> dict[str, Any]:
    """Have the worker ask Webex, and return its answer. Raises ``Problem``."""
    ends = time.monotonic() + ANSWER_PATIENCE
    with context.questions.place(key_id, ANSWER_PATIENCE) as taken:
        if not taken:
            raise Problem("busy", headers={"Retry-After": AGAIN_AFTER})
        return _ask(context, key_id, question, ends)


def _ask(context: ApiContext, key_id: int, question: dict[str, Any], ends: float) -> dict[str, Any]:
    with context.database.begin(durable=False) as tx:
        question_id = api_questions.add(tx, key_id, question, context.now())
        put_question(tx, context.queue, question_id, key_id)

    def look() -> dict[str, Any] | None:
        with context.database.read() as tx:
            found = api_questions.get(tx, question_id)
        return None if found is None else found.answer

    answer = wait_for(ends, look)
    with context.database.begin(durable=False) as tx:
        api_questions.remove(tx, question_id)
    if answer is None:
        raise Problem("busy", NO_ANSWER, headers={"Retry-After": AGAIN_AFTER})
    if "problem" not in answer:
        return dict(answer["ok"])
    after = answer.pop("retry_after", None)
    headers = {} if after is None else {"Retry-After": str(max(1, round(after)))}
    name, detail = answer.pop("problem"), answer.pop("detail")
    raise Problem(name, detail, headers=headers, **answer)
