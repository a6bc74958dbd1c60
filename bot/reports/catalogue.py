"""Finds a report by its id, in whichever family has it, and lists what there is.

The family cannot be told from an id. The partner family is asked first; where it answers 404 (unknown) or 403 (not a
partner administrator), the organisation family is asked; both answers are told only when both refuse.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.errors import BotError, WebexError
from bot.reports.model import Family, ReportMissing
from bot.reports.recent_details import RecentDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.ports import Reports
    from bot.reports.model import Report

UNKNOWN_HERE = 404
REFUSED_HERE = 403
WRONG_HERE = 400
ASK_THE_OTHER = frozenset({UNKNOWN_HERE, REFUSED_HERE, WRONG_HERE})
"""Answers of one family that the other may not share: 400 is how one could refuse an id of the other's."""

NEEDS = {
    Family.PARTNER: (
        "partner reports need the scopes `spark-admin:reports_read` and `identity:people_read` "
        "and a partner full or partner read-only administrator"
    ),
    Family.ORGANIZATION: (
        "organisation reports need the scope `analytics:read_all`, Pro Pack, and a full or read-only administrator"
    ),
}


class NotFound(BotError):
    """No report has this id."""

    def __init__(self, answers: dict[Family, WebexError]) -> None:
        self.answers = answers
        super().__init__(_told(answers))


def _told(answers: dict[Family, WebexError]) -> str:
    ids = "; ".join(f"{family.value}: {error.tracking_id}" for family, error in answers.items() if error.tracking_id)
    tracking = f" Webex tracking ids – {ids}." if ids else ""
    refused = [family for family, error in answers.items() if error.status == REFUSED_HERE]
    if len(refused) == len(answers):
        needs = "; ".join(NEEDS[family] for family in refused)
        return (
            f"Webex refuses the bot's admin token: {needs}. Ask the bot's operators to add what is missing.{tracking}"
        )
    said = (
        "Webex does not know this report. Either the id is mistyped (capital and small letters matter), the report was "
        "deleted, or it was made in Control Hub or Partner Hub: those cannot be fetched by any bot. "
        "Write `reports` to see the ones I can fetch."
    )
    if refused:
        said += f" I could not look everywhere: {NEEDS[refused[0]]}."
    return said + tracking


def _none_has_it(answers: dict[Family, WebexError]) -> BotError:
    """What to say when no family has it: one sentence about all of them, unless all call the request itself wrong."""
    if all(error.status not in {UNKNOWN_HERE, REFUSED_HERE} for error in answers.values()):
        return next(iter(answers.values()))
    return NotFound(answers)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Catalogue:
    """Asks the families of the settings, in their order."""

    def __init__(self, api: Reports, families: Sequence[Family], *, now: Callable[[], datetime] = _utc_now) -> None:
        self._api = api
        self._families = tuple(families)
        self._recent = RecentDetails(now)

    @property
    def families(self) -> tuple[Family, ...]:
        """Which families are asked, in this order."""
        return self._families

    def find(self, report_id: str, known: str | None = None) -> Report:
        """The report's details. ``known``: the family that it was found in before, asked first.

        Raises :class:`NotFound` when every family answers 404 or 403, and ``WebexError`` for anything else: a family
        that has trouble does not hide a report that the other has.
        """
        order = sorted(self._families, key=lambda family: family.value != known)
        answers: dict[Family, WebexError] = {}
        trouble: WebexError | None = None
        for family in order:
            try:
                return self._asked(family, report_id)
            except WebexError as error:
                if error.status in ASK_THE_OTHER:
                    answers[family] = error
                elif error.passing:
                    trouble = trouble or error  # the other family may have it all the same
                else:
                    raise
            except ReportMissing:
                # An empty answer with status 200 means the same as 404.
                answers[family] = WebexError("report details", UNKNOWN_HERE)
        raise trouble or _none_has_it(answers)

    def details(self, family: str, report_id: str) -> Report:
        """The report's details as Webex gives them now, in the family that is known to have it."""
        return self._asked(Family(family), report_id)

    def recent_details(self, family: str, report_id: str) -> Report:
        """The same, or what Webex said less than a minute ago of a report that was ready then."""
        return self._recent.get(family, report_id) or self.details(family, report_id)

    def _asked(self, family: Family, report_id: str) -> Report:
        self._recent.forget(family.value, report_id)
        report = self._api.details(family, report_id)
        if report.id == report_id:
            self._recent.keep(report)
        return report

    def listing(self, family: str, region: str | None) -> Sequence[Report]:
        """Every report of a family and region that Webex lists."""
        return self._api.list(Family(family), region)

    def everything(self) -> tuple[list[Report], dict[Family, WebexError]]:
        """All reports of all families, newest first, and the families that refused.

        Raises ``WebexError`` or :class:`NotFound` when every family fails.
        """
        found: list[Report] = []
        refused: dict[Family, WebexError] = {}
        for family in self._families:
            try:
                found += self._api.list(family)
            except WebexError as error:
                refused[family] = error
        if len(refused) == len(self._families):
            raise next((error for error in refused.values() if error.passing), None) or _none_has_it(refused)
        found.sort(key=lambda report: report.created.timestamp() if report.created else 0.0, reverse=True)
        return found, refused
