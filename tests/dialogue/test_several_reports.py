"""Several report IDs in one message are answered with one list card, and each file comes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.live_bot import actions_of, texts_of

if TYPE_CHECKING:
    from bot.emulator.things import Message
    from tests.stepped_bot import SteppedBot


def cards(stepped: SteppedBot) -> list[Message]:
    return [one for one in stepped.said(stepped.setup.group) if one.card]


def shown(message: Message) -> str:
    return "\n".join(texts_of(message.card))


def files(stepped: SteppedBot) -> list[str]:
    return [one.text or "" for one in stepped.said(stepped.setup.group) if one.files]


def titles(message: Message) -> list[Any]:
    return [one["title"] for one in actions_of(message.card)]


def test_one_card_with_a_line_for_each_and_a_file_each(stepped: SteppedBot) -> None:
    done, running = (
        stepped.setup.partner_report("Calling Usage"),
        stepped.setup.partner_report("Meetings", status="running"),
    )
    deleted = stepped.setup.partner_report()
    del stepped.world.reports[deleted.id]
    stepped.receive(stepped.setup.ada, f"report {done.id} {running.id} {deleted.id}", stepped.setup.group)
    stepped.work()

    (card,) = cards(stepped)
    for line in ("3 reports", "Calling Usage", "● Ready", "Meetings", "● In progress", "● Failed", "couldn't find"):
        assert line in shown(card)
    assert titles(card) == ["Send again", "Cancel", "Why?", "Refresh"]
    assert len(files(stepped)) == 1

    stepped.world.reports[running.id].status = "done"
    stepped.wait(60)
    stepped.wait(60)

    (card,) = cards(stepped)
    assert "● In progress" not in shown(card)
    assert "I'll post" not in shown(card)
    assert len(files(stepped)) == 2


def test_all_that_are_ready_at_once_have_one_card_that_stays(stepped: SteppedBot) -> None:
    some = [stepped.setup.partner_report(f"Report {number}") for number in range(4)]
    stepped.receive(stepped.setup.ada, "report " + " ".join(one.id for one in some), stepped.setup.group)
    stepped.work()
    (card,) = cards(stepped)
    stepped.wait(3600)
    assert cards(stepped) == [card]
    assert len(files(stepped)) == 4


def test_cancel_of_one_is_shown_in_the_list_and_the_others_come(stepped: SteppedBot) -> None:
    one, other = (stepped.setup.partner_report(title, status="running") for title in ("Calls", "Meetings"))
    stepped.receive(stepped.setup.ada, f"report {one.id} {other.id}", stepped.setup.group)
    stepped.work()
    (card,) = cards(stepped)
    cancel = next(action for action in actions_of(card.card) if action["title"] == "Cancel")

    stepped.pressed(stepped.setup.ada, card, cancel["data"])
    stepped.work()

    (card,) = cards(stepped)
    assert "● Canceled" in shown(card)
    for report in (one, other):
        stepped.world.reports[report.id].status = "done"
    stepped.wait(60)
    stepped.wait(60)
    assert [("Meetings" in line, "Calls" in line) for line in files(stepped)] == [(True, False)]
    assert all(message.card or message.files for message in stepped.said(stepped.setup.group))


def test_a_person_who_may_have_none_is_refused_in_words(stepped: SteppedBot) -> None:
    some = [stepped.setup.partner_report() for _ in range(2)]
    nobody = stepped.setup.nora
    stepped.receive(nobody, "report " + " ".join(one.id for one in some))
    stepped.work()
    said = stepped.said(person=nobody)
    assert len(said) == 1
    assert not said[0].card


def test_none_of_them_is_posted_where_others_read_along(stepped: SteppedBot) -> None:
    some = [stepped.setup.partner_report(f"Report {number}") for number in range(2)]
    stepped.receive(stepped.setup.ada, "report " + " ".join(one.id for one in some), stepped.setup.outside)
    stepped.work()

    assert [one.text for one in stepped.said(stepped.setup.outside) if one.files or one.card] == []
    assert len([one for one in stepped.said() if one.files]) == 2
