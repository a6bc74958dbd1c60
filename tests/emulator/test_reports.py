"""Both report families: who may ask, how answers look, and when reports become ready."""

import base64
from typing import Any

import pytest

from bot.emulator import Shape, Template
from bot.emulator.things import (
    FULL_ADMIN,
    PARTNER_ADMIN,
    PARTNER_FULL_ADMIN,
    PARTNER_HELP_DESK,
    PARTNER_READONLY_ADMIN,
    PARTNER_SALES_ADMIN,
    READONLY_ADMIN,
)

READ = {"spark-admin:reports_read", "identity:people_read"}


def decoded(webex_id) -> Any:
    return base64.b64decode(webex_id + "=" * (-len(webex_id) % 4)).decode()


def test_report_ids_have_both_forms(live):
    partner = live.world.add_report(family="partner")
    organization = live.world.add_report(family="organization")
    assert decoded(partner.id).startswith("ciscospark://urn:TEAM:us-east-1_int13/REPORT/")
    assert decoded(organization.id).startswith("ciscospark://us/REPORT/")
    assert len(decoded(organization.id).rsplit("/", 1)[1]) == 32
    assert "=" not in partner.id + organization.id


def test_partner_details_are_flat(live, admin):
    report = live.world.add_report(family="partner", title="Calling Usage", created=1711300419.0, content=b"a\n1\n")
    details = admin.get(f"/partner/reports/{report.id}").json()
    assert list(details) == [
        *("reportId", "templateId", "title", "service", "startDate", "endDate", "regionId", "createdTime"),
        *("status", "fileName", "fileSize", "checksum", "downloadURL", "downloadUrlExpiryTime"),
    ]
    assert details["createdTime"] == "2024-03-24 17:13:39"
    assert (details["fileSize"], details["status"], details["downloadUrlExpiryTime"]) == (4, "done", "3600")
    assert details["fileName"].endswith(".csv")


def test_organization_details_and_list_are_wrapped_and_spelled_in_their_own_way(live, admin):
    report = live.world.add_report(family="organization", title="Bots Activity", site_list="acme.webex.com")
    details = admin.get(f"/reports/{report.id}").json()
    assert details["numberOfReports"] == 1
    (item,) = details["items"]
    assert (item["Id"], item["title"], item["scheduleFrom"]) == (report.id, "Bots Activity", "api")
    assert {"siteList", "created", "createdBy", "downloadDomain", "downloadURL"} <= set(item)
    assert not {"fileSize", "checksum", "downloadUrlExpiryTime"} & set(item)
    listed = admin.get("/reports").json()
    assert (listed["items"][0]["Id"], listed["items"][0]["title"]) == (report.id, "Bots Activity")
    assert listed["numberOfReports"] == 1


@pytest.mark.parametrize("family", ["partner", "organization"])
@pytest.mark.parametrize(
    ("wrap", "inner"),
    [
        ("flat", lambda body: body),
        ("list", lambda body: body[0]),
        ("items", lambda body: body["items"][0]),
        ("object", lambda body: body["items"]),
    ],
)
def test_a_test_chooses_the_wrapping_and_the_spellings(live, admin, family, wrap, inner):
    shape = Shape(wrap, {"Id": "id", "title": "reportTitle", "scheduleFrom": "scheduledFrom"})
    report = live.world.add_report(family=family, title="Mine", shape=shape)
    path = "/partner/reports/" if family == "partner" else "/reports/"
    assert inner(admin.get(path + report.id).json())["reportTitle"] == "Mine"


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("seconds", "3600"),
        ("epoch", "1800003600"),
        ("milliseconds", "1800003600000"),
        ("iso", "2027-01-15T09:00:00.000Z"),
        ("none", None),
    ],
)
def test_a_test_chooses_how_the_expiry_is_spelled(live, admin, spelling, expected):
    live.world.clock = lambda: 1_800_000_000.0
    report = live.world.add_report(family="partner", shape=Shape(expiry=spelling))
    assert admin.get(f"/partner/reports/{report.id}").json().get("downloadUrlExpiryTime") == expected


