"""Programs that ask at the same time share a list call, and none is given a list of before it asked."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from bot.errors import WebexError
from bot.webex.catalog import Catalog
from bot.webex.report import Listing
from bot.webex.report_families import Family
from bot.webex.reports_api import ReportsApi
from tests.waiting import until

PARTNER, ORGANIZATION = Family.PARTNER, Family.ORGANIZATION


class Api(ReportsApi):
    """Lists nothing, one call after the other as the test lets them."""

    def __init__(self) -> None:
        self.begun: list[tuple[Family, str | None]] = []
        self.listed: list[Listing] = []
        self.may_end = threading.Semaphore(0)
        self.error: WebexError | None = None

    def list(self, family: Family, region: str | None = None, on_behalf_of: str | None = None) -> Listing:
        self.begun.append((family, region))
        assert self.may_end.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        self.listed.append(Listing())
        return self.listed[-1]


@pytest.fixture
def api() -> Api:
    return Api()


class Counted(dict[Any, Any]):
    """The calls that have not begun; counts who has asked for one."""

    asked = 0

    def setdefault(self, *given: Any) -> Any:
        found = super().setdefault(*given)
        self.asked += 1
        return found


@pytest.fixture
def catalog(api: Api) -> Catalog:
    made = Catalog(api, (PARTNER, ORGANIZATION))
    made._shared_lists._next = Counted()
    return made


def have_asked(catalog: Catalog, number: int) -> bool:
    waiting = catalog._shared_lists._next
    assert isinstance(waiting, Counted)
    return waiting.asked == number


def ask_during_a_call(pool: ThreadPoolExecutor, api: Api, catalog: Catalog, number: int) -> list[Future[Any]]:
    """Ask for the first call, and so many times while it lasts; both calls may end then."""
    asked = [pool.submit(catalog.shared_listing, PARTNER, None)]
    until(lambda: api.begun, "the first call")
    asked += [pool.submit(catalog.shared_listing, PARTNER, None) for _ in range(number)]
    until(lambda: have_asked(catalog, number + 1), "the others wait")
    api.may_end.release(2)
    return asked


def test_who_comes_during_a_call_shares_the_next_one(api: Api, catalog: Catalog) -> None:
    with ThreadPoolExecutor(9) as pool:
        first, *later = ask_during_a_call(pool, api, catalog, 8)
        assert first.result(10) is api.listed[0]
        assert {id(one.result(10)) for one in later} == {id(api.listed[1])}, "asked for after all of them had asked"
    assert len(api.begun) == 2


def test_one_after_the_other_each_is_given_its_own(api: Api, catalog: Catalog) -> None:
    api.may_end.release(3)
    found = [catalog.shared_listing(PARTNER, None) for _ in range(3)]
    assert len({id(one) for one in found}) == 3


def test_regions_are_lists_of_their_own_and_families_do_not_wait_for_each_other(api: Api, catalog: Catalog) -> None:
    with ThreadPoolExecutor(9) as pool:
        wanted = [(PARTNER, None), (PARTNER, "EU"), (ORGANIZATION, None)]
        found = [pool.submit(catalog.shared_listing, *one) for one in wanted]
        until(lambda: {family for family, _ in api.begun} == {PARTNER, ORGANIZATION}, "a call of each family")
        api.may_end.release(3)
        assert len({id(one.result(10)) for one in found}) == 3
    assert Counter(api.begun) == Counter(wanted)


def test_what_goes_wrong_is_told_to_all_who_shared_it_and_to_no_later_one(api: Api, catalog: Catalog) -> None:
    api.error = WebexError("GET partner/reports", 500)
    with ThreadPoolExecutor(9) as pool:
        asked = ask_during_a_call(pool, api, catalog, 3)
        assert [type(one.exception(10)) for one in asked] == [WebexError] * 4
    api.error = None
    api.may_end.release()
    assert catalog.shared_listing(PARTNER, None) == []
