"""Errors of the API as RFC 9457 has them; each kind is a page that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Response, json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of error: what its page says."""

    status: int
    title: str
    remedy: str


KINDS: Final[Mapping[str, Kind]] = {
    "invalid-request": Kind(
        422,
        "The request is not valid.",
        "Compare the body, the query and the headers with /api/v1/openapi.json. `errors` names each fault. Nothing was "
        "done.",
    ),
    "malformed-body": Kind(
        400,
        "The body is not JSON.",
        "Send a JSON object with the header Content-Type: application/json.",
    ),
    "unauthorized": Kind(
        401,
        "The API key is missing, unknown or revoked.",
        "Send Authorization: Bearer <key>. The people who run the bot make keys with `reportbot keys create`.",
    ),
    "https-required": Kind(
        403,
        "The API is served over https only.",
        "Call the https address, and replace the key: it was sent unencrypted. Where a proxy ends TLS, it must set "
        "X-Forwarded-Proto (docs/reverse-proxy.md).",
    ),
    "not-allowed": Kind(
        403,
        "The API key may not do this.",
        "Use a key with the right that `detail` names, or have one made with `reportbot keys create --can …`.",
    ),
    "space-not-allowed": Kind(
        403,
        "The API key does not reach this space.",
        "Use a key that was made with --space for this space, or with --space all.",
    ),
    "not-found": Kind(
        404,
        "There is nothing at this address, or nothing that this key may see.",
        "Check the ID. A key sees only what it made itself.",
    ),
    "method-not-allowed": Kind(405, "This address takes another method.", "See /api/v1/openapi.json."),
    "several-reports": Kind(
        409,
        "Several reports have titles with these words.",
        "Send `reportId` of one of the `choices` in place of `title`.",
    ),
    "invalid-period": Kind(
        409,
        "The period isn't valid.",
        "Send endDate not before startDate, or for a hook words such as `last month`. Nothing was done.",
    ),
    "invalid-schedule": Kind(
        409,
        "The bot can't keep such a schedule.",
        "`detail` says why. A time needs a zone by name, a recurrence is of RFC 5545 with at most one run an hour. "
        "Nothing was done.",
    ),
    "too-late": Kind(409, "This delivery has ended already.", "Nothing is to be done: see its `status`."),
    "limit-reached": Kind(
        409,
        "This API key has as many of these as a key may have.",
        "DELETE one that isn't needed; `detail` says how many a key may have.",
    ),
    "webhook-disabled": Kind(
        409,
        "This webhook is disabled.",
        "When it works again, POST /api/v1/webhooks/{id}/recover enables it and sends what it has missed since a time.",
    ),
    "body-too-large": Kind(413, "The body is too large.", "Send at most 64 kB."),
    "unsupported-media-type": Kind(
        415, "The body is not JSON.", "Send it with the header Content-Type: application/json."
    ),
    "address-not-allowed": Kind(
        422,
        "Events may not be sent to this address.",
        "Use an https address that is reachable from the internet, or ask the people who run the bot to allow its "
        "network by OUTBOUND_ALLOWED_NETWORKS.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "This Idempotency-Key was sent with another body.",
        "Use a new key for each new order, and the same key only to repeat the same order.",
    ),
    "too-many-calls": Kind(
        429, "This API key has made too many calls.", "Wait for as many seconds as Retry-After says."
    ),
    "body-incomplete": Kind(
        400, "The body ended before its announced length.", "Send the whole body, or no Content-Length."
    ),
    "signature-invalid": Kind(
        403,
        "The signature of this call is missing or wrong.",
        "Send X-Hub-Signature-256: sha256=<hex>, the HMAC-SHA-256 of the raw body with the hook's secret.",
    ),
    "hook-called-too-often": Kind(
        429, "This hook was called too often.", "Wait for as many seconds as Retry-After says."
    ),
    "webex-refused": Kind(
        502, "Webex refused what was needed.", "`detail` says what Webex answered. Repeating it won't help by itself."
    ),
    "busy": Kind(
        503,
        "The answer was not there in time.",
        "Repeat the call after as many seconds as Retry-After says, with the same Idempotency-Key. If it stays so, "
        "Webex is slow or the bot's worker isn't running; `reportbot doctor` tells the people who run the bot which.",
    ),
    "unavailable": Kind(
        503, "The bot's database can't be reached.", "Repeat the call after as many seconds as Retry-After says."
    ),
    "internal-error": Kind(
        500, "Something went wrong in the bot.", "Give the people who run the bot the `reference`; the log has it."
    ),
}


class Problem(Exception):
    """An error that the caller is told."""

    def __init__(self, name: str, detail: str = "", *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(name)
        self.name = name
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return KINDS[self.name].status

    def response(self, base: str) -> Response:
        """Return the answer; ``base``: the address of the pages about errors."""
        kind = KINDS[self.name]
        body = {"type": f"{base}/{self.name}", "title": kind.title, "status": kind.status}
        body |= {"detail": self.detail} if self.detail else {}
        answer = Response(json.dumps(body | self.more), kind.status, self.headers, content_type=CONTENT_TYPE)
        if kind.status == 401:  # noqa: PLR2004 the one that RFC 9110 wants it with
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def faults(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return what pydantic found wrong, without what was sent: it may be a secret in the wrong place."""
    return [
        {"at": ".".join(str(one) for one in error["loc"]) or "body", "message": str(error["msg"])} for error in errors
    ]