def test_the_partner_family_needs_a_partner_full_or_read_only_administrator(live, admin):
    report = live.world.add_report(family="partner")
    link = admin.get(f"/partner/reports/{report.id}").json()["downloadURL"]
    for role, status in [
        (PARTNER_FULL_ADMIN, 200),
        (PARTNER_READONLY_ADMIN, 200),
        (PARTNER_ADMIN, 403),
        (PARTNER_SALES_ADMIN, 403),
        (PARTNER_HELP_DESK, 403),
        (FULL_ADMIN, 403),
        (READONLY_ADMIN, 403),
        ("id_user_admin", 403),
        ("partner full administrator", 403),
    ]:
        client = live.client(live.world.add_person(f"With {role}", live.acme, roles=[role]))
        paths = (f"/partner/reports/{report.id}", "/partner/reports", "/partner/reports/templates", link)
        assert [client.get(path).status_code for path in paths] == [status] * 4, role


def test_a_partner_role_counts_in_a_partner_only_and_never_for_a_bot(live):
    eve = live.world.add_person("Eve", live.globex, roles=[PARTNER_FULL_ADMIN])
    for person in (eve, live.nora, live.bot):
        assert live.client(person).get("/partner/reports").status_code == 403, person.display_name


def test_the_organization_family_needs_an_administrator_and_pro_pack(live):
    report = live.world.add_report(family="organization")
    reader = live.world.add_person("Rita", live.acme, roles=["id_readonly_admin"])
    partner = live.world.add_person("Pam", live.acme, roles=[PARTNER_FULL_ADMIN])
    for person, status in [(live.ada, 200), (reader, 200), (partner, 403), (live.nora, 403), (live.bot, 403)]:
        assert live.client(person).get(f"/reports/{report.id}").status_code == status, person.display_name
    live.acme.pro_pack = False
    refused = live.client(live.ada).get(f"/reports/{report.id}")
    assert refused.status_code == 403
    assert "Pro Pack" in refused.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", "/partner/reports", READ),
        ("GET", "/partner/reports/templates", READ),
        ("GET", "/partner/reports/{partner}", READ),
        ("POST", "/partner/reports", {"spark-admin:reports_write", "identity:people_read"}),
        ("DELETE", "/partner/reports/{partner}", {"spark-admin:reports_write"}),
        ("GET", "/reports", {"analytics:read_all"}),
        ("GET", "/report/templates", {"analytics:read_all"}),
        ("GET", "/reports/{organization}", {"analytics:read_all"}),
        ("POST", "/reports", {"analytics:read_all"}),
        ("DELETE", "/reports/{organization}", {"analytics:read_all"}),
    ],
)
def test_each_call_needs_each_of_its_scopes_and_no_other(live, method, path, scopes):
    ids = {family: live.world.add_report(family=family).id for family in ("partner", "organization")}
    live.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.world.add_template(Template(130, "organization", "Calling Usage", "Teams"))
    body = {"templateId": 130, "startDate": "2026-01-01", "endDate": "2026-01-31"} if method == "POST" else None

    def status(allowed) -> Any:
        return live.client(live.ada, scopes=allowed).call(method, path.format(**ids), json=body).status_code

    for scope in scopes:
        assert status(scopes - {scope}) == 403
    assert status(scopes) in (200, 204)


def test_what_a_family_does_not_know_is_404(live, admin):
    partner = live.world.add_report(family="partner")
    organization = live.world.add_report(family="organization")
    portal = live.world.add_report(family="partner", made_in_portal=True)
    foreign = live.world.add_report(family="organization", owner_org=live.globex)
    initech = live.world.add_organization("Initech", sub_partner_of=live.acme)
    sub = live.world.add_report(family="partner", sub_partner=initech.id)
    for path in (
        f"/partner/reports/{organization.id}",
        f"/reports/{partner.id}",
        f"/partner/reports/{portal.id}",
        f"/reports/{foreign.id}",
        f"/partner/reports/{sub.id}",
        f"/partner/reports/{partner.id.lower()}",
        "/reports/none",
    ):
        assert admin.get(path).status_code == 404
    for padding in ("", "="):
        named = admin.get(f"/partner/reports/{sub.id}", onBehalfOfSubPartnerOrgId=f"{initech.id}{padding}")
        assert named.status_code == 200


@pytest.mark.parametrize("path", ["/partner/reports", "/partner/reports/templates", "/partner/reports/{id}"])
def test_another_organization_than_a_sub_partner_is_refused(live, admin, path):
    made = live.world.add_report(family="partner")
    for organization, status in ((live.globex.id, 403), (live.acme.id, 403), ("Initech", 400), ("", 400)):
        answer = admin.get(path.format(id=made.id), onBehalfOfSubPartnerOrgId=organization)
        assert answer.status_code == status, organization


