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
    Template,
)
from tests.live_bot import CSV

if TYPE_CHECKING:
    from bot.emulator.things import Person
    from tests.live_bot import LiveBot, User

PARTNER_RULE = "Partner reports are for: Partner Full Administrator, Partner Read-only Administrator."
NO_PARTNER_REPORTS = (
    "I didn't look for partner reports: they need the role Partner Full Administrator or "
    "Partner Read-only Administrator."
)
ORGANIZATION_RULE = "Organization reports are for: Full Administrator, Read-only Administrator."


def somebody(live: LiveBot, *roles: str) -> Person:
    """Return a person of our organization with these roles, in the group space."""
    person = live.emulator.world.add_person("Pat Smith", live.acme, roles=roles)
    live.emulator.world.join(live.group, person)
    return person


def alone(live: LiveBot, *roles: str) -> User:
    """Return the same person 1:1 with the bot."""
    return live.at(somebody(live, *roles))


@pytest.mark.parametrize("role", [FULL_ADMIN, READONLY_ADMIN])
def test_an_administrator_of_the_organization_gets_its_reports_and_knows_nothing_of_others(
    live: LiveBot, role: str
) -> None:
    partner, own = live.partner_report("Calling Usage"), live.organization_report("Meeting Details")
    pat = alone(live, role)

    assert pat.says(f"report {own.id}").file().content == CSV
    unknown = pat.says(f"report {partner.id}").answer().words
    assert unknown.startswith("I couldn't find that organization report.")
    assert NO_PARTNER_REPORTS in unknown
    listed = pat.says("reports").card()
    assert "Meeting Details" in listed.shown
    assert "Calling Usage" not in listed.shown
    assert NO_PARTNER_REPORTS in listed.shown


@pytest.mark.parametrize("role", [PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN])
def test_a_partner_administrator_gets_partner_reports_and_knows_nothing_of_others(live: LiveBot, role: str) -> None:
    partner, other = live.partner_report("Calling Usage"), live.organization_report("Meeting Details")
    pat = alone(live, role)

    assert pat.says(f"report {partner.id}").file().content == CSV
    unknown = pat.says(f"report {other.id}").answer().words
    assert unknown.startswith("I couldn't find that partner report.")
    assert "I didn't look for organization reports: they need the role Full Administrator" in unknown
    assert "Meeting Details" not in pat.says("reports").card().shown


def test_a_report_that_exists_and_one_that_does_not_are_answered_alike(live: LiveBot) -> None:
    partner = live.partner_report("Calling Usage")
    live.at(live.ada).says(f"report {partner.id}").file()  # by now the bot knows it well
    unknown = ids.webex_id("REPORT", "0" * 32, ids.CLUSTER_TEAM)
    pat = alone(live, READONLY_ADMIN)

    for word in ("why", "report", "refresh", "again", "cancel", "why"):
        known, other = (pat.says(f"{word} {one}").answer() for one in (partner.id, unknown))
        assert shape(known.words) == shape(other.words).replace(unknown, partner.id)
        assert (known.card is None) == (other.card is None)
        assert partner.title not in f"{known.words} {known.shown}"


def shape(words: str) -> str:
    """Return what was said, without what differs between two answers of the same kind."""
    return words.partition(" Webex tracking ID")[0].partition(" (reference")[0]


@pytest.mark.parametrize(
    "roles",
    [(PARTNER_ADMIN,), (PARTNER_SALES_ADMIN,), (PARTNER_HELP_DESK,), ()],
    ids=["plain", "sales", "help", "none"],
)
def test_the_refusal_is_one_sentence_in_the_space_and_the_rule_directly(live: LiveBot, roles: tuple[str, ...]) -> None:
    report = live.partner_report("Calling Usage")
    pat = somebody(live, *roles)

    line = live.at(pat, live.group).says(f"report {report.id}")

    said = line.answer().words
    assert said.startswith("Only Webex administrators can get this report. I've sent you the details directly.")
    assert "Administrator" not in said
    directly = live.at(pat).hears_privately("Partner reports are for").words
    why = "You are: " if roles else "Webex shows no administrator role for you."
    assert directly.startswith(f"Only Webex administrators can get this report. {why}")
    for words in (PARTNER_RULE, ORGANIZATION_RULE, "ALLOWED_PARTNER_ROLES", "ALLOWED_ROLES", "ALLOWED_PEOPLE"):
        assert words in directly
    assert "Calling Usage" not in said + directly
    assert said.rpartition("reference ")[2] == directly.rpartition("reference ")[2]


