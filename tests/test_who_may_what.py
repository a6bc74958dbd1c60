"""Every entry point × person × space × family of reports, with what must come of it, through the real program.

The three entry points by which a report comes (typed, pressed, and the file that is posted hours later) are tried with
all people in all spaces. The other commands are tried typed and pressed with those people and spaces in whose columns
the table differs. A command that no entry point here knows fails the first test: somebody must decide who may use it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bot.chat.registry import registry
from bot.emulator import Emulator
from bot.emulator.things import (
    FULL_ADMIN,
    PARTNER_ADMIN,
    PARTNER_FULL_ADMIN,
    PARTNER_HELP_DESK,
    PARTNER_READONLY_ADMIN,
    PARTNER_SALES_ADMIN,
    READONLY_ADMIN,
)
from bot.webex.report_families import Family
from bot.webex.types import Target
from tests.live_bot import ADMIN_OF_BOTH
from tests.stepped_bot import SteppedBot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.emulator.things import Person, Space

HERE, ALONE, NO = "here", "alone", "no"
"""Answered in the space; answered 1:1, with at most one neutral sentence in the space; refused, and nothing shown."""
UNKNOWN = " unknown"
"""Answered as if there were no such report."""

SPACES = ("1:1", "ours", "partner", "our bot", "outsider", "their bot", "unknown org", "not listed", "gone", "closed")
OPEN = (HERE, HERE, HERE, HERE, ALONE, ALONE, ALONE, ALONE, ALONE, NO)
SHUT = (NO,) * len(SPACES)
OTHER = tuple(one if one == NO else f"{one}{UNKNOWN}" for one in OPEN)

PEOPLE = {
    # who: partner reports, organization reports
    "full administrator": (OTHER, OPEN),
    "read-only administrator": (OTHER, OPEN),
    "partner full administrator": (OPEN, OTHER),
    "partner read-only administrator": (OPEN, OTHER),
    "administrator of both": (OPEN, OPEN),
    "partner administrator": (SHUT, SHUT),
    "help desk": (SHUT, SHUT),
    "sales administrator, allowed by role": (OTHER, OPEN),
    "without a role, allowed by address": (OPEN, OPEN),
    "of an allowed organization, allowed by address": (OPEN, OPEN),
    "without a role": (SHUT, SHUT),
    "administrator of an allowed organization": (SHUT, SHUT),
    "administrator of another organization": (SHUT, SHUT),
    "of another organization, allowed by address": (SHUT, SHUT),
    "bot": (SHUT, SHUT),
    "deactivated administrator": (SHUT, SHUT),
    "unknown to Webex": (SHUT, SHUT),
}
"""What reading comes to, in the order of SPACES."""
FAMILIES = tuple(family.value for family in Family)

MAY_NOT_CHANGE = frozenset({"read-only administrator", "partner read-only administrator"})
"""Refused where the entry point is for those who may make and delete reports."""

SAMPLE = (
    "full administrator",
    "read-only administrator",
    "partner full administrator",
    "partner read-only administrator",
    "partner administrator",
    "without a role",
    "administrator of another organization",
)
SAMPLE_SPACES = ("1:1", "ours", "outsider", "closed")

TITLE = "Secret Figures"
REFUSALS = (
    "Only Webex administrators can ",
    "Only administrators of the organization that runs this bot",
    "Only full administrators can ",
    "Read-only administrators can't do this",
    "I'm not allowed to show reports in this space",
    "so I don't announce reports here",
)
NEUTRAL = ("so I've replied to you directly", "I've sent you the a")
"""The audit log, or the answer."""


@dataclass(frozen=True)
class EntryPoint:
    """A way to ask. ``shows`` is what the answer holds when it is allowed; None: anything but a refusal.

    ``alone``: it is answered 1:1 in every group space. ``only_here``: it is refused where it would be answered 1:1.
    """

    word: str
    shows: str | None = TITLE
    other: str = "I couldn't find that"
    """What stands in its place for a report of a family that the person may not use."""
    wants_id: bool = True
    changes: bool = False
    alone: bool = False
    only_here: bool = False


ENTRY_POINTS = {
    "report": EntryPoint("report"),
    "reports": EntryPoint("reports", other="There are no reports yet", wants_id=False),
    "refresh": EntryPoint("refresh"),
    "again": EntryPoint("again"),
    "cancel": EntryPoint("cancel", shows="for this report here", other=""),
    "delete": EntryPoint("delete", changes=True),
    "templates": EntryPoint("templates", shows=None, other="", wants_id=False),
    "new": EntryPoint("new", shows=None, other="", wants_id=False, changes=True),
    "run": EntryPoint("run", shows=None, other="", wants_id=False, changes=True),
    "schedule": EntryPoint("schedule", shows=None, other="", wants_id=False, changes=True),
    "schedules": EntryPoint("schedules", shows="no schedules", other="", wants_id=False),
    "unschedule": EntryPoint("unschedule", shows="no subscription or schedule", other="", wants_id=False),
    "last": EntryPoint("last", shows="You haven't run a report here yet", other="", wants_id=False, changes=True),
    "settings": EntryPoint("settings", shows=None, other="", wants_id=False),
    "why": EntryPoint("why", shows="Nobody has requested", other=""),
    "pending": EntryPoint("pending", shows="You have no pending requests", other="", wants_id=False),
    "history": EntryPoint("history", shows="no subscription or schedule", other="", wants_id=False),
    "pause": EntryPoint("pause", shows="no subscription or schedule", other="", wants_id=False),
    "resume": EntryPoint("resume", shows=" is paused.", other="", wants_id=False),
    "takeover": EntryPoint("takeover", shows=" needs another owner.", other="", wants_id=False),
    "reassign": EntryPoint("reassign", shows=None, other="", wants_id=False, changes=True, alone=True),
    "subscribe": EntryPoint("subscribe", shows="What should I announce?", other="", wants_id=False, only_here=True),
    "subscriptions": EntryPoint("subscriptions", shows="no subscriptions", other="", wants_id=False),
    "unsubscribe": EntryPoint("unsubscribe", shows="no subscription or schedule", other="", wants_id=False),
    "mute": EntryPoint("mute", shows="no subscription or schedule", other="", wants_id=False),
    "unmute": EntryPoint("unmute", shows="no subscription or schedule", other="", wants_id=False),
    "audit": EntryPoint("audit", shows=None, other="", wants_id=False, changes=True, alone=True),
    "keys": EntryPoint("keys", shows=None, other="", wants_id=False, changes=True, alone=True),
}
NOTHING_TO_DO = frozenset(
    {"cancel", "why", "history", "pause", "resume", "takeover", "unschedule", "unsubscribe", "mute", "unmute"}
)
"""Words that come to nothing in this table: a press of such a button is answered to the presser."""
PUBLIC = frozenset({"help"})
"""For everybody, everywhere: it holds nothing of any report."""


def test_every_command_has_a_place_in_this_table() -> None:
    assert registry.words <= ENTRY_POINTS.keys() | PUBLIC


class AllowedOrganization(SteppedBot):
    """The core, with an organization that its settings allow."""

    def start(self) -> None:
        if "ALLOWED_ORGS" not in self.setup.environ:
            self.setup.environ["ALLOWED_ORGS"] = self.world.add_organization("Initech").id
        super().start()


@pytest.fixture
def stepped(tmp_path: Path, database_file: Path) -> Iterator[SteppedBot]:
    with Emulator() as emulator:
        made = AllowedOrganization(
            emulator,
            tmp_path / "data",
            database_file,
            POLL_INTERVAL="10",
            ALLOWED_ROLES="id_full_admin,Read-only administrator,id_readonly_admin,atlas-portal.partner.salesadmin",
            ALLOWED_PEOPLE="named@acme.example,named@initech.example,named@globex.example",
        )
        yield made
        made.stop()


def with_its_settings(stepped: SteppedBot) -> None:
    """Start again, since settings are read at the start."""
    stepped.stop()
    stepped.start()


class Case:
    """One person and one space, at first such that everything is allowed; then made what the case is about."""

    def __init__(self, stepped: SteppedBot, who: str, where: str, family: str) -> None:
        self.stepped, self.who, self.where, self.family = stepped, who, where, family
        self.world, self.setup = stepped.world, stepped.setup
        self.person = self.world.add_person("Pat Smith", self.setup.acme, email=None, roles=ADMIN_OF_BOTH)
        self.person.emails = [f"pat{len(self.world.people)}@acme.example"]
        self.space = (
            self.world.direct_space(self.person, self.setup.bot)
            if where == "1:1"
            else self.world.add_space(where, [self.setup.ada, self.person, self.setup.bot])
        )
        self.initech = next(org for org in self.world.organizations.values() if org.name == "Initech")
        made = self.setup.partner_report if family == "partner" else self.setup.organization_report
        self.report = made(TITLE, status="done")

    def come_true(self) -> None:
        """Make the person and the space what the case is about."""
        self._make_person(self.person)
        if self.where != "1:1":
            self._make_space(self.space)

    def _make_person(self, person: Person) -> None:
        acme, globex, initech = self.setup.acme, self.setup.globex, self.initech
        full = ADMIN_OF_BOTH
        made: dict[str, tuple[Any, list[str], str | None]] = {
            "full administrator": (acme, [FULL_ADMIN], None),
            "read-only administrator": (acme, [READONLY_ADMIN], None),
            "partner full administrator": (acme, [PARTNER_FULL_ADMIN], None),
            "partner read-only administrator": (acme, [PARTNER_READONLY_ADMIN], None),
            "administrator of both": (acme, [READONLY_ADMIN, PARTNER_READONLY_ADMIN], None),
            "partner administrator": (acme, [PARTNER_ADMIN], None),
            "help desk": (acme, [PARTNER_HELP_DESK], None),
            "sales administrator, allowed by role": (acme, [PARTNER_SALES_ADMIN], None),
            "without a role, allowed by address": (acme, [], "Named@acme.example"),
            "of an allowed organization, allowed by address": (initech, [], "named@initech.example"),
            "without a role": (acme, [], None),
            "administrator of an allowed organization": (initech, full, None),
            "administrator of another organization": (globex, full, None),
            "of another organization, allowed by address": (globex, full, "named@globex.example"),
            "bot": (acme, [], None),
            "deactivated administrator": (acme, full, None),
            "unknown to Webex": (acme, full, None),
        }
        org, person.roles, email = made[self.who]
        person.org_id = org.id
        person.emails = [email] if email else person.emails
        if self.who == "bot":
            person.type = "bot"
        if self.who == "unknown to Webex":
            self.stepped.emulator.faults.add("GET", f"/v1/people/{person.id}", status=404)
        if self.who == "deactivated administrator":
            role = base64.b64encode(b"ciscospark://us/ROLE/id_full_admin").decode().rstrip("=")
            shown = {"id": person.id, "orgId": org.id, "emails": person.emails, "roles": [role], "loginEnabled": False}
            self.stepped.emulator.faults.add("GET", f"/v1/people/{person.id}", status=200, body=shown)

    def _make_space(self, space: Space) -> None:
        world, live = self.world, self.setup
        name = f"Extra {len(world.people)}"
        match self.where:
            case "partner":
                world.join(space, world.add_person(name, self.initech))
            case "our bot":
                world.join(space, world.add_bot(name, live.acme))
            case "outsider":
                world.join(space, live.ethan)
            case "their bot":
                world.join(space, world.add_bot(name, live.globex))
            case "unknown org":
                extra = world.add_person(name, live.acme)
                world.join(space, extra)
                extra.org_id = ""
            case "not listed":
                self.stepped.emulator.faults.add("GET", "/v1/memberships", status=403)
            case "gone":
                self.stepped.emulator.faults.add("GET", "/v1/memberships", status=404)
            case "closed":
                live.environ["ALLOWED_SPACES"] = live.group.id
                with_its_settings(self.stepped)

    def end(self) -> None:
        """Undo what would reach the next case."""
        self.stepped.emulator.faults.clear()
        self.world.set_report(self.report.id, deleted=True)
        self.setup.environ.pop("ALLOWED_SPACES", None)

    def came_of_it(self, entry_point: EntryPoint) -> str:
        """What the bot said where, in one word of the table."""
        private = self.world.direct_space(self.person, self.setup.bot)
        inside, alone = heard(self.stepped, self.space), heard(self.stepped, private) if self.where != "1:1" else ""
        secrets = (TITLE, self.report.id)
        if any(refusal in inside + alone for refusal in REFUSALS):
            assert not any(secret in inside + alone for secret in secrets), "refused, and yet something was shown"
            assert self.where == "1:1" or "Administrator" not in inside, "roles are not for the space"
            return NO
        if any(neutral in inside for neutral in NEUTRAL):
            assert not any(secret in inside for secret in secrets), "shown in front of others"
            assert sum(inside.count(neutral) for neutral in NEUTRAL) == 1, "one neutral sentence"
            return ALONE + self._shown(entry_point, alone)
        if alone and not inside:
            return ALONE + self._shown(entry_point, alone)
        assert not alone
        return HERE + self._shown(entry_point, inside)

    def _shown(self, entry_point: EntryPoint, said: str) -> str:
        """Whether the report was shown, or said to be unknown."""
        if entry_point.shows is None or entry_point.shows in said:
            return ""
        assert entry_point.other, said
        assert entry_point.other in said, said
        assert TITLE not in said
        return UNKNOWN


def heard(stepped: SteppedBot, space: Space) -> str:
    """Everything that the bot said in a space but the card that a test had it post."""
    said = [one for one in stepped.said(space) if one.text != "a card of before"]
    return "\n".join(
        " ".join([one.text or "", json.dumps(one.card), *(file.name.replace("_", " ") for file in one.files)])
        for one in said
    )


def typed(case: Case, entry_point: EntryPoint) -> None:
    case.come_true()
    case.stepped.receive(
        case.person, f"{entry_point.word} {case.report.id if entry_point.wants_id else ''}".strip(), case.space
    )
    case.stepped.work()


def typed_by_title(case: Case, entry_point: EntryPoint) -> None:
    case.come_true()
    case.stepped.receive(case.person, f"{entry_point.word} {TITLE.lower()}", case.space)
    case.stepped.work()


def pressed(case: Case, entry_point: EntryPoint) -> None:
    """The card was posted for somebody else, and its data is the presser's claim."""
    card = {"type": "AdaptiveCard", "version": "1.3", "body": []}
    posted = case.stepped.chat.post(Target(room_id=case.space.id), markdown="a card of before", card=card)
    message = next(one for one in case.world.messages(case.space) if one.id == posted.message_id)
    case.come_true()
    data = {"command": entry_point.word} | ({"argument": case.report.id} if entry_point.wants_id else {})
    case.stepped.pressed(case.person, message, data)
    case.stepped.work()