def listed(answer) -> Any:
    return [item.get("reportId") or item["Id"] for item in answer.json()["items"]]


def test_the_partner_list_holds_one_region_and_honours_its_filters(live, admin):
    home = live.world.add_report(family="partner", template_id=5, service="Calling")
    europe = live.world.add_report(family="partner", region="EU")
    hidden = live.world.add_report(family="partner", listed=False)
    assert listed(admin.get("/partner/reports")) == [home.id]
    assert listed(admin.get("/partner/reports", regionId="EU")) == [europe.id]
    assert admin.get(f"/partner/reports/{europe.id}").json()["regionId"] == "EU"
    assert admin.get(f"/partner/reports/{hidden.id}").status_code == 200
    assert listed(admin.get("/partner/reports", templateId=5, service="Calling")) == [home.id]
    assert listed(admin.get("/partner/reports", templateId=6)) == []


def test_the_organization_list_wants_both_days_or_none(live, admin):
    report = live.world.add_report(family="organization", created=1711300419.0)
    assert listed(admin.get("/reports", **{"from": "2024-03-24", "to": "2024-03-24"})) == [report.id]
    assert listed(admin.get("/reports", **{"from": "2024-03-25", "to": "2024-03-26"})) == []
    assert admin.get("/reports", **{"from": "2024-03-24"}).status_code == 400
    assert admin.get("/reports", **{"from": "yesterday", "to": "today"}).status_code == 400
    assert listed(admin.get("/reports", reportId="none")) == []


@pytest.mark.parametrize("by_list", [False, True])
def test_a_report_becomes_ready_by_polls_of_details_or_list(live, admin, by_list):
    report = live.world.add_report(family="partner", status="In progress", ready_after_polls=2)
    seen = []
    for _ in range(3):
        if by_list:
            seen.append(admin.get("/partner/reports").json()["items"][0]["status"])
        else:
            seen.append(admin.get(f"/partner/reports/{report.id}").json()["status"])
    assert seen == ["In progress", "In progress", "done"]


def test_a_report_becomes_ready_by_time_since_it_was_first_asked_for(live, admin):
    now = 1_800_000_000.0
    live.world.clock = lambda: now
    report = live.world.add_report(family="organization", status="waiting", ready_after_seconds=20)
    for later, status in [(100.0, "waiting"), (19.0, "waiting"), (1.5, "done")]:
        now += later
        assert admin.get(f"/reports/{report.id}").json()["items"][0]["status"] == status


@pytest.mark.parametrize(
    ("family", "path", "status"),
    [("partner", "/partner/reports", "In progress"), ("organization", "/reports", "waiting")],
)
def test_a_list_starts_no_clock_and_shows_what_time_did_to_a_report_that_was_asked_for(
    live, admin, family, path, status
):
    now = 1_800_000_000.0
    live.world.clock = lambda: now
    report = live.world.add_report(family=family, status=status, ready_after_seconds=20)

    def shown() -> Any:
        return admin.get(path).json()["items"][0]["status"]

    assert shown() == status
    now += 100.0
    assert shown() == status
    admin.get(f"{path}/{report.id}")
    now += 19.0
    assert shown() == status
    now += 1.5
    assert shown() == "done"


def test_a_pending_report_has_a_link_but_no_size_and_a_status_can_be_set(live, admin):
    report = live.world.add_report(family="partner", status="manual_processing")
    pending = admin.get(f"/partner/reports/{report.id}").json()
    assert (pending["status"], pending["fileSize"]) == ("manual_processing", 0)
    assert pending["downloadURL"].startswith(live.emulator.download_url)
    assert admin.get(pending["downloadURL"]).status_code == 404
    live.world.set_report(report.id, status="failed")
    assert admin.get(f"/partner/reports/{report.id}").json()["status"] == "failed"
    with pytest.raises(TypeError, match="colour"):
        live.world.set_report(report.id, colour="red")


def test_templates_come_bare_from_one_family_and_wrapped_from_the_other(live, admin):
    live.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.world.add_template(Template(1, "organization", "Active Hosts", "Meetings", max_days=93))
    (partner,) = admin.get("/partner/reports/templates").json()
    assert (partner["templateId"], partner["category"], partner["maxDays"]) == (130, "Partner", 31)
    wrapped = admin.get("/report/templates").json()
    assert wrapped["numberOfTemplate"] == 1
    assert (wrapped["items"][0]["Id"], wrapped["items"][0]["maxDays"]) == (1, 93)
    assert wrapped["items"][0]["validations"][0] == {"field": "templateId", "required": "yes"}


