"""Find a report by its id, in whichever family has it, and list what there is.

An ID doesn't tell its family. The families of the settings are asked in their order; one that answers 404 (unknown) or
403 (not an administrator of its kind) is followed by the next, and their answers are told only when all of them refuse.
Only those that the asker may use are asked, so that nothing tells whether a report of another one exists.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from bot.errors import ADMIN_TOKEN, BotError, WebexError
from bot.webex.ids import bare_id
from bot.webex.recent_details import RecentDetails
from bot.webex.report import ReportMissing, ReportUnreadable
from bot.webex.report_families import FAMILIES, Family
from bot.webex.shared_lists import SharedLists

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from bot.webex.report import Report
    from bot.webex.report_templates import NewReport, Template
    from bot.webex.reports_api import ReportsApi

T = TypeVar("T")

TEMPLATES_FRESH: Final = timedelta(minutes=5)
"""How long a list of templates is reused: it changes rarely, and a few commands in a row ask for it."""

ASK_THE_NEXT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST})
"""Answers of one family that others may not share: 400 is how one could refuse the ID of another's report."""


CHECK_ID: Final = "Check the ID (it's case-sensitive). "


class NotFound(BotError):
    """No report has this id."""

    def __init__(self, answers: dict[Family, WebexError], others: str = "", *, typed: bool = True) -> None:
        self.answers = answers
        super().__init__(_told(answers, others, typed=typed))


def _refusal(families: Iterable[Family]) -> str:
    """Return that families refuse the admin token, what it needs for them, and whom to ask."""
    needs = "; ".join(FAMILIES[family].needs for family in families)
    return (
        f"Webex doesn't allow this for {ADMIN_TOKEN}: {needs}. Please ask the people who run this bot to add what's "
        "missing."
    )


def _told(answers: dict[Family, WebexError], others: str, *, typed: bool) -> str:
    """Return a sentence about what the families answered; ``others``: which were not asked.

    ``typed``: the ID was typed and may be wrong.
    """
    ids = "; ".join(f"{family.value}: {error.tracking_id}" for family, error in answers.items() if error.tracking_id)
    tracking = f" Webex tracking IDs – {ids}." if ids else ""
    refused = [family for family, error in answers.items() if error.status == HTTPStatus.FORBIDDEN]
    if len(refused) == len(answers):
        return _refusal(refused) + tracking
    kind = FAMILIES[next(iter(answers))].name if others and len(answers) == 1 else "report"
    said = (
        f"I couldn't find that {kind}. {CHECK_ID if typed else ''}Deleted reports, and reports created in Control Hub "
        "or Partner Hub, aren't available to bots. Type `reports` to see the ones I can get."
    )
    if refused:
        said += f" I couldn't look everywhere: {FAMILIES[refused[0]].needs}."
    return f"{said} {others}".rstrip() + tracking


def _none_has_it(answers: dict[Family, WebexError], others: str = "", *, typed: bool = True) -> BotError:
    """Return the error when no family has it: one about all of them, unless all call the request itself wrong."""
    if all(error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN} for error in answers.values()):
        return next(iter(answers.values()))
    return NotFound(answers, others, typed=typed)


def _all_refused(refused: dict[Family, WebexError], on_behalf_of: str | None) -> BotError:
    """Return the error when every family that was asked has failed."""
    passing = next((error for error in refused.values() if error.passing), None)
    if on_behalf_of and passing is None and all(error.status in ASK_THE_NEXT for error in refused.values()):
        return OrganizationRefused(on_behalf_of, refused)
    return passing or _none_has_it(refused)


class NoSubPartners(BotError):
    """Only partner reports can be those of another organization, and you can't get partner reports from me."""


class OrganizationRefused(BotError):
    """Webex gives no reports of this organization."""

    def __init__(self, on_behalf_of: str, answers: dict[Family, WebexError]) -> None:
        self.answers = answers
        error = next(iter(answers.values()))
        tracking = f" Webex tracking ID: {error.tracking_id}." if error.tracking_id else ""
        super().__init__(
            f"Webex doesn't give me reports of organization {bare_id(on_behalf_of)}. Check the ID, and that it's a "
            f"sub-partner for which the bot's admin token may act.{tracking}"
        )


