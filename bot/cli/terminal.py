"""Print lines for a person at a terminal: without secrets, and without control characters from foreign text."""

from __future__ import annotations

import contextlib
import os
import sys

from bot.logs import escape_control_characters, mask, redact
from bot.text import folded, one_line, strip_markdown

LONGEST_LINE = 600
"""Characters of one sentence; only the reason of a failure can be long."""


def say(line: str) -> None:
    """Print a line, which may contain names from Webex."""
    print(escape_control_characters(mask(line)), flush=True)


def say_with_links(line: str) -> None:
    """Print a line with links that the bot made; ``mask`` would hide their queries, since Webex's contain tokens."""
    print(escape_control_characters(redact(line)), flush=True)


def print_errors(*lines: str) -> None:
    """Print lines to stderr."""
    print(*(escape_control_characters(mask(line)) for line in lines), sep="\n", file=sys.stderr)


def discard_output() -> None:
    """Send what Python still flushes at its end to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a stream of a test has no descriptor
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def plain(sentence: str) -> str:
    """Return a sentence of a message as a terminal shows it."""
    return one_line(folded(strip_markdown(sentence)), LONGEST_LINE)
