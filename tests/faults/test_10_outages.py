"""Webex or the database is away for long: the operators are told once, afterwards if need be."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from bot import app
from bot.access.bot_identity import BotIdentity
from bot.db import migrations
from bot.db.leader import Leader
from bot.emulator import Emulator
from bot.errors import DatabaseUnavailable, WebexError
from bot.ops.alerts import Alerts, NotKnown
from bot.ops.checks import storage
from bot.ops.checks.connectivity import Connectivity, upstreams
from bot.outbox import Outbox
from bot.services import CallObserver
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.people import Directory
from bot.webex.tokens import StaticToken
from tests.live_bot import OPS, PATIENCE, LiveBot
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.db.availability import LoggedDatabase

MINUTE = timedelta(minutes=1)


class MonitoredBot:
    """Emulator, database, clock and the operators' space; ``operators()`` is a fresh process."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.setup = LiveBot(emulator, folder)
        self.emulator = emulator
        self.now = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
        emulator.world.clock = lambda: self.time().timestamp()
        settings = self.setup.settings()
        self.database = app.open_database(settings)
        self.database._now = self.time
        migrations.upgrade(self.database)
        self._close: list[Any] = [self.database]

    bot: Connectivity
    admin: Connectivity
    partner: Connectivity

    def time(self) -> datetime:
        return self.now

    def operators(self) -> Alerts:
        api = self.setup.settings().webex_api_url
        calls = CallObserver()
        chat = Chat(api, StaticToken(self.setup.bot_token), observe=calls.of("bot"))
        client = Client(api, StaticToken(self.setup.admin_token), observe=calls.of("admin"))
        self._close += [chat, client]
        bot, others = upstreams(
            chat.me,
            Directory(client).me,
            {
                "partner": lambda: client.call("GET", "partner/reports"),
                "organization": lambda: client.call("GET", "reports"),
            },
            self.time,
        )
        calls.subscribe(bot.observed, "bot")
        for one in others:
            calls.subscribe(one.observed, "admin")
        identity = BotIdentity(self.database, chat, self.setup.bot_token, self.time)
        outbox = Outbox(self.database, chat, identity.person, self.time)
        self.bot, self.admin, self.partner, _ = bot, *others
        checks = [*(one.check() for one in (bot, *others)), storage.database_outage(self.database, self.time)]
        return Alerts(
            self.database, outbox, self.setup.group.id, checks, self.time, leader=Leader(self.database, "alerts")
        )

    def rounds(self, operators: Alerts, number: int) -> None:
        """So many minutes, with one round each."""
        for _ in range(number):
            self.now += MINUTE
            operators.look()

    def told(self) -> list[str]:
        world = self.emulator.world
        return [one.text or "" for one in world.messages(self.setup.group) if one.person_id == self.setup.bot.id]

    def close(self) -> None:
        for one in self._close:
            one.close()


@pytest.fixture
def monitored(tmp_path: Path) -> Iterator[MonitoredBot]:
    with Emulator() as emulator:
        made = MonitoredBot(emulator, tmp_path / "data")
        yield made
        made.close()


def token_of(monitored: MonitoredBot, which: str) -> str:
    return monitored.setup.bot_token if which == "bot" else monitored.setup.admin_token


