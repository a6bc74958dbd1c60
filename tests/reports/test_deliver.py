"""The file: what happens between a report that is done and its file in the space."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from bot.db import requests
from bot.db.one_at_a_time import BusyElsewhere
from bot.db.requests import PERSON, State
from bot.errors import WebexError
from bot.files import streaming_upload
from bot.messages import sentences
from bot.messages.file_message import CHECKSUM_DIFFERS as DIFFERS
from bot.queue import tasks
from bot.reports import deliver
from bot.reports.thread import Thread
from tests.faults.test_6_large_files import LIMIT, table
from tests.live_bot import CSV, BotMessage

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

POST_MESSAGE: dict[str, Any] = {"method": "POST", "path": "/v1/messages"}


def carded(stepped: SteppedBot, space: Space | None = None, **report: Any) -> Any:
    """A done report that Ada asked for, up to its card: the file is about to be fetched."""
    made = stepped.setup.partner_report(**report)
    stepped.receive(stepped.setup.ada, f"report {made.id}", space)
    stepped.work(until=tasks.DELIVER)
    return made


def files(messages: list[Message]) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in messages if one.files]


def words(messages: list[Message]) -> str:
    return "\n".join(one.text or "" for one in messages)


@pytest.mark.parametrize("age", [0, 61])
def test_the_steps_come_in_order(stepped: SteppedBot, age: int) -> None:
    """Details again when they are old, the download, policy, the post; the file is removed afterwards."""
    report = carded(stepped, stepped.setup.group)
    stepped.emulator.calls.clear()

    stepped.wait(age)

    steps = [f"{call.method} {call.path.rsplit('/', 1)[-1]}" for call in stepped.emulator.calls]
    fetched = [f"GET {report.id}"] if age else []
    assert steps == [*fetched, "GET api", "GET memberships", "POST messages"]
    assert stepped.request().state is State.DELIVERED
    assert files(stepped.said(stepped.setup.group)) == [CSV]
    assert stepped.files_left == []


def test_an_outsider_joins_while_the_file_is_fetched(stepped: SteppedBot) -> None:
    """Policy is asked right before the post, not only before the download."""
    carded(stepped, stepped.setup.group)
    stepped.while_fetching(lambda: stepped.world.join(stepped.setup.group, stepped.setup.ethan))

    stepped.work()

    assert files(stepped.said(stepped.setup.group)) == []
    assert files(stepped.said()) == [CSV]


def test_a_role_that_was_lost_meanwhile_is_refused(stepped: SteppedBot) -> None:
    report = stepped.setup.partner_report()
    stepped.receive(stepped.setup.grace, f"report {report.id}", stepped.setup.group)
    stepped.work(until=tasks.DELIVER)
    stepped.setup.grace.roles.clear()

    stepped.wait(301)  # roles are believed for five minutes

    assert stepped.request().state is State.REFUSED
    assert "Only Webex administrators can get this report." in words(stepped.said(stepped.setup.group))
    assert files(stepped.said(stepped.setup.group) + stepped.said()) == []
    assert stepped.downloads == 0


def test_the_link_is_fresh(stepped: SteppedBot) -> None:
    """The link of the card has long expired when the file is fetched: details are asked for again."""
    carded(stepped, link_seconds=60.0)

    stepped.wait(3600)

    assert files(stepped.said()) == [CSV]


def test_a_web_page_is_never_posted_as_a_report(stepped: SteppedBot) -> None:
    carded(stepped, html_error=True)

    stepped.work()

    assert files(stepped.said()) == []
    assert "web page instead of the report" in words(stepped.said())
    assert stepped.request().state is State.FAILED


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"infected": True}, "a scan flagged it"),
        ({"unscannable": True}, "is ready, but Webex couldn't scan it for malware, so I didn't download it."),
        ({"redirect_to": "http://evil.example/steal"}, "isn't encrypted (https)"),
        ({"redirect_to": "https://169.254.169.254/latest"}, "isn't known to be a public address"),
        ({"redirect_to": "https://localhost/x"}, "“localhost”"),
    ],
)
def test_a_file_that_may_not_be_posted_is_told_once(stepped: SteppedBot, how: dict[str, Any], said: str) -> None:
    carded(stepped, **how)

    stepped.work()

    assert files(stepped.said()) == []
    assert words(stepped.said()).count(said) == 1
    assert stepped.files_left == []


def changing(*bodies: bytes) -> dict[str, Any]:
    """A report whose file is another one at each download, of one size, with a checksum of none of them."""
    come = iter(bodies)
    return {"content": lambda: iter([next(come)]), "size": len(bodies[0]), "checksum": "0" * 32}


def test_a_file_that_differs_at_each_download_is_refused(stepped: SteppedBot) -> None:
    carded(stepped, **changing(CSV, CSV.replace(b"12", b"13")))

    stepped.work()

    assert files(stepped.said()) == []
    assert words(stepped.said()).count("does not match the report's checksum") == 1
    assert stepped.request().state is State.FAILED
    assert stepped.downloads == 2
    assert stepped.files_left == []


def test_a_file_that_was_changed_on_its_way_is_fetched_once_more(stepped: SteppedBot) -> None:
    carded(stepped, **changing(CSV.replace(b"12", b"13"), CSV) | {"checksum": hashlib.md5(CSV).hexdigest()})

    stepped.work()

    assert files(stepped.said()) == [CSV]
    assert DIFFERS not in words(stepped.said())


@pytest.mark.parametrize("as_zip", [False, True])
def test_the_same_file_twice_is_posted_though_the_checksum_fits_nothing(stepped: SteppedBot, as_zip: bool) -> None:
    carded(stepped, stepped.setup.group, checksum="0" * 64, as_zip=as_zip)

    stepped.work()

    (message,) = [one for one in stepped.said(stepped.setup.group) if one.files]
    assert message.files[0].name.endswith("zip" if as_zip else "csv")
    assert message.text
    assert message.text.splitlines()[1:] == [DIFFERS]
    assert "2 rows, 2 columns" in message.text
    assert stepped.downloads == 2
    assert stepped.request().state is State.DELIVERED
    assert stepped.files_left == []


def test_what_is_said_of_its_checksum_is_said_too_by_a_later_try(stepped: SteppedBot) -> None:
    carded(stepped, checksum="0" * 64, as_zip=True)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)

    stepped.work()
    stepped.wait(5)

    assert words(stepped.said()).count(DIFFERS) == 1
    assert stepped.downloads == 2, "the file was on the disk"


def test_a_new_link_is_asked_for_before_the_second_download(stepped: SteppedBot) -> None:
    """The first one may serve but once."""
    carded(stepped, checksum="0" * 64)
    asked = stepped.calls("GET", "/v1/partner/reports/*")

    stepped.work()

    links = [call.query for call in stepped.emulator.calls if call.host == "download"]
    assert len(links) == 2
    assert stepped.calls("GET", "/v1/partner/reports/*") > asked


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
    stepped: SteppedBot, status: int, told: str
) -> None:
    carded(stepped)
    times = 3 if status == 403 else 1  # the person's ID is tried when the space is closed: its card, then its file
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=status, times=times)

    stepped.work()
    stepped.wait(10)

    shown = re.sub(r" \(“.*?”\)| \(Webex tracking ID \S+?\)| Webex tracking ID: \S+", "", words(stepped.said()))
    assert "is ready, but Webex" in shown
    assert told in shown


def test_a_file_that_cannot_be_cut_to_webex_s_limit_is_said(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", len(CSV) - 1)
    carded(stepped, stepped.setup.group)

    stepped.work()

    said = words(stepped.said(stepped.setup.group))
    assert f"is {len(CSV)} bytes, Webex accepts at most {len(CSV) - 1} bytes per message, and it can't be" in said
    assert files(stepped.said(stepped.setup.group)) == []
    assert stepped.request().state is State.FAILED
    assert stepped.files_left == []


def test_the_bot_is_removed_from_the_space(stepped: SteppedBot) -> None:
    """The person is told directly and gets the file there; another space that waits is served all the same."""
    live = stepped.setup
    report = live.partner_report()
    other = stepped.world.add_space("Other", [live.ada, live.grace, live.bot])
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.receive(live.grace, f"report {report.id}", other)
    stepped.work(until=tasks.DELIVER)
    stepped.world.leave(live.group, live.bot)

    stepped.work()

    assert "in the space where you asked" in words(stepped.said())
    assert files(stepped.said()) == [CSV]
    assert files(stepped.said(other)) == [CSV]
    assert [stepped.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]


def test_a_space_whose_members_cannot_be_read_now_delays_only_itself(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report()
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.receive(live.grace, f"report {report.id}")
    stepped.work(until=tasks.DELIVER)
    stepped.emulator.faults.add(method="GET", path="/v1/memberships", status=502, times=1)

    stepped.work()

    assert files(stepped.said(person=live.grace)) == [CSV]
    assert files(stepped.said(live.group)) == []
    stepped.wait(2)
    assert files(stepped.said(live.group)) == [CSV]
    assert stepped.downloads == 1


@pytest.mark.parametrize("status", [423, 429, 503])
def test_an_upload_that_is_refused_for_now_is_posted_once_and_downloaded_once(stepped: SteppedBot, status: int) -> None:
    carded(stepped, stepped.setup.group)
    stepped.emulator.faults.add(
        method="POST", path="/v1/messages", status=status, headers={"Retry-After": "20"}, times=1
    )

    stepped.work()
    assert files(stepped.said(stepped.setup.group)) == []
    assert 20 <= (stepped.next_wait() or 0) < 22
    stepped.wait(19)
    assert files(stepped.said(stepped.setup.group)) == []
    stepped.wait(3)

    assert files(stepped.said(stepped.setup.group)) == [CSV]
    assert stepped.downloads == 1


@pytest.mark.threads_listed
@pytest.mark.parametrize("where", ["group", "direct"])
def test_the_lost_answer_of_an_upload_is_looked_for_and_not_posted_twice(stepped: SteppedBot, where: str) -> None:
    space = stepped.setup.group if where == "group" else None
    carded(stepped, space)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)

    stepped.work()
    stepped.wait(5)

    assert files(stepped.said(space)) == [CSV]
    assert stepped.request().state is State.DELIVERED
    assert stepped.downloads == 1


def test_who_asks_again_in_the_same_place_while_the_file_is_fetched_gets_it_with_who_asked_first(
    stepped: SteppedBot,
) -> None:
    """A person who sees nothing happen for a while asks again; that is no wish for a second copy, as "again" is."""
    space = stepped.setup.group
    report = carded(stepped, space)

    def impatient() -> None:
        stepped.receive(stepped.setup.grace, f"report {report.id}", space)
        stepped.work_beside()

    stepped.while_fetching(impatient)
    stepped.work()

    assert files(stepped.said(space)) == [CSV]
    assert "The file is posted once, in the thread of the person who asked first." in "".join(
        BotMessage(one).shown for one in stepped.said(space) if one.card
    )
    assert [stepped.request(number).state for number in (1, 2)] == [State.DELIVERED, State.DELIVERED]

    stepped.receive(stepped.setup.grace, f"again {report.id}", space)
    stepped.work()
    assert files(stepped.said(space)) == [CSV, CSV]


@pytest.mark.parametrize("word", ["report", "again"])
def test_what_nobody_can_know_is_told_once_and_offered_again(stepped: SteppedBot, word: str) -> None:
    """Outside of a thread a bot may not look: it must neither guess nor be silent."""
    space = stepped.setup.group
    report = stepped.setup.partner_report()
    root = stepped.receive(stepped.setup.ada, f"{word} {report.id}", space)
    stepped.work(until=tasks.DELIVER)
    stepped.world.delete(root, stepped.setup.ada)
    # The first try, in the thread, is refused; the answer to the second one, beside it, is lost.
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut="after", skip=1, times=1)

    stepped.work()
    stepped.wait(5)
    stepped.wait(3600)

    assert stepped.request().state is State.UNSURE
    assert len(files(stepped.said(space))) == 1
    (told,) = [one for one in stepped.said(space) if "Webex didn't confirm the delivery" in (one.text or "")]
    assert "ask again if it's missing" in (told.text or "")
    if word == "report":
        stepped.pressed(stepped.setup.ada, told, BotMessage(told).buttons["Send again"])
    else:
        stepped.receive(stepped.setup.ada, f"again {report.id}", space)
    stepped.work()

    assert len(files(stepped.said(space))) == 2


def test_a_download_that_breaks_off_is_downloaded_again(stepped: SteppedBot) -> None:
    carded(stepped)
    stepped.emulator.faults.add(path="/api", host="download", cut="middle", times=2)

    stepped.work()
    stepped.wait(2)
    stepped.wait(4)

    assert files(stepped.said()) == [CSV]
    assert len(stepped.said()) == 2, "card and file; a passing trouble is not talked about"


def test_webex_s_wish_to_wait_for_the_scan_is_kept(stepped: SteppedBot) -> None:
    carded(stepped, locked_times=1, retry_after="30")

    stepped.work()
    stepped.wait(29)
    assert stepped.downloads == 1
    stepped.wait(3)

    assert files(stepped.said()) == [CSV]


@pytest.mark.parametrize("age", [0, 61])
def test_a_report_that_is_pending_again_is_watched_again(stepped: SteppedBot, age: int) -> None:
    """Whether the details say so, or the download while those are fresh."""
    report = carded(stepped)
    stepped.world.set_report(report.id, status="In progress")
    stepped.wait(age)
    assert stepped.request().state is State.OPEN

    stepped.world.set_report(report.id, status="done")
    stepped.wait(11)

    assert files(stepped.said()) == [CSV]


def test_trouble_without_end_is_given_up_and_said(stepped: SteppedBot) -> None:
    """At its deadline, whatever Webex does then."""
    carded(stepped)
    stepped.emulator.faults.add(path="/v1/partner/reports/*", status=503)

    stepped.wait(61)
    for _ in range(27):
        stepped.wait(3600)
        stepped.sweep.once()
        stepped.work()

    assert stepped.request().state is State.EXPIRED
    assert sentences.TROUBLE_TOO_LONG in words(stepped.said())


def test_a_request_that_was_canceled_in_the_last_moment_is_not_posted(stepped: SteppedBot) -> None:
    carded(stepped)
    with stepped.database.begin() as tx:
        assert requests.close(tx, stepped.request(), State.CANCELED, stepped.clock())

    stepped.work()

    assert files(stepped.said()) == []
    assert stepped.downloads == 0


def test_a_request_can_be_canceled_while_its_file_is_downloaded(stepped: SteppedBot) -> None:
    report = carded(stepped)

    def cancel() -> None:
        assert stepped.request().state is State.OPEN
        stepped.receive(stepped.setup.ada, f"cancel {report.id}")
        stepped.work_beside()

    stepped.while_fetching(cancel)
    stepped.work()

    assert sentences.CANCELED in words(stepped.said())
    assert files(stepped.said()) == []
    assert stepped.request().state is State.CANCELED
    assert stepped.files_left == []


def test_a_request_cannot_be_canceled_once_a_part_of_its_file_is_posted(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)
    report = carded(stepped, content=table(14_000))
    upload = stepped.chat.upload

    def uploading(*args: Any, **more: Any) -> Any:
        posted = upload(*args, **more)
        stepped.chat.upload = upload  # type: ignore[method-assign]
        stepped.receive(stepped.setup.ada, f"cancel {report.id}")
        stepped.work_beside()
        return posted

    stepped.chat.upload = uploading  # type: ignore[method-assign]
    stepped.work()

    assert sentences.TOO_LATE in words(stepped.said())
    assert len(files(stepped.said())) > 1
    assert stepped.request().state is State.DELIVERED


def test_who_comes_while_the_file_is_fetched_gets_the_same_file_and_hears_where_it_stands(stepped: SteppedBot) -> None:
    report = carded(stepped, stepped.setup.group)

    def come() -> None:
        stepped.receive(stepped.setup.grace, f"report {report.id}")
        stepped.work_beside()
        stepped.receive(stepped.setup.grace, f"why {report.id}")
        stepped.work_beside()

    stepped.while_fetching(come)
    stepped.work()

    assert "downloading or posting the file" in words(stepped.said(person=stepped.setup.grace))
    assert files(stepped.said(stepped.setup.group)) == files(stepped.said(person=stepped.setup.grace)) == [CSV]
    assert stepped.downloads == 1
    assert stepped.request(2).state is State.DELIVERED
    assert (stepped.report().file_size, stepped.report().file_sha256) == (len(CSV), hashlib.sha256(CSV).hexdigest())


def test_who_comes_while_the_file_is_fetched_and_may_not_have_it_gets_none(stepped: SteppedBot) -> None:
    report = carded(stepped, stepped.setup.group)

    def come() -> None:
        stepped.receive(stepped.setup.ada, f"again {report.id}", stepped.setup.outside)
        stepped.work_beside()

    stepped.while_fetching(come)
    stepped.work()

    assert files(stepped.said(stepped.setup.outside)) == []
    assert files(stepped.said()) == [CSV], "1:1 instead"
    assert stepped.downloads == 1


def test_who_comes_when_policy_cannot_be_asked_is_served_later(stepped: SteppedBot) -> None:
    report = carded(stepped)

    def come() -> None:
        stepped.receive(stepped.setup.ada, f"again {report.id}", stepped.setup.group)
        stepped.work_beside()
        stepped.emulator.faults.add(method="GET", path="/v1/memberships", status=503, times=1)

    stepped.while_fetching(come)
    ran = stepped.work()

    assert [job.task for job in ran].count(tasks.DELIVER) == 2
    assert files(stepped.said()) == files(stepped.said(stepped.setup.group)) == [CSV]
    assert stepped.downloads == 1, "the file waits on the disk"


def test_a_second_request_shortly_after_does_not_download_again_while_the_first_still_waits(
    stepped: SteppedBot,
) -> None:
    """One space cannot be posted to yet; a later request for the same report takes the file from our disk."""
    live = stepped.setup
    report = live.partner_report()
    stepped.receive(live.ada, f"report {report.id}", live.group)
    stepped.work(until=tasks.DELIVER)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)
    stepped.work()
    stepped.receive(live.grace, f"report {report.id}")

    stepped.work()
    stepped.wait(2)

    assert files(stepped.said(live.group)) == [CSV]
    assert files(stepped.said(person=live.grace)) == [CSV]
    assert stepped.downloads == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_direct_space_that_has_another_id_by_now_is_found_by_the_person(stepped: SteppedBot, status: int) -> None:
    carded(stepped)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=status, times=1)

    stepped.work()

    assert files(stepped.said()) == [CSV]
    assert stepped.request().state is State.DELIVERED


@pytest.mark.parametrize("how", ["at once", "while it is downloaded", "in parts"])
def test_a_space_that_takes_no_file_any_more_sends_it_to_the_person(
    stepped: SteppedBot, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot is removed after the members were listed, and before the file is posted."""
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1 if how == "while it is downloaded" else len(CSV) + 1)
    if how == "in parts":
        monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)
    carded(stepped, stepped.setup.group, content=table(14_000) if how == "in parts" else CSV)
    send = stepped.outbox.send

    def removed_first(*args: Any, **more: Any) -> Any:
        if not args[1].direct:
            stepped.world.leave(stepped.setup.group, stepped.setup.bot)
            undo.undo()
        return send(*args, **more)

    with monkeypatch.context() as undo:
        undo.setattr(stepped.outbox, "send", removed_first)
        stepped.work()

    assert len(files(stepped.said())) == (5 if how == "in parts" else 1)
    assert files(stepped.said(stepped.setup.group)) == []
    assert sentences.REMOVED in words(stepped.said())
    assert (stepped.request().state, stepped.request().destination) == (State.DELIVERED, PERSON)


