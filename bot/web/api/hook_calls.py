"""``POST /hooks/{token}``: take a call of an incoming hook, from what can only POST.

The worker acts on it after the 202. The token decides what is done and where; the body may say a period or words of a
title, where the hook has none, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from flask import request

from bot.db import audit, hook_calls, hooks
from bot.db.api_keys import caller_of
from bot.db.audit import Channel, Entry
from bot.queue import tasks
from bot.web.api.bodies import whole_body
from bot.web.api.call_limit import WINDOW
from bot.web.api.calls import refuse_plain_http
from bot.web.api.hook_signature import HEADER, is_signed
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Transaction
    from bot.db.hooks import Hook
    from bot.web.api.context import ApiContext

CALLS_PER_MINUTE: Final = 60
"""Of one hook."""
CALLS_PER_MINUTE_OF_KEY: Final = 120
"""Of all hooks of a key: each call may cost calls to Webex, of which a token has some 300 a minute."""
MAX_WORDS: Final = 200
ACT: Final = "post_hook"
"""The act in the audit."""
REPEATED: Final = "repeated"


def call(context: ApiContext, token: str) -> str:
    """Take a call and return its reference. Raises ``Problem`` and ``DatabaseUnavailable``.

    Whatever is not the token of a hook is looked for and answered alike.
    """
    refuse_plain_http()
    body = whole_body()
    context.ready()
    now = context.now()
    with context.database.read() as tx:
        hook = hooks.by_token(tx, token)
        is_over = hook is not None and _is_over(tx, hook, now)
    if hook is None:
        context.rejected.record(request.remote_addr or "", "unknown_hook")
        raise Problem("not-found")
    if hook.sealed_secret is not None:
        signature = request.headers.get(HEADER, "")
        if not is_signed(token, hook.sealed_secret, body, signature):
            context.rejected.record(request.remote_addr or "", "hook_not_signed", hook=hook.reference)
            raise Problem("signature-invalid")
    if is_over:
        raise Problem("hook-called-too-often", headers=_limits())
    with context.database.begin() as tx:
        if _is_over(tx, hook, now):  # once more, since many may come at once
            raise Problem("hook-called-too-often", headers=_limits())
        return _take(tx, context, hook, body)


def _is_over(tx: Transaction, hook: Hook, now: datetime) -> bool:
    since = now - WINDOW
    if audit.calls_since(tx, [hook.caller], since) >= CALLS_PER_MINUTE:
        return True
    return audit.calls_since(tx, hooks.callers_of_key(tx, hook.key_id), since) >= CALLS_PER_MINUTE_OF_KEY


def _take(tx: Transaction, context: ApiContext, hook: Hook, body: bytes) -> str:
    now, said = context.now(), _said(body)
    call = {
        "reference": context.new_reference(),
        "hook_id": hook.id,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "title": said.get("title") if hook.title is None else None,
        "period": said.get("period") if hook.period is None else None,
    }
    call_id = hook_calls.add(tx, call, now)
    outcome, reference = audit.ASKED, str(call["reference"])
    if call_id is None:
        same = hook_calls.newest(tx, hook.id, str(call["body_sha256"]))
        outcome, reference = REPEATED, same.reference if same is not None else reference
    else:
        # One call of a hook after the other: its space is told at most once in an hour that nothing could be done.
        context.queue.put(tx, tasks.HOOK, str(call_id), lock=hook.caller, person=caller_of(hook.key_id))
    hooks.set_values(tx, hook.id, called_at=now)
    entry = Entry(Channel.API, ACT, outcome, hook.caller, hook.room_id, reference=reference)
    audit.record(tx, entry, now)
    return reference


def _said(body: bytes) -> dict[str, str]:
    """Return the title and the period that a body says, as JSON or as a form; all else in it is nobody's business."""
    given: Any
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = request.form
    if not hasattr(given, "get"):
        return {}
    values = {name: given.get(name) for name in ("title", "period")}
    return {name: words for name, value in values.items() if isinstance(value, str) and (words := _words(value))}


def _words(value: str) -> str:
    words = " ".join(value.split())
    return words if len(words) <= MAX_WORDS and words.isprintable() else ""


def _limits() -> dict[str, str]:
    return {
        "Retry-After": str(WINDOW.seconds),
        "RateLimit-Policy": f'"hook";q={CALLS_PER_MINUTE};w={WINDOW.seconds}',
        "RateLimit": f'"hook";r=0;t={WINDOW.seconds}',
    }
