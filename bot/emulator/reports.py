"""The reports of every organization: who finds them, when they become ready, and how the API shows them."""

import hashlib
import hmac
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.emulator import ids
from bot.emulator.moving import Moving
from bot.emulator.problems import Refusal, not_found
from bot.emulator.report import CHECKSUMS, DONE, Body, ExpirySpelling, Report, Shape, Wrap, write_body
from bot.emulator.things import Content, Family, Organization, Person, Template, iso, report_time


class Reports(Moving):
    """The reports and templates of every organization."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: dict[str, Report] = {}
        self.templates: list[Template] = []
        self.download_url = ""
        self.reports_kept: int | None = None
        self._link_key = secrets.token_bytes(32)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Stop waiting and throw the files away."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Return where uploads and finished reports lie; made at first need, gone after `close`."""
        with self.lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="webex-emulator-", ignore_cleanup_errors=True)
            return Path(self._folder.name)

    # ------------------------------------------------------------------ making

    def add_report(
        self,
        *,
        family: Family,
        title: str = "Usage",
        status: str | int | None = DONE,
        content: Content = "Name,Value\r\nA,1\r\nB,2\r\n",
        size: int | None = None,
        as_zip: bool = False,
        region: str | None = None,
        template_id: int = 130,
        service: str = "Teams",
        start: str = "2026-01-01",
        end: str = "2026-01-31",
        shape: Shape | Wrap | None = None,
        listed: bool = True,
        owner_org: Organization | None = None,
        checksum: str | None = "md5",
        ready_after_polls: int | None = None,
        ready_after_seconds: float | None = None,
        made_in_portal: bool = False,
        cluster: str | None = None,
        report_id: str | None = None,
        **more: Any,
    ) -> Report:
        """Add a report; `more` sets any further field of `Report`.

        `content`: a text becomes UTF-8 with a BOM, bytes stay as they are, a function gives pieces of any total; with
        `size` (bytes) such pieces go straight to the wire, otherwise they are put into a file first. `checksum`: an
        algorithm, None, or a literal to lie with. A pending report is done after so many polls (details, or a list
        that holds it) were answered with the old status, or so many seconds after it was first asked for by details.
        `owner_org` defaults to the first organization, `region` to its home region.
        """
        org = owner_org or next(iter(self.organizations.values()))
        if isinstance(shape, str):
            shape = Shape(wrap=shape)
        creator = next((p.id for p in self.people.values() if p.org_id == org.id and not p.is_bot), "")
        default_cluster = ids.CLUSTER_TEAM if family == "partner" else ids.CLUSTER_US
        more.setdefault("created", self.clock())
        more.setdefault("created_by", creator)
        more.setdefault("file_name", f"{title.replace(' ', '_')}_{start}_{end}.csv")
        report = Report(
            id=report_id or ids.new_report_id(cluster or default_cluster),
            family=family,
            title=title,
            status=status,
            content=content,
            owner_org_id=org.id,
            template_id=template_id,
            service=service,
            start=start,
            end=end,
            region=region or org.region,
            shape=shape or Shape(wrap="flat" if family == "partner" else "items"),
            size=size,
            as_zip=as_zip,
            listed=listed,
            checksum=checksum,
            ready_after_polls=ready_after_polls,
            ready_after_seconds=ready_after_seconds,
            made_in_portal=made_in_portal,
            **more,
        )
        with self.change():
            self.reports[report.id] = report
        return report

    def set_report(self, report_id: str, **fields: Any) -> Report:
        """Change fields of a report, such as `status="done"`."""
        report = self.reports[report_id]
        unknown = [name for name in fields if not hasattr(report, name)]
        if unknown:
            raise TypeError(f"a report has no {', '.join(unknown)}")
        with self.change():
            for name, value in fields.items():
                setattr(report, name, value)
            if {"content", "as_zip", "file_name"} & set(fields):
                report.body = None
        return report

    def add_template(self, template: Template) -> Template:
        """Add a kind of report that can be created."""
        with self.change():
            self.templates.append(template)
        return template

    # ------------------------------------------------------------------ asking

    def advance(self) -> None:
        """Reports whose time has come are done."""
        now = self.clock()
        for report in self.reports.values():
            wait = report.ready_after_seconds
            ripe = wait is not None and report.first_asked is not None and now - report.first_asked >= wait
            if ripe and not report.is_done:
                with self.change():
                    report.status, report.ready_after_seconds = DONE, None

    def ask(self, report: Report) -> None:
        """Start the report's clock, as a request for its details does, and count a look."""
        if report.first_asked is None:
            report.first_asked = self.clock()
        self.look(report)

    def look(self, report: Report) -> None:
        """An answer shows a report: time and the number of looks have their effect.

        A list starts no clock. Clients call it to see which family answers, long before anyone wants a report.
        """
        self.advance()
        report.polls += 1
        if report.ready_after_polls is not None and report.polls > report.ready_after_polls and not report.is_done:
            with self.change():
                report.status, report.ready_after_polls = DONE, None

    def report_of(self, report_id: str, family: Family, person: Person, sub_partner: str | None = None) -> Report:
        """Return a report that this administrator can reach by this family's API; 404 otherwise."""
        report = self.reports.get(report_id)
        if (
            report is None
            or report.deleted
            or report.made_in_portal
            or report.family != family
            or report.owner_org_id != person.org_id
            or report.sub_partner != sub_partner
        ):
            raise not_found("Report not found.")
        return report

    def listed_reports(self, family: Family, person: Person, sub_partner: str | None = None) -> list[Report]:
        """Return what this family's list holds for this administrator."""
        return [
            report
            for report in self.reports.values()
            if report.family == family
            and report.listed
            and not report.deleted
            and not report.made_in_portal
            and report.owner_org_id == person.org_id
            and report.sub_partner == sub_partner
        ]

    # ------------------------------------------------------------------ the file

    def body_of(self, report: Report) -> Body:
        """Return the finished file, made at first need, on disk."""
        with self.lock:
            if report.body is None:
                report.body = write_body(report, self.folder / f"{ids.plain_part(report.id)}-{secrets.token_hex(4)}")
            return report.body

    def checksum_of(self, report: Report) -> str | None:
        """Return what details say: the true sum of the file as served, a literal, or None."""
        if report.checksum in CHECKSUMS:
            return self.body_of(report).sums[report.checksum] if report.is_done and not report.size else ""
        return report.checksum

    def download_link(self, report: Report) -> str:
        """Return a fresh signed link; it lasts `report.link_seconds` from now."""
        expires = str(int((self.clock() + report.link_seconds) * 1000))
        return f"{self.download_url}/api?" + urlencode(
            {"reportId": report.id, "expires": expires, "signature": self._sign(report.id, expires)}
        )

    def _sign(self, report_id: str, expires: str) -> str:
        return hmac.new(self._link_key, f"{report_id} {expires}".encode(), hashlib.sha256).hexdigest()

    def report_for_link(self, query: Mapping[str, str]) -> Report:
        """Return the report of a download link: 404 for one that was tampered with, 410 for one that has expired."""
        report_id, expires = query.get("reportId", ""), query.get("expires", "")
        report = self.reports.get(report_id)
        if report is None or report.deleted:
            raise not_found()
        if not hmac.compare_digest(self._sign(report_id, expires), query.get("signature", "")):
            raise not_found()
        if int(expires) <= self.clock() * 1000:
            raise Refusal(410, "The download link has expired.")
        return report

    # ------------------------------------------------------------------ views

    def details_view(self, report: Report) -> Any:
        """Return the answer of a details call, in the report's shape."""
        fields = self._partner_fields(report) if report.family == "partner" else self._organization_fields(report)
        shape = report.shape
        fields = {shape.names.get(name, name): value for name, value in fields.items()}
        if shape.wrap == "items":
            return {"items": [fields], "numberOfReports": 1}
        if shape.wrap == "object":
            return {"items": fields}
        return [fields] if shape.wrap == "list" else fields

    def list_item(self, report: Report) -> dict[str, Any]:
        """One item of a list call, in the spellings of the details."""
        fields = self._partner_fields(report) if report.family == "partner" else self._organization_fields(report)
        return {report.shape.names.get(name, name): value for name, value in fields.items()}

    def _partner_fields(self, report: Report) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "reportId": report.id,
            "templateId": report.template_id,
            "title": report.title,
            "service": report.service,
            "startDate": report.start,
            "endDate": report.end,
            "regionId": report.region,
            "createdTime": report_time(report.created),
            "status": report.status,
            "fileName": report.file_name,
            "fileSize": self._announced_size(report),
            "checksum": self.checksum_of(report),
            "downloadURL": self.download_link(report),
        }
        expiry = self._expiry(report)
        if expiry is not None:
            fields["downloadUrlExpiryTime"] = expiry
        return {name: value for name, value in fields.items() if value is not None}

    def _organization_fields(self, report: Report) -> dict[str, Any]:
        return {
            "Id": report.id,
            "title": report.title,
            "service": report.service,
            "startDate": report.start,
            "endDate": report.end,
            "siteList": report.site_list,
            "created": report_time(report.created),
            "createdBy": report.created_by,
            "scheduleFrom": report.scheduled_from,
            "status": report.status,
            "downloadDomain": f"{self.download_url}/",
            "downloadURL": self.download_link(report),
        }

    def _announced_size(self, report: Report) -> int:
        if not report.is_done:
            return 0
        if report.announced_size is not None:
            return report.announced_size
        return report.size if report.size is not None else self.body_of(report).size

    def _expiry(self, report: Report) -> str | None:
        moment = self.clock() + report.link_seconds
        spellings: dict[ExpirySpelling, str | None] = {
            "seconds": str(int(report.link_seconds)),
            "epoch": str(int(moment)),
            "milliseconds": str(int(moment * 1000)),
            "iso": iso(moment),
            "none": None,
        }
        return spellings[report.shape.expiry]
