"""Every entry point of the HTTP API × key × space × family, and × person, with what must come of it, in the program.

Where a report does not come, nothing of it is shown to anybody, and none is created. A call that no entry point here
knows fails the first test: somebody must decide who may make it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from sqlalchemy import func, select

from bot.db import api_keys, tables
from bot.db.api_keys import Right
from bot.emulator.things import Template
from tests.api.conftest import Api, Caller, running
from tests.test_who_may_what import FAMILIES, HERE, OPEN, PEOPLE, SPACES, TITLE, Case, heard
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.emulator.things import Space
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

COMES, NOTHING = "comes", "nothing"
TEMPLATE = 130
DAY = {"startDate": "2026-10-01", "endDate": "2026-10-01"}
_names = count(1)


class Stage:
    """The program with its API, and what its people see."""

    def __init__(self, api: Api) -> None:
        self.api, self.setup, self.emulator = api, api.live, api.live.emulator
        self.world = self.emulator.world
        self.world.add_template(Template(TEMPLATE, "partner", TITLE, "Teams"))
        self.world.add_template(Template(TEMPLATE, "organization", TITLE, "Teams"))

    def said(self, space: Space) -> list[Any]:
        bot = self.setup.bot.id
        return [one for one in self.world.messages(space) if one.person_id == bot and not one.deleted]

    def case(self, where: str, family: str, who: str = "administrator of both") -> Case:
        """Return the person and the space that the other table makes, for this program."""
        return Case(cast("SteppedBot", self), who, where, family)

    def caller(self, rights: tuple[Right, ...] = tuple(Right), spaces: list[str] | None = None) -> Caller:
        return self.api.caller(rights=rights, spaces=spaces, name=f"key {next(_names)}")

    def rows(self, table: str, *where: Any) -> int:
        with self.api.database.read() as tx:
            query = select(func.count()).select_from(tables.metadata.tables[table]).where(*where)
            return int(tx.execute(query).scalar_one())

    def made(self) -> int:
        """Return how many requests and runs there are."""
        return self.rows("requests") + self.rows("runs")

    def closed(self) -> bool:
        """Return True when none of them is open, and each report that was run has its request."""
        going = self.rows("requests", tables.requests.c.state == "open")
        going += self.rows("runs", tables.runs.c.state == "open")
        return going == 0


@dataclass(frozen=True)
class EntryPoint:
    """A way to ask for a report. ``ask`` returns the status of its first call that is not a success, or 0."""

    ask: Any
    rights: frozenset[Right]
    route: str
    creates: bool = False


def status_of(caller: Caller, path: str, body: Any = None) -> tuple[int, Any]:
    answer = caller.session.post(f"{caller.address}/api/v1{path}", json=body, timeout=40)
    return answer.status_code, answer.json()


def deliver(_: Stage, case: Case, caller: Caller) -> int:
    return status_of(caller, "/deliveries", {"reportId": case.report.id, "spaceId": case.space.id})[0]


def deliver_by_title(_: Stage, case: Case, caller: Caller) -> int:
    return status_of(caller, "/deliveries", {"title": TITLE, "spaceId": case.space.id})[0]


def run(_: Stage, case: Case, caller: Caller) -> int:
    about = {"family": case.family, "templateId": TEMPLATE, **DAY}
    return status_of(caller, "/reports", about | {"deliverTo": {"spaceId": case.space.id}})[0]


def subscribe(stage: Stage, case: Case, caller: Caller) -> int:
    body = {"words": "figures", "family": case.family, "spaceId": case.space.id}
    status, made = status_of(caller, "/subscriptions", body)
    if status < 400:
        looked = (tables.ready_reports.c.report_id == "", tables.ready_reports.c.family == case.family)
        until(lambda: stage.rows("ready_reports", *looked), "the first look")
        add = stage.setup.partner_report if case.family == "partner" else stage.setup.organization_report
        before = stage.made()
        add(TITLE)
        until(lambda: stage.made() > before and stage.closed(), "an announcement")
        caller.call("DELETE", f"/subscriptions/{made['id']}", status=204)
    return status


def schedule(_: Stage, case: Case, caller: Caller) -> int:
    about = {"family": case.family, "templateId": TEMPLATE, "period": "last week", "name": "Weekly"}
    recurs = {"dtstart": "2026-11-30T08:00:00[Europe/Berlin]", "rrule": "FREQ=WEEKLY;BYDAY=MO"}
    status, made = status_of(caller, "/schedules", about | recurs | {"spaceId": case.space.id})
    return status if status >= 400 else status_of(caller, f"/schedules/{made['id']}/runs")[0]


def hook(_: Stage, case: Case, caller: Caller) -> int:
    status, made = status_of(caller, "/hooks", {"action": "deliver", "title": TITLE, "spaceId": case.space.id})
    return status if status >= 400 else requests.post(made["url"], timeout=40).status_code


def hook_that_runs(_: Stage, case: Case, caller: Caller) -> int:
    about = {"action": "create", "family": case.family, "templateId": TEMPLATE, "period": "yesterday"}
    status, made = status_of(caller, "/hooks", about | {"spaceId": case.space.id})
    return status if status >= 400 else requests.post(made["url"], timeout=40).status_code


DELIVER, CREATE, MANAGE = (frozenset({right}) for right in (Right.DELIVER, Right.CREATE, Right.MANAGE))
ENTRY_POINTS = {
    "deliver": EntryPoint(deliver, DELIVER, "/deliveries"),
    "deliver by title": EntryPoint(deliver_by_title, DELIVER, "/deliveries"),
    "run": EntryPoint(run, CREATE, "/reports", creates=True),
    "subscribe": EntryPoint(subscribe, MANAGE | DELIVER, "/subscriptions"),
    "schedule": EntryPoint(schedule, MANAGE | CREATE, "/schedules", creates=True),
    "hook": EntryPoint(hook, MANAGE | DELIVER, "/hooks"),
    "hook that runs": EntryPoint(hook_that_runs, MANAGE | CREATE, "/hooks", creates=True),
}
BRINGS_NOTHING = frozenset({"/webhooks", "/webhooks/{webhook_id}/test", "/webhooks/{webhook_id}/recover"})
"""They tell other systems what happened, nothing that a report holds."""
OF_OTHER_ENTRY_POINTS = frozenset({"/schedules/{reference}/runs"})


def came_of_it(stage: Stage, entry_point: EntryPoint, case: Case, caller: Caller) -> str:
    """Return what came of it in one word of the table, or the status of a call that was refused at once."""
    before, there = stage.made(), len(stage.world.reports)
    status = entry_point.ask(stage, case, caller)
    if status >= 400:
        assert stage.made() == before
        assert TITLE not in heard(cast("SteppedBot", stage), case.space)
        return str(status)
    if entry_point.creates:
        until(lambda: stage.made() > before and _runs_are_over(stage), "the end of a run")
        for report in list(stage.world.reports.values())[there:]:
            stage.world.set_report(report.id, status="done")
    until(lambda: stage.made() > before and stage.closed(), "an end")
    private = stage.world.direct_space(case.person, stage.setup.bot)
    assert case.where == "1:1" or TITLE not in heard(cast("SteppedBot", stage), private), "for the space, or for nobody"
    if TITLE in heard(cast("SteppedBot", stage), case.space):
        return COMES
    assert not entry_point.creates or len(stage.world.reports) == there, "refused, and yet a report was created"
    return NOTHING


def _runs_are_over(stage: Stage) -> bool:
    return not stage.rows("runs", tables.runs.c.state == "open")


def tried(stage: Stage, entry_point: EntryPoint, where: str, family: str, *, caller: Caller | None = None) -> str:
    case = stage.case(where, family)
    try:
        case.come_true()
        return came_of_it(stage, entry_point, case, caller or stage.caller())
    finally:
        stage.emulator.faults.clear()
        for one in stage.world.reports.values():
            stage.world.set_report(one.id, deleted=True)


@pytest.fixture
def stage(stage_alone: LiveBot, database_file: Path) -> Iterator[Stage]:
    initech = stage_alone.emulator.world.add_organization("Initech")
    stage_alone.environ["ALLOWED_ORGS"] = initech.id
    stage_alone.environ["ALLOWED_PEOPLE"] = "named@acme.example,named@initech.example,named@globex.example"
    stage_alone.environ["ALLOWED_ROLES"] = (
        "id_full_admin,Read-only administrator,id_readonly_admin,atlas-portal.partner.salesadmin"
    )
    stage_alone.has_database(database_file)
    with running(stage_alone) as api:
        yield Stage(api)


def test_every_call_has_a_place_in_this_table_and_wants_a_key(stage: Stage) -> None:
    found = requests.get(f"{stage.api.address}/api/v1/openapi.json", timeout=10).json()["paths"]
    posts = {path.removeprefix("/api/v1") for path, calls in found.items() if "post" in calls}
    assert posts <= {one.route for one in ENTRY_POINTS.values()} | BRINGS_NOTHING | OF_OTHER_ENTRY_POINTS
    revoked = stage.caller()
    with stage.api.database.begin() as tx:
        (key,) = api_keys.named(tx, f"key {next(_names) - 1}")
        api_keys.revoke(tx, key.id, key.created_at)
    for path, calls in found.items():
        for method in calls.keys() & {"get", "post", "patch", "delete"}:
            address = f"{stage.api.address}{path.replace('{', '').replace('}', '')}"
            for headers in ({}, {"Authorization": f"Bearer {revoked.key}"}):
                answer = requests.request(method, address, headers=headers, json={}, timeout=10)
                assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_a_key_brings_reports_only_where_all_may_have_them(stage: Stage, name: str, family: str) -> None:
    spaces = [where for where in SPACES if where != "closed"]
    came = {where: tried(stage, ENTRY_POINTS[name], where, family) for where in spaces}

    expected = {
        where: COMES if one == HERE and where != "1:1" else NOTHING for where, one in zip(SPACES, OPEN, strict=True)
    }
    assert came == {where: expected[where] for where in spaces}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_a_key_does_what_it_has_the_right_to_in_its_spaces(stage: Stage, name: str, family: str) -> None:
    entry_point = ENTRY_POINTS[name]
    came: dict[str, str] = {}
    expected: dict[str, str] = {}
    for rights in ((Right.DELIVER,), (Right.DELIVER, Right.CREATE), (Right.DELIVER, Right.MANAGE), tuple(Right)):
        what = "+".join(rights)
        came[what] = tried(stage, entry_point, "ours", family, caller=stage.caller(rights))
        expected[what] = COMES if entry_point.rights <= set(rights) else "403"
    for what, spaces in {"no space": [], "another space": [stage.setup.group.id]}.items():
        came[what] = tried(stage, entry_point, "ours", family, caller=stage.caller(spaces=list(spaces)))
        expected[what] = "403"
    assert came == expected


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_a_space_that_the_settings_close_gets_nothing(stage_alone: LiveBot, database_file: Path, name: str) -> None:
    initech = stage_alone.emulator.world.add_organization("Initech")
    stage_alone.environ |= {"ALLOWED_ORGS": initech.id, "ALLOWED_SPACES": stage_alone.group.id}
    stage_alone.has_database(database_file)
    with running(stage_alone) as api:
        assert tried(Stage(api), ENTRY_POINTS[name], "ours", "partner") == NOTHING


@pytest.mark.parametrize("family", FAMILIES)
def test_a_person_gets_by_a_key_what_they_may_ask_for(stage: Stage, family: str) -> None:
    came = {who: _by_address(stage, who, family) for who in PEOPLE}

    column = FAMILIES.index(family)
    assert came == {who: COMES if row[column][0] == HERE else NOTHING for who, row in PEOPLE.items()}


def _by_address(stage: Stage, who: str, family: str) -> str:
    case = stage.case("1:1", family, who)
    case.come_true()
    try:
        order = {"reportId": case.report.id, "personEmail": case.person.emails[0]}
        status, _ = status_of(stage.caller(), "/deliveries", order)
        assert status in {202, 404}, who
        until(stage.closed, "an end")
        shown = heard(cast("SteppedBot", stage), case.space)
        assert TITLE in shown or case.report.id not in shown
        return COMES if TITLE in shown else NOTHING
    finally:
        stage.emulator.faults.clear()
        stage.world.set_report(case.report.id, deleted=True)
