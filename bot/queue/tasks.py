"""The worker's tasks by name: a task runs on one ID, and is harmless when it runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from bot.queue import RetryLater

EVENT = "event"
"""Read one webhook event and do what it says; the key is the event's id."""
LOOKUP = "lookup"
"""Find the report of one request and show its card; the key is the request's ID."""
CREATE = "create"
"""Create the report of one run; the key is the run's ID."""
WATCH = "watch"
"""Check every pending report of a family and region once; the key is ``family:region``."""
DELIVER = "deliver"
"""Download one report's file and post it wherever it is awaited; the key is ``family:report ID``."""
THREAD = "thread"
"""Make a request's thread show what its rows say; the key is the request's ID."""
RATE_NOTICE = "rate notice"
"""Tell a person how many requests were skipped; the key is what all spellings of the person's ID have in common."""
OUTCOME = "outcome"
"""Act on how the requests and runs of a subscription or schedule ended; the key is ``schedule:7``."""
SCHEDULES = "schedules"
"""Open the runs of the schedules that are due; the key is always ``all``."""
QUESTION = "question"
"""Ask Webex what a call of the HTTP API must know; the key is the question's ID."""
SEND_EVENTS = "send events"
"""Send what is pending for a webhook of another system; the key is the webhook's row."""
WEBHOOK_TROUBLE = "webhook trouble"
"""Tell that such a webhook fails, or was disabled; the key is the webhook's row."""
HOOK = "hook"
"""Do what a call of an incoming hook asks for; the key is the call's ID."""
HIDE_KEY = "hide key"
"""Delete the message that shows a new key of the API; the key is the event in which it was made."""
CATCH_UP = "catch-up"
"""Find messages of which no webhook came; every key does the same."""

BACKGROUND: Final = frozenset(
    {WATCH, DELIVER, RATE_NOTICE, OUTCOME, SCHEDULES, SEND_EVENTS, WEBHOOK_TROUBLE, HOOK, HIDE_KEY, CATCH_UP}
)
"""Tasks that give nobody a first answer."""
LONG_WAIT: Final = 60.0
"""Seconds for which a job of the others may wait before that is said to be wrong."""

LANES: Final[dict[str, int]] = {DELIVER: 8, SEND_EVENTS: 4}
"""Threads of tasks that have their own: what takes minutes, or may hang, keeps nobody from a first answer."""


class Task(Protocol):
    """One kind of job."""

    def run(self, key: str) -> RetryLater | None:
        """Run the task on one key. Raise a ``BotError`` that is ``passing`` to be run again after a while."""
        ...

    def on_failure(self, key: str, sentence: str) -> None:
        """Tell those who wait for it, with this sentence, that it is not run again."""
        ...
