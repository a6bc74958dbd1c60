"""Read the body of a call as a whole, or say what is wrong with it."""

from __future__ import annotations

from flask import request
from gunicorn.http.errors import ParseException

from bot.web.api.problems import Problem
from bot.web.webhook import MAX_BODY


def whole_body() -> bytes:
    """Return the whole body, also one that comes in chunks. Raises ``Problem`` where it is too large or breaks off."""
    try:
        body = request.get_data()
    except ParseException as error:  # chunks or trailers that are none
        raise Problem("body-incomplete") from error
    announced = request.content_length
    if announced is None and len(body) >= MAX_BODY:  # the library cuts a body without a length
        raise Problem("body-too-large")
    if announced is not None and len(body) != announced:
        raise Problem("body-incomplete")
    return body