def test_asked_directly_everything_is_in_one_answer(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage")

    (heard,) = alone(live, PARTNER_ADMIN).says(f"report {report.id}").answers()

    assert heard.words.startswith(
        f"Only Webex administrators can get this report. You are: Partner Administrator. {PARTNER_RULE}"
    )


def test_a_press_that_is_refused_is_answered_to_the_presser_alone(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    card = line.card()
    nora = live.at(live.nora, live.group)

    nora.presses(card, "Refresh")

    assert PARTNER_RULE in nora.hears_privately("Only Webex administrators").words
    assert len(line.answers()) == 1


def test_who_has_the_other_family_only_can_neither_cancel_nor_see_a_request(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", status="waiting")
    line = live.at(live.ada, live.group).says(f"report {report.id}")
    card = line.card()
    pat = live.at(somebody(live, FULL_ADMIN), live.group)

    assert "Nobody is waiting for this report here." in pat.says(f"cancel {report.id}").answer().words
    assert "Nobody has requested" in pat.says(f"why {report.id}").answer().words
    pat.presses(card, "Cancel")
    pat.hears_privately("I found no request for this report here that you may cancel.")
    audit = live.at(pat.person).says("audit").card().shown
    assert "Calling Usage" not in audit
    assert "Ada Lovelace" not in audit
    assert NO_PARTNER_REPORTS in audit
    live.emulator.world.set_report(report.id, status="done")
    assert line.file().content == CSV


def test_a_401_of_one_family_alone_is_no_dead_token(live: LiveBot) -> None:
    own = live.organization_report("Meeting Details")
    for path in ("/v1/partner/reports", "/v1/partner/reports/*"):
        live.emulator.faults.add(method="GET", path=path, status=401)
    ada = live.at(live.ada)

    assert ada.says(f"report {own.id}").file().content == CSV
    assert "Not shown: partner reports need" in ada.says("reports").card().shown
    unknown = ada.says(f"report {ids.webex_id('REPORT', '0' * 32, ids.CLUSTER_US)}").answer().words
    assert "partner reports need the scopes" in unknown
    assert "does not accept" not in unknown


REPORTS = {"analytics:read_all", "spark-admin:reports_read", "identity:people_read"}


def test_a_token_that_may_not_read_people_is_named_with_its_scope(stage_alone: LiveBot) -> None:
    live = stage_alone
    report = live.organization_report()
    live.environ["WEBEX_ADMIN_TOKEN"] = live.emulator.world.add_token(live.ada, scopes=REPORTS)
    with live.program() as url:
        live.register(url)

        line = live.at(live.ada, live.group).says(f"report {report.id}")

        assert "I can't see which organization" in line.answer().words
        assert "`spark:people_read`" not in line.answer().words
        directly = live.at(live.ada).hears_privately("spark:people_read").words
    assert "WEBEX_ORG_ID" in directly


def test_a_role_that_webex_has_proved_by_the_admin_token_itself_counts_for_others_who_have_it(
    stage_alone: LiveBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of roles may be hidden: then what the admin token's own role can read tells what it is."""
    live = stage_alone
    report = live.partner_report()
    monkeypatch.setattr("bot.emulator.directory.PARTNER_FULL_ADMIN", UNPUBLISHED)
    live.ada.roles = [FULL_ADMIN, UNPUBLISHED]
    live.emulator.faults.add(method="GET", path="/v1/roles", status=403)
    same, weaker = (somebody(live, role) for role in (UNPUBLISHED, PARTNER_SALES_ADMIN))
    with live.program() as url:
        live.register(url)

        assert live.at(same).says(f"report {report.id}").file().content == CSV
        assert "Only Webex administrators" in live.at(weaker).says(f"report {report.id}").answer().words


UNPUBLISHED = "atlas-portal.partner.fulladmin"


def test_a_role_is_not_proved_while_another_one_without_a_name_may_be_what_reads_the_reports(
    stage_alone: LiveBot,
) -> None:
    live = stage_alone
    report = live.partner_report()
    live.ada.roles = [PARTNER_FULL_ADMIN, UNPUBLISHED]
    live.emulator.faults.add(method="GET", path="/v1/roles", status=403)
    with live.program() as url:
        live.register(url)

        said = live.at(somebody(live, UNPUBLISHED)).says(f"report {report.id}").answer().words

    assert said.startswith("Only Webex administrators can get this report.")


@pytest.mark.parametrize(
    ("role", "words", "others"),
    [
        (FULL_ADMIN, "calling usage", "I didn't look for partner reports"),
        (PARTNER_FULL_ADMIN, "meeting details", "I didn't look for organization reports"),
    ],
)
@pytest.mark.parametrize("typed", ["new {} last month", "schedule {} every Monday 8:00 last week"])
def test_templates_that_were_not_looked_for_are_said(
    live: LiveBot, role: str, words: str, others: str, typed: str
) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.emulator.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))
    pat = live.emulator.world.add_person("Pat", live.acme, roles=[role])
    live.emulator.world.join(live.group, pat)

    directly = live.at(pat).says(typed.format(words)).answer().shown
    in_space = live.at(pat, live.group).says(typed.format(words)).answer().shown

    assert f"I couldn't find a template “{words}”. {others}: they need the role " in directly
    assert "Read-only" not in directly
    assert f"I couldn't find a template “{words}”. {others}." in in_space
    unread = live.at(pat).says(typed.format("nonsense")).answer().shown
    assert others in unread