def test_a_report_is_made_and_deleted_in_each_family(live, admin):
    live.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.world.add_template(Template(1, "organization", "Active Hosts", "Meetings"))
    period = {"startDate": "2026-01-01", "endDate": "2026-01-31"}
    partner = admin.post("/partner/reports", templateId=130, regionId="CA", **period).json()
    assert set(partner) == {"reportId", "createdTime"}
    details = admin.get(f"/partner/reports/{partner['reportId']}").json()
    assert (details["status"], details["regionId"], details["title"]) == ("In progress", "CA", "Calling Usage")
    made = admin.post("/reports", templateId=1, **period).json()["items"]["Id"]
    assert admin.get(f"/reports/{made}").json()["items"][0]["status"] == "waiting"
    for path in (f"/partner/reports/{partner['reportId']}", f"/reports/{made}"):
        assert admin.delete(path).status_code == 204
        assert admin.get(path).status_code == 404
        assert admin.delete(path).status_code == 404
    assert admin.post("/partner/reports", templateId=130).status_code == 400
    assert admin.post("/reports", templateId=99).status_code == 400
    assert admin.post("/reports", templateId=1, startDate="1.1.2026").status_code == 400


@pytest.mark.parametrize(
    ("home", "asked", "has_rows"),
    [
        ("US", {}, True),
        ("US", {"regionId": "US"}, True),
        ("US", {"regionId": "EU"}, False),  # no organization is there
        ("EU", {}, True),
    ],
)
def test_a_partner_report_for_a_region_of_nobody_has_a_header_alone(live, admin, home, asked, has_rows):
    live.acme.region = home
    live.world.add_template(Template(1, "partner", "Usage", "Teams"))
    admin.post("/partner/reports", templateId=1, startDate="2026-01-01", endDate="2026-01-31", **asked)
    assert has_any_rows(live) is has_rows


@pytest.mark.parametrize(
    ("home", "asked", "has_rows"),
    [
        ("US", {}, True),
        ("CA", {}, True),
        ("EU", {}, False),  # not in North America
        ("US", {"siteList": "acme.webex.com"}, True),
        ("US", {"siteList": "other.webex.com,acme.webex.com"}, True),
        ("US", {"siteList": "other.webex.com"}, False),
    ],
)
def test_an_organization_report_for_where_there_is_nothing_has_a_header_alone(live, admin, home, asked, has_rows):
    live.acme.region, live.acme.sites = home, ("acme.webex.com",)
    live.world.add_template(Template(1, "organization", "Usage", "Teams"))
    admin.post("/reports", templateId=1, startDate="2026-01-01", endDate="2026-01-31", **asked)
    assert has_any_rows(live) is has_rows


def has_any_rows(live) -> bool:
    (report,) = live.world.reports.values()
    return b"".join(report.produced()).count(b"\n") > 1


def test_an_organization_can_be_full(live, admin):
    live.world.add_template(Template(1, "organization", "Active Hosts", "Meetings"))
    live.world.reports_kept = 1
    period = {"startDate": "2026-01-01", "endDate": "2026-01-31"}
    assert admin.post("/reports", templateId=1, **period).status_code == 200
    assert admin.post("/reports", templateId=1, **period).status_code == 400


@pytest.mark.parametrize(
    ("template", "asked"),
    [
        (Template(1, "organization", "Active Hosts", "Meetings"), {}),
        (Template(1, "organization", "Active Hosts", "Meetings"), {"startDate": "2026-01-01"}),
        (Template(1, "organization", "Active Hosts", "Meetings"), {"startDate": "2026-01-05", "endDate": "2026-01-01"}),
        (Template(1, "organization", "Active Hosts", "Meetings"), {"startDate": "2026-01-01", "endDate": "2026-02-01"}),
        (Template(1, "organization", "Active Hosts", "Meetings"), {"startDate": "2024-01-01", "endDate": "2024-01-02"}),
        (Template(1, "organization", "Audio Usage", "Meetings", needs_sites=True, takes_dates=False), {}),
    ],
)
def test_what_a_template_does_not_take_is_refused(live, admin, template, asked):
    live.world.add_template(template)
    assert admin.post("/reports", templateId=1, **asked).status_code == 400
