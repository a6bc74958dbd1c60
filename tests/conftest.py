"""The program for every folder that uses it, in pieces, beside the test or as processes; a folder may have its own."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import flask_openapi3.utils
import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as property_tests
from sqlalchemy import create_engine, event
from werkzeug.routing import Rule

from bot.db import postgresql as postgresql_server
from bot.db import sqlite_file
from bot.db.postgresql import PostgresqlServer
from bot.db.retention import Retention
from bot.db.sqlite_file import OpenConnection, SqliteFile, Use
from bot.emulator import Emulator
from bot.ops.alerts import Alerts
from bot.queue import job_table, statements
from bot.settings import Settings
from tests.killed.program import SERVE, Program
from tests.live_bot import LiveBot
from tests.postgresql import MISSING, VARIABLE, Databases, available, server_url
from tests.stepped_bot import SteppedBot, migrated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    Start = Callable[..., Program]

ON_BOTH = (
    "access/test_authorizer.py",
    "access/test_families.py",
    "api/test_deliveries.py",
    "api/test_repeated_orders.py",
    "api/test_webhooks.py",
    "audit/test_append_only.py",
    "audit/test_command_line.py",
    "audit/test_forget.py",
    "audit/test_settings_seen.py",
    "audit/test_who_is_who.py",
    "db/",
    "dialogue/test_several_reports.py",
    "faults/test_2_killed.py",
    "faults/test_3_missed_messages.py",
    "faults/test_7_one_card_per_request.py",
    "faults/test_8_why.py",
    "faults/test_9_shutdown_and_deploy.py",
    "killed/test_killed.py",
    "outbound/test_command_line.py",
    "outbound/test_killed.py",
    "outbound/test_send.py",
    "outbound/test_told.py",
    "outbound/test_what_is_told.py",
    "reports/test_outcomes.py",
    "reports/test_quota.py",
    "reports/test_schedules.py",
    "reports/test_subscriptions.py",
    "reports/test_unattended.py",
)
"""What ``--database both`` runs with PostgreSQL, too; see CONTRIBUTING.md for the choice."""

# How long an example takes depends on the machine and on what ran before (a first import, the garbage of other tests).
property_tests.register_profile("whatever the load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_tests.load_profile("whatever the load")


def pytest_collection_finish() -> None:
    """The garbage collector need not look at thousands of tests again and again, nor as often as by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def quick_databases() -> Iterator[None]:
    """Databases of this process do not wait for the disk, and share the statements that SQLAlchemy has compiled.

    A test makes a database or more; processes that tests start are as in production, see ``tests/test_database.py``.
    """
    first = create_engine("sqlite://")
    first.connect().close()
    firsts = {"sqlite": first}

    def sharing(*args: Any, **more: Any) -> Any:
        engine = create_engine(*args, **more)
        first = firsts.setdefault(engine.dialect.name, engine)
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    def opened(file: SqliteFile, use: Use) -> OpenConnection:
        connection = first_open(file, use)
        connection.driver.execute("PRAGMA synchronous=OFF")
        return connection

    first_open = SqliteFile._open
    with (
        patch.object(sqlite_file, "create_engine", sharing),
        patch.object(postgresql_server, "create_engine", sharing),
        patch.object(SqliteFile, "_open", opened),
        patch.object(SqliteFile, "sync", lambda _: None),
    ):
        yield


@pytest.fixture(autouse=True, scope="session")
def one_processor(worker_id: str) -> Iterator[None]:
    """Keep each process of tests to a processor of its own; what tests start may use all.

    Bot and emulator are threads of one process: on two processors they hand the interpreter's lock to and fro, which
    costs a sixth of the time.
    """
    number = worker_id.removeprefix("gw")
    if not (hasattr(os, "sched_setaffinity") and number.isdigit()):
        yield
        return
    every = os.sched_getaffinity(0)
    own = {sorted(every)[int(number) % len(every)]}
    first_started = subprocess.Popen.__init__

    def started(*args: Any, **more: Any) -> None:
        os.sched_setaffinity(0, every)
        try:
            first_started(*args, **more)
        finally:
            os.sched_setaffinity(0, own)

    os.sched_setaffinity(0, own)
    with patch.object(subprocess.Popen, "__init__", started):
        yield
    os.sched_setaffinity(0, every)


@pytest.fixture(autouse=True, scope="session")
def quick_routes() -> Iterator[None]:
    """Each emulator makes the same hundred routes: Werkzeug compiles each of them once."""
    compiled: dict[tuple[Any, ...], Rule] = {}
    compile_it = Rule.compile

    def once(rule: Rule) -> None:
        converters = tuple(rule.map.converters.items())
        key = (rule.rule, str(rule.defaults), rule.subdomain, rule.host, rule.merge_slashes, converters)
        if key not in compiled:
            compile_it(rule)
            compiled[key] = rule
            return
        like: Any = compiled[key]
        rule._parts, rule._trace, rule._converters = like._parts, like._trace, like._converters
        rule.arguments = rule.arguments | like.arguments
        rule._build = like._build.__func__.__get__(rule)
        rule._build_unknown = like._build_unknown.__func__.__get__(rule)

    with patch.object(Rule, "compile", once):
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_queues() -> Iterator[None]:
    """Each bot makes the same statements for its queue, which takes half of its start: here they are made once."""
    puts, soonest = cache(statements.puts), cache(statements.soonest)
    with patch.object(job_table, "puts", puts), patch.object(job_table, "soonest", soonest):
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_api() -> Iterator[None]:
    """Each program makes the same API: the schemas of its models, most of that time, are made once."""
    made = cache(flask_openapi3.utils.get_model_schema)

    def copied(*args: Any, **more: Any) -> dict[str, Any]:
        return deepcopy(made(*args, **more))  # the document's own, which it changes

    with patch.object(flask_openapi3.utils, "get_model_schema", copied):
        yield


