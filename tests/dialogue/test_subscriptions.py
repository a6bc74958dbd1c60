"""Spaces subscribe to reports: what is said, who may, and what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db import audit, origins, subscriptions
from bot.db.origin import PauseCause
from bot.emulator import ids
from bot.emulator.cards import problems
from bot.emulator.things import FULL_ADMIN, Template
from tests.live_bot import BotMessage
from tests.origin_rows import add_subscription

if TYPE_CHECKING:
    from bot.emulator.things import Family
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

TITLES = {"partner": "Calling Usage", "organization": "Meeting Details"}
A_WEEK = 7 * 86400.0
POLL = 10.0


def in_space(live: LiveBot) -> list[BotMessage]:
    messages = live.emulator.world.messages(live.group)
    return [BotMessage(one) for one in messages if one.person_id == live.bot.id and not one.deleted]


def wait_for_file(live: LiveBot, space: object = None) -> BotMessage:
    where = space or live.group

    def files(_: object = None) -> list[BotMessage]:
        return [BotMessage(one) for one in live.emulator.world.messages(where) if one.files]  # type: ignore[arg-type]

    live.emulator.world.wait_for(files, timeout=15.0)
    return files()[0]


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_a_space_subscribes_and_the_file_comes(live: LiveBot, family: Family) -> None:
    add = live.partner_report if family == "partner" else live.organization_report
    add(TITLES[family])
    add("Something Else")
    card = live.at(live.ada, live.group).says(f"subscribe {TITLES[family].lower()}").card()
    assert TITLES[family].lower() in card.shown
    assert "I'll post the file of each matching report as soon as it's ready, no matter who runs it." in card.shown
    assert "1 of the 2 reports that Webex lists now matches." in card.shown
    assert "Everyone in this space (3 people) will see it: members need no administrator role." in card.shown
    assert "Reports created in Control Hub or Partner Hub never come" in card.shown
    assert "I get the reports in Ada Lovelace's name" in card.shown
    assert set(card.buttons) == {"Mute for a week", "Unsubscribe"}

    add(TITLES[family])

    assert TITLES[family] in wait_for_file(live).words


@pytest.mark.parametrize("family", ["partner", "organization"])
def test_one_to_one_it_comes_to_the_person(live: LiveBot, family: Family) -> None:
    add = live.partner_report if family == "partner" else live.organization_report
    card = live.at(live.grace).says(f"subscribe to {TITLES[family]} reports card only").card()
    assert "I'll post a card, without the file" in card.shown
    # Nothing is listed and no template has these words, so it is asked first.
    assert "No report or template has exactly these words" in card.shown
    live.at(live.grace).presses(card, "Subscribe anyway").hears("Subscribed to")
    add(TITLES[family])
    heard = live.at(live.grace).hears_privately(TITLES[family])
    assert heard.card is not None


def test_a_read_only_administrator_may_subscribe_and_who_has_no_role_may_not(live: LiveBot) -> None:
    live.partner_report()
    live.at(live.grace, live.group).says("subscribe calling usage").hears("Subscribed to")
    refused = live.at(live.nora, live.group).says("subscribe calling usage").answer()
    assert "Only Webex administrators can get this report." in refused.words
    listed = live.at(live.nora, live.group).says("subscriptions").answer()
    assert "Only Webex administrators" in listed.words


def test_with_an_outsider_in_the_space_it_is_refused_with_what_to_do(live: LiveBot) -> None:
    live.partner_report()
    heard = live.at(live.ada, live.outside).says("subscribe calling usage").answer()
    assert "There are external people in this space, so I don't announce reports here." in heard.words
    assert "Subscribe in a space without them, or message me directly." in heard.words
    none = live.at(live.ada).says("subscriptions").answer()
    assert "You have no subscriptions" in none.words
    live.at(live.ada, live.outside).says("subscriptions")
    live.at(live.ada).hears_privately("That space has no subscriptions.")


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("all", "all reports"),
        ("all reports please", "all reports"),
        ("to everything", "all reports"),
        ("all partner reports", "all partner reports"),
        ("EU", "all partner reports in the EU"),
    ],
)
def test_for_all_reports_it_asks_first_and_only_who_asked_can_confirm(live: LiveBot, words: str, label: str) -> None:
    live.partner_report()
    user = live.at(live.ada, live.group)
    card = user.says(f"subscribe {words}").card()
    assert "Subscribe this space?" in card.shown
    assert label in card.shown.split("\n")
    assert "Only the person who asked can confirm this, until" in card.shown
    live.at(live.grace, live.group).presses(card, "Subscribe")
    live.at(live.grace).hears_privately("Only the person who asked can confirm this.")

    user.presses(card, "Subscribe").hears("Subscribed to")

    again = user.says(f"subscribe {words}").answer()
    assert again.words.startswith(f"Already subscribed to {label}.")
    assert "already" not in again.words[len("Already") :]


def test_a_large_space_and_a_public_one_are_asked_first(live: LiveBot) -> None:
    live.partner_report()
    world = live.emulator.world
    crowd = [world.add_person(f"Person {number}", live.acme, roles=[]) for number in range(49)]
    large = world.add_space("Everybody", [live.ada, live.bot, *crowd])
    card = live.at(live.ada, large).says("subscribe calling usage").card()
    assert "Everyone in this space (50 people) will see it" in card.shown
    live.at(live.ada, large).presses(card, "Subscribe").hears("Subscribed to")

    live.group.is_public = True
    card = live.at(live.ada, live.group).says("subscribe calling usage").card()
    assert "This space is public: anyone in your organization can find it, join it, and read along." in card.shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("calling usage EU", "Webex lists no partner reports in the EU now."),
        ("organization calling usage", "No organization report or template has exactly these words: “calling usage”."),
        ("organization reports in the EU", "No organization report or template has exactly these words: “in EU”."),
    ],
)
def test_it_says_of_which_reports_there_are_none(live: LiveBot, words: str, sentence: str) -> None:
    live.partner_report()
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Calling"))
    assert sentence in live.at(live.ada, live.group).says(f"subscribe {words}").card().shown


def test_mistyped_words_are_a_question(live: LiveBot) -> None:
    live.partner_report()
    live.emulator.world.add_template(Template(130, "partner", "Calling Quality", "Calling"))
    user = live.at(live.ada, live.group)
    card = user.says("subscribe callng usage card only").card()
    assert "No report or template has exactly these words: “callng usage”." in card.shown
    assert "Calling Usage" in card.buttons
    made = user.presses(card, "Calling Usage").hears("Subscribed to")
    assert "a card, without the file" in made.words
    # A template whose reports are not listed yet is no typing error.
    user.says("subscribe calling quality").hears("Subscribed to")


def test_words_with_a_period_are_a_question(live: LiveBot) -> None:
    live.partner_report()
    card = live.at(live.ada, live.group).says("subscribe calling usage last week").card()
    assert "calling usage" in card.buttons


def test_without_words_it_says_how(live: LiveBot) -> None:
    live.at(live.ada, live.group).says("subscribe").hears("What should I announce?")


def test_the_list_names_the_owner_and_who_may_end_it(live: LiveBot) -> None:
    live.partner_report()
    live.organization_report()
    world = live.emulator.world
    other = world.add_space("Others", [live.ada, live.grace, live.bot])
    live.at(live.ada, live.group).says("subscribe calling usage").hears("Subscribed to")
    live.at(live.grace, other).says("subscribe meeting details card only").hears("Subscribed to")

    here = live.at(live.grace, live.group).says("subscriptions").card()
    assert "1 subscription in this space" in here.shown
    assert "subscribed by Ada Lovelace" in here.shown
    assert "meeting details" not in here.shown
    refused = live.at(live.grace, live.group).presses(here, "Unsubscribe")
    live.at(live.grace).hears_privately("Read-only administrators can't do this.")
    assert refused.message

    own = live.at(live.grace).says("subscriptions").card()
    assert "meeting details" in own.shown
    assert "in **Others**" in own.shown
    live.at(live.grace, live.group).says("subscriptions all").hears(
        "Only full administrators can see the subscriptions of all spaces."
    )
    live.at(live.ada, live.group).says("subscriptions all").hears("direct message")
    heard = live.at(live.ada).hears_privately("2 subscriptions in your organization")
    assert "subscribed by Grace Hopper" in heard.shown

    live.at(live.ada, live.group).presses(here, "Unsubscribe").hears("Unsubscribed from")
    live.at(live.ada, live.group).says("unsubscribe meeting details").hears("This space has no subscription")
    reference = own.buttons["Unsubscribe"]["argument"]
    live.at(live.ada).says(f"unsubscribe {reference}").hears("Unsubscribed from")
    live.at(live.ada, other).says("subscriptions").hears("This space has no subscriptions")


def test_several_that_fit_are_offered(live: LiveBot) -> None:
    live.partner_report("Calling Usage")
    live.partner_report("Calling Quality")
    user = live.at(live.ada, live.group)
    user.says("subscribe calling usage").hears("Subscribed to")
    user.says("subscribe calling quality").hears("Subscribed to")
    card = user.says("unsubscribe calling").card()
    assert len([one for one in card.actions if one["title"] == "Unsubscribe"]) == 2
    user.says("unsubscribe calling quality").hears("Unsubscribed from")
    said = user.says("unsubscribe").hears("Unsubscribed from")
    again = user.presses(said, "Subscribe again")
    again.hears("Subscribed to")


def test_muted_for_a_week_nothing_comes_neither_then_nor_later(stepped: SteppedBot) -> None:
    setup = stepped.setup
    setup.partner_report()
    stepped.receive(setup.ada, "subscribe calling usage", setup.group)
    stepped.work()
    card = BotMessage(stepped.said(setup.group)[-1])
    stepped.pressed(setup.ada, card.message, card.buttons["Mute for a week"])
    stepped.work()
    muted = BotMessage(stepped.said(setup.group)[-1])
    assert "is muted until" in muted.words
    setup.partner_report()
    stepped.wait(POLL)
    stepped.receive(setup.ada, "subscriptions", setup.group)
    stepped.work()
    assert "● Muted until" in BotMessage(stepped.said(setup.group)[-1]).shown
    stepped.wait(A_WEEK)
    stepped.wait(POLL)
    assert not [one for one in stepped.said(setup.group) if one.files]
    setup.partner_report()
    stepped.wait(POLL)
    assert len([one for one in stepped.said(setup.group) if one.files]) == 1

    stepped.pressed(setup.ada, card.message, card.buttons["Mute for a week"])
    stepped.pressed(setup.ada, muted.message, muted.buttons["Unmute"])
    stepped.work()
    assert "is no longer muted" in (stepped.said(setup.group)[-1].text or "")
    stepped.receive(setup.ada, "unmute calling usage", setup.group)
    stepped.work()
    assert "isn't muted" in (stepped.said(setup.group)[-1].text or "")
    for text in ("mute calling usage", "pause calling usage", "resume calling usage"):
        stepped.receive(setup.ada, text, setup.group)
        stepped.work()
    assert "It stays muted until" in BotMessage(stepped.said(setup.group)[-1]).shown
    stepped.receive(setup.ada, "unmute calling usage", setup.group)
    stepped.work()
    setup.partner_report()
    stepped.wait(POLL)
    assert len([one for one in stepped.said(setup.group) if one.files]) == 2


def test_after_unsubscribing_nothing_comes(stepped: SteppedBot) -> None:
    setup = stepped.setup
    setup.partner_report()
    stepped.receive(setup.ada, "subscribe calling usage", setup.group)
    stepped.work()
    setup.partner_report()
    stepped.wait(POLL, until="lookup")
    stepped.receive(setup.ada, "unsubscribe calling usage", setup.group)
    stepped.work()
    stepped.wait(61.0)
    assert not [one for one in stepped.said(setup.group) if one.files]
    stepped.emulator.calls.clear()
    stepped.wait(61.0)
    assert stepped.calls("GET", "/v1/partner/reports") == 0, "nothing stands, so nothing is listed"


def test_subscribing_announces_to_those_who_wait_what_was_ready_by_then(stepped: SteppedBot) -> None:
    setup = stepped.setup
    other = stepped.world.add_space("Others", [setup.ada, setup.bot])
    setup.partner_report()
    stepped.receive(setup.ada, "subscribe calling usage", other)
    stepped.work()
    setup.partner_report()
    stepped.receive(setup.ada, "subscribe calling usage", setup.group)
    stepped.work()
    stepped.wait(POLL)
    assert len([one for one in stepped.said(other) if one.files]) == 1
    assert not [one for one in stepped.said(setup.group) if one.files]


def test_roles_count_for_each_family(live: LiveBot) -> None:
    dora = live.emulator.world.add_person("Dora", live.acme, roles=[FULL_ADMIN])
    live.emulator.world.join(live.group, dora)
    live.partner_report()
    live.organization_report()
    card = live.at(dora, live.group).says("subscribe partner calling usage").answer()
    assert "Only Webex administrators can get this report." in card.words
    made = live.at(dora, live.group).says("subscribe meeting details").card()
    assert "The only report that Webex lists now matches." in made.shown
    assert "I didn't look for partner reports" in made.shown


def test_the_audit_has_a_row_for_each_act_with_its_reference(stepped: SteppedBot) -> None:
    setup = stepped.setup
    setup.partner_report()
    for text in ("subscribe calling usage", "mute calling usage", "unmute calling usage", "unsubscribe calling usage"):
        stepped.receive(setup.ada, text, setup.group)
        stepped.work()
    with stepped.database.read() as tx:
        rows = audit.latest(tx, 10)[::-1]
    assert [(one.act, one.outcome) for one in rows] == [
        (act, "allowed") for act in ("subscribe", "mute", "unmute", "unsubscribe")
    ]
    assert len({one.reference for one in rows}) == 1
    assert rows[0].reference


def test_a_paused_subscription_is_listed_with_the_reason_and_a_button_to_resume(stepped: SteppedBot) -> None:
    setup = stepped.setup
    setup.partner_report()
    stepped.receive(setup.ada, "subscribe calling usage", setup.group)
    stepped.work()
    with stepped.database.begin() as tx:
        (one,) = subscriptions.find(tx)
        origins.pause(tx, one.origin, PauseCause.FAILURES, "It failed.")
    setup.partner_report()
    stepped.wait(POLL)
    stepped.receive(setup.ada, "subscriptions", setup.group)
    stepped.work()
    card = BotMessage(stepped.said(setup.group)[-1])
    assert "● Paused. It failed." in card.shown
    stepped.pressed(setup.ada, card.message, card.buttons["Resume"])
    stepped.work()
    stepped.wait(POLL)
    assert not [one for one in stepped.said(setup.group) if one.files], "what was ready during the pause doesn't come"
    setup.partner_report()
    stepped.wait(POLL)
    assert len([one for one in stepped.said(setup.group) if one.files]) == 1


def test_more_than_a_page_of_them_has_a_button_for_the_next(stepped: SteppedBot) -> None:
    setup = stepped.setup
    for number in range(7):
        add_subscription(stepped.database, setup.ada, setup.group, stepped.clock(), words=f"calling {number}")
    stepped.receive(setup.ada, "subscriptions", setup.group)
    stepped.work()
    card = BotMessage(stepped.said(setup.group)[-1])
    assert "7 subscriptions in this space, 1–5" in card.shown
    assert problems(card.card) == []
    stepped.pressed(setup.ada, card.message, card.buttons["More"])
    stepped.work()
    assert "7 subscriptions in this space, 6–7" in BotMessage(stepped.said(setup.group)[-1]).shown


def test_a_sub_partners_reports_are_announced_by_its_own_list(stepped: SteppedBot) -> None:
    setup = stepped.setup
    initech = stepped.world.add_organization("Initech", sub_partner_of=setup.acme)
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    stepped.receive(setup.ada, f"subscribe calling usage for {initech.id}", setup.group)
    stepped.work()
    card = BotMessage(stepped.said(setup.group)[-1])
    assert "Subscribed to" in card.words
    assert f"calling usage for organization {ids.plain_part(initech.id)}" in card.shown

    setup.partner_report()
    setup.partner_report(sub_partner=initech.id)
    stepped.wait(POLL)
    stepped.wait(POLL)

    files = [one for one in stepped.said(setup.group) if one.files]
    assert len(files) == 1
    stepped.receive(setup.ada, "unsubscribe calling usage", setup.group)
    stepped.work()
    ended = BotMessage(stepped.said(setup.group)[-1])
    stepped.pressed(setup.ada, ended.message, ended.buttons["Subscribe again"])
    stepped.work()
    assert "for organization" in BotMessage(stepped.said(setup.group)[-1]).shown


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("us to calling usage", "calling usage"),
        ("US to calling usage", "calling usage in the US"),
        ("calling usage US", "calling usage in the US"),
        ("calling usage in the us", "calling usage in the US"),
        ("us calling usage", "calling usage in the US"),
    ],
)
def test_us_means_those_who_ask_where_english_does(live: LiveBot, words: str, label: str) -> None:
    live.partner_report()
    heard = live.at(live.ada).says(f"subscribe {words}").answer()
    assert heard.shown.split("\n")[1] == label


def test_subscribe_us_alone_is_no_region(live: LiveBot) -> None:
    assert "in the US" not in live.at(live.ada).says("subscribe us").answer().words
    assert "all partner reports in the US" in live.at(live.ada).says("subscribe US").answer().words
