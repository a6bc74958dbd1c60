"""A space chooses its time zone, the format of its files and where answers stand; each person, for their 1:1 space."""

from __future__ import annotations

import io
import random
import zipfile
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.chat.time_zones import zone_named, zones_near
from bot.db import space_settings
from bot.files import formats, storage
from bot.reports import deliver
from tests.files.xlsx import cells
from tests.live_bot import CSV, actions_of, texts_of

if TYPE_CHECKING:
    from pathlib import Path

    from bot.emulator.things import Message, Person, Space
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot


def say(stepped: SteppedBot, person: Person, words: str, space: Space | None = None) -> Message:
    """Write something, and return the bot's last message in that space."""
    stepped.receive(person, words, space)
    stepped.work()
    return stepped.said(space, person=None if space else person)[-1]


def shown(message: Message) -> str:
    return "\n".join([message.markdown or message.text or "", *texts_of(message.card)])


def posted(stepped: SteppedBot, space: Space | None = None, person: Person | None = None) -> list[Message]:
    return [one for one in stepped.said(space, person=person) if one.files]


def content_of(message: Message) -> bytes:
    return message.files[0].path.read_bytes()


@pytest.mark.parametrize("family", ["partner", "organization"])
@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("in_group", [True, False])
@pytest.mark.parametrize("wanted", ["csv", "zip", "xlsx", "original"])
def test_a_file_comes_in_the_format_of_the_space(
    stepped: SteppedBot, family: str, as_zip: bool, in_group: bool, wanted: str
) -> None:
    live = stepped.setup
    space, person = (live.group, None) if in_group else (None, live.ada)
    make = live.partner_report if family == "partner" else live.organization_report
    report = make(as_zip=as_zip)
    say(stepped, live.ada, f"settings format {wanted}", space)
    say(stepped, live.ada, f"report {report.id}", space)

    (file,) = posted(stepped, space, person)
    content, name = content_of(file), file.files[0].name
    kind = ("zip" if as_zip else "csv") if wanted == "original" else wanted
    assert name.endswith(f".{kind}")
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    if kind == "xlsx":
        assert cells(content)["A2"][1] == CSV.decode("utf-8-sig").splitlines()[1].split(",")[0]
    else:
        assert content == CSV
    assert "rows" in shown(file) or "row," in shown(file)
    assert "Too large" not in shown(file)
    assert stepped.files_left == []


@pytest.mark.parametrize(("wanted", "kind"), [("xlsx", "xlsx"), ("original", "")])
def test_the_name_on_the_card_is_that_of_the_posted_file(stepped: SteppedBot, wanted: str, kind: str) -> None:
    live = stepped.setup
    report = live.partner_report(file_name="2026_usage.csv")
    say(stepped, live.ada, f"settings format {wanted}")
    say(stepped, live.ada, f"report {report.id}")

    (file,) = posted(stepped, person=live.ada)
    (card,) = [one for one in stepped.said(person=live.ada) if one.card and "● Ready" in shown(one)]
    name = file.files[0].name
    assert f"File: {name if kind else name.removesuffix('.zip').removesuffix('.csv')}" in shown(card)
    again = say(stepped, live.ada, f"why {report.id}")
    assert ("→ file posted" in shown(again)) is (wanted == "xlsx")


