"""``report <id>``: the whole dialogue, 1:1 and in group spaces."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from bot.db.requests import State
from bot.emulator.cards import problems
from tests.live_bot import CSV, FAILED, LiveBot


def test_a_done_report_comes_as_card_and_file_one_to_one(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage", region="US")

    line = live.at(live.ada).says(f"report {report.id}")

    card = line.card()
    assert "Calling Usage" in card.shown
    assert "● Ready" in card.shown
    assert "Region: US" in card.shown
    assert "Webex's download link expires at " in card.shown
    assert "The file follows below." in card.shown
    assert problems(card.card) == []
    file = line.file()
    assert file.content == CSV
    assert file.file.name.endswith(".csv")
    assert "2 rows, 2 columns" in file.words
    assert [heard.card is not None for heard in line.answers(2)] == [True, False], "one card, then the file"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("report {id}", {}),
        ("REPORT   {id}", {}),
        ("Report\n{id}", {"mention_at": "end"}),
        ("report {id}", {"mention_as": "first"}),
        ("report {id}", {"mention_as": "first", "mention_at": "end", "with_html": False}),
        ("report {id}", {"with_html": False}),
        ("RePoRt <{id}>", {"mention_at": "end", "with_html": False}),
        ("/report `{id}`", {}),
        ("{id}", {}),
    ],
)
def test_the_word_is_understood_however_it_is_written_in_a_group_space(
    live: LiveBot, text: str, how: dict[str, Any]
) -> None:
    report = live.organization_report()

    line = live.at(live.grace, live.group).says(text.format(id=report.id), **how)

    assert "Meeting Details" in line.card().shown
    assert line.file().content == CSV


def test_a_reply_in_a_thread_is_answered_at_the_threads_root(live: LiveBot) -> None:
    report = live.partner_report()
    ada = live.at(live.ada, live.group)
    root = live.emulator.world.say(live.ada, live.group, "look at this")

    line = ada.says(f"report {report.id}", parent_id=root.id)

    assert line.card().message.parent_id == root.id
    assert line.file().message.parent_id == root.id


def test_several_ids_are_answered_with_one_card_and_a_file_each(live: LiveBot) -> None:
    reports = [live.partner_report("One"), live.organization_report("Two"), live.partner_report("Three")]

    line = live.at(live.ada).says("report " + ", ".join(report.id for report in reports))

    first, *files = line.answers(4)
    assert [one for one in first.shown.splitlines() if one in {"One", "Two", "Three"}] == ["One", "Two", "Three"]
    assert sorted(one.words.partition(" · ")[0] for one in files if one.file) == ["One", "Three", "Two"]


def test_a_report_that_is_not_done_is_watched_and_its_file_comes_by_itself(live: LiveBot) -> None:
    report = live.partner_report("Slow", status="In progress")

    line = live.at(live.ada, live.group).says(f"report {report.id}")

    card = line.card()
    assert "● In progress" in card.shown
    assert "I'll post the file here as soon as it's ready. I'll stop waiting on " in card.shown
    assert set(card.buttons) == {"Refresh", "Cancel", "Why?"}
    live.emulator.world.set_report(report.id, status="done")
    assert line.file().content == CSV
    assert len(line.answers()) == 2


def test_a_zip_stays_a_zip_and_its_rows_are_counted(live: LiveBot) -> None:
    report = live.partner_report(as_zip=True, checksum="sha256")

    file = live.at(live.ada).says(f"report {report.id}").file()

    assert file.file.name.endswith(".zip")
    assert "2 rows, 2 columns" in file.words
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.read(archive.namelist()[0]) == CSV


def test_a_failed_report_is_told_on_its_card_and_nothing_follows(live: LiveBot) -> None:
    report = live.partner_report("Broken", status="failed")

    card = live.at(live.ada).says(f"report {report.id}").card()

    assert FAILED in card.shown


def test_a_watched_report_that_fails_is_told_by_its_card(live: LiveBot) -> None:
    report = live.partner_report("Broken", status="waiting")
    line = live.at(live.ada).says(f"report {report.id}")
    waiting = line.card()

    live.emulator.world.set_report(report.id, status="failed")

    card = line.hears("Failed")
    live.emulator.world.wait_for(lambda _: waiting.message.deleted)
    assert FAILED in card.shown
    assert len(line.answers()) == 1


def test_an_unknown_status_stays_pending_and_is_shown_verbatim(live: LiveBot) -> None:
    report = live.partner_report(status="manual_processing")

    shown = live.at(live.ada).says(f"report {report.id}").card().shown.replace("\\", "")

    assert "● In progress" in shown
    assert "Status in Webex: manual_processing" in shown


def test_an_unknown_id_names_the_three_reasons_and_the_tracking_ids(live: LiveBot) -> None:
    heard = live.at(live.ada).says("report Y2lzY29zcGFyazovL3VzL1JFUE9SVC8w").answer()

    for reason in ("case-sensitive", "Deleted", "Control Hub", "tracking ID", "reference"):
        assert reason in heard.words


def test_a_status_beside_the_report_id_is_shown_in_its_case(live: LiveBot) -> None:
    report = live.partner_report()

    line = live.at(live.ada).says(f"report {report.id.swapcase()}")

    assert "couldn't find that report" in line.answer().words, "ids are case-sensitive and kept to the letter"


def test_asking_again_joins_the_watch_and_the_file_comes_once(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    ada, grace = live.at(live.ada, live.group), live.at(live.grace, live.group)
    first = ada.says(f"report {report.id}")
    first.card()

    second = grace.says(f"report {report.id}")

    assert (
        "Someone here already asked for this report. I'll post the file once, in their thread." in second.card().shown
    )
    live.emulator.world.set_report(report.id, status="done")
    first.file()
    assert live.emulator.calls.calls_to("GET", "/api") != []
    assert all(heard.file is None for heard in second.answers())


@pytest.mark.parametrize("where", ["directly", "in the group"])
def test_who_asks_twice_is_told_that_it_was_them(live: LiveBot, where: str) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group if where == "in the group" else None)
    ada.says(f"report {report.id}").card()
    live.on_record(report.id, State.OPEN)

    said = "You already asked for this report. I'll post the file once, where you asked first."
    assert said in ada.says(f"report {report.id}").card().shown


def test_one_download_serves_every_space_that_waits(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    lines = [
        live.at(live.ada).says(f"report {report.id}"),
        live.at(live.grace).says(f"report {report.id}"),
        live.at(live.ada, live.group).says(f"report {report.id}"),
    ]
    for line in lines:
        line.card()

    live.emulator.world.set_report(report.id, status="done")

    assert [line.file().content for line in lines] == [CSV] * 3
    assert len([call for call in live.emulator.calls if call.host == "download"]) == 1


def test_report_alone_lists_the_reports_to_pick_one(live: LiveBot) -> None:
    report = live.partner_report("Calling Usage")
    ada = live.at(live.ada)

    listed = ada.says("report").card()

    assert listed.shown.splitlines()[1].startswith(
        "Which report? Pick one below, or type **report** and its title or ID."
    )
    assert listed.buttons["Get"]["argument"] == report.id
    assert ada.presses(listed, "Get").file().content


def test_what_cannot_be_an_id_is_said_and_never_becomes_a_path(live: LiveBot) -> None:
    line = live.at(live.ada).says("report ../../people/me")

    assert "isn't a valid report ID" in line.answer().words
    assert not [call for call in live.emulator.calls if ".." in call.path]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("reports", "1–10 of 12"),
        ("reports 2", "11–12 of 12"),
        ("reports page 2", "11–12 of 12"),
        ("Reports Page 1", "1–10 of 12"),
        ("reports 0", "1–10 of 12"),
        ("reports page", "1–10 of 12"),
        ("reports page 3", "There are only 12 reports"),
        ("reports usage", "1–10 of 12"),
    ],
)
def test_a_page_of_the_list_is_asked_for_by_its_number(live: LiveBot, words: str, shown: str) -> None:
    for number in range(12):
        live.partner_report(f"Calling Usage {number}")
    assert shown in live.at(live.ada).says(words).card().shown
