"""Tell why no answer came, or why a token was not renewed, and what to do about it.

The one place that reads errors of requests, urllib3, ``ssl`` and the system for operators: for ``doctor``,
the log and the operators' space. A cause names hosts and variables, never a link, a value of a variable or a secret.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CAUSES: Final = 8
"""How deep a foreign error's causes are followed; theirs go three or four deep."""

# What OpenSSL says of a certificate that does not verify (x509_vfy.h).
NOT_YET_VALID: Final = 9
HAS_EXPIRED: Final = 10
OTHER_NAME: Final = frozenset({62, 64})

NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
PROXY_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""In the order in which requests reads them for an https address."""
BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The variables that requests reads; ``SSL_CERT_FILE`` is none of them."""
PROXY_WANTS_LOGIN: Final = "407"
OAUTH_CODES: Final = frozenset(
    {"invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client"}
)
"""What ``error`` can hold in the answer of a token endpoint (RFC 6749, section 5.2)."""

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


class Kind(StrEnum):
    """Each cause that has a remedy of its own."""

    DNS = "dns"
    REFUSED = "refused"
    NO_ROUTE = "no_route"
    NO_CONNECTION = "no_connection"
    SILENT = "silent"
    CLOSED = "closed"
    PROXY_LOGIN = "proxy_login"
    PROXY_REFUSES = "proxy_refuses"
    PROXY_AWAY = "proxy_away"
    PROXY_ADDRESS = "proxy_address"
    NO_SOCKS = "no_socks"
    UNKNOWN_CA = "unknown_ca"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    OTHER_HOST = "other_host"
    NO_TLS = "no_tls"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a call met no answer, and a sentence about it that ends with the remedy."""

    kind: Kind
    sentence: str


def explain(error: BaseException) -> Cause | None:
    """Return the cause of an error beneath HTTP; None for one that has none we know."""
    chain = tuple(chain_of(error))
    host = _host_of(chain)
    kind, more = _read(chain)
    return None if kind is None else Cause(kind, _sentence(kind, host, more))


def explain_renewal(status: int | None, message: str) -> str:
    """Return the cause of a refused renewal of a token, from Webex's status and message: which variable is wrong."""
    words = message.lower()
    if "invalid_client" in words or "unauthorized_client" in words or ("client" in words and "refresh" not in words):
        return (
            "Webex doesn't accept WEBEX_ADMIN_CLIENT_ID with WEBEX_ADMIN_CLIENT_SECRET: copy both again from the app's "
            "page at developer.webex.com/my-apps (a new secret there ends the old one)."
        )
    if "invalid_grant" in words or "refresh" in words:
        return (
            "Webex doesn't accept WEBEX_ADMIN_REFRESH_TOKEN: it is mistyped, expired, revoked or another app's. "
            "Authorize the Service App or integration again and set the refresh token that this gives."
        )
    return (
        f"Webex refuses the renewal ({status}): check WEBEX_ADMIN_CLIENT_ID, WEBEX_ADMIN_CLIENT_SECRET and "
        "WEBEX_ADMIN_REFRESH_TOKEN, which must all be of the same app."
    )


def cause_of(error: BaseException) -> BaseException | None:
    """Return the error inside a foreign error, which urllib3 and requests keep as ``reason`` or in their arguments."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
    return inner or error.__cause__ or error.__context__


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield a foreign error and the errors inside it."""
    current: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if current is None:
            return
        yield current
        current = cause_of(current)


def _read(chain: tuple[BaseException, ...]) -> tuple[Kind | None, str]:
    """Return the kind, and a detail for its sentence."""
    for one in chain:  # what is wrong before anything is sent
        text = str(one)
        if isinstance(one, requests.exceptions.InvalidSchema) and "SOCKS" in text:
            return Kind.NO_SOCKS, ""
        if isinstance(one, requests.exceptions.InvalidProxyURL | urllib3.exceptions.ProxySchemeUnknown):
            return Kind.PROXY_ADDRESS, ""
        if type(one) is OSError and "TLS CA certificate bundle" in text:
            return Kind.BUNDLE, "doesn't exist"
        if isinstance(one, ssl.SSLError) and one.reason == "NO_CERTIFICATE_OR_CRL_FOUND":
            return Kind.BUNDLE, "holds no certificate"
    if any(isinstance(one, urllib3.exceptions.ProxyError) for one in chain):
        return _read_proxy(chain)
    return next((found for one in chain if (found := _read_one(one))[0]), (None, ""))


def _read_proxy(chain: tuple[BaseException, ...]) -> tuple[Kind, str]:
    """Tell what is the matter with the proxy."""
    for one in chain:
        answered = _TUNNEL.search(str(one)) if type(one) is OSError else None
        if answered:
            wants_login = answered[1] == PROXY_WANTS_LOGIN
            return (Kind.PROXY_LOGIN, "") if wants_login else (Kind.PROXY_REFUSES, answered[1])
    details = {
        Kind.DNS: "its name can't be resolved",
        Kind.REFUSED: "it refuses the connection",
        Kind.NO_ROUTE: "there is no route to it",
        Kind.NO_CONNECTION: "it doesn't answer in time",
        Kind.SILENT: "it doesn't answer in time",
        Kind.NO_TLS: "it speaks http, so its address must begin with http:",
        Kind.UNKNOWN_CA: "its certificate is signed by an unknown authority",
    }
    kind = next((found for one in chain if (found := _read_one(one)[0])), None)
    return Kind.PROXY_AWAY, details.get(kind, "it closes the connection") if kind else "it gives no reason"


