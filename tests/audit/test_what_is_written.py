"""One row for each use of a command, one for each refusal, one for each end of a request; IDs only."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import audit, requests
from bot.db.requests import State
from bot.emulator.ids import new_report_id
from bot.queue import tasks
from bot.reports import deliver
from tests.audit.rows import endings, rows, told
from tests.core.workbench import Crash
from tests.stage import CSV

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.workbench import Workbench


def test_a_report_is_a_row_when_asked_for_and_one_when_delivered(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    bench.hears(stage.ada, f"report {report.id}", stage.group)

    bench.work()

    asked, delivered = rows(bench)
    assert (asked.channel, asked.act, asked.outcome) == ("chat", "report", "asked")
    assert (delivered.channel, delivered.act, delivered.outcome) == ("system", "delivery", "delivered")
    for row in (asked, delivered):
        assert (row.person_id, row.room_id, row.report_id) == (stage.ada.id, stage.group.id, report.id)
        assert row.reference == bench.request().reference
        assert row.at == bench.clock()


def test_several_ids_are_several_requests(bench: Workbench) -> None:
    ids = [bench.stage.partner_report().id for _ in range(3)]
    bench.hears(bench.stage.ada, f"report {' '.join(ids)}")

    bench.work()

    assert [row.report_id for row in rows(bench) if row.act == "report"] == ids
    assert sorted(row.report_id or "" for row in rows(bench) if row.act == "delivery") == sorted(ids)


def test_bare_ids_are_the_request_that_they_are_taken_for(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.ada, report.id)

    bench.work()

    assert told(bench) == [("chat", "report", "asked"), ("system", "delivery", "delivered")]


@pytest.mark.parametrize(
    ("words", "row"),
    [
        ("help", ("chat", "help", "answered")),
        ("reports", ("chat", "reports", "allowed")),
        ("sing me a song", ("chat", "unknown", "answered")),
        ("report", ("chat", "report", "allowed")),
        ("cancel abc", ("chat", "cancel", "allowed")),
        ("audit", ("chat", "audit", "allowed")),
    ],
)
def test_every_word_is_one_row(bench: Workbench, words: str, row: tuple[str, str, str]) -> None:
    bench.hears(bench.stage.ada, words)

    bench.work()

    assert told(bench) == [row]


def test_a_button_s_press_names_its_presser_and_its_door(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report(status="waiting")
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work(until=tasks.WATCH)
    (card,) = bench.said(stage.group)

    bench.pressed(stage.grace, card, {"command": "cancel", "argument": report.id})
    bench.work(until=tasks.WATCH)

    asked, ended, pressed = rows(bench)
    assert (ended.act, ended.outcome, ended.person_id) == ("delivery", "canceled", stage.ada.id)
    assert (pressed.channel, pressed.act, pressed.outcome) == ("button", "cancel", "allowed")
    assert (pressed.person_id, pressed.report_id) == (stage.grace.id, report.id)
    assert asked.outcome == "asked"


@pytest.mark.parametrize(
    "words", ["report {id}", "{id}", "again {id}", "why {id}", "refresh {id}", "cancel {id}", "reports", "audit"]
)
def test_a_refusal_says_why_and_of_what(bench: Workbench, words: str) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.nora, words.format(id=report.id), bench.stage.group)

    bench.work()

    (row,) = rows(bench)
    assert row.outcome == "refused:not_administrator"
    assert row.person_id == bench.stage.nora.id
    assert row.report_id == (report.id if "{id}" in words else None)
    assert f"reference {row.reference}" in (bench.said(bench.stage.group)[0].text or "")


@pytest.mark.parametrize("word", ["report", "again", "why", "refresh", "cancel"])
def test_a_refused_press_says_of_what(bench: Workbench, word: str) -> None:
    stage = bench.stage
    report = stage.partner_report()
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work()
    card = next(one for one in bench.said(stage.group) if one.card)

    bench.pressed(stage.nora, card, {"command": word, "argument": report.id})
    bench.work()

    last = rows(bench)[-1]
    assert (last.channel, last.act, last.outcome) == ("button", word, "refused:not_administrator")
    assert (last.person_id, last.report_id) == (stage.nora.id, report.id)


@pytest.mark.parametrize("word", ["report", "again", "refresh"])
def test_each_report_of_a_refused_message_is_a_row(bench: Workbench, word: str) -> None:
    ids = [f"abc{number}" for number in range(25)]
    bench.hears(bench.stage.nora, f"{word} {' '.join(ids)}")

    bench.work()

    assert [row.report_id for row in rows(bench)] == ids[:20]
    assert {row.outcome for row in rows(bench)} == {"refused:not_administrator"}


def test_what_goes_wrong_with_one_report_is_written_of_that_one(bench: Workbench) -> None:
    first, third = bench.stage.partner_report(), bench.stage.partner_report()
    nobodys = new_report_id()
    bench.hears(bench.stage.ada, f"refresh {first.id} {nobodys} {third.id}")

    bench.work()

    one, two, three = rows(bench)
    assert (one.report_id, one.outcome, one.reference) == (first.id, "allowed", None)
    assert (two.report_id, three.report_id) == (nobodys, third.id)
    assert two.outcome.startswith("error:")
    assert two.reference
    assert two.reference in (bench.said()[-1].text or "")
    assert (three.outcome, three.reference) == ("error:not_reached", None)


@pytest.mark.parametrize("data", [{"command": 7}, {}, {"command": ""}, {"command": "x" * 65}])
def test_a_press_that_says_nothing_is_on_record(bench: Workbench, data: dict[str, Any]) -> None:
    stage = bench.stage
    bench.hears(stage.ada, "help", stage.group)
    bench.work()
    (card,) = bench.said(stage.group)

    bench.pressed(stage.nora, card, data)
    bench.work()

    last = rows(bench)[-1]
    assert (last.channel, last.act, last.outcome) == ("button", "request", "failed:unreadable")
    assert last.person_id == stage.nora.id
    assert len(bench.said(stage.group)) == 1, "and nobody is answered"


@pytest.mark.parametrize("card_is_known", [True, False])
def test_a_press_counts_only_in_the_space_of_its_card(bench: Workbench, card_is_known: bool) -> None:
    """The kind of space decides what may be shown, and the card tells the kind."""
    stage = bench.stage
    bench.hears(stage.ada, "reports")
    bench.work()
    (card,) = bench.said()
    if not card_is_known:
        with bench.database.begin() as tx:
            tx.connection.exec_driver_sql("DELETE FROM messages")
    bench.pressed(stage.ada, card, {"command": "reports"})
    action = next(iter(bench.world.actions.values()))
    action.room_id = stage.outside.id

    bench.work()

    assert bench.said(stage.outside) == []
    assert len(bench.said()) == 1
    assert told(bench)[-1] == ("button", "request", "failed:elsewhere")


def test_who_may_only_read_is_refused_the_audit(bench: Workbench) -> None:
    bench.hears(bench.stage.grace, "audit")

    bench.work()

    assert told(bench) == [("chat", "audit", "refused:read_only")]


def test_an_error_has_the_reference_and_webex_s_tracking_id(bench: Workbench) -> None:
    for family in ("/v1/partner/reports", "/v1/reports"):
        bench.emulator.faults.add(path=family, status=400)
    bench.hears(bench.stage.ada, "reports")

    bench.work()

    (row,) = rows(bench)
    assert row.outcome == "error:webex_400"
    assert row.tracking
    assert row.tracking in (bench.said()[0].text or "")


def test_an_event_that_cannot_be_read_is_on_record(bench: Workbench) -> None:
    message = bench.hears(bench.stage.ada, "reports")
    bench.emulator.faults.add(path=f"/v1/messages/{message.id}", status=403)

    bench.work()

    (row,) = rows(bench)
    assert (row.channel, row.act, row.outcome) == ("chat", "request", "failed:given_up")
    assert row.person_id == bench.stage.ada.id


def test_an_event_that_is_given_up_is_on_record(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "reports")
    bench.worker._tasks[tasks.EVENT].on_failure("1", "It is over.")

    assert told(bench) == [("chat", "request", "failed:given_up")]


def test_what_is_the_bot_s_own_is_no_request(bench: Workbench) -> None:
    bench.hears(bench.stage.bot, "reports", bench.world.direct_space(bench.stage.ada, bench.stage.bot))

    bench.work()

    assert rows(bench) == []


def test_being_added_to_a_space_is_nobody_s_request(bench: Workbench) -> None:
    from bot.db.events import Event

    space = bench.world.add_space("New", [bench.stage.ada])
    joined = bench.world.join(space, bench.stage.bot)
    bench._keep(Event("memberships", "created", joined.id, space.id, "group", bench.stage.bot.id))

    bench.work()

    (row,) = rows(bench)
    assert (row.channel, row.act, row.outcome, row.person_id) == ("system", "help", "answered", None)


def a_role_is_lost(bench: Workbench) -> None:
    bench.stage.grace.roles.clear()
    bench.directory.forget()


def the_space_is_joined_by_somebody_external(bench: Workbench) -> None:
    bench.world.join(bench.stage.group, bench.stage.ethan)


@pytest.mark.parametrize(
    ("report", "happens", "outcome"),
    [
        ({}, None, "delivered"),
        ({}, the_space_is_joined_by_somebody_external, "delivered:directly"),
        ({}, a_role_is_lost, "refused:not_administrator"),
        ({"infected": True}, None, "failed:webex_410"),
        ({"html_error": True}, None, "failed:file_rejected"),
        ({"redirect_to": "https://10.0.0.1/steal"}, None, "failed:file_rejected"),
    ],
)
def test_every_end_at_the_file_is_one_row(
    bench: Workbench, report: dict[str, Any], happens: Callable[[Workbench], None] | None, outcome: str
) -> None:
    made = bench.stage.partner_report(**report)
    bench.hears(bench.stage.grace, f"report {made.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    if happens:
        happens(bench)

    bench.work()

    (said,) = endings(bench)
    assert said.startswith(outcome)
    assert bench.request().state is not State.OPEN


def test_a_file_that_cannot_be_cut_is_one_row(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", len(CSV) - 1)
    bench.hears(bench.stage.ada, f"report {bench.stage.partner_report().id}")

    bench.work()

    assert endings(bench) == ["failed:file_rejected"]


def test_a_refusal_of_who_may_not_ask_is_one_row(bench: Workbench) -> None:
    bench.hears(bench.stage.nora, f"report {bench.stage.partner_report().id}", bench.stage.group)

    bench.work()

    assert told(bench) == [("chat", "report", "refused:not_administrator")]


def test_an_unknown_id_is_one_row_with_both_tracking_ids(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, "report Y2lzY29zcGFyazovL3VzL1JFUE9SVC8w")

    bench.work()

    assert endings(bench) == ["failed:not_found"]
    assert len((rows(bench)[-1].tracking or "").split()) == 2


@pytest.mark.parametrize("words", ["report", "again"])
def test_a_report_that_failed_already_is_one_row(bench: Workbench, words: str) -> None:
    bench.hears(bench.stage.ada, f"{words} {bench.stage.partner_report(status='failed').id}")

    bench.work()

    assert endings(bench) == ["failed:by_webex"]


def test_a_watch_ends_in_one_row(bench: Workbench) -> None:
    stage = bench.stage
    failing, slow, gone = (stage.partner_report(status="waiting") for _ in range(3))
    for report in (failing, slow, gone):
        bench.hears(stage.ada, f"report {report.id}")
    bench.work()
    bench.world.set_report(failing.id, status="failed")
    bench.wait(11)
    assert endings(bench) == ["failed:by_webex"]

    bench.wait(27 * 3600)

    assert endings(bench) == ["failed:by_webex", "expired:not_done_in_time", "expired:not_done_in_time"]


def test_trouble_without_end_is_one_row(bench: Workbench) -> None:
    bench.hears(bench.stage.ada, f"report {bench.stage.partner_report().id}")
    bench.work(until=tasks.DELIVER)
    bench.emulator.faults.add(path="/v1/partner/reports/*", status=503)
    bench.wait(61)  # the card's details are too old for the file by then

    for _ in range(27):
        bench.wait(3600)
        bench.sweep.once()

    assert endings(bench) == ["expired:trouble_for_too_long"]


def test_those_who_joined_end_with_a_row_each(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report(status="waiting")
    for person in (stage.ada, stage.grace):
        bench.hears(person, f"report {report.id}", stage.group)
        bench.work()
    bench.world.set_report(report.id, status="done")

    bench.wait(11)

    ended = [row for row in rows(bench) if row.act == audit.DELIVERY]
    assert {(row.person_id, row.outcome) for row in ended} == {
        (stage.ada.id, "delivered"),
        (stage.grace.id, "delivered"),
    }
    assert len({row.reference for row in ended}) == 2


@pytest.mark.parametrize("state", [state for state in State if state is not State.OPEN])
def test_no_end_is_without_its_row_and_none_has_two(bench: Workbench, state: State) -> None:
    """The row is written by the change itself, so this holds for every end that anybody adds."""
    now = bench.clock()
    with bench.database.begin() as tx:
        values = {"person_id": "a", "report_id": "r", "asked_at": now, "deadline_at": now}
        for number in (1, 2):
            requests.add(tx, values | {"reference": f"ref{number}", "event_key": f"messages:{number}:r"})
    with bench.database.begin() as tx:
        before = bench.request()
        assert requests.close(tx, before, state, now)
        assert not requests.close(tx, before, State.FAILED, now), "somebody else was first"

    assert endings(bench) == [state.value]


def test_a_kill_between_any_two_steps_leaves_one_row_for_each_thing(bench: Workbench) -> None:
    """Request and end are on record once, wherever the process died."""
    stage = bench.stage
    bench.hears(stage.ada, "help")
    bench.points.deadly = 1
    number = 1
    while True:
        report = stage.partner_report()
        bench.hears(stage.ada, f"report {report.id}")
        bench.points.passed, bench.points.deadly = 0, number
        try:
            bench.work()
        except Crash:
            bench.points.deadly = None
            bench.restart()
            bench.work()
            bench.wait(61)
        else:
            break
        mine = [(row.act, row.outcome) for row in rows(bench) if row.report_id == report.id]
        assert mine == [("report", "asked"), ("delivery", "delivered")], f"killed at point {number}"
        number += 1
    assert number > 10, "there are points to die at"


def test_nothing_but_ids_and_our_own_words_is_kept(bench: Workbench) -> None:
    """No text, title, name, address, link or content gets into the rows, whatever people write."""
    stage = bench.stage
    report = stage.partner_report("Very Secret Title")
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.hears(stage.ada, "my password is Hunter2 https://example.com/?t=abc ada.lovelace@acme.example")
    bench.hears(stage.ada, "help me with Hunter2")
    bench.hears(stage.ada, "reports Hunter2")
    bench.hears(stage.ada, "audit grace.hopper@acme.example")
    bench.hears(stage.nora, "audit ada.lovelace@acme.example")
    bench.hears(stage.ada, "report <@all>Hunter2")
    bench.work()
    (card, *_) = bench.said(stage.group)
    bench.pressed(stage.ada, card, {"command": "Hunter2 " * 5, "argument": "Hunter2"})
    bench.pressed(stage.ada, card, {"command": "help", "argument": "Hunter2"})

    bench.work()

    database_file = sqlite3.connect(bench.stage.folder / "reportbot.db")
    kept = "\n".join(str(row) for row in database_file.execute("SELECT * FROM audit"))
    database_file.close()
    assert report.id in kept
    for secret in ("Hunter2", "hunter2", "Secret Title", "Lovelace", "@", "http", "Minutes", stage.admin_token):
        assert secret not in kept


def test_the_card_waits_for_no_commit_of_the_audit(bench: Workbench) -> None:
    """A row of the audit is written by the transaction that it tells of."""
    bench.hears(bench.stage.ada, "help")
    bench.work()
    bench.hears(bench.stage.ada, f"report {bench.stage.partner_report().id}")
    commits = 0
    begin = bench.database.begin

    def counted(**how: Any) -> Any:
        nonlocal commits
        commits += 1
        return begin(**how)

    bench.database.begin = counted  # type: ignore[method-assign]
    bench.work(until=tasks.LOOKUP)

    assert [row.act for row in rows(bench)] == ["help", "report"]
    assert commits == 1, "the request, its audit row and its job, with the end of the event"
