"""Known secrets go through every path that goes wrong; then everything that came out is searched for them."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
import structlog

from bot import app as application
from bot.cli.main import main
from bot.db import migrations, reports, requests, tables
from bot.db.requests import State
from bot.emulator import Emulator
from bot.errors import BotError, SettingsError
from bot.logs import register_secrets
from bot.metrics import start_metrics
from bot.settings import Settings, load
from bot.web.application import build_web
from bot.webex.catalog import Catalog
from bot.webex.report import Phase
from tests.live_bot import ADMIN_OF_BOTH, OPS, OPS_TOKEN, LiveBot
from tests.secrets.outputs import Outputs, kept_in, log_in_both_forms, reprs_within, said_by, told_by
from tests.webex.loopback import ALL_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.db.requests import Request
    from bot.emulator.faults import Fault

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
CELL = "Confidential-Cell-7f3a9c1e5b"
FIRST, SECOND = "first-webhook-secret-5d41402abc4b2a76", "second-webhook-secret-7b9719d911017c59"
KEY = "key-for-what-is-kept-a0f1490a20d0211c"

CALLS = (
    ("GET", "/v1/messages/*", "report {}", 1),
    ("GET", "/v1/people/*", "report {}", 3),
    ("GET", "/v1/memberships", "report {}", 3),
    ("GET", "/v1/partner/reports/*", "report {}", 1),
    ("GET", "/v1/reports/*", "report {}", 2),
    ("POST", "/v1/messages", "report {}", 2),
    ("GET", "/api", "report {}", 1),
    ("GET", "/v1/partner/reports", "reports", 3),
    ("GET", "/v1/reports", "reports", 3),
    ("GET", "/v1/attachment/actions/*", "Refresh", 3),
    ("DELETE", "/v1/messages/*", "Refresh", 3),
)
"""Each call that fails, the word or button that leads to it, and of the ways to fail each first, second or third."""
ASKED_ONCE = (("GET", "/v1/people/me"), ("GET", "/v1/roles"), ("POST", "/v1/access_token"))
"""Calls whose answers are remembered: they fail before the first good one."""
CUTS = ("before", "after", "middle")


@pytest.fixture(autouse=True)
def put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log and the hooks as they were; no setting from outside."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


class BotWithSecrets(LiveBot):
    """The stage with every kind of secret: two webhook secrets, a key, and an admin token that is refreshed."""

    def __init__(self, emulator: Emulator, folder: Path, **environ: str) -> None:
        super().__init__(emulator, folder, **environ)
        self.client = emulator.world.add_refreshable(self.ada)
        self.first_refresh_token = self.client.refresh_token
        del self.environ["WEBEX_ADMIN_TOKEN"], emulator.world.tokens[self.admin_token]
        self.environ |= {
            "WEBEX_ADMIN_CLIENT_ID": self.client.client_id,
            "WEBEX_ADMIN_CLIENT_SECRET": self.client.client_secret,
            "WEBEX_ADMIN_REFRESH_TOKEN": self.client.refresh_token,
            # The stage's own webhooks are signed with its secret, so that one comes second.
            "WEBEX_WEBHOOK_SECRET": f"{FIRST},a secret of the tests",
            "SECRET_KEY": KEY,
            "PUBLIC_URL": "https://bot.example.com",
            "ALLOWED_PEOPLE": "somebody.else@acme.example",
            "LOG_LEVEL": "debug",
        }

    def secrets(self) -> dict[str, str]:
        """Everything that nobody may read, by name, with what has been made meanwhile."""
        world = self.emulator.world
        links = {
            f"signature of a link {number}": call.query["signature"]
            for number, call in enumerate(self.emulator.calls)
            if "signature" in call.query
        }
        tokens = {f"token {number}": value for number, value in enumerate(world.tokens)}
        people = {f"address of {one.display_name}": one.email for one in world.people.values() if not one.is_bot}
        return links | tokens | people | self.settings_secrets()

    def settings_secrets(self) -> dict[str, str]:
        """Those that stand in the settings."""
        return {
            "bot token": self.bot_token,
            "client secret": self.client.client_secret,
            "refresh token": self.first_refresh_token,
            "rotated refresh token": self.client.refresh_token,
            "webhook secret": FIRST,
            "key": KEY,
            "ops token": OPS_TOKEN,
            "cell of the file": CELL,
            "allowed person": "somebody.else@acme.example",
        }

    def token_of(self, method: str, path: str) -> str:
        """The token that such a call carries: the bot's, or the newest admin token."""
        chat = method == "POST" or "/messages" in path or "/memberships" in path or "/webhooks" in path
        admin = [value for value, token in self.emulator.world.tokens.items() if not token.person.is_bot]
        return self.bot_token if chat else [self.client.client_secret, *admin][-1]


