"""The demo's world is what its notes say."""

import csv
import io
import zipfile
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from bot.emulator import Emulator
from bot.emulator.sample_csv import KINDS, sample
from bot.emulator.sample_data import furnish
from tests.emulator.support import Client

LISTS = ("/partner/reports", "/reports")
"""What the bot calls at its start, long before anyone asks for a report."""


@pytest.fixture
def demo() -> Any:
    with Emulator() as emulator:
        made = furnish(emulator.world)
        client = Client(emulator.api_url, made.admin_token)
        yield emulator, made, client
        client.session.close()


def details(client, report) -> Any:
    path = "/partner/reports/" if report.family == "partner" else "/reports/"
    answer = client.get(path + report.id)
    if answer.status_code != 200:
        return answer.status_code
    body = answer.json()
    return body["items"][0] if "items" in body else body


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_a_csv_with_bom_and_even_rows_and_always_the_same(kind):
    make = sample(kind, 450, date(2026, 1, 1))
    text = b"".join(make()).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert b"".join(make()).startswith(b"\xef\xbb\xbf")
    assert len(rows) == 451
    assert {len(row) for row in rows} == {len(KINDS[kind][0])}
    assert text == b"".join(make()).decode("utf-8-sig")


def test_the_demo_has_admins_a_person_without_role_an_outsider_and_their_spaces(demo):
    emulator, made, _ = demo
    assert set(made.people) == {"ada", "grace", "hedy", "nora", "ethan"}
    assert made.people["ethan"].org_id != made.people["ada"].org_id
    assert [space.type for space in made.spaces.values()].count("direct") == 5
    assert {"Admin reports", "Project with Globex"} <= set(made.spaces)
    assert all(person.note for person in emulator.world.people.values())
    assert all(space.note for space in made.spaces.values())
    assert all(report.note for report in made.reports)


@pytest.mark.parametrize(
    ("who", "expected"),
    [("ada", [200, 200]), ("grace", [403, 200]), ("hedy", [200, 403]), ("nora", [403, 403]), ("ethan", [403, 403])],
)
def test_each_family_of_reports_is_for_other_people(demo, who, expected):
    emulator, made, _ = demo
    with closing(Client(emulator.api_url, emulator.world.add_token(made.people[who]))) as client:
        assert [client.get(path).status_code for path in LISTS] == expected


def test_each_report_of_the_demo_meets_its_fate(demo):
    emulator, made, client = demo
    now = emulator.world.clock()
    emulator.world.clock = lambda: now
    by_title = {report.title: report for report in made.reports}
    assert details(client, by_title["Created in Partner Hub"]) == 404
    pending = [by_title["Partner Meeting Details"], by_title["Active Hosts"]]
    assert [client.get(path).status_code for path in LISTS] == [200, 200]
    emulator.world.clock = lambda: now + 600
    assert [details(client, report)["status"] for report in pending] == ["In progress", "waiting"]
    emulator.world.clock = lambda: now + 621
    assert [details(client, report)["status"] for report in pending] == ["done", "done"]
    assert details(client, by_title["Detailed Call History"])["status"] == "failed"
    zipped = client.get(details(client, by_title["Calling Usage"])["downloadURL"]).content
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        (entry,) = archive.infolist()
        assert entry.filename.endswith(".csv")
        assert archive.read(entry).count(b"\r\n") == 2401
    plain = client.get(details(client, by_title["License Consumption"])["downloadURL"]).content
    assert plain.startswith(b"\xef\xbb\xbfDATE,")
    header_only = client.get(details(client, by_title["App Version"])["downloadURL"]).content
    assert header_only.count(b"\r\n") == 1


def test_the_demos_ids_are_the_same_each_time(demo):
    _, made, _ = demo
    with Emulator() as other:
        assert [report.id for report in furnish(other.world).reports] == [report.id for report in made.reports]
