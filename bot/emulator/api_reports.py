"""Both report families: who may ask, and the calls. What the answers look like is written in `reports.py`."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bot.emulator import ids
from bot.emulator.api_people import IDENTITY_READ
from bot.emulator.directory import has_scope, is_admin, is_partner_admin
from bot.emulator.problems import Refusal, missing_role, missing_scope
from bot.emulator.report import Report
from bot.emulator.request import caller, json_body, world
from bot.emulator.sample_csv import sample
from bot.emulator.things import Content, Family, Organization, Person, Template, Token, report_time

REPORTS_READ = "spark-admin:reports_read"
REPORTS_WRITE = "spark-admin:reports_write"
ANALYTICS_READ = "analytics:read_all"
ORGANIZATION_ID = re.compile(r"ciscospark://[^/]+/ORGANIZATION/[0-9a-f-]{36}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
READY_AFTER_SECONDS = 20.0
ROWS = "Name,Value\r\nA,1\r\nB,2\r\n"
NO_ROWS = "Name,Value\r\n"
ROWS_A_DAY = 25
NORTH_AMERICA = frozenset({"US", "CA"})
"""Regions whose organizations have data in organization reports."""

part = Blueprint("reports", __name__)


def _token(*scopes: str) -> Token:
    """Return the caller's token; 403 unless it has all these scopes."""
    token = caller()
    lacking = [scope for scope in scopes if not has_scope(token, scope)]
    if lacking:
        raise missing_scope(*lacking)
    return token


def _partner_admin(*scopes: str) -> Person:
    token = _token(*scopes)
    if not is_partner_admin(token.person, world().organizations[token.person.org_id]):
        raise missing_role("partner full or partner read-only administrator")
    return token.person


def _organization_admin() -> Person:
    person = _token(ANALYTICS_READ).person
    if not is_admin(person):
        raise missing_role("full or read-only administrator")
    if not world().organizations[person.org_id].pro_pack:
        raise Refusal(403, "The organization is not entitled: Pro Pack is needed.")
    return person


def _admin(family: Family) -> Person:
    return _partner_admin(REPORTS_READ, IDENTITY_READ) if family == "partner" else _organization_admin()


def _sub_partner(person: Person) -> str | None:
    """Return the sub-partner in whose name a partner's administrator asks: 400 for no ID, 403 for another's."""
    given = request.args.get("onBehalfOfSubPartnerOrgId")
    if given is None:
        return None
    if not ORGANIZATION_ID.fullmatch(ids.decoded(given)):
        raise Refusal(400, "onBehalfOfSubPartnerOrgId is not an organization ID.")
    same = (one for one in world().organizations.values() if ids.plain_part(one.id) == ids.plain_part(given))
    found = next(same, None)
    if found is None or found.partner_id != person.org_id:
        raise Refusal(403, "The organization is not a sub-partner of yours.")
    return found.id


def _named(family: Family, person: Person) -> str | None:
    """Return the same; the other family knows no sub-partners and ignores the parameter."""
    return _sub_partner(person) if family == "partner" else None


def _wanted(report: Report) -> bool:
    """Return True for the filters that both families share; `from` and `to` are about the day of creation."""
    asked = request.args
    created = report_time(report.created)[:10]
    return (
        asked.get("service", report.service) == report.service
        and asked.get("templateId", str(report.template_id)) == str(report.template_id)
        and asked.get("reportId", report.id) == report.id
        and asked.get("from", created) <= created <= asked.get("to", created)
    )


def _check_days(*values: Any) -> None:
    for value in values:
        if value is not None and not (isinstance(value, str) and DAY.fullmatch(value)):
            raise Refusal(400, "A day must be written as YYYY-MM-DD.")


@part.get("/partner/reports")
def list_partner_reports() -> Response:
    """One region a request: the partner's home region unless `regionId` names another."""
    with world().lock:
        person = _admin("partner")
        _check_days(request.args.get("from"), request.args.get("to"))
        region = request.args.get("regionId", world().organizations[person.org_id].region)
        found = [
            report
            for report in world().listed_reports("partner", person, _sub_partner(person))
            if report.region == region and _wanted(report)
        ]
        for report in found:
            world().look(report)
        return jsonify({"items": [world().list_item(report) for report in found]})


@part.get("/reports")
def list_organization_reports() -> Response:
    """`from` and `to` only together."""
    with world().lock:
        person = _admin("organization")
        _check_days(request.args.get("from"), request.args.get("to"))
        if ("from" in request.args) != ("to" in request.args):
            raise Refusal(400, "from and to are needed together.")
        found = [report for report in world().listed_reports("organization", person) if _wanted(report)]
        for report in found:
            world().look(report)
        items = [world().list_item(report) for report in found]
        return jsonify({"items": items, "numberOfReports": len(items)})


def _details(report_id: str, family: Family) -> Response:
    with world().lock:
        person = _admin(family)
        report = world().report_of(report_id, family, person, _named(family, person))
        world().ask(report)
        return jsonify(world().details_view(report))


@part.get("/partner/reports/<report_id>")
def get_partner_report(report_id: str) -> Response:
    """Details in the partner family."""
    return _details(report_id, "partner")


@part.get("/reports/<report_id>")
def get_organization_report(report_id: str) -> Response:
    """Details in the organization family."""
    return _details(report_id, "organization")


