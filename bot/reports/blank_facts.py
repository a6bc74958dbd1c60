"""Find out what helps to say why a report's file has nothing in it; ask Webex only for such a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.db import reports
from bot.errors import BotError
from bot.reports.blank import Known, diagnose, is_blank
from bot.webex.ids import same_id
from bot.webex.report_families import FAMILIES

if TYPE_CHECKING:
    from bot.db.blank import Blank
    from bot.files.csv_rows import Contents
    from bot.services import Services
    from bot.webex.catalog import Catalog
    from bot.webex.report import Report
    from bot.webex.report_templates import Template

log = structlog.get_logger(__name__)


def why_blank(services: Services, report: Report, contents: Contents | None) -> Blank | None:
    """Return why there is nothing in a file, or None for one with something in it. Raises ``DatabaseUnavailable``."""
    if contents is None or not is_blank(contents):
        return None
    with services.database.read() as tx:
        had_rows = reports.had_rows(tx, report)
    known = Known(_template(services.catalog, report), home_region(services.catalog, report), had_rows)
    return diagnose(report, contents, known, services.now().date())


def _template(catalog: Catalog, report: Report) -> Template | None:
    """Return the report's template: by its ID, or by its title and service where Webex gives no ID."""
    try:
        templates, _ = catalog.templates([report.family.value], report.on_behalf_of)
    except BotError as error:
        log.info("templates_not_known", cause=str(error))
        return None
    if report.template_id:
        return next((one for one in templates if one.id == report.template_id), None)
    named = [one for one in templates if one.title.casefold() == report.title.casefold()]
    same = [one for one in named if one.service.casefold() == report.service.casefold()] or named
    return same[0] if len(same) == 1 else None


def home_region(catalog: Catalog, report: Report) -> str | None:
    """Return the partner's home region, whose reports are listed where none is named; empty: not the report's."""
    if not report.region or not FAMILIES[report.family].takes_region:
        return None
    try:
        listed = catalog.listing(report.family.value, None, report.on_behalf_of)
    except BotError as error:
        log.info("home_region_not_known", cause=str(error))
        return None
    if any(same_id(one.id, report.id) for one in listed):
        return report.region
    return next((one.region for one in listed if one.region), "")