@pytest.mark.parametrize("how", ["an outsider joins", "the bot is removed"])
def test_of_a_file_in_parts_the_person_gets_all_when_it_goes_directly_from_the_second_on(
    stepped: SteppedBot, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is deleted from the space, where the bot still may."""
    monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)
    carded(stepped, stepped.setup.group, content=table(14_000))
    upload = stepped.chat.upload

    def changes_after_the_first(*args: Any, **more: Any) -> Any:
        posted = upload(*args, **more)
        stepped.chat.upload = upload  # type: ignore[method-assign]
        if how == "an outsider joins":
            stepped.world.join(stepped.setup.group, stepped.setup.ethan)
        else:
            stepped.world.leave(stepped.setup.group, stepped.setup.bot)
        return posted

    stepped.chat.upload = changes_after_the_first  # type: ignore[method-assign]
    stepped.work()

    names = [one.files[0].name for one in stepped.said() if one.files]
    assert [name.rpartition("part ")[2] for name in names] == [f"{number} of 5.zip" for number in range(1, 6)]
    assert len(files(stepped.said(stepped.setup.group))) == (0 if how == "an outsider joins" else 1)
    assert stepped.request().state is State.DELIVERED


def test_the_file_waits_for_its_card_while_webex_takes_neither(stepped: SteppedBot) -> None:
    """The sweep has it delivered before the card was tried again, and Webex's pause ends between the two calls."""
    post = stepped.chat.post
    stepped.emulator.faults.add(**POST_MESSAGE, status=429, headers={"Retry-After": "40"}, times=1)
    stepped.receive(stepped.setup.ada, f"report {stepped.setup.partner_report('Calling Usage').id}")
    stepped.work()
    assert stepped.said() == []

    def refused_at_the_end_of_the_pause(*args: Any, **more: Any) -> Any:
        try:
            return post(*args, **more)
        except WebexError:
            stepped.clock.turn(30)
            raise

    stepped.chat.post = refused_at_the_end_of_the_pause  # type: ignore[method-assign]
    stepped.sweep.once()
    stepped.wait(20)
    stepped.wait(60)

    card, file = stepped.said()
    assert card.card is not None
    assert files([file]) == [CSV]
    assert stepped.downloads == 1


def test_the_file_waits_while_another_machine_posts_its_card(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    carded(stepped)
    busy = [BusyElsewhere("another machine has it")]

    def sync(self: Thread, *args: Any, **more: Any) -> None:
        if busy:
            raise busy.pop()
        now(self, *args, **more)

    now = Thread.sync
    monkeypatch.setattr(Thread, "sync", sync)
    stepped.work()
    assert files(stepped.said()) == []

    stepped.wait(5)
    assert files(stepped.said()) == [CSV]
    assert stepped.downloads == 1
