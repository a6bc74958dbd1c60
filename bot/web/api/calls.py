"""Who calls, and whether they may: https, the key, its rights, its limit, and the audit's row."""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from flask import g, request

from bot.db import api_keys, audit
from bot.db.audit import Channel, Entry
from bot.errors import DatabaseUnavailable
from bot.web.api.bodies import whole_body
from bot.web.api.call_limit import CALLS_PER_MINUTE, WINDOW
from bot.web.api.problems import Problem

if TYPE_CHECKING:
    from flask import Response

    from bot.db.api_keys import ApiKey, Right
    from bot.db.database import Transaction
    from bot.web.api.context import ApiContext

POLICY: Final = f'"default";q={CALLS_PER_MINUTE};w={WINDOW.seconds}'


def admit(context: ApiContext) -> None:
    """Find the key of this call. Raises ``Problem`` and ``DatabaseUnavailable``."""
    refuse_plain_http()
    context.ready()
    secret = sent_key()
    now = context.now()
    with context.database.read() as tx:
        key = api_keys.by_secret(tx, secret)
        # Each call is a row of the audit, so they are counted there, for all processes.
        answered = 0 if key is None else audit.calls_since(tx, [key.owner], now - WINDOW)
    if key is None:
        context.rejected.record(request.remote_addr or "", "unknown_key")
        raise Problem("unauthorized")
    left = context.limit.take(key.id, now, answered)
    g.api_key, g.calls_left = key, max(0, left)
    if left < 0:
        is_recorded()  # else who goes on calling would never be let in again
        raise Problem("too-many-calls", headers={"Retry-After": str(WINDOW.seconds)})
    if request.method in {"POST", "PATCH"} and whole_body():
        request.get_json()  # what is no JSON is told so, not that every field is missing


def sent_key() -> str:
    """Return the text that was sent as the key. Raises ``Problem`` where there is none."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not secret.strip():
        raise Problem("unauthorized")
    return secret.strip()


def refuse_plain_http() -> None:
    """Refuse what came over plain http from beyond this machine: a redirect would teach callers to send keys so."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().casefold()
    if forwarded == "https" or (not forwarded and (request.is_secure or _is_loopback(request.remote_addr))):
        return
    raise Problem("https-required")


def _is_loopback(address: str | None) -> bool:
    try:
        found = ip_address(address or "")
        return (getattr(found, "ipv4_mapped", None) or found).is_loopback  # mapped where it listens for both at once
    except ValueError:
        return not address  # a socket file: nothing else than this machine reaches it


def current_key() -> ApiKey:
    """Return the key of this call."""
    key: ApiKey = g.api_key
    return key


def need(right: Right) -> None:
    """Raise ``Problem`` unless the key has this right."""
    if right not in current_key().rights:
        raise Problem("not-allowed", f"It needs the right “{right}”.")


def act() -> str:
    """Return what this call is in the audit."""
    method = "GET" if request.method == "HEAD" else request.method
    return f"{method}_{(request.endpoint or 'unknown').rpartition('.')[2]}"


def is_recorded(*, recorded: bool = True) -> None:
    """Note that the audit has this call, so that it gets no second row; or that it has it no longer."""
    g.is_recorded = recorded


def record(
    tx: Transaction,
    context: ApiContext,
    outcome: str,
    *,
    report_id: str | None = None,
    room_id: str | None = None,
    reference: str | None = None,
) -> None:
    """Add the call's row to the audit, in the transaction that does what was asked."""
    entry = Entry(
        channel=Channel.API,
        act=act(),
        outcome=outcome,
        person_id=current_key().owner,
        room_id=room_id,
        report_id=report_id,
        reference=reference,
    )
    audit.record(tx, entry, context.now())
    is_recorded()


def finish(context: ApiContext, answer: Response) -> Response:
    """Record the call unless that is done, store the key's use, and say how many calls are left.

    Raises ``DatabaseUnavailable`` where nothing else has recorded the call: what is not in the audit is not answered.
    """
    key: ApiKey | None = g.get("api_key")
    if key is None:
        return answer
    answer.headers["RateLimit-Policy"] = POLICY
    answer.headers["RateLimit"] = f'"default";r={g.calls_left};t={WINDOW.seconds}'
    answer.headers["Cache-Control"] = "no-store"
    now = context.now()
    unused, unrecorded = api_keys.is_use_to_store(key, now), not g.get("is_recorded")
    if not (unused or unrecorded) or g.get("is_database_away"):
        return answer
    try:
        with context.database.begin(durable=False) as tx:
            if unused:
                api_keys.set_used(tx, key.id, now)
            if unrecorded:
                failed = answer.status_code >= HTTPStatus.BAD_REQUEST
                record(tx, context, f"{audit.REFUSED}:{answer.status_code}" if failed else audit.ALLOWED)
    except DatabaseUnavailable:
        if unrecorded:
            raise
    return answer
