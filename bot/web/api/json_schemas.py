"""Say in JSON schema which names go together: what a model's validator refuses stands in the document too."""

from __future__ import annotations

from typing import Any


def either(one: str, other: str) -> dict[str, Any]:
    """Return the JSON schema of an object that has one of two texts and not the other."""

    def only(name: str, without: str) -> dict[str, Any]:
        return {"required": [name], "properties": {name: {"type": "string"}, without: {"type": "null"}}}

    return {"oneOf": [only(one, other), only(other, one)]}


def both_or_none(*names: str) -> dict[str, Any]:
    """Return the JSON schema of an object that has all of these texts, or none of them."""
    return {
        "oneOf": [
            {"required": list(names), "properties": {name: {"type": "string"} for name in names}},
            {"properties": {name: {"type": "null"} for name in names}},
        ]
    }
