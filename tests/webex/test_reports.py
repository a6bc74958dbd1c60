"""Reports of both families, against the emulator and against every status code."""

from __future__ import annotations

import pytest

from bot.emulator.report import Shape
from bot.errors import WebexError
from bot.webex.client import Client
from bot.webex.report import Phase, ReportUnreadable
from bot.webex.report_families import Family
from bot.webex.report_templates import NewReport
from bot.webex.reports_api import ReportsApi
from bot.webex.tokens import StaticToken
from tests.webex.loopback import ALL_ERRORS

BOTH = list(Family)


@pytest.fixture
def reports(live):
    return ReportsApi(live.admin)


@pytest.fixture
def scripted(loopback, closed):
    return ReportsApi(closed(Client(loopback.url, StaticToken("t"))))


@pytest.mark.parametrize("family", BOTH)
@pytest.mark.parametrize("wrap", ["items", "object", "flat", "list"])
def test_details_are_found_in_every_wrapping(live, reports, family, wrap):
    made = live.emulator.world.add_report(
        family=family.value, title="Hosts", status="done", content=b"A,B\n1,2\n", shape=Shape(wrap=wrap)
    )
    report = reports.details(family, made.id)
    assert (report.id, report.title, report.phase, report.family) == (made.id, "Hosts", Phase.READY, family)
    assert report.download_url.startswith(live.emulator.download_url)
    assert report.created


@pytest.mark.parametrize("family", BOTH)
def test_a_list_has_every_report_of_its_family_over_all_pages(live, reports, family):
    world = live.emulator.world
    made = [world.add_report(family=family.value, title=f"R{n}", content=b"A\n") for n in range(5)]
    world.add_report(family=next(other.value for other in BOTH if other is not family), title="X", content=b"A\n")
    world.page_size = 2
    assert {report.id for report in reports.list(family)} == {report.id for report in made}


def test_a_region_and_a_sub_partner_go_with_partner_calls_only(loopback, scripted):
    loopback.always(200, {"items": []})
    scripted.list(Family.PARTNER, "EU", "SUB")
    scripted.list(Family.ORGANIZATION, "EU", "SUB")
    scripted.templates(Family.PARTNER, "SUB")
    for family in BOTH:
        with pytest.raises(WebexError):
            scripted.details(family, "x", "SUB")
        scripted.delete(family, "x", "SUB")
        scripted.create(NewReport(family, "5", on_behalf_of="SUB"))
    assert [(asked.method, asked.path) for asked in loopback.asked] == [
        ("GET", "/v1/partner/reports?onBehalfOfSubPartnerOrgId=SUB&regionId=EU"),
        ("GET", "/v1/reports"),
        ("GET", "/v1/partner/reports/templates?onBehalfOfSubPartnerOrgId=SUB"),
        ("GET", "/v1/partner/reports/x?onBehalfOfSubPartnerOrgId=SUB"),
        ("DELETE", "/v1/partner/reports/x?onBehalfOfSubPartnerOrgId=SUB"),
        ("POST", "/v1/partner/reports?onBehalfOfSubPartnerOrgId=SUB"),
        ("GET", "/v1/reports/x"),
        ("DELETE", "/v1/reports/x"),
        ("POST", "/v1/reports"),
    ]


def test_a_report_says_for_which_sub_partner_it_was_asked(live, reports):
    world = live.emulator.world
    partner = next(iter(world.organizations.values()))
    initech = world.add_organization("Initech", sub_partner_of=partner)
    made = world.add_report(family="partner", title="Usage", sub_partner=initech.id)
    assert reports.details(Family.PARTNER, made.id, initech.id).on_behalf_of == initech.id
    (listed,) = reports.list(Family.PARTNER, None, initech.id)
    assert (listed.id, listed.on_behalf_of) == (made.id, initech.id)
    assert list(reports.list(Family.PARTNER)) == []


@pytest.mark.parametrize("family", BOTH)
def test_the_other_familys_id_is_unknown(live, reports, family):
    other = next(other for other in BOTH if other is not family)
    made = live.emulator.world.add_report(family=other.value, title="X", content=b"A\n")
    with pytest.raises(WebexError) as caught:
        reports.details(family, made.id)
    assert (caught.value.status, bool(caught.value.tracking_id)) == (404, True)


@pytest.mark.parametrize("status", ALL_ERRORS)
def test_every_status_reaches_the_caller(loopback, scripted, status):
    loopback.always(status, {"message": "m"}, {"trackingId": "T_1", "Retry-After": "0"})
    for family in BOTH:
        for ask, arguments in ((scripted.details, (family, "x")), (scripted.list, (family,))):
            with pytest.raises(WebexError) as caught:
                ask(*arguments)
            assert (caught.value.status, caught.value.tracking_id) == (status, "T_1")


@pytest.mark.parametrize("unfit", ["", "a/b", "..", "templates", "a.b", "x" * 513])
def test_what_cannot_be_an_id_is_unknown_without_asking(loopback, scripted, unfit):
    for family in BOTH:
        with pytest.raises(WebexError) as caught:
            scripted.details(family, unfit)
        assert caught.value.status == 404
    assert loopback.asked == []


def test_an_answer_without_a_report_is_unknown(loopback, scripted):
    loopback.always(200, {"items": [], "numberOfReports": 0}, {"trackingId": "T_1"})
    with pytest.raises(WebexError) as caught:
        scripted.details(Family.ORGANIZATION, "x")
    assert (caught.value.status, caught.value.tracking_id, caught.value.passing) == (404, "T_1", False)


@pytest.mark.parametrize("answer", [5, "x", [5], {"items": "x"}, {"title": "no id"}])
def test_an_answer_that_is_no_report_is_unreadable(loopback, scripted, answer):
    loopback.always(200, answer)
    with pytest.raises(ReportUnreadable):
        scripted.details(Family.PARTNER, "x")


def test_unusable_entries_of_a_list_are_counted_over_all_pages(loopback, scripted):
    def answer(exchange, asked):
        last = "page=2" in asked.path
        link = {} if last else {"Link": f'<{loopback.url}/reports?page=2>; rel="next"'}
        exchange.reply(200, {"items": [{"Id": "b" if last else "a"}, {"title": "no id"}]}, link)

    loopback.answer(answer)
    listing = scripted.list(Family.ORGANIZATION)
    assert ([report.id for report in listing], listing.skipped) == (["a", "b"], 2)


def test_a_page_that_lost_its_region_lets_in_no_report_of_another(loopback, scripted):
    def answer(exchange, asked):
        last = "page=2" in asked.path
        link = {} if last else {"Link": f'<{loopback.url}/partner/reports?page=2>; rel="next"'}
        listed = [{"reportId": "c", "regionId": "CA"}] if last else []
        exchange.reply(200, [*listed, {"reportId": "d" if last else "a", "regionId": "EU"}], link)

    loopback.answer(answer)
    assert [report.id for report in scripted.list(Family.PARTNER, "EU")] == ["a", "d"]
    assert "regionId=EU" in loopback.asked[1].path
