"""What shows anything of a report is posted by ``bot/reports/report_messages.py`` alone.

The modules below post what tells of no report, each for the reason beside it. A new one fails here: have it go through
``ReportMessages`` (or ``Invocation.show``), or say here why it need not.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BOT = Path(__file__).parents[1] / "bot"
THE_PLACE = "reports/report_messages.py"
TELL_NO_REPORT = {
    "chat/commands/audit.py": "the audit, to one person directly",
    "chat/error_answer.py": "errors and refusals",
    "chat/invocation.py": "usage, help, and that the answer goes to the person directly",
    "chat/rate_limit.py": "that requests were skipped",
    "chat/new_key.py": "a new key of the API, to the full administrator who made it, directly",
    "ops/alerts.py": "to the people who run the bot",
    "ops/catch_up.py": "that the bot was away",
    "outbound/trouble.py": "that a webhook fails, to the people who run the bot and to who made its key",
    "reports/create.py": "that there is no report, by the template's title that its person named, and trouble",
    "reports/outcome_messages.py": "to the people who run the bot, the reference of what is paused in a 1:1 space",
    "reports/requests.py": "the details of a refusal, to the person directly",
    "reports/thread.py": "trouble, a refusal, and that the answer goes to the person directly",
}
UPLOADS = {
    "outbox.py": "posts it for `report_messages.py`",
    "files/streaming_upload.py": "to where `report_messages.py` says when it begins",
    "webex/chat.py": "the adapter itself",
}


def posting(source: str) -> bool:
    """Return True for code that posts or edits by way of an outbox."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return any(
        isinstance(call, ast.Attribute)
        and call.attr in {"say", "send", "edit"}
        and str(getattr(call.value, "attr", None) or getattr(call.value, "id", "")).strip("_") == "outbox"
        for call in calls
    )


def uploading(source: str) -> bool:
    """Return True for code that uploads, or posts past the outbox."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return any(
        isinstance(call, ast.Attribute)
        and (
            call.attr in {"begin_upload", "upload"}
            or (call.attr in {"post", "edit"} and str(getattr(call.value, "attr", "")).strip("_") == "chat")
        )
        for call in calls
    )


def modules() -> dict[str, str]:
    found = {path.relative_to(BOT).as_posix(): path.read_text(encoding="utf-8") for path in BOT.rglob("*.py")}
    return {name: source for name, source in found.items() if not name.startswith("emulator/")}


@pytest.mark.parametrize(
    "wrong", ["self._outbox.say(key, target, words)", "services.outbox.edit(key, words)", "outbox.send(key, to, path)"]
)
def test_a_post_from_elsewhere_is_found(wrong: str) -> None:
    assert posting(wrong)


def test_one_place_posts_reports() -> None:
    assert {name for name, source in modules().items() if posting(source)} == {THE_PLACE, *TELL_NO_REPORT}


def test_uploads_too() -> None:
    assert {name for name, source in modules().items() if uploading(source)} == set(UPLOADS)
