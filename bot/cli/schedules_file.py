"""The file of ``reportbot schedules export`` and ``import``: YAML, one entry for each subscription and schedule.

What is wrong in a file is told with its line, everything at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import yaml

from bot.db import api_keys
from bot.db.audit import is_pseudonym
from bot.db.origin import Kind, OriginState, PauseCause
from bot.reports import conditions
from bot.reports.periods import find_period
from bot.reports.recurrence import InvalidRecurrence, validated
from bot.text import strip_markdown
from bot.webex.ids import decoded, is_uuid
from bot.webex.report_families import Family
from bot.webex.types import DIRECT, GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.messages.names import Names

SECTIONS: Final = {"subscriptions": Kind.SUBSCRIPTION, "schedules": Kind.SCHEDULE}
FOR_PEOPLE: Final = ("owner_email", "space_name")
"""Names beside IDs, which are written and not read."""
HEAD: Final = (
    "# Subscriptions and schedules of the Webex report bot, for `reportbot schedules import`.",
    "# owner_email and space_name are for people: the IDs beside them count.",
)
WIDTH: Final = 120
LONGEST: Final = 1000
"""Letters of one value."""
_REFERENCE = re.compile(r"[a-z0-9]{4,32}")
_KEY = re.compile(rf"{api_keys.CALLER}[1-9][0-9]{{0,8}}")
_NULL: Final = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a file that is wrong."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One subscription or schedule of a file, as columns of its table."""

    kind: Kind
    line: int
    values: dict[str, Any]

    @property
    def reference(self) -> str:
        """Return its reference."""
        return str(self.values["reference"])


@dataclass(frozen=True, slots=True)
class _Field:
    """One key of an entry, and the column that it fills. ``read`` raises ``ValueError`` with a sentence."""

    key: str
    column: str
    read: Callable[[str], Any] = str
    default: Any = None
    required: bool = False


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text.casefold()):
        raise ValueError("a reference is eight small letters and digits, such as ujygvtra")
    return text.casefold()


def _is_id(text: str, kind: str) -> bool:
    return f"/{kind}/" in decoded(text) or is_uuid(text) or is_pseudonym(text)


def _owner(text: str) -> str:
    if not _KEY.fullmatch(text) and not _is_id(text, "PEOPLE"):
        raise ValueError("this isn't the ID of a person, as Webex's API gives it, nor an API key such as key:1")
    return text


def _space(text: str) -> str:
    if not _is_id(text, "ROOM"):
        raise ValueError("this isn't the ID of a space, as Webex's API gives it")
    return text


def _one_of(*values: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"it's one of: {', '.join(values)}")
        return text

    return read


def _yes(text: str) -> bool:
    return _one_of("true", "false")(text.casefold()) == "true"


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write a time like 2026-11-30T08:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _period(text: str) -> str:
    period, rest = find_period(text.split(), datetime.now(UTC).date())
    if period is None or rest:
        raise ValueError("I don't know this period. Write, for example, last week or last month")
    return text


def _only_if(text: str) -> str:
    try:
        only_if, rest = conditions.parse(["only", "if", *text.split()])
    except conditions.UnknownCondition as error:
        raise ValueError(strip_markdown(error.sentence)) from None
    if only_if is None or rest:
        raise ValueError(f"I don't know this condition: {' '.join(rest)}")
    return only_if


_FAMILY: Final = _one_of(*Family)
_SHARED: Final = (
    _Field("reference", "reference", _reference, required=True),
    _Field("owner", "person_id", _owner, required=True),
    _Field("space", "room_id", _space, required=True),
    _Field("space_type", "room_type", _one_of(GROUP, DIRECT), default=GROUP),
    _Field("state", "state", _one_of(OriginState.ACTIVE, OriginState.PAUSED), default=OriginState.ACTIVE.value),
    _Field("pause_cause", "pause_cause", _one_of(*PauseCause)),
    _Field("reason", "reason"),
)
_FIELDS: Final = {
    Kind.SUBSCRIPTION: (
        *_SHARED,
        _Field("words", "words", default=""),
        _Field("family", "family", _FAMILY),
        _Field("region", "region"),
        _Field("on_behalf_of", "on_behalf_of"),
        _Field("card_only", "card_only", _yes, default=False),
        _Field("muted_until", "muted_until", _time),
    ),
    Kind.SCHEDULE: (
        *_SHARED,
        _Field("name", "name"),
        _Field("note", "note"),
        _Field("family", "family", _FAMILY, required=True),
        _Field("template", "template_id", required=True),
        _Field("title", "title", required=True),
        _Field("region", "region"),
        _Field("sites", "sites"),
        _Field("on_behalf_of", "on_behalf_of"),
        _Field("period", "period", _period),
        _Field("rrule", "rrule", required=True),
        _Field("dtstart", "dtstart", required=True),
        _Field("time_zone", "time_zone", required=True),
        _Field("takes_time_zone", "takes_time_zone", _yes, default=False),
        _Field("only_if", "only_if", _only_if),
    ),
}


def columns_of(row: Subscription | Schedule) -> dict[str, Any]:
    """Return what a file says of a row, by column."""
    values = {one.column: getattr(row, one.column) for one in _FIELDS[row.origin.kind]}
    if row.state is OriginState.ACTIVE:  # one that has resumed by itself knows yet why it was paused
        values |= {"pause_cause": None, "reason": None}
    return values


