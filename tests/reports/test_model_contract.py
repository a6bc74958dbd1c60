"""The examples of Webex's own API description are read as reports."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.webex.report import Phase, looks_like_report_id, read_details, read_list
from bot.webex.report_families import Family

CONTRACT = Path(
    os.environ.get("WEBEX_CONTRACT")
    or Path(__file__).parents[2] / ".." / "shared" / "contract" / "webex-openapi-subset.json"
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def example():
    if not CONTRACT.exists():
        pytest.skip("Webex's API description is not on this machine; WEBEX_CONTRACT may name it")
    paths = json.loads(CONTRACT.read_text())["paths"]
    return lambda path: paths[path]["get"]["responses"]["200"]["content"]["application/json"]["example"]


def test_the_partner_familys_example_is_read_whole(example):
    report = read_details(example("/partner/reports/{reportId}"), Family.PARTNER, NOW)
    assert looks_like_report_id(report.id)
    assert (report.phase, report.region, report.template_id, report.file_size) == (Phase.READY, "US", "5", None)
    assert report.created == datetime(2024, 3, 24, 17, 13, 39, tzinfo=UTC)
    assert report.start
    assert report.end
    assert report.expiry
    assert report.expiry.seconds == 3600
    assert report.download_url.startswith("https://downloadservicebts.webex.com/")


@pytest.mark.parametrize("path", ["/reports", "/reports/{reportId}"])
def test_the_organization_familys_examples_are_read_whole(example, path):
    (report,) = read_list(example(path), Family.ORGANIZATION, NOW)
    assert (report.title, report.phase, report.origin.lower()) == ("Bots Activity", Phase.READY, "api")
    assert report.created
    assert report.created_by
    assert report.download_url
    assert report.expiry is None
