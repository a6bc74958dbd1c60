"""Pages of a list, as Webex gives them: `max`, and a `Link` header to what follows."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request

from bot.emulator.problems import Refusal
from bot.emulator.request import world

MOST = 1000


def page(items: Sequence[Any], default: int = 100, most: int = MOST) -> Response:
    """One page of `items`, at most so many; `cursor` in the `Link` address is the place where the next begins."""
    wanted = _number("max", default)
    if not 1 <= wanted <= most:
        raise Refusal(400, f"max must be between 1 and {most}.")
    start = _number("cursor", 0)
    end = start + min(wanted, world().page_size)
    answer = jsonify({"items": list(items[start:end])})
    if end < len(items):
        query = {**request.args, "cursor": str(end)}
        answer.headers["Link"] = f'<{request.base_url}?{urlencode(query)}>; rel="next"'
    return answer


def _number(name: str, default: int) -> int:
    value = request.args.get(name, str(default))
    if not value.isdecimal():
        raise Refusal(400, f"{name} must be a number.")
    return int(value)
