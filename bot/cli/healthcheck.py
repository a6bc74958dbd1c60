"""``python -m bot.cli.healthcheck web|worker``: exit code 0 while that process of this container is alive.

A container runs it every half minute, so it imports neither the settings nor the database, and asks neither: what only
a database or Webex can cure, a restart does not.
"""

from __future__ import annotations

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bot.process import is_working

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWER_TIMEOUT: Final = 4.0
"""Seconds for an answer of the web process; less than the container's own limit."""
ALIVE: Final = 0
DEAD: Final = 1
WRONG_CALL: Final = 2


def main(arguments: Sequence[str]) -> int:
    """Check the process that is named, and return the exit code."""
    match list(arguments):
        case ["web"]:
            return ALIVE if _answers(int(os.environ.get("PORT") or 8000)) else DEAD
        case ["worker"]:
            return ALIVE if is_working(Path(os.environ.get("DATA_DIR") or "data")) else DEAD
    sys.stderr.write("usage: python -m bot.cli.healthcheck web|worker\n")
    return WRONG_CALL


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
