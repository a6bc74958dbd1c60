"""Subscriptions and schedules of reports that someone may not have: their lists say that they are not complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN, READONLY_ADMIN, Template

if TYPE_CHECKING:
    from tests.live_bot import LiveBot, User

ADA_MAKES = {
    "schedule": "schedule calling usage every Monday 8:00 UTC last week",
    "subscription": "subscribe calling usage partner",
}
KINDS = pytest.mark.parametrize("kind", ["schedule", "subscription"])
ROLES = "Partner reports are for: Partner Full Administrator, Partner Read-only Administrator."


@pytest.fixture(autouse=True)
def partner_reports(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report()


def somebody(live: LiveBot, *roles: str) -> User:
    """Return a person with these roles in the group space."""
    person = live.emulator.world.add_person("Olga Other", live.acme, roles=roles)
    live.emulator.world.join(live.group, person)
    return live.at(person, live.group)


@KINDS
def test_a_list_of_which_all_is_hidden_says_so_and_names_the_roles_directly(live: LiveBot, kind: str) -> None:
    live.at(live.ada, live.group).says(ADA_MAKES[kind]).card()
    olga = somebody(live, READONLY_ADMIN)

    said = olga.says(f"{kind}s").answer().words

    sentence = f"This space has no {kind}s that you may see."
    assert said.startswith(f"{sentence} I've sent you the details directly.")
    directly = live.at(olga.person).hears_privately(sentence).words
    assert f"You are: Read-only Administrator. {ROLES}" in directly
    assert "calling usage" not in f"{said}{directly}".casefold()


@KINDS
def test_who_may_see_some_of_them_is_told_that_there_are_others(live: LiveBot, kind: str) -> None:
    live.emulator.world.add_template(Template(2, "organization", "Meeting Details", "Meetings"))
    live.organization_report()
    ada = live.at(live.ada, live.group)
    ada.says(ADA_MAKES[kind]).card()
    ada.says(ADA_MAKES[kind].replace("calling usage", "meeting details").replace("partner", "organization")).card()
    head = {"schedule": "Schedules of this space", "subscription": "1 subscription in this space"}[kind]

    assert f"{head} that you may see" in somebody(live, READONLY_ADMIN).says(f"{kind}s").card().shown
    assert "that you may see" not in live.at(live.grace, live.group).says(f"{kind}s").card().shown


@KINDS
def test_a_full_administrator_of_one_family_does_not_hear_that_there_are_none_at_all(live: LiveBot, kind: str) -> None:
    live.at(live.ada, live.group).says(ADA_MAKES[kind]).card()
    olga = live.at(somebody(live, FULL_ADMIN).person)

    assert olga.says(f"{kind}s all").answer().words.startswith(f"There are no {kind}s that you may see. You are: ")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (
            "history calling usage",
            "This space has no subscription or schedule called “calling usage” that you may see.",
        ),
        ("pause calling usage", "This space has no subscription or schedule called “calling usage” that you may see."),
        ("mute daily usage", "This space has no subscription or schedule called “daily usage” that you may see."),
        ("resume", "Nothing here that you may see is paused."),
    ],
)
def test_a_name_that_is_hidden_and_one_that_is_none_are_answered_alike(live: LiveBot, typed: str, answer: str) -> None:
    live.at(live.ada, live.group).says(ADA_MAKES["subscription"]).card()
    olga = somebody(live, READONLY_ADMIN)

    assert olga.says(typed).answer().words.startswith(f"{answer} I've sent you the details directly.")
    assert ROLES in live.at(olga.person).hears_privately(answer).words


@pytest.mark.parametrize(
    ("role", "told"), [(READONLY_ADMIN, False), (PARTNER_READONLY_ADMIN, False), (PARTNER_FULL_ADMIN, True)]
)
def test_a_schedule_is_recommended_only_to_who_may_make_one(live: LiveBot, role: str, *, told: bool) -> None:
    olga = somebody(live, role)

    for user, sentence in ((olga, "This space has no schedules."), (live.at(olga.person), "You have no schedules.")):
        said = user.says("schedules").answer().words
        assert said.startswith(sentence)
        assert ("Type schedule" in said) is told


def test_a_schedule_is_not_recommended_for_a_space_that_would_refuse_it(live: LiveBot) -> None:
    live.at(live.ada, live.outside).says("schedules")

    assert "Type" not in live.at(live.ada).hears_privately("That space has no schedules.").words
