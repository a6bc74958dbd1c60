"""``reportbot schedules``: what is exported can be imported, and a file with a fault changes nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from sqlalchemy import delete

from bot.cli import schedules_file
from bot.cli.main import main
from bot.db import api_keys, audit, origins, tables
from bot.db.api_keys import Right
from bot.db.audit import Channel
from bot.db.origin import OriginState, PauseCause
from bot.db.requests import State
from bot.db.schedules import Schedule
from bot.emulator.things import Template
from bot.messages.conditions import UNKNOWN_CONDITION
from bot.text import strip_markdown
from tests.live_bot import CSV
from tests.origin_rows import add_schedule, add_subscription
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from bot.db.api_keys import ApiKey
    from bot.db.subscriptions import Subscription
    from tests.live_bot import LiveBot
    from tests.stepped_bot import SteppedBot

Capture = pytest.CaptureFixture[str]


def fill(machine: SteppedBot) -> None:
    """Store one of each kind with every value, and one of each with as few as can be."""
    setup, database, now = machine.setup, machine.database, machine.clock()
    direct = machine.world.direct_space(setup.grace, setup.bot)
    add_subscription(database, setup.ada, setup.group, now, reference="subsfew1", words="")
    add_subscription(
        database,
        setup.grace,
        direct,
        now,
        reference="subsall2",
        words="Qualität – yes: #1",
        family="partner",
        region="EU",
        on_behalf_of="sub-partner",
        card_only=True,
        muted_until=now + timedelta(days=7),
    )
    add_schedule(database, setup.ada, setup.group, now, reference="schefew3", period=None)
    add_schedule(
        database,
        setup.grace,
        setup.group,
        now,
        reference="scheall4",
        name="Weekly: “usage”",
        note="- for the board\nhttps://wiki.example/?page=5",
        region="EU",
        sites="acme.webex.com,b.webex.com",
        only_if="not blank, changed, more than 100 rows",
        takes_time_zone=True,
        state="paused",
        pause_cause="failures",
        reason="It failed five times: “no”.",
    )


def empty(machine: SteppedBot) -> None:
    with machine.database.begin() as tx:
        tx.execute(delete(tables.subscriptions))
        tx.execute(delete(tables.schedules))


def exported(capsys: Capture) -> str:
    assert main(["schedules", "export"]) == 0
    return capsys.readouterr().out


def imported(file: Path, text: str, *words: str) -> int:
    file.write_text(text, encoding="utf-8")
    return main(["schedules", "import", str(file), *words])


def going(machine: SteppedBot) -> dict[str, Subscription | Schedule]:
    with machine.database.read() as tx:
        return {one.reference: one for one in origins.going(tx)}


def columns(machine: SteppedBot) -> dict[str, dict[str, Any]]:
    return {name: schedules_file.columns_of(one) for name, one in going(machine).items()}


def test_what_is_exported_is_imported_into_an_empty_database(
    machine: SteppedBot, tmp_path: Path, capsys: Capture
) -> None:
    fill(machine)
    before, text = columns(machine), exported(capsys)
    empty(machine)
    assert imported(tmp_path / "all.yaml", text) == 0
    assert "4 created, 0 changed, 0 left as they are." in capsys.readouterr().out
    assert columns(machine) == before
    assert exported(capsys) == text
    schedule = going(machine)["schefew3"]
    assert isinstance(schedule, Schedule)
    assert schedule.next_at is not None
    assert schedule.next_at > machine.clock()
    paused = going(machine)["scheall4"]
    assert isinstance(paused, Schedule)
    assert paused.next_at is None
    with machine.database.read() as tx:
        rows = [one for one in audit.latest(tx, 10) if one.act == audit.IMPORT]
    assert {(one.channel, one.outcome) for one in rows} == {(Channel.CLI, "created")}
    assert {one.reference for one in rows} == set(before)


def test_names_stand_beside_ids_where_webex_tells_them(machine: SteppedBot, capsys: Capture) -> None:
    fill(machine)
    text = exported(capsys)
    assert "owner_email: ada.lovelace@acme.example" in text
    assert "space_name: Admin reports" in text

    machine.emulator.faults.add(status=503)
    assert main(["schedules", "export"]) == 0
    told = capsys.readouterr()
    assert "owner_email:" not in told.out
    assert "Names are missing" in told.err


def test_the_same_file_again_changes_nothing(machine: SteppedBot, tmp_path: Path, capsys: Capture) -> None:
    fill(machine)
    text, before = exported(capsys), going(machine)
    assert imported(tmp_path / "all.yaml", text) == 0
    assert "0 created, 0 changed, 4 left as they are." in capsys.readouterr().out
    assert going(machine) == before


def test_a_reference_that_is_known_is_updated(machine: SteppedBot, tmp_path: Path, capsys: Capture) -> None:
    fill(machine)
    before = going(machine)
    content = yaml.safe_load(exported(capsys))
    content["subscriptions"][0]["words"] = "meetings"
    changed = content["schedules"][1]
    for key in ("state", "pause_cause", "reason"):
        del changed[key]
    changed |= {"rrule": "FREQ=WEEKLY;BYDAY=TU", "note": "new", "only_if": "it’s changed"}
    text = yaml.safe_dump(content)
    assert imported(tmp_path / "all.yaml", text, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "schedule scheall4 “Weekly: “usage””: would be changed" in told
    assert "Nothing was changed." in told
    assert going(machine) == before

    assert imported(tmp_path / "all.yaml", text) == 0
    after = going(machine)["scheall4"]
    assert isinstance(after, Schedule)
    assert (after.state, after.pause_cause, after.reason) == (OriginState.ACTIVE, None, None)
    assert (after.rrule, after.note, after.only_if) == ("FREQ=WEEKLY;BYDAY=TU", "new", "changed")
    assert after.resumed_at is not None
    assert after.next_at is not None
    assert after.next_at.weekday() == 1
    assert after.id == before["scheall4"].id


def fill_by_key(machine: SteppedBot) -> ApiKey:
    """Store one of each kind that a key of the API owns."""
    setup, database, now = machine.setup, machine.database, machine.clock()
    with database.begin() as tx:
        secret = api_keys.create(tx, "nightly", None, tuple(Right), created_by="command line", now=now)
        key = api_keys.by_secret(tx, secret)
    assert key is not None
    add_subscription(database, setup.ada, setup.group, now, reference="subskey2", person_id=key.owner)
    add_schedule(database, setup.ada, setup.group, now, reference="schekey3", person_id=key.owner)
    return key


def test_what_a_key_owns_is_imported_where_the_key_is(machine: SteppedBot, tmp_path: Path, capsys: Capture) -> None:
    key = fill_by_key(machine)
    before, text = columns(machine), exported(capsys)
    assert text.count(f"owner: {key.owner}\n") == 2
    empty(machine)
    assert imported(tmp_path / "all.yaml", text) == 0
    assert "2 created, 0 changed, 0 left as they are." in capsys.readouterr().out
    assert columns(machine) == before
    assert main(["keys", "list"]) == 0
    assert f"  {key.owner}  nightly  " in capsys.readouterr().out


def test_a_key_that_is_revoked_or_unknown_is_a_fault(machine: SteppedBot, tmp_path: Path, capsys: Capture) -> None:
    key = fill_by_key(machine)
    text, file = exported(capsys), tmp_path / "all.yaml"
    with machine.database.begin() as tx:
        api_keys.revoke(tx, key.id, machine.clock())
    assert imported(file, text) == 0, "it owns these already"
    assert "0 created, 0 changed, 2 left as they are." in capsys.readouterr().out

    empty(machine)
    for owner in (key.owner, "key:999999999"):
        assert imported(file, text.replace(key.owner, owner)) == 1
        told = capsys.readouterr().err
        assert told.count(f"owner: {owner} isn't an API key here, or it's revoked. ") == 2
        assert "the file has 2 faults." in told
    for owner in ("'key:'", "key:0", "key:x", "key:-1", "key:9999999999", "hook:1"):
        assert imported(file, text.replace(key.owner, owner)) == 1
        assert "nor an API key such as key:1." in capsys.readouterr().err
    assert going(machine) == {}


def test_one_that_waits_for_outsiders_to_leave_is_tried_and_one_that_has_resumed_is_active(
    machine: SteppedBot, tmp_path: Path, capsys: Capture
) -> None:
    setup, paused = machine.setup, {"state": "paused", "pause_cause": "outsiders", "reason": "Outsiders."}
    waits = add_schedule(machine.database, setup.ada, setup.group, machine.clock(), **paused)
    resumed = add_schedule(machine.database, setup.ada, setup.group, machine.clock(), pause_cause="outsiders")
    text = exported(capsys)
    empty(machine)
    assert imported(tmp_path / "all.yaml", text) == 0
    after = going(machine)
    assert after[waits.reference].waits
    assert after[resumed.reference].state is OriginState.ACTIVE
    assert [one.next_at is not None for one in after.values() if isinstance(one, Schedule)] == [True, True]


def test_what_was_removed_comes_back(machine: SteppedBot, tmp_path: Path, capsys: Capture) -> None:
    fill(machine)
    text, before = exported(capsys), columns(machine)
    with machine.database.begin() as tx:
        for one in origins.going(tx):
            origins.end(tx, one.origin, machine.clock())
    assert imported(tmp_path / "all.yaml", text) == 0
    assert columns(machine) == before


def test_a_file_comes_by_standard_input_too(
    machine: SteppedBot, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(machine)
    text = exported(capsys)
    empty(machine)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["schedules", "import", "-"]) == 0
    assert len(going(machine)) == 4


def test_an_imported_schedule_runs_in_the_name_of_its_owner_and_policy_is_asked(
    machine: SteppedBot, tmp_path: Path, capsys: Capture
) -> None:
    add_schedule(machine.database, machine.setup.nora, machine.setup.group, machine.clock(), reference="sche2345")
    text = exported(capsys)
    empty(machine)
    assert imported(tmp_path / "all.yaml", text) == 0
    machine.work()
    for _ in range(8):
        machine.wait(24 * 3600)
    paused = going(machine)["sche2345"]
    assert (paused.state, paused.pause_cause) == (OriginState.PAUSED, PauseCause.NOT_ALLOWED)
    assert list(machine.world.reports.values()) == []


def test_what_was_ready_before_a_subscription_was_imported_is_not_announced(
    machine: SteppedBot, tmp_path: Path, capsys: Capture
) -> None:
    setup = machine.setup
    add_subscription(machine.database, setup.ada, setup.group, machine.clock())
    text = exported(capsys)
    machine.sweep.once()
    machine.work()
    empty(machine)
    machine.world.add_report(family="partner", title="Calling Usage")  # nobody looks at the list now
    machine.wait(120)
    assert imported(tmp_path / "all.yaml", text) == 0
    machine.work()
    machine.wait(60)
    assert machine.said(setup.group) == []

    machine.world.add_report(family="partner", title="Calling Usage")
    machine.wait(60)
    machine.wait(60)
    assert len(machine.said(setup.group)) == 1


def test_a_bot_that_is_running_runs_what_was_imported(live: LiveBot, tmp_path: Path) -> None:
    live.emulator.world.add_template(Template(130, "partner", "Calling Usage", "Teams", takes_dates=False))
    schedule = {
        "reference": "sche2345",
        "owner": live.ada.id,
        "space": live.group.id,
        "family": "partner",
        "template": "130",
        "title": "Calling Usage",
        "rrule": "FREQ=DAILY",
        "time_zone": "UTC",
    }
    file = tmp_path / "all.yaml"
    command = [sys.executable, "-m", "bot", "schedules", "import", str(file)]
    for seconds in (4, 10, 30):  # on a busy machine the import is over after its first run was due
        start = datetime.now(UTC) + timedelta(seconds=seconds)
        timed = schedule | {"dtstart": start.strftime("%Y-%m-%dT%H:%M:%S")}
        file.write_text(yaml.safe_dump({"schedules": [timed]}), encoding="utf-8")
        done = subprocess.run(command, env=os.environ | live.environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 created, 0 changed" in done.stdout or seconds > 4
        if datetime.now(UTC) < start - timedelta(seconds=1):
            break
    until(lambda: live.emulator.world.reports, "the schedule has run")
    (report,) = live.emulator.world.reports.values()
    live.emulator.world.set_report(report.id, status="done", content=CSV)
    live.on_record(report.id, State.DELIVERED)


KEYS = (
    "reference, owner, space, space_type, state, pause_cause, reason, words, family, region, on_behalf_of, card_only, "
    "muted_until, owner_email, space_name"
)
WRONG = """\
subscriptions:
- reference: subs2345
  owner: ada@example.com
  space: {room}
  words: usage
  card_only: perhaps
  colour: red