def written(rows: Sequence[Subscription | Schedule], names: Names) -> Iterator[str]:
    """Yield the lines of a file with these rows."""
    yield from HEAD
    for section, kind in SECTIONS.items():
        entries = [_in_yaml(row, names) for row in rows if row.origin.kind is kind]
        dumped = yaml.safe_dump({section: entries}, sort_keys=False, allow_unicode=True, width=WIDTH)
        yield ""
        yield from dumped.splitlines()


def _in_yaml(row: Subscription | Schedule, names: Names) -> dict[str, Any]:
    values: dict[str, Any] = {}
    columns = columns_of(row)
    for one in _FIELDS[row.origin.kind]:
        value = columns[one.column]
        if value == one.default and not one.required:
            continue
        values[one.key] = value.value if isinstance(value, StrEnum) else value
        if isinstance(value, datetime):
            values[one.key] = value.isoformat()
        if one.key == "owner" and (address := names.address(row.person_id)):
            values["owner_email"] = address
        if one.key == "space" and row.room_type == GROUP and (name := names.spaces.get(row.room_id)):
            values["space_name"] = name
    return values


@dataclass(slots=True)
class _Reader:
    """Reads a file, and collects what is wrong with it."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, node: yaml.Node, sentence: str) -> None:
        self.faults.append(Fault(node.start_mark.line + 1, sentence))

    def file(self, root: yaml.Node | None) -> None:
        if not isinstance(root, yaml.MappingNode):
            sections = " and ".join(SECTIONS)
            self.faults.append(Fault(1, f"The file has no {sections}."))
            return
        for name, node in self._pairs(root, SECTIONS):
            if isinstance(node, yaml.SequenceNode):
                for item in node.value:
                    self._entry(SECTIONS[name], item)
            elif node.tag != _NULL:
                self.fault(node, f"{name}: This must be a list.")

    def _entry(self, kind: Kind, node: yaml.Node) -> None:
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"Each {kind.value} must have keys and values.")
            return
        before = len(self.faults)
        fields = {one.key: one for one in _FIELDS[kind]}
        lines: dict[str, yaml.Node] = {}
        values = {one.column: one.default for one in fields.values()}
        for key, value in self._pairs(node, [*fields, *FOR_PEOPLE]):
            if key in fields and value.tag != _NULL:
                lines[key] = value
                values[fields[key].column] = self._value(fields[key], value)
        for one in fields.values():
            if one.required and one.key not in lines:
                self.fault(node, f"{one.key}: This is missing.")
        if len(self.faults) == before and kind is Kind.SCHEDULE:
            self._recurrence(lines["rrule"], values)
        if (values["state"] == OriginState.PAUSED) != (values["pause_cause"] is not None):
            self.fault(lines.get("pause_cause", node), "pause_cause: It belongs to the state paused, and to no other.")
        if len(self.faults) == before:
            self.entries.append(Entry(kind, node.start_mark.line + 1, values))

    def _value(self, one: _Field, node: yaml.Node) -> Any:
        """Return the value of a field; None where it is wrong."""
        if not isinstance(node, yaml.ScalarNode) or len(node.value) > LONGEST:
            self.fault(node, f"{one.key}: This must be a text of at most {LONGEST} letters.")
            return None
        if one.required and not node.value.strip():
            self.fault(node, f"{one.key}: This is empty.")
            return None
        try:
            return one.read(node.value)
        except ValueError as error:
            sentence = str(error)
            self.fault(node, f"{one.key}: {sentence[:1].upper()}{sentence[1:].rstrip('.')}.")
            return None

    def _recurrence(self, node: yaml.Node, values: dict[str, Any]) -> None:
        try:
            recurrence = validated(values["rrule"], values["dtstart"], values["time_zone"])
        except InvalidRecurrence as error:
            self.fault(node, f"rrule, dtstart, time_zone: {strip_markdown(str(error))}")
        else:
            values["dtstart"] = recurrence.dtstart.isoformat()

    def _pairs(self, node: yaml.MappingNode, known: Sequence[str] | dict[str, Kind]) -> Iterator[tuple[str, yaml.Node]]:
        """Yield the keys that are known, each once, with their values."""
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in known:
                self.fault(key, f"{name or 'This'}: I don't know this key. Known are: {', '.join(known)}.")
            elif name in seen:
                self.fault(key, f"{name}: This is there twice.")
            else:
                seen.add(name)
                yield name, value


def read(text: str) -> tuple[list[Entry], list[Fault]]:
    """Return the entries of a file, and everything that is wrong in it, by line."""
    reader = _Reader()
    try:
        reader.file(yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else text.count("\n", 0, getattr(error, "position", 0)) + 1
        reader.faults.append(Fault(line, f"This isn't YAML: {getattr(error, 'problem', None) or 'it cannot be read'}."))
    except RecursionError:
        reader.faults.append(Fault(1, "This is nested too deeply."))
    first: dict[str, int] = {}
    for entry in reader.entries:
        if first.setdefault(entry.reference, entry.line) != entry.line:
            told = f"reference: Line {first[entry.reference]} has {entry.reference}, too."
            reader.faults.append(Fault(entry.line, told))
    return reader.entries, sorted(reader.faults, key=lambda one: one.line)
