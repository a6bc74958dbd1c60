"""A large file is uploaded while it is fetched: the outcome is the same, and nothing is posted that is not proved."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.files import streaming_upload
from bot.messages.file_message import CHECKSUM_DIFFERS as DIFFERS
from bot.queue import tasks
from bot.webex.growing_file import HELD_BACK

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

CONTENT = "Name,Minutes\r\n" + "Ada Lovelace,12\r\n" * (4 * HELD_BACK // 17)
LINE = f"{CONTENT.count(chr(10)) - 1:,} rows, 2 columns"


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", 1)


@pytest.fixture
def begun(stepped: SteppedBot) -> list[Any]:
    """Return every upload that was begun before its file was there."""
    found: list[Any] = []
    begin = stepped.chat.begin_upload

    def noted(*args: Any, **more: Any) -> Any:
        found.append(begin(*args, **more))
        return found[-1]

    stepped.chat.begin_upload = noted  # type: ignore[method-assign]
    return found


def ready(stepped: SteppedBot, space: Space | None = None, **report: Any) -> None:
    made = stepped.setup.partner_report(**{"content": CONTENT} | report)
    stepped.receive(stepped.setup.ada, f"report {made.id}", space)
    stepped.work(until=tasks.DELIVER)


def files(messages: list[Message]) -> list[bytes]:
    return [one.files[0].path.read_bytes() for one in messages if one.files]


def uploads(stepped: SteppedBot) -> int:
    return sum(call.method == "POST" and call.path.endswith("/messages") for call in stepped.emulator.calls)


def test_the_file_goes_on_while_it_comes_and_once(stepped: SteppedBot, begun: list[Any]) -> None:
    ready(stepped, stepped.setup.group)
    stepped.emulator.calls.clear()

    stepped.work()

    (message,) = [one for one in stepped.said(stepped.setup.group) if one.files]
    assert message.files[0].path.read_bytes() == CONTENT.encode("utf-8-sig")
    assert LINE in (message.text or "")
    assert (len(begun), uploads(stepped)) == (1, 1)
    assert stepped.request().state is State.DELIVERED
    assert stepped.files_left == []


def test_a_small_file_is_not_worth_it(stepped: SteppedBot, begun: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_upload, "WORTH_IT_FROM", len(CONTENT) + 100)
    ready(stepped)
    stepped.work()
    assert begun == []
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]


def test_a_host_that_does_not_say_the_length_is_waited_for(stepped: SteppedBot, begun: list[Any]) -> None:
    ready(stepped, without_length=True)
    stepped.work()
    assert begun == []
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]


def changing() -> Any:
    """Return a body that is another one at each download."""
    number = count(100)
    return lambda: iter([CONTENT.replace("Name", f"N{next(number)}").encode()])


@pytest.mark.parametrize("checksum", ["0" * 32, "0" * 40])
def test_the_same_twice_is_posted_once_by_the_second_upload(
    stepped: SteppedBot, begun: list[Any], checksum: str
) -> None:
    ready(stepped, stepped.setup.group, checksum=checksum)
    stepped.work()

    (message,) = [one for one in stepped.said(stepped.setup.group) if one.files]
    assert message.files[0].path.read_bytes() == CONTENT.encode("utf-8-sig")
    assert LINE in (message.text or "")
    assert DIFFERS in (message.text or "")
    assert (len(begun), stepped.downloads) == (2, 2)
    assert begun[0]._growing.abandoned
    assert not begun[1]._growing.abandoned
    assert stepped.request().state is State.DELIVERED


def test_an_upload_of_a_download_that_was_not_taken_cannot_be_finished(stepped: SteppedBot, begun: list[Any]) -> None:
    """The host does not tell the size of the second one, so that is posted from the disk."""
    fetch = stepped.files.download

    def once_with_its_size(*args: Any, **more: Any) -> Any:
        if more["twin"]:
            more["begun"] = None
        return fetch(*args, **more)

    stepped.files.download = once_with_its_size  # type: ignore[method-assign]
    ready(stepped, checksum="0" * 32)
    stepped.work()
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]
    assert len(begun) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"checksum": "0" * 32, "content": changing(), "size": len(CONTENT)},
        {"claimed_length": len(CONTENT) + 10_000},
    ],
    ids=["another file each time", "cut short"],
)
def test_a_file_that_is_not_proved_is_never_posted(stepped: SteppedBot, begun: list[Any], how: dict[str, Any]) -> None:
    ready(stepped, **how)
    with suppress(AssertionError):  # a file that is cut short is tried again and again
        stepped.work()
    assert begun
    assert files(stepped.said()) == []
    for one in begun:
        one._thread.join(10)
        assert not one._thread.is_alive()


def test_somebody_external_who_joins_while_it_is_on_its_way_does_not_get_it(
    stepped: SteppedBot, begun: list[Any]
) -> None:
    ready(stepped, stepped.setup.group)
    fetch = stepped.files.download

    def slow(*args: Any, **more: Any) -> Any:
        held = fetch(*args, **more)
        stepped.world.join(stepped.setup.group, stepped.setup.ethan)
        return held

    stepped.files.download = slow  # type: ignore[method-assign]

    stepped.work()

    assert len(begun) == 1
    assert files(stepped.said(stepped.setup.group)) == []
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]


def test_an_upload_that_fails_on_the_way_is_made_from_the_disk(stepped: SteppedBot, begun: list[Any]) -> None:
    """Webex refuses it at once; the file is there a moment later, and is posted by the next try."""
    ready(stepped)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=503, times=1)
    stepped.work()
    stepped.wait(5)
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]
    assert len(begun) == 1, "the next try had it on the disk"


def test_a_lost_answer_is_looked_for_and_nothing_is_posted_twice(stepped: SteppedBot, begun: list[Any]) -> None:
    ready(stepped)
    stepped.emulator.faults.add(method="POST", path="/v1/messages", cut="after", times=1)
    stepped.work()
    stepped.wait(5)
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]
    assert stepped.request().state is State.DELIVERED


def test_the_others_who_wait_get_it_from_the_disk(stepped: SteppedBot, begun: list[Any]) -> None:
    made = stepped.setup.partner_report(content=CONTENT)
    stepped.receive(stepped.setup.ada, f"report {made.id}", stepped.setup.group)
    stepped.receive(stepped.setup.ada, f"report {made.id}")
    stepped.work()
    whole = [CONTENT.encode("utf-8-sig")]
    assert (files(stepped.said(stepped.setup.group)), files(stepped.said())) == (whole, whole)
    assert stepped.downloads == 1
    assert len(begun) == 1


@pytest.mark.parametrize("point", range(1, 15))
def test_killed_at_any_point_it_is_posted_once(stepped: SteppedBot, point: int) -> None:
    """Killed between any two steps, also with an upload half-way, a new process goes on and posts one file."""
    ready(stepped)
    stepped.work_until_killed(point)
    stepped.wait(5)
    assert files(stepped.said()) == [CONTENT.encode("utf-8-sig")]
    assert stepped.request().state is State.DELIVERED