@pytest.fixture(autouse=True)
def only_the_settings_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What anyone who runs the tests has set for a bot of their own is none of the tests' business."""
    for name in [name for name in os.environ if name.startswith(("WEBEX_", "ALLOWED_", "REPORT_", "OUTBOUND_"))]:
        monkeypatch.delenv(name)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database", choices=["sqlite", "postgresql", "both"], default="sqlite", help="of the tests' bots"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a test run on each database that ``--database`` names; ``both``: where it is worth its time."""
    chosen = metafunc.config.getoption("--database")
    if chosen == "sqlite" or (chosen == "both" and not (available() and on_both(metafunc.definition.path))):
        return
    kinds = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
    metafunc.parametrize("database_of_bots", kinds, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about SQLite itself where the bots use PostgreSQL."""
    items[:] = [one for one in items if not (on_postgresql(one) and one.get_closest_marker("sqlite"))]


def on_postgresql(item: pytest.Item) -> bool:
    """Whether a test's bots use PostgreSQL."""
    spec = getattr(item, "callspec", None)
    return spec is not None and spec.params.get("database_of_bots") == "postgresql"


def on_both(path: Path) -> bool:
    """Whether what a file tests is tried on both databases; see CONTRIBUTING.md for the choice."""
    inside = path.relative_to(Path(__file__).parent).as_posix()
    return inside.startswith(ON_BOTH)


@pytest.fixture(autouse=True)
def database_of_bots(request: pytest.FixtureRequest) -> Iterator[None]:
    """Bots of tests use this kind of database; those of one test go with it."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield
        return
    databases = request.getfixturevalue("postgresql")
    before = list(connections)
    with patch.object(LiveBot, "databases", databases):
        yield
    for server in servers:
        server.dispose()
    servers.clear()
    databases.take_back()
    for connection in before:  # those of this test may be in use, by threads that end with their process
        connection.close()
        connections.remove(connection)


connections: list[Connection[Any]] = []
"""To PostgreSQL, those of the test that runs and of the last one."""
servers: list[PostgresqlServer] = []


@pytest.fixture(autouse=True, scope="session")
def connections_are_closed() -> Iterator[None]:
    """A bot leaves its connections open until its process ends; here they are closed."""
    first_made = PostgresqlServer.__init__

    def made(server: PostgresqlServer, *args: Any) -> None:
        first_made(server, *args)
        servers.append(server)
        event.listen(server._engine, "connect", lambda connection, _: connections.append(connection))

    with patch.object(PostgresqlServer, "__init__", made):
        yield
    for connection in connections:
        connection.close()


@pytest.fixture(scope="session")
def postgresql(worker_id: str) -> Iterator[Databases]:
    """A PostgreSQL server that the tests of this process share, and databases on it."""
    if not available():
        pytest.skip(MISSING)
    given = os.environ.get(VARIABLE)
    with nullcontext(given) if given else server_url() as url:
        databases = Databases(url, f"reportbot_{worker_id}_{os.getpid()}")
        yield databases
        databases.close()


@pytest.fixture(scope="session")
def database_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database to copy."""
    return migrated(tmp_path_factory.mktemp("migrated") / "empty.db")


@pytest.fixture
def settings() -> dict[str, str]:
    """More settings than the stage's own; a test overrides it by parametrising."""
    return {}


def shows_threads(request: pytest.FixtureRequest) -> bool:
    """Whether a test, or its module, is about lost answers that can be looked for."""
    return request.node.get_closest_marker("threads_listed") is not None


@pytest.fixture
def stepped(
    tmp_path: Path, database_file: Path, settings: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[SteppedBot]:
    with Emulator() as emulator:
        emulator.world.lists_threads = shows_threads(request)
        made = SteppedBot(emulator, tmp_path / "data", database_file, **({"POLL_INTERVAL": "10"} | settings))
        yield made
        made.stop()


@contextmanager
def each_minutes_work_left_out() -> Iterator[None]:
    """Without the checks for alerts and the retention, which take a sixth of a dialogue's time at each start.

    They have tests of their own.
    """
    with patch.object(Alerts, "forever", lambda *_: None), patch.object(Retention, "prune", lambda _: None):
        yield


@pytest.fixture
def live(
    tmp_path: Path, database_file: Path, settings: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[LiveBot]:
    """Webex with people and spaces, and the whole program beside the test."""
    with Emulator() as emulator:
        emulator.world.lists_threads = shows_threads(request)
        made = LiveBot(emulator, tmp_path / "data", **settings)
        made.has_database(database_file)
        with each_minutes_work_left_out(), made.program() as url:
            made.register(url)
            yield made
            made.let_go()


@pytest.fixture
def stage_alone(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LiveBot]:
    """Webex with people and spaces, without the program."""
    with Emulator() as emulator:
        emulator.world.lists_threads = shows_threads(request)
        made = LiveBot(emulator, tmp_path / "data")
        yield made
        emulator.deliver_webhooks = False


@pytest.fixture
def start(stage_alone: LiveBot, tmp_path: Path) -> Iterator[Start]:
    """Start the program as real processes; whatever happens, nothing of it is left at the end."""
    started: list[Program] = []

    def run(command: tuple[str, ...] = SERVE, *, answers: bool = True) -> Program:
        program = Program(stage_alone, tmp_path / f"log {len(started)}", command)
        started.append(program)
        if answers:
            program.up()
        return program

    yield run
    for program in started:
        program.kill()


@pytest.fixture
def machine(stepped: SteppedBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[SteppedBot]:
    """The stepped bot's settings in the environment, and a log that is put back."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in stepped.setup.environ.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield stepped
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
