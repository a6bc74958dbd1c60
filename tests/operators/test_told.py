"""Alerts in the operators' space: the real program and the emulated Webex."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import requests

from bot import app
from bot.access.token_store import FACT, DatabaseTokenStore, derived
from bot.cli import doctor
from bot.db import key_values, migrations
from bot.settings import secret_keys
from bot.web import heartbeat
from bot.webex.tokens import RefreshableToken
from tests.live_bot import OPS, PATIENCE
from tests.operators.space import is_told, told
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live_bot import LiveBot

DAY = 86400


def refreshable(live: LiveBot, **more: Any) -> Any:
    """Give the program a Service App's credentials instead of the plain token."""
    made = live.emulator.world.add_refreshable(live.ada, kind="service_app", **more)
    live.environ.pop("WEBEX_ADMIN_TOKEN", None)
    live.environ |= {
        "WEBEX_ADMIN_CLIENT_ID": made.client_id,
        "WEBEX_ADMIN_CLIENT_SECRET": made.client_secret,
        "WEBEX_ADMIN_REFRESH_TOKEN": made.refresh_token,
    }
    return made


def test_a_rejected_token_is_an_alert_at_once_and_resolved_after_a_restart_with_a_new_one(live):
    report = live.partner_report()
    with live.program() as url:
        live.register(url)
        is_told(live, "WEBEX_ADMIN_TOKEN will expire")
        live.emulator.world.expire_token(live.admin_token)
        live.at(live.ada).says(f"report {report.id}").hears("no longer accepts the bot's admin token")
        is_told(live, "Webex no longer accepts the admin token, so nobody gets a report")
    live.environ["WEBEX_ADMIN_TOKEN"] = live.emulator.world.add_token(live.ada, kind="integration")
    with live.program():
        is_told(live, "Resolved: Webex accepts the admin token, and it can read roles.")
    assert len(told(live)) == 3  # that the plain token expires was not told again


def test_a_refused_refresh_is_an_alert(live):
    made = refreshable(live)
    made.client_secret = "another one"
    with live.program():
        is_told(live, "Webex refuses to renew the admin token")
    assert len(told(live)) == 1


def test_a_refresh_token_near_its_end_is_one_alert_and_a_line_of_doctor(live):
    refreshable(live, refresh_token_expires_in=10 * DAY)
    for _ in range(2):
        with live.program():
            is_told(live, "refresh token expires on")
    lines: list[str] = []
    doctor.run(live.settings(), lines.append)
    assert [line for line in lines if line.startswith("note") and "refresh token expires on" in line]


def test_with_a_service_app_there_is_no_alert(live):
    refreshable(live)
    report = live.partner_report()
    with live.program() as url:
        live.register(url)
        live.at(live.ada).says(f"report {report.id}").file()
    assert told(live) == []


def test_tokens_in_each_others_place_are_alerts(live):
    live.environ |= {"WEBEX_BOT_TOKEN": live.admin_token, "WEBEX_ADMIN_TOKEN": live.bot_token}
    world = live.emulator.world

    def said() -> str:
        return " ".join(one.text or "" for one in world.messages(live.group))

    with live.program():
        world.wait_for(
            lambda _: "must be a bot's token" in said() and "has no administrator rights" in said(), PATIENCE
        )


def test_an_owner_without_a_role_is_an_alert_with_the_scopes(live):
    live.environ["WEBEX_ADMIN_TOKEN"] = live.emulator.world.add_token(live.nora, kind="personal")
    with live.program():
        is_told(live, "spark-admin:people_read and spark-admin:roles_read")


def test_rejected_calls_are_an_alert_and_a_figure_in_readyz_whose_status_stays(live, monkeypatch):
    monkeypatch.setattr(heartbeat, "STEP", 0.02)
    monkeypatch.setattr(heartbeat, "KEEP_EVERY", 0.1)
    with live.program() as url:
        for number in range(25):
            answer = requests.post(f"{url}/webhooks/webex", data=b"{}", timeout=5)
            assert answer.status_code == 401, number
        ready = requests.get(f"{url}/readyz", headers=OPS, timeout=5)
        assert ready.status_code == 200
        assert ready.json()["rejected_calls"] == {"last_5_minutes": 25}
        database = app.open_database(live.settings())

        def kept() -> bool:
            with database.read() as tx:
                return key_values.get(tx, key_values.REJECTED_CALLS) == "25"

        until(kept, "the web process keeps the figure")
        database.close()
    with live.program():
        is_told(live, "webhook calls in five minutes failed signature verification")


def test_no_alert_holds_a_secret_or_a_name(live):
    made = refreshable(live, refresh_token_expires_in=10 * DAY)
    with live.program():
        is_told(live, "refresh token expires on")
    said = " ".join(told(live))
    for secret in (*live.settings().secret_values(), made.refresh_token, live.ada.display_name, live.acme.id):
        assert secret not in said


def test_a_state_that_an_earlier_version_kept_still_loads(live):
    """It does not say when the refresh token ends: then nobody knows, and the token goes on being used."""
    made = refreshable(live)
    settings = live.settings()
    database = app.open_database(settings)
    migrations.upgrade(database)
    admin = app.admin_token(settings, database)
    assert isinstance(admin, RefreshableToken)
    token = admin.current()
    admin.close()

    cipher = derived(secret_keys(settings), FACT)
    with database.begin() as tx:
        state = json.loads(cipher.decrypt((key_values.get(tx, FACT) or "").encode()))
        assert state.pop("refresh_ends_at") > 0
        key_values.set(tx, FACT, cipher.encrypt(json.dumps(state).encode()).decode(), app.now())

    again = RefreshableToken(
        made.client_id,
        made.client_secret,
        settings.webex_admin_refresh_token.get_secret_value() if settings.webex_admin_refresh_token else "",
        settings.webex_api_url,
        DatabaseTokenStore(database, settings.data_dir, partial(secret_keys, settings), lambda *_: None),
    )
    assert again.current() == token
    assert again.refresh_ends_at() is None
    again.close()
    database.close()