def test_one_report_comes_to_two_spaces_in_the_format_of_each(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report(status="running", as_zip=True)
    say(stepped, live.ada, "settings format xlsx", live.group)
    say(stepped, live.ada, f"report {report.id}", live.group)
    say(stepped, live.ada, f"report {report.id}")
    stepped.world.reports[report.id].status = "done"
    stepped.wait(60)

    assert [one.files[0].name[-5:] for one in posted(stepped, live.group)] == [".xlsx"]
    assert [one.files[0].name[-4:] for one in posted(stepped, person=live.ada)] == [".zip"]
    assert stepped.downloads == 1


def test_a_large_file_in_another_format_is_posted_from_the_disk(live: LiveBot) -> None:
    body = "".join(f"{random.Random(row).randbytes(40).hex()},{row}\r\n" for row in range(60_000))
    report = live.partner_report(content=f"Name,Minutes\r\n{body}".encode())
    ada = live.at(live.ada)
    ada.says("settings zip").hears("saved")

    file = ada.says(f"report {report.id}").file()

    assert file.message.files[0].name.endswith(".zip")
    assert "60,000 rows" in file.words


@pytest.mark.parametrize(
    ("wanted", "content", "limits", "kind", "said"),
    [
        ("xlsx", CSV, {formats: ("MOST_ROWS", 1)}, "csv", "more than an Excel sheet can hold"),
        ("xlsx", b"A,B\r\n1\r2,3\r\n" * 9, {}, "csv", "couldn't read its rows"),
        ("xlsx", "Name,City\r\nJürgen,Köln\r\n".encode("cp1252"), {}, "csv", "couldn't read its rows"),
        ("xlsx", b"A,B\r\n" + b"1,2\r\n" * 500, {deliver: ("MAX_POSTED", 5_000)}, "csv", "as an Excel file, so I"),
        ("csv", b"A,B\r\n" + b"1,2\r\n" * 9000, {deliver: ("MAX_POSTED", 30_000)}, "zip", "unzipped, so I posted"),
    ],
)
def test_what_cannot_be_had_in_that_format_comes_in_another_and_the_line_says_so(
    stepped: SteppedBot,
    monkeypatch: pytest.MonkeyPatch,
    *,
    wanted: str,
    content: bytes,
    limits: Any,
    kind: str,
    said: str,
) -> None:
    live = stepped.setup
    for module, (name, most) in limits.items():
        monkeypatch.setattr(module, name, most)
    report = live.partner_report(content=content, as_zip=kind == "zip")
    say(stepped, live.ada, f"settings format {wanted}")
    say(stepped, live.ada, f"report {report.id}")

    (file,) = posted(stepped, person=live.ada)
    assert file.files[0].name.endswith(f".{kind}")
    assert said in shown(file)


def test_a_zip_with_several_files_comes_as_it_is(stepped: SteppedBot) -> None:
    live = stepped.setup
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("one.csv", CSV)
        made.writestr("two.csv", CSV)
    report = live.partner_report(content=out.getvalue())
    say(stepped, live.ada, "settings format xlsx")
    say(stepped, live.ada, f"report {report.id}")

    (file,) = posted(stepped, person=live.ada)
    assert content_of(file) == out.getvalue()
    assert "several files in it, so I posted the zip" in shown(file)


@pytest.mark.parametrize(("wanted", "kind"), [("xlsx", "zip"), ("csv", "zip"), ("zip", "csv")])
def test_on_a_full_disk_the_file_comes_as_it_is(
    stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch, wanted: str, kind: str
) -> None:
    live = stepped.setup
    report = live.partner_report(as_zip=kind == "zip")
    say(stepped, live.ada, f"settings format {wanted}")
    monkeypatch.setattr(storage, "check_room", full_for_conversions)
    say(stepped, live.ada, f"report {report.id}")

    (file,) = posted(stepped, person=live.ada)
    assert file.files[0].name.endswith(f".{kind}")
    assert "no space to convert it, so I posted" in shown(file)
    assert stepped.files_left == []


def full_for_conversions(_: Path, *, done: str = "downloaded", **__: Any) -> None:
    if done in {"converted", "compressed"}:
        raise storage.NoRoom(done)


def test_the_card_shows_the_settings_and_saves_what_is_entered(live: LiveBot) -> None:
    ada = live.at(live.ada)
    card = ada.says("settings").card()
    assert card.fields == {"time_zone": "UTC", "file_format": "original", "placement": "thread"}

    wrong = ada.presses(card, "Save", {"time_zone": "Europe/Berlni", "file_format": "xlsx"}).hears("isn't a time zone")
    assert "Europe/Berlin" in wrong.words
    assert "“Europe/Berlni” isn't a time zone that I know. Did you mean **Europe/Berlin**" in wrong.shown
    assert wrong.fields["time_zone"] == "Europe/Berlni"
    assert wrong.fields["file_format"] == "xlsx"

    said = ada.presses(wrong, "Save", {"time_zone": "europe/berlin"}).hears("Your settings are saved")
    assert "Europe/Berlin" in said.words
    assert "Excel" in said.words
    assert ada.says("settings").card().fields == {
        "time_zone": "Europe/Berlin",
        "file_format": "xlsx",
        "placement": "thread",
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("settings time zone Europe/Berlin", "Time zone: Europe/Berlin"),
        ("settings timezone to new york", "time zone: America/New_York"),
        ("settings Berlin", "time zone: Europe/Berlin"),
        ("settings format excel", "files: Excel (XLSX)"),
        ("settings format to csv", "files: CSV"),
        ("settings zip", "files: Zip"),
        ("settings placement top level", "answers: At the top level"),
        ("settings answers top-level", "answers: At the top level"),
        ("settings placement thread", "answers: In the thread"),
        ("Settings Format XLSX", "files: Excel"),
        ("settings format pdf", "I didn't understand “format pdf”"),
        ("settings colour blue", "I didn't understand “colour blue”"),
        ("settings time zone", "I didn't understand"),
        ("settings time zone Louisville", "isn't a time zone"),
        ("settings time zone IST", "Use a name such as"),
        ("settings format *csv*_<x>", "I didn't understand"),
    ],
)
def test_words_change_one_setting(stepped: SteppedBot, words: str, expected: str) -> None:
    assert expected.casefold() in shown(say(stepped, stepped.setup.ada, words)).casefold()


