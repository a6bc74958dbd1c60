"""Which cards Webex takes: Adaptive Cards up to version 1.3, without what later versions or Teams added.

The table lists, for each element that a bot may use, every field that 1.3 knows and what its value must be; a card
that declares an older version may not have what 1.3 added. It is
stricter than Webex, which drops some unknown fields in silence: a field that is dropped is a mistake all the same.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_CARD_BYTES = 22 * 1024
VERSIONS = ("1.0", "1.1", "1.2", "1.3")
CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"

Check = Callable[[Any, str], list[str]]


def _text(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, str) else [f"{where} must be a text"]


def _flag(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, bool) else [f"{where} must be true or false"]


def _number(value: Any, where: str) -> list[str]:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return [] if good else [f"{where} must be a number"]


def _pixels(value: Any, where: str) -> list[str]:
    good = isinstance(value, str) and re.fullmatch(r"\d+px", value)
    return [] if good else [f"{where} must be pixels, as 50px"]


def _anything(value: Any, where: str) -> list[str]:
    del value, where
    return []


def _one_of(*allowed: str) -> Check:
    known = {word.lower() for word in allowed}  # 1.3 compares without regard to case

    def check(value: Any, where: str) -> list[str]:
        if isinstance(value, str) and value.lower() in known:
            return []
        return [f"{where} must be one of {', '.join(allowed)}, not {value!r}"]

    return check


def _either(*checks: Check) -> Check:
    def check(value: Any, where: str) -> list[str]:
        found = [one(value, where) for one in checks]
        return min(found, key=len)

    return check


def _each(check_one: Check) -> Check:
    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, list):
            return [f"{where} must be a list"]
        return [problem for n, item in enumerate(value) for problem in check_one(item, f"{where}[{n}]")]

    return check


def _part(*types: str, implied: str | None = None) -> Check:
    """Return an object whose `type` is one of these; `implied` when the type may be left out."""

    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where} must be an object"]
        name = value.get("type", implied)
        if name not in types:
            return [f"{where}: an element of type {name!r} is not allowed here"]
        return _fields(value, name, f"{where} ({name})")

    return check


def _run(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, str) else _part("TextRun")(value, where)


def _image_source(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, str) else _part("BackgroundImage", implied="BackgroundImage")(value, where)


def _target(value: Any, where: str) -> list[str]:
    if isinstance(value, str):
        return []
    return _part("TargetElement", implied="TargetElement")(value, where)


ELEMENTS = (
    "TextBlock",
    "RichTextBlock",
    "Container",
    "ColumnSet",
    "FactSet",
    "Image",
    "ImageSet",
    "ActionSet",
    "Input.Text",
    "Input.Number",
    "Input.Date",
    "Input.Time",
    "Input.Toggle",
    "Input.ChoiceSet",
)
ACTIONS = ("Action.Submit", "Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility")
SELECT_ACTIONS = ("Action.Submit", "Action.OpenUrl", "Action.ToggleVisibility")

_element = _part(*ELEMENTS)
_elements = _each(_element)
_action = _part(*ACTIONS)
_actions = _each(_action)
_select = _part(*SELECT_ACTIONS)
_columns = _each(_part("Column", implied="Column"))
_facts = _each(_part("Fact", implied="Fact"))
_images = _each(_part("Image", implied="Image"))
_choices = _each(_part("Input.Choice", implied="Input.Choice"))
_inlines = _each(_run)
_targets = _each(_target)
_card = _part("AdaptiveCard")
_input_action = _part("Action.Submit", "Action.OpenUrl", "Action.ToggleVisibility")

_color = _one_of("default", "dark", "light", "accent", "good", "warning", "attention")
_size = _one_of("default", "small", "medium", "large", "extraLarge")
_weight = _one_of("default", "lighter", "bolder")
_font = _one_of("default", "monospace")
_across = _one_of("left", "center", "right")
_down = _one_of("top", "center", "bottom")
_spacing = _one_of("default", "none", "small", "medium", "large", "extraLarge", "padding")
_block_height = _one_of("auto", "stretch")
_box_style = _one_of("default", "emphasis", "good", "attention", "warning", "accent")
_column_width = _either(_text, _number)
_fallback = _either(_one_of("drop"), _element, _action)

_COMMON: Mapping[str, Check] = {
    "type": _text,
    "id": _text,
    "isVisible": _flag,
    "separator": _flag,
    "spacing": _spacing,
    "height": _block_height,
    "fallback": _fallback,
    "requires": _anything,
}
_WORDS: Mapping[str, Check] = {
    "text": _text,
    "color": _color,
    "fontType": _font,
    "isSubtle": _flag,
    "size": _size,
    "weight": _weight,
}
_INPUT: Mapping[str, Check] = {**_COMMON, "isRequired": _flag, "label": _text, "errorMessage": _text}
_ACTION: Mapping[str, Check] = {
    "type": _text,
    "id": _text,
    "title": _text,
    "iconUrl": _text,
    "style": _one_of("default", "positive", "destructive"),
    "fallback": _fallback,
    "requires": _anything,
}
_BOX: Mapping[str, Check] = {
    **_COMMON,
    "style": _box_style,
    "bleed": _flag,
    "minHeight": _pixels,
    "selectAction": _select,
}

ADDED_IN_1_3: Mapping[str, frozenset[str]] = {
    "Input.Text": frozenset({"isRequired", "label", "errorMessage", "regex"}),
    **dict.fromkeys(
        ("Input.Number", "Input.Date", "Input.Time", "Input.Toggle", "Input.ChoiceSet"),
        frozenset({"isRequired", "label", "errorMessage"}),
    ),
    "TextRun": frozenset({"underline"}),
}
"""What a client that renders 1.2 does not know."""

FIELDS: Mapping[str, Mapping[str, Check]] = {
    "AdaptiveCard": {
        "$schema": _text,
        "type": _text,
        "version": _one_of(*VERSIONS),
        "body": _elements,
        "actions": _actions,
        "selectAction": _select,
        "fallbackText": _text,
        "backgroundImage": _image_source,
        "minHeight": _pixels,
        "speak": _text,
        "lang": _text,
        "verticalContentAlignment": _down,
    },
    "TextBlock": {**_COMMON, **_WORDS, "horizontalAlignment": _across, "maxLines": _number, "wrap": _flag},
    "RichTextBlock": {**_COMMON, "inlines": _inlines, "horizontalAlignment": _across},
    "TextRun": {
        "type": _text,
        **_WORDS,
        "highlight": _flag,
        "italic": _flag,
        "strikethrough": _flag,
        "underline": _flag,
        "selectAction": _select,
    },
    "Container": {**_BOX, "items": _elements, "verticalContentAlignment": _down, "backgroundImage": _image_source},
    "ColumnSet": {**_BOX, "columns": _columns, "horizontalAlignment": _across},
    "Column": {
        **_BOX,
        "items": _elements,
        "width": _column_width,
        "verticalContentAlignment": _down,
        "backgroundImage": _image_source,
    },
    "FactSet": {**_COMMON, "facts": _facts},
    "Fact": {"type": _text, "title": _text, "value": _text},
    "Image": {
        **_COMMON,
        "url": _text,
        "altText": _text,
        "backgroundColor": _text,
        "height": _either(_block_height, _pixels),
        "width": _pixels,
        "horizontalAlignment": _across,
        "size": _one_of("auto", "stretch", "small", "medium", "large"),
        "style": _one_of("default", "person"),
        "selectAction": _select,
    },
    "ImageSet": {**_COMMON, "images": _images, "imageSize": _one_of("auto", "stretch", "small", "medium", "large")},
    "ActionSet": {**_COMMON, "actions": _actions},
    "BackgroundImage": {
        "type": _text,
        "url": _text,
        "fillMode": _one_of("cover", "repeatHorizontally", "repeatVertically", "repeat"),
        "horizontalAlignment": _across,
        "verticalAlignment": _down,
    },
    "Input.Text": {
        **_INPUT,
        "placeholder": _text,
        "value": _text,
        "isMultiline": _flag,
        "maxLength": _number,
        "style": _one_of("text", "tel", "url", "email"),
        "regex": _text,
        "inlineAction": _input_action,
    },
    "Input.Number": {**_INPUT, "placeholder": _text, "value": _number, "min": _number, "max": _number},
    "Input.Date": {**_INPUT, "placeholder": _text, "value": _text, "min": _text, "max": _text},
    "Input.Time": {**_INPUT, "placeholder": _text, "value": _text, "min": _text, "max": _text},
    "Input.Toggle": {**_INPUT, "title": _text, "value": _text, "valueOn": _text, "valueOff": _text, "wrap": _flag},
    "Input.ChoiceSet": {
        **_INPUT,
        "choices": _choices,
        "isMultiSelect": _flag,
        "placeholder": _text,
        "style": _one_of("compact", "expanded"),
        "value": _text,
        "wrap": _flag,
    },
    "Input.Choice": {"type": _text, "title": _text, "value": _text},
    "Action.Submit": {**_ACTION, "data": _anything},
    "Action.OpenUrl": {**_ACTION, "url": _text},
    "Action.ShowCard": {**_ACTION, "card": _card},
    "Action.ToggleVisibility": {**_ACTION, "targetElements": _targets},
    "TargetElement": {"type": _text, "elementId": _text, "isVisible": _flag},
}

REQUIRED: Mapping[str, Sequence[str]] = {
    "AdaptiveCard": ("type",),
    "TextBlock": ("text",),
    "RichTextBlock": ("inlines",),
    "TextRun": ("text",),
    "Container": ("items",),
    "FactSet": ("facts",),
    "Fact": ("title", "value"),
    "Image": ("url",),
    "ImageSet": ("images",),
    "ActionSet": ("actions",),
    "BackgroundImage": ("url",),
    "Input.Text": ("id",),
    "Input.Number": ("id",),
    "Input.Date": ("id",),
    "Input.Time": ("id",),
    "Input.Toggle": ("id", "title"),
    "Input.ChoiceSet": ("id", "choices"),
    "Input.Choice": ("title", "value"),
    "Action.OpenUrl": ("url",),
    "Action.ShowCard": ("card",),
    "Action.ToggleVisibility": ("targetElements",),
    "TargetElement": ("elementId",),
}


def _fields(part: Mapping[str, Any], name: str, where: str) -> list[str]:
    known = FIELDS[name]
    found = [f"{where}: {field} is missing" for field in REQUIRED.get(name, ()) if field not in part]
    for field, value in part.items():
        if value is None:
            continue  # clients send every field that their classes have, and Webex takes it
        check = known.get(field)
        if check is None:
            found.append(f"{where}: 1.3 knows no field {field!r}")
        else:
            found.extend(check(value, f"{where}.{field}"))
    return found


def _ids(part: Any) -> list[str]:
    if isinstance(part, list):
        return [one for item in part for one in _ids(item)]
    if not isinstance(part, dict):
        return []
    own = [part["id"]] if isinstance(part.get("id"), str) and part.get("type") != "Action.Submit" else []
    return own + [one for key, value in part.items() if key != "data" for one in _ids(value)]


def _too_new(part: Any) -> list[str]:
    if isinstance(part, list):
        return [one for item in part for one in _too_new(item)]
    if not isinstance(part, dict):
        return []
    kind = part.get("type")
    added = ADDED_IN_1_3.get(kind, frozenset()) if isinstance(kind, str) else frozenset()
    used = {field for field, value in part.items() if value is not None}
    own = [f"{kind}: {field} is of version 1.3, and the card declares an older one" for field in sorted(added & used)]
    return own + [one for key, value in part.items() if key != "data" for one in _too_new(value)]


def problems(card: Any) -> list[str]:
    """Return everything that Webex would refuse in a card's content, in words; an empty list means it is taken."""
    found = _card(card, "card")
    if not isinstance(card, dict):
        return found
    if card.get("version") is None:
        found.append("card: version is missing")
    if card.get("version") in VERSIONS[:-1]:
        found.extend(_too_new(card))
    size = len(json.dumps(card, separators=(",", ":"), ensure_ascii=False).encode())
    if size > MAX_CARD_BYTES:
        found.append(f"card: {size} bytes are more than the {MAX_CARD_BYTES} that Webex takes")
    ids = _ids(card)
    found.extend(f"card: the id {one!r} is used twice" for one in sorted({one for one in ids if ids.count(one) > 1}))
    return found
