"""Which family is asked, in which order, and what is told when neither has a report: for every status code."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from bot.errors import PASSING_STATUSES, WebexError
from bot.webex.catalog import Catalog, NoSubPartners, NotFound, OrganizationRefused
from bot.webex.report import Listing, Report, ReportMissing, ReportUnreadable
from bot.webex.report_families import FAMILIES, Family
from bot.webex.report_templates import Template
from bot.webex.reports_api import ReportsApi

PARTNER, ORGANIZATION = Family.PARTNER, Family.ORGANIZATION
STATUSES = [None, 400, 401, 403, 404, 405, 408, 409, 410, 415, 423, 428, 429, 451, 500, 502, 503, 504, 522]
"""Every answer that Webex is known to give, and none."""
TO_THE_OTHER = {403, 404}
INITECH = "0e182e15-9fca-4478-ba38-c4ab2e27aed0"
NOW = datetime(2024, 3, 24, tzinfo=UTC)


@dataclass
class Api(ReportsApi):
    """Both families; an error in place of the reports is raised."""

    held: dict[Family, list[Report] | Exception]
    asked: list[Family] = field(default_factory=list)

    def _ask(self, family: Family) -> list[Report]:
        self.asked.append(family)
        held = self.held[family]
        if isinstance(held, Exception):
            raise held
        return held

    def details(self, family: Family, report_id: str, on_behalf_of: str | None = None) -> Report:
        for report in self._ask(family):
            if report.id == report_id:
                return report
        raise WebexError("GET reports/{id}", 404, tracking_id=f"TRACK_{family.value}")

    def list(self, family: Family, region: str | None = None, on_behalf_of: str | None = None) -> Listing:
        return Listing(self._ask(family))


def report(family: Family, report_id: str = "ID", days: int = 0) -> Report:
    return Report(report_id, family, "done", created=NOW - timedelta(days=days))


def answered(status: int | None, family: Family) -> WebexError:
    return WebexError("GET reports/{id}", status, tracking_id=f"TRACK_{family.value}")


BOTH = (PARTNER, ORGANIZATION)


def test_the_partner_family_is_asked_first_and_the_other_only_when_needed() -> None:
    api = Api({PARTNER: [report(PARTNER)], ORGANIZATION: []})
    assert Catalog(api, BOTH).find("ID").family is PARTNER
    assert api.asked == [PARTNER]


@pytest.mark.parametrize("status", STATUSES)
def test_every_answer_of_the_first_family(status: int | None) -> None:
    """A family that refuses, or has trouble, does not hide a report of the other; what else it says stands alone."""
    api = Api({PARTNER: answered(status, PARTNER), ORGANIZATION: [report(ORGANIZATION)]})
    if status in TO_THE_OTHER | {400, None} | PASSING_STATUSES:
        assert Catalog(api, BOTH).find("ID").family is ORGANIZATION
        return
    with pytest.raises(WebexError) as error:
        Catalog(api, BOTH).find("ID")
    assert error.value.status == status
    assert api.asked == [PARTNER]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("first", sorted(TO_THE_OTHER))
def test_every_answer_of_the_second_family(first: int, status: int | None) -> None:
    """Both answers are told only when both refuse."""
    api = Api({PARTNER: answered(first, PARTNER), ORGANIZATION: answered(status, ORGANIZATION)})
    with pytest.raises((WebexError, NotFound)) as error:
        Catalog(api, BOTH).find("ID")
    if status == 400:
        assert isinstance(error.value, NotFound), "the other family has said more than that"
        return
    if status not in TO_THE_OTHER:
        assert isinstance(error.value, WebexError)
        assert error.value.status == status
        assert "TRACK_partner" not in error.value.sentence
        return
    said = error.value.sentence
    assert isinstance(error.value, NotFound)
    assert {family: one.status for family, one in error.value.answers.items()} == {PARTNER: first, ORGANIZATION: status}
    assert "TRACK_partner" in said
    assert "TRACK_organization" in said
    assert ("reports_read" in said) is (first == 403)
    assert ("analytics:read_all" in said) is (status == 403)
    assert ("created in Control Hub" in said) is (404 in {first, status})


def test_an_empty_answer_is_as_good_as_404() -> None:
    api = Api({PARTNER: ReportMissing(), ORGANIZATION: [report(ORGANIZATION)]})
    assert Catalog(api, BOTH).find("ID").family is ORGANIZATION


def test_an_answer_that_cannot_be_read_is_no_404() -> None:
    api = Api({PARTNER: ReportUnreadable(), ORGANIZATION: []})
    with pytest.raises(ReportUnreadable):
        Catalog(api, BOTH).find("ID")


def test_a_family_that_cannot_be_understood_does_not_hide_what_the_other_has() -> None:
    api = Api({PARTNER: ReportUnreadable(), ORGANIZATION: [report(ORGANIZATION)]})
    assert Catalog(api, BOTH).find("ID").family is ORGANIZATION


@pytest.mark.parametrize("only", BOTH)
def test_the_operator_may_set_one_family_alone(only: Family) -> None:
    api = Api({PARTNER: [report(PARTNER)], ORGANIZATION: [report(ORGANIZATION)]})
    catalog = Catalog(api, [only])
    assert catalog.find("ID").family is only
    with pytest.raises(NotFound) as error:
        catalog.find("other")
    assert list(error.value.answers) == [only]
    assert api.asked == [only, only]


def test_the_operator_sets_the_order_and_a_family_that_is_known_comes_first() -> None:
    held: dict[Family, list[Report] | Exception] = {PARTNER: [report(PARTNER)], ORGANIZATION: [report(ORGANIZATION)]}
    assert Catalog(Api(held), [ORGANIZATION, PARTNER]).find("ID").family is ORGANIZATION
    assert Catalog(Api(held), BOTH).find("ID", "organization").family is ORGANIZATION
    assert Catalog(Api(held), BOTH).find("ID", "a family of another version").family is PARTNER


def test_everything_is_listed_newest_first_and_refusals_beside_it() -> None:
    api = Api(
        {PARTNER: [report(PARTNER, "old", 3), report(PARTNER, "new", 1)], ORGANIZATION: [report(ORGANIZATION, "x", 2)]}
    )
    found, refused = Catalog(api, BOTH).everything()
    assert [one.id for one in found] == ["new", "x", "old"]
    assert refused == {}

    api.held[PARTNER] = answered(403, PARTNER)
    found, refused = Catalog(api, BOTH).everything()
    assert ([one.id for one in found], list(refused)) == (["x"], [PARTNER])


def test_a_report_that_a_list_repeats_is_listed_once_and_one_that_both_families_have_twice() -> None:
    again = [report(PARTNER, "a", 1), report(PARTNER, "b", 2), report(PARTNER, "a", 1)]
    found, _ = Catalog(Api({PARTNER: again, ORGANIZATION: [report(ORGANIZATION, "a", 3)]}), BOTH).everything()
    assert [(one.family, one.id) for one in found] == [(PARTNER, "a"), (PARTNER, "b"), (ORGANIZATION, "a")]


@pytest.mark.parametrize("status", STATUSES)
def test_a_family_whose_list_fails_is_named_beside_what_the_other_lists(status: int | None) -> None:
    api = Api({PARTNER: [report(PARTNER)], ORGANIZATION: answered(status, ORGANIZATION)})

    found, failed = Catalog(api, BOTH).everything()

    assert [one.family for one in found] == [PARTNER]
    assert {family: error.status for family, error in failed.items()} == {ORGANIZATION: status}


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in TO_THE_OTHER])
def test_when_every_list_fails_it_is_said(status: int | None) -> None:
    api = Api({PARTNER: answered(status, PARTNER), ORGANIZATION: answered(status, ORGANIZATION)})
    with pytest.raises(WebexError) as error:
        Catalog(api, BOTH).everything()
    assert error.value.status == status


def test_when_every_family_refuses_its_list_both_are_told() -> None:
    api = Api({PARTNER: answered(403, PARTNER), ORGANIZATION: answered(403, ORGANIZATION)})
    with pytest.raises(NotFound) as error:
        Catalog(api, BOTH).everything()
    assert "reports_read" in error.value.sentence
    assert "Pro Pack" in error.value.sentence


def test_only_the_families_of_the_person_are_asked_and_not_found_says_for_whom_the_others_are() -> None:
    api = Api({PARTNER: [report(PARTNER)], ORGANIZATION: answered(404, ORGANIZATION)})
    with pytest.raises(NotFound) as error:
        Catalog(api, BOTH).find("ID", "partner", families=("organization",), others="Partner reports are for: Them.")
    assert api.asked == [ORGANIZATION]
    assert error.value.sentence.startswith("I couldn't find that organization report. Check the ID")
    assert "Partner reports are for: Them." in error.value.sentence
    assert Catalog(api, BOTH).find("ID", families=("partner",)).family is PARTNER


@pytest.mark.parametrize("lives", [True, False])
def test_a_401_of_one_family_is_its_refusal_alone_as_long_as_webex_knows_the_token(lives: bool) -> None:
    api = Api({PARTNER: answered(401, PARTNER), ORGANIZATION: [report(ORGANIZATION)]})
    catalog = Catalog(api, BOTH, lambda: lives)
    if lives:
        assert catalog.find("ID").family is ORGANIZATION
        with pytest.raises(WebexError) as refused:
            catalog.details("partner", "ID")
        assert refused.value.status == 403
        found, others = catalog.everything()
        assert ([one.family for one in found], list(others)) == ([ORGANIZATION], [PARTNER])
    else:
        with pytest.raises(WebexError) as dead:
            catalog.find("ID")
        assert dead.value.status == 401


@pytest.mark.parametrize("family", BOTH)
def test_a_family_that_refuses_what_is_asked_of_it_alone_says_what_it_needs_and_whom_to_ask(family: Family) -> None:
    asked = Catalog(Api({family: answered(403, family)}), [family])
    for ask in (lambda: asked.details(family.value, "ID"), lambda: asked.listing(family.value, None)):
        with pytest.raises(WebexError) as refused:
            ask()
        assert refused.value.sentence == (
            f"Webex doesn't allow this for the bot's admin token: {FAMILIES[family].needs}. Please ask the people who "
            f"run this bot to add what's missing. Webex tracking ID: TRACK_{family.value}."
        )


class TemplatesApi(Api):
    """Both families with one template each, or an error."""

    def templates(self, family: Family, on_behalf_of: str | None = None) -> list[Template]:
        self._ask(family)
        return [Template("1", family, "Usage")]


def test_templates_are_asked_for_once_in_five_minutes() -> None:
    api = TemplatesApi({PARTNER: [], ORGANIZATION: []})
    time = [NOW]
    catalog = Catalog(api, BOTH, now=lambda: time[0])

    for _ in range(2):
        found, refused = catalog.templates()
        assert ([one.family for one in found], refused) == ([PARTNER, ORGANIZATION], {})
    assert api.asked == [PARTNER, ORGANIZATION]

    time[0] += timedelta(minutes=5)
    catalog.templates([PARTNER])
    assert api.asked == [PARTNER, ORGANIZATION, PARTNER]


def test_a_template_that_was_not_there_before_is_looked_for_again() -> None:
    api = TemplatesApi({PARTNER: [], ORGANIZATION: []})
    catalog = Catalog(api, BOTH)
    assert catalog.template("partner", "2") is None
    assert api.asked == [PARTNER]
    assert catalog.template("partner", "1") == Template("1", PARTNER, "Usage")
    assert api.asked == [PARTNER]
    with patch.object(api, "templates", lambda family, _: [Template("2", family, "Quality")]):
        assert catalog.template("partner", "2") == Template("2", PARTNER, "Quality")


def test_a_family_that_refused_its_templates_is_asked_again() -> None:
    refusal = WebexError("GET report/templates", 403)
    api = TemplatesApi({PARTNER: [], ORGANIZATION: refusal})
    catalog = Catalog(api, BOTH)

    assert catalog.templates()[1] == {ORGANIZATION: refusal}
    api.held[ORGANIZATION] = []
    assert catalog.templates()[1] == {}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_organization_has_a_sentence_of_its_own(status: int) -> None:
    refusal = answered(status, PARTNER)
    api = TemplatesApi({PARTNER: refusal, ORGANIZATION: []})
    catalog = Catalog(api, BOTH)
    for ask in (catalog.everything, catalog.templates):
        with pytest.raises(OrganizationRefused, match=f"reports of organization {INITECH}.* TRACK_partner"):
            ask(on_behalf_of=INITECH)
    assert api.asked == [PARTNER, PARTNER]


def test_a_sub_partner_has_no_organization_reports() -> None:
    catalog = Catalog(TemplatesApi({PARTNER: [], ORGANIZATION: []}), BOTH)
    for ask in (catalog.everything, catalog.templates):
        with pytest.raises(NoSubPartners):
            ask([ORGANIZATION], on_behalf_of=INITECH)


def test_templates_of_a_sub_partner_are_kept_apart() -> None:
    api = TemplatesApi({PARTNER: [], ORGANIZATION: []})
    catalog = Catalog(api, BOTH)
    for organization in (None, INITECH, None, INITECH):
        catalog.templates([PARTNER], organization)
    assert api.asked == [PARTNER, PARTNER]
