"""Check for ``doctor``, by a signed call, whether this bot, with this secret, answers where Webex is to call it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.db import heartbeats, migrations
from bot.ops import probe
from bot.ops.checks.result import Found, State, line
from bot.webex.causes import Kind, explain
from bot.webex.http import FOREIGN
from bot.webex.session import Bearer, PlainSession, Timeouts, take_body

if TYPE_CHECKING:
    from datetime import datetime

    from bot.db.database import Database
    from bot.ops.checks.result import Setup

PATIENCE: Final = (5.0, 15.0)
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
NO_BOT_BEHIND: Final = frozenset({502, 503, 504})
REDIRECTS: Final = range(300, 400)
REFUSED_BY_US: Final = {401: "signature does not verify", 429: "too many"}
"""How the webhook route answers what doesn't verify."""
OK: Final = 200


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    text: str


@line("public address")
def public_address(setup: Setup) -> Found | None:
    """Call the webhooks' address, if it is known."""
    if setup.target is None:
        return None
    secret = setup.settings.webex_webhook_secret[0].get_secret_value()
    return round_trip(setup.target, secret, runs=_runs(setup.database, setup.now()))


def _runs(database: Database, now: datetime) -> bool:
    """Return True when a web process of this bot was seen lately."""
    if migrations.current(database) != migrations.newest():
        return False
    with database.read() as tx:
        return heartbeats.web_lives(tx, now)


def round_trip(target: str, secret: str, *, runs: bool, patience: tuple[float, float] = PATIENCE) -> Found:
    """Call ``target`` signed with ``secret``, then signed wrongly. ``runs``: a web process of this bot was seen lately.

    Nothing is processed there, no matter who answers.
    """
    session = PlainSession(Timeouts())
    nonce = secrets.token_hex(16)
    body = probe.body_of(nonce)
    try:
        first = _post(session, target, body, probe.signature_of(body, secret.encode()), patience)
        if first != _Answer(OK, probe.proof_of(nonce, secret.encode())):
            return _not_us(target, first, runs=runs)
        second = _post(session, target, body, probe.signature_of(body, secrets.token_bytes(16)), patience)
    except FOREIGN as error:
        cause = explain(error)
        expected = cause is None or cause.kind in NOBODY_THERE
        advice = cause.sentence if cause else type(error).__name__
        if cause and cause.kind is Kind.UNKNOWN_CA:  # here it is rarely this machine that must learn
            advice = UNKNOWN_CA
        if expected and not runs:
            dns = "point that name to this machine, and " if cause and cause.kind is Kind.DNS else ""
            how = "(reportbot serve, or web and worker of the Procfile), then run doctor again"
            return State.NEXT, f"{dns}start the bot {how}. Nothing answers at {target} yet. {advice}"
        return _nothing(target, advice, expected=expected)
    finally:
        session.close()
    if second.status not in REFUSED_BY_US:
        return State.FAILED, (
            f"this bot answers at {target}, but accepts calls that aren't signed ({second.status}). Something in "
            "between signs or answers for it: remove that."
        )
    return (
        State.OK,
        f"this bot answers at {target}, with this WEBEX_WEBHOOK_SECRET, and rejects calls that aren't signed",
    )


def _post(session: PlainSession, target: str, body: bytes, signature: str, patience: tuple[float, float]) -> _Answer:
    headers = {"Content-Type": "application/json", probe.SIGNATURE: signature}
    response = session.post(target, data=body, headers=headers, timeout=patience, auth=Bearer(), stream=True)
    take_body(response, MOST_BYTES, LONGEST_ANSWER)
    return _Answer(response.status_code, response.content.decode("utf-8", "replace").strip())


def _nothing(target: str, advice: str, *, expected: bool) -> Found:
    if expected:
        return State.FAILED, (
            f"the bot's web process is running, but nothing answers at {target}. {advice} If only this machine can't "
            "reach its own public address, try it from elsewhere."
        )
    return State.FAILED, f"Webex probably can't reach {target}. {advice}"


def _not_us(target: str, answer: _Answer, *, runs: bool) -> Found:
    """Return who answers there, if not this bot with this secret."""
    status = answer.status
    if REFUSED_BY_US.get(status) == answer.text:
        return State.FAILED, (
            f"a report bot answers at {target}, but with another WEBEX_WEBHOOK_SECRET. Set the same one everywhere, "
            "restart the bot, and run `reportbot manifest apply`."
        )
    if (status, answer.text) == (400, "malformed"):
        return State.NOTE, f"an older version of this bot answers at {target}, with this secret. Start the new one."
    if status in NO_BOT_BEHIND:
        said = f"a proxy answers at {target}, but can't reach the bot behind it ({status})"
        if not runs:
            return State.NEXT, f"start the bot, then run doctor again. Now {said}."
        return State.FAILED, f"{said}. Point it to where the bot's web process listens (HOST, PORT)."
    remedies = {
        401: "It wants a login. Let Webex's calls to this path through without one.",
        403: "It refuses. Let Webex's calls to this path through.",
        404: "It has no such path. Correct PUBLIC_URL, or have the proxy pass this path on unchanged.",
        405: "It doesn't accept POST there. Correct PUBLIC_URL, or have the proxy pass this path on unchanged.",
    }
    if status in REDIRECTS:
        remedy = "It redirects elsewhere, and Webex doesn't follow. Set PUBLIC_URL to where it leads."
    else:
        remedy = remedies.get(status, "Correct PUBLIC_URL, or what routes it.")
    return State.FAILED, f"something answers at {urlsplit(target).netloc}, but it isn't this bot ({status}). {remedy}"
