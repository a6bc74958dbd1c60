"""What ``doctor`` says when something is set up wrongly: each setting that can lock people out, and PUBLIC_URL."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from bot import app as application
from bot.cli import doctor, manifest
from bot.db import api_keys, heartbeats, key_values, migrations, origins, tables
from bot.db.api_keys import Right
from bot.db.origin import PauseCause
from bot.emulator import Emulator
from bot.emulator.things import READONLY_ADMIN
from bot.ops.checks import public_address
from bot.ops.checks.doctor_line import State
from bot.queue import open_queue, tasks
from bot.text import when
from tests.live_bot import PATIENCE, SECRET, LiveBot, QuietHandler
from tests.origin_rows import add_schedule, add_subscription
from tests.waiting import until
from tests.webex.certificates import ELSEWHERE, Authority, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROXIES = ("HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def live(tmp_path: Path, monkeypatch) -> Iterator[LiveBot]:
    """Return the setup without the program."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    with Emulator() as emulator:
        yield LiveBot(emulator, tmp_path / "data")


def examined(live: LiveBot, **environ: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Run doctor; gives its exit code, and state and words of each check."""
    live.environ |= environ
    lines: list[str] = []
    code = doctor.run(live.settings(), lines.append)
    found = {}
    for line in lines:
        state, rest = line.split(None, 1)
        what, words = rest.split(": ", 1)
        found[what] = (state, words)
    return code, found


def encoded(kind: str, bare: str) -> str:
    return base64.urlsafe_b64encode(f"ciscospark://us/{kind}/{bare}".encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("roles", "state", "words"),
    [
        ("full administrator, Read-only Administrator", "ok", "Full Administrator, Read-only Administrator"),
        ("id_full_admin", "ok", "Full Administrator (id_full_admin)"),
        ("Full Adminstrator", "FAILED", "“Full Adminstrator” isn't a role here (did you mean “Full Administrator”?)"),
        ("Full Administrator,Reed-only Administrator", "note", "did you mean “Read-only Administrator”?); Full Admin"),
        ("Boss", "FAILED", "“Boss” isn't a role here"),
    ],
)
def test_role_names_are_compared_with_webexs_own(live, roles, state, words):
    _, found = examined(live, ALLOWED_ROLES=roles)
    assert found["ALLOWED_ROLES"][0] == state
    assert words in found["ALLOWED_ROLES"][1]


def test_a_role_by_its_opaque_id_is_shown_by_its_name(live):
    _, found = examined(live, ALLOWED_ROLES=encoded("ROLE", "id_readonly_admin"))
    assert found["ALLOWED_ROLES"] == ("ok", "Read-only Administrator (id_readonly_admin)")


def test_roles_that_may_not_be_listed_are_not_called_wrong(live):
    token = live.emulator.world.add_token(live.ada, scopes={"spark-admin:people_read", "spark:people_read"})
    _, found = examined(live, ALLOWED_ROLES="Full Administrator", WEBEX_ADMIN_TOKEN=token)
    assert found["ALLOWED_ROLES"][0] == "note"
    assert "spark-admin:roles_read" in found["ALLOWED_ROLES"][1]


def test_spaces_are_shown_by_title_and_one_that_the_bot_is_not_in_is_named(live):
    world = live.emulator.world
    foreign = world.add_space("Without the bot", [live.ada])
    code, found = examined(live, ALLOWED_SPACES=live.group.id, OPERATORS_SPACE=live.group.id)
    assert found["ALLOWED_SPACES"] == found["OPERATORS_SPACE"] == ("ok", "“Admin reports”")
    code, found = examined(live, ALLOWED_SPACES=f"{live.group.id},{foreign.id}", OPERATORS_SPACE=foreign.id)
    assert found["ALLOWED_SPACES"][0] == "note"
    assert "the bot isn't in the space" in found["ALLOWED_SPACES"][1]
    assert "“Admin reports”" in found["ALLOWED_SPACES"][1]
    assert found["OPERATORS_SPACE"][0] == "FAILED"
    assert "Without the bot" not in found["OPERATORS_SPACE"][1]
    assert code == 1
    code, found = examined(live, ALLOWED_SPACES=foreign.id)
    assert found["ALLOWED_SPACES"][0] == "FAILED"


def test_a_space_in_another_spelling_is_known(live):
    bare = base64.urlsafe_b64decode(live.group.id + "==").decode().rpartition("/")[2]
    other = base64.urlsafe_b64encode(f"ciscospark://urn:TEAM:eu/ROOM/{bare}".encode()).decode().rstrip("=")
    _, found = examined(live, ALLOWED_SPACES=other)
    assert found["ALLOWED_SPACES"] == ("ok", "“Admin reports”")


def test_organizations_are_shown_by_name_where_webex_shows_it(live):
    _, found = examined(live, ALLOWED_ORGS=live.acme.id)
    assert found["ALLOWED_ORGS"][0] == "ok"
    assert found["ALLOWED_ORGS"][1].startswith("Acme (")
    code, found = examined(live, ALLOWED_ORGS=live.globex.id)
    assert (code, found["ALLOWED_ORGS"][0]) == (0, "note")
    assert "compare the ID yourself" in found["ALLOWED_ORGS"][1]


def test_people_are_told_by_their_place_and_never_by_their_address(live):
    _, found = examined(live, ALLOWED_PEOPLE=live.nora.email)
    assert found["ALLOWED_PEOPLE"] == ("ok", "Webex knows all 1")
    code, found = examined(live, ALLOWED_PEOPLE=f"{live.nora.email},norra@example.com")
    assert (code, found["ALLOWED_PEOPLE"][0]) == (0, "note")
    assert "Webex doesn't know number 2 of the list. Check for typos" in found["ALLOWED_PEOPLE"][1]
    assert "@" not in found["ALLOWED_PEOPLE"][1]


def test_the_base_address_is_shown_and_works_without_its_version(live):
    base = live.emulator.api_url.removesuffix("/v1")
    for spelling in (base, f"{base}/", f"{base}/v1/"):
        code, found = examined(live, WEBEX_API_URL=spelling)
        assert code == 0, found
        assert found["Webex"] == ("ok", f"answers at {base}/v1")


def test_an_address_where_something_else_answers_is_said(live):
    with serving() as port:
        code, found = examined(live, WEBEX_API_URL=f"http://127.0.0.1:{port}")
    assert code == 1
    assert "Correct WEBEX_API_URL" in found["Webex"][1]


def test_a_token_that_is_not_accepted_is_not_called_a_missing_scope(live):
    code, found = examined(live, WEBEX_ADMIN_TOKEN="no-such-token-0123456789")
    assert code == 1
    assert "the bot's admin token" in found["admin token"][1]
    for what in ("roles", "partner reports", "organization reports"):
        assert found[what] == ("FAILED", "same as “admin token” above")


@pytest.mark.parametrize("status", [302, 401, 403])
def test_what_answers_in_webexs_place_is_not_taken_for_its_word_on_the_token(live, status):
    with answering(Response("<html>blocked by your company</html>", status)) as page:
        code, found = examined(live, WEBEX_API_URL=page)
    assert code == 1
    assert "something between here and Webex answers" in found["Webex"][1]
    assert "bot token" not in found


def test_while_webex_does_not_answer_its_cause_is_said_and_nobody_waits_for_the_same_again(live, monkeypatch):
    began = time.monotonic()
    code, found = examined(live, WEBEX_API_URL="https://x.invalid")
    assert code == 1
    assert set(found) == {"settings", "database", "secret key", "files", "Webex", "not checked"}
    assert "can't resolve the name x.invalid" in found["Webex"][1]
    monkeypatch.setattr(doctor, "TIMEOUTS", (1.0, 0.3))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(4)
        code, found = examined(live, WEBEX_API_URL=f"http://127.0.0.1:{held.getsockname()[1]}")
    assert (code, "doesn't answer in time" in found["Webex"][1]) == (1, True)
    assert time.monotonic() - began < PATIENCE


def test_a_cause_is_said_once_and_referred_to_afterwards(live):
    code, found = examined(
        live,
        WEBEX_ADMIN_CLIENT_ID="C1",
        WEBEX_ADMIN_CLIENT_SECRET="m4rk3d-secret-0123456789",
        WEBEX_ADMIN_REFRESH_TOKEN="m4rk3d-refresh-0123456789",
    )
    assert code == 1
    assert "WEBEX_ADMIN_CLIENT_ID with WEBEX_ADMIN_CLIENT_SECRET" in found["admin token"][1]
    for what in ("roles", "partner reports", "organization reports"):
        assert found[what] == ("FAILED", "same as “admin token” above")
    assert "m4rk3d" not in str(found)


def test_a_fresh_set_up_that_is_right_has_a_next_step_and_no_failure(live):
    with closed_port() as port:
        code, found = examined(live, PUBLIC_URL=f"https://127.0.0.1:{port}")
        assert code == 0, found
        assert found["webhooks"][0] == "next"
        assert found["webhooks"][1].startswith("none yet. Run `reportbot manifest apply`")
        assert found["public address"][0] == "next"
        assert "start the bot" in found["public address"][1]
        assert manifest.apply(live.settings(), lambda _: None) == 0
        code, found = examined(live)
        assert code == 0, found
        assert found["webhooks"][0] == "ok"
        assert found["public address"][0] == "next"  # apply alone is no running bot


def test_a_public_name_that_leads_nowhere_is_the_next_step(live):
    code, found = examined(live, PUBLIC_URL="https://bot.invalid")
    assert (code, found["public address"][0]) == (0, "next")
    assert found["public address"][1].startswith("point that name to this machine, and start the bot")


def test_without_a_public_address_that_is_the_next_step(live):
    code, found = examined(live)
    assert (code, found["webhooks"][0]) == (0, "next")
    assert "public address" not in found


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def answering(*answers: Response) -> Iterator[str]:
    """Something else than the bot, which answers so, the last one for ever."""
    left = list(answers)

    def app(environ: Any, start: Any) -> Any:
        return (left.pop(0) if len(left) > 1 else left[0])(environ, start)

    server = make_server("127.0.0.1", 0, app, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/webhooks/webex"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kept_events(live: LiveBot) -> list[Any]:
    database = application.open_database(live.settings())
    try:
        with database.read() as tx:
            return list(tx.execute(select(tables.events.c.id)).scalars())
    finally:
        database.close()


@pytest.mark.parametrize(
    ("revision", "words"), [("9999", "of a newer version of the bot"), ("0001", "of an older version. `reportbot")]
)
def test_a_database_of_another_version_is_named(live, revision, words):
    database = application.open_database(live.settings())
    migrations.upgrade(database)
    with database.begin() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    database.close()
    state, said = examined(live)[1]["database"]
    assert state == "note"
    assert words in said


def test_a_missing_worker_is_said_and_for_how_long_somebody_waits(live: LiveBot) -> None:
    assert "worker" not in examined(live)[1]  # the bot has never run here
    database = application.open_database(live.settings())
    migrations.upgrade(database)
    now = application.now()
    with database.begin() as tx:
        heartbeats.begin(tx, now)
        heartbeats.beat(tx, now, started=True)
    state, words = examined(live)[1]["worker"]
    assert state == "note"
    assert words.startswith("not seen yet. Until one runs, nobody gets an answer. Start `reportbot worker`")
    assert "waited" not in words

    with database.begin() as tx:
        key_values.set(tx, key_values.WORKER_SEEN, "", now - timedelta(minutes=1))
    assert examined(live)[1]["worker"] == ("ok", "running")

    seen = now - timedelta(minutes=4)
    with database.begin() as tx:
        key_values.set(tx, key_values.WORKER_SEEN, "", seen)
        queue = open_queue(database, live.folder, seen.timestamp)
        queue.put(tx, tasks.THREAD, "waiting")
    code, found = examined(live)
    database.close()
    assert code == 0
    assert found["worker"][1].startswith(f"not seen since {when(seen)}. ")
    assert found["worker"][1].endswith("Somebody has waited for 4 min.")


def wait_until_seen(live: LiveBot) -> None:
    database = application.open_database(live.settings())
    migrations.upgrade(database)

    def is_seen() -> bool:
        with database.read() as tx:
            return heartbeats.web_lives(tx, application.now())

    until(is_seen, "the web process beats")
    database.close()


def test_the_round_trip_meets_the_running_bot_and_nothing_is_kept_of_it_or_lost_by_it(live):
    report = live.partner_report()
    with live.program() as url:
        live.register(url)
        wait_until_seen(live)
        _, found = examined(live, PUBLIC_URL=url)
        assert found["public address"][0] == "ok", found
        assert "with this WEBEX_WEBHOOK_SECRET" in found["public address"][1]
        assert kept_events(live) == []
        live.at(live.ada).says(f"report {report.id}").file()
        assert examined(live)[1]["public address"][0] == "ok"
    assert SECRET not in str(found)


def test_another_secret_there_is_told_apart_from_another_program(live):
    with live.program() as url:
        wait_until_seen(live)
        code, found = examined(live, PUBLIC_URL=url, WEBEX_WEBHOOK_SECRET="another secret 0123456789")
        assert (code, found["public address"][0]) == (1, "FAILED")
        assert "with another WEBEX_WEBHOOK_SECRET" in found["public address"][1]
        both = f"{SECRET},another secret 0123456789"  # rotating: the first signs
        assert examined(live, WEBEX_WEBHOOK_SECRET=both)[1]["public address"][0] == "ok"
        with closed_port() as port:
            code, found = examined(live, PUBLIC_URL=f"http://127.0.0.1:{port}", WEBEX_WEBHOOK_SECRET=SECRET)
        assert (code, found["public address"][0]) == (1, "FAILED")
        assert "web process is running, but nothing answers" in found["public address"][1]


@pytest.mark.parametrize(
    ("answer", "runs", "state", "words"),
    [
        (Response("ok", 200), True, State.FAILED, "isn't this bot (200)"),
        (Response("reportbot 0123", 200), True, State.FAILED, "isn't this bot (200)"),
        (Response("log in", 401), True, State.FAILED, "wants a login"),
        (Response("no", 403), True, State.FAILED, "Let Webex's calls to this path through"),
        (Response("no", 404), True, State.FAILED, "no such path"),
        (Response("no", 405), False, State.FAILED, "doesn't accept POST"),
        (Response("", 301, {"Location": "https://bot.example.com/"}), True, State.FAILED, "It redirects elsewhere"),
        (Response("bad gateway", 502), True, State.FAILED, "can't reach the bot behind it (502)"),
        (Response("bad gateway", 502), False, State.NEXT, "start the bot"),
        (Response("teapot", 418), True, State.FAILED, "Correct PUBLIC_URL"),
    ],
)
def test_anything_else_that_answers_is_named(answer, runs, state, words):
    with answering(answer) as target:
        found, said = public_address.round_trip(target, SECRET, runs=runs)
    assert (found, words in said) == (state, True), said
    assert SECRET not in said


def test_what_answers_in_time_never_is_told(monkeypatch):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(4)
        target = f"http://127.0.0.1:{held.getsockname()[1]}/webhooks/webex"
        state, said = public_address.round_trip(target, SECRET, runs=True, timeouts=(0.5, 0.2))
    assert state is State.FAILED
    assert "doesn't answer in time" in said


@pytest.mark.parametrize("runs", [True, False])
def test_a_certificate_that_webex_would_not_accept_is_a_failure_also_before_the_start(tmp_path, monkeypatch, runs):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    authority = Authority(tmp_path)
    with serving(authority.leaf()) as port:
        state, said = public_address.round_trip(f"https://127.0.0.1:{port}/webhooks/webex", SECRET, runs=runs)
    assert (state, "those of a public authority, sent with all" in said) == (State.FAILED, True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.fspath(authority.file))
    with serving(authority.leaf(ELSEWHERE)) as port:
        state, said = public_address.round_trip(f"https://127.0.0.1:{port}/webhooks/webex", SECRET, runs=runs)
    assert (state, "is for another name" in said) == (State.FAILED, True)


def asked_about(live: LiveBot, email: str, **environ: str) -> tuple[int, str]:
    """Run ``doctor --person``; gives its exit code and what it says."""
    live.environ |= environ
    lines: list[str] = []
    return doctor.run(live.settings(), lines.append, email), "\n".join(lines)


def test_doctor_says_of_a_person_what_the_bot_says_for_both_families(live):
    code, said = asked_about(live, live.ada.emails[0])
    assert code == 0
    assert "You are: Full Administrator, Partner Full Administrator." in said
    assert said.count("may read, create and delete them, by role") == 2

    live.ada.roles = [READONLY_ADMIN]
    code, said = asked_about(live, live.ada.emails[0])
    assert code == 0
    assert "You are: Read-only Administrator." in said
    assert "organization reports: may read them, by role" in said
    refused = "Partner reports are for: Partner Full Administrator, Partner Read-only Administrator."
    assert f"partner reports: refused. {refused}" in said
    assert "`ALLOWED_PARTNER_ROLES` or `ALLOWED_PEOPLE`" in said


def test_doctor_says_of_a_person_what_an_address_does_and_that_strangers_get_nothing(live):
    _, said = asked_about(live, live.nora.emails[0])
    assert "Webex shows no administrator role for you." in said
    assert said.count("refused.") == 2
    _, said = asked_about(live, live.nora.emails[0], ALLOWED_PEOPLE=live.nora.emails[0])
    assert said.count("may read, create and delete them, by ALLOWED_PEOPLE") == 2
    code, said = asked_about(live, "nobody@acme.example")
    assert code == 1
    assert "No Webex user" in said
    assert "reports:" not in said


def test_where_no_role_is_known_for_partner_reports_doctor_names_what_to_set(live):
    _, found = examined(live)
    assert found["partner roles"] == (
        "ok",
        "partner reports are for: Partner Full Administrator, Partner Read-only Administrator",
    )
    listed = {"items": [{"id": encoded("ROLE", "x-1"), "name": "Partner Reporting"}, {"id": "y", "name": "Boss"}]}
    live.emulator.faults.add("GET", "/v1/roles", status=200, body=listed)
    _, found = examined(live)
    assert found["partner roles"][0] == "note"
    for words in ("nobody but ALLOWED_PEOPLE", "Set ALLOWED_PARTNER_ROLES", "(there are Partner Reporting)"):
        assert words in found["partner roles"][1]
    assert "REPORT_FAMILIES" in found["partner roles"][1]
    _, found = examined(live, ALLOWED_PARTNER_ROLES="partner-reporting")
    assert "partner roles" not in found
    assert found["ALLOWED_PARTNER_ROLES"][0] == "ok"


def test_a_token_that_may_not_read_itself_needs_its_organization_in_the_settings(live):
    reports = {"analytics:read_all", "spark-admin:reports_read", "identity:people_read", "spark-admin:roles_read"}
    token = live.emulator.world.add_token(live.ada, scopes=reports)
    code, found = examined(live, WEBEX_ADMIN_TOKEN=token)
    assert code == 1
    assert found["admin token"][0] == "FAILED"
    assert "spark:people_read" in found["admin token"][1]
    assert "WEBEX_ORG_ID" in found["admin token"][1]
    _, found = examined(live, WEBEX_ORG_ID=live.acme.id)
    assert found["admin token"][0] == "note"
    assert found["roles"][0] == "FAILED", "people can't be seen either"
    assert "spark:people_read" in found["roles"][1]


def test_an_organization_that_is_not_the_admin_tokens_is_named(live):
    code, found = examined(live, WEBEX_ORG_ID=live.globex.id)
    assert code == 1
    assert found["admin token"][0] == "FAILED"
    assert "WEBEX_ORG_ID isn't the organization of the admin token" in found["admin token"][1]
    _, found = examined(live, WEBEX_ORG_ID=live.acme.id)
    assert found["admin token"][0] == "ok"


def test_before_a_stricter_setting_takes_effect_doctor_lists_what_it_pauses(live):
    _, found = examined(live)
    assert "owners" not in found
    database = application.open_database(live.settings())
    migrations.upgrade(database)
    now = datetime(2026, 11, 29, tzinfo=UTC)
    grace = add_schedule(database, live.grace, live.group, now, reference="bygrace2")
    add_subscription(database, live.grace, live.group, now, reference="readgrac")
    outside = add_subscription(database, live.ada, live.outside, now, reference="outside2")
    for _ in range(20):
        add_schedule(database, live.ada, live.group, now)
    with database.begin() as tx:
        origins.pause(tx, outside.origin, PauseCause.OUTSIDERS, "")

    state, words = examined(live)[1]["owners"]
    assert state == "note"
    assert words.startswith("1 of 22 active subscriptions and schedules would be paused at the next report. ")
    assert words.endswith("schedule bygrace2: Its owner's role lets them read reports, but not run them.")

    with database.begin() as tx:
        origins.end(tx, grace.origin, now)
    live.emulator.calls.clear()
    assert examined(live)[1]["owners"] == (
        "ok",
        "may have what they own, and where: 21 active subscriptions and schedules",
    )
    calls = live.emulator.calls
    assert len(calls.calls_to("GET", f"/v1/people/{live.grace.id}")) == 1
    assert len(calls.calls_to("GET", "/v1/memberships")) == 1

    state, words = examined(live, ALLOWED_SPACES=live.outside.id)[1]["owners"]
    assert words.startswith("21 of 21 active")
    assert "I'm not allowed to show reports here." in words
    assert words.endswith("And 1 more.")
    assert "Grace" not in words
    database.close()


def test_a_schedule_of_a_key_would_be_paused_only_when_the_key_is_revoked(live):
    database = application.open_database(live.settings())
    migrations.upgrade(database)
    now = datetime(2026, 11, 29, tzinfo=UTC)
    with database.begin() as tx:
        secret = api_keys.create(tx, "nightly", [live.group.id], tuple(Right), created_by="command line", now=now)
        key = api_keys.by_secret(tx, secret)
    assert key is not None
    add_schedule(database, live.ada, live.group, now, reference="bykey234", person_id=key.owner)
    assert examined(live)[1]["owners"] == ("ok", "may have what they own, and where: 1 active subscription or schedule")

    with database.begin() as tx:
        api_keys.revoke(tx, key.id, now)
    state, words = examined(live)[1]["owners"]
    assert state == "note"
    assert words.endswith("schedule bykey234: The API key that made it was revoked.")
    database.close()