def echo(*told: str) -> dict[str, Any]:
    """The answer of a Webex that has gone mad: it tells back whatever it was told, wherever it can."""
    link = f"https://files.webex.com/api?reportId=1&signature={CELL}"
    repeated = " ".join(f"Bearer {one}, {one};" for one in told)
    return {"message": f"{repeated} {link}", "errors": [{"description": repeated}], "trackingId": told[0]}


def ways_to_fail(token: str) -> list[dict[str, Any]]:
    """Every status, once mute and once with the token that it was told; every cut; successes that cannot be read."""
    mad = echo(token)
    headers = {"trackingId": token, "Retry-After": "0", "Set-Cookie": f"t={token}"}
    waits = {"Retry-After": f"rand({token})"}
    link = f"https://evil.example/api?token={token}"
    return [
        *({"status": status, "headers": {"Retry-After": "0"}} for status in ALL_ERRORS),
        *({"status": status, "body": mad, "headers": headers} for status in ALL_ERRORS if status != 429),
        *({"cut": cut} for cut in CUTS),
        {"status": 302, "headers": {"Location": link}},
        {"status": 200, "body": mad},
        {"status": 200, "body": str(mad)},
        {"status": 200, "body": [mad], "headers": {"Link": f'<{link}>; rel="next"'}},
        {"status": 200, "body": b"\xff{" + token.encode()},
        {"status": 503, "headers": waits, "body": "<html>" + token},
    ]


def was_hit(fault: Fault, _world: Any) -> bool:
    return fault.hits > 0


def everything_fails(live: BotWithSecrets) -> list[Fault]:
    """Have each call fail in each way (or each second or third), with somebody and a space of their own each time.

    They must be their own: a space's messages are read in order, and people are limited.
    """
    world, faults = live.emulator.world, live.emulator.faults
    done: list[Fault] = []
    for method, path, word, step in CALLS:
        for way in ways_to_fail(live.token_of(method, path))[::step]:
            make = live.organization_report if path == "/v1/reports/*" else live.partner_report
            status = "waiting" if word == "Refresh" else "done"
            report = make("Calls", content=f"Name\r\n{CELL}\r\n".encode(), status=status)
            asker = world.add_person(f"Admin {len(done)}", live.acme, roles=ADMIN_OF_BOTH)
            voice = live.at(asker, world.add_space("Group", [asker, live.ada, live.bot]) if len(done) % 2 else None)
            card = voice.says(f"report {report.id}").card() if word == "Refresh" else None
            fault = faults.add(method, path, host="download" if path == "/api" else "api", times=1, **way)
            done.append(fault)
            if card is None:
                voice.says(word.format(report.id))
            else:
                voice.presses(card, word)
            world.wait_for(partial(was_hit, fault), timeout=PATIENCE)
    return done


def post_invalid_events(url: str, live: BotWithSecrets) -> None:
    """Somebody without the secret, and somebody with it but nothing to say."""
    import hmac

    bodies = [b"", b"{", b'{"data": "' + live.bot_token.encode() + b'"}', b"[" * 5000, b"x" * 70_000]
    for body in bodies:
        for signature in ("", "0" * 40, FIRST, hmac.new(FIRST.encode(), body, "sha1").hexdigest()):
            asked = urllib.request.Request(f"{url}/webhooks/webex", body, {"X-Spark-Signature": signature})
            with suppress(HTTPError):
                urllib.request.urlopen(asked, timeout=10).close()


