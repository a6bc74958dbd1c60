"""``history``: what a schedule or subscription has done, and what failed, done again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import runs
from bot.db.requests import Content, State
from bot.db.runs import Why
from bot.emulator.cards import problems
from bot.reports.requests import close, open_request
from bot.webex.report_families import Family
from tests.live_bot import ADMIN_OF_BOTH, actions_of, texts_of
from tests.origin_rows import add_schedule
from tests.origins_at_work import (
    PATHS,
    PLANNED,
    TEMPLATES,
    announces,
    asker,
    on_a_monday,
    runs_now,
    schedule,
    settles,
    space_of,
    subscription,
)

if TYPE_CHECKING:
    from bot.db.runs import Run
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot

    Owned = Schedule | Subscription

PLACES = ["1:1", "group"]
FAMILIES = list(Family)
PERIOD = "Nov 16–22, 2026"


@pytest.fixture(autouse=True)
def monday(stepped: SteppedBot) -> None:
    on_a_monday(stepped)


def asked(stepped: SteppedBot, words: str, space: Space | None = None, person: Person | None = None) -> Message:
    """Return what a person, or Ada, is answered in a space, or directly."""
    person = person or stepped.setup.ada
    before = {one.id for one in stepped.said(space, person)}
    stepped.receive(person, words, space)
    stepped.work()
    (said,) = (one for one in stepped.said(space, person) if one.id not in before)
    assert not said.card or problems(said.card) == []
    return said


def said_in(stepped: SteppedBot) -> list[Message]:
    return stepped.said(stepped.setup.group)


def shown(message: Message) -> str:
    return "\n".join(texts_of(message.card))


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    return {one["title"]: one["data"] for one in actions_of(message.card)}


def press(stepped: SteppedBot, message: Message, title: str, person: Person | None = None) -> None:
    stepped.pressed(person or stepped.setup.ada, message, buttons(message)[title])
    stepped.work()


def all_runs(stepped: SteppedBot) -> list[Run]:
    with stepped.database.read() as tx:
        found = (runs.get(tx, number) for number in range(1, 20))
        return [one for one in found if one is not None]


def refuse(stepped: SteppedBot, family: Family) -> None:
    """Have Webex refuse to create reports."""
    stepped.emulator.faults.add(method="POST", path=PATHS[family], status=400, times=None)


def takes_no_file(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=400, times=1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_of_a_schedule_it_is_why_when_for_which_period_and_how_each_run_ended(
    stepped: SteppedBot, family: Family, place: str
) -> None:
    owned, space = schedule(stepped, family, place), space_of(stepped, place)
    runs_now(stepped, owned)
    stepped.clock.time = PLANNED + timedelta(days=7, hours=3)
    refuse(stepped, family)
    runs_now(stepped, owned, Why.LATE, PLANNED + timedelta(days=7))

    said = asked(stepped, "history weekly usage", space)

    failed, delivered = (one.reference for one in (stepped_run(stepped, 2), stepped.request(1)))
    assert shown(said).splitlines() == [
        "History of “Weekly usage”",
        f"Schedule, newest first. Times are in Europe/Berlin. Reference {owned.reference}.",
        "Nov 30, 08:00",
        "● Failed",
        f"I couldn't run “{TEMPLATES[family][1]}”. Webex rejected the request (“Bad Request”).",
        f"Late · period {PERIOD} · started 11:00 · ended 11:00 · reference {failed}",
        "Nov 23, 08:00",
        "● Delivered",
        f"On schedule · period {PERIOD} · started 08:02 · ended 08:03 · reference {delivered}",
    ]
    assert list(buttons(said)) == ["Retry"]
    for line in ("**Nov 23, 08:00**: Delivered.", "**Nov 30, 08:00**: Failed.", f"`history {owned.reference} retry`"):
        assert line in (said.markdown or "")


def stepped_run(stepped: SteppedBot, number: int) -> Run:
    return all_runs(stepped)[number - 1]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_of_a_subscription_it_is_every_report_that_became_ready(
    stepped: SteppedBot, family: Family, place: str
) -> None:
    owned, space = subscription(stepped, place), space_of(stepped, place)
    report = stepped.world.add_report(family=family.value, title="Calling Usage")
    announces(stepped, owned, report.id)

    said = asked(stepped, "history", space)

    assert "History of “calling usage”\nSubscription, newest first. Times are in UTC." in shown(said)
    assert "Calling Usage\n● Delivered\nJan 1–31, 2026" in shown(said)
    assert f"ready Nov 23, 07:02 · posted 07:02 · reference {stepped.request().reference}" in shown(said)
    assert buttons(said) == {}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_gave_no_report_is_run_again_for_the_same_period_once_a_press(
    stepped: SteppedBot, family: Family, place: str
) -> None:
    owned, space = schedule(stepped, family, place), space_of(stepped, place)
    refuse(stepped, family)
    runs_now(stepped, owned)
    stepped.emulator.faults.clear()
    said = asked(stepped, "history weekly", space)

    press(stepped, said, "Retry")
    press(stepped, said, "Retry")
    settles(stepped)

    first, again = all_runs(stepped)
    assert (again.why, again.planned_at, again.new_report) == (Why.RETRY, first.planned_at, first.new_report)
    assert again.person_id == stepped.setup.ada.id
    assert stepped.request().state is State.DELIVERED
    told = [one.text or "" for one in stepped.said(space)]
    assert [one for one in told if one.startswith("Retrying")] == [
        "Retrying the run of Nov 23, 08:00 of the schedule Weekly usage. I'll post the file as soon as it's ready."
    ]
    nothing = [one for one in told + directly(stepped) if one.startswith("There is nothing to retry")]
    assert nothing, "the second press is answered"
    after = shown(asked(stepped, "history weekly", space))
    assert f"● Delivered\nA retry of {first.reference} · period {PERIOD}" in after
    assert "● Failed" in after
    assert "Retry" not in buttons(asked(stepped, "history weekly", space))


def directly(stepped: SteppedBot, person: Person | None = None) -> list[str]:
    return [one.text or "" for one in stepped.said(person=person)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_that_webex_did_not_take_is_posted_once_more_and_no_report_is_created(
    stepped: SteppedBot, family: Family
) -> None:
    owned, group = schedule(stepped, family), stepped.setup.group
    takes_no_file(stepped)
    runs_now(stepped, owned)
    said = asked(stepped, "history weekly", group)
    assert "Nov 23, 08:00\n● Failed" in shown(said), "its report was created, and its file was not posted"
    assert "Delivered" not in shown(said)

    press(stepped, said, "Retry")
    settles(stepped)

    assert stepped.calls("POST", PATHS[family]) == 1
    assert [stepped.request(number).state for number in (1, 2)] == [State.FAILED, State.DELIVERED]
    assert (stepped.request(2).content, stepped.request(2).origin) == (Content.FILE, owned.origin)
    after = shown(asked(stepped, "history weekly", group))
    assert f"Nov 23, 08:00\n● Delivered\nA retry of {stepped.request(1).reference} · period {PERIOD}" in after
    assert "Nov 23, 08:00\n● Failed" in after


@pytest.mark.parametrize("family", FAMILIES)
def test_a_report_that_webex_could_not_generate_is_run_again(stepped: SteppedBot, family: Family) -> None:
    owned, group = schedule(stepped, family), stepped.setup.group
    runs_now(stepped, owned)
    with stepped.world.change():
        (report,) = stepped.world.reports.values()
        report.status = "failed"
    with stepped.database.begin() as tx:
        assert open_request(tx, stepped.services, asker(stepped, owned, "x"), report.id, content=Content.FILE)
    settles(stepped)

    said = asked(stepped, "history weekly", group)
    assert "● Failed" in shown(said)
    press(stepped, said, "Retry")

    assert stepped.calls("POST", PATHS[family]) == 2
    assert all_runs(stepped)[1].planned_at == PLANNED


def test_the_card_of_a_subscription_is_posted_once_more_as_a_card(stepped: SteppedBot) -> None:
    owned, group = subscription(stepped), stepped.setup.group
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=404, times=None)
    announces(stepped, owned, stepped.setup.partner_report().id, Content.CARD)
    assert stepped.request().state is State.FAILED
    stepped.emulator.faults.clear()

    stepped.receive(stepped.setup.ada, f"history {owned.reference} retry", group)
    stepped.work()

    assert any(
        "Retrying Calling Usage of the subscription to calling usage." in (one.text or "") for one in said_in(stepped)
    )
    assert (stepped.request(2).content, stepped.request(2).state) == (Content.CARD, State.DELIVERED)


@pytest.mark.parametrize("how", ["typed", "by the button"])
def test_all_that_failed_is_done_again_at_once(stepped: SteppedBot, how: str) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    refuse(stepped, Family.PARTNER)
    for week in range(3):
        runs_now(stepped, owned, planned_at=PLANNED - timedelta(weeks=week))
    stepped.emulator.faults.clear()
    runs_now(stepped, owned, planned_at=PLANNED - timedelta(weeks=4))

    if how == "typed":
        said = asked(stepped, "history weekly usage retry", group)
        assert "Retrying 3 runs of the schedule Weekly usage. I'll post each file" in (said.text or "")
    else:
        press(stepped, asked(stepped, "history weekly", group), "Retry all that failed")
    settles(stepped)

    again = [one for one in all_runs(stepped) if one.why is Why.RETRY]
    assert {one.planned_at for one in again} == {PLANNED - timedelta(weeks=week) for week in range(3)}
    assert [stepped.request(number).state for number in range(1, 5)] == [State.DELIVERED] * 4
    after = asked(stepped, "history weekly retry", group)
    assert after.text == "There is nothing to retry: nothing failed, or it was retried already."


def test_a_kill_after_the_retry_was_stored_makes_no_second_one(stepped: SteppedBot) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    refuse(stepped, Family.PARTNER)
    runs_now(stepped, owned)
    runs_now(stepped, owned, planned_at=PLANNED - timedelta(weeks=1))
    stepped.emulator.faults.clear()
    stepped.receive(stepped.setup.ada, "history weekly retry", group)
    (claim,) = stepped.queue.take([], {"": 1}).claims

    stepped.points.kills_at = lambda name: name == "after the commit in _retry"
    with pytest.raises(BaseException, match="after the commit in _retry"):
        stepped.run(claim)
    stepped.points.kills_at = None
    stepped.restart()
    settles(stepped)

    assert sum(one.why is Why.RETRY for one in all_runs(stepped)) == 2
    told = [one.text or "" for one in stepped.said(group)]
    assert sum("Retrying 2 runs" in one for one in told) == 1


def test_who_may_not_change_it_sees_it_and_retries_nothing(stepped: SteppedBot) -> None:
    owned, group, grace = schedule(stepped), stepped.setup.group, stepped.setup.grace
    refuse(stepped, Family.PARTNER)
    runs_now(stepped, owned)
    said = asked(stepped, "history weekly", group)
    of_reader = asked(stepped, "history weekly", group, grace)
    assert "● Failed" in shown(of_reader)
    assert buttons(of_reader) == {}

    press(stepped, said, "Retry", grace)
    typed = asked(stepped, f"history {owned.reference} retry", group, grace)

    assert len(all_runs(stepped)) == 1
    refused = "Read-only administrators can't do this"
    assert refused in "\n".join(directly(stepped, grace))
    assert refused in (typed.text or "")


def test_nobody_without_a_role_sees_it(stepped: SteppedBot) -> None:
    schedule(stepped)
    said = asked(stepped, "history weekly", stepped.setup.group, stepped.setup.nora)
    assert "Only Webex administrators" in (said.text or "")


def test_the_history_of_a_family_that_was_taken_away_is_not_shown(stepped: SteppedBot) -> None:
    owned = schedule(stepped, place="1:1")
    runs_now(stepped, owned)
    stepped.world.people[stepped.setup.ada.id].roles[:] = ["id_full_admin"]
    stepped.clock.turn(301)

    said = asked(stepped, f"history {owned.reference}")

    assert "Weekly" not in (said.markdown or said.text or "")
    assert "administrator" in (said.text or "")


def test_before_outsiders_it_is_shown_directly(stepped: SteppedBot) -> None:
    setup = stepped.setup
    owned = add_schedule(stepped.database, setup.ada, setup.outside, stepped.clock(), name="Weekly usage")
    stepped.receive(setup.ada, f"history {owned.reference}", setup.outside)
    stepped.work()

    (neutral,) = stepped.said(setup.outside)
    assert "external people" in (neutral.text or "")
    (said,) = stepped.said()
    assert "History of “Weekly usage”\nIt hasn't run yet." in shown(said)


def test_five_at_first_and_a_button_for_more(stepped: SteppedBot) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    for week in range(7):
        runs_now(stepped, owned, planned_at=PLANNED + timedelta(weeks=week))

    first = asked(stepped, "history weekly", group)
    days = ["Jan 4", "Dec 28", "Dec 21", "Dec 14", "Dec 7", "Nov 30", "Nov 23"]
    assert [line for line in shown(first).splitlines() if line.endswith(", 08:00")] == [f"{d}, 08:00" for d in days[:5]]
    press(stepped, first, "Show more")
    second = stepped.said(group)[-1]
    assert [line for line in shown(second).splitlines() if line.endswith(", 08:00")] == [
        f"{d}, 08:00" for d in days[5:]
    ]
    assert "Schedule, page 2." in shown(second)
    assert buttons(second) == {}
    assert "There are no earlier ones." in shown(asked(stepped, "history weekly page 3", group))


def test_what_a_condition_halted_was_not_posted(stepped: SteppedBot) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    report = stepped.setup.partner_report(status="waiting")
    with stepped.database.begin() as tx:
        open_request(tx, stepped.services, asker(stepped, owned, "x"), report.id, content=Content.FILE)
    stepped.work()
    with stepped.database.begin() as tx:
        why = "The report is empty, so I didn't post it."
        close(tx, stepped.queue, stepped.request(), State.HALTED, stepped.clock(), reason=why, cause="blank")

    said = asked(stepped, "history weekly", group)

    assert "● Not posted\nThe report is empty, so I didn't post it." in shown(said)
    assert buttons(said) == {}


def test_what_is_under_way_says_so(stepped: SteppedBot) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    stepped.emulator.faults.add(method="POST", path=PATHS[Family.PARTNER], status=503, times=None)
    runs_now(stepped, owned, Why.TEST)

    said = asked(stepped, "history weekly", group)

    assert "● Webex hasn't created it yet\nA test · " in shown(said)
    assert buttons(said) == {}


def test_where_several_are_meant_or_none_it_asks(stepped: SteppedBot) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    other = subscription(stepped, words="")
    which = asked(stepped, "history", group)
    assert {one["argument"] for one in (entry["data"] for entry in actions_of(which.card))} == {
        owned.reference,
        other.reference,
    }
    press(stepped, which, "Show")
    assert "History of" in shown(stepped.said(group)[-1])
    none = asked(stepped, "history of nothing", group)
    assert "This space has no subscription or schedule called" in (none.text or "")


def test_a_full_administrator_sees_it_directly_by_its_reference_and_others_do_not(stepped: SteppedBot) -> None:
    owned = add_schedule(
        stepped.database, stepped.setup.grace, stepped.setup.group, stepped.clock(), name="Grace's usage"
    )
    assert "Grace's usage" in shown(asked(stepped, f"history {owned.reference}"))
    mine = schedule(stepped)
    said = asked(stepped, f"history {mine.reference}", person=stepped.setup.grace)
    assert "You have no subscription or schedule" in (said.text or "")


def test_a_paused_one_says_why(stepped: SteppedBot) -> None:
    schedule(stepped, state="paused", pause_cause="failures", reason="It failed 5 times in a row.")
    said = asked(stepped, "history weekly", stepped.setup.group)
    assert "Paused. It failed 5 times in a row." in shown(said)
    assert buttons(said)["Resume"]["command"] == "resume"
    assert buttons(asked(stepped, "history weekly", stepped.setup.group, stepped.setup.grace)) == {}


def test_what_may_have_been_posted_is_retried_alone_and_not_with_all_that_failed(stepped: SteppedBot) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    report = stepped.setup.partner_report()
    with stepped.database.begin() as tx:
        open_request(tx, stepped.services, asker(stepped, owned, "x"), report.id, content=Content.FILE)
    stepped.work(until="deliver")
    with stepped.database.begin() as tx:
        close(tx, stepped.queue, stepped.request(), State.UNSURE, stepped.clock(), reason="Webex didn't say.")
    stepped.work()

    said = asked(stepped, "history weekly", group)
    assert "● Delivery not confirmed\nWebex didn't say." in shown(said)
    assert "There is nothing to retry" in (asked(stepped, "history weekly retry", group).text or "")
    press(stepped, said, "Retry")

    assert stepped.request(2).state is State.DELIVERED


@pytest.mark.parametrize("words", ["history {reference}", "history {reference} retry", "why {reference}"])
def test_to_an_administrator_what_is_anothers_is_told_directly(stepped: SteppedBot, words: str) -> None:
    setup = stepped.setup
    olga = stepped.world.add_person("Olga Owner", setup.acme, roles=ADMIN_OF_BOTH)
    hers = stepped.world.direct_space(olga, setup.bot)
    owned = add_schedule(stepped.database, olga, hers, stepped.clock(), name="Secret merger")

    said = asked(stepped, words.format(reference=owned.reference), setup.group)

    assert said.text == "That's from another space, so I've replied to you directly."
    (told,) = stepped.said()
    assert ("Secret merger" in shown(told)) is ("retry" not in words)