- words: usage
schedules:
- reference: subs2345
  owner: {person}
  space: {room}
  family: partners
  template: 130
  title: ''
  rrule: FREQ=MINUTELY
  dtstart: 2026-05-04T08:00:00
  time_zone: Europe/Berlin
  period: one day
  only_if: it rains
  state: paused
- just words
- reference: sche2345
  owner: {person}
  space: {room}
  family: partner
  template: 130
  title: Calling Usage
  rrule: FREQ=MINUTELY
  dtstart: 2026-05-04T08:00:00
  time_zone: Europe/Berlin
- reference: good2345
  owner: {person}
  space: {room}
  family: partner
  template: 130
  title: Calling Usage
  title: Calling
  rrule: FREQ=DAILY
  dtstart: 2026-05-04T08:00:00
  time_zone: Europe/Berlin
"""


def test_every_fault_is_told_with_its_line_and_nothing_is_changed(
    machine: SteppedBot, tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "wrong.yaml"
    text = WRONG.format(room=machine.setup.group.id, person=machine.setup.ada.id)
    assert imported(file, text) == 1
    told = capsys.readouterr()
    assert told.out == ""
    *lines, last = told.err.splitlines()
    assert [line.removeprefix(f"{file}:") for line in lines] == [
        "3: owner: This isn't the ID of a person, as Webex's API gives it, nor an API key such as key:1.",
        "6: card_only: It's one of: true, false.",
        f"7: colour: I don't know this key. Known are: {KEYS}.",
        "8: reference: This is missing.",
        "8: owner: This is missing.",
        "8: space: This is missing.",
        "10: pause_cause: It belongs to the state paused, and to no other.",
        "13: family: It's one of: partner, organization.",
        "15: title: This is empty.",
        "19: period: I don't know this period. Write, for example, last week or last month.",
        f"20: only_if: {strip_markdown(UNKNOWN_CONDITION)}",
        "22: Each schedule must have keys and values.",
        "29: rrule, dtstart, time_zone: " + lines[12].partition("time_zone: ")[2],
        "38: title: This is there twice.",
    ]
    assert "hour" in lines[12]
    assert last == "reportbot: Nothing was changed: the file has 14 faults."
    assert going(machine) == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1: The file has no subscriptions and schedules."),
        ("- a\n- b\n", "1: The file has no subscriptions and schedules."),
        ("schedules:\n- a: [1\n", "3: This isn't YAML"),
        ("schedules:\n  a: b\n", "2: schedules: This must be a list."),
        ("schedules: []\nother: []\n", "2: other: I don't know this key."),
        ("schedules: []\n---\nschedules: []\n", "This isn't YAML"),
        ("schedules:\n- reference: !!python/object/apply:os.system [ls]\n", "2: reference: This must be a text"),
        ("schedules: \x01\n", "1: This isn't YAML"),
    ],
)
def test_what_is_no_such_file(machine: SteppedBot, tmp_path: Path, capsys: Capture, text: str, fault: str) -> None:
    assert imported(tmp_path / "no.yaml", text) == 1
    assert fault in capsys.readouterr().err
    assert going(machine) == {}


def test_two_of_one_reference_and_one_of_another_kind_are_faults(
    machine: SteppedBot, tmp_path: Path, capsys: Capture
) -> None:
    fill(machine)
    text = exported(capsys)
    before = columns(machine)
    assert imported(tmp_path / "two.yaml", text.replace("subsall2", "subsfew1")) == 1
    assert "too." in capsys.readouterr().err
    assert imported(tmp_path / "other.yaml", text.replace("subsall2", "x").replace("scheall4", "subsall2")) == 1
    assert imported(tmp_path / "other.yaml", text.replace("subsall2", "new23456").replace("scheall4", "subsall2")) == 1
    assert "reference: subsall2 is a subscription here." in capsys.readouterr().err
    assert columns(machine) == before


def test_a_file_that_is_not_there(machine: SteppedBot, tmp_path: Path, capsys: Capture) -> None:
    assert main(["schedules", "import", str(tmp_path / "none.yaml")]) == 1
    assert "can't be read: No such file or directory" in capsys.readouterr().err
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert main(["schedules", "import", str(tmp_path / "bytes")]) == 1
    assert "isn't a text in UTF-8" in capsys.readouterr().err
