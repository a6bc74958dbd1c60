"""Reports of each family over the API, with the admin token.

A family's path is data (``report_families.py``). Which family has a report, and what to do when one refuses, is decided
by ``catalog.py``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.errors import UNREADABLE, WebexError
from bot.webex.client import segment
from bot.webex.report import Listing, ReportMissing, ReportUnreadable, is_report_id, read_details, read_list
from bot.webex.report_families import FAMILIES, Family
from bot.webex.report_templates import body_of, created_id, read_templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.webex.client import Client
    from bot.webex.report import Report
    from bot.webex.report_templates import NewReport, Template

ON_BEHALF_OF: Final = "onBehalfOfSubPartnerOrgId"
NOT_AN_ID: Final = frozenset({"templates"})
"""``GET partner/reports/templates`` is another call, which nobody may reach by asking for a report of that name."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ReportsApi:
    """Details, lists and templates; creates and deletes reports.

    ``on_behalf_of``: the sub-partner organization that a partner call is made for, if any.
    """

    def __init__(self, client: Client, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._client = client
        self._now = now

    def details(self, family: Family, report_id: str, on_behalf_of: str | None = None) -> Report:
        """Return one report. Raises ``WebexError`` (404 also for an answer with no report) or ``ReportUnreadable``."""
        call = f"GET {FAMILIES[family].path}/{{id}}"
        if not is_report_id(report_id) or report_id in NOT_AN_ID:
            raise WebexError(call, HTTPStatus.NOT_FOUND, message="not an id", reached=False)
        asked_at = self._now()
        params = _params(family, on_behalf_of)
        answer = self._client.call("GET", f"{FAMILIES[family].path}/{segment(report_id)}", params=params)
        try:
            report = read_details(answer.json, family, asked_at, report_id)
        except ReportMissing as exc:
            raise WebexError(
                call, HTTPStatus.NOT_FOUND, message="an answer without a report", tracking_id=answer.tracking_id
            ) from exc
        return _of(report, params)

    def list(self, family: Family, region: str | None = None, on_behalf_of: str | None = None) -> Listing:
        """Return every report that Webex lists, all pages; ``region``: its ``regionId``, where the family takes one."""
        listing = Listing()
        on_behalf = _params(family, on_behalf_of)
        params = dict(on_behalf)
        if region and FAMILIES[family].takes_region:
            params["regionId"] = region
        asked_at = self._now()
        for page in self._client.pages(FAMILIES[family].path, params):
            try:
                found = read_list(page.json, family, asked_at)
            except ReportUnreadable as exc:
                call = f"GET {FAMILIES[family].path}"
                raise WebexError(call, None, message=UNREADABLE, tracking_id=page.tracking_id, passing=False) from exc
            # A page that lost its filter lists other regions too.
            listing += [_of(one, on_behalf) for one in found if not region or one.region in {"", region}]
            listing.skipped += found.skipped
        return listing

    def templates(self, family: Family, on_behalf_of: str | None = None) -> Sequence[Template]:
        """Return what the family can run. Raises ``WebexError``, also for an answer that cannot be read."""
        path = FAMILIES[family].templates_path
        answer = self._client.call("GET", path, params=_params(family, on_behalf_of))
        try:
            return read_templates(answer.json, family)
        except ReportUnreadable as exc:
            raise WebexError(
                f"GET {path}", None, message=UNREADABLE, tracking_id=answer.tracking_id, passing=False
            ) from exc

    def create(self, new: NewReport) -> str:
        """Create a report and return its ID; empty when Webex's success names none. Raises ``WebexError``."""
        path = FAMILIES[new.family].path
        answer = self._client.call("POST", path, params=_params(new.family, new.on_behalf_of), json=body_of(new))
        report_id = created_id(answer.json)
        return report_id if is_report_id(report_id) else ""

    def delete(self, family: Family, report_id: str, on_behalf_of: str | None = None) -> None:
        """Delete a report. Raises ``WebexError``; 404 means that it is gone already."""
        if not is_report_id(report_id) or report_id in NOT_AN_ID:
            raise WebexError(
                f"DELETE {FAMILIES[family].path}/{{id}}", HTTPStatus.NOT_FOUND, message="not an id", reached=False
            )
        params = _params(family, on_behalf_of)
        self._client.call("DELETE", f"{FAMILIES[family].path}/{segment(report_id)}", params=params)


def _params(family: Family, on_behalf_of: str | None) -> dict[str, str]:
    return {ON_BEHALF_OF: on_behalf_of} if FAMILIES[family].takes_region and on_behalf_of else {}


def _of(report: Report, params: Mapping[str, str]) -> Report:
    """Return a report with the organization that the call named: Webex doesn't repeat it."""
    return replace(report, on_behalf_of=params[ON_BEHALF_OF]) if params else report
