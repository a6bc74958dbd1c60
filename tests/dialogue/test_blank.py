"""A report without anything in it: its file says why, and its card has a button for what to run instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.emulator.cards import problems
from bot.emulator.things import Template
from tests.live_bot import CSV, BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

HEADER = "\ufeffName,Minutes\r\n".encode()
OCTOBER = {"start": "2026-10-01", "end": "2026-10-31"}
FAMILIES = pytest.mark.parametrize("family", ["partner", "organization"])
PLACES = pytest.mark.parametrize("group", [False, True], ids=["1:1", "group"])
LISTS = {"partner": "/v1/partner/reports", "organization": "/v1/reports"}
TEMPLATES = {"partner": "/v1/partner/reports/templates", "organization": "/v1/report/templates"}
WHY = {
    "partner": (
        "The report is empty (header only), most likely because none of your organizations is in the region EU; "
        "otherwise there was no activity in the period."
    ),
    "organization": (
        "The report is empty (header only), most likely because there was no activity in the period; otherwise a "
        "license is missing."
    ),
}
ON_CARD = "There are no values in this file; its card says why."
INSTEAD = {
    "partner": ("Run for the home region", "partner:130 2026-10-01 to 2026-10-31"),
    "organization": ("Run for Sep 1–30, 2026", "organization:1 2026-09-01 to 2026-09-30"),
}


def make(stepped: SteppedBot, family: str, **more: Any) -> Any:
    """Add a report of October without rows, of a template that the family lists; a partner's is for the EU."""
    stepped.world.add_template(Template(130, "partner", "Usage", "Teams"))
    stepped.world.add_template(Template(1, "organization", "Usage", "Teams"))
    if family == "partner":
        return stepped.setup.partner_report("Usage", **{"content": HEADER, "region": "EU", **OCTOBER} | more)
    return stepped.setup.organization_report("Usage", **{"content": HEADER, "service": "Teams", **OCTOBER} | more)


def with_rows(stepped: SteppedBot, family: str) -> None:
    """Have another report of the family delivered that has rows."""
    create = stepped.setup.partner_report if family == "partner" else stepped.setup.organization_report
    other = create("Other", listed=False)
    ask(stepped, other, None)


def ask(stepped: SteppedBot, report: Any, space: Space | None) -> None:
    stepped.receive(stepped.setup.ada, f"report {report.id}", space)
    stepped.work()


def until_idle(stepped: SteppedBot) -> None:
    """Let time pass until nothing is left to do."""
    stepped.work()
    while stepped.next_wait() is not None:
        stepped.wait_for_next()


def told(stepped: SteppedBot, space: Space | None, begins: str = "Usage") -> list[Message]:
    """Return what the bot says of the report."""
    return [one for one in stepped.said(space) if begins in (one.text or "")]


@FAMILIES
@PLACES
def test_a_blank_report_is_one_card_that_says_why_and_one_file(stepped: SteppedBot, family: str, group: bool) -> None:
    space = stepped.setup.group if group else None
    with_rows(stepped, family)
    ask(stepped, make(stepped, family), space)

    card, file = map(BotMessage, told(stepped, space))
    assert card.shown.splitlines()[1:3] == ["● Ready, but empty", f"{WHY[family]} The file follows below."]
    assert problems(card.card) == []
    title, argument = INSTEAD[family]
    assert next(iter(card.buttons)) == title
    assert card.buttons[title] == {"command": "new", "argument": argument}
    assert {"Send again", "Refresh", "Why?"} <= card.buttons.keys()
    assert file.content == HEADER
    scope = {"partner": "Oct 1–31, 2026 · EU", "organization": "Oct 1–31, 2026"}
    assert [line.rstrip() for line in file.words.splitlines()] == [f"Usage · {scope[family]} · 17 bytes", ON_CARD]


@FAMILIES
def test_one_that_was_waited_for_says_it_on_its_only_card(stepped: SteppedBot, family: str) -> None:
    with_rows(stepped, family)
    report = make(stepped, family, status="waiting")
    ask(stepped, report, None)
    posted = stepped.calls("POST", "/v1/messages")
    stepped.world.set_report(report.id, status="done")
    stepped.wait_for_next()

    card, file = map(BotMessage, told(stepped, None))
    assert WHY[family] in card.shown
    assert file.content == HEADER
    assert stepped.calls("POST", "/v1/messages") - posted == 2, "the pending card is replaced once"


def test_a_report_with_rows_asks_for_no_templates(stepped: SteppedBot) -> None:
    for family, path in TEMPLATES.items():
        with_rows(stepped, family)
        ask(stepped, make(stepped, family, content=CSV), None)
        assert stepped.calls("GET", path) == 0
    assert [BotMessage(one).shown.splitlines()[1] for one in stepped.said() if one.card] == ["● Ready"] * 4
    assert stepped.report(2).blank is None


@FAMILIES
def test_templates_are_asked_for_once_for_several_blank_reports(stepped: SteppedBot, family: str) -> None:
    for report in [make(stepped, family) for _ in range(3)]:
        ask(stepped, report, None)
    assert stepped.calls("GET", TEMPLATES[family]) == 1


@FAMILIES
def test_without_an_answer_of_webex_the_file_comes_all_the_same(stepped: SteppedBot, family: str) -> None:
    for path in (TEMPLATES[family], LISTS[family]):
        stepped.emulator.faults.add(method="GET", path=path, status=503, times=None)
    ask(stepped, make(stepped, family), None)

    card, file = map(BotMessage, told(stepped, None))
    assert file.content == HEADER
    assert ON_CARD in file.words
    assert "Ready, but empty" in card.shown
    assert "The report is empty (header only), most likely because " in card.shown


