"""A refusal in Webex's own words: one exception that every handler raises and one place turns into an answer."""

import uuid
from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """Webex refuses a call: HTTP status, a sentence, and headers such as `Retry-After`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def tracking_id() -> str:
    """Return what Cisco's support asks for; a fresh one for every answer."""
    return f"ROUTERGW_{uuid.uuid4()}"


def error_body(message: str, tracking: str) -> dict[str, Any]:
    """Return the body of every Webex error."""
    return {"message": message, "errors": [{"description": message}], "trackingId": tracking}


UNKNOWN = "The requested resource could not be found."
BAD_TOKEN = "The request requires a valid access token set in the Authorization request header."
NOT_ALLOWED = "The server understood the request, but refused to fulfill it because the access token is missing "


def missing_scope(*scopes: str) -> Refusal:
    """403: the token lacks one of these scopes."""
    return Refusal(403, f"{NOT_ALLOWED}required scopes: {', '.join(scopes)}.")


def missing_role(role: str) -> Refusal:
    """403: the token's person lacks a role."""
    return Refusal(403, f"{NOT_ALLOWED}a required role: {role}.")


def not_found(what: str = "") -> Refusal:
    """404 in Webex's wording."""
    return Refusal(404, f"{UNKNOWN} {what}".strip())
