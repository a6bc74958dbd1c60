"""Webex refuses the admin token while people wait for reports that are still in progress: they wait on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.webex.ids import bare_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stepped_bot import SteppedBot

LIST, DETAILS = "/v1/partner/reports", "/v1/partner/reports/*"
REFUSED = {
    401: "Webex no longer accepts the bot's admin token; the people who run this bot must renew it.",
    403: "Webex doesn't allow this for the bot's admin token: partner reports need the scopes "
    "`spark-admin:reports_read` and `identity:people_read` and Partner Full Administrator or Partner Read-only "
    "Administrator. Please ask the people who run this bot to add what's missing.",
}
"""The reason, by Webex's status."""
STILL = "I'll keep trying, and continue by myself when that's done."


def asks(stepped: SteppedBot, *titles: str, **report: Any) -> list[str]:
    """Return the IDs of reports in progress that Ada has asked for in the group space."""
    made = [stepped.setup.partner_report(one, status="waiting", **report).id for one in titles]
    for one in made:
        stepped.receive(stepped.setup.ada, f"report {one}", stepped.setup.group)
    stepped.work()
    return made


def refuses(stepped: SteppedBot, status: int) -> Callable[[], None]:
    """Have Webex refuse the admin token, at 401 everywhere; return what ends that."""
    for path in ("/v1/partner/*", "/v1/people*") if status == 401 else ("/v1/partner/*",):
        stepped.emulator.faults.add("GET", path, status=status, times=None)
    return stepped.emulator.faults.clear


def lines(stepped: SteppedBot) -> list[str]:
    """Return what stands in the space beside cards and files."""
    return [one.markdown or one.text or "" for one in stepped.said(stepped.setup.group) if not (one.card or one.files)]


def files(stepped: SteppedBot) -> int:
    return sum(bool(one.files) for one in stepped.said(stepped.setup.group))


@pytest.mark.parametrize("status", [401, 403])
def test_who_waits_is_told_why_once_and_gets_the_file_when_the_token_works(stepped: SteppedBot, status: int) -> None:
    reports = asks(stepped, "Calling Usage", "Calling Quality", "Calling Engagement")
    ends = refuses(stepped, status)

    stepped.live_through(3600)
    assert lines(stepped) == [f"{REFUSED[status]} {STILL}"] * 3, "one in each thread"

    for one in reports:
        stepped.world.set_report(one, status="done")
    ends()
    stepped.live_through(600)
    assert files(stepped) == 3
    assert lines(stepped) == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_short_refusal_is_not_told(stepped: SteppedBot, status: int) -> None:
    asks(stepped, "Calling Usage")
    before = stepped.said(stepped.setup.group)
    ends = refuses(stepped, status)
    stepped.live_through(600)
    ends()
    stepped.live_through(3600)
    assert stepped.said(stepped.setup.group) == before


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_that_lasts_past_the_deadline_ends_in_the_reason(stepped: SteppedBot, status: int) -> None:
    asks(stepped, "Calling Usage")
    refuses(stepped, status)

    stepped.live_through(27 * 3600, step=3600)

    assert stepped.request().cause == "trouble_for_too_long"
    (end,) = stepped.said(stepped.setup.group)
    assert REFUSED[status] in (end.markdown or "")
    assert stepped.next_wait() is None


@pytest.mark.parametrize(("status", "details"), [(401, 0), (403, 1)])
@pytest.mark.parametrize("listed", [True, False])
def test_a_refused_list_costs_one_call_for_details_at_most(
    stepped: SteppedBot, status: int, details: int, listed: bool
) -> None:
    """A family may refuse its list alone; a token that Webex doesn't accept at all is not tried further."""
    asks(stepped, "Calling Usage", "Calling Quality", "Calling Engagement", listed=listed)
    refuses(stepped, status)
    stepped.emulator.calls.clear()

    stepped.live_through(3600)

    rounds = stepped.calls("GET", LIST)
    assert 12 <= rounds <= 60
    assert stepped.calls("GET", DETAILS) == details * rounds


def test_a_sub_partner_that_is_refused_is_named(stepped: SteppedBot) -> None:
    globex = stepped.world.add_organization("Globex", sub_partner_of=stepped.setup.acme)
    report = stepped.setup.partner_report(status="waiting", sub_partner=globex.id)
    stepped.receive(stepped.setup.ada, f"report {report.id} for {globex.id}", stepped.setup.group)
    stepped.work()
    refuses(stepped, 403)

    stepped.live_through(1800)

    (said,) = lines(stepped)
    assert said.startswith(f"Webex doesn't give me reports of organization {bare_id(globex.id)}. Check the ID")
    assert said.endswith(STILL)