def test_while_all_is_well_nothing_is_said_and_webex_is_asked_little(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    monitored.rounds(operators, 60)

    assert monitored.told() == []
    assert len(monitored.emulator.calls.calls_to("GET", "/v1/people/me", "api")) <= 26, "twelve an hour for each token"


def test_webex_that_was_away_for_an_hour_is_told_of_once_afterwards(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    monitored.rounds(operators, 5)
    monitored.emulator.faults.add(method="*", path="/v1/*", cut="before")
    monitored.rounds(operators, 60)
    assert monitored.told() == []
    monitored.emulator.faults.clear()
    monitored.rounds(operators, 20)

    (said,) = monitored.told()
    assert said.startswith("✅ Resolved: I can reach Webex again. Pending requests will resume automatically.")
    assert "The problem lasted from Nov 23, 09:1" in said
    assert "to 10:11 UTC" in said


def test_a_restart_in_the_middle_says_neither_too_much_nor_too_little(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    monitored.rounds(operators, 1)
    monitored.emulator.faults.add(method="*", path="/v1/*", status=503)
    monitored.rounds(operators, 20)
    operators = monitored.operators()
    monitored.rounds(operators, 20)
    monitored.emulator.faults.clear()
    monitored.rounds(operators, 5)

    (said,) = monitored.told()
    assert "from Nov 23, 09:11 to 09:47 UTC" in said


def test_an_outage_of_the_reports_alone_is_told_while_it_lasts_and_when_it_is_over(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    monitored.rounds(operators, 1)
    monitored.emulator.faults.add(method="GET", path="/v1/partner/reports", status=503)
    with pytest.raises(WebexError):
        monitored.partner._ask()  # a call such as people's requests make
    monitored.rounds(operators, 30)
    (trouble,) = monitored.told()
    assert trouble.startswith("⚠ Problem: Webex's partner reports haven't responded since Nov 23, 09:07 UTC.")

    monitored.emulator.faults.clear()
    monitored.rounds(operators, 30)
    assert monitored.told()[1:] == [
        "✅ Resolved: Webex's partner reports respond again. Pending requests will resume automatically."
    ]


def test_an_outage_of_the_admin_side_is_told_while_it_lasts(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    monitored.rounds(operators, 1)
    monitored.emulator.faults.add(method="GET", path="/v1/people/me", status=503, skip=0)
    for _ in range(10):
        monitored.now += MINUTE
        monitored.bot.observed("GET", "/v1/messages", 200, 0.1)  # the bot's own calls go well
        operators.look()
    (trouble,) = monitored.told()
    assert trouble.startswith("⚠ Problem: Webex hasn't responded to requests with the admin token since Nov 23, 09:11")
    assert monitored.admin.failing()

    monitored.emulator.faults.clear()
    monitored.rounds(operators, 10)
    (over,) = monitored.told()[1:]
    assert over.startswith("✅ Resolved: Webex responds to requests with the admin token again.")


def test_a_short_outage_is_nothing(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    for _ in range(10):
        monitored.rounds(operators, 4)
        monitored.emulator.faults.add(method="*", path="/v1/*", status=502)
        monitored.rounds(operators, 4)
        monitored.emulator.faults.clear()

    assert monitored.told() == []


@pytest.mark.parametrize(("seconds", "known"), [(29, False), (30, True), (3600, True)])
def test_what_lasted_is_remembered_from_when_until_when_so_that_somebody_looks(seconds: int, known: bool) -> None:
    began = datetime(2026, 3, 29, 0, 55, tzinfo=UTC)
    times = [began, began, began + timedelta(seconds=seconds / 2), began + timedelta(seconds=seconds)]
    bot, _ = upstreams(lambda: None, lambda: None, {}, lambda: times.pop(0))
    for status in (200, None, 503, 200):
        bot.observed("GET", "/v1/rooms", status, 0.1)

    assert bot.outage() == ((began, began + timedelta(seconds=seconds)) if known else None)


def test_an_outage_names_its_first_cause_and_goes_on_naming_it() -> None:
    at = datetime(2026, 3, 29, 9, 0, tzinfo=UTC)
    advices = ["This machine can't resolve the name webexapis.com: look for a typo.", "The connection was reset.", ""]
    asked = iter(advices)

    def ask() -> None:
        raise WebexError("GET people/me", None, advice=next(asked))

    bot, (admin, *_) = upstreams(ask, ask, {}, lambda: at)
    for _ in range(2):
        assert (bot.check().look() or "").endswith(f"resume automatically. {advices[0]}")
    with pytest.raises(NotKnown):  # the bot's outage explains it
        admin.check().look()


def away(monitored: MonitoredBot) -> Path:
    """Move the database away; gives where it is."""
    path = monitored.setup.folder / "reportbot.db"
    for one in monitored.setup.folder.glob("reportbot.db*"):
        one.rename(one.with_name(one.name.replace("reportbot", "elsewhere")))
    return path


def back(monitored: MonitoredBot) -> None:
    for one in monitored.setup.folder.glob("elsewhere.db*"):
        one.rename(one.with_name(one.name.replace("elsewhere", "reportbot")))


def tries(database: LoggedDatabase) -> None:
    for way in (database.read, database.begin):
        try:
            with way():
                pass
        except DatabaseUnavailable:
            continue


@pytest.mark.sqlite("its file is moved away")
def test_a_database_that_is_away_is_one_line_in_the_log_and_one_when_it_is_back(monitored: MonitoredBot) -> None:
    away(monitored)
    with capture_logs() as lines:
        threads = [threading.Thread(target=tries_often, args=(monitored.database,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        back(monitored)
        for _ in range(20):
            tries(monitored.database)

    assert [line["event"] for line in lines] == ["database_away", "database_back"]
    assert monitored.database.long_outages() == (), "a moment is nothing for the operators"


def test_a_disk_that_is_full_is_no_return_at_each_read(monitored: MonitoredBot) -> None:
    error = DatabaseUnavailable(OSError("disk full"))
    with capture_logs() as lines:
        for _ in range(10):
            monitored.database._gone("write", error)
            tries_read(monitored.database)
        tries(monitored.database)

    assert [line["event"] for line in lines] == ["database_away", "database_back"]


def test_what_was_out_of_reach_is_back_when_it_can_be_written(monitored: MonitoredBot) -> None:
    """A web process that nobody asks for its readiness may only write."""
    with capture_logs() as lines:
        monitored.database._gone("read", DatabaseUnavailable(OSError("connection refused")))
        with monitored.database.begin():
            pass

    assert [line["event"] for line in lines] == ["database_away", "database_back"]


def tries_often(database: LoggedDatabase) -> None:
    for _ in range(20):
        tries(database)


def tries_read(database: LoggedDatabase) -> None:
    with database.read():
        pass


@pytest.mark.sqlite("its file is moved away")
def test_the_operators_hear_once_that_the_database_was_away_for_long(monitored: MonitoredBot) -> None:
    operators = monitored.operators()
    monitored.rounds(operators, 1)
    away(monitored)
    monitored.rounds(operators, 12)
    back(monitored)
    monitored.rounds(operators, 5)
    monitored.rounds(operators, 5)

    said = [one for one in monitored.told() if "database" in one]
    assert len(said) == 1
    assert said[0].startswith("⚠ Problem: The database was unavailable from Nov 23, 09:07 to 09:1")


@pytest.mark.sqlite("its file is moved away")
def test_the_running_program_says_it_once_and_readyz_tells(tmp_path: Path) -> None:
    """Web process and worker under load, with the database away for some seconds in the middle."""
    import requests

    with Emulator() as emulator:
        live = LiveBot(emulator, tmp_path / "data")
        report = live.partner_report()
        with capture_logs() as lines, live.program() as url:
            live.register(url)
            live.at(live.ada).says("help").card()
            folder = tmp_path / "data"
            moved = [(one, one.with_name(f"gone-{one.name}")) for one in folder.glob("reportbot.db*")]
            for here, there in moved:
                here.rename(there)
            until(lambda: requests.get(f"{url}/readyz", timeout=5).status_code == 503, "not ready")
            lost = [live.at(live.ada).says(f"report {report.id}") for _ in range(20)]
            emulator.world.wait_for(lambda world: sum(not one.ok for one in world.deliveries) >= 20, timeout=PATIENCE)
            said = requests.get(f"{url}/readyz", headers=OPS, timeout=5).json()
            assert said["database"] == "unavailable", "a write has failed since, but nothing can be read either"
            for here, there in moved:
                there.rename(here)
            until(lambda: requests.get(f"{url}/readyz", timeout=5).status_code == 200, "ready again")
            live.at(live.grace).says(f"report {report.id}").file()
            assert lost
    noisy = [line for line in lines if line["log_level"] in {"warning", "error"}]
    gone = [line["event"] for line in noisy if "away" in line["event"]]
    assert gone.count("database_away") <= 2, "one for the web process, one for the worker"
    expected = {"database_away", "database_back", "first_start", "job_again", "alert"}
    assert {line["event"] for line in noisy} <= expected, "the alert is the admin token's"
