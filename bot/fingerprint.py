"""By its fingerprint a message of ours is known again, when the answer to its post was lost."""

from __future__ import annotations

import re
from hashlib import sha256
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.webex.types import Message

LENGTH = 16
"""Characters of a fingerprint: it tells a post from the others in one thread, and from nobody else's."""

_ENTITY = re.compile(r"&#?\w+;")  # only whole ones: browsers also take some without the semicolon, markdown none
_LEADS_TO = re.compile(r"\]\([^()\s]*\)")


def is_said_by(message: Message, said: frozenset[str]) -> bool:
    """Whether a message has the words of one of these fingerprints.

    ``text`` is rendered: what looks like an entity in it may be the letters of one.
    """
    shown = (message.text, message.markdown, message.html)
    return any(fingerprint(one) in said for one in shown if one) or _of_letters(message.text) in said


def fingerprint(markdown: str) -> str:
    """By this a text is known again: letters and digits are what markdown and Webex's rendering of it have in common.

    Where a link leads is not among them; its words are.
    """
    return _of_letters(_ENTITY.sub(lambda one: unescape(one[0]), _LEADS_TO.sub("]", markdown)))


def _of_letters(shown: str) -> str:
    letters = "".join(letter for letter in shown if letter.isalnum())
    return sha256(letters.encode(errors="replace")).hexdigest()[:LENGTH]
