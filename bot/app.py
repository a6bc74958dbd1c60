"""Put the program together. Tests call the same functions, with other settings and a clock of theirs."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from bot import metrics, tracing
from bot.access.authorizer import Authorizer
from bot.access.bot_identity import BotIdentity
from bot.access.partner_role import PartnerRole
from bot.access.rules import rules
from bot.chat.answer_limit import AnswerLimit
from bot.chat.dispatcher import Dispatcher
from bot.chat.new_key import HideKey
from bot.chat.rate_limit import RateNotice
from bot.db import api_keys, key_values, requests, settings_log
from bot.db.availability import LoggedDatabase
from bot.db.carry_over import carry_over
from bot.db.migrations import Migration
from bot.errors import BotError, DatabaseUnavailable
from bot.files.downloader import Downloader
from bot.files.fetch import Fetch
from bot.files.storage import TempDir
from bot.logs import new_reference, register_secrets
from bot.ops import catch_up_job
from bot.ops.gauges import Gauges
from bot.ops.operations import Operations, build_operations
from bot.ops.restored import begin_if_restored
from bot.outbound.send import SendEvents
from bot.outbound.trouble import WebhookTrouble
from bot.outbox import Outbox
from bot.queue import open_queue, tasks
from bot.queue.runner import JobRunner
from bot.reports.api_questions import Questions
from bot.reports.create import Create
from bot.reports.deliver import Deliver
from bot.reports.hook_calls import HookCalls
from bot.reports.lookup import Lookup
from bot.reports.outcomes import Outcomes
from bot.reports.report_messages import ReportMessages
from bot.reports.requests import put_thread
from bot.reports.schedules import Schedules
from bot.reports.thread import Thread
from bot.reports.watch import Watch
from bot.services import CallObserver, Clock, Services
from bot.settings import Settings, StorageSettings, secret_keys
from bot.webex.catalog import Catalog
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.download import DownloadClient
from bot.webex.http import RateLimitGate
from bot.webex.people import Directory
from bot.webex.report_families import PROVEN_BY_LISTING, Family
from bot.webex.reports_api import ReportsApi
from bot.webex.retry import WAITS as RETRY_WAITS
from bot.webex.retry import RetryPolicy
from bot.webex.space_names import SpaceNames
from bot.webex.tokens import RefreshableToken, StaticToken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bot.db.database import Database
    from bot.queue.tasks import Task
    from bot.webex.http import Observe, TokenSource
    from bot.webex.types import Role

log = structlog.get_logger(__name__)

THREADS = 16
"""Jobs at once. They wait for Webex most of the time."""
DATABASE_AWAY = 2.0
"""Seconds between tries to reach a database that is away at the start."""
HANDOVER = 30.0
"""Seconds after another worker's end until a router sends webhooks to the web process beside this one."""


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def open_database(settings: StorageSettings, clock: Clock | None = None) -> LoggedDatabase:
    """Return the database of the settings; the folder of an embedded one is made."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LoggedDatabase(settings.database_url.get_secret_value(), now=(clock or Clock()).now)


def admin_token(settings: Settings, database: Database, observe: Observe = metrics.webex_called) -> TokenSource:
    """Return the admin token of the settings: plain, or refreshed for all processes together."""
    if settings.webex_admin_refresh_token is None or settings.webex_admin_client_secret is None:
        assert settings.webex_admin_token is not None
        return StaticToken(settings.webex_admin_token.get_secret_value())
    from bot.access.token_store import DatabaseTokenStore  # noqa: PLC0415 - a plain token needs no cryptography

    return RefreshableToken(
        settings.webex_admin_client_id or "",
        settings.webex_admin_client_secret.get_secret_value(),
        settings.webex_admin_refresh_token.get_secret_value(),
        settings.webex_api_url,
        DatabaseTokenStore(database, settings.data_dir, partial(secret_keys, settings), register_secrets),
        observe=observe,
    )


def partner_role(directory: Directory, reports: ReportsApi) -> Callable[[], Role | None]:
    """Make what finds out by which role the admin token reads partner reports."""
    return PartnerRole(directory, partial(reports.list, PROVEN_BY_LISTING)).proven


def build_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    retry_waits: Sequence[float] = RETRY_WAITS,
    folder: Path | None = None,
) -> Services:
    """Make what every command, task and check works with; ``retry_waits`` are those of quick retries.

    ``folder``: a worker's own, ``DATA_DIR`` by default.
    """
    clock, folder = clock or Clock(), folder or settings.data_dir
    database = open_database(settings, clock)
    bot_token, url = settings.webex_bot_token.get_secret_value(), settings.webex_api_url
    calls = CallObserver()
    calls.subscribe(metrics.webex_called)
    calls.subscribe(tracing.called)
    admin = admin_token(settings, database, calls.of("refresh"))

    def limits(token: str) -> dict[str, Any]:
        """Return how a client holds back and tries again: all that call one host with one token share it."""
        return {
            "gate": RateLimitGate(clock.monotonic, clock.jitter, partial(metrics.rate_limited, token)),
            "retries": RetryPolicy(retry_waits, sleep=clock.sleep, clock=clock.monotonic, chance=clock.jitter),
        }

    chat = Chat(url, StaticToken(bot_token), observe=calls.of("bot"), **limits("bot"))
    client = Client(url, admin, observe=calls.of("admin"), **limits("admin"))
    identity = BotIdentity(database, chat, bot_token, clock.now)
    directory = Directory(client, our_org=settings.webex_org_id, clock=clock.monotonic)
    api = ReportsApi(client, now=clock.now)
    families = [Family(family) for family in settings.report_families]
    files = folder / "files"
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp_dir = TempDir(files)
    retries = RetryPolicy(retry_waits, sleep=clock.sleep, clock=clock.monotonic, chance=clock.jitter)
    host = DownloadClient(admin, settings.report_download_hosts, observe=calls.of("download"), retries=retries)
    resources = ExitStack()
    for one in (database, chat, client, host):
        resources.callback(one.close)
    space_names = SpaceNames(chat, clock.monotonic)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        queue=open_queue(database, folder, clock.seconds),
        chat=chat,
        identity=identity,
        directory=directory,
        space_names=space_names,
        catalog=Catalog(api, families, directory.accepts_token, now=clock.now),
        authorizer=Authorizer(
            directory,
            chat,
            identity.person,
            partial(rules, settings),
            partner_role(directory, api),
            key=partial(api_keys.valid, database),
            saw=space_names.saw,
        ),
        outbox=Outbox(database, chat, identity.person, clock.now),
        downloader=Downloader(host, temp_dir=temp_dir),
        temp_dir=temp_dir,
        admin_token=admin,
        calls=calls,
        new_reference=new_reference,
        folder=files,
        resources=resources,
    )


def build_tasks(services: Services, operations: Operations, answer_limit: AnswerLimit) -> dict[str, Task]:
    """Make what runs each kind of job."""
    database, now = services.database, services.now
    thread = Thread(services, ReportMessages(services))
    lookup = Lookup(services, thread)
    fetch = Fetch(database, services.catalog, services.downloader, now)
    return {
        tasks.EVENT: Dispatcher(services, answer_limit),
        tasks.RATE_NOTICE: RateNotice(services),
        tasks.LOOKUP: lookup,
        tasks.CREATE: Create(services),
        tasks.THREAD: thread,
        tasks.WATCH: Watch(services),
        tasks.DELIVER: Deliver(services, thread, fetch),
        tasks.OUTCOME: Outcomes(services),
        tasks.SCHEDULES: Schedules(services),
        tasks.QUESTION: Questions(services),
        tasks.SEND_EVENTS: SendEvents(services),
        tasks.WEBHOOK_TROUBLE: WebhookTrouble(services),
        tasks.HOOK: HookCalls(services),
        tasks.HIDE_KEY: HideKey(services),
        tasks.CATCH_UP: operations.catch_up,
        # As version 0.1.0 named them: jobs of an upgrade. Requests have kept their IDs.
        "answer": lookup,
        "tell": thread,
    }


def build_worker(services: Services) -> JobRunner:
    """Make everything behind the queue."""
    answer_limit = AnswerLimit(services.now)
    operations = build_operations(services, answer_limit.check())
    migration = Migration(services.database)
    ready = threading.Event()

    def start(stop: threading.Event, waited: bool) -> None:  # noqa: FBT001 as the queue says it
        migration.until_done(stop)
        _carry_over(services, operations, stop)
        if stop.is_set():
            return
        ready.set()
        services.temp_dir.clear()
        _note_settings(services)
        _encrypt_with_first_key(services)
        if waited:
            with services.database.begin() as tx:
                at = services.now()
                catch_up_job.put(tx, services.queue, at, at, key=catch_up_job.AFTER_HANDOVER, after=HANDOVER)
        _serve_metrics(services)
        operations.maintenance.forever(stop)
        operations.alerts.forever(stop)
        threading.Thread(target=_warm_up, args=(services,), name="warm-up", daemon=True).start()

    def end() -> None:
        if ready.is_set():  # else the database may have no tables yet
            operations.maintenance.end()
        if isinstance(services.admin_token, RefreshableToken):
            try:
                services.admin_token.flush()
            except BotError as error:
                log.error("refreshed_token_not_kept", cause=str(error))  # noqa: TRY400 the cause says it all

    tasks_run = build_tasks(services, operations, answer_limit)
    metrics.expect_jobs(tasks_run)
    return JobRunner(
        services.queue,
        tasks_run,
        new_reference=services.new_reference,
        observe=metrics.job_run,
        threads=THREADS,
        start=start,
        end=end,
    )


def _serve_metrics(services: Services) -> None:
    """Serve ``/metrics`` from the worker, if that is wanted."""
    settings = services.settings
    if settings.metrics_port is None or settings.ops_token is None:
        return
    from bot.ops.metrics_server import serve  # noqa: PLC0415 few workers serve anything

    read_gauges = Gauges(services.database, services.queue, services.folder, services.now).read

    def render() -> bytes:
        return metrics.render(read_gauges())

    token = settings.ops_token.get_secret_value()
    server = serve(settings.host or "0.0.0.0", settings.metrics_port, token, render)  # noqa: S104 asked from elsewhere
    if server is not None:
        services.resources.callback(server.server_close)
        services.resources.callback(server.shutdown)


def _carry_over(services: Services, operations: Operations, stop: threading.Event) -> None:
    """Copy what older versions stored, and begin on what was restored from a backup, before the first job."""
    while not stop.is_set():
        try:
            begin_if_restored(services.database, services.queue, services.now())
            with services.database.begin() as tx:
                copied = carry_over(tx)
                for request_id in copied.outdated:
                    request = requests.get(tx, request_id)
                    if request is not None:
                        put_thread(tx, services.queue, request)
            operations.alerts.take_over()
        except DatabaseUnavailable as error:
            log.debug("database_away_at_start", cause=str(error))
            stop.wait(DATABASE_AWAY)
        else:
            if copied.requests:
                log.info("old_requests_copied", requests=len(copied.requests))
            return


def _note_settings(services: Services) -> None:
    """Have the audit say what was changed since the last start; a plain token ends nobody knows when."""
    try:
        with services.database.begin() as tx:
            settings_log.record_changes(tx, services.settings, services.now())
            if not services.settings.refreshable:
                for token in ("access", "refresh"):
                    key_values.delete(tx, f"{key_values.ADMIN_TOKEN_ENDS}{token}")
    except BotError as error:
        log.warning("settings_not_noted", cause=str(error))


def _encrypt_with_first_key(services: Services) -> None:
    """While the key is rotated, have the old one needed no longer; the next start does what fails here."""
    try:
        keys = secret_keys(services.settings)
        if len(keys) == 1:
            return
        from bot.access.token_store import encrypt_with_first_key  # noqa: PLC0415 - as above

        with services.database.begin() as tx:
            if encrypt_with_first_key(tx, keys):
                tx.after_commit(partial(log.info, "encrypted_with_first_key"))
    except BotError as error:
        log.warning("not_encrypted_with_first_key", cause=str(error))


def _warm_up(services: Services) -> None:
    """Learn who we are before the first person asks; what fails here is asked again when it is needed."""
    for learn in (services.identity.id, services.directory.our_org):
        try:
            learn()
        except BotError as error:
            log.warning("not_learned_at_start", cause=error.in_full)
