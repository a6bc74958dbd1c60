"""``audit`` in the chat: for full administrators, readable on a phone, never before outsiders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.db import audit
from bot.db.audit import Channel, Entry
from bot.emulator import Emulator
from bot.emulator.cards import problems
from bot.emulator.things import FULL_ADMIN
from bot.text import when
from tests.stage import Stage, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.emulator.things import Message
    from tests.core.workbench import Workbench


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Emulator() as emulator:
        made = Stage(emulator, tmp_path / "data")
        with made.program() as door:
            made.register(door)
            yield made


def shown(message: Message) -> str:
    return "\n".join(texts_of(message.card))


def asked_by(bench: Workbench, words: str = "audit") -> Message:
    """Return what Ada is answered, 1:1."""
    before = len(bench.said())
    bench.hears(bench.stage.ada, words)
    bench.work()
    (said,) = bench.said()[before:]
    return said


def test_the_dialogue(stage: Stage) -> None:
    report = stage.partner_report("Calling Usage")
    stage.at(stage.grace).says(f"report {report.id}").file()

    said = stage.at(stage.ada).says("audit").card().shown

    assert "Grace Hopper (grace.hopper@acme.example)\nRequested the report\nCalling Usage" in said
    assert "Settings · first start" in said, "the program itself started"


def test_it_is_a_card_that_webex_takes_with_names_and_words(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report("Calling Usage")
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.hears(stage.nora, f"cancel {report.id}", stage.group)
    bench.work()

    said = asked_by(bench)

    assert problems(said.card) == []
    assert "The latest 3 entries, newest first." in shown(said)
    at = f"{when(bench.clock())} · in a space"
    assert f"Ada Lovelace (ada.lovelace@acme.example)\nDelivered\nCalling Usage\n{at}" in shown(said)
    nora = "Nora Jones (nora.jones@acme.example)\nCanceled a request · Refused: not an administrator\nCalling Usage"
    assert nora in shown(said)
    assert f"`{report.id}`" in (said.markdown or "")


def test_it_shows_ten_rows_newest_first(bench: Workbench) -> None:
    for _ in range(12):
        bench.hears(bench.stage.ada, "reports")
    bench.hears(bench.stage.ada, "help")
    bench.work()

    said = asked_by(bench)

    assert shown(said).count("Ada Lovelace") == 10
    assert shown(said).index("Asked for help") < shown(said).index("Listed the reports")
    assert problems(said.card) == []


def test_two_of_one_name_are_told_apart_by_their_addresses(bench: Workbench) -> None:
    stage = bench.stage
    stage.grace.display_name = stage.ada.display_name
    bench.hears(stage.grace, "help")
    bench.hears(stage.ada, "help")
    bench.work()

    said = asked_by(bench)

    for words in (shown(said), said.markdown or ""):
        assert "Ada Lovelace (ada.lovelace@acme.example)" in words
        assert "Ada Lovelace (grace.hopper@acme.example)" in words


def test_it_pages_by_words_and_by_the_button(bench: Workbench) -> None:
    stage = bench.stage
    reports = [stage.partner_report(f"Report {number}").id for number in range(12)]
    for one in reports:
        bench.hears(stage.grace, f"why {one}")
    bench.work()
    bench.hears(stage.nora, "help")
    bench.work()

    def seen(message: Message) -> list[str]:
        return [one for one in reports if f"`{one}`" in (message.markdown or "")]

    first = asked_by(bench, "audit grace.hopper@acme.example")
    assert seen(first) == reports[2:]
    assert problems(first.card) == []
    assert first.card is not None
    (more,) = (one for one in first.card["actions"] if one["title"] == "More")
    before = len(bench.said())
    bench.pressed(stage.ada, first, more["data"])
    bench.work()
    (pressed,) = bench.said()[before:]
    for last in (pressed, asked_by(bench, "audit Grace.Hopper@acme.example 2")):
        assert seen(last) == reports[:2]
        assert "Entries 11–12 about" in shown(last)
        assert "Nora" not in shown(last)
        assert "actions" not in (last.card or {})
    assert "No earlier entries" in shown(asked_by(bench, "audit grace.hopper@acme.example 3"))
    everybody = asked_by(bench, "audit 2")
    assert "Entries 11–17, newest first." in shown(everybody)
    assert "Nora Jones" not in shown(everybody), "hers is among the newest"
    assert "No earlier entries" in shown(asked_by(bench, f"audit {reports[0]} 2"))


def test_a_page_holds_no_rows_of_a_family_that_its_reader_may_not_use(bench: Workbench) -> None:
    stage = bench.stage
    secret = stage.partner_report("Not for Olga").id
    known = stage.organization_report("For Olga").id
    olga = bench.world.add_person("Olga", stage.acme, roles=[FULL_ADMIN])
    for one in [known] * 6 + [secret] * 12 + [known] * 6:
        bench.hears(stage.ada, f"report {one}")
        bench.work()

    pages = []
    for page in ("", " 2", " 3"):
        before = len(bench.said(person=olga))
        bench.hears(olga, f"audit{page}")
        bench.work()
        pages += bench.said(person=olga)[before:]

    assert "For Olga" in shown(pages[0])
    assert "For Olga" in shown(pages[1])
    assert secret not in "".join((one.markdown or "") + shown(one) for one in pages)


def test_by_report_and_by_person(bench: Workbench) -> None:
    stage = bench.stage
    ids = [stage.partner_report(title).id for title in ("One", "Two")]
    bench.hears(stage.ada, f"report {ids[0]}")
    bench.hears(stage.grace, f"report {ids[1]}")
    bench.work()

    by_report = asked_by(bench, f"audit {ids[0]}")
    by_person = asked_by(bench, "audit Grace.Hopper@acme.example")

    assert shown(by_report).count("One") == 2
    assert "Two" not in shown(by_report)
    assert shown(by_person).count("Grace Hopper") == 2
    assert "Ada Lovelace" not in shown(by_person)


def test_an_address_that_webex_does_not_know_and_words_that_mean_nothing(bench: Workbench) -> None:
    assert "No Webex user has the address" in (asked_by(bench, "audit nobody@acme.example").text or "")
    assert "an email address" in (asked_by(bench, "audit ../../x").text or "")
    assert "No entries about" in shown(asked_by(bench, "audit abcdef"))


def test_who_is_gone_or_forgotten_has_no_name(bench: Workbench) -> None:
    with bench.database.begin() as tx:
        for person in ("Y2lzY29zcGFyazovL3VzL1BFT1BMRS9nb25l", "forgotten-1"):
            audit.record(tx, Entry(Channel.CHAT, "reports", audit.ALLOWED, person_id=person), bench.clock())

    said = shown(asked_by(bench))

    assert "Former user" in said
    assert "Forgotten user" in said
    assert not any("forgotten" in str(call.query) for call in bench.emulator.calls)


def test_names_that_may_not_be_read_are_said_to_be_so(bench: Workbench) -> None:
    bench.hears(bench.stage.grace, "reports")
    bench.work()
    bench.emulator.faults.add(path="/v1/people", status=403)

    assert "Name not available" in shown(asked_by(bench))


def test_before_outsiders_it_is_answered_privately(bench: Workbench) -> None:
    stage = bench.stage
    bench.hears(stage.ada, "audit", stage.outside)

    bench.work()

    (neutral,) = bench.said(stage.outside)
    assert neutral.card is None
    (private,) = bench.said()
    assert "Audit" in shown(private)


def test_in_any_group_space_it_is_answered_privately(bench: Workbench) -> None:
    """Colleagues without a role have no part in who asked for what."""
    bench.hears(bench.stage.ada, "audit", bench.stage.group)

    bench.work()

    (neutral,) = bench.said(bench.stage.group)
    assert neutral.card is None
    assert neutral.text == "I've sent you the audit log in a direct message."
    (private,) = bench.said()
    assert "Audit" in shown(private)


def test_an_entry_says_whether_it_was_in_a_space_or_directly(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "reports", bench.stage.group)
    bench.hears(bench.stage.ada, "reports")
    bench.work()

    said = shown(asked_by(bench))

    assert " · in a space" in said
    assert " · directly" in said


def test_a_read_only_administrator_is_refused(bench: Workbench) -> None:
    bench.hears(bench.stage.grace, "audit")

    bench.work()

    (said,) = bench.said(person=bench.stage.grace)
    assert said.card is None
    assert "Only full administrators can see the audit log." in (said.text or "")


def test_hostile_titles_and_names_do_not_break_out(bench: Workbench) -> None:
    stage = bench.stage
    stage.grace.display_name = "[Grace](https://evil.example) <@all>"
    report = stage.partner_report("**[x](https://evil.example)** <@personEmail:a@b.c>")
    bench.hears(stage.grace, f"report {report.id}")
    bench.work()

    said = asked_by(bench)

    assert problems(said.card) == []
    assert "](https" not in shown(said).replace("\\](", "")
    assert "<@" not in (said.markdown or "")
