"""Send one POST to a receiver that nobody here trusts.

Not by requests: the connection must go to the very address that was checked, past any proxy of the environment, and the
whole exchange must end in time, the TLS handshake and headers that come byte by byte included.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import requests

from bot.db.outbound_events import LONGEST_ANSWER
from bot.errors import BotError
from bot.outbound.addresses import place_of, resolve
from bot.webex.responses import retry_after
from bot.webex.session import USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.outbound.addresses import Place

TIMEOUT: Final = 15.0
"""Seconds for everything, from the lookup of the name to the answer's headers."""
CONNECT_TIMEOUT: Final = 5.0
"""Seconds for one of a host's addresses."""
UTF8_BYTES: Final = 4
"""A character has at most so many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered."""

    status: int | None
    """None when it gave no answer."""
    text: str
    """The beginning of its body, or why there is no answer."""
    retry_after: float | None = None
    """Seconds for which it asks to be left alone."""

    @property
    def is_success(self) -> bool:
        """Return True for 2xx; a redirect is a failure."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def post(
    url: str, body: bytes, headers: Mapping[str, str], networks: Sequence[str], *, timeout: float = TIMEOUT
) -> Answer:
    """Send a body and return the answer; what goes wrong is an answer without status."""
    ends = time.monotonic() + timeout
    try:
        place = place_of(url)
        sock = _connect(place, resolve(place, networks), ends)
    except BotError as error:
        return Answer(None, error.sentence)
    except OSError as error:
        return Answer(None, f"No connection: {type(error).__name__}.")
    over = threading.Event()

    def give_up() -> None:
        over.set()
        with contextlib.suppress(OSError):  # it may have been closed just now
            # The thread that reads wakes up. SSLSocket's own would also forget the session under that thread.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, ends - time.monotonic()), give_up)
    timer.daemon = True
    timer.start()
    try:
        return _exchange(sock, place, body, headers, over)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if over.is_set() or isinstance(error, TimeoutError):
            return Answer(None, f"No answer within {timeout:.0f} seconds.")
        detail = f" ({error.verify_message})" if isinstance(error, ssl.SSLCertVerificationError) else ""
        return Answer(None, f"The connection failed: {type(error).__name__}{detail}.")
    finally:
        timer.cancel()
        sock.close()


def _connect(place: Place, addresses: Sequence[str], ends: float) -> socket.socket:
    """Return a connection to one of these addresses; TLS has not begun. Raises ``OSError``."""
    failure: OSError = TimeoutError()
    for address in addresses:
        left = min(CONNECT_TIMEOUT, ends - time.monotonic())
        if left <= 0:
            break
        try:
            sock = socket.create_connection((address, place.port), timeout=left)
        except OSError as error:
            failure = error
            continue
        sock.settimeout(max(0.1, ends - time.monotonic()))
        if place.tls:
            return _trust().wrap_socket(sock, server_hostname=place.host, do_handshake_on_connect=False)
        return sock
    raise failure


def _exchange(
    sock: socket.socket, place: Place, body: bytes, headers: Mapping[str, str], over: threading.Event
) -> Answer:
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    kind = http.client.HTTPSConnection if place.tls else http.client.HTTPConnection
    connection = kind(place.host, place.port)
    connection.sock = sock  # so that it connects to nothing by itself
    own = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "Connection": "close"}
    connection.request("POST", place.path, body, {**headers, **own})
    response = connection.getresponse()
    if over.is_set():
        raise TimeoutError  # the library takes an end within the headers for their end
    text = _beginning(response).decode(errors="replace").replace("\0", "")[:LONGEST_ANSWER]
    return Answer(response.status, text, retry_after(dict(response.headers)))


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """Return the beginning of a body, as far as it comes in time: the status has said what counts."""
    taken = b""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        while len(taken) < LONGEST_ANSWER * UTF8_BYTES and (piece := response.read1(LONGEST_ANSWER * UTF8_BYTES)):
            taken += piece
    return taken


def _trust() -> ssl.SSLContext:
    """Return the certificate authorities that other calls trust too: those of ``REQUESTS_CA_BUNDLE``, if it is set."""
    with requests.Session() as session:
        chosen = session.merge_environment_settings("https://receiver.invalid", {}, None, None, None)["verify"]
    return _context(chosen if isinstance(chosen, str) else str(requests.utils.DEFAULT_CA_BUNDLE_PATH))


@cache
def _context(bundle: str) -> ssl.SSLContext:
    if Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)
