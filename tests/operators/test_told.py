"""The operators hear of it: the real program, the emulated Webex, and what stands in the operators' space."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import requests

from bot import app
from bot.access.token_store import FACT, DatabaseTokenStore, derived
from bot.cli import doctor
from bot.db import key_values, migrations
from bot.settings import secret_key
from bot.webex.tokens import RefreshableToken
from tests.operators.space import heard, hears
from tests.stage import OPS, PATIENCE

if TYPE_CHECKING:
    from tests.stage import Stage

DAY = 86400


def refreshable(stage: Stage, **more: Any) -> Any:
    """Give the program a Service App's credentials instead of the plain token."""
    made = stage.emulator.world.add_refreshable(stage.ada, kind="service_app", **more)
    stage.environ.pop("WEBEX_ADMIN_TOKEN", None)
    stage.environ |= {
        "WEBEX_ADMIN_CLIENT_ID": made.client_id,
        "WEBEX_ADMIN_CLIENT_SECRET": made.client_secret,
        "WEBEX_ADMIN_REFRESH_TOKEN": made.refresh_token,
    }
    return made


def test_a_token_that_dies_is_told_when_it_is_first_refused_and_its_renewal_after_a_restart(stage):
    report = stage.partner_report()
    with stage.program() as door:
        stage.register(door)
        hears(stage, "WEBEX_ADMIN_TOKEN will expire")
        stage.emulator.world.expire_token(stage.admin_token)
        stage.at(stage.ada).says(f"report {report.id}").hears("no longer accepts the bot's admin token")
        hears(stage, "Webex no longer accepts the admin token, so nobody gets a report")
    stage.environ["WEBEX_ADMIN_TOKEN"] = stage.emulator.world.add_token(stage.ada, kind="integration")
    with stage.program():
        hears(stage, "Resolved: Webex accepts the admin token, and it can read roles.")
    assert len(heard(stage)) == 3  # the remark on the plain token was not said again


def test_a_refresh_that_is_refused_is_told(stage):
    made = refreshable(stage)
    made.client_secret = "another one"
    with stage.program():
        hears(stage, "Webex refuses to renew the admin token")
    assert len(heard(stage)) == 1


def test_a_refresh_token_near_its_end_is_told_once_and_doctor_says_it_too(stage):
    refreshable(stage, refresh_token_expires_in=10 * DAY)
    for _ in range(2):
        with stage.program():
            hears(stage, "refresh token expires on")
    lines: list[str] = []
    doctor.run(stage.settings(), lines.append)
    assert [line for line in lines if line.startswith("note") and "refresh token expires on" in line]


def test_all_is_well_with_a_service_app_and_nothing_is_said(stage):
    refreshable(stage)
    report = stage.partner_report()
    with stage.program() as door:
        stage.register(door)
        stage.at(stage.ada).says(f"report {report.id}").file()
    assert heard(stage) == []


def test_tokens_in_each_others_place_are_told(stage):
    stage.environ |= {"WEBEX_BOT_TOKEN": stage.admin_token, "WEBEX_ADMIN_TOKEN": stage.bot_token}
    world = stage.emulator.world

    def said() -> str:
        return " ".join(one.text or "" for one in world.messages(stage.group))

    with stage.program():
        world.wait_for(
            lambda _: "must be a bot's token" in said() and "has no administrator rights" in said(), PATIENCE
        )


def test_an_owner_without_a_role_is_told_with_the_scopes(stage):
    stage.environ["WEBEX_ADMIN_TOKEN"] = stage.emulator.world.add_token(stage.nora, kind="personal")
    with stage.program():
        hears(stage, "spark-admin:people_read and spark-admin:roles_read")


def test_rejected_calls_are_told_and_said_in_readyz_whose_status_it_does_not_change(stage):
    with stage.program() as door:
        for number in range(25):
            answer = requests.post(f"{door}/webhooks/webex", data=b"{}", timeout=5)
            assert answer.status_code == 401, number
        ready = requests.get(f"{door}/readyz", headers=OPS, timeout=5)
        assert ready.status_code == 200
        assert ready.json()["rejected_calls"] == {"last_5_minutes": 25}
        database = app.open_database(stage.settings())

        def kept() -> bool:
            with database.read() as tx:
                return key_values.get(tx, key_values.REJECTED_CALLS) == "25"

        deadline = time.monotonic() + PATIENCE
        while not kept():
            assert time.monotonic() < deadline, "the web process kept no figure"
            time.sleep(0.02)
        database.close()
    with stage.program():
        hears(stage, "webhook calls in five minutes failed signature verification")


def test_no_secret_and_nobodys_name_is_told(stage):
    made = refreshable(stage, refresh_token_expires_in=10 * DAY)
    with stage.program():
        hears(stage, "refresh token expires on")
    said = " ".join(heard(stage))
    for secret in (*stage.settings().secret_values(), made.refresh_token, stage.ada.display_name, stage.acme.id):
        assert secret not in said


def test_a_state_that_an_earlier_version_kept_still_loads(stage):
    """It does not say when the refresh token ends: then nobody knows, and the token goes on being used."""
    made = refreshable(stage)
    settings = stage.settings()
    database = app.open_database(settings)
    migrations.upgrade(database)
    admin = app.admin_token(settings, database)
    assert isinstance(admin, RefreshableToken)
    token = admin.current()
    admin.close()

    cipher = derived(secret_key(settings), FACT)
    with database.begin() as tx:
        state = json.loads(cipher.decrypt((key_values.get(tx, FACT) or "").encode()))
        assert state.pop("refresh_ends_at") > 0
        key_values.set(tx, FACT, cipher.encrypt(json.dumps(state).encode()).decode(), app.now())

    again = RefreshableToken(
        made.client_id,
        made.client_secret,
        settings.webex_admin_refresh_token.get_secret_value() if settings.webex_admin_refresh_token else "",
        settings.webex_api_url,
        DatabaseTokenStore(database, settings.data_dir, lambda: secret_key(settings), lambda *_: None),
    )
    assert again.current() == token
    assert again.refresh_ends_at() is None
    again.close()
    database.close()
