"""Check for ``doctor``, by a signed call, whether this bot, with this secret, answers where Webex is to call it."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.db import heartbeats, migrations
from bot.ops import probe
from bot.ops.checks.doctor_line import Found, Result, State, result
from bot.webex.causes import Kind, explain
from bot.webex.http import FOREIGN
from bot.webex.session import Bearer, PlainSession, Timeouts, take_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.ops.checks.doctor_line import Setup
    from bot.webex.causes import Cause

TIMEOUTS: Final = (5.0, 15.0)
"""Seconds to connect, and to wait for the answer."""
LONGEST_ANSWER: Final = 20.0
MOST_BYTES: Final = 4096
NOBODY_THERE: Final = frozenset({Kind.DNS, Kind.REFUSED, Kind.NO_ROUTE, Kind.NO_CONNECTION, Kind.SILENT, Kind.CLOSED})
"""Causes that are to be expected while the bot isn't started."""
UNKNOWN_CA: Final = (
    "Its certificate is signed by an authority that this machine doesn't know. Webex accepts only those of a public "
    "authority, sent with all certificates between the two (the whole chain). If yours is one, and a proxy inspects "
    "https here, set REQUESTS_CA_BUNDLE."
)
START: Final = "start the bot (reportbot serve, or web and worker of the Procfile), then run doctor again"
NO_BOT_BEHIND: Final = frozenset({502, 503, 504})
REJECTED: Final = {401: "signature does not verify", 429: "too many"}
"""How the webhook route answers what isn't signed with its secret."""
UNCHANGED: Final = "Correct PUBLIC_URL, or have the proxy pass this path on unchanged."
REDIRECTED: Final = "It redirects elsewhere, and Webex doesn't follow. Set PUBLIC_URL to where it leads."
REMEDIES: Final = {
    **dict.fromkeys((301, 302, 303, 307, 308), REDIRECTED),
    401: "It wants a login. Let Webex's calls to this path through without one.",
    403: "It refuses. Let Webex's calls to this path through.",
    404: f"It has no such path. {UNCHANGED}",
    405: f"It doesn't accept POST there. {UNCHANGED}",
}


def public_address(setup: Setup) -> Iterator[Result]:
    """Call the webhooks' address, if it is known."""
    target, secret = setup.target, setup.settings.webex_webhook_secret[0].get_secret_value()
    if target is not None:
        yield result("public address", lambda: round_trip(target, secret, runs=_runs(setup)))


def _runs(setup: Setup) -> bool:
    """Return True when a web process of this bot was seen lately."""
    if migrations.current(setup.database) != migrations.newest():
        return False
    with setup.database.read() as tx:
        return heartbeats.web_lives(tx, setup.now())


def round_trip(target: str, secret: str, *, runs: bool, timeouts: tuple[float, float] = TIMEOUTS) -> Found:
    """Call ``target`` signed with ``secret``, then signed wrongly. ``runs``: a web process of this bot was seen lately.

    Nothing is processed there, no matter who answers.
    """
    session = PlainSession(Timeouts())
    nonce = secrets.token_hex(16)
    body = probe.body_of(nonce)

    def post(key: bytes) -> tuple[int, str]:
        headers = {"Content-Type": "application/json", probe.SIGNATURE: probe.signature_of(body, key)}
        if key != secret.encode():
            headers[probe.MARK] = probe.mark_of(nonce, secret.encode())
        response = session.post(target, data=body, headers=headers, timeout=timeouts, auth=Bearer(), stream=True)
        take_body(response, MOST_BYTES, LONGEST_ANSWER)
        return response.status_code, response.content.decode("utf-8", "replace").strip()

    try:
        status, text = post(secret.encode())
        if (status, text) != (HTTPStatus.OK, probe.proof_of(nonce, secret.encode())):
            return _not_us(target, status, text, runs=runs)
        status, _ = post(secrets.token_bytes(16))
    except FOREIGN as error:
        return _nothing(target, explain(error), type(error).__name__, runs=runs)
    finally:
        session.close()
    if status not in REJECTED:
        return State.FAILED, (
            f"this bot answers at {target}, but accepts calls that aren't signed ({status}). Something in between "
            "signs or answers for it: remove that."
        )
    return (
        State.OK,
        f"this bot answers at {target}, with this WEBEX_WEBHOOK_SECRET, and rejects unsigned calls",
    )


def _nothing(target: str, cause: Cause | None, error: str, *, runs: bool) -> Found:
    """Return why nothing answers there."""
    kind = cause.kind if cause else None
    # An unknown authority: here it is rarely this machine that must learn.
    advice = UNKNOWN_CA if kind is Kind.UNKNOWN_CA else cause.sentence if cause else error
    if kind is not None and kind not in NOBODY_THERE:
        return State.FAILED, f"Webex probably can't reach {target}. {advice}"
    if not runs:
        first = "point that name to this machine, and " if kind is Kind.DNS else ""
        return State.NEXT, f"{first}{START}. Nothing answers at {target} yet. {advice}"
    return State.FAILED, (
        f"the bot's web process is running, but nothing answers at {target}. {advice} If only this machine can't reach "
        "its own public address, try it from elsewhere."
    )


def _not_us(target: str, status: int, text: str, *, runs: bool) -> Found:
    """Return who answers there, if not this bot with this secret."""
    if REJECTED.get(status) == text:
        return State.FAILED, (
            f"a report bot answers at {target}, but with another WEBEX_WEBHOOK_SECRET. Set the same one everywhere, "
            "restart the bot, and run `reportbot manifest apply`."
        )
    if status in NO_BOT_BEHIND:
        proxy = f"a proxy answers at {target}, but can't reach the bot behind it ({status})"
        if not runs:
            return State.NEXT, f"{START}. Now {proxy}."
        return State.FAILED, f"{proxy}. Point it to where the bot's web process listens (HOST, PORT)."
    remedy = REMEDIES.get(status, "Correct PUBLIC_URL, or what routes it.")
    return State.FAILED, f"something answers at {urlsplit(target).netloc}, but it isn't this bot ({status}). {remedy}"
