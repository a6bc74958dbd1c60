"""The table of reports: one row each, without the download link."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.db import reports, requests
from bot.db.requests import State
from bot.webex.report import Expiry, Phase, Report
from bot.webex.report_families import Family
from bot.webex.report_lists import ReportList
from tests.db.rows import NOW, store_report, store_request

if TYPE_CHECKING:
    from bot.db.database import Database

LINK = "https://reportdownload-a.webex.com/api?reportId=1&secret=hush"


def test_a_report_is_read_as_it_was_stored_but_for_its_link(database: Database) -> None:
    full = Report(
        "R",
        Family.ORGANIZATION,
        "done",
        title="Usage",
        sites=("a", "b"),
        start=date(2024, 2, 23),
        created=NOW,
        download_url=LINK,
        expiry=Expiry(3600, NOW + timedelta(hours=1)),
        fetched_at=NOW,
    )
    with database.begin() as tx:
        reports.save(tx, full, NOW)
        row = reports.get(tx, "R")
        stored = str(tx.connection.exec_driver_sql("SELECT * FROM reports").all())
    assert row is not None
    assert row.report == replace(full, download_url="", fetched_at=None)
    assert "hush" not in stored


def test_what_webex_says_later_keeps_the_time_when_it_was_ready_and_the_counts(database: Database) -> None:
    with database.begin() as tx:
        store_report(tx, status="In progress")
        reports.count_check(tx, ["R"], NOW)
        store_report(tx, status="done")
        reports.save(tx, Report("R", Family.PARTNER, "done", title="Another"), NOW + timedelta(hours=1))
        row = reports.get(tx, "R")
    assert row is not None
    assert (row.title, row.phase, row.ready_at, row.checks) == ("Another", Phase.READY, NOW, 1)


@pytest.mark.parametrize(
    ("status", "state", "region", "watched"),
    [
        ("In progress", "found", "US", True),
        ("failed", "found", "US", True),  # a kill may have come before its requests were closed
        ("done", "found", "US", False),
        ("In progress", "closed", "US", False),
        ("In progress", "not found", "US", False),
        ("In progress", "found", "EU", False),
        ("In progress", "found", "", False),
    ],
)
def test_a_report_is_watched_while_it_is_not_ready_and_a_request_is_open(
    database: Database, status: str, state: str, region: str, watched: bool
) -> None:
    with database.begin() as tx:
        store_report(tx, status=status, region=region)
        one = store_request(tx, found_at=None if state == "not found" else NOW)
        if state == "closed":
            requests.close(tx, one, State.CANCELED, NOW)
        assert bool(reports.watched(tx, ReportList("partner", "US"))) is watched
        assert bool(reports.watched(tx, ReportList("partner"))) is (not region)
        assert not reports.watched(tx, ReportList("organization", "US"))
        assert not reports.watched(tx, ReportList("partner", "US", "SUB"))


def test_a_watch_goes_by_the_youngest_request_and_the_first_deadline(database: Database) -> None:
    with database.begin() as tx:
        store_report(tx)
        for hours in (2, 1, 3):
            at = NOW + timedelta(hours=hours)
            store_request(tx, f"messages:{hours}:R", asked_at=at, deadline_at=at + timedelta(hours=10))
        (watched,) = reports.watched(tx, ReportList("partner", "US"))
    assert (watched.youngest, watched.deadline) == (NOW + timedelta(hours=3), NOW + timedelta(hours=11))


def test_a_request_comes_with_its_report_as_far_as_that_is_known(database: Database) -> None:
    with database.begin() as tx:
        one = store_request(tx)
        assert reports.with_request(tx, one.id) == (one, None)
        store_report(tx)
        assert reports.with_request(tx, one.id) == (one, reports.get(tx, "R"))
        assert reports.with_request(tx, 99) is None