def _read_one(error: BaseException) -> tuple[Kind | None, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _read_certificate(error.verify_code), ""
    kinds: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Kind], ...] = (
        (urllib3.exceptions.NameResolutionError, Kind.DNS),
        (socket.gaierror, Kind.DNS),
        (ConnectionRefusedError, Kind.REFUSED),
        (urllib3.exceptions.ConnectTimeoutError, Kind.NO_CONNECTION),
        (urllib3.exceptions.ReadTimeoutError, Kind.SILENT),
        (TimeoutError, Kind.SILENT),
        ((ConnectionResetError, ConnectionAbortedError, BrokenPipeError), Kind.CLOSED),
        (urllib3.exceptions.NewConnectionError, Kind.NO_CONNECTION),
    )
    if isinstance(error, urllib3.exceptions.NewConnectionError) and cause_of(error) is not None:
        return None, ""  # what is inside says more
    if isinstance(error, OSError) and error.errno in NO_ROUTE:
        return Kind.NO_ROUTE, ""
    if isinstance(error, ssl.SSLError):
        return (Kind.NO_TLS if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"} else Kind.CLOSED), ""
    return next(((kind for types, kind in kinds if isinstance(error, types))), None), ""


def _read_certificate(code: int) -> Kind:
    if code == HAS_EXPIRED:
        return Kind.EXPIRED
    if code == NOT_YET_VALID:
        return Kind.NOT_YET
    return Kind.OTHER_HOST if code in OTHER_NAME else Kind.UNKNOWN_CA


def _sentence(kind: Kind, host: str, more: str) -> str:
    proxy, through = _set_variable(PROXY_VARIABLES), ""
    bundle = _set_variable(BUNDLE_VARIABLES)
    if proxy and kind in {Kind.SILENT, Kind.CLOSED}:
        through = f" The connection goes through the proxy of {proxy}: check that one, too."
    no_proxy = "" if proxy else ", and whether this machine needs a proxy (HTTPS_PROXY)"
    proxy = proxy or "HTTPS_PROXY"
    if kind is Kind.UNKNOWN_CA:
        what = f"The certificate of {host} is signed by an authority that this machine doesn't know"
        if bundle:
            return f"{what}: add that authority's certificate to the file that {bundle} names."
        return (
            f"{what} (a company's own, or that of a proxy that looks into https). Put its certificate, together with "
            "the public ones, into a PEM file, and set REQUESTS_CA_BUNDLE to that file; SSL_CERT_FILE isn't read."
        )
    sentences = {
        Kind.DNS: f"This machine can't resolve the name {host}: look for a typo, then at its DNS{no_proxy}.",
        Kind.REFUSED: f"{host} refuses the connection: check address and port, and that something listens there.",
        Kind.NO_ROUTE: f"This machine has no route to {host}: check its network{no_proxy}.",
        Kind.NO_CONNECTION: f"No connection to {host} in time: check the network, its firewall{no_proxy}.",
        Kind.SILENT: f"{host} takes the connection, but doesn't answer in time.{through}",
        Kind.CLOSED: f"{host} closes the connection without an answer; a firewall on the way may do so.{through}",
        Kind.PROXY_LOGIN: f"The proxy wants a user name and a password (407): put both into {proxy}.",
        Kind.PROXY_REFUSES: f"The proxy doesn't connect to {host} ({more}): have it allowed there, or, if no proxy is "
        "needed, name the host in NO_PROXY.",
        Kind.PROXY_AWAY: f"The proxy that {proxy} names is of no use: {more}. Correct the variable, or remove it.",
        Kind.PROXY_ADDRESS: f"{proxy} holds no address of a proxy: write http:, two slashes, the host, a colon and the "
        "port.",
        Kind.NO_SOCKS: f"{proxy} names a SOCKS proxy, for which a library is missing: install PySocks where the bot is "
        "installed (pip install PySocks), or name an http proxy.",
        Kind.EXPIRED: f"The certificate of {host} has expired: renew it; if it hasn't, check this machine's clock.",
        Kind.NOT_YET: f"The certificate of {host} isn't valid yet: check this machine's clock.",
        Kind.OTHER_HOST: f"The certificate that {host} shows is for another name: check the address, or whose server "
        "answers there.",
        Kind.NO_TLS: f"{host} doesn't speak https on that port: check the address and its port.",
        Kind.BUNDLE: f"{bundle or 'REQUESTS_CA_BUNDLE'} names a file that {more}: correct the variable, or remove it.",
    }
    return sentences[kind]


def _set_variable(names: tuple[str, ...]) -> str:
    """Return the name of the first variable that is set, or an empty text."""
    return next((name for name in names if os.environ.get(name)), "")


def _host_of(chain: tuple[BaseException, ...]) -> str:
    """Return the host that was called, in words when it isn't known."""
    for one in chain:
        url = getattr(getattr(one, "request", None), "url", None)
        if isinstance(url, str):
            host = urlsplit(url).hostname or ""
            if _HOST.fullmatch(host):
                return host
    return "the other side"
