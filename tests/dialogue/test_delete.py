"""``delete``: a report is deleted in Webex once the person who asked has confirmed it, and only by who may write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot import manifest
from bot.db import reports
from bot.db.requests import State
from bot.emulator.things import FULL_ADMIN, PARTNER_FULL_ADMIN, PARTNER_READONLY_ADMIN, READONLY_ADMIN
from tests.audit.rows import rows
from tests.live_bot import CSV, BotMessage, actions_of
from tests.stepped_bot import Crash

if TYPE_CHECKING:
    from bot.emulator.things import Message, Person, Space
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

DAY = 24 * 3600
FAMILIES = ["partner", "organization"]


def report_of(live: LiveBot, family: str, **more: Any) -> Any:
    return live.partner_report(**more) if family == "partner" else live.organization_report(**more)


def deletions(live: LiveBot) -> int:
    return len(live.emulator.calls.calls_to("DELETE", "/v1/*reports/*"))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", ["directly", "in the group"])
def test_delete_asks_first_and_one_press_deletes(live: LiveBot, family: str, where: str) -> None:
    report = report_of(live, family, title="Old Usage", start="2026-10-01", end="2026-10-31")
    ada = live.at(live.ada, live.group if where == "in the group" else None)

    line = ada.says(f"delete {report.id}")

    card = line.card()
    assert "Delete this report?" in card.shown
    assert "Old Usage" in card.shown
    assert f"Oct 1–31, 2026 · {family.capitalize()} report" in card.shown
    assert "created " in card.shown
    assert "I haven't posted its file, as far as I know." in card.shown
    who = "You can confirm this until " if where == "directly" else "Only the person who asked can confirm this, until "
    assert who in card.shown
    assert list(card.buttons) == ["Delete"]
    assert not report.deleted

    ada.presses(card, "Delete")

    said = f"Deleted Old Usage (Oct 1–31, 2026{' · US' if family == 'partner' else ''})."
    assert line.hears("Deleted").words == said
    assert report.deleted
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert [one.words for one in line.answers()] == [said]
    assert "Ada Lovelace deleted this report on " in ada.says(f"report {report.id}").answer().words


@pytest.mark.parametrize("family", FAMILIES)
def test_a_read_only_administrator_and_somebody_without_a_role_delete_nothing(live: LiveBot, family: str) -> None:
    report = report_of(live, family)
    refused = live.at(live.grace).says(f"delete {report.id}").answer()
    assert refused.words.startswith("Read-only administrators can't do this. Ask a full administrator.")
    refused = live.at(live.nora).says(f"delete {report.id}").answer()
    assert refused.words.startswith("Only Webex administrators can run or delete reports.")
    assert deletions(live) == 0


@pytest.mark.parametrize(
    ("roles", "family"),
    [([FULL_ADMIN, PARTNER_READONLY_ADMIN], "partner"), ([PARTNER_FULL_ADMIN, READONLY_ADMIN], "organization")],
)
def test_who_may_only_read_this_family_is_told_that_and_not_that_it_is_not_there(
    live: LiveBot, roles: list[str], family: str
) -> None:
    both = live.emulator.world.add_person("Mary Both", live.acme, roles=roles)
    report = report_of(live, family)
    said = live.at(both).says(f"delete {report.id}").answer()
    assert said.words.startswith("Read-only administrators can't do this.")
    other = report_of(live, "organization" if family == "partner" else "partner")
    assert "Delete this report?" in live.at(both).says(f"delete {other.id}").card().shown


def test_where_outsiders_read_along_the_card_goes_to_the_person_and_works_there(live: LiveBot) -> None:
    report = live.partner_report(title="Secret Usage")
    line = live.at(live.ada, live.outside).says(f"delete {report.id}")
    assert "replied to you directly" in line.answer().words
    direct = live.at(live.ada)
    card = direct.hears_privately("Delete this report?")
    direct.presses(card, "Delete")
    direct.hears_privately("Deleted Secret Usage")
    assert report.deleted
    assert not [one for one in line.answers() if "Secret" in one.words]


def test_others_who_press_are_told_so_directly_and_the_asker_can_still_confirm(live: LiveBot) -> None:
    report = live.partner_report(title="Old Usage")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"delete {report.id}")
    card = line.card()
    other = live.emulator.world.add_person("Mary Full", live.acme, roles=[FULL_ADMIN, PARTNER_FULL_ADMIN])
    live.emulator.world.join(live.group, other)

    live.at(live.grace, live.group).presses(card, "Delete")
    live.at(live.grace).hears_privately("Read-only administrators can't do this.")
    live.at(other, live.group).presses(card, "Delete")
    live.at(other).hears_privately("Only the person who asked can confirm this.")

    assert [one.message.id for one in line.answers()] == [card.message.id], "the group heard nothing"
    assert not report.deleted
    ada.presses(card, "Delete")
    line.hears("Deleted Old Usage")


def test_an_id_that_nobody_knows(live: LiveBot) -> None:
    assert (
        "I couldn't find that report."
        in live.at(live.ada).says("delete Y2lzY29zcGFyazovL3VzL1JFUE9SVC8x").answer().words
    )


def test_in_a_thread_delete_means_its_report(live: LiveBot) -> None:
    report = live.partner_report(title="Old Usage")
    ada = live.at(live.ada, live.group)
    line = ada.says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)
    ada.says("delete", parent_id=line.message.id)
    card = line.hears("Delete this report?")
    assert "Old Usage" in card.shown
    assert "I last posted its file on" in card.shown
    ada.presses(card, "Delete")
    line.hears("Deleted Old Usage")


@pytest.mark.parametrize("where", ["directly", "in the group"])
def test_a_report_is_named_by_words_of_its_title(live: LiveBot, where: str) -> None:
    report = live.partner_report(title="Calling Usage")
    live.organization_report(title="Meeting Details")
    ada = live.at(live.ada, live.group if where == "in the group" else None)
    line = ada.says("please delete the calling usage")
    ada.presses(line.card(), "Delete")
    line.hears("Deleted Calling Usage")
    assert report.deleted
    nothing = ada.says("delete calling usage").answer()
    assert "I found no report for “calling usage”" in nothing.shown
    assert not [title for title in nothing.buttons if title.startswith("Run")], "nobody wants it run"


def test_of_several_that_fit_one_is_chosen_by_a_button_and_then_confirmed(live: LiveBot) -> None:
    """Also of runs of one report: the newest is what people get, not what they delete."""
    now = live.emulator.world.clock()
    older = live.partner_report(title="Calling Usage", created=now - DAY, start="2026-09-01", end="2026-09-30")
    newer = live.partner_report(title="Calling Usage", start="2026-10-01", end="2026-10-31")
    ada = live.at(live.ada, live.group)
    line = ada.says("delete calling usage")

    choice = line.hears("Pick one.")

    data = {"command": "delete", "argument": older.id}
    assert data in [one["data"] for one in actions_of(choice.card)]
    live.emulator.world.press(live.ada, choice.message.id, data)
    card = line.hears("Delete this report?")
    assert "Sep 1–30, 2026" in card.shown
    ada.presses(card, "Delete")
    line.hears("Deleted Calling Usage (Sep 1–30, 2026 · US).")
    assert (older.deleted, newer.deleted) == (True, False)


def test_words_find_only_what_the_person_may_write(live: LiveBot) -> None:
    only = live.emulator.world.add_person("Mary Full", live.acme, roles=[FULL_ADMIN, PARTNER_READONLY_ADMIN])
    live.partner_report(title="Calling Usage")
    own = live.organization_report(title="Calling Usage")
    line = live.at(only).says("delete calling usage")
    live.at(only).presses(line.hears("Delete this report?"), "Delete")
    line.hears("Deleted Calling Usage")
    assert own.deleted
    assert "Read-only administrators" in live.at(live.grace).says("delete calling usage").answer().words


def old_ones(live: LiveBot, number: int, *, days: int = 20, **more: Any) -> list[Any]:
    """Reports of both families by turns, created so many days ago."""
    then = live.emulator.world.clock() - days * DAY
    make = (live.partner_report, live.organization_report)
    return [make[one % 2](title=f"Old {one}", created=then + one, **more) for one in range(number)]


@pytest.mark.parametrize("where", ["directly", "in the group"])
def test_delete_old_names_what_goes_and_one_press_deletes_it(live: LiveBot, where: str) -> None:
    old, new = old_ones(live, 5), old_ones(live, 1, days=13)
    (waits,) = old_ones(live, 1, status="In progress")
    ada = live.at(live.ada, live.group if where == "in the group" else None)

    line = ada.says("delete old")

    card = line.card()
    assert "Delete these 5 reports?" in card.shown
    assert [name for name in card.shown.splitlines() if name.startswith("Old ")] == [f"Old {one}" for one in range(5)]
    ada.presses(card, "Delete all 5")
    said = line.hears("Deleted 5 reports:").words
    assert all(f"Old {one} (" in said for one in range(5))
    assert all(one.deleted for one in old)
    assert not any(one.deleted for one in [*new, waits])


def test_delete_old_takes_twenty_at_most_and_only_of_families_that_the_person_may_write(live: LiveBot) -> None:
    old_ones(live, 50)
    only = live.emulator.world.add_person("Mary Full", live.acme, roles=[FULL_ADMIN, PARTNER_READONLY_ADMIN])
    card = live.at(only).says("delete old").card()
    assert "Delete these 20 reports?" in card.shown
    assert "Partner report" not in card.shown
    assert "Read-only administrators" in live.at(live.grace).says("delete old").answer().words


@pytest.mark.parametrize("text", ["delete old reports", "Delete all the old ones, please"])
def test_delete_old_in_other_words(live: LiveBot, text: str) -> None:
    live.partner_report(title="Old", created=live.emulator.world.clock() - 15 * DAY)

    assert "Delete this report?" in live.at(live.ada).says(text).card().shown


@pytest.mark.parametrize("text", ["delete all", "please delete all reports"])
def test_delete_all_offers_to_delete_old_ones(live: LiveBot, text: str) -> None:
    old = old_ones(live, 2)
    ada = live.at(live.ada)
    line = ada.says(text)
    card = line.card()
    assert "I don't delete all reports at once." in card.shown
    ada.presses(card, "Delete old reports")
    line.hears("Delete these 2 reports?")
    assert not any(one.deleted for one in old)


@pytest.mark.parametrize(("status", "said"), [("In progress", "It isn't finished yet."), ("failed", "")])
def test_of_a_report_without_a_file_it_is_not_said_whether_that_was_posted(
    live: LiveBot, status: str, said: str
) -> None:
    report = live.partner_report(status=status)
    shown = live.at(live.ada).says(f"delete {report.id}").card().shown
    assert said in shown
    assert "posted its file" not in shown


def test_delete_old_with_nothing_old_says_so(live: LiveBot) -> None:
    live.partner_report()
    said = live.at(live.ada).says("delete old").answer().words
    assert said.startswith("There's nothing to clean up: no finished report is more than 14 days old. To delete")


def test_delete_old_says_what_it_could_not_look_at(live: LiveBot) -> None:
    live.emulator.faults.add("GET", "/v1/partner/reports", status=409)

    said = live.at(live.ada).says("delete old").answer().words

    assert "Partner reports are missing from this list. Webex reports a conflict" in said


def test_what_webex_refuses_is_named_and_the_others_go(live: LiveBot) -> None:
    first, second, third = old_ones(live, 3)
    ada = live.at(live.ada)
    line = ada.says("delete old")
    live.emulator.faults.add("DELETE", f"/v1/reports/{second.id}", status=409)
    ada.presses(line.card(), "Delete all 3")
    said = line.hears("Deleted 2 reports:").words
    assert "I couldn't delete Old 1 (Jan 1–31, 2026). Webex reports a conflict; try again in a minute" in said
    assert (first.deleted, second.deleted, third.deleted) == (True, False, True)


def test_the_missing_scope_is_named_to_the_person_alone(stage_alone: LiveBot) -> None:
    live = stage_alone
    reads = {scope.scope for scope in manifest.read().scopes if not scope.writing}
    live.environ["WEBEX_ADMIN_TOKEN"] = live.emulator.world.add_token(live.ada, scopes=reads)
    report, other = live.partner_report(), live.organization_report(title="Meetings")
    ada = live.at(live.ada, live.group)
    with live.program() as url:
        live.register(url)
        line = ada.says(f"delete {report.id}")
        ada.presses(line.card(), "Delete")

        told = live.at(live.ada).hears_privately("Webex doesn't let me run or delete partner reports.").words
        assert "Running and deleting partner reports needs the scopes spark-admin:reports_write and" in told
        assert not report.deleted
        second = ada.says(f"delete {other.id}")
        ada.presses(second.card(), "Delete")
        second.hears("Deleted Meetings")


# ---------------------------------------------------------------------- step by step


def asks(stepped: SteppedBot, report: Any, person: Person | None = None, space: Space | None = None) -> Message:
    """Have a person ask to delete a report; return the card that asks for confirmation."""
    person = person or stepped.setup.ada
    stepped.receive(person, f"delete {report.id}", space)
    stepped.work()
    return next(one for one in reversed(stepped.said(space, person)) if one.card and "Delete" in (one.text or ""))


def confirms(stepped: SteppedBot, card: Message, person: Person | None = None) -> None:
    (data,) = [one["data"] for one in card.card["actions"]]  # type: ignore[index]
    stepped.pressed(person or stepped.setup.ada, card, data)


def words(stepped: SteppedBot, **where: Any) -> list[str]:
    return [one.text or "" for one in stepped.said(**where)]


def calls(stepped: SteppedBot, report: Any) -> int:
    return stepped.calls("DELETE", f"/v1/*reports/{report.id}")


def test_the_confirmation_lapses_after_ten_minutes(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    card = asks(stepped, report)
    stepped.clock.turn(600)
    confirms(stepped, card)
    stepped.work()
    assert words(stepped)[-1].startswith("This confirmation has expired. Ask me to delete the report again.")
    assert calls(stepped, report) == 0

    card = asks(stepped, report)
    stepped.clock.turn(599)
    confirms(stepped, card)
    stepped.work()
    assert report.deleted


def test_it_works_once(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    card = asks(stepped, report)
    confirms(stepped, card)
    confirms(stepped, card)
    stepped.work()
    assert [one.partition(" (")[0] for one in words(stepped)] == [
        "Deleted Calling Usage",
        "You've already confirmed this.",
    ]
    assert calls(stepped, report) == 1


def test_the_audit_says_who_asked_and_who_deleted(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    confirms(stepped, asks(stepped, report))
    stepped.work()
    found = [(row.channel, row.act, row.outcome, row.report_id, row.person_id) for row in rows(stepped)]
    ada = stepped.setup.ada.id
    assert found == [
        ("chat", "delete", "allowed", report.id, ada),
        ("button", "delete", "deleted", report.id, ada),
    ]


def test_the_audit_says_of_each_of_several_what_came_of_it(stepped: SteppedBot) -> None:
    reports = old_ones(stepped.setup, 3)
    stepped.receive(stepped.setup.ada, "delete old")
    stepped.work()
    stepped.emulator.faults.add("DELETE", f"/v1/reports/{reports[1].id}", status=409)
    confirms(stepped, stepped.said()[-1])
    stepped.work()
    found = {(row.report_id, row.outcome) for row in rows(stepped) if row.channel == "button"}
    outcomes = ("deleted", "error:webex_409", "deleted")
    assert found == {(one.id, outcome) for one, outcome in zip(reports, outcomes, strict=True)}


def test_what_is_awaited_is_not_old(stepped: SteppedBot) -> None:
    (report,) = old_ones(stepped.setup, 1, status="In progress")
    stepped.receive(stepped.setup.grace, f"report {report.id}")
    stepped.work()
    stepped.world.set_report(report.id, status="done")
    stepped.receive(stepped.setup.ada, "delete old")
    stepped.work(until="deliver")
    (said,) = words(stepped)
    assert said.startswith("There's nothing to clean up")


@pytest.mark.parametrize(("number", "told"), [(39, False), (40, True), (51, True)])
def test_reports_says_when_webex_has_little_room_left(stepped: SteppedBot, number: int, told: bool) -> None:
    live = stepped.setup
    for one in range(number):
        live.organization_report(title=f"Meetings {one}")
    live.partner_report()
    for person in (live.ada, live.grace):
        stepped.receive(person, "reports")
        stepped.work()
        card = BotMessage(stepped.said(person=person)[-1])
        assert (f"{number} of the 50 organization reports that Webex keeps are in use." in card.shown) is told
        assert ("Delete old reports" in card.buttons) is (told and person is live.ada), "for who may delete some"


def test_reports_says_of_whose_downloads_few_are_left_and_that_it_counts_its_own(stepped: SteppedBot) -> None:
    live = stepped.setup
    for title, number in (("Often", 25), ("Seldom", 24)):
        report = live.partner_report(title=title)
        stepped.receive(live.ada, f"report {report.id}")
        stepped.work()
        with stepped.database.begin() as tx:
            reports.set_values(tx, report.id, downloads=number)
    stepped.receive(live.ada, "reports")
    stepped.work()
    shown = BotMessage(stepped.said()[-1]).shown.splitlines()
    assert shown[shown.index("Often") + 3] == "Webex allows 30 downloads; I've used 25 of them."
    assert sum("downloads" in line for line in shown) == 1


def test_open_requests_end_and_say_why_and_the_held_file_goes(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report(status="waiting")
    stepped.receive(live.grace, f"report {report.id}", live.group)
    stepped.receive(live.grace, f"report {report.id}")
    stepped.work()

    card = asks(stepped, report)
    assert "2 requests are waiting for it; I'll cancel them." in str(card.card)
    confirms(stepped, card)
    stepped.work()

    assert [stepped.request(number).state for number in (1, 2)] == [State.CANCELED, State.CANCELED]
    assert words(stepped)[-1].endswith("I've canceled 2 requests that were waiting for it.")
    for where in ({"space": live.group}, {"person": live.grace}):
        (said,) = [str(one.card) for one in stepped.said(**where) if one.card]
        assert "Canceled" in said
        assert "The report was deleted, so I won't post it here." in said
        assert ("Run again" in said) is ("space" in where), "1:1 it would refuse who may only read"
        assert "Ask again" not in said
    stepped.wait(60)
    assert stepped.next_wait() is None, "nothing waits for it any more"


def test_the_held_file_goes(stepped: SteppedBot) -> None:
    report = stepped.setup.organization_report()
    stepped.receive(stepped.setup.ada, f"report {report.id}")
    stepped.work()
    assert [path for path in stepped.folder.rglob("*") if path.is_file()]
    card = asks(stepped, report)
    assert "I last posted its file on " in str(card.card)
    confirms(stepped, card)
    stepped.work()
    assert [path for path in stepped.folder.rglob("*") if path.is_file()] == []


def test_deleted_while_its_file_is_downloaded_nothing_is_posted(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    card = asks(stepped, report)
    stepped.receive(live.grace, f"report {report.id}", live.group)

    def delete() -> None:
        confirms(stepped, card)
        stepped.work_beside()

    stepped.while_fetching(delete)
    stepped.work()

    assert report.deleted
    assert stepped.request().state is State.CANCELED
    assert not [one for one in stepped.said(live.group) if one.files]
    assert not [path for path in stepped.folder.rglob("*") if path.is_file()]
    assert stepped.next_wait() is None


def test_deleted_while_its_file_is_posted_the_file_comes(stepped: SteppedBot) -> None:
    """Like a cancellation that comes too late."""
    live = stepped.setup
    report = live.partner_report()
    card = asks(stepped, report)
    stepped.receive(live.grace, f"report {report.id}", live.group)
    uploads: list[str] = []

    def delete(name: str) -> bool:
        if "upload" in name and not uploads:
            uploads.append(name)
            confirms(stepped, card)
            stepped.work_beside()
        return False

    stepped.points.kills_at = delete
    stepped.work()

    assert report.deleted
    assert stepped.request().state is State.DELIVERED
    assert [one.files[0].path.read_bytes() for one in stepped.said(live.group) if one.files] == [CSV]
    assert "canceled" not in words(stepped)[-1]


def test_a_lost_answer_is_tried_again_and_what_is_gone_counts_as_deleted(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report(title="Old Usage")
    card = asks(stepped, report)
    stepped.emulator.faults.add("DELETE", "/v1/partner/reports/*", cut="after", times=1)
    confirms(stepped, card)
    stepped.work()
    assert report.deleted
    assert not [one for one in words(stepped) if one.startswith("Deleted")]
    stepped.wait_for_next()
    assert [one for one in words(stepped) if one.startswith("Deleted")] == ["Deleted Old Usage (Jan 1–31, 2026 · US)."]
    assert calls(stepped, report) == 2


@pytest.mark.parametrize("number", [1, 5])
def test_trouble_at_one_report_holds_up_no_other_and_is_told_in_the_end(stepped: SteppedBot, number: int) -> None:
    old = stepped.clock.seconds() - 20 * DAY
    reports = [stepped.setup.partner_report(title=f"Old {one}", created=old + one) for one in range(number)]
    stepped.receive(stepped.setup.ada, "delete old")
    stepped.work()
    stepped.emulator.faults.add("DELETE", f"/v1/partner/reports/{reports[0].id}", status=503, times=None)

    confirms(stepped, stepped.said()[-1])
    stepped.work()
    assert [one.deleted for one in reports] == [False] + [True] * (number - 1)
    for _ in range(12):
        stepped.wait(61)

    (said,) = [one.markdown or "" for one in stepped.said()]
    assert "I couldn't delete **Old 0** (Jan 1–31, 2026 · US). Webex returned an error (503)" in said
    assert said.startswith("Deleted 4 reports:" if number > 1 else "I couldn't delete")
    ends = [row.outcome for row in rows(stepped) if row.channel == "button"]
    assert sorted(ends) == ["deleted"] * (number - 1) + ["error:webex_503"]
    stepped.emulator.faults.clear()
    stepped.wait(600)
    assert not reports[0].deleted, "not hours later"


@pytest.mark.threads_listed
def test_killed_at_every_step_it_deletes_and_says_so_once(stepped: SteppedBot) -> None:
    live = stepped.setup
    for deadly in range(1, 100):
        stepped.clock.turn(61)  # a minute has its limit of requests
        report = live.partner_report(title=f"Usage {deadly}", status="waiting")
        stepped.receive(live.grace, f"report {report.id}", live.group)
        stepped.work()
        card = asks(stepped, report, live.ada, live.group)
        confirms(stepped, card)
        counts_deletions(stepped)
        stepped.points.passed, stepped.points.deadly = 0, deadly
        try:
            stepped.work()
        except Crash:
            stepped.points.deadly = None
            stepped.restart()
            stepped.work()
        else:
            assert deadly > 10, "it was killed at no step"
            break
        assert report.deleted, deadly
        there = [one.text or "" for one in stepped.world.messages_of(live.bot) if f"Usage {deadly}" in (one.text or "")]
        assert [one for one in there if one.startswith("Deleted")] == [
            f"Deleted Usage {deadly} (Jan 1–31, 2026 · US).\n\nI've canceled 1 request that was waiting for it."
        ], deadly
        assert card.deleted, deadly
        assert [row.outcome for row in rows(stepped) if row.report_id == report.id and row.act == "delete"] == [
            "allowed",
            "deleted",
        ], deadly
        assert 1 <= calls(stepped, report) <= 2, deadly


def counts_deletions(stepped: SteppedBot) -> None:
    """Have a point before and after each deletion in Webex."""
    delete = stepped.services.catalog.delete

    def counted(family: str, report_id: str, on_behalf_of: str | None = None) -> None:
        stepped.points("before the deletion")
        delete(family, report_id, on_behalf_of)
        stepped.points("after the deletion")

    stepped.services.catalog.delete = counted  # type: ignore[method-assign]


# ---------------------------------------------------------------------- after it


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", ["directly", "in the group"])
def test_the_thread_of_a_deleted_report_knows_that_it_was_deleted(live: LiveBot, family: str, where: str) -> None:
    report = report_of(live, family, title="Old Usage")
    ada = live.at(live.ada, live.group if where == "in the group" else None)
    line = ada.says(f"report {report.id}")
    line.file()
    live.on_record(report.id, State.DELIVERED)
    root = line.message.id
    first = line.card()
    ada.says("delete", parent_id=root)
    ada.presses(line.hears("Delete this report?"), "Delete")

    card = line.hears("This report was deleted from Webex on ")
    assert "Old Usage" in card.shown
    assert "● Deleted" in card.shown
    assert set(card.buttons) == {"Run again", "Why?"}
    live.emulator.world.wait_for(lambda _: first.message.deleted)

    for text in ("again", "delete", f"report {report.id}", f"again {report.id}"):
        number = len(line.answers())
        ada.says(text, parent_id=root)
        said = line.answers(number + 1)[-1]
        assert "Ada Lovelace deleted this report on " in said.shown
        assert "Old Usage" in said.shown
        assert set(said.buttons) == {"Run again"}
    for text in ("why", f"why {report.id}"):
        number = len(line.answers())
        ada.says(text, parent_id=root)
        said = line.answers(number + 1)[-1]
        assert "→ deleted from Webex by **Ada Lovelace**" in said.shown
        assert said.shown.startswith("Old Usage")
        assert set(said.buttons) == {"Run again"}
    ada.says("refresh", parent_id=root)
    live.emulator.world.wait_for(lambda _: card.message.deleted)
    assert "● Deleted" in line.hears("This report was deleted from Webex").shown


@pytest.mark.parametrize("command", ["report", "again", "refresh", "why", "delete"])
def test_a_deleted_report_that_nobody_asked_for_is_known_by_its_id(live: LiveBot, command: str) -> None:
    report = live.partner_report(title="Old Usage")
    ada = live.at(live.ada)
    line = ada.says(f"delete {report.id}")
    ada.presses(line.card(), "Delete")
    line.hears("Deleted Old Usage")

    assert "Ada Lovelace deleted this report on " in live.at(live.ada).says(f"{command} {report.id}").card().shown


def test_who_may_not_use_its_family_learns_nothing_of_a_deleted_report(live: LiveBot) -> None:
    report = live.partner_report(title="Old Usage")
    ada = live.at(live.ada)
    line = ada.says(f"delete {report.id}")
    ada.presses(line.card(), "Delete")
    line.hears("Deleted Old Usage")

    only = live.emulator.world.add_person("Mary Org", live.acme, roles=[FULL_ADMIN])
    for command in ("again", "refresh", "why"):
        said = live.at(only).says(f"{command} {report.id}").answer()
        assert "deleted this report" not in said.shown
        assert "Old Usage" not in said.shown
