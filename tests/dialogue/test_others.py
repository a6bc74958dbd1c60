"""What one person does must not take from another, nor tell an outsider anything of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from tests.live_bot import ADMIN_OF_BOTH, CSV

if TYPE_CHECKING:
    from tests.live_bot import LiveBot


def test_an_outsider_who_joined_meanwhile_hears_nothing_of_a_report_that_failed(live: LiveBot) -> None:
    report = live.partner_report("Secret Merger Usage", status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    card = line.card()
    live.emulator.world.join(live.group, live.ethan)

    live.emulator.world.set_report(report.id, status="failed")

    assert "Secret Merger Usage" in ada.hears_privately("couldn't generate this report").words
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    (notice,) = line.answers()
    assert notice.card is None
    assert "Secret" not in notice.words
    assert "Failed" not in notice.words


def test_an_error_in_an_outside_space_is_told_one_to_one(live: LiveBot) -> None:
    ada = live.at(live.ada, live.outside)

    line = ada.says("refresh Y2lzY29zcGFyazovL3VzL1JFUE9SVC8w")

    ada.hears_privately("couldn't find that report")
    assert ["external people" in heard.words for heard in line.answers()] == [True]


def test_who_joined_a_watch_is_served_when_the_first_asker_loses_their_role(
    live: LiveBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.webex.people.REMEMBERED_SECONDS", 0.0)
    world = live.emulator.world
    bob = world.add_person("Bob Kahn", live.acme, roles=ADMIN_OF_BOTH)
    world.join(live.group, bob)
    report = live.partner_report(status="waiting")
    first = live.at(bob, live.group).says(f"report {report.id}")
    first.card()
    second = live.at(live.grace, live.group).says(f"report {report.id}")
    second.card()

    bob.roles = []  # not the list that others share
    world.set_report(report.id, status="done")

    assert second.file().content == CSV
    assert "Only Webex administrators" in first.hears("administrators").words


def test_a_cancel_takes_only_the_own_request_off_the_list(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    first = live.at(live.ada, live.group).says(f"report {report.id}")
    first.card()
    grace = live.at(live.grace, live.group)
    second = grace.says(f"report {report.id}")

    grace.presses(second.card(), "Cancel")

    second.hears("Others in this space are still waiting.")
    live.emulator.world.set_report(report.id, status="done")
    assert first.file().content == CSV


BY_ANOTHER = "Another administrator canceled this request. I won't post this report here."


@pytest.mark.parametrize("how", ["pressed", "typed", "typed in its thread"])
def test_a_request_that_somebody_else_cancels_says_so(live: LiveBot, how: str) -> None:
    report = live.partner_report(status="waiting")
    ada, grace = live.at(live.ada, live.group), live.at(live.grace, live.group)
    line = ada.says(f"report {report.id}")
    card = line.card()
    live.on_record(report.id, State.OPEN)

    if how == "pressed":
        grace.presses(card, "Cancel")
    elif how == "typed":
        answer = grace.says(f"cancel {report.id}").answer()
        assert answer.words == "Canceled. I won't post this report here."
    else:
        grace.says("cancel", parent_id=line.message.id)

    assert f"● Canceled\n{BY_ANOTHER}" in line.hears("Canceled").shown
    assert BY_ANOTHER in ada.says(f"why {report.id}").card().shown


def test_somebody_else_s_cancel_of_one_of_several_reports_is_told_in_their_list(live: LiveBot) -> None:
    wanted = [live.partner_report(title, status="waiting") for title in ("Calling Usage", "Quality")]
    line = live.at(live.ada, live.group).says(" ".join(["report", *(one.id for one in wanted)]))
    card = line.card()

    live.at(live.grace, live.group).presses(card, "Cancel")

    assert "● Canceled\nAnother administrator canceled this request." in line.hears("Canceled").shown


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("group", "Your request is canceled. Others in this space are still waiting."),
        (
            "1:1",
            "Your request for Calling Usage is canceled. Others in the space where you asked for it are still waiting.",
        ),
    ],
)
def test_a_canceled_card_does_not_deny_the_file_that_others_wait_for(live: LiveBot, where: str, told: str) -> None:
    report = live.partner_report(status="waiting")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    line.card()
    other = live.at(live.grace, live.group).says(f"report {report.id}")
    other.card()

    answer = live.at(live.ada, live.group if where == "group" else None).says("cancel calling usage")

    assert answer.answer().words == told
    assert "● Canceled\nOthers in this space are still waiting." in line.hears("Canceled").shown
    assert "Your request is canceled" in ada.says(f"why {report.id}").card().shown
    live.emulator.world.set_report(report.id, status="done")
    assert other.file().content == CSV


def test_a_link_that_is_gone_is_asked_for_anew(live: LiveBot) -> None:
    report = live.partner_report()
    live.emulator.faults.add(method="GET", path="/api", host="download", status=410, times=1)

    assert live.at(live.ada).says(f"report {report.id}").file().content == CSV


@pytest.mark.parametrize("space", ["1:1", "group"])
@pytest.mark.parametrize(
    ("how", "told"),
    [
        (
            {"infected": True},
            "Webex no longer offers this file: the link expired or a scan flagged it. Run the report again.",
        ),
        (
            {"unscannable": True},
            "ready, but Webex couldn't scan it for malware, so I didn't download it. Run the report again.",
        ),
    ],
)
def test_a_file_that_no_download_brings_is_run_again(live: LiveBot, how: dict[str, Any], told: str, space: str) -> None:
    report = live.partner_report(**how)
    ada = live.at(live.ada, live.group if space == "group" else None)
    line = ada.says(f"report {report.id}")

    card = line.hears("Not sent")

    assert told in card.shown
    assert list(card.buttons) == ["Run again", "Why?"]
    why = ada.says(f"why {report.id}").card()
    assert list(why.buttons) == ["Run again"]
    ada.says("refresh", parent_id=line.message.id)
    assert list(line.hears("Checked").buttons) == ["Run again", "Why?"]


def test_a_list_that_is_ahead_of_the_details_makes_no_hot_loop(live: LiveBot) -> None:
    report = live.partner_report(status="waiting")
    line = live.at(live.ada).says(f"report {report.id}")
    line.card()
    details = f"/v1/partner/reports/{report.id}"
    told = {"reportId": report.id, "status": "In progress", "title": "Usage", "regionId": "US"}
    live.emulator.faults.add(method="GET", path=details, status=200, body=told, times=3)
    live.emulator.calls.clear()

    live.emulator.world.set_report(report.id, status="done")

    line.file()
    assert len(live.emulator.calls.calls_to("GET", details)) == 4, "three that deny it, and the last"


def test_somebody_who_may_not_ask_is_refused_once_for_any_number_of_ids(live: LiveBot) -> None:
    line = live.at(live.nora).says("report " + " ".join(f"Y2lzY29zcGFyazovL3VzL1JFUE9SVC8{n}" for n in range(9)))

    line.answer()
    again = live.at(live.nora).says("help")
    again.card()
    assert len(line.answers()) == 1


def test_a_family_in_trouble_does_not_hide_the_reports_of_the_other(live: LiveBot) -> None:
    report = live.organization_report("Meeting Details")
    live.emulator.faults.add(method="GET", path="/v1/partner/reports*", status=503)

    assert live.at(live.ada).says(f"report {report.id}").file().content == CSV
    listed = live.at(live.ada).says("reports").card()
    assert "Meeting Details" in listed.shown
    assert "Partner reports are missing from this list." in listed.shown


@pytest.mark.parametrize("status", [400, 403, 409, 415])
def test_nobody_hears_a_download_hosts_words(live: LiveBot, status: int) -> None:
    body = {"message": "Call +1 555 0100 to get your file", "trackingId": "T_1"}
    live.emulator.faults.add(method="GET", path="/api", host="download", status=status, body=body)
    report = live.partner_report()
    ada = live.at(live.ada)

    line = ada.says(f"report {report.id}")
    line.hears("I couldn't download its file")
    ada.says(f"why {report.id}").answer()

    world = live.emulator.world
    said = [
        f"{one.text} {one.markdown} {one.card}" for one in world.messages(ada.space) if one.person_id != ada.person.id
    ]
    assert len(said) >= 2
    assert not [one for one in said if "555 0100" in one]