def test_nothing_that_goes_wrong_lets_a_secret_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, logs = Outputs(), log_in_both_forms()
    errors: list[BaseException] = []
    remember_errors(monkeypatch, errors)
    monkeypatch.setattr("bot.queue.runner.FIRST_WAIT", 0.02)
    monkeypatch.setattr("bot.webex.tokens.PAUSE_AFTER_FAILURE", 0.02)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # this and the next: so that no other test counts
    monkeypatch.setattr("bot.metrics._Running.metrics", None)
    with Emulator() as emulator:
        live = BotWithSecrets(emulator, tmp_path / "data")
        (live.settings().data_dir / "files").mkdir(parents=True)
        start_metrics(tmp_path / "data", "worker")
        register_secrets(*live.settings().secret_values())
        mad = echo(live.client.refresh_token, live.client.client_secret)
        for method, path in ASKED_ONCE:
            emulator.faults.add(method, path, status=503, body=mad, headers={"Retry-After": "0"}, times=1)
            # Not in the middle: a lost answer with a rotated refresh token locks out anyone who did not get it.
            emulator.faults.add(method, path, cut="before", times=1)
        with live.program() as url:
            live.register(url)
            faults = everything_fails(live)
            crash_in_the_middle(live, monkeypatch)
            post_invalid_events(url, live)
            for page in ("/metrics", "/readyz", "/healthz"):
                with urllib.request.urlopen(urllib.request.Request(url + page, headers=OPS), timeout=10) as answer:
                    outputs.add(f"the web process's {page}", answer.read())
            # A post whose answer was lost is waited for.
            emulator.world.wait_for(lambda _: not open_requests(live), timeout=PATIENCE)
            outputs.add_all("a message", said_by(emulator, live.bot))
        outputs.add_all("a kept file", kept_in(tmp_path / "data"))
        for form, log in logs.items():
            outputs.add(f"the log as {form}", log.getvalue())
        for error in errors:
            outputs.add_all("an exception", told_by(error))

        assert all(fault.hits for fault in faults)
        assert {"a message", "a kept file", "an exception", "the web process's /metrics"} <= outputs.places
        assert {"the log as json", "the log as text"} <= outputs.places
        assert len(errors) > len(faults) / 2
        assert outputs.leaks(live.secrets()) == []
        lines = logs["json"].getvalue().splitlines()
        assert not [line for line in lines if not line.startswith("{")], "one line an event"


def open_requests(live: BotWithSecrets) -> list[Request]:
    """Return those that do not wait for their report."""
    database = application.open_database(live.settings())
    try:
        with database.read() as tx:
            found = requests.find(tx, tables.requests.c.state == State.OPEN)
            rows = {one.report_id: reports.get(tx, one.report_id) for one in found}
            return [one for one in found if (row := rows[one.report_id]) is None or row.phase is not Phase.PENDING]
    finally:
        database.close()


def remember_errors(monkeypatch: pytest.MonkeyPatch, errors: list[BaseException]) -> None:
    """Keep every error of the program's tree that is made."""
    before = BotError.__init__

    def remember(self: BotError, *args: Any, **more: Any) -> None:
        before(self, *args, **more)
        errors.append(self)

    monkeypatch.setattr(BotError, "__init__", remember)


