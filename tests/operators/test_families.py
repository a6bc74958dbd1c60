"""A family of reports that Webex refuses to the admin token is told to the operators by name, and its end, too."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest
import requests

from bot import manifest
from bot.errors import WebexError
from bot.ops.alerts import NotKnown
from bot.ops.checks.families import LOOK_EVERY, FamilyAccess
from tests.operators.space import heard, hears
from tests.stage import OPS, PATIENCE

BASE = {"spark:people_read", "spark-admin:people_read", "spark-admin:roles_read"}
PARTNER = {"spark-admin:reports_read", "identity:people_read"}
SCOPES = manifest.read().scopes


@dataclass
class Family:
    """One family as Webex answers it, and the check of it."""

    name: str = "partner"
    status: int | None = 200
    now: float = 0.0
    asked: int = 0
    access: FamilyAccess = field(init=False)

    def __post_init__(self) -> None:
        self.access = FamilyAccess(self.name, SCOPES, self.ask, clock=lambda: self.now)

    def ask(self) -> None:
        self.asked += 1
        self.call("")
        if self.status != 200:
            raise WebexError("GET reports", self.status)

    def call(self, rest: str, status: int | None = None, method: str = "GET") -> None:
        path = "/v1/partner/reports" if self.name == "partner" else "/v1/reports"
        self.access.observed(method, path + rest, self.status if status is None else status, 0.1)

    def look(self) -> str:
        try:
            return self.access.check().look() or "well"
        except NotKnown:
            return "not known"
        except WebexError as error:
            return f"error {error.status}"


def test_it_is_asked_at_the_start_and_then_each_ten_minutes():
    family = Family()
    for _ in range(30):  # a round each minute
        assert family.look() == "well"
        family.now += 60.0
    assert family.asked == 30 * 60 / LOOK_EVERY


def test_calls_that_are_made_anyway_spare_the_question():
    family = Family()
    for _ in range(30):
        family.call("/{id}", 200)
        assert family.look() == "well"
        family.now += 60.0
    assert family.asked == 0


@pytest.mark.parametrize("name", ["partner", "organization"])
def test_a_refusal_names_the_family_its_scopes_and_the_way_without_it(name):
    family = Family(name, status=403)
    said = family.look()
    assert f"refuses {name} reports" in said
    for scope in SCOPES:
        assert (scope.scope in said) == (scope.family == name)
    assert f"leave {name} out of REPORT_FAMILIES" in said


def test_a_refused_report_alone_has_the_list_decide():
    family = Family()
    assert (family.look(), family.asked) == ("well", 1)
    family.call("/{id}", 403)
    assert (family.look(), family.asked) == ("well", 2)
    family.status = 403
    family.call("/{id}", 403)
    assert "refuses" in family.look()
    assert family.asked == 3
    family.call("/{id}", 403)
    assert "refuses" in family.look()
    assert family.asked == 3
    family.status = 200
    family.call("/{id}", 200)
    assert (family.look(), family.asked) == ("well", 3)


def test_writing_and_the_other_family_tell_nothing():
    family = Family()
    assert family.look() == "well"
    family.call("", 403, method="POST")
    family.access.observed("GET", "/v1/reports", 403, 0.1)
    family.access.observed("GET", "/v1/people/me", 403, 0.1)
    assert family.look() == "well"
    assert family.asked == 1


@pytest.mark.parametrize("status", [None, 401, 429, 500, 503])
def test_while_webex_has_trouble_nothing_new_is_known(status):
    family = Family(status=status)
    assert family.look() == f"error {status}"
    family.status = 403
    assert "refuses" in family.look()
    family.status, family.now = status, LOOK_EVERY
    assert family.look() == f"error {status}"


def readyz_says(door: str, *families: str) -> None:
    """Wait until ``/readyz`` names exactly these families."""
    deadline = time.monotonic() + PATIENCE
    while (found := requests.get(f"{door}/readyz", headers=OPS, timeout=5).json()["refused_families"]) != [*families]:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_each_refused_family_is_told_by_name_once_with_its_scopes_and_stands_in_readyz(stage):
    world = stage.emulator.world
    stage.environ["WEBEX_ADMIN_TOKEN"] = world.add_token(stage.ada, scopes=BASE)
    for _ in range(2):  # and not again after a restart
        with stage.program() as door:
            hears(stage, "refuses partner reports")
            hears(stage, "refuses organization reports")
            readyz_says(door, "organization", "partner")
    assert len(heard(stage, "reports")) == 2
    stage.environ["WEBEX_ADMIN_TOKEN"] = world.add_token(stage.ada, scopes=BASE | PARTNER)
    with stage.program() as door:
        hears(stage, "lets the admin token read partner reports")
        readyz_says(door, "organization")
    assert len(heard(stage, "reports")) == 3


def test_a_family_that_is_not_served_is_not_asked_for(stage):
    world = stage.emulator.world
    stage.environ |= {
        "WEBEX_ADMIN_TOKEN": world.add_token(stage.ada, scopes=BASE),
        "REPORT_FAMILIES": "organization",
    }
    with stage.program() as door:
        hears(stage, "refuses organization reports")
        readyz_says(door, "organization")
    assert len(heard(stage, "reports")) == 1
