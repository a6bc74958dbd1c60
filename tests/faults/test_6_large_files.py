"""A file that is larger than Webex takes arrives all the same: zipped, or in numbered parts of whole rows."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from bot.db.requests import State
from bot.messages.file_message import CHECKSUM_DIFFERS
from bot.queue import tasks
from bot.reports import deliver

if TYPE_CHECKING:
    from bot.emulator.things import Message, Space
    from tests.stepped_bot import SteppedBot

LIMIT = 300_000
HEADER = ["Name", "Key", "Note"]
STEM = "Calls 2026-01-01 2026-01-31"
"""The report's title and period."""


def table(rows: int, *, plain: bool = False) -> str:
    """Rows that a zip makes half as small, or (``plain``) hardly anything; some notes have lines and quotes."""
    chance = random.Random(7)
    out = io.StringIO()
    written = csv.writer(out)
    written.writerow(HEADER)
    for number in range(rows):
        key = "0" * 40 if plain else f"{chance.getrandbits(160):040x}"
        written.writerow([f"Ada {number}", key, 'two\nlines, "quoted"' if number % 9 == 0 else "one"])
    return out.getvalue()


@pytest.fixture(autouse=True)
def _small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "MAX_POSTED", LIMIT)


def ready(stepped: SteppedBot, space: Space | None = None, **report: Any) -> None:
    made = stepped.setup.partner_report(title="Calls", **report)
    stepped.receive(stepped.setup.ada, f"report {made.id}", space)
    stepped.work(until=tasks.DELIVER)


def posts(messages: list[Message]) -> list[Message]:
    return [one for one in messages if one.files]


def rows_of(message: Message) -> list[list[str]]:
    """Return the rows of a posted zip's CSV, header and all."""
    (file,) = message.files
    assert file.size <= LIMIT
    with zipfile.ZipFile(file.path) as archive:
        (name,) = archive.namelist()
        assert name == f"{file.name.removesuffix('.zip').partition(' of ')[0]}.csv"
        return list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))


def test_a_csv_that_is_too_large_comes_as_a_zip(stepped: SteppedBot) -> None:
    content = table(9000, plain=True)
    ready(stepped, content=content)

    stepped.work()

    (message,) = posts(stepped.said())
    assert message.files[0].name == f"{STEM}.zip"
    assert rows_of(message) == list(csv.reader(io.StringIO(content, newline="")))
    assert "9,000 rows, 3 columns" in (message.text or "")
    assert "so I compressed it to" in (message.text or "")
    assert stepped.files_left == []


@pytest.mark.parametrize("as_zip", [False, True])
def test_what_is_too_large_as_a_zip_too_comes_in_parts(stepped: SteppedBot, as_zip: bool) -> None:
    content = table(20_000)
    ready(stepped, stepped.setup.group, content=content, as_zip=as_zip)

    stepped.work()

    parts = posts(stepped.said(stepped.setup.group))
    assert len(parts) >= 2
    assert [part.files[0].name for part in parts] == [
        f"{STEM} part {number} of {len(parts)}.zip" for number in range(1, len(parts) + 1)
    ]
    assert all(rows_of(part)[0] == HEADER for part in parts)
    joined = [HEADER, *(row for part in parts for row in rows_of(part)[1:])]
    assert joined == list(csv.reader(io.StringIO(content, newline="")))
    said = [part.text or "" for part in parts]
    assert "too large for a Webex message" in said[0]
    assert f"To join the {len(parts)} parts" in said[0]
    assert all(f"part {number} of {len(parts)}" in one for number, one in enumerate(said, 1))
    assert len({part.parent_id for part in parts}) == 1, "all in the asker's thread"
    assert stepped.request().state is State.DELIVERED
    assert stepped.files_left == []


def test_the_first_part_says_that_the_checksum_fits_nothing(stepped: SteppedBot) -> None:
    ready(stepped, content=table(20_000), checksum="0" * 64)

    stepped.work()

    first, *rest = [part.text or "" for part in posts(stepped.said())]
    assert CHECKSUM_DIFFERS in first
    assert rest
    assert not any(CHECKSUM_DIFFERS in one for one in rest)
    assert stepped.downloads == 2


def test_a_part_that_webex_does_not_take_is_said_to_be_missing(stepped: SteppedBot) -> None:
    """The one that is there is not the whole report, and nobody may take it for that."""
    ready(stepped, content=table(20_000))
    stepped.emulator.faults.add(method="POST", path="/v1/messages", status=413, skip=1, times=1)

    stepped.work()

    assert len(posts(stepped.said())) == 1
    (card,) = [one for one in stepped.said() if one.card]
    assert "isn't complete: 1 of its" in str(card.card)
    assert "Run the report for a shorter period." in str(card.card)
    stepped.receive(stepped.setup.ada, f"why {stepped.request().reference}")
    stepped.work()
    (why,) = [str(one.card) for one in stepped.said() if one.card and " asked " in str(one.card)]
    assert "1 of its" in why
    assert "open message" in why


def test_a_row_that_is_larger_than_any_report_s_is_said(stepped: SteppedBot) -> None:
    chance = random.Random(1)
    key = "".join(f"{chance.getrandbits(64):x}" for _ in range(70_000))
    ready(stepped, content=f"Name,Key\r\nAda,{key}\r\n")

    stepped.work()

    assert posts(stepped.said()) == []
    said = " ".join(one.text or "" for one in stepped.said())
    assert "can't be split" in said
    assert "shorter period" in said
    assert stepped.request().state is State.FAILED
    assert stepped.files_left == []


def test_somebody_external_who_joins_between_two_parts_sees_no_more_of_them(stepped: SteppedBot) -> None:
    """The asker gets all of them 1:1, and the one that stands in the space goes."""
    ready(stepped, stepped.setup.group, content=table(20_000))
    upload = stepped.chat.upload

    def joined_after(*args: Any, **more: Any) -> Any:
        done = upload(*args, **more)
        if not stepped.world.is_member(stepped.setup.group.id, stepped.setup.ethan.id):
            stepped.world.join(stepped.setup.group, stepped.setup.ethan)
        return done

    stepped.chat.upload = joined_after  # type: ignore[method-assign]

    stepped.work()

    assert posts(stepped.said(stepped.setup.group)) == []
    there = posts(stepped.said())
    assert there[0].files[0].name == f"{STEM} part 1 of {len(there)}.zip"
    assert stepped.request().state is State.DELIVERED


@pytest.mark.parametrize("point", range(1, 24))
def test_killed_between_any_two_steps_every_part_is_posted_once(stepped: SteppedBot, point: int) -> None:
    ready(stepped, content=table(14_000))
    stepped.work_until_killed(point)
    stepped.wait(5)
    names = [part.files[0].name for part in posts(stepped.said())]
    assert len(names) >= 2
    assert names == [f"{STEM} part {number} of {len(names)}.zip" for number in range(1, len(names) + 1)]
    assert stepped.request().state is State.DELIVERED
