"""``reportbot audit`` and ``reportbot forget``, as an operator meets them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.cli import audit as audit_command
from bot.cli.main import main
from bot.db import audit
from bot.db.audit import Channel, Entry
from bot.db.database import Database
from bot.emulator import ids

if TYPE_CHECKING:
    from tests.stepped_bot import SteppedBot


def write(stepped: SteppedBot, number: int, **more: Any) -> None:
    """Rows a minute apart, the oldest first."""
    with stepped.database.begin() as tx:
        for minute in range(number):
            stepped.clock.turn(60)
            audit.record(
                tx, Entry(Channel.CHAT, "reports", audit.ALLOWED, report_id=f"r{minute}", **more), stepped.clock()
            )


def exported(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()  # what was logged before
    assert main(["audit", "--json", *words]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_lines_oldest_first(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    write(machine, 3, person_id="ada", room_id="space")

    lines = exported(capsys)

    assert [line["report_id"] for line in lines] == ["r0", "r1", "r2"]
    assert lines[-1] == {
        "id": 3,
        "at": machine.clock().isoformat(),
        "channel": "chat",
        "act": "reports",
        "outcome": "allowed",
        "person_id": "ada",
        "room_id": "space",
        "report_id": "r2",
        "reference": None,
        "tracking": None,
    }


def test_it_is_read_in_pages(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_command, "PAGE", 2)
    write(machine, 5)

    assert [line["id"] for line in exported(capsys)] == [1, 2, 3, 4, 5]
    assert [line["id"] for line in exported(capsys, "--limit", "3")] == [1, 2, 3]
    assert exported(capsys, "--limit", "0") == []


def test_by_person_report_and_time_with_webex_down(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    write(machine, 3, person_id="ada")
    write(machine, 2, person_id="grace")
    machine.emulator.faults.add(status=503)

    assert len(exported(capsys, "--person", "grace")) == 2
    assert len(exported(capsys, "--report", "r1")) == 2
    since = machine.clock() - timedelta(seconds=90)
    assert len(exported(capsys, "--since", since.isoformat())) == 2
    assert len(exported(capsys, "--since", since.replace(tzinfo=None).isoformat())) == 2, "without a zone it is UTC"
    assert machine.calls("GET", "*") == 0


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--person", "ada"], " Check the ID (it's case-sensitive)."),
        (["--report", "XYZ"], " Check the ID (it's case-sensitive)."),
        (["--since", "2999-01-01"], ""),
    ],
)
def test_that_nothing_was_found_is_an_error_line(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], form: list[str], words: list[str], hint: str
) -> None:
    write(machine, 1, person_id=machine.setup.ada.id)
    capsys.readouterr()

    assert main(["audit", *form, *words]) == 0
    assert capsys.readouterr() == ("", f"reportbot: No audit entries were found.{hint}\n")

    for found in ([], ["--limit", "0"]):
        assert main(["audit", *form, *found]) == 0
        assert "No audit entries" not in capsys.readouterr().err


def test_by_address(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    write(machine, 1, person_id=machine.setup.ada.id)
    write(machine, 1, person_id=machine.setup.grace.id)

    (line,) = exported(capsys, "--person", "ada.lovelace@acme.example")

    assert line["person_id"] == machine.setup.ada.id
    assert main(["audit", "--person", "nobody@acme.example"]) == 1
    assert "No Webex user has that address." in capsys.readouterr().err


def test_an_address_needs_webex_and_says_so(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    machine.emulator.faults.add(status=503)

    assert main(["audit", "--json", "--person", "ada.lovelace@acme.example"]) == 1

    assert "Webex returned an error (503)" in capsys.readouterr().err


def test_without_json_it_is_a_line_a_row_with_names_in_columns(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    live = machine.setup
    report = live.partner_report("Calling Usage")
    machine.receive(live.ada, f"report {report.id}", live.group)
    machine.receive(live.nora, f"report {report.id}")
    machine.work()
    capsys.readouterr()
    machine.emulator.calls.clear()

    assert main(["audit"]) == 0

    out, err = capsys.readouterr()
    lines = [(line[:19], line[21:45].strip(), line[47:71].strip(), line[73:]) for line in out.splitlines()]
    reference = machine.request().reference
    at = f"{machine.clock():%Y-%m-%d %H:%M:%S}"
    assert (at, "Ada Lovelace", "Admin reports", f"requested Calling Usage  ({reference})") in lines
    assert (at, "Ada Lovelace", "Admin reports", f"got Calling Usage  ({reference})") in lines
    assert any(line[1:3] == ("Nora Jones", "directly") and "Refused: not an administrator" in line[3] for line in lines)
    assert err == ""
    assert machine.calls("GET", "*") == 2, "one for the people, one for the spaces"


@pytest.mark.parametrize("down", [True, False])
def test_without_webex_the_ends_of_ids_stand_for_names(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, down: bool
) -> None:
    write(machine, 2, person_id="somebody-in-12345678", room_id="a-space-abcdefgh")
    if down:
        machine.emulator.faults.add(status=503, times=None)
    else:
        monkeypatch.delenv("WEBEX_BOT_TOKEN")

    assert main(["audit"]) == 0

    out, err = capsys.readouterr()
    assert out.count("user …12345678") == 2
    assert out.count("space …abcdefgh") == 2
    assert err.count("Names are missing") == 1


@pytest.mark.parametrize("words", [["--since", "yesterday"], ["--limit", "many"], ["--limit", "-1"], ["--nonsense"]])
def test_a_wrong_call_is_exit_code_2(machine: SteppedBot, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", *words])
    assert ended.value.code == 2


def test_a_wrong_time_is_quoted(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit", "--since", "yesterday"])
    assert "Not a valid time: “yesterday”" in capsys.readouterr().err


def test_who_reads_only_the_first_rows_gets_no_traceback(machine: SteppedBot) -> None:
    write(machine, 600, person_id="ada" * 40)
    command = f"{sys.executable} -m bot audit --json | head -n 1"

    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)

    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_new_database_has_no_rows(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(machine.setup.folder / "new"))
    assert main(["migrate"]) == 0

    assert exported(capsys) == []


def test_forget_by_address_says_in_how_many_rows(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    report = machine.setup.partner_report(status="waiting")
    machine.receive(machine.setup.grace, f"report {report.id}")
    machine.work()

    assert main(["forget", "--yes", "grace.hopper@acme.example"]) == 0

    said = capsys.readouterr().out
    assert "Ended 1 open request." in said
    assert "Replaced the person in 2 audit rows, 1 request, 1 event" in said
    lines = exported(capsys)
    assert not any(machine.setup.grace.id in str(line) for line in lines)
    assert [line["act"] for line in lines] == ["report", "delivery", "forget"]


def test_without_yes_forget_only_says_what_it_would_do(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    report = machine.setup.partner_report(status="waiting")
    machine.receive(machine.setup.grace, f"report {report.id}")
    machine.work()
    before = exported(capsys)

    assert main(["forget", machine.setup.grace.id]) == 1

    said = capsys.readouterr().out
    assert "This would end 1 open request," in said
    assert "replace the person in 2 audit rows, 1 request, 1 event" in said
    assert f"Nothing has been changed; to do it: reportbot forget {machine.setup.grace.id} --yes" in said
    assert exported(capsys) == before
    assert main(["forget", "somebody-else"]) == 1
    assert "Nothing that is kept names this person" in capsys.readouterr().out


def test_who_is_not_there_is_said_with_exit_code_1_and_nothing_is_written(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    write(machine, 1, person_id="ada")

    assert main(["forget", "--yes", "Ada"]) == 1

    assert "Nothing that is kept names this person" in capsys.readouterr().out
    assert [line["act"] for line in exported(capsys)] == ["reports"], "no row says that somebody was forgotten"


@pytest.mark.parametrize(
    "spelled",
    [
        "ciscospark://us/PEOPLE/{}",
        "{}",
        " {} ",
        "b64:ciscospark://us/PEOPLE/{}",
        "b64:ciscospark://urn:TEAM:us-west-2_r/PEOPLE/{}",
    ],
)
def test_a_person_is_known_in_every_spelling(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], spelled: str
) -> None:
    bare = "1d4b05f5-1ea0-4d52-9f49-6cbb4eb8e0c7"
    write(machine, 2, person_id=ids.webex_id(ids.PEOPLE, bare, "us"))
    an_id = spelled.format(bare.upper())
    if an_id.startswith("b64:"):
        an_id = base64.b64encode(an_id.removeprefix("b64:").encode()).decode()

    assert len(exported(capsys, "--person", an_id)) == 2
    assert main(["forget", "--yes", an_id]) == 0
    assert "2 audit rows" in capsys.readouterr().out
    assert exported(capsys, "--person", an_id) == []


def test_what_was_not_read_yet_is_told(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    machine.receive(machine.setup.grace, "help")

    assert main(["forget", machine.setup.grace.id]) == 1
    assert "This would end 0 open requests and 1 unread event," in capsys.readouterr().out
    assert main(["forget", "--yes", machine.setup.grace.id]) == 0
    assert "Ended 0 open requests and 1 unread event." in capsys.readouterr().out
    assert machine.work() == []


@pytest.mark.parametrize("where", [pytest.param("DATA_DIR", marks=pytest.mark.sqlite("its folder")), "DATABASE_URL"])
def test_without_webex_s_settings_an_id_works_and_an_address_says_what_it_needs(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    grace = machine.setup.grace
    report = machine.setup.partner_report(status="waiting")
    machine.receive(grace, f"report {report.id}")
    machine.work()
    for name in machine.setup.environ:
        monkeypatch.delenv(name)
    settings = machine.setup.settings()
    kept = {"DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url.get_secret_value()}
    monkeypatch.chdir(settings.data_dir.parent)
    monkeypatch.setenv(where, kept[where])

    assert main(["why", report.id]) == 0
    assert "  User …" in capsys.readouterr().out
    assert [line["act"] for line in exported(capsys, "--person", grace.id)] == ["report"]
    for words in (["audit", "--person"], ["forget", "--yes"]):
        assert main([*words, "grace.hopper@acme.example"]) == 2
        told = capsys.readouterr().err
        assert "give the person's ID instead" in told
        assert "WEBEX_ADMIN_TOKEN is not set" in told
        assert "WEBEX_BOT_TOKEN" not in told, "only what a look-up needs"
    assert main(["forget", "--yes", grace.id]) == 0


@pytest.mark.sqlite("its files are read")
def test_what_was_forgotten_is_not_left_in_the_database_s_files(machine: SteppedBot) -> None:
    """Deleted rows stay readable in a file, and what was written in the log beside it, unless that is undone."""
    grace = machine.setup.grace
    for words in ("help", f"report {machine.setup.partner_report().id}", "reports"):
        machine.receive(grace, words)
    machine.work()
    space = machine.world.direct_space(grace, machine.setup.bot)

    def on_disk() -> bytes:
        return b"".join(path.read_bytes() for path in machine.folder.parent.glob("*.db*"))

    assert grace.id.encode() in on_disk()
    assert space.id.encode() in on_disk()

    assert main(["forget", "--yes", grace.id]) == 0

    assert grace.id.encode() not in on_disk()
    assert space.id.encode() not in on_disk()


@pytest.mark.sqlite("its log")
def test_a_log_that_others_use_is_said_to_be_there(machine: SteppedBot, capsys: pytest.CaptureFixture[str]) -> None:
    machine.receive(machine.setup.grace, "help")
    machine.work()
    impatient = Database(machine.setup.settings().database_url.get_secret_value(), lock_patience=0.05)
    with machine.database.read() as tx, pytest.MonkeyPatch.context() as patch:
        audit.read(tx, limit=1)  # from its first query on it reads the database as it is then
        patch.setattr("bot.app.open_database", lambda _settings: impatient)
        assert main(["forget", "--yes", machine.setup.grace.id]) == 0
    assert "until SQLite's log is emptied" in capsys.readouterr().out


def test_forget_by_id_works_with_webex_down_and_a_pseudonym_is_no_person(
    machine: SteppedBot, capsys: pytest.CaptureFixture[str]
) -> None:
    write(machine, 1, person_id="ada")
    machine.emulator.faults.add(status=503)

    assert main(["forget", "--yes", "ada"]) == 0
    assert "1 audit row" in capsys.readouterr().out
    (first, _) = exported(capsys)
    assert main(["forget", "--yes", first["person_id"]]) == 1
    assert "has been forgotten already" in capsys.readouterr().err