def newest_first(reports: Iterable[Report]) -> list[Report]:
    """Return reports by when they were created; those of which Webex doesn't tell come last."""
    return sorted(reports, key=lambda one: one.created.timestamp() if one.created else 0.0, reverse=True)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Catalog:
    """Ask the families of the settings, in their order.

    ``on_behalf_of`` is in each call the sub-partner organization whose reports are meant, if any; then only the family
    that has sub-partners is asked.
    ``token_lives``: asks Webex whether it accepts the admin token at all, for a family that answers 401.
    """

    def __init__(
        self,
        api: ReportsApi,
        families: Sequence[Family],
        token_lives: Callable[[], bool] = lambda: False,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._api = api
        self._families = tuple(families)
        self._token_lives = token_lives
        self._now = now
        self._recent = RecentDetails(now)
        self._shared_lists = SharedLists()
        self._templates: dict[tuple[Family, str], tuple[datetime, Sequence[Template]]] = {}
        """When the templates of a family and sub-partner were asked for, and what Webex gave."""

    @property
    def families(self) -> tuple[Family, ...]:
        """Return the families that are asked, in this order."""
        return self._families

    def find(
        self,
        report_id: str,
        known: str | None = None,
        *,
        families: Collection[str] | None = None,
        others: str = "",
        on_behalf_of: str | None = None,
        recent: bool = False,
        typed: bool = True,
    ) -> Report:
        """Return the report's details. ``known``: the family that it was found in before, asked first.

        ``recent``: what Webex said less than a minute ago of a report that was ready will do.
        ``families``: those that the asker may use, None for all; ``others``: for whom the rest is.
        ``typed``: the ID was typed, so that it may be wrong.
        Raises :class:`NotFound` when every family answers 404 or 403, and another ``BotError`` for anything else: a
        family that has trouble, or cannot be understood, does not hide a report that another has.
        """
        order = sorted(self._asked(families), key=lambda family: family.value != known)
        answers: dict[Family, WebexError] = {}
        trouble: BotError | None = None
        ask = self.recent_details if recent else self.details
        for family in order:
            try:
                return ask(family.value, report_id, on_behalf_of)
            except WebexError as error:
                if error.status in ASK_THE_NEXT:
                    answers[family] = error
                elif error.passing:
                    trouble = trouble or error  # another family may have it all the same
                else:
                    raise
            except ReportMissing:
                # An empty answer with status 200 means the same as 404.
                answers[family] = WebexError("report details", HTTPStatus.NOT_FOUND)
            except ReportUnreadable as error:
                trouble = trouble or error
        if on_behalf_of and trouble is None and known:
            refused = {one: error for one, error in answers.items() if one.value == known}
            if any(error.status != HTTPStatus.NOT_FOUND for error in refused.values()):
                raise OrganizationRefused(on_behalf_of, refused)
        raise trouble or _none_has_it(answers, others, typed=typed)

    def details(self, family: str, report_id: str, on_behalf_of: str | None = None) -> Report:
        """Return the report's details as Webex gives them now, in the family that is known to have it."""
        self._recent.forget(family, report_id, on_behalf_of)
        report = self._read(family, on_behalf_of, lambda: self._api.details(Family(family), report_id, on_behalf_of))
        self._recent.keep(report)
        return report

    def recent_details(self, family: str, report_id: str, on_behalf_of: str | None = None) -> Report:
        """Return the same, or what Webex said less than a minute ago of a report that was ready then."""
        recent = self._recent.get(family, report_id, on_behalf_of)
        return recent or self.details(family, report_id, on_behalf_of)

    def listing(self, family: str, region: str | None, on_behalf_of: str | None = None) -> Sequence[Report]:
        """Return every report of a family and region that Webex lists."""
        return self._read(family, on_behalf_of, lambda: self._api.list(Family(family), region, on_behalf_of))

    def shared_listing(self, family: str, region: str | None, on_behalf_of: str | None = None) -> Sequence[Report]:
        """Return the same from a call that those share who want it at the same time: for programs, which ask often.

        One call of a family is made after the other, so one that hangs holds up the others.
        """
        ask = partial(self.listing, family, region, on_behalf_of)
        return self._shared_lists.get(Family(family), region, on_behalf_of, ask)

    def everything(
        self,
        families: Collection[str] | None = None,
        region: str | None = None,
        on_behalf_of: str | None = None,
        *,
        shared: bool = False,
    ) -> tuple[list[Report], dict[Family, WebexError]]:
        """List each report of these families once, newest first, and the families that refused; None: of all families.

        ``region``: where a family lists one region a call; None: the home region. ``shared``: see `shared_listing`.
        Raises ``WebexError``, :class:`NotFound` or :class:`OrganizationRefused` when every family fails.
        """
        listed: dict[tuple[Family, str], Report] = {}
        refused: dict[Family, WebexError] = {}
        asked = self._asked(families) if not on_behalf_of else self._asked_for_sub_partner(families)
        listing = self.shared_listing if shared else self.listing
        for family in asked:
            of_region = region if FAMILIES[family].takes_region else None
            try:
                for report in listing(family.value, of_region, on_behalf_of):
                    listed.setdefault((family, report.id), report)
            except WebexError as error:
                refused[family] = error
        if len(refused) == len(asked):
            raise _all_refused(refused, on_behalf_of)
        return newest_first(listed.values()), refused

    def templates(
        self, families: Collection[str] | None = None, on_behalf_of: str | None = None
    ) -> tuple[list[Template], dict[Family, WebexError]]:
        """Return what these families can run, in their order, and the families that refused; None: of all families.

        What Webex said less than five minutes ago is said again.
        Raises ``WebexError``, :class:`NotFound` or :class:`OrganizationRefused` when every family fails.
        """
        found: list[Template] = []
        refused: dict[Family, WebexError] = {}
        asked = self._asked(families) if not on_behalf_of else self._asked_for_sub_partner(families)
        for family in asked:
            try:
                found += self._templates_of(family, on_behalf_of)
            except WebexError as error:
                refused[family] = error
        if len(refused) == len(asked):
            raise _all_refused(refused, on_behalf_of)
        return found, refused

    def template(self, family: str, template_id: str, on_behalf_of: str | None = None) -> Template | None:
        """Return one template; None: Webex does not list it.

        For one that is not among what Webex said before, it is asked again. Raises as :meth:`templates`.
        """
        key = (Family(family), on_behalf_of or "")
        before = self._templates.get(key)
        listed, _ = self.templates([family], on_behalf_of)
        if before is not None and before == self._templates.get(key) and all(one.id != template_id for one in listed):
            self._templates.pop(key, None)
            listed, _ = self.templates([family], on_behalf_of)
        return next((one for one in listed if one.id == template_id), None)

    def _templates_of(self, family: Family, on_behalf_of: str | None) -> Sequence[Template]:
        now, key = self._now(), (family, on_behalf_of or "")
        asked_at, known = self._templates.get(key, (None, ()))
        if asked_at is None or abs(now - asked_at) >= TEMPLATES_FRESH:  # also where the clock was set back
            known = self._call(partial(self._api.templates, family, on_behalf_of))
            self._templates[key] = now, known
        return known

    def create(self, new: NewReport) -> str:
        """Create a report and return its ID, empty when Webex names none.

        Raises ``WebexError``, and :class:`OrganizationRefused` for an organization that Webex doesn't know.
        """
        try:
            return self._call(lambda: self._api.create(new))
        except WebexError as error:
            if new.on_behalf_of and error.status == HTTPStatus.NOT_FOUND:
                raise OrganizationRefused(new.on_behalf_of, {new.family: error}) from error
            raise

    def delete(self, family: str, report_id: str, on_behalf_of: str | None = None) -> None:
        """Delete a report. Raises ``WebexError``; 404 means that it is gone already."""
        self._recent.forget(family, report_id, on_behalf_of)
        self._call(lambda: self._api.delete(Family(family), report_id, on_behalf_of))

    def _asked(self, families: Collection[str] | None) -> list[Family]:
        return [family for family in self._families if families is None or family.value in families]

    def _asked_for_sub_partner(self, families: Collection[str] | None) -> list[Family]:
        asked = [family for family in self._asked(families) if FAMILIES[family].takes_region]
        if not asked:
            raise NoSubPartners
        return asked

    def _read(self, family: str, on_behalf_of: str | None, ask: Callable[[], T]) -> T:
        """Ask one family for what it has. The sentence of its refusal names what the admin token needs."""
        try:
            return self._call(ask)
        except WebexError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                refused = {Family(family): error}
                tracking = f" Webex tracking ID: {error.tracking_id}." if error.tracking_id else ""
                said = (
                    OrganizationRefused(on_behalf_of, refused).sentence
                    if on_behalf_of
                    else _refusal(refused) + tracking
                )
                error.sentence = said
            raise

    def _call(self, ask: Callable[[], T]) -> T:
        """Ask one family. A 401 from it alone is its refusal: the token is dead only when Webex knows it nowhere."""
        try:
            return ask()
        except WebexError as error:
            if error.status != HTTPStatus.UNAUTHORIZED or not self._token_lives():
                raise
            raise WebexError(
                error.call, HTTPStatus.FORBIDDEN, message=error.message, tracking_id=error.tracking_id
            ) from error
