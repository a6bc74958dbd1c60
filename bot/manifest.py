"""What must exist in Webex for the bot, as data, and how to get there.

``manifest/*.yaml`` says what is wanted, Webex says what exists, ``plan`` returns the difference (pure), and
``webex/webhooks.py`` applies it. Only webhooks whose name begins with the manifest's mark are the bot's; no other is
ever touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from bot.errors import BotError, WebexError

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVE: Final = "active"
PACKAGED: Final = Path(__file__).parent / "_manifest"
"""Where an installed wheel has the files; in the repository they are beside the package."""


class ManifestUnreadable(BotError):
    """The manifest cannot be read."""


@dataclass(frozen=True, slots=True)
class Existing:
    """A webhook as Webex shows it; ``secret`` is None when it is not shown."""

    id: str
    name: str
    target_url: str
    resource: str
    event: str
    filter: str = ""
    status: str = ACTIVE
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook that must be there; ``name`` holds the mark."""

    name: str
    resource: str
    event: str
    filter: str
    why: str

    def fits(self, hook: Existing) -> bool:
        """Return True when resource, event and filter, which cannot be changed, are the wanted ones."""
        return (hook.resource, hook.event, hook.filter) == (self.resource, self.event, self.filter)


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope of the admin token; ``family`` is empty when every installation needs it."""

    scope: str
    family: str
    why: str
    role: str
    writing: bool = False
    """Only running and deleting reports needs it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The three files, read."""

    bot_name: str
    path: str
    """Path of the webhook's address under ``PUBLIC_URL``, with its leading slash."""
    mark: str
    webhooks: tuple[Wanted, ...]
    scopes: tuple[Scope, ...]


class Kind(StrEnum):
    """What to do with one webhook."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One step from what there is to what is wanted."""

    kind: Kind
    name: str
    why: str
    wanted: Wanted | None = None
    """What to create, or to update to."""
    webhook_id: str = ""
    """Which one to update or delete."""
    sure: bool = True
    """False when the two may be the same already: Webex did not show the secret, so it is sent again."""


class Failure(NamedTuple):
    """A change that could not be made."""

    change: Change
    sentence: str


@cache
def read(folder: Path | None = None) -> Manifest:
    """Read the manifest, once a process; raises ``ManifestUnreadable`` with the file's name."""
    folder = folder or (PACKAGED if PACKAGED.is_dir() else Path(__file__).parent.parent / "manifest")
    name = ""
    try:
        name = "bot.yaml"
        bot = _load(folder / name)
        name = "webhooks.yaml"
        hooks = _load(folder / name)
        mark, path = str(hooks["mark"]), str(hooks["path"])
        if not mark.strip() or not path.startswith("/"):
            raise ManifestUnreadable(f"{folder / name}: mark must not be empty, and path must begin with a slash.")
        wanted = tuple(
            Wanted(
                name=f"{mark}{one['name']}",
                resource=one["resource"],
                event=one["event"],
                filter=one.get("filter", ""),
                why=one.get("why", ""),
            )
            for one in hooks["webhooks"]
        )
        name = "scopes.yaml"
        scopes = tuple(
            Scope(one["scope"], one.get("family", ""), one["why"], one["role"], one.get("writing", False))
            for one in _load(folder / name)["scopes"]
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as exc:
        raise ManifestUnreadable(f"{folder / name} cannot be read ({type(exc).__name__}: {exc}).") from exc
    return Manifest(str(bot["name"]), path, mark, wanted, scopes)


def _load(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError("not a mapping")
    return found


def plan(manifest: Manifest, target_url: str, secret: str, actual: Sequence[Existing]) -> list[Change]:
    """Return the changes to make: deletions first, then updates, then creations.

    A webhook is kept when resource, event and filter are as wanted, since only the rest can be changed by PUT.
    """
    ours = [hook for hook in actual if hook.name.startswith(manifest.mark)]
    deletes, updates, creates, kept = [], [], [], set()
    for wanted in manifest.webhooks:
        same = [hook for hook in ours if hook.name == wanted.name and wanted.fits(hook)]
        if not same:
            creates.append(Change(Kind.CREATE, wanted.name, f"{wanted.resource}/{wanted.event}: {wanted.why}", wanted))
            continue
        best = min(same, key=lambda hook: (hook.target_url != target_url, hook.status != ACTIVE, hook.id))
        kept.add(best.id)
        differing = _differing(best, target_url, secret)
        if differing:
            updates.append(Change(Kind.UPDATE, wanted.name, f"{' and '.join(differing)} changed", wanted, best.id))
        elif best.secret is None:
            why = "Webex doesn't show its secret, so it is sent again"
            updates.append(Change(Kind.UPDATE, wanted.name, why, wanted, best.id, sure=False))
    names = {wanted.name for wanted in manifest.webhooks}
    for hook in ours:
        if hook.id not in kept:
            twice = any(one.id in kept and one.name == hook.name for one in ours)
            why = (
                "duplicate"
                if twice
                else "resource, event or filter changed"
                if hook.name in names
                else "no longer used"
            )
            deletes.append(Change(Kind.DELETE, hook.name, why, webhook_id=hook.id))
    return deletes + updates + creates


def _differing(hook: Existing, target_url: str, secret: str) -> list[str]:
    found = []
    if hook.target_url != target_url:
        found.append("targetUrl")
    if hook.status != ACTIVE:
        found.append("status")
    if hook.secret is not None and hook.secret != secret:
        found.append("secret")
    return found


def sentence_of(error: WebexError) -> str:
    """Return what to do about a webhook that Webex refused."""
    if error.status != HTTPStatus.CONFLICT:
        return error.sentence
    return "Another webhook of this bot, under another name, sends the same event to the same address: delete that one."
