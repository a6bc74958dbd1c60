"""One row for each use of a command, one for each refusal, one for each end of a request; IDs only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from bot.db import audit, requests
from bot.db.requests import State
from bot.emulator.ids import new_report_id
from bot.queue import tasks
from bot.reports import deliver
from tests.audit.rows import endings, rows, told
from tests.live_bot import CSV
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stepped_bot import SteppedBot


def test_a_report_is_a_row_when_asked_for_and_one_when_delivered(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    stepped.receive(live.ada, f"report {report.id}", live.group)

    stepped.work()

    asked, delivered = rows(stepped)
    assert (asked.channel, asked.act, asked.outcome) == ("chat", "report", "asked")
    assert (delivered.channel, delivered.act, delivered.outcome) == ("system", "delivery", "delivered")
    for row in (asked, delivered):
        assert (row.person_id, row.room_id, row.report_id) == (live.ada.id, live.group.id, report.id)
        assert row.reference == stepped.request().reference
        assert row.at == stepped.clock()


def test_several_ids_are_several_requests(stepped: SteppedBot) -> None:
    ids = [stepped.setup.partner_report().id for _ in range(3)]
    stepped.receive(stepped.setup.ada, f"report {' '.join(ids)}")

    stepped.work()

    assert [row.report_id for row in rows(stepped) if row.act == "report"] == ids
    assert sorted(row.report_id or "" for row in rows(stepped) if row.act == "delivery") == sorted(ids)


def test_bare_ids_are_the_request_that_they_are_taken_for(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.ada, report.id)

    stepped.work()

    assert told(stepped) == [("chat", "report", "asked"), ("system", "delivery", "delivered")]


@pytest.mark.parametrize("words", ["report calling usage", "please send me the calling usage report"])
def test_a_title_is_the_request_for_its_report(stepped: SteppedBot, words: str) -> None:
    report = stepped.setup.partner_report("Calling Usage")
    stepped.receive(stepped.setup.ada, words)

    stepped.work()

    assert told(stepped) == [("chat", "report", "asked"), ("system", "delivery", "delivered")]
    assert {row.report_id for row in rows(stepped)} == {report.id}


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
def test_every_word_is_one_row(stepped: SteppedBot, words: str, row: tuple[str, str, str]) -> None:
    stepped.receive(stepped.setup.ada, words)

    stepped.work()

    assert told(stepped) == [row]


def test_a_button_s_press_names_its_presser_and_its_channel(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report(status="waiting")
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.work(until=tasks.WATCH)
    (card,) = stepped.said(live.group)

    stepped.pressed(live.grace, card, {"command": "cancel", "argument": report.id})
    stepped.work(until=tasks.WATCH)

    asked, ended, pressed = rows(stepped)
    assert (ended.act, ended.outcome, ended.person_id) == ("delivery", "canceled", live.ada.id)
    assert (pressed.channel, pressed.act, pressed.outcome) == ("button", "cancel", "allowed")
    assert (pressed.person_id, pressed.report_id) == (live.grace.id, report.id)
    assert asked.outcome == "asked"


@pytest.mark.parametrize(
    "words", ["report {id}", "{id}", "again {id}", "why {id}", "refresh {id}", "cancel {id}", "reports", "audit"]
)
def test_a_refusal_says_why_and_of_what(stepped: SteppedBot, words: str) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.nora, words.format(id=report.id), stepped.setup.group)

    stepped.work()

    (row,) = rows(stepped)
    assert row.outcome == "refused:not_administrator"
    assert row.person_id == stepped.setup.nora.id
    assert row.report_id == (report.id if "{id}" in words else None)
    assert f"reference {row.reference}" in (stepped.said(stepped.setup.group)[0].text or "")


@pytest.mark.parametrize("word", ["report", "again", "why", "refresh", "cancel"])
def test_a_refused_press_says_of_what(stepped: SteppedBot, word: str) -> None:
    live = stepped.setup
    report = live.partner_report()
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.work()
    card = next(one for one in stepped.said(live.group) if one.card)

    stepped.pressed(live.nora, card, {"command": word, "argument": report.id})
    stepped.work()

    last = rows(stepped)[-1]
    assert (last.channel, last.act, last.outcome) == ("button", word, "refused:not_administrator")
    assert (last.person_id, last.report_id) == (live.nora.id, report.id)


@pytest.mark.parametrize("word", ["report", "again", "refresh"])
def test_each_report_of_a_refused_message_is_a_row(stepped: SteppedBot, word: str) -> None:
    ids = [f"abc{number}" for number in range(25)]
    stepped.receive(stepped.setup.nora, f"{word} {' '.join(ids)}")

    stepped.work()

    assert [row.report_id for row in rows(stepped)] == ids[:20]
    assert {row.outcome for row in rows(stepped)} == {"refused:not_administrator"}


def test_what_goes_wrong_with_one_report_is_written_of_that_one(stepped: SteppedBot) -> None:
    first, third = stepped.setup.partner_report(), stepped.setup.partner_report()
    nobodys = new_report_id()
    stepped.receive(stepped.setup.ada, f"refresh {first.id} {nobodys} {third.id}")

    stepped.work()

    one, two, three = rows(stepped)
    assert (one.report_id, one.outcome, one.reference) == (first.id, "allowed", None)
    assert (two.report_id, three.report_id) == (nobodys, third.id)
    assert two.outcome.startswith("error:")
    assert two.reference
    assert two.reference in (stepped.said()[-1].text or "")
    assert (three.outcome, three.reference) == ("error:not_reached", None)


@pytest.mark.parametrize("data", [{"command": 7}, {}, {"command": ""}, {"command": "x" * 65}])
def test_a_press_that_says_nothing_is_on_record(stepped: SteppedBot, data: dict[str, Any]) -> None:
    live = stepped.setup
    stepped.receive(live.ada, "help", live.group)
    stepped.work()
    (card,) = stepped.said(live.group)

    stepped.pressed(live.nora, card, data)
    stepped.work()

    last = rows(stepped)[-1]
    assert (last.channel, last.act, last.outcome) == ("button", "request", "failed:unreadable")
    assert last.person_id == live.nora.id
    assert len(stepped.said(live.group)) == 1, "and nobody is answered"


@pytest.mark.parametrize("card_is_known", [True, False])
def test_a_press_counts_only_in_the_space_of_its_card(stepped: SteppedBot, card_is_known: bool) -> None:
    """The kind of space decides what may be shown, and the card tells the kind."""
    live = stepped.setup
    stepped.receive(live.ada, "reports")
    stepped.work()
    (card,) = stepped.said()
    if not card_is_known:
        with stepped.database.begin() as tx:
            tx.connection.exec_driver_sql("DELETE FROM messages")
    stepped.pressed(live.ada, card, {"command": "reports"})
    action = next(iter(stepped.world.actions.values()))
    action.room_id = live.outside.id

    stepped.work()

    assert stepped.said(live.outside) == []
    assert len(stepped.said()) == 1
    assert told(stepped)[-1] == ("button", "request", "failed:elsewhere")


def test_who_may_only_read_is_refused_the_audit(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.grace, "audit")

    stepped.work()

    assert told(stepped) == [("chat", "audit", "refused:read_only")]


def test_an_error_has_the_reference_and_webex_s_tracking_id(stepped: SteppedBot) -> None:
    for family in ("/v1/partner/reports", "/v1/reports"):
        stepped.emulator.faults.add(path=family, status=400)
    stepped.receive(stepped.setup.ada, "reports")

    stepped.work()

    (row,) = rows(stepped)
    assert row.outcome == "error:webex_400"
    assert row.tracking
    assert row.tracking in (stepped.said()[0].text or "")


def test_an_event_that_cannot_be_read_is_on_record(stepped: SteppedBot) -> None:
    message = stepped.receive(stepped.setup.ada, "reports")
    stepped.emulator.faults.add(path=f"/v1/messages/{message.id}", status=403)

    stepped.work()

    (row,) = rows(stepped)
    assert (row.channel, row.act, row.outcome) == ("chat", "request", "failed:given_up")
    assert row.person_id == stepped.setup.ada.id


def test_an_event_that_is_given_up_is_on_record(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "reports")
    stepped.worker._tasks[tasks.EVENT].on_failure("1", "It is over.")

    assert told(stepped) == [("chat", "request", "failed:given_up")]


def test_what_is_the_bot_s_own_is_no_request(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.bot, "reports", stepped.world.direct_space(stepped.setup.ada, stepped.setup.bot))

    stepped.work()

    assert rows(stepped) == []


def test_being_added_to_a_space_is_nobody_s_request(stepped: SteppedBot) -> None:
    from bot.db.events import Event

    space = stepped.world.add_space("New", [stepped.setup.ada])
    joined = stepped.world.join(space, stepped.setup.bot)
    stepped._keep(Event("memberships", "created", joined.id, space.id, "group", stepped.setup.bot.id))

    stepped.work()

    (row,) = rows(stepped)
    assert (row.channel, row.act, row.outcome, row.person_id) == ("system", "help", "answered", None)


def a_role_is_lost(stepped: SteppedBot) -> None:
    stepped.setup.grace.roles.clear()
    stepped.directory.forget()


def the_space_is_joined_by_somebody_external(stepped: SteppedBot) -> None:
    stepped.world.join(stepped.setup.group, stepped.setup.ethan)


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
    stepped: SteppedBot, report: dict[str, Any], happens: Callable[[SteppedBot], None] | None, outcome: str
) -> None:
    made = stepped.setup.partner_report(**report)
    stepped.receive(stepped.setup.grace, f"report {made.id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    if happens:
        happens(stepped)

    stepped.work()

    (said,) = endings(stepped)
    assert said.startswith(outcome)
    assert stepped.request().state is not State.OPEN


def test_a_file_that_cannot_be_cut_is_one_row(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", len(CSV) - 1)
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}")

    stepped.work()

    assert endings(stepped) == ["failed:file_rejected"]


def test_a_refusal_of_who_may_not_ask_is_one_row(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.nora, f"report {stepped.setup.partner_report().id}", stepped.setup.group)

    stepped.work()

    assert told(stepped) == [("chat", "report", "refused:not_administrator")]


def test_an_unknown_id_is_one_row_with_both_tracking_ids(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, "report Y2lzY29zcGFyazovL3VzL1JFUE9SVC8w")

    stepped.work()

    assert endings(stepped) == ["failed:not_found"]
    assert len((rows(stepped)[-1].tracking or "").split()) == 2


@pytest.mark.parametrize("words", ["report", "again"])
def test_a_report_that_failed_already_is_one_row(stepped: SteppedBot, words: str) -> None:
    stepped.receive(stepped.setup.ada, f"{words} {stepped.setup.partner_report(status='failed').id}")

    stepped.work()

    assert endings(stepped) == ["failed:by_webex"]


def test_a_watch_ends_in_one_row(stepped: SteppedBot) -> None:
    live = stepped.setup
    failing, slow, gone = (live.partner_report(status="waiting") for _ in range(3))
    for report in (failing, slow, gone):
        stepped.receive(live.ada, f"report {report.id}")
    stepped.work()
    stepped.world.set_report(failing.id, status="failed")
    stepped.wait(11)
    assert endings(stepped) == ["failed:by_webex"]

    stepped.wait(27 * 3600)

    assert endings(stepped) == ["failed:by_webex", "expired:not_done_in_time", "expired:not_done_in_time"]


def test_trouble_without_end_is_one_row(stepped: SteppedBot) -> None:
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}")
    stepped.work(until=tasks.DELIVER)
    stepped.emulator.faults.add(path="/v1/partner/reports/*", status=503)
    stepped.wait(61)  # the card's details are too old for the file by then

    for _ in range(27):
        stepped.wait(3600)
        stepped.sweep.once()

    assert endings(stepped) == ["expired:trouble_for_too_long"]


def test_those_who_joined_end_with_a_row_each(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report(status="waiting")
    for person in (live.ada, live.grace):
        stepped.receive(person, f"report {report.id}", live.group)
        stepped.work()
    stepped.world.set_report(report.id, status="done")

    stepped.wait(11)

    ended = [row for row in rows(stepped) if row.act == audit.DELIVERY]
    assert {(row.person_id, row.outcome) for row in ended} == {
        (live.ada.id, "delivered"),
        (live.grace.id, "delivered"),
    }
    assert len({row.reference for row in ended}) == 2


@pytest.mark.parametrize("state", [state for state in State if state is not State.OPEN])
def test_no_end_is_without_its_row_and_none_has_two(stepped: SteppedBot, state: State) -> None:
    """The row is written by the change itself, so this holds for every end that anybody adds."""
    now = stepped.clock()
    with stepped.database.begin() as tx:
        values = {"person_id": "a", "report_id": "r", "asked_at": now, "deadline_at": now}
        for number in (1, 2):
            requests.add(tx, values | {"reference": f"ref{number}", "event_key": f"messages:{number}:r"})
    with stepped.database.begin() as tx:
        before = stepped.request()
        assert requests.close(tx, before, state, now)
        assert not requests.close(tx, before, State.FAILED, now), "somebody else was first"

    assert endings(stepped) == [state.value]


def test_a_kill_between_any_two_steps_leaves_one_row_for_each_thing(stepped: SteppedBot) -> None:
    """Request and end are on record once, wherever the process died."""
    live = stepped.setup
    stepped.receive(live.ada, "help")
    stepped.points.deadly = 1
    for number in stepped.deadly_points():
        report = live.partner_report()
        stepped.receive(live.ada, f"report {report.id}")
        stepped.points.passed, stepped.points.deadly = 0, number
        try:
            stepped.work()
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
            stepped.wait(61)
        else:
            break
        mine = [(row.act, row.outcome) for row in rows(stepped) if row.report_id == report.id]
        assert mine == [("report", "asked"), ("delivery", "delivered")], f"killed at point {number}"
    assert number > 10, "there are points to die at"


def test_nothing_but_ids_and_our_own_words_is_kept(stepped: SteppedBot) -> None:
    """No text, title, name, address, link or content gets into the rows, whatever people write."""
    live = stepped.setup
    report = live.partner_report("Very Secret Title")
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.receive(live.ada, "my password is Hunter2 https://example.com/?t=abc ada.lovelace@acme.example")
    stepped.receive(live.ada, "help me with Hunter2")
    stepped.receive(live.ada, "reports Hunter2")
    stepped.receive(live.ada, "audit grace.hopper@acme.example")
    stepped.receive(live.nora, "audit ada.lovelace@acme.example")
    stepped.receive(live.ada, "report <@all>Hunter2")
    stepped.work()
    (card, *_) = stepped.said(live.group)
    stepped.pressed(live.ada, card, {"command": "Hunter2 " * 5, "argument": "Hunter2"})
    stepped.pressed(live.ada, card, {"command": "help", "argument": "Hunter2"})

    stepped.work()

    with stepped.database.read() as tx:
        kept = "\n".join(str(row) for row in tx.execute(text("SELECT * FROM audit")))
    assert report.id in kept
    for secret in ("Hunter2", "hunter2", "Secret Title", "Lovelace", "@", "http", "Minutes", live.admin_token):
        assert secret not in kept


@pytest.mark.sqlite("where nothing is written to take a job")
def test_the_card_waits_for_no_commit_of_the_audit(stepped: SteppedBot) -> None:
    """A row of the audit is written by the transaction that it tells of."""
    stepped.receive(stepped.setup.ada, "help")
    stepped.work()
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report().id}")
    commits = 0
    begin = stepped.database.begin

    def counted(**how: Any) -> Any:
        nonlocal commits
        commits += 1
        return begin(**how)

    stepped.database.begin = counted  # type: ignore[method-assign]
    stepped.work(until=tasks.LOOKUP)

    assert [row.act for row in rows(stepped)] == ["help", "report"]
    assert commits == 1, "the request, its audit row and its job, with the end of the event"