def file_later(case: Case, _entry_point: EntryPoint) -> None:
    """Asked when all was well; what is judged is what is said after person and space have changed."""
    case.world.set_report(case.report.id, status="In progress")
    case.stepped.receive(case.person, f"report {case.report.id}", case.space)
    case.stepped.work()
    before = [one for one in case.stepped.said(case.space) if one.card]
    assert len(before) == 1
    before[0].deleted = True
    case.come_true()
    case.world.set_report(case.report.id, status="done")
    case.stepped.wait(400)  # roles are believed for five minutes


def tried(  # noqa: PLR0917 read at every call as one row of the table
    stepped: SteppedBot,
    act: Callable[[Case, EntryPoint], None],
    entry_point: EntryPoint,
    who: str,
    where: str,
    family: str,
) -> str:
    if stepped.services.settings.allowed_spaces:  # by the case before
        with_its_settings(stepped)
    case = Case(stepped, who, where, family)
    try:
        act(case, entry_point)
        return case.came_of_it(entry_point)
    finally:
        case.end()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("act", [typed, pressed, file_later])
def test_a_report_leaves_only_for_those_who_may_have_it(stepped: SteppedBot, act: Any, who: str, family: str) -> None:
    spaces = SPACES if family == "partner" else SAMPLE_SPACES  # where it may be shown is asked of every family alike
    came = {where: tried(stepped, act, ENTRY_POINTS["report"], who, where, family) for where in spaces}

    row = PEOPLE[who][FAMILIES.index(family)]
    # Who may use the other family only, by now, has lost the right to what they asked for before.
    expected = dict(zip(SPACES, SHUT if act is file_later and row is OTHER else row, strict=True))
    if act is pressed and row is OTHER:  # a press that comes to nothing is answered to the presser
        expected = {where: one.replace(HERE, ALONE) if where != "1:1" else one for where, one in expected.items()}
    assert came == {where: expected[where] for where in spaces}


