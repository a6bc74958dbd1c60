"""A setting that was changed between two starts is named in the audit, and its value is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from bot.db import settings_log
from bot.settings import load
from tests.audit.rows import rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stepped_bot import SteppedBot


def starts(stepped: SteppedBot, **changed: str) -> list[str]:
    """Start the worker with these settings; return the new rows' outcomes."""
    before = len(rows(stepped))
    with stepped.database.begin() as tx:
        settings_log.record_changes(tx, load(stepped.setup.environ | changed), stepped.clock())
    new = rows(stepped)[before:]
    assert all((row.channel, row.act, row.person_id) == ("system", "settings", None) for row in new)
    return [row.outcome for row in new]


def test_the_first_start_is_one_row_and_the_same_again_is_none(stepped: SteppedBot) -> None:
    assert starts(stepped) == ["first_start"]
    assert starts(stepped) == []


def test_each_changed_setting_is_a_row(stepped: SteppedBot) -> None:
    starts(stepped)

    assert starts(stepped, ALLOWED_PEOPLE="nora.jones@acme.example", POLL_INTERVAL="20") == [
        "changed:allowed_people",
        "changed:poll_interval",
    ]
    assert starts(stepped) == ["changed:allowed_people", "changed:poll_interval"], "back again is a change, too"


def test_what_is_a_machine_s_own_counts_where_there_is_one(stepped: SteppedBot, tmp_path: Path) -> None:
    starts(stepped)

    if stepped.setup.databases is None:
        assert starts(stepped, HOST="127.0.0.2", PORT="8001") == ["changed:host", "changed:port"]
    else:
        assert starts(stepped, DATA_DIR=str(tmp_path), HOST="127.0.0.2", PORT="8001", METRICS_PORT="9000") == []


def test_a_changed_secret_is_named(stepped: SteppedBot) -> None:
    starts(stepped)

    assert starts(stepped, WEBEX_WEBHOOK_SECRET="another secret of the tests") == ["changed:webex_webhook_secret"]


def test_a_changed_key_is_named_and_hides_the_others_once(stepped: SteppedBot) -> None:
    starts(stepped)

    assert starts(stepped, SECRET_KEY="a key of sixteen letters") == ["changed:secret_key"]
    assert starts(stepped, SECRET_KEY="a key of sixteen letters", POLL_INTERVAL="20") == ["changed:poll_interval"]


def test_while_a_key_is_rotated_other_changes_are_seen(stepped: SteppedBot) -> None:
    old, new = "an old key of the tests", "a new key of the tests"
    starts(stepped, SECRET_KEY=old)

    assert starts(stepped, SECRET_KEY=f"{old},{new}") == []
    assert starts(stepped, SECRET_KEY=f"{new},{old}", POLL_INTERVAL="20") == [
        "changed:poll_interval",
        "changed:secret_key",
    ]
    assert starts(stepped, SECRET_KEY=new, POLL_INTERVAL="20") == []


def test_a_setting_that_only_one_version_knows_was_changed_by_nobody(stepped: SteppedBot) -> None:
    from bot.db import key_values

    starts(stepped)
    with stepped.database.begin() as tx:
        kept = key_values.get(tx, settings_log.STORED) or ""
        key_values.set(tx, settings_log.STORED, kept.replace('"port"', '"harbour"'), stepped.clock())

    assert starts(stepped) == []


def test_no_value_is_kept(stepped: SteppedBot) -> None:
    starts(stepped, ALLOWED_PEOPLE="nora.jones@acme.example")

    with stepped.database.read() as tx:
        kept = str([tx.execute(text(f"SELECT * FROM {name}")).all() for name in ("facts", "audit")])

    for secret in ("nora", stepped.setup.bot_token, stepped.setup.admin_token, "a secret of the tests", "127.0.0.1"):
        assert secret not in kept