def test_a_zone_that_may_be_several_is_asked_for_with_a_button_each(live: LiveBot) -> None:
    ada = live.at(live.ada)
    asked = ada.says("settings time zone Louisville").card()
    assert list(asked.buttons) == ["America/Kentucky/Louisville", "America/Louisville"]
    ada.presses(asked, "America/Louisville").hears("time zone: America/Louisville")


def test_in_a_group_space_who_may_only_read_may_look_and_not_change(stepped: SteppedBot) -> None:
    live = stepped.setup
    assert "Settings of this space" in shown(say(stepped, live.grace, "settings", live.group))
    assert "Read-only administrators can't do this" in shown(say(stepped, live.grace, "settings xlsx", live.group))
    assert "Only Webex administrators" in shown(say(stepped, live.nora, "settings xlsx", live.group))
    with stepped.database.read() as tx:
        assert space_settings.get(tx, live.group.id) == space_settings.SpaceSettings()

    assert "Your settings are saved" in shown(say(stepped, live.grace, "settings xlsx"))
    assert "of this space are saved" in shown(say(stepped, live.ada, "settings zip", live.group))


def test_a_press_of_who_may_only_read_changes_nothing(live: LiveBot) -> None:
    card = live.at(live.ada, live.group).says("settings").card()
    grace = live.at(live.grace, live.group)
    grace.presses(card, "Save", {"file_format": "xlsx"})
    grace.hears_privately("Read-only administrators can't do this")
    assert live.at(live.ada, live.group).says("settings").card().fields["file_format"] == "original"


def test_where_outsiders_read_along_the_settings_come_directly_without_a_form(stepped: SteppedBot) -> None:
    live = stepped.setup
    say(stepped, live.ada, "settings", live.outside)
    told = stepped.said(person=live.ada)[-1]
    assert "Settings of **Project with Globex**" in shown(told)
    assert "In **Project with Globex**, type `settings time zone Europe/Berlin`" in shown(told)
    assert not actions_of(told.card)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("zip", "The settings of **Project with Globex** are saved."),
        ("nonsense", "In **Project with Globex**, type `settings"),
        ("time zone Louisville", "Did you mean **America/Kentucky/Louisville** or **America/Louisville**?"),
    ],
)
def test_where_outsiders_read_along_a_change_is_answered_directly_without_buttons_for_other_settings(
    stepped: SteppedBot, words: str, expected: str
) -> None:
    live = stepped.setup
    say(stepped, live.ada, f"settings {words}", live.outside)
    told = stepped.said(person=live.ada)[-1]
    assert expected in shown(told)
    assert not actions_of(told.card)


