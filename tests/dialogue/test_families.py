"""Each administrator gets what Webex itself would give them: reports of their family, and no word of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator import ids
from bot.emulator.things import (
    FULL_ADMIN,
    PARTNER_ADMIN,
    PARTNER_FULL_ADMIN,
    PARTNER_HELP_DESK,
    PARTNER_READONLY_ADMIN,
    PARTNER_SALES_ADMIN,
    READONLY_ADMIN,
)
from tests.stage import CSV

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.stage import Stage, Voice

PARTNER_RULE = "Partner reports are for: Partner Full Administrator, Partner Read-only Administrator."
ORGANIZATION_RULE = "Organization reports are for: Full Administrator, Read-only Administrator."


def somebody(stage: Stage, *roles: str) -> Person:
    """Return a person of our organization with these roles, in the group space."""
    person = stage.emulator.world.add_person("Pat Smith", stage.acme, roles=roles)
    stage.emulator.world.join(stage.group, person)
    return person


def alone(stage: Stage, *roles: str) -> Voice:
    """Return the same person 1:1 with the bot."""
    return stage.at(somebody(stage, *roles))


@pytest.mark.parametrize("role", [FULL_ADMIN, READONLY_ADMIN])
def test_an_administrator_of_the_organization_gets_its_reports_and_knows_nothing_of_others(
    stage: Stage, role: str
) -> None:
    partner, own = stage.partner_report("Calling Usage"), stage.organization_report("Meeting Details")
    pat = alone(stage, role)

    assert pat.says(f"report {own.id}").file().content == CSV
    unknown = pat.says(f"report {partner.id}").answer().words
    assert unknown.startswith("I couldn't find that organization report.")
    assert PARTNER_RULE in unknown
    listed = pat.says("reports").card()
    assert "Meeting Details" in listed.shown
    assert "Calling Usage" not in listed.shown
    assert PARTNER_RULE in listed.shown


@pytest.mark.parametrize("role", [PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN])
def test_a_partner_administrator_gets_partner_reports_and_knows_nothing_of_others(stage: Stage, role: str) -> None:
    partner, other = stage.partner_report("Calling Usage"), stage.organization_report("Meeting Details")
    pat = alone(stage, role)

    assert pat.says(f"report {partner.id}").file().content == CSV
    unknown = pat.says(f"report {other.id}").answer().words
    assert unknown.startswith("I couldn't find that partner report.")
    assert ORGANIZATION_RULE in unknown
    assert "Meeting Details" not in pat.says("reports").card().shown


def test_a_report_that_exists_and_one_that_does_not_are_answered_alike(stage: Stage) -> None:
    partner = stage.partner_report("Calling Usage")
    stage.at(stage.ada).says(f"report {partner.id}").file()  # by now the bot knows it well
    unknown = ids.webex_id("REPORT", "0" * 32, ids.CLUSTER_TEAM)
    pat = alone(stage, READONLY_ADMIN)

    for word in ("why", "report", "refresh", "again", "cancel", "why"):
        known, other = (pat.says(f"{word} {one}").answer() for one in (partner.id, unknown))
        assert shape(known.words) == shape(other.words).replace(unknown, partner.id)
        assert (known.card is None) == (other.card is None)
        assert partner.title not in f"{known.words} {known.shown}"


def shape(words: str) -> str:
    """Return what was said, without what differs between two answers of the same kind."""
    return words.partition(" Webex tracking id")[0].partition(" (reference")[0]


@pytest.mark.parametrize(
    "roles",
    [(PARTNER_ADMIN,), (PARTNER_SALES_ADMIN,), (PARTNER_HELP_DESK,), ()],
    ids=["plain", "sales", "help", "none"],
)
def test_the_refusal_is_one_sentence_in_the_space_and_the_rule_directly(stage: Stage, roles: tuple[str, ...]) -> None:
    report = stage.partner_report("Calling Usage")
    pat = somebody(stage, *roles)

    line = stage.at(pat, stage.group).says(f"report {report.id}")

    said = line.answer().words
    assert said.startswith("Only Webex administrators can get this report. I've sent you the details directly.")
    assert "Administrator" not in said
    directly = stage.at(pat).hears_privately("Partner reports are for").words
    why = "You are: " if roles else "Webex shows no administrator role for you."
    assert directly.startswith(f"Only Webex administrators can get this report. {why}")
    for words in (PARTNER_RULE, ORGANIZATION_RULE, "ALLOWED_PARTNER_ROLES", "ALLOWED_ROLES", "ALLOWED_PEOPLE"):
        assert words in directly
    assert "Calling Usage" not in said + directly
    assert said.rpartition("reference ")[2] == directly.rpartition("reference ")[2]


def test_asked_directly_everything_is_in_one_answer(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage")

    (heard,) = alone(stage, PARTNER_ADMIN).says(f"report {report.id}").answers()

    assert heard.words.startswith(
        f"Only Webex administrators can get this report. You are: Partner Administrator. {PARTNER_RULE}"
    )


def test_a_press_that_is_refused_is_answered_to_the_presser_alone(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage", status="waiting")
    line = stage.at(stage.ada, stage.group).says(f"report {report.id}")
    card = line.card()
    nora = stage.at(stage.nora, stage.group)

    nora.presses(card, "Refresh")

    assert PARTNER_RULE in nora.hears_privately("Only Webex administrators").words
    assert len(line.answers()) == 1


def test_who_has_the_other_family_only_can_neither_cancel_nor_see_a_request(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage", status="waiting")
    line = stage.at(stage.ada, stage.group).says(f"report {report.id}")
    card = line.card()
    pat = stage.at(somebody(stage, FULL_ADMIN), stage.group)

    assert "Nobody is waiting for this report here." in pat.says(f"cancel {report.id}").answer().words
    assert "Nobody has requested" in pat.says(f"why {report.id}").answer().words
    assert "Nobody is waiting for this report here." in pat.presses(card, "Cancel").hears("Nobody is waiting").words
    audit = stage.at(pat.person).says("audit").card().shown
    assert "Calling Usage" not in audit
    assert "Ada Lovelace" not in audit
    assert PARTNER_RULE in audit
    stage.emulator.world.set_report(report.id, status="done")
    assert line.file().content == CSV


def test_a_401_of_one_family_alone_is_no_dead_token(stage: Stage) -> None:
    own = stage.organization_report("Meeting Details")
    for path in ("/v1/partner/reports", "/v1/partner/reports/*"):
        stage.emulator.faults.add(method="GET", path=path, status=401)
    ada = stage.at(stage.ada)

    assert ada.says(f"report {own.id}").file().content == CSV
    assert "Not shown: partner reports need" in ada.says("reports").card().shown
    unknown = ada.says(f"report {ids.webex_id('REPORT', '0' * 32, ids.CLUSTER_US)}").answer().words
    assert "partner reports need the scopes" in unknown
    assert "does not accept" not in unknown


REPORTS = {"analytics:read_all", "spark-admin:reports_read", "identity:people_read"}


def test_a_token_that_may_not_read_people_is_named_with_its_scope(stage_alone: Stage) -> None:
    stage = stage_alone
    report = stage.organization_report()
    stage.environ["WEBEX_ADMIN_TOKEN"] = stage.emulator.world.add_token(stage.ada, scopes=REPORTS)
    with stage.program() as door:
        stage.register(door)

        line = stage.at(stage.ada, stage.group).says(f"report {report.id}")

        assert "I can't see which organization" in line.answer().words
        assert "`spark:people_read`" not in line.answer().words
        directly = stage.at(stage.ada).hears_privately("spark:people_read").words
    assert "WEBEX_ORG_ID" in directly


def test_a_role_that_webex_has_proved_by_the_admin_token_itself_counts_for_others_who_have_it(
    stage_alone: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of roles may be hidden: then what the admin token's own role can read tells what it is."""
    stage = stage_alone
    report = stage.partner_report()
    monkeypatch.setattr("bot.emulator.directory.PARTNER_FULL_ADMIN", UNPUBLISHED)
    stage.ada.roles = [FULL_ADMIN, UNPUBLISHED]
    stage.emulator.faults.add(method="GET", path="/v1/roles", status=403)
    same, weaker = (somebody(stage, role) for role in (UNPUBLISHED, PARTNER_SALES_ADMIN))
    with stage.program() as door:
        stage.register(door)

        assert stage.at(same).says(f"report {report.id}").file().content == CSV
        assert "Only Webex administrators" in stage.at(weaker).says(f"report {report.id}").answer().words


UNPUBLISHED = "atlas-portal.partner.fulladmin"


def test_a_role_is_not_proved_while_another_one_without_a_name_may_be_what_reads_the_reports(
    stage_alone: Stage,
) -> None:
    stage = stage_alone
    report = stage.partner_report()
    stage.ada.roles = [PARTNER_FULL_ADMIN, UNPUBLISHED]
    stage.emulator.faults.add(method="GET", path="/v1/roles", status=403)
    with stage.program() as door:
        stage.register(door)

        said = stage.at(somebody(stage, UNPUBLISHED)).says(f"report {report.id}").answer().words

    assert said.startswith("Only Webex administrators can get this report.")
