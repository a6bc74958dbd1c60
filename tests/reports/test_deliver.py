"""The file: what happens between a report that is done and its file in the space."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import requests
from bot.db.requests import PERSON, State
from bot.files import streaming_upload
from bot.messages import sentences
from bot.messages.file_message import CHECKSUM_DIFFERS as DIFFERS
from bot.queue import tasks
from bot.reports import deliver
from tests.faults.test_6_size_ladder import LIMIT, table
from tests.stage import CSV, Heard

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.core.workbench import Workbench


def carded(bench: Workbench, space: Space | None = None, **report: Any) -> Any:
    """A done report that Ada asked for, up to its card: the file is about to be fetched."""
    made = bench.stage.partner_report(**report)
    bench.hears(bench.stage.ada, f"report {made.id}", space)
    bench.work(until=tasks.DELIVER)
    return made


def files(messages: list[Message]) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in messages if one.files]


def words(messages: list[Message]) -> str:
    return "\n".join(one.text or "" for one in messages)


@pytest.mark.parametrize("age", [0, 61])
def test_the_steps_come_in_order(bench: Workbench, age: int) -> None:
    """Details again when they are old, the download, policy, the post; the file is removed afterwards."""
    report = carded(bench, bench.stage.group)
    bench.emulator.calls.clear()

    bench.wait(age)

    steps = [f"{call.method} {call.path.rsplit('/', 1)[-1]}" for call in bench.emulator.calls]
    anew = [f"GET {report.id}"] if age else []
    assert steps == [*anew, "GET api", "GET memberships", "POST messages"]
    assert bench.request().state is State.DELIVERED
    assert files(bench.said(bench.stage.group)) == [CSV]
    assert bench.files_left == []


def test_an_outsider_joins_while_the_file_is_fetched(bench: Workbench) -> None:
    """Policy is asked right before the post, not only before the download."""
    carded(bench, bench.stage.group)
    bench.while_fetching(lambda: bench.world.join(bench.stage.group, bench.stage.ethan))

    bench.work()

    assert files(bench.said(bench.stage.group)) == []
    assert files(bench.said()) == [CSV]


def test_a_role_that_was_lost_meanwhile_is_refused(bench: Workbench) -> None:
    report = bench.stage.partner_report()
    bench.hears(bench.stage.grace, f"report {report.id}", bench.stage.group)
    bench.work(until=tasks.DELIVER)
    bench.stage.grace.roles.clear()

    bench.wait(301)  # roles are believed for five minutes

    assert bench.request().state is State.REFUSED
    assert "Only Webex administrators can get this report." in words(bench.said(bench.stage.group))
    assert files(bench.said(bench.stage.group) + bench.said()) == []
    assert bench.downloads == 0


def test_the_link_is_fresh(bench: Workbench) -> None:
    """The link of the card has long expired when the file is fetched: details are asked for again."""
    carded(bench, link_seconds=60.0)

    bench.wait(3600)

    assert files(bench.said()) == [CSV]


def test_a_web_page_is_never_posted_as_a_report(bench: Workbench) -> None:
    carded(bench, html_error=True)

    bench.work()

    assert files(bench.said()) == []
    assert "web page instead of the report" in words(bench.said())
    assert bench.request().state is State.FAILED


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"infected": True}, "a scan flagged it"),
        ({"unscannable": True}, "couldn't scan this file for malware"),
        ({"redirect_to": "http://evil.example/steal"}, "isn't encrypted (https)"),
        ({"redirect_to": "https://169.254.169.254/latest"}, "isn't known to be a public address"),
        ({"redirect_to": "https://localhost/x"}, "“localhost”"),
    ],
)
def test_a_file_that_may_not_be_posted_is_told_once(bench: Workbench, how: dict[str, Any], said: str) -> None:
    carded(bench, **how)

    bench.work()

    assert files(bench.said()) == []
    assert words(bench.said()).count(said) == 1
    assert bench.files_left == []


def changing(*bodies: bytes) -> dict[str, Any]:
    """A report whose file is another one at each download, of one size, with a checksum of none of them."""
    come = iter(bodies)
    return {"content": lambda: iter([next(come)]), "size": len(bodies[0]), "checksum": "0" * 32}


def test_a_file_that_differs_at_each_download_is_refused(bench: Workbench) -> None:
    carded(bench, **changing(CSV, CSV.replace(b"12", b"13")))

    bench.work()

    assert files(bench.said()) == []
    assert words(bench.said()).count("does not match the report's checksum") == 1
    assert bench.request().state is State.FAILED
    assert bench.downloads == 2
    assert bench.files_left == []


def test_a_file_that_was_changed_on_its_way_is_fetched_once_more(bench: Workbench) -> None:
    carded(bench, **changing(CSV.replace(b"12", b"13"), CSV) | {"checksum": hashlib.md5(CSV).hexdigest()})

    bench.work()

    assert files(bench.said()) == [CSV]
    assert DIFFERS not in words(bench.said())


@pytest.mark.parametrize("as_zip", [False, True])
def test_the_same_file_twice_is_posted_though_the_checksum_fits_nothing(bench: Workbench, as_zip: bool) -> None:
    carded(bench, bench.stage.group, checksum="0" * 64, as_zip=as_zip)

    bench.work()

    (message,) = [one for one in bench.said(bench.stage.group) if one.files]
    assert message.files[0].name.endswith("zip" if as_zip else "csv")
    assert message.text
    assert message.text.splitlines()[1:] == [DIFFERS]
    assert "2 rows, 2 columns" in message.text
    assert bench.downloads == 2
    assert bench.request().state is State.DELIVERED
    assert bench.files_left == []


def test_what_is_said_of_its_checksum_is_said_too_by_a_later_try(bench: Workbench) -> None:
    carded(bench, checksum="0" * 64, as_zip=True)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)

    bench.work()
    bench.wait(5)

    assert words(bench.said()).count(DIFFERS) == 1
    assert bench.downloads == 2, "the file was on the disk"


def test_a_new_link_is_asked_for_before_the_second_download(bench: Workbench) -> None:
    """The first one may serve but once."""
    carded(bench, checksum="0" * 64)
    asked = bench.calls("GET", "/v1/partner/reports/*")

    bench.work()

    links = [call.query for call in bench.emulator.calls if call.host == "download"]
    assert len(links) == 2
    assert bench.calls("GET", "/v1/partner/reports/*") > asked


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            401,
            "Webex no longer accepts the bot's own token; the people who run this bot must renew it. Try again later.",
        ),
        (403, "Webex doesn't let me post its file here. Retrying won't help; please contact whoever runs this bot."),
        (409, "Webex reports a conflict; try again in a minute."),
        (410, "Webex no longer has this. Retrying won't help; please contact whoever runs this bot."),
        (413, "Webex says this is too large. Run the report for a shorter period."),
        (428, "Webex requires something first that the bot can't provide. Retrying won't help"),
        (451, "Webex keeps this in another region, which the bot can't reach. Retrying won't help"),
    ],
)
def test_a_refused_file_is_told_with_what_helps_and_not_as_a_failed_download(
    bench: Workbench, status: int, told: str
) -> None:
    carded(bench)
    times = 3 if status == 403 else 1  # the person's ID is tried when the space is closed: its card, then its file
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=status, times=times)

    bench.work()
    bench.wait(10)

    shown = re.sub(r" \(“.*?”\)| \(Webex tracking ID \S+?\)| Webex tracking id: \S+", "", words(bench.said()))
    assert "is ready, but Webex" in shown
    assert told in shown


def test_a_file_that_cannot_be_cut_to_webex_s_limit_is_said(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", len(CSV) - 1)
    carded(bench, bench.stage.group)

    bench.work()

    said = words(bench.said(bench.stage.group))
    assert f"is {len(CSV)} bytes, Webex accepts at most {len(CSV) - 1} bytes per message, and it can't be" in said
    assert files(bench.said(bench.stage.group)) == []
    assert bench.request().state is State.FAILED
    assert bench.files_left == []


def test_the_bot_is_removed_from_the_space(bench: Workbench) -> None:
    """The person is told directly and gets the file there; another space that waits is served all the same."""
    stage = bench.stage
    report = stage.partner_report()
    other = bench.world.add_space("Other", [stage.ada, stage.grace, stage.bot])
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.hears(stage.grace, f"report {report.id}", other)
    bench.work(until=tasks.DELIVER)
    bench.world.leave(stage.group, stage.bot)

    bench.work()

    assert "in the space where you asked" in words(bench.said())
    assert files(bench.said()) == [CSV]
    assert files(bench.said(other)) == [CSV]
    assert [bench.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]


def test_a_space_whose_members_cannot_be_read_now_delays_only_itself(bench: Workbench) -> None:
    stage = bench.stage
    report = stage.partner_report()
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.hears(stage.grace, f"report {report.id}")
    bench.work(until=tasks.DELIVER)
    bench.emulator.faults.add(method="GET", path="/v1/memberships", status=502, times=1)

    bench.work()

    assert files(bench.said(person=stage.grace)) == [CSV]
    assert files(bench.said(stage.group)) == []
    bench.wait(2)
    assert files(bench.said(stage.group)) == [CSV]
    assert bench.downloads == 1


@pytest.mark.parametrize("status", [423, 429, 503])
def test_an_upload_that_is_refused_for_now_is_posted_once_and_downloaded_once(bench: Workbench, status: int) -> None:
    carded(bench, bench.stage.group)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=status, headers={"Retry-After": "20"}, times=1)

    bench.work()
    assert files(bench.said(bench.stage.group)) == []
    assert 20 <= (bench.next_wait() or 0) < 22
    bench.wait(19)
    assert files(bench.said(bench.stage.group)) == []
    bench.wait(3)

    assert files(bench.said(bench.stage.group)) == [CSV]
    assert bench.downloads == 1


@pytest.mark.threads_listed
@pytest.mark.parametrize("where", ["group", "direct"])
def test_the_lost_answer_of_an_upload_is_looked_for_and_not_posted_twice(bench: Workbench, where: str) -> None:
    space = bench.stage.group if where == "group" else None
    carded(bench, space)
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)

    bench.work()
    bench.wait(5)

    assert files(bench.said(space)) == [CSV]
    assert bench.request().state is State.DELIVERED
    assert bench.downloads == 1


def test_who_asks_again_in_the_same_place_while_the_file_is_fetched_gets_it_with_who_asked_first(
    bench: Workbench,
) -> None:
    """A person who sees nothing happen for a while asks again; that is no wish for a second copy, as "again" is."""
    space = bench.stage.group
    report = carded(bench, space)

    def impatient() -> None:
        bench.hears(bench.stage.grace, f"report {report.id}", space)
        bench.work_beside()

    bench.while_fetching(impatient)
    bench.work()

    assert files(bench.said(space)) == [CSV]
    assert "The file is posted once, in the thread of the person who asked first." in "".join(
        Heard(one).shown for one in bench.said(space) if one.card
    )
    assert [bench.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]

    bench.hears(bench.stage.grace, f"again {report.id}", space)
    bench.work()
    assert files(bench.said(space)) == [CSV, CSV]


@pytest.mark.parametrize("word", ["report", "again"])
def test_what_nobody_can_know_is_told_once_and_offered_again(bench: Workbench, word: str) -> None:
    """Outside of a thread a bot may not look: it must neither guess nor be silent."""
    space = bench.stage.group
    report = bench.stage.partner_report()
    root = bench.hears(bench.stage.ada, f"{word} {report.id}", space)
    bench.work(until=tasks.DELIVER)
    bench.world.delete(root, bench.stage.ada)
    # The first try, in the thread, is refused; the answer to the second one, beside it, is lost.
    bench.emulator.faults.add(method="POST", path="/v1/messages", cut="after", skip=1, times=1)

    bench.work()
    bench.wait(5)
    bench.wait(3600)

    assert bench.request().state is State.UNSURE
    assert len(files(bench.said(space))) == 1
    (told,) = [one for one in bench.said(space) if "Webex didn't confirm the delivery" in (one.text or "")]
    assert "ask again if it's missing" in (told.text or "")
    if word == "report":
        bench.pressed(bench.stage.ada, told, Heard(told).buttons["Send again"])
    else:
        bench.hears(bench.stage.ada, f"again {report.id}", space)
    bench.work()

    assert len(files(bench.said(space))) == 2


def test_a_download_that_breaks_off_is_downloaded_again(bench: Workbench) -> None:
    carded(bench)
    bench.emulator.faults.add(path="/api", host="download", cut="middle", times=2)

    bench.work()
    bench.wait(2)
    bench.wait(4)

    assert files(bench.said()) == [CSV]
    assert len(bench.said()) == 2, "card and file; a passing trouble is not talked about"


def test_webex_s_wish_to_wait_for_the_scan_is_kept(bench: Workbench) -> None:
    carded(bench, locked_times=1, retry_after="30")

    bench.work()
    bench.wait(29)
    assert bench.downloads == 1
    bench.wait(3)

    assert files(bench.said()) == [CSV]


@pytest.mark.parametrize("age", [0, 61])
def test_a_report_that_is_pending_again_is_watched_again(bench: Workbench, age: int) -> None:
    """Whether the details say so, or the download while those are fresh."""
    report = carded(bench)
    bench.world.set_report(report.id, status="In progress")
    bench.wait(age)
    assert bench.request().state is State.OPEN

    bench.world.set_report(report.id, status="done")
    bench.wait(11)

    assert files(bench.said()) == [CSV]


def test_trouble_without_end_is_given_up_and_said(bench: Workbench) -> None:
    """At its deadline, whatever Webex does then."""
    carded(bench)
    bench.emulator.faults.add(path="/v1/partner/reports/*", status=503)

    bench.wait(61)
    for _ in range(27):
        bench.wait(3600)
        bench.sweep.once()
        bench.work()

    assert bench.request().state is State.EXPIRED
    assert sentences.TROUBLE_TOO_LONG in words(bench.said())


def test_a_request_that_was_canceled_in_the_last_moment_is_not_posted(bench: Workbench) -> None:
    carded(bench)
    with bench.database.begin() as tx:
        assert requests.close(tx, bench.request(), State.CANCELED, bench.clock())

    bench.work()

    assert files(bench.said()) == []
    assert bench.downloads == 0


def test_a_request_can_be_canceled_while_its_file_is_downloaded(bench: Workbench) -> None:
    report = carded(bench)

    def cancel() -> None:
        assert bench.request().state is State.OPEN
        bench.hears(bench.stage.ada, f"cancel {report.id}")
        bench.work_beside()

    bench.while_fetching(cancel)
    bench.work()

    assert sentences.CANCELED in words(bench.said())
    assert files(bench.said()) == []
    assert bench.request().state is State.CANCELED
    assert bench.files_left == []


def test_a_request_cannot_be_canceled_once_a_part_of_its_file_is_posted(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)
    report = carded(bench, content=table(14_000))
    upload = bench.chat.upload

    def uploading(*args: Any, **more: Any) -> Any:
        posted = upload(*args, **more)
        bench.chat.upload = upload  # type: ignore[method-assign]
        bench.hears(bench.stage.ada, f"cancel {report.id}")
        bench.work_beside()
        return posted

    bench.chat.upload = uploading  # type: ignore[method-assign]
    bench.work()

    assert sentences.TOO_LATE in words(bench.said())
    assert len(files(bench.said())) > 1
    assert bench.request().state is State.DELIVERED


def test_who_comes_while_the_file_is_fetched_gets_the_same_file_and_hears_where_it_stands(bench: Workbench) -> None:
    report = carded(bench, bench.stage.group)

    def come() -> None:
        bench.hears(bench.stage.grace, f"report {report.id}")
        bench.work_beside()
        bench.hears(bench.stage.grace, f"why {report.id}")
        bench.work_beside()

    bench.while_fetching(come)
    bench.work()

    assert "The report is ready; downloading or posting its file." in words(bench.said(person=bench.stage.grace))
    assert files(bench.said(bench.stage.group)) == files(bench.said(person=bench.stage.grace)) == [CSV]
    assert bench.downloads == 1
    assert bench.request(2).state is State.DELIVERED
    assert (bench.report().file_size, bench.report().file_sha256) == (len(CSV), hashlib.sha256(CSV).hexdigest())


def test_who_comes_while_the_file_is_fetched_and_may_not_have_it_gets_none(bench: Workbench) -> None:
    report = carded(bench, bench.stage.group)

    def come() -> None:
        bench.hears(bench.stage.ada, f"again {report.id}", bench.stage.outside)
        bench.work_beside()

    bench.while_fetching(come)
    bench.work()

    assert files(bench.said(bench.stage.outside)) == []
    assert files(bench.said()) == [CSV], "1:1 instead"
    assert bench.downloads == 1


def test_who_comes_when_policy_cannot_be_asked_is_served_later(bench: Workbench) -> None:
    report = carded(bench)

    def come() -> None:
        bench.hears(bench.stage.ada, f"again {report.id}", bench.stage.group)
        bench.work_beside()
        bench.emulator.faults.add(method="GET", path="/v1/memberships", status=503, times=1)

    bench.while_fetching(come)
    ran = bench.work()

    assert [job.task for job in ran].count(tasks.DELIVER) == 2
    assert files(bench.said()) == files(bench.said(bench.stage.group)) == [CSV]
    assert bench.downloads == 1, "the file waits on the disk"


def test_a_second_request_shortly_after_does_not_download_again_while_the_first_still_waits(bench: Workbench) -> None:
    """One space cannot be posted to yet; a later request for the same report takes the file from our disk."""
    stage = bench.stage
    report = stage.partner_report()
    bench.hears(stage.ada, f"report {report.id}", stage.group)
    bench.work(until=tasks.DELIVER)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)
    bench.work()
    bench.hears(stage.grace, f"report {report.id}")

    bench.work()
    bench.wait(2)

    assert files(bench.said(stage.group)) == [CSV]
    assert files(bench.said(person=stage.grace)) == [CSV]
    assert bench.downloads == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_direct_space_that_has_another_id_by_now_is_found_by_the_person(bench: Workbench, status: int) -> None:
    carded(bench)
    bench.emulator.faults.add(method="POST", path="/v1/messages", status=status, times=1)

    bench.work()

    assert files(bench.said()) == [CSV]
    assert bench.request().state is State.DELIVERED


@pytest.mark.parametrize("how", ["at once", "while it is downloaded", "in parts"])
def test_a_space_that_takes_no_file_any_more_sends_it_to_the_person(
    bench: Workbench, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot is removed after the members were listed, and before the file is posted."""
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1 if how == "while it is downloaded" else len(CSV) + 1)
    if how == "in parts":
        monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)
    carded(bench, bench.stage.group, content=table(14_000) if how == "in parts" else CSV)
    send = bench.outbox.send

    def removed_first(*args: Any, **more: Any) -> Any:
        if not args[1].direct:
            bench.world.leave(bench.stage.group, bench.stage.bot)
            undo.undo()
        return send(*args, **more)

    with monkeypatch.context() as undo:
        undo.setattr(bench.outbox, "send", removed_first)
        bench.work()

    assert len(files(bench.said())) == (5 if how == "in parts" else 1)
    assert files(bench.said(bench.stage.group)) == []
    assert sentences.REMOVED in words(bench.said())
    assert (bench.request().state, bench.request().destination) == (State.DELIVERED, PERSON)


@pytest.mark.parametrize("how", ["an outsider joins", "the bot is removed"])
def test_of_a_file_in_parts_the_person_gets_all_when_it_goes_directly_from_the_second_on(
    bench: Workbench, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is deleted from the space, where the bot still may."""
    monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)
    carded(bench, bench.stage.group, content=table(14_000))
    upload = bench.chat.upload

    def changes_after_the_first(*args: Any, **more: Any) -> Any:
        posted = upload(*args, **more)
        bench.chat.upload = upload  # type: ignore[method-assign]
        if how == "an outsider joins":
            bench.world.join(bench.stage.group, bench.stage.ethan)
        else:
            bench.world.leave(bench.stage.group, bench.stage.bot)
        return posted

    bench.chat.upload = changes_after_the_first  # type: ignore[method-assign]
    bench.work()

    names = [one.files[0].name for one in bench.said() if one.files]
    assert [name.rpartition("part ")[2] for name in names] == [f"{number} of 5.zip" for number in range(1, 6)]
    assert len(files(bench.said(bench.stage.group))) == (0 if how == "an outsider joins" else 1)
    assert bench.request().state is State.DELIVERED