def test_an_organization_that_never_had_rows_is_perhaps_not_in_north_america(stepped: SteppedBot) -> None:
    ask(stepped, make(stepped, "organization"), None)
    card = BotMessage(told(stepped, None)[0])
    assert "only for organizations in North America; otherwise Pro Pack or a license is missing" in card.shown
    assert not [one for one in card.buttons if one.startswith("Run for ")]


def test_rows_without_values_count_as_nothing(stepped: SteppedBot) -> None:
    ask(stepped, make(stepped, "partner", content="Name,Minutes\r\nNA,NA\r\nNA,\r\n"), None)
    card, file = map(BotMessage, told(stepped, None))
    assert "2 rows, 2 columns" in file.words
    assert "The report has no values (every cell is NA), most likely because " in card.shown


def test_a_single_line_may_be_an_error_message(stepped: SteppedBot) -> None:
    ask(stepped, make(stepped, "partner", content="Something went wrong\r\n"), None)
    card, file = map(BotMessage, told(stepped, None))
    assert "The file is a single line. It may be an error message" in file.words
    assert "● Ready\n" in card.shown


def test_the_file_alone_says_why_where_no_card_was_wanted(stepped: SteppedBot) -> None:
    report = make(stepped, "partner")
    ask(stepped, report, None)
    before = len(told(stepped, None))
    stepped.receive(stepped.setup.ada, f"again {report.id}")
    stepped.work()
    (file,) = map(BotMessage, told(stepped, None)[before:])
    assert WHY["partner"] in file.words


def test_a_card_that_is_refreshed_keeps_the_button(stepped: SteppedBot) -> None:
    ask(stepped, make(stepped, "partner"), None)
    card = told(stepped, None)[0]
    stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Refresh"])
    stepped.work()
    renewed = BotMessage(told(stepped, None)[-1])
    assert f"{WHY['partner']} I've posted the file already." in renewed.shown
    assert "Run for the home region" in renewed.buttons


@FAMILIES
def test_why_tells_it_too(stepped: SteppedBot, family: str) -> None:
    with_rows(stepped, family)
    report = make(stepped, family)
    ask(stepped, report, None)
    stepped.receive(stepped.setup.ada, f"why {report.id}")
    stepped.work()
    answer = BotMessage(stepped.said()[-1])
    assert WHY[family] in answer.shown
    assert list(answer.buttons) == [INSTEAD[family][0], "Send again"]


def test_one_that_is_generated_again_with_rows_is_not_blank_any_more(stepped: SteppedBot) -> None:
    report = make(stepped, "partner")
    ask(stepped, report, None)
    stepped.world.set_report(report.id, content=CSV)
    stepped.clock.turn(3600)
    ask(stepped, report, stepped.setup.group)
    assert stepped.report().blank is None
    card, file = map(BotMessage, told(stepped, stepped.setup.group))
    assert "● Ready\n" in card.shown
    assert file.content == CSV


@PLACES
def test_from_a_blank_report_to_one_with_rows_by_a_button(stepped: SteppedBot, group: bool) -> None:
    stepped.world.add_template(Template(130, "partner", "Calling Usage", "Calling"))
    space = stepped.setup.group if group else None
    stepped.receive(stepped.setup.ada, "new calling usage last month EU", space)
    until_idle(stepped)
    card = next(one for one in reversed(stepped.said(space)) if one.card)
    assert "in the region EU" in BotMessage(card).shown
    assert ON_CARD in BotMessage(stepped.said(space)[-1]).words

    stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Run for the home region"])
    until_idle(stepped)
    file = BotMessage(stepped.said(space)[-1])
    assert "2 rows, 2 columns" in file.words
    first, second = stepped.world.reports.values()
    assert (first.region, second.region) == ("EU", "US")
    assert (first.start, first.end) == (second.start, second.end)


def test_another_site_is_asked_for_in_a_form(stepped: SteppedBot) -> None:
    stepped.setup.acme.sites = ("acme.webex.com",)
    stepped.world.add_template(Template(20, "organization", "Audio Usage", "Meetings", needs_sites=True))
    stepped.receive(stepped.setup.ada, "new audio usage last month other.webex.com")
    until_idle(stepped)
    card = next(one for one in reversed(stepped.said()) if one.card)
    assert "most likely because other.webex.com has no Meetings" in BotMessage(card).shown

    stepped.pressed(stepped.setup.ada, card, BotMessage(card).buttons["Choose another site"])
    stepped.work()
    assert "Audio Usage" in BotMessage(stepped.said()[-1]).shown
    assert len(stepped.world.reports) == 1, "it asks first"


def test_a_read_only_administrator_may_not_run_it(stepped: SteppedBot) -> None:
    with_rows(stepped, "organization")
    ask(stepped, make(stepped, "organization"), stepped.setup.group)
    (card, _), number = told(stepped, stepped.setup.group), len(stepped.world.reports)
    stepped.pressed(stepped.setup.grace, card, BotMessage(card).buttons[INSTEAD["organization"][0]])
    until_idle(stepped)
    assert len(stepped.world.reports) == number
    (refused,) = stepped.said(person=stepped.setup.grace)
    assert "Read-only administrators can't do this." in BotMessage(refused).words


@FAMILIES
def test_the_dialogue_ends_so_in_the_whole_program(live: LiveBot, family: str) -> None:
    create = live.partner_report if family == "partner" else live.organization_report
    line = live.at(live.ada, live.group).says(f"report {create(content=HEADER, region='EU').id}")
    assert ON_CARD in line.file().words
    assert "The report is empty (header only), most likely because " in line.hears("Ready, but empty").shown
