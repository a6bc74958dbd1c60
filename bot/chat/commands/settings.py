"""``settings``: a space's time zone, the format of its files, and where answers stand; in a 1:1 space the person's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.access.policy import Action
from bot.chat.registry import registry
from bot.chat.time_zones import zone_named, zones_near
from bot.db import audit, space_settings
from bot.db.space_settings import FileFormat, Placement
from bot.messages.help import Group
from bot.messages.space_settings import (
    FILE_FORMAT,
    PLACEMENT,
    SAVE,
    TIME_ZONE,
    choose_zone,
    saved,
    settings_card,
    settings_text,
    unknown_setting,
    unknown_zone,
)
from bot.text import escape_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.chat.invocation import Invocation
    from bot.db.space_settings import SpaceSettings

_NAMES: Final = {
    TIME_ZONE: ("time zone", "timezone", "zone", "tz", "time"),
    FILE_FORMAT: ("file format", "format", "files", "file"),
    PLACEMENT: ("placement", "answers", "answer", "replies"),
}
"""What people may call a setting; the longest first."""
_FORMATS: Final = {
    **{one.value: one for one in FileFormat},
    "excel": FileFormat.XLSX,
    "unzipped": FileFormat.CSV,
    "as it comes": FileFormat.ORIGINAL,
    "as webex makes them": FileFormat.ORIGINAL,
    "default": FileFormat.ORIGINAL,
}
_PLACEMENTS: Final = {
    **{one.value: one for one in Placement},
    "threads": Placement.THREAD,
    "in the thread": Placement.THREAD,
    "top": Placement.TOP_LEVEL,
    "top-level": Placement.TOP_LEVEL,
    "at the top level": Placement.TOP_LEVEL,
    "space": Placement.TOP_LEVEL,
}
_PASSED_OVER: Final = frozenset({"to", "as", "in", "is", "use"})
"""Words between a setting and its value: "format to csv"."""


class _Unknown(Exception):
    """Words that name no setting, or no value of one."""


class _UnknownZone(Exception):
    """Words that name no time zone, or several."""

    def __init__(self, words: str, near: list[str]) -> None:
        super().__init__(words)
        self.words = words
        self.near = near


@registry.command(
    "settings",
    usage="settings",
    summary="Choose the time zone, the file format, and where answers go.",
    group=Group.MANAGE,
    examples=(
        "settings time zone Europe/Berlin",
        *("settings format xlsx", "settings format csv", "settings format zip"),
        "settings placement top level",
    ),
)
def settings(invocation: Invocation) -> None:
    """Show the settings of the space where it is asked, or change them.

    In a group space they are for everybody, so only who may run and delete reports may change them.
    """
    rest = invocation.rest
    if not rest:
        _show(invocation)
        return
    invocation.authorize(Action.LIST if invocation.direct else Action.CONFIGURE)
    entered = invocation.inputs if rest == (SAVE,) else None
    chosen = _chosen(invocation)
    try:
        wanted = changed(chosen, rest) if entered is None else _entered(chosen, entered)
    except _UnknownZone as unknown:
        if entered is not None and not invocation.trail.direct_only:
            said = settings_card(chosen, direct=invocation.direct, entered=entered, near=unknown.near)
            invocation.say("settings", *said)
        elif unknown.near and not invocation.trail.direct_only:
            invocation.say("settings", *choose_zone(unknown.words, unknown.near))
        else:
            invocation.say("settings", unknown_zone(unknown.words, unknown.near))
    except _Unknown:
        invocation.say("settings", unknown_setting(" ".join(rest), _space_elsewhere(invocation)))
    else:
        with invocation.services.database.begin() as tx:
            whose = invocation.person_id if invocation.direct else None
            space_settings.save(tx, invocation.room_id, wanted, invocation.services.now(), person_id=whose)
        invocation.trail.outcome = audit.CHANGED
        invocation.say("settings", *saved(wanted, direct=invocation.direct, space=_space_elsewhere(invocation)))


def _show(invocation: Invocation) -> None:
    invocation.authorize(Action.LIST)
    chosen = _chosen(invocation)
    if space := _space_elsewhere(invocation):  # a form there would change the settings of the 1:1 space
        invocation.say("settings", settings_text(chosen, direct=invocation.direct, space=space))
    else:
        invocation.say("settings", *settings_card(chosen, direct=invocation.direct))


def _space_elsewhere(invocation: Invocation) -> str:
    """Return the space whose settings are meant, where the answer is read elsewhere, else nothing."""
    if invocation.direct or not invocation.trail.direct_only:
        return ""
    name = invocation.space_names([invocation.room_id]).get(invocation.room_id)
    return f"**{escape_markdown(name)}**" if name else "that space"


def _chosen(invocation: Invocation) -> SpaceSettings:
    with invocation.services.database.read() as tx:
        return space_settings.get(tx, invocation.room_id)


def changed(chosen: SpaceSettings, words: tuple[str, ...]) -> SpaceSettings:
    """Return settings with what was typed after the command: ``format xlsx``, or only ``xlsx``.

    Raises ``_Unknown`` and ``_UnknownZone``.
    """
    said = " ".join(words)
    for setting, names in _NAMES.items():
        for name in names:
            if f"{said.casefold()} ".startswith(f"{name} "):
                value = said[len(name) :].split()
                while value and value[0].casefold() in _PASSED_OVER and len(value) > 1:
                    del value[0]
                return _with(chosen, setting, " ".join(value))
    for setting in (FILE_FORMAT, PLACEMENT):
        try:
            return _with(chosen, setting, said)
        except _Unknown:
            continue
    exact = zone_named(said)
    if exact is None:
        raise _Unknown
    return replace(chosen, time_zone=exact)


def _entered(chosen: SpaceSettings, inputs: Mapping[str, str]) -> SpaceSettings:
    """Return settings with what was entered in the form; a field that is empty or missing stays as it was."""
    for setting in _NAMES:
        if value := inputs.get(setting, "").strip():
            chosen = _with(chosen, setting, value)
    return chosen


def _with(chosen: SpaceSettings, setting: str, value: str) -> SpaceSettings:
    word = value.casefold()
    if setting == FILE_FORMAT and word in _FORMATS:
        return replace(chosen, file_format=_FORMATS[word])
    if setting == PLACEMENT and word in _PLACEMENTS:
        return replace(chosen, placement=_PLACEMENTS[word])
    if setting != TIME_ZONE or not value:
        raise _Unknown
    zone = zone_named(value)
    if zone is None:
        raise _UnknownZone(value, zones_near(value))
    return replace(chosen, time_zone=zone)
