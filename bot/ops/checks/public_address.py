"""Checks by a signed call whether this bot, with this secret, answers where Webex is to call it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.db import heartbeats, migrations
from bot.ops import probe
from bot.ops.checks.result import Check, State, checked
from bot.webex.causes import Kind, explain
from bot.webex.http import FOREIGN
from bot.webex.session import Bearer, PlainSession, Timeouts, take_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bot.db.database import Database
    from bot.settings import Settings

PATIENCE: Final = (5.0, 15.0)
"""Seconds to connect, and to wait for the answer."""
LONGEST_ANSWER: Final = 20.0
MOST_BYTES: Final = 4096
NOBODY_THERE: Final = frozenset({Kind.DNS, Kind.REFUSED, Kind.NO_ROUTE, Kind.NO_CONNECTION, Kind.SILENT, Kind.CLOSED})
"""Causes that are to be expected while the bot isn't started."""
UNKNOWN_CA: Final = (
    "Its certificate is signed by an authority that this machine doesn't know: Webex wants one of a public authority, "
    "shown with all certificates between the two (the whole chain). If that is so, and a proxy looks into https here, "
    "set REQUESTS_CA_BUNDLE."
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


def looked_up(settings: Settings, database: Database, target: str | None, now: datetime) -> Iterator[Check]:
    """Call ``target`` if it is known."""
    if target is None:
        return
    secret = settings.webex_webhook_secret[0].get_secret_value()
    yield checked("public address", lambda: round_trip(target, secret, runs=_runs(database, now)))


def _runs(database: Database, now: datetime) -> bool:
    """Return True when a web process of this bot was seen lately."""
    if migrations.current(database) != migrations.newest():
        return False
    with database.read() as tx:
        return heartbeats.web_lives(tx, now)


def round_trip(target: str, secret: str, *, runs: bool, patience: tuple[float, float] = PATIENCE) -> tuple[State, str]:
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
            todo = (
                "have that name lead here, and start the bot" if cause and cause.kind is Kind.DNS else "start the bot"
            )
            how = "(reportbot serve, or web and worker of the Procfile), then run doctor again"
            return State.NEXT, f"{todo} {how}: nothing answers at {target} yet. {advice}"
        return _nothing(target, advice, expected=expected)
    finally:
        session.close()
    if second.status not in REFUSED_BY_US:
        return State.FAILED, (
            f"this bot answers at {target}, but takes calls that aren't signed ({second.status}); something on the way "
            "signs or answers for it: remove that"
        )
    return State.OK, f"this bot answers at {target}, with this WEBEX_WEBHOOK_SECRET, and refuses what isn't signed"


def _post(session: PlainSession, target: str, body: bytes, signature: str, patience: tuple[float, float]) -> _Answer:
    headers = {"Content-Type": "application/json", probe.SIGNATURE: signature}
    response = session.post(target, data=body, headers=headers, timeout=patience, auth=Bearer(), stream=True)
    take_body(response, MOST_BYTES, LONGEST_ANSWER)
    return _Answer(response.status_code, response.content.decode("utf-8", "replace").strip())


def _nothing(target: str, advice: str, *, expected: bool) -> tuple[State, str]:
    if expected:
        return State.FAILED, (
            f"the bot's web process runs, but nothing answers at {target}. {advice} If this machine alone can't reach "
            "its own public address, try the address from elsewhere"
        )
    return State.FAILED, f"Webex will hardly get through to {target}. {advice}"


def _not_us(target: str, answer: _Answer, *, runs: bool) -> tuple[State, str]:
    """Say who answers there, if not this bot with this secret."""
    status = answer.status
    if REFUSED_BY_US.get(status) == answer.text:
        return State.FAILED, (
            f"a report bot answers at {target}, but with another WEBEX_WEBHOOK_SECRET: set the same one everywhere, "
            "start the bot again, and run reportbot manifest apply"
        )
    if (status, answer.text) == (400, "malformed"):
        return State.NOTE, f"an older version of this bot answers at {target}, with this secret: start the new one"
    if status in NO_BOT_BEHIND:
        said = f"a proxy answers at {target}, but reaches no bot behind it ({status})"
        if not runs:
            return State.NEXT, f"start the bot, then run doctor again: {said}"
        return State.FAILED, f"{said}: lead it to where the bot's web process listens (HOST, PORT)"
    remedies = {
        401: "it wants a login: let Webex's calls to this path through without one",
        403: "it refuses: let Webex's calls to this path through",
        404: "it has no such path: correct PUBLIC_URL, or have the proxy pass this path on as it is",
        405: "it takes no POST there: correct PUBLIC_URL, or have the proxy pass this path on as it is",
    }
    if status in REDIRECTS:
        remedy = "it leads elsewhere, and Webex doesn't follow: set PUBLIC_URL to where it leads"
    else:
        remedy = remedies.get(status, "correct PUBLIC_URL, or what routes it")
    return State.FAILED, f"something answers at {urlsplit(target).netloc}, but it isn't this bot ({status}): {remedy}"
