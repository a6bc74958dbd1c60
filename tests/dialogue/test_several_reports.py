"""Several report IDs in one message are answered with one list card, and each file comes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.stage import actions_of, texts_of

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.core.workbench import Workbench


def cards(bench: Workbench) -> list[Message]:
    return [one for one in bench.said(bench.stage.group) if one.card]


def shown(message: Message) -> str:
    return "\n".join(texts_of(message.card))


def files(bench: Workbench) -> list[str]:
    return [one.text or "" for one in bench.said(bench.stage.group) if one.files]


def titles(message: Message) -> list[Any]:
    return [one["title"] for one in actions_of(message.card)]


def test_one_card_with_a_line_for_each_and_a_file_each(bench: Workbench) -> None:
    done, running = (
        bench.stage.partner_report("Calling Usage"),
        bench.stage.partner_report("Meetings", status="running"),
    )
    deleted = bench.stage.partner_report()
    del bench.world.reports[deleted.id]
    bench.hears(bench.stage.ada, f"report {done.id} {running.id} {deleted.id}", bench.stage.group)
    bench.work()

    (card,) = cards(bench)
    for line in ("3 reports", "Calling Usage", "● Ready", "Meetings", "● In progress", "● Failed", "couldn't find"):
        assert line in shown(card)
    assert titles(card) == ["Send again", "Cancel", "Why?", "Refresh"]
    assert len(files(bench)) == 1

    bench.world.reports[running.id].status = "done"
    bench.wait(60)
    bench.wait(60)

    (card,) = cards(bench)
    assert "● In progress" not in shown(card)
    assert "I'll post" not in shown(card)
    assert len(files(bench)) == 2


def test_all_that_are_ready_at_once_have_one_card_that_stays(bench: Workbench) -> None:
    some = [bench.stage.partner_report(f"Report {number}") for number in range(4)]
    bench.hears(bench.stage.ada, "report " + " ".join(one.id for one in some), bench.stage.group)
    bench.work()
    (card,) = cards(bench)
    bench.wait(3600)
    assert cards(bench) == [card]
    assert len(files(bench)) == 4


def test_cancel_of_one_is_shown_in_the_list_and_the_others_come(bench: Workbench) -> None:
    one, other = (bench.stage.partner_report(title, status="running") for title in ("Calls", "Meetings"))
    bench.hears(bench.stage.ada, f"report {one.id} {other.id}", bench.stage.group)
    bench.work()
    (card,) = cards(bench)
    cancel = next(action for action in actions_of(card.card) if action["title"] == "Cancel")

    bench.pressed(bench.stage.ada, card, cancel["data"])
    bench.work()

    (card,) = cards(bench)
    assert "● Canceled" in shown(card)
    for report in (one, other):
        bench.world.reports[report.id].status = "done"
    bench.wait(60)
    bench.wait(60)
    assert [("Meetings" in line, "Calls" in line) for line in files(bench)] == [(True, False)]
    assert all(message.card or message.files for message in bench.said(bench.stage.group))


def test_a_person_who_may_have_none_is_refused_in_words(bench: Workbench) -> None:
    some = [bench.stage.partner_report() for _ in range(2)]
    nobody = bench.stage.nora
    bench.hears(nobody, "report " + " ".join(one.id for one in some))
    bench.work()
    said = bench.said(person=nobody)
    assert len(said) == 1
    assert not said[0].card