@pytest.mark.parametrize(
    ("act", "word", "who", "family"),
    [
        pytest.param(act, word, who, family, id=f"{act.__name__}-{word}-{who}-{family}")
        for word_number, word in enumerate(word for word in ENTRY_POINTS if word != "report" and word in registry.words)
        for who_number, who in enumerate(SAMPLE)
        for family_number, family in enumerate(FAMILIES)
        for act in [(typed, pressed)[(word_number + who_number + family_number) % 2]]
    ],
)
def test_no_other_word_or_button_is_another_way_in(
    stepped: SteppedBot, act: Any, word: str, who: str, family: str
) -> None:
    """Each word of each person for each family of reports, typed or pressed in turn, so that all pairs occur."""
    entry_point = ENTRY_POINTS[word]
    came = {where: tried(stepped, act, entry_point, who, where, family) for where in SAMPLE_SPACES}

    row = SHUT if entry_point.changes and who in MAY_NOT_CHANGE else PEOPLE[who][FAMILIES.index(family)]
    if not entry_point.other:  # it says the same of a report that is unknown
        row = tuple(one.removesuffix(UNKNOWN) for one in row)
    if entry_point.only_here:
        row = tuple(NO if one == ALONE else one for one in row)
    expected = dict(zip(SPACES, row, strict=True))
    if entry_point.alone and expected["ours"] == HERE:
        expected["ours"] = ALONE
    if act is pressed and (word in NOTHING_TO_DO or (entry_point.wants_id and expected["ours"].endswith(UNKNOWN))):
        expected["ours"] = expected["ours"].replace(HERE, ALONE)
    assert came == {where: expected[where] for where in SAMPLE_SPACES}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("who", SAMPLE)
@pytest.mark.parametrize(
    "entry_point",
    [
        pytest.param(EntryPoint("report", other="I found no report for"), id="report"),
        pytest.param(EntryPoint("please send me the report", other="I didn't understand"), id="a sentence"),
        pytest.param(EntryPoint("reports", other="There are no reports yet"), id="reports"),
    ],
)
def test_a_title_is_no_other_way_in(stepped: SteppedBot, entry_point: EntryPoint, who: str, family: str) -> None:
    came = {where: tried(stepped, typed_by_title, entry_point, who, where, family) for where in SAMPLE_SPACES}

    expected = dict(zip(SPACES, PEOPLE[who][FAMILIES.index(family)], strict=True))
    assert came == {where: expected[where] for where in SAMPLE_SPACES}
