"""What nobody asked for just then: ``why``, ``audit``, ``pending``, ``cancel``, ``refresh`` and cards say what for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bot.cli.audit import Wanted, export
from bot.cli.why import tell
from bot.db.requests import Content, State
from bot.emulator.cards import problems
from bot.reports.requests import open_request
from bot.webex.report_families import Family
from tests.live_bot import BotMessage
from tests.origins_at_work import (
    PATHS,
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
    from bot.db.schedules import Schedule
    from bot.db.subscriptions import Subscription
    from bot.emulator.things import Message, Person, Space
    from tests.stepped_bot import SteppedBot

    Owned = Schedule | Subscription

PLACES = ["1:1", "group"]
FAMILIES = list(Family)


@pytest.fixture(autouse=True)
def monday(stepped: SteppedBot) -> None:
    on_a_monday(stepped)


def said_to(
    stepped: SteppedBot, words: str, space: Space | None = None, person: Person | None = None, root: str | None = None
) -> str:
    """Return everything that somebody, or Ada, is answered."""
    person = person or stepped.setup.ada
    before = {one.id for one in stepped.said(space, person)}
    stepped.receive(person, words, space, parent_id=root)
    stepped.work()
    said = [BotMessage(one) for one in stepped.said(space, person) if one.id not in before]
    assert all(not one.card or problems(one.card) == [] for one in said)
    return "\n".join(f"{one.message.markdown or one.words}\n{one.shown}" for one in said)


def waits(stepped: SteppedBot, owned: Owned, content: Content = Content.FILE) -> str:
    """Have a report waited for, for a subscription or schedule; return its ID."""
    report = stepped.setup.partner_report(status="waiting")
    with stepped.database.begin() as tx:
        assert open_request(tx, stepped.services, asker(stepped, owned, "x"), report.id, content=content)
    stepped.work()
    return str(report.id)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_why_tells_which_schedule_wanted_it(stepped: SteppedBot, family: Family, place: str) -> None:
    owned, space = schedule(stepped, family, place), space_of(stepped, place)
    runs_now(stepped, owned)
    where = "directly" if place == "1:1" else "in **Admin reports**"

    said = said_to(stepped, f"why {stepped.request().reference}", space)

    assert f"For the schedule **Weekly usage** {where} on Nov 23, 07:02 UTC → access check passed" in said
    assert "Ada" not in said


@pytest.mark.parametrize("place", PLACES)
def test_why_tells_which_subscription_wanted_it(stepped: SteppedBot, place: str) -> None:
    owned, space = subscription(stepped, place), space_of(stepped, place)
    announces(stepped, owned, stepped.setup.partner_report().id)

    said = said_to(stepped, f"why {stepped.request().reference}", space)

    assert "For the subscription to **calling usage** " in said


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("place", PLACES)
def test_why_tells_of_a_run_without_a_report(stepped: SteppedBot, family: Family, place: str) -> None:
    owned, space = schedule(stepped, family, place), space_of(stepped, place)
    stepped.emulator.faults.add(method="POST", path=PATHS[family], status=400, times=None)
    runs_now(stepped, owned)

    said = said_to(stepped, "why reference1", space)

    assert f"For the schedule **Weekly usage**, to run **{TEMPLATES[family][1]}** " in said
    assert "→ no report 07:02. I couldn't run" in said
    assert "Only Webex administrators" in said_to(
        stepped, "why reference1", None if place == "1:1" else space, stepped.setup.nora
    )
    elsewhere = said_to(stepped, "why reference1", stepped.world.add_space("B", [stepped.setup.ada, stepped.setup.bot]))
    assert "Weekly usage" not in elsewhere


def test_why_with_the_reference_of_a_schedule_is_its_history(stepped: SteppedBot) -> None:
    owned = schedule(stepped)
    assert "History of “Weekly usage”" in said_to(stepped, f"why {owned.reference}", stepped.setup.group)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_audit_says_what_for(stepped: SteppedBot, family: Family) -> None:
    owned = schedule(stepped, family)
    runs_now(stepped, owned)
    title = TEMPLATES[family][1]

    said = said_to(stepped, "audit")

    for verb in ("ran", "got"):
        line = f"**Ada Lovelace** {verb} **{title}** for the schedule **Weekly usage** in **Admin reports**"
        assert line in said


def test_on_the_command_line_too(stepped: SteppedBot) -> None:
    owned = schedule(stepped)
    runs_now(stepped, owned)
    settings = stepped.services.settings
    lines: list[str] = []
    reference = stepped.request().reference

    tell(settings, reference, lines.append, as_json=False)
    export(settings, Wanted(), lines.append, as_json=False)

    shown = "\n".join(lines)
    assert "For the schedule Weekly usage in " in shown
    assert "ran Calling Usage for the schedule Weekly usage" in shown
    lines.clear()
    tell(settings, reference, lines.append, as_json=True)
    assert json.loads(lines[0])["made_for"] == owned.reference


def test_a_schedules_history_on_the_command_line(stepped: SteppedBot) -> None:
    owned, settings = schedule(stepped), stepped.services.settings
    runs_now(stepped, owned)
    lines: list[str] = []

    tell(settings, owned.reference, lines.append, as_json=False)
    head, line = lines
    assert head == "History of the schedule Weekly usage: active. Times are in Europe/Berlin."
    about = "On schedule · period Nov 16–22, 2026 · started 08:02 · ended 08:03 · reference"
    assert line == f"  Nov 23, 08:00: Delivered. {about} {stepped.request().reference}."
    lines.clear()
    tell(settings, owned.reference, lines.append, as_json=True)
    (run,) = map(json.loads, lines)
    assert (run["why"], run["state"], run["planned_at"]) == ("due", "delivered", "2026-11-23T07:00:00+00:00")


def test_pending_is_what_people_asked_for(stepped: SteppedBot) -> None:
    waits(stepped, schedule(stepped))
    for space in (None, stepped.setup.group):
        assert "You have no pending requests" in said_to(stepped, "pending", space)


def test_a_run_that_webex_does_not_take_yet_is_not_pending_either(stepped: SteppedBot) -> None:
    stepped.emulator.faults.add(method="POST", path=PATHS[Family.PARTNER], status=503, times=None)
    runs_now(stepped, schedule(stepped))
    for words in ("pending", "cancel"):
        assert "You have no pending requests" in said_to(stepped, words)


@pytest.mark.parametrize("kind", ["schedule", "subscription"])
def test_no_bystander_cancels_it(stepped: SteppedBot, kind: str) -> None:
    owned = schedule(stepped) if kind == "schedule" else subscription(stepped)
    report_id = waits(stepped, owned)

    said = said_to(stepped, f"cancel {report_id}", stepped.setup.group, stepped.setup.grace)

    assert "Only its owner, and administrators who may run reports, can cancel it." in said
    assert stepped.request().state is State.OPEN
    assert "Canceled. I won't post this report here." in said_to(stepped, f"cancel {report_id}", stepped.setup.group)
    assert stepped.request().state is State.CANCELED


def test_who_cancels_their_own_request_leaves_the_schedules(stepped: SteppedBot) -> None:
    group = stepped.setup.group
    report_id = waits(stepped, schedule(stepped))
    said_to(stepped, f"report {report_id}", group)

    said_to(stepped, f"cancel {report_id}", group)

    assert [stepped.request(number).state for number in (1, 2)] == [State.OPEN, State.CANCELED]
    assert stepped.request(2).reason == "Your request is canceled. Others in this space are still waiting."


def test_the_card_of_a_subscription_says_so_and_that_the_file_can_be_had(stepped: SteppedBot) -> None:
    group = stepped.setup.group
    announces(stepped, subscription(stepped), stepped.setup.partner_report().id, Content.CARD)

    (card,) = (BotMessage(one) for one in stepped.said(group))

    assert "The file is ready to be sent." in card.shown
    assert "Jan 1–31, 2026 · US · for the subscription to calling usage" in card.shown
    assert set(card.buttons) == {"Send file", "Why?"}
    press(stepped, card.message, "Send file")
    assert stepped.said(group)[-1].files
    press(stepped, card.message, "Why?")
    assert "For the subscription to **calling usage**" in BotMessage(stepped.said(group)[-1]).shown


def press(stepped: SteppedBot, message: Message, title: str) -> None:
    stepped.pressed(stepped.setup.ada, message, BotMessage(message).buttons[title])
    settles(stepped)


def test_refresh_in_the_thread_of_its_file_is_answered(stepped: SteppedBot) -> None:
    group = stepped.setup.group
    announces(stepped, subscription(stepped), stepped.setup.partner_report().id)
    (file,) = stepped.said(group)

    said = said_to(stepped, "refresh", group, root=file.id)

    assert "Checked 07:" in said


@pytest.mark.parametrize("has_ended", [False, True])
def test_the_file_says_how_to_end_only_what_has_not_ended(stepped: SteppedBot, *, has_ended: bool) -> None:
    owned, group = schedule(stepped), stepped.setup.group
    report_id = waits(stepped, owned)
    if has_ended:
        said_to(stepped, f"unschedule {owned.reference}", group)
    stepped.world.set_report(report_id, status="done")
    settles(stepped)

    (file,) = (one for one in stepped.said(group) if one.files)
    assert "For the schedule **Weekly usage**." in (file.markdown or "")
    assert (f"`unschedule {owned.reference}` ends it." in (file.markdown or "")) is not has_ended
