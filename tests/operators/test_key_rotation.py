"""``SECRET_KEY`` is rotated without a refresh of the admin token, and doctor says when the old key may go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot import app
from bot.access.token_store import FACT, DatabaseTokenStore, derived, encrypt_with_first_key
from bot.cli import doctor
from bot.db import key_values
from bot.ops.checks.doctor_line import State
from bot.settings import CLIENT_VARIABLES, KEY_FILE, secret_keys
from tests.operators.test_told import refreshable

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

OLD, NEW = "the old key 0123456789", "the new key 0123456789"


def delivers(live: LiveBot) -> None:
    """Run the program until it has delivered a report, for which it needs the admin token."""
    report = live.partner_report()
    with live.program() as url:
        live.register(url)
        live.at(live.ada).says(f"report {report.id}").file()
    live.emulator.deliver_webhooks = True


def refreshes(live: LiveBot) -> int:
    return len(live.emulator.calls.calls_to("POST", "/v1/access_token"))


def is_encrypted_with(live: LiveBot, key: str) -> bool:
    database = app.open_database(live.settings())
    with database.read() as tx:
        kept = key_values.get(tx, FACT)
    database.close()
    assert kept is not None
    return "access_token" in derived([key.encode()], FACT).decrypt(kept.encode()).decode()


def doctor_says(live: LiveBot) -> str:
    lines: list[str] = []
    doctor.run(live.settings(), lines.append)
    assert OLD not in "".join(lines)
    assert NEW not in "".join(lines)
    return next(line for line in lines if "secret key:" in line)


@pytest.mark.parametrize("old_in_file", [False, pytest.param(True, marks=pytest.mark.sqlite("else it is a setting"))])
def test_the_stored_token_is_read_with_both_keys_and_moves_to_the_new_one(live: LiveBot, old_in_file: bool):
    refreshable(live)
    if not old_in_file:
        live.environ["SECRET_KEY"] = OLD
    delivers(live)
    old = (live.folder / KEY_FILE).read_text() if old_in_file else OLD
    assert is_encrypted_with(live, old)
    assert refreshes(live) == 1

    # On several machines all of them know the new key before one encrypts with it.
    live.environ["SECRET_KEY"] = f"{old},{NEW}"
    delivers(live)
    assert is_encrypted_with(live, old)
    said = doctor_says(live)
    assert "If that is the new key, put it first" in said

    live.environ["SECRET_KEY"] = f"{NEW},{old}"
    assert "still encrypted with the second one: restart the worker" in doctor_says(live)
    delivers(live)
    assert is_encrypted_with(live, NEW)
    assert doctor_says(live) == said  # it doesn't know which is the newer one
    assert "Nothing is encrypted with the second one" in said
    assert "If it's the old key, remove it when" in said

    live.environ["SECRET_KEY"] = NEW
    delivers(live)
    assert refreshes(live) == 1
    assert doctor_says(live).startswith("ok")


def test_the_doctor_says_that_another_machine_has_another_key(live: LiveBot):
    refreshable(live)
    live.environ["SECRET_KEY"] = OLD
    delivers(live)
    live.environ["SECRET_KEY"] = NEW
    assert doctor_says(live).startswith("FAILED")
    machines = "which other machines of this bot have" in doctor_says(live)
    assert machines == (app.open_database(live.settings()).dialect == "postgresql")
    assert "Set SECRET_KEY to the one before" in doctor_says(live)
    clients = {name: live.environ.pop(name) for name in CLIENT_VARIABLES}
    live.environ["WEBEX_ADMIN_TOKEN"] = live.admin_token
    assert doctor_says(live).startswith("ok"), "the stored token is not used"
    del live.environ["WEBEX_ADMIN_TOKEN"]
    live.environ.update(clients, SECRET_KEY=OLD)
    assert doctor_says(live).startswith("ok")


@pytest.mark.sqlite("else it is a setting")
def test_the_doctor_says_that_the_key_is_lost_and_puts_none_in_its_place(live: LiveBot):
    refreshable(live)
    delivers(live)
    file = live.folder / KEY_FILE
    old = file.read_text()
    file.unlink()
    called = refreshes(live)
    for _ in range(2):
        assert doctor_says(live).startswith("FAILED")
        assert f"Put the {file} of that time back" in doctor_says(live)
    (only,) = doctor.examine_person(live.settings(), "ada@example.com")
    assert (only.name, only.state) == ("secret key", State.FAILED)
    assert not file.exists()
    assert refreshes(live) == called, "a new token would be stored over the one that the old key opens"

    file.write_text("another-key-0123456789")
    assert doctor_says(live).startswith("FAILED")
    file.write_text(old)
    assert doctor_says(live).startswith("note")
    assert is_encrypted_with(live, old)


@pytest.mark.sqlite("else it is a setting")
def test_what_only_reads_the_stored_token_makes_no_key(live: LiveBot):
    refreshable(live)
    delivers(live)
    (live.folder / KEY_FILE).unlink()
    settings = live.settings()
    database = app.open_database(settings)
    store = DatabaseTokenStore(database, settings.data_dir, partial(secret_keys, settings), lambda *_: None)
    assert store.load() is None
    database.close()
    assert not (live.folder / KEY_FILE).exists()


def test_what_neither_key_opens_is_left_alone(live: LiveBot):
    database = app.open_database(live.settings())
    other = derived([b"a third key 0123456789"], FACT).encrypt(b"{}").decode()
    with database.begin() as tx:
        assert not encrypt_with_first_key(tx, [NEW.encode(), OLD.encode()])
        key_values.set(tx, FACT, other, app.now())
        assert not encrypt_with_first_key(tx, [NEW.encode(), OLD.encode()])
        assert key_values.get(tx, FACT) == other
    database.close()
