"""A family of reports that Webex refuses to the admin token is an alert with its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import requests

from bot import manifest
from bot.errors import WebexError
from bot.ops.checks import families
from tests.live_bot import OPS
from tests.operators.space import is_told, told
from tests.waiting import until

if TYPE_CHECKING:
    from bot.ops.alerts import Check

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
    check: Check = field(init=False)

    def __post_init__(self) -> None:
        self.check = families.check(self.name, SCOPES, self.ask, clock=lambda: self.now)

    def ask(self) -> None:
        self.asked += 1
        if self.status != 200:
            raise WebexError("GET reports", self.status)

    def look(self) -> str:
        try:
            return self.check.look() or "well"
        except WebexError as error:
            return f"error {error.status}"


def test_it_is_asked_at_the_start_and_then_every_ten_minutes():
    family = Family()
    for _ in range(30):  # a round each minute
        assert family.look() == "well"
        family.now += 60.0
    assert family.asked == 30 * 60 / families.LOOK_EVERY


@pytest.mark.parametrize("name", ["partner", "organization"])
def test_a_refusal_names_the_family_its_scopes_and_the_way_without_it(name):
    family = Family(name, status=403)
    said = family.look()
    assert f"refuses {name} reports" in said
    for scope in SCOPES:
        assert (scope.scope in said) == (scope.family == name and not scope.writing)
    assert f"remove {name} from REPORT_FAMILIES" in said


def test_a_refused_family_is_asked_each_round_so_that_its_end_is_known_at_once():
    family = Family(status=403)
    assert "refuses" in family.look()
    family.status = 200
    assert family.look() == "well"


@pytest.mark.parametrize("status", [None, 401, 429, 500, 503])
def test_while_webex_has_errors_nothing_is_known(status):
    family = Family(status=status)
    assert family.look() == f"error {status}"
    family.status = 403
    assert "refuses" in family.look()
    family.status = status
    assert family.look() == f"error {status}"


def readyz_says(url: str, *families: str) -> None:
    """Wait until ``/readyz`` names exactly these families."""

    def are_named() -> bool:
        said = requests.get(f"{url}/readyz", headers=OPS, timeout=5).json()
        return bool(said["refused_families"] == [*families])

    until(are_named, f"/readyz names {families}")


def test_each_refused_family_is_told_by_name_once_with_its_scopes_and_stands_in_readyz(live):
    world = live.emulator.world
    live.environ["WEBEX_ADMIN_TOKEN"] = world.add_token(live.ada, scopes=BASE)
    for _ in range(2):  # and not again after a restart
        with live.program() as url:
            is_told(live, "refuses partner reports")
            is_told(live, "refuses organization reports")
            readyz_says(url, "organization", "partner")
    assert len(told(live, "reports")) == 2
    live.environ["WEBEX_ADMIN_TOKEN"] = world.add_token(live.ada, scopes=BASE | PARTNER)
    with live.program() as url:
        is_told(live, "gives the admin token partner reports")
        readyz_says(url, "organization")
    assert len(told(live, "reports")) == 3


def test_a_family_that_is_not_served_is_not_asked_for(live):
    world = live.emulator.world
    live.environ |= {
        "WEBEX_ADMIN_TOKEN": world.add_token(live.ada, scopes=BASE),
        "REPORT_FAMILIES": "organization",
    }
    with live.program() as url:
        is_told(live, "refuses organization reports")
        readyz_says(url, "organization")
    assert len(told(live, "reports")) == 1
