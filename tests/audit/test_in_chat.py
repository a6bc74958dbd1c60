"""``audit`` in the chat: for full administrators, readable on a phone, never before outsiders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db import audit
from bot.db.audit import Channel, Entry
from bot.emulator import Emulator
from bot.emulator.cards import problems
from bot.emulator.things import FULL_ADMIN, Template
from bot.text import when
from bot.webex.people import REMEMBERED_SECONDS
from tests.live_bot import LiveBot, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveBot]:
    with Emulator() as emulator:
        made = LiveBot(emulator, tmp_path / "data")
        with made.program() as url:
            made.register(url)
            yield made


def shown(message: Message) -> str:
    return "\n".join(texts_of(message.card))


def asked_by(stepped: SteppedBot, words: str = "audit") -> Message:
    """Return what Ada is answered, 1:1."""
    before = len(stepped.said())
    stepped.receive(stepped.setup.ada, words)
    stepped.work()
    (said,) = stepped.said()[before:]
    return said


def test_the_dialogue(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage")
    live.at(live.grace).says(f"report {report.id}").file()

    said = live.at(live.ada).says("audit").card().shown

    assert "**Grace Hopper** requested **Calling Usage** in a direct message\n" in said
    assert "noted its settings\nFirst start" in said, "the program itself started"


def test_what_was_subscribed_scheduled_or_run_is_named(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report("Calling Usage")
    ada = live.at(live.ada, live.group)
    ada.says("subscribe calling usage").card()
    ada.says("mute calling usage").card()
    ada.says("unsubscribe calling usage").card()
    ada.says("schedule calling usage every Monday 8:00 UTC last week").card()
    ada.says("new calling usage last month").card()

    said = live.at(live.ada).says("audit").card().shown

    for deed in (
        "asked for the subscription to **calling usage**",
        "asked to mute the subscription to **calling usage**",
        "asked to end the subscription to **calling usage**",
        "asked to make or change the schedule **Calling Usage**",
        "asked to run **Calling Usage**",
    ):
        assert f"**Ada Lovelace** {deed} in **Admin reports**\n" in said


def test_a_change_of_settings_is_told_from_a_look(live: LiveBot) -> None:
    ada = live.at(live.ada, live.group)
    ada.says("settings").card()
    ada.says("settings xlsx").answer()

    said = live.at(live.ada).says("audit").card().shown

    assert "**Ada Lovelace** asked for the settings in **Admin reports**\n" in said
    assert "**Ada Lovelace** changed the settings in **Admin reports**\n" in said


def test_what_the_reader_may_not_have_is_not_named(live: LiveBot) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams"))
    live.partner_report("Calling Usage")
    olga = live.emulator.world.add_person("Olga Other", live.acme, roles=[FULL_ADMIN])
    ada = live.at(live.ada, live.group)
    ada.says("subscribe calling usage partner").card()
    ada.says("new calling usage last month").card()

    said = live.at(olga).says("audit").card().shown

    assert "**Ada Lovelace** asked for a subscription in" in said
    assert "asked to run a report in" in said
    assert "calling usage" not in said.casefold()


def test_it_is_a_card_that_webex_takes_with_names_and_words(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report("Calling Usage")
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.receive(live.nora, f"cancel {report.id}", live.group)
    stepped.work()

    said = asked_by(stepped)

    assert problems(said.card) == []
    assert "The latest 3 entries, newest first." in shown(said)
    at = f"{when(stepped.clock())} · Reference "
    assert f"**Ada Lovelace** got **Calling Usage** in **Admin reports**\n{at}" in shown(said)
    nora = (
        "**Nora Jones** asked to stop waiting for **Calling Usage** in **Admin reports**\nRefused: not an administrator"
    )
    assert nora in shown(said)
    assert f"`{report.id}`" in (said.markdown or "")


def test_it_shows_ten_rows_newest_first(stepped: SteppedBot) -> None:
    for _ in range(12):
        stepped.receive(stepped.setup.ada, "reports")
    stepped.receive(stepped.setup.ada, "help")
    stepped.work()

    said = asked_by(stepped)

    assert shown(said).count("Ada Lovelace") == 10
    assert shown(said).index("asked for help") < shown(said).index("listed the reports")
    assert problems(said.card) == []


def test_two_of_one_name_are_told_apart_by_their_addresses(stepped: SteppedBot) -> None:
    live = stepped.setup
    live.grace.display_name = live.ada.display_name
    stepped.receive(live.grace, "help")
    stepped.receive(live.ada, "help")
    stepped.work()

    said = asked_by(stepped)

    for words in (shown(said), said.markdown or ""):
        assert "ada.lovelace@acme.example" in words
        assert "grace.hopper@acme.example" in words
    stepped.clock.turn(REMEMBERED_SECONDS + 1)
    live.grace.display_name = "Grace Hopper"
    assert "@" not in shown(asked_by(stepped)), "names alone tell them apart"


def test_it_pages_by_words_and_by_the_button(stepped: SteppedBot) -> None:
    live = stepped.setup
    reports = [live.partner_report(f"Report {number}").id for number in range(12)]
    for one in reports:
        stepped.receive(live.grace, f"why {one}")
    stepped.work()
    stepped.receive(live.nora, "help")
    stepped.work()

    def seen(message: Message) -> list[str]:
        return [one for one in reports if f"`{one}`" in (message.markdown or "")]

    first = asked_by(stepped, "audit grace.hopper@acme.example")
    assert seen(first) == reports[2:]
    assert problems(first.card) == []
    assert first.card is not None
    (more,) = (one for one in first.card["actions"] if one["title"] == "More")
    before = len(stepped.said())
    stepped.pressed(live.ada, first, more["data"])
    stepped.work()
    (pressed,) = stepped.said()[before:]
    for last in (pressed, asked_by(stepped, "audit Grace.Hopper@acme.example 2")):
        assert seen(last) == reports[:2]
        assert "Entries 11–12 about" in shown(last)
        assert "Nora" not in shown(last)
        assert "actions" not in (last.card or {})
    assert "No earlier entries" in shown(asked_by(stepped, "audit grace.hopper@acme.example 3"))
    everybody = asked_by(stepped, "audit 2")
    assert "Entries 11–17, newest first." in shown(everybody)
    assert "Nora Jones" not in shown(everybody), "hers is among the newest"
    assert "No earlier entries" in shown(asked_by(stepped, f"audit {reports[0]} 2"))


def test_a_page_holds_no_rows_of_a_family_that_its_reader_may_not_use(stepped: SteppedBot) -> None:
    live = stepped.setup
    secret = live.partner_report("Not for Olga").id
    known = live.organization_report("For Olga").id
    olga = stepped.world.add_person("Olga", live.acme, roles=[FULL_ADMIN])
    for one in [known] * 6 + [secret] * 12 + [known] * 6:
        stepped.receive(live.ada, f"report {one}")
        stepped.work()

    pages = []
    for page in ("", " 2", " 3"):
        before = len(stepped.said(person=olga))
        stepped.receive(olga, f"audit{page}")
        stepped.work()
        pages += stepped.said(person=olga)[before:]

    assert "For Olga" in shown(pages[0])
    assert "For Olga" in shown(pages[1])
    assert secret not in "".join((one.markdown or "") + shown(one) for one in pages)


def test_by_report_and_by_person(stepped: SteppedBot) -> None:
    live = stepped.setup
    ids = [live.partner_report(title).id for title in ("One", "Two")]
    stepped.receive(live.ada, f"report {ids[0]}")
    stepped.receive(live.grace, f"report {ids[1]}")
    stepped.work()

    by_report = asked_by(stepped, f"audit {ids[0]}")
    by_person = asked_by(stepped, "audit Grace.Hopper@acme.example")

    assert shown(by_report).count("One") == 2
    assert "Two" not in shown(by_report)
    assert shown(by_person).count("Grace Hopper") == 2
    assert "Ada Lovelace" not in shown(by_person)


def test_an_address_that_webex_does_not_know_and_words_that_mean_nothing(stepped: SteppedBot) -> None:
    assert "No Webex user has the address" in (asked_by(stepped, "audit nobody@acme.example").text or "")
    assert "an email address" in (asked_by(stepped, "audit ../../x").text or "")
    assert "No entries about" in shown(asked_by(stepped, "audit abcdef"))


def test_who_is_gone_or_forgotten_has_no_name(stepped: SteppedBot) -> None:
    with stepped.database.begin() as tx:
        for person in ("Y2lzY29zcGFyazovL3VzL1BFT1BMRS9nb25l", "forgotten-1"):
            audit.record(tx, Entry(Channel.CHAT, "reports", audit.ALLOWED, person_id=person), stepped.clock())

    said = shown(asked_by(stepped))

    assert "Former user" in said
    assert "Forgotten user" in said
    assert not any("forgotten" in str(call.query) for call in stepped.emulator.calls)


def test_names_that_may_not_be_read_are_said_to_be_so(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.grace, "reports")
    stepped.work()
    stepped.clock.turn(REMEMBERED_SECONDS + 1)
    stepped.emulator.faults.add(path="/v1/people", status=403)

    assert "Name not available" in shown(asked_by(stepped))


def test_before_outsiders_it_is_answered_privately(stepped: SteppedBot) -> None:
    live = stepped.setup
    stepped.receive(live.ada, "audit", live.outside)

    stepped.work()

    (neutral,) = stepped.said(live.outside)
    assert neutral.card is None
    (private,) = stepped.said()
    assert "Audit" in shown(private)


def test_in_any_group_space_it_is_answered_privately(stepped: SteppedBot) -> None:
    """Colleagues without a role have no part in who asked for what."""
    stepped.receive(stepped.setup.ada, "audit", stepped.setup.group)

    stepped.work()

    (neutral,) = stepped.said(stepped.setup.group)
    assert neutral.card is None
    assert neutral.text == "I've sent you the audit log in a direct message."
    (private,) = stepped.said()
    assert "Audit" in shown(private)


def test_an_entry_says_whether_it_was_in_a_space_or_directly(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "reports", stepped.setup.group)
    stepped.receive(stepped.setup.ada, "reports")
    stepped.work()

    said = shown(asked_by(stepped))

    assert "**Ada Lovelace** listed the reports in **Admin reports**" in said
    assert "**Ada Lovelace** listed the reports in a direct message" in said


def test_a_space_that_the_bot_has_left_is_another_space(stepped: SteppedBot) -> None:
    live = stepped.setup
    stepped.receive(live.ada, "reports", live.group)
    stepped.work()
    stepped.world.leave(live.group, live.bot)

    assert "**Ada Lovelace** listed the reports in another space" in shown(asked_by(stepped))
    calls = stepped.calls("GET", f"/v1/rooms/{live.group.id}")
    assert calls == 1
    asked_by(stepped)
    assert stepped.calls("GET", f"/v1/rooms/{live.group.id}") == calls, "that is remembered, too"


def test_a_read_only_administrator_is_refused(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.grace, "audit")

    stepped.work()

    (said,) = stepped.said(person=stepped.setup.grace)
    assert said.card is None
    assert "Only full administrators can see the audit log." in (said.text or "")


def test_hostile_titles_and_names_do_not_break_out(stepped: SteppedBot) -> None:
    live = stepped.setup
    live.grace.display_name = "[Grace](https://evil.example) <@all>"
    report = live.partner_report("**[x](https://evil.example)** <@personEmail:a@b.c>")
    stepped.receive(live.grace, f"report {report.id}")
    stepped.work()

    said = asked_by(stepped)

    assert problems(said.card) == []
    assert "](https" not in shown(said).replace("\\](", "")
    assert "<@" not in (said.markdown or "")