def crash_in_the_middle(live: BotWithSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug whose exception tells everything, five times, until the person hears of it."""
    told = f"https://x.example/api?signature={CELL} Authorization: Bearer {live.bot_token} {live.client.client_secret}"

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError(told)

    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "find", crash)
        report = live.partner_report()
        live.at(live.ada).says(f"report {report.id}").hears("Something went wrong inside the bot")


def test_no_object_of_the_program_shows_a_secret(tmp_path: Path) -> None:
    outputs = Outputs()
    with Emulator() as emulator:
        live = BotWithSecrets(emulator, tmp_path / "data")
        settings = live.settings()
        services = application.build_services(settings)
        worker, app = application.build_worker(services), build_web(settings)
        migrations.upgrade(services.database)
        report = services.catalog.find(live.partner_report().id)
        shown = list(reprs_within(settings, worker, app.view_functions, report))
        outputs.add_all("a repr", shown)
        outputs.add("the settings", str(settings))

        names = {line.split(":", 1)[0] for line in shown}
        assert {"Settings", "WebhookEndpoint", "JobRunner", "Client", "HttpTransport", "Downloader", "Report"} <= names
        assert {"RefreshableToken", "TokenState", "DatabaseTokenStore", "StaticToken", "Chat"} <= names
        assert outputs.leaks(live.secrets()) == []


@pytest.mark.parametrize("swapped", sorted(Settings.model_fields))
def test_a_secret_in_the_wrong_variable_is_not_told(tmp_path: Path, swapped: str) -> None:
    outputs = Outputs()
    with Emulator() as emulator:
        live = BotWithSecrets(emulator, tmp_path / "data")
        secrets = live.settings_secrets()
    for value in secrets.values():
        for wrong in (
            value,
            f"{value},{value}",
            f"http://{value}/?x={value}",
            f"{value} {value}",
            f"postgres://{value}",
        ):
            try:
                outputs.add("the settings", repr(load(live.environ | {swapped.upper(): wrong})))
            except SettingsError as error:
                outputs.add("the complaint", "\n".join(error.problems))
    harmless = {"webex_api_url", "public_url", "data_dir", "host", "operators_space", "webex_admin_client_id"}
    lists = {
        "allowed_people",
        "allowed_spaces",
        "allowed_orgs",
        "allowed_roles",
        "allowed_partner_roles",
        "report_download_hosts",
    }
    leaks = outputs.leaks({name: value for name, value in secrets.items() if name != "allowed person"})
    if swapped in harmless | lists:
        leaks = [leak for leak in leaks if "in the complaint" in leak]  # a valid value of a variable that is no secret
    assert leaks == []


@pytest.mark.parametrize("command", [["doctor"], ["manifest", "plan"], ["manifest", "apply"]])
def test_commands_tell_no_secret_whatever_webex_answers(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    outputs = Outputs()
    with Emulator() as emulator:
        live = BotWithSecrets(emulator, tmp_path / "data")
        for name, value in live.environ.items():
            monkeypatch.setenv(name, value)
        for way in [{}, *ways_to_fail(live.bot_token)]:
            for path in ("/v1/webhooks", "/v1/*") if way else ("/v1/*",):
                emulator.faults.clear()
                if way:
                    emulator.faults.add("*", path, **way)
                main(command)
        emulator.faults.clear()
        emulator.faults.add("POST", "/v1/webhooks", status=400, body={"message": f"bad secret {FIRST}"})
        main(command)
        told = capfd.readouterr()
        outputs.add("stdout", told.out)
        outputs.add("stderr", told.err)
        outputs.add_all("a kept file", kept_in(tmp_path / "data"))

        assert len(told.out + told.err) > 2000
        assert outputs.leaks(live.secrets() | {"bot token": live.bot_token}) == []


CRASHING = """
import sys, threading
from bot.cli.startup import start
start("worker")
token = {token!r}
def fall(a_local_of_mine):
    raise RuntimeError("GET https://x.example/api?signature={cell} with Bearer " + token + "\\nFORGED {{}}")
thread = threading.Thread(target=fall, args=("in a frame: {cell}",))
thread.start()
thread.join()
fall("in a frame: {cell}")
"""


def test_a_crash_report_shows_neither_secrets_nor_what_is_in_the_frames(tmp_path: Path) -> None:
    with Emulator() as emulator:
        live = BotWithSecrets(emulator, tmp_path / "data")
    code = CRASHING.format(token=live.bot_token, cell=CELL)
    script = tmp_path / "crash.py"
    script.write_text(code.replace(repr(live.bot_token), "sys.argv[1]").replace(CELL, '" + sys.argv[2] + "'))
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | live.environ | {"LOG_FORMAT": "text"}
    ended = subprocess.run(
        [sys.executable, str(script), live.bot_token, CELL],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    outputs = Outputs()
    outputs.add("stderr", ended.stderr)
    outputs.add("stdout", ended.stdout)

    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") == 2
    assert ended.stderr.count("RuntimeError: GET https://x.example/api?***") == 2
    assert not re.search(r"^FORGED", ended.stderr, re.MULTILINE)
    assert outputs.leaks(live.secrets()) == []
