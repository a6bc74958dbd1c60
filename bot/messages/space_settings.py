"""The card with a space's settings, and what is said when they are changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.db.space_settings import UTC, FileFormat, Placement
from bot.messages.elements import button, card, facts, text
from bot.text import escape_card, escape_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.db.space_settings import SpaceSettings
    from bot.webex.types import Card

TIME_ZONE, FILE_FORMAT, PLACEMENT = "time_zone", "file_format", "placement"
"""Names of the form's fields."""
SAVE: Final = "save"
"""The argument of the form's button."""
FORMATS: Final = {
    FileFormat.ORIGINAL: "As Webex makes them",
    FileFormat.CSV: "CSV",
    FileFormat.ZIP: "Zip",
    FileFormat.XLSX: "Excel (XLSX)",
}
PLACEMENTS: Final = {
    Placement.THREAD: "In the thread of the request",
    Placement.TOP_LEVEL: "At the top level of the space",
}
HOW_TO_TYPE: Final = (
    "Type `settings time zone Europe/Berlin`, `settings format csv` (or `zip`, `xlsx`, `original`), "
    "`settings placement top level` (or `thread`)."
)
NO_ZONE: Final = "“{}” isn't a time zone that I know."
ITS_DAYS: Final = "“yesterday” and “last month” go by the days of this time zone; times are shown in UTC."
LONGEST_WORDS: Final = 60


def settings_card(
    chosen: SpaceSettings, *, direct: bool, entered: Mapping[str, str] | None = None, near: Sequence[str] = ()
) -> tuple[str, Card]:
    """Return the settings as a form.

    ``entered``: what was entered before, of which the time zone is unknown; ``near``: those that may be meant.
    """
    values = {TIME_ZONE: chosen.time_zone, FILE_FORMAT: chosen.file_format.value, PLACEMENT: chosen.placement.value}
    values |= {name: value for name, value in (entered or {}).items() if name in values and value}
    said = settings_text(chosen, direct=direct)
    if entered is not None:
        said = f"{unknown_zone(values[TIME_ZONE], near)}\n\n{said}"
    body = [
        text(title(direct=direct), size="Medium", weight="Bolder"),
        text(_for_whom(direct=direct), isSubtle=True, size="Small", spacing="None"),
        text("Time zone"),
        *([text(_unknown(escape_card(values[TIME_ZONE], LONGEST_WORDS), near), color="Attention")] if entered else []),
        {
            "type": "Input.Text",
            "id": TIME_ZONE,
            "value": values[TIME_ZONE],
            "placeholder": "Europe/Berlin",
            "maxLength": LONGEST_WORDS,
            "spacing": "Small",
        },
        text(ITS_DAYS, isSubtle=True, size="Small", spacing="Small"),
        text("Files"),
        _choice(FILE_FORMAT, {one.value: words for one, words in FORMATS.items()}, values),
        text("Answers"),
        _choice(PLACEMENT, {one.value: words for one, words in PLACEMENTS.items()}, values),
    ]
    return said, card(body, [button("Save", "settings", SAVE)], instead=said)


def _choice(name: str, choices: Mapping[str, str], values: Mapping[str, str]) -> dict[str, Any]:
    listed = [{"title": words, "value": value} for value, words in choices.items()]
    value = values[name] if values[name] in choices else next(iter(choices))
    return {
        "type": "Input.ChoiceSet", "id": name, "style": "compact", "choices": listed, "value": value, "spacing": "Small"
    }  # fmt: skip


def settings_text(chosen: SpaceSettings, *, direct: bool, space: str = "") -> str:
    """Return the settings as lines, and how each is changed; ``space``: whose they are, where it is read elsewhere."""
    lines = [f"- {name}: {value}" for name, value in _named(chosen)]
    head = f"Settings of {space}" if space else f"**{title(direct=direct)}**"
    return "\n".join([head, "", *lines, "", how_to_type(space)])


def how_to_type(space: str = "") -> str:
    """Return how settings are changed by words; typed elsewhere than in the space they would change other ones."""
    return f"In {space}, t{HOW_TO_TYPE[1:]}" if space else HOW_TO_TYPE


def saved(chosen: SpaceSettings, *, direct: bool, space: str = "") -> tuple[str, Card | None]:
    """Return what is said when settings were saved: all of them, and a button to change them; ``space`` as above."""
    whose = "Your settings are saved" if direct else f"The settings of {space or 'this space'} are saved"
    named = "; ".join(f"{name.lower()}: {value}" for name, value in _named(chosen))
    body = [text(f"{whose}.", weight="Bolder"), facts((name, escape_card(value)) for name, value in _named(chosen))]
    said = f"{whose}. {named}."
    if chosen.time_zone != UTC:
        body.append(text(ITS_DAYS, isSubtle=True, size="Small"))
        said = f"{said} {ITS_DAYS}"
    return said, None if space else card(body, [button("Change", "settings")], instead=said)


def _named(chosen: SpaceSettings) -> list[tuple[str, str]]:
    return [
        ("Time zone", chosen.time_zone),
        ("Files", FORMATS[chosen.file_format]),
        ("Answers", PLACEMENTS[chosen.placement]),
    ]


def title(*, direct: bool) -> str:
    """Return what the settings are called."""
    return "Your settings" if direct else "Settings of this space"


def _for_whom(*, direct: bool) -> str:
    return (
        "For what you ask me directly." if direct else "For what anyone asks here. Full administrators can change them."
    )


def unknown_zone(words: str, near: Sequence[str]) -> str:
    """Return what is said to a time zone that does not exist, or to a city that is in several."""
    return _unknown(escape_markdown(words, LONGEST_WORDS), near)


def _unknown(words: str, near: Sequence[str]) -> str:
    if near:
        return f"{NO_ZONE.format(words)} Did you mean {' or '.join(f'**{one}**' for one in near)}?"
    return f"{NO_ZONE.format(words)} Use a name such as **Europe/Berlin** or **America/New York**."


def unknown_setting(words: str, space: str = "") -> str:
    """Return what is said to words that name no setting, or no value of one; ``space`` as above."""
    return f"I didn't understand “{escape_markdown(words, LONGEST_WORDS)}”. {how_to_type(space)}"


def choose_zone(words: str, near: Sequence[str]) -> tuple[str, Card]:
    """Return the same with a button for each zone that may be meant."""
    said = unknown_zone(words, near)
    buttons = [button(one.replace("_", " "), "settings", f"time zone {one}") for one in near]
    which = "this one" if len(near) == 1 else "one of these"
    asked = f"{NO_ZONE.format(escape_card(words, LONGEST_WORDS))} Did you mean {which}?"
    return said, card([text(asked)], buttons, instead=said)