def _delete(report_id: str, family: Family, person: Person) -> tuple[str, int]:
    with world().change():
        world().report_of(report_id, family, person, _named(family, person)).deleted = True
    return "", 204


@part.delete("/partner/reports/<report_id>")
def delete_partner_report(report_id: str) -> tuple[str, int]:
    """Needs the writing scope."""
    return _delete(report_id, "partner", _partner_admin(REPORTS_WRITE))


@part.delete("/reports/<report_id>")
def delete_organization_report(report_id: str) -> tuple[str, int]:
    """Needs the same as reading."""
    return _delete(report_id, "organization", _organization_admin())


# ---------------------------------------------------------------------- templates and making


def _templates(family: Family) -> list[Template]:
    return [template for template in world().templates if template.family == family]


@part.get("/partner/reports/templates")
def list_partner_templates() -> Response:
    """A bare array."""
    _sub_partner(_admin("partner"))
    return jsonify(
        [
            {
                "templateId": template.id,
                "title": template.title,
                "service": template.service,
                "category": "Partner",
                "maxDays": template.max_days,
                "dataStartDate": template.data_start,
                "dataEndDate": report_time(world().clock())[:10],
            }
            for template in _templates("partner")
        ]
    )


@part.get("/report/templates")
def list_organization_templates() -> Response:
    """The singular is Webex's."""
    _admin("organization")
    items = [
        {
            "Id": template.id,
            "title": template.title,
            "service": template.service,
            "maxDays": template.max_days,
            "identifier": "orgWithDate" if template.takes_dates else "orgWithoutDate",
            "startDate": template.data_start,
            "endDate": report_time(world().clock())[:10],
            "validations": [{"field": name, "required": "yes"} for name in _required(template)],
        }
        for template in _templates("organization")
    ]
    return jsonify({"items": items, "numberOfTemplate": len(items)})


def _required(template: Template) -> list[str]:
    days = ["startDate", "endDate"] if template.takes_dates else []
    return ["templateId", *days, *(["siteList"] if template.needs_sites else [])]


def _check_period(template: Template, start: Any, end: Any) -> None:
    """Refuse a period that the template does not take."""
    _check_days(start, end)
    if bool(start) != bool(end) or (template.takes_dates and not start):
        raise Refusal(400, "startDate and endDate are needed.")
    if not start:
        return
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    if last < first:
        raise Refusal(400, "endDate is before startDate.")
    if (last - first).days + 1 > template.max_days:
        raise Refusal(400, f"The period is longer than {template.max_days} days.")
    if start < template.data_start or end > report_time(world().clock())[:10]:
        raise Refusal(400, "There is no data for this period.")


def _has_data(family: Family, org: Organization, region: str | None, sites: str) -> bool:
    """Return False where Webex gives a file with a header alone."""
    if family == "partner":
        return any(one.region == (region or org.region) for one in world().organizations.values())
    asked = {site.strip() for site in sites.split(",")} - {""}
    return org.region in NORTH_AMERICA and (not asked or not org.sites or not asked.isdisjoint(org.sites))


def _content(template: Template, body: Mapping[str, Any], *, has_data: bool) -> Content:
    if not template.sample:
        return ROWS if has_data else NO_ROWS
    today = report_time(world().clock())[:10]
    first, last = (date.fromisoformat(body.get(name) or today) for name in ("startDate", "endDate"))
    days = (last - first).days + 1
    return sample(template.sample, ROWS_A_DAY * days if has_data else 0, first, days)


def _create(family: Family, person: Person) -> Report:
    body = json_body()
    template = next((one for one in _templates(family) if one.id == body.get("templateId")), None)
    if template is None:
        raise Refusal(400, "There is no such templateId.")
    _check_period(template, body.get("startDate"), body.get("endDate"))
    if template.needs_sites and not body.get("siteList"):
        raise Refusal(400, "siteList is needed.")
    most, sub_partner = world().reports_kept, _named(family, person)
    if most is not None and len(world().listed_reports(family, person, sub_partner)) >= most:
        raise Refusal(400, "The organization holds as many reports as it can; delete one first.")
    today = report_time(world().clock())[:10]
    org, region, sites = world().organizations[person.org_id], body.get("regionId"), body.get("siteList") or ""
    made = world().add_report(
        family=family,
        title=template.title,
        status="In progress" if family == "partner" else "waiting",
        template_id=template.id,
        service=template.service,
        start=body.get("startDate") or today,
        end=body.get("endDate") or today,
        content=_content(template, body, has_data=_has_data(family, org, region, sites)),
        region=region,
        site_list=sites,
        owner_org=org,
        created_by=person.id,
        sub_partner=sub_partner,
        ready_after_seconds=READY_AFTER_SECONDS,
    )
    made.first_asked = world().clock()
    return made


@part.post("/partner/reports")
def create_partner_report() -> Response:
    """`reportId` and `createdTime` of a report that is done after a while."""
    with world().lock:
        made = _create("partner", _partner_admin(REPORTS_WRITE, IDENTITY_READ))
        return jsonify({"reportId": made.id, "createdTime": report_time(made.created)})


@part.post("/reports")
def create_organization_report() -> Response:
    """The id comes inside an object called items."""
    with world().lock:
        return jsonify({"items": {"Id": _create("organization", _organization_admin()).id}})
