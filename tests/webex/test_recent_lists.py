"""Programs that ask often share a list call; what has just been run or deleted shows at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.errors import WebexError
from bot.webex.catalog import Catalog
from bot.webex.recent_lists import FRESH, MOST
from bot.webex.report import Listing
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from bot.webex.reports_api import ReportsApi

BOTH = (Family.PARTNER, Family.ORGANIZATION)
PARTNER = Family.PARTNER.value
NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Api(ReportsApi):
    """Lists nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        self.listed: list[tuple[Family, str | None]] = []
        self.time = NOW
        self.error: WebexError | None = None
        self.inside = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def list(self, family: Family, region: str | None = None, on_behalf_of: str | None = None) -> Listing:
        self.listed.append((family, region))
        self.inside.set()
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return Listing()

    def create(self, new: NewReport) -> str:
        return "ID"

    def delete(self, family: Family, report_id: str, on_behalf_of: str | None = None) -> None:
        return None


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def catalog(api: Api) -> Catalog:
    return Catalog(api, BOTH, now=lambda: api.time)


def test_within_seconds_each_family_and_region_is_listed_once(api: Api, catalog: Catalog) -> None:
    for _ in range(5):
        catalog.everything(recent=True)
        catalog.recent_listing(PARTNER, "EU")
    assert sorted(api.listed, key=str) == [(Family.ORGANIZATION, None), (Family.PARTNER, "EU"), (Family.PARTNER, None)]


@pytest.mark.parametrize("step", [FRESH, -FRESH])
def test_later_it_is_listed_again_whatever_the_clock_did(api: Api, catalog: Catalog, step: timedelta) -> None:
    catalog.recent_listing(PARTNER, None)
    api.time += step
    catalog.recent_listing(PARTNER, None)
    assert len(api.listed) == 2


@pytest.mark.parametrize("change", ["create", "delete"])
def test_what_was_just_run_or_deleted_shows_at_once(api: Api, catalog: Catalog, change: str) -> None:
    catalog.recent_listing(PARTNER, None)
    given: dict[str, tuple[Any, ...]] = {"create": (NewReport(Family.PARTNER, "130"),), "delete": (PARTNER, "ID")}
    getattr(catalog, change)(*given[change])
    catalog.recent_listing(PARTNER, None)
    assert len(api.listed) == 2


def test_people_are_told_what_webex_lists_now(api: Api, catalog: Catalog) -> None:
    for _ in range(2):
        catalog.everything([PARTNER])
        catalog.listing(PARTNER, None)
    assert len(api.listed) == 4


def test_an_error_is_not_kept(api: Api, catalog: Catalog) -> None:
    api.error = WebexError("GET partner/reports", 500)
    with pytest.raises(WebexError):
        catalog.recent_listing(PARTNER, None)
    api.error = None
    assert catalog.recent_listing(PARTNER, None) == []


def test_of_many_at_once_one_asks(api: Api, catalog: Catalog) -> None:
    api.go.clear()
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(catalog.recent_listing, PARTNER, None) for _ in range(8)]
        assert api.inside.wait(10)
        api.go.set()
        assert [one.result(10) for one in found] == [[]] * 8
    assert len(api.listed) == 1


def test_many_regions_are_not_all_kept(api: Api, catalog: Catalog) -> None:
    for number in range(MOST + 1):
        catalog.recent_listing(PARTNER, f"R{number}")
    catalog.recent_listing(PARTNER, "R0")
    assert len(api.listed) == MOST + 2