def test_at_the_top_level_answers_and_files_are_in_no_thread(stepped: SteppedBot) -> None:
    live = stepped.setup
    report = live.partner_report(status="running")
    say(stepped, live.ada, "settings placement top level", live.group)
    before = len(stepped.said(live.group))
    for person in (live.ada, live.grace):
        stepped.receive(person, f"report {report.id}", live.group)
    stepped.work()
    stepped.world.reports[report.id].status = "done"
    stepped.wait(60)
    say(stepped, live.ada, "help", live.group)

    said = stepped.said(live.group)[before:]
    assert [one.parent_id for one in said] == [None] * len(said)
    assert len([one for one in said if one.files]) == 1


def test_at_the_top_level_what_is_written_in_a_thread_is_answered_there(stepped: SteppedBot) -> None:
    live = stepped.setup
    say(stepped, live.ada, "settings placement top level", live.group)
    root = stepped.receive(live.ada, "help", live.group)
    stepped.receive(live.ada, "help", live.group, parent_id=root.id)
    stepped.work()
    assert [one.parent_id for one in stepped.said(live.group)[-2:]] == [None, root.id]


def test_at_the_top_level_a_button_is_answered_beside_its_card(stepped: SteppedBot) -> None:
    live = stepped.setup
    say(stepped, live.ada, "settings placement top level", live.group)
    report = live.partner_report(status="running")
    card = say(stepped, live.ada, f"report {report.id}", live.group)
    stepped.pressed(live.ada, card, {"command": "cancel", "argument": report.id})
    stepped.work()
    last = stepped.said(live.group)[-1]
    assert "Canceled" in shown(last)
    assert last.parent_id is None
    assert "Canceled" not in shown(say(stepped, live.ada, "pending", live.group))


def test_the_time_zone_is_the_spaces(stepped: SteppedBot) -> None:
    live = stepped.setup
    say(stepped, live.ada, "settings time zone Asia/Tokyo", live.group)
    with stepped.database.read() as tx:
        assert space_settings.time_zone_of(tx, live.group.id) == ZoneInfo("Asia/Tokyo")
        assert space_settings.time_zone_of(tx, live.outside.id) == ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("words", "zone"),
    [("utc", "UTC"), ("EUROPE/berlin", "Europe/Berlin"), ("Hong Kong", "Asia/Hong_Kong"), ("Singapore", "Singapore")],
)
def test_a_zone_is_known_by_its_name_or_its_city(words: str, zone: str) -> None:
    assert zone_named(words) == zone


@pytest.mark.parametrize("words", ["", "../etc/passwd", "Factory", "localtime", "IST", "x" * 500])
def test_what_is_no_zone_is_none(words: str) -> None:
    assert zone_named(words) is None
    assert zones_near(words) == []


def test_a_saved_time_zone_says_what_goes_by_it(stepped: SteppedBot) -> None:
    said = shown(say(stepped, stepped.setup.ada, "settings time zone berlin"))
    assert "go by the days of this time zone; times are shown in UTC." in said
    assert "shown in UTC" not in shown(say(stepped, stepped.setup.ada, "settings time zone UTC"))


@pytest.mark.parametrize(
    ("words", "question"), [("atlantis", "Did you mean this one?"), ("indianapolis", "Did you mean one of these?")]
)
def test_one_time_zone_that_may_be_meant_is_offered_as_one(stepped: SteppedBot, words: str, question: str) -> None:
    assert question in str(say(stepped, stepped.setup.ada, f"settings time zone {words}").card)
