"""The webhook: verify the raw bytes, store one row, answer 200. Nothing else happens before the answer.

Webex gives up on a webhook after a hundred failures in five minutes and offers no second delivery, so a verified event
is always taken, and 200 is only said for what is on the disk.

Before the signature is verified nothing is looked up, so no answer and no answer's time tells which ids are known. What
does not verify is counted, and limited by address (``rejected_calls.py``); what does verify is never limited here.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from bot import tracing
from bot.db import events, tables
from bot.db.events import Event
from bot.errors import DatabaseUnavailable
from bot.ops import probe
from bot.queue import RowWithJob, tasks
from bot.web.rejected_calls import RejectedCalls
from bot.web.signature import is_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from bot.queue import Queue
    from bot.webex.types import Person

log = structlog.get_logger(__name__)

MAX_BODY = 64 * 1024
"""Bytes. Webex's envelopes have about two thousand, whatever the message: they carry no text."""
MAX_ID = 512
"""Letters of an id or a name in an envelope."""
RETRY_AFTER = "5"
"""Seconds, in a 503."""

# Only what people write and press can be the bot's own; that the bot was added to a space is news.
OWN_IS_DROPPED = frozenset({"messages", "attachmentActions"})


def event_recorder(queue: Queue, now: Callable[[], datetime]) -> Callable[[Event], None]:
    """Return what stores an event, once, with the job that reads it; it raises ``DatabaseUnavailable``."""

    def record(event: Event) -> None:
        values = events.row_of(event, now())
        queue.add(RowWithJob(tables.events, values, events.KEY, tasks.EVENT, event.lock, event.person_key))

    return record


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """What the webhook needs; ``bot`` returns None as long as the bot has not learned who it is."""

    record: Callable[[Event], None]
    """Store an event on the disk, once. Raises ``DatabaseUnavailable``."""
    secrets: Sequence[bytes] = field(repr=False)
    bot: Callable[[], Person | None]
    ready: Callable[[], bool]
    """Migrates the database if that was not done; raises ``DatabaseUnavailable``."""
    count: Callable[[int, float], None]
    """Told of each answer: its code, and the seconds that it took."""
    rejected: RejectedCalls = field(default_factory=RejectedCalls)
    refused: Callable[[], None] = lambda: None
    """Called for each verified event that could not be stored."""


class MalformedError(ValueError):
    """The body is no event of Webex's."""


def add_routes(app: Flask, endpoint: WebhookEndpoint, paths: Iterable[str]) -> None:
    """Serve the webhook under each of the paths."""

    def webhook() -> Response:
        began, code = time.perf_counter(), int(HTTPStatus.INTERNAL_SERVER_ERROR)
        try:
            with tracing.step("webhook") as step:
                answer = _answer(endpoint)
                code = answer.status_code
                step.is_first, step.outcome = True, str(code)
        finally:
            endpoint.count(code, time.perf_counter() - began)
        return answer

    for path in paths:
        app.add_url_rule(path, "webhook", webhook, methods=["POST"])


def _answer(endpoint: WebhookEndpoint) -> Response:
    body = _body(endpoint)
    if isinstance(body, Response):
        return body
    if not is_signed(body, request.headers, endpoint.secrets):
        answer = Response("signature does not verify\n", HTTPStatus.UNAUTHORIZED)
        if probe.is_marked(body, request.headers.get(probe.MARK, ""), endpoint.secrets):
            return answer  # `doctor` sees whether it is rejected, which must not read like a wrong secret
        return _unverified(endpoint, "webhook_not_verified", answer, bytes=len(body))
    nonce = probe.nonce_in(body)
    if nonce is not None:
        secret = next(one for one in endpoint.secrets if is_signed(body, request.headers, [one]))
        return Response(f"{probe.proof_of(nonce, secret)}\n", 200)
    try:
        event = read_event(body)
    except MalformedError as error:
        log.warning("webhook_malformed", cause=str(error))
        return Response("malformed\n", 400)
    return _record(endpoint, event)


def _body(endpoint: WebhookEndpoint) -> bytes | Response:
    """Give the whole body, or the answer why there is none."""
    announced = request.content_length
    try:
        body = request.get_data(cache=False)
        # A body without a length, in chunks, is cut at the limit and not refused by the library.
        too_large = announced is None and len(body) >= MAX_BODY
    except RequestEntityTooLarge:
        body, too_large = b"", True
    except HTTPException as error:
        return _unverified(endpoint, "webhook_cut_off", Response("incomplete\n", 400), cause=error.name)
    except ParseException as error:  # chunks or trailers that are none; what it says may be the sender's words
        answer = Response("not readable\n", 400)
        return _unverified(endpoint, "webhook_not_readable", answer, cause=type(error).__name__)
    if too_large:
        return _unverified(endpoint, "webhook_too_large", Response("too large\n", 413), bytes=announced)
    if announced is not None and len(body) != announced:
        answer = Response("incomplete\n", 400)
        return _unverified(endpoint, "webhook_cut_off", answer, cause="shorter than announced")
    return body


def _unverified(endpoint: WebhookEndpoint, what: str, answer: Response, **more: Any) -> Response:
    """Count it. The address is the peer's: a forger of events forges ``X-Forwarded-For`` too.

    Too large or cut off stays what it is however many come: a sender with that fault must be able to see it.
    """
    wait = endpoint.rejected.record(request.remote_addr or "", what, **more)
    if wait is None or answer.status_code != HTTPStatus.UNAUTHORIZED:
        return answer
    return Response("too many\n", 429, {"Retry-After": str(wait)})


def _record(endpoint: WebhookEndpoint, event: Event) -> Response:
    try:
        endpoint.ready()
        bot = endpoint.bot()
        if bot is not None and bot.goes_by(event.person_id, event.person_email):
            if event.resource in OWN_IS_DROPPED:
                return Response("ok\n", 200)
            event = replace(event, person_id=bot.id)  # it may have been known by its address alone
        tracing.begin(event.trace_id)
        endpoint.record(event)
        log.info("webhook_stored", resource=event.resource)
    except DatabaseUnavailable as error:
        # The database has logged that it is away; a line for each event would be a flood.
        log.debug("webhook_not_stored", cause=str(error.__cause__ or error))
        endpoint.refused()
        return Response("try again\n", 503, {"Retry-After": RETRY_AFTER})
    return Response("ok\n", 200)


def read_event(body: bytes) -> Event:
    """Read an envelope: ``{"resource", "event", "data": {"id", "roomId"?, "roomType"?, "personId"?}}``.

    Raises :class:`MalformedError`.
    """
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise MalformedError("not JSON") from exc
    data = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(envelope, dict) or not isinstance(data, dict):
        raise MalformedError("not an event")
    email = data.get("personEmail")
    return Event(
        resource=_text(envelope, "resource"),
        event=_text(envelope, "event"),
        data_id=_text(data, "id"),
        room_id=_optional(data, "roomId"),
        room_type=_optional(data, "roomType"),
        person_id=_optional(data, "personId"),
        person_email=email if isinstance(email, str) else None,
    )


def _text(values: dict[str, Any], name: str) -> str:
    value = _optional(values, name)
    if not value:
        raise MalformedError(f"no {name}")
    return value


def _optional(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_ID or not value.isprintable():
        raise MalformedError(f"an unfit {name}")
    return value
