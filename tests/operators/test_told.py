"""Alerts in the operators' space: the real program and the emulated Webex."""

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
from tests.operators.space import is_told, told
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


def test_a_rejected_token_is_an_alert_at_once_and_resolved_after_a_restart_with_a_new_one(stage):
    report = stage.partner_report()
    with stage.program() as door:
        stage.register(door)
        is_told(stage, "WEBEX_ADMIN_TOKEN will expire")
        stage.emulator.world.expire_token(stage.admin_token)
        stage.at(stage.ada).says(f"report {report.id}").hears("no longer accepts the bot's admin token")
        is_told(stage, "Webex no longer accepts the admin token, so nobody gets a report")
    stage.environ["WEBEX_ADMIN_TOKEN"] = stage.emulator.world.add_token(stage.ada, kind="integration")
    with stage.program():
        is_told(stage, "Resolved: Webex accepts the admin token, and it can read roles.")
    assert len(told(stage)) == 3  # that the plain token expires was not told again


def test_a_refused_refresh_is_an_alert(stage):
    made = refreshable(stage)
    made.client_secret = "another one"
    with stage.program():
        is_told(stage, "Webex refuses to renew the admin token")
    assert len(told(stage)) == 1


def test_a_refresh_token_near_its_end_is_one_alert_and_a_line_of_doctor(stage):
    refreshable(stage, refresh_token_expires_in=10 * DAY)
    for _ in range(2):
        with stage.program():
            is_told(stage, "refresh token expires on")
    lines: list[str] = []
    doctor.run(stage.settings(), lines.append)
    assert [line for line in lines if line.startswith("note") and "refresh token expires on" in line]


def test_with_a_service_app_there_is_no_alert(stage):
    refreshable(stage)
    report = stage.partner_report()
    with stage.program() as door:
        stage.register(door)
        stage.at(stage.ada).says(f"report {report.id}").file()
    assert told(stage) == []


def test_tokens_in_each_others_place_are_alerts(stage):
    stage.environ |= {"WEBEX_BOT_TOKEN": stage.admin_token, "WEBEX_ADMIN_TOKEN": stage.bot_token}
    world = stage.emulator.world

    def said() -> str:
        return " ".join(one.text or "" for one in world.messages(stage.group))

    with stage.program():
        world.wait_for(
            lambda _: "must be a bot's token" in said() and "has no administrator rights" in said(), PATIENCE
        )


def test_an_owner_without_a_role_is_an_alert_with_the_scopes(stage):
    stage.environ["WEBEX_ADMIN_TOKEN"] = stage.emulator.world.add_token(stage.nora, kind="personal")
    with stage.program():
        is_told(stage, "spark-admin:people_read and spark-admin:roles_read")


def test_rejected_calls_are_an_alert_and_a_figure_in_readyz_whose_status_stays(stage):
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
        is_told(stage, "webhook calls in five minutes failed signature verification")


def test_no_alert_holds_a_secret_or_a_name(stage):
    made = refreshable(stage, refresh_token_expires_in=10 * DAY)
    with stage.program():
        is_told(stage, "refresh token expires on")
    said = " ".join(told(stage))
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
