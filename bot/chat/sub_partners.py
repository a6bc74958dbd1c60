"""Find the sub-partner organization for whose reports Webex is asked: ``new calling usage for <organization ID>``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.messages.report_form import ORGANIZATION
from bot.webex.ids import decoded, organization_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.chat.invocation import Invocation

BEFORE: Final = frozenset({"for", "of", "org", "organization", "sub-partner", "subpartner"})
"""Words before an organization's ID, which belong to it. A bare UUID is one only after them."""


def with_organization(invocation: Invocation) -> Invocation:
    """Return an invocation with the organization that its words or its form name, and without those words."""
    found, rest = take_organization(invocation.rest)
    if ORGANIZATION in invocation.inputs:
        found = organization_id(invocation.inputs[ORGANIZATION])
    return replace(invocation, rest=rest, on_behalf_of=found)


def take_organization(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the ID of the organization that the words name, empty for none, and the other words."""
    for place, word in enumerate(words):
        start = place
        while start and words[start - 1].casefold() in BEFORE:
            start -= 1
        if (decoded(word) or start < place) and (found := organization_id(word)):
            return found, (*words[:start], *words[place + 1 :])
    return "", tuple(words)
