"""Puts the program together: the one file that names adapters. Tests call the same functions with other settings."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

import bot
from bot import manifest, metrics
from bot.access.authorizer import Authorizer
from bot.access.bot_identity import BotIdentity, CachedBotIdentity
from bot.access.partner_role import PartnerRole
from bot.access.policy import ORGANIZATION_ROLES, Rules
from bot.access.token_store import DatabaseTokenStore
from bot.chat.answer import Answer
from bot.chat.answer_limit import AnswerLimit
from bot.chat.context import Context
from bot.chat.dispatcher import Dispatcher
from bot.chat.living import LivingCard
from bot.chat.rate_limit import Limits, SlowDown
from bot.db import migrations, settings_log
from bot.db.availability import LoggedDatabase
from bot.db.retention import Retention
from bot.errors import BotError, DatabaseUnavailable
from bot.files.downloader import Downloader
from bot.files.storage import TempDir
from bot.logs import new_reference, register_secrets, start_logging
from bot.ops.alerts import Alerts, News, knocking
from bot.ops.catch_up import CatchUp, unheard
from bot.ops.checks import families as family_checks
from bot.ops.checks import oldest_job, webhook_secrets
from bot.ops.checks.connectivity import sides
from bot.ops.checks.operators_space import operators_space
from bot.ops.checks.storage import folder_check
from bot.ops.checks.tokens import TokenChecks
from bot.ops.checks.webhooks import WebhookRepair
from bot.ops.maintenance import Maintenance
from bot.outbox import Outbox
from bot.queue import open_queue, tasks
from bot.queue.runner import JobRunner
from bot.reports.deliver import Deliver
from bot.reports.report_messages import ReportMessages
from bot.reports.take_back import TakeBack
from bot.reports.tell import Tell
from bot.reports.waiting import Listening, Waiting, WaitingWatch
from bot.reports.watch import Watch
from bot.settings import Settings, StorageSettings, WebSettings, load_web, secret_key
from bot.web.application import create_app
from bot.web.health import Health
from bot.web.heartbeat import Heartbeat
from bot.web.rejected_calls import RejectedCalls
from bot.web.webhook import WebhookEndpoint, keeper
from bot.webex.chat import Chat
from bot.webex.client import Client
from bot.webex.download import DownloadClient
from bot.webex.http import RateLimitGate
from bot.webex.people import Directory
from bot.webex.report import Family
from bot.webex.reports_api import ReportsApi
from bot.webex.retry import RetryPolicy
from bot.webex.tokens import RefreshableToken, StaticToken
from bot.webex.webhooks import BotWebhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask

    from bot.db.database import Database
    from bot.webex.http import Observe, TokenSource
    from bot.webex.types import Role

log = structlog.get_logger(__name__)

THREADS = 16
"""Jobs at once. They wait for Webex most of the time."""
HANDOVER = 30.0
"""Seconds after another worker's end until anyone who routes webhooks leads them to the door beside this one."""
DATABASE_AWAY = 2.0
"""Seconds between tries to open a database that is away at the start."""


def now() -> datetime:
    """The time, aware, UTC."""
    return datetime.now(UTC)


def open_database(settings: StorageSettings) -> LoggedDatabase:
    """The database of the settings, and the folder that an embedded one lies in."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LoggedDatabase(settings.database_url.get_secret_value())


def admin_token(settings: Settings, database: Database, observe: Observe = metrics.webex_called) -> TokenSource:
    """The admin token of the settings: plain, or refreshed for all processes together."""
    if settings.webex_admin_refresh_token is None or settings.webex_admin_client_secret is None:
        assert settings.webex_admin_token is not None
        return StaticToken(settings.webex_admin_token.get_secret_value())
    return RefreshableToken(
        settings.webex_admin_client_id or "",
        settings.webex_admin_client_secret.get_secret_value(),
        settings.webex_admin_refresh_token.get_secret_value(),
        settings.webex_api_url,
        DatabaseTokenStore(database, settings.data_dir, lambda: secret_key(settings), register_secrets),
        observe=observe,
    )


def told_to_all(observers: Sequence[Observe]) -> Observe:
    """Tells each call to all of them, also to those who come later."""

    def observe(method: str, path: str, status: int | None, seconds: float) -> None:
        for one in observers:
            one(method, path, status, seconds)

    return observe


def rules(settings: Settings, our_org: str) -> Rules:
    """Give the operator's settings as policy reads them."""
    return Rules(
        our_org=our_org,
        families=settings.report_families,
        roles=settings.allowed_roles or ORGANIZATION_ROLES,
        partner_roles=settings.allowed_partner_roles,
        people=frozenset(email.lower() for email in settings.allowed_people),
        spaces=frozenset(settings.allowed_spaces) or None,
        partner_orgs=frozenset(settings.allowed_orgs),
    )


def partner_role(directory: Directory, reports: ReportsApi) -> Callable[[], Role | None]:
    """Make what finds out by which role the admin token reads partner reports."""
    return PartnerRole(directory, partial(reports.list, Family.PARTNER)).proven


class Migration:
    """Migrates when it can, at the latest when it is asked whether it has."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done = False

    def __call__(self) -> bool:
        """Whether the database is as this version needs it. Raises ``DatabaseUnavailable``."""
        if not self._done:
            migrations.upgrade(self._database)
            self._done = True
        return True

    def until_done(self, stop: threading.Event) -> None:
        """Try until it works: the database may come later than the program."""
        while not stop.is_set():
            try:
                self()
            except DatabaseUnavailable as error:
                log.debug("database_away_at_start", cause=str(error))  # the store has said so
                stop.wait(DATABASE_AWAY)
            else:
                return


def web() -> Flask:
    """The app for gunicorn, from the environment. Wrong settings end the process: the command line has said why."""
    settings = load_web(os.environ)
    start_logging("web", level=settings.log_level, form=settings.log_format)
    register_secrets(*settings.secret_values())
    metrics.start_metrics(settings.data_dir, "web")
    return build_web(settings)


def build_web(settings: WebSettings, stop: threading.Event | None = None) -> Flask:
    """The Flask app; it never asks Webex. What runs beside it ends with ``stop``, or with the process."""
    stop = stop or threading.Event()
    database = open_database(settings)
    queue = open_queue(database, settings.data_dir)
    migration = Migration(database)
    rejected = RejectedCalls()
    heartbeat = Heartbeat(database, queue, now, rejected.count)

    def beside() -> None:
        migration.until_done(stop)
        heartbeat.forever(stop)

    threading.Thread(target=beside, name="heartbeat", daemon=True).start()
    bot_token = settings.webex_bot_token.get_secret_value()
    door = WebhookEndpoint(
        keep=keeper(database, queue, now),
        secrets=[secret.get_secret_value().encode() for secret in settings.webex_webhook_secret],
        bot=CachedBotIdentity(database, bot_token).person,
        ready=migration,
        count=metrics.webhook_answered,
        rejected=rejected,
        refused=heartbeat.refused,
    )
    ops = Health(
        database=database,
        queue=queue,
        now=now,
        render=metrics.render,
        migrated=migration,
        version=bot.__version__,
        unverified=rejected.count,
        writable=lambda: database.writable,
        token=None if settings.ops_token is None else settings.ops_token.get_secret_value(),
    )
    return create_app(door, ops, manifest.read().path, settings.public_url)


def build_worker(settings: Settings) -> JobRunner:
    """Everything behind the queue."""
    database = open_database(settings)
    queue = open_queue(database, settings.data_dir)
    bot_token, url = settings.webex_bot_token.get_secret_value(), settings.webex_api_url
    observers: list[Observe] = [metrics.webex_called]
    observe = told_to_all(observers)
    bots_observers: list[Observe] = [metrics.webex_called]
    clients_observers: list[Observe] = [observe]
    admin = admin_token(settings, database, observe)
    gates = RateLimitGate(), RateLimitGate()
    bots_observe, clients_observe = told_to_all(bots_observers), told_to_all(clients_observers)
    chat = Chat(url, StaticToken(bot_token), observe=bots_observe, gate=gates[0], retries=RetryPolicy())
    client = Client(url, admin, observe=clients_observe, gate=gates[1], retries=RetryPolicy())
    identity = BotIdentity(database, chat, bot_token, now)
    directory = Directory(client, our_org=settings.webex_org_id)
    families = [Family(family) for family in settings.report_families]
    catalog = Listening(ReportsApi(client), families, directory.accepts_token)
    guard = Authorizer(
        directory,
        chat,
        identity.person,
        partial(rules, settings),
        partner_role(directory, ReportsApi(client)),
    )
    outbox = Outbox(database, chat, identity.person, now)
    messages = ReportMessages(database, outbox, guard, now)
    folder = settings.data_dir / "files"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    context = Context(
        database=database,
        queue=queue,
        catalog=catalog,
        guard=guard,
        outbox=outbox,
        messages=messages,
        card=LivingCard(database, outbox, messages, now),
        chat=chat,
        directory=directory,
        now=now,
        new_reference=new_reference,
        watch_deadline=timedelta(seconds=settings.watch_deadline),
        poll_interval=settings.poll_interval,
        kept_days=settings.audit_days,
    )
    temp_dir = TempDir(folder)
    host = DownloadClient(admin, settings.report_download_hosts, observe=observe, retries=RetryPolicy())
    tokens = TokenChecks(directory, identity.person, admin if isinstance(admin, RefreshableToken) else None)
    observers.append(tokens.observed)
    wanted = manifest.read()
    care = WebhookRepair(
        database=database,
        queue=queue,
        webhooks=BotWebhooks(chat),
        wanted=wanted,
        target_url=f"{settings.public_url}{wanted.path}" if settings.public_url else None,
        secrets=[secret.get_secret_value() for secret in settings.webex_webhook_secret],
        now=now,
    )
    listings = {family.value: partial(catalog.listing, family.value, None) for family in families}
    bot_side, admin_sides = sides(chat.me, directory.me, listings, now)
    bots_observers.append(bot_side.observed)
    accesses = family_checks.accesses(wanted.scopes, listings)
    clients_observers += [side.observed for side in admin_sides] + [access.observed for access in accesses]
    sweep = Maintenance(
        database,
        queue,
        folder,
        temp_dir,
        now,
        retention=Retention(database, settings.audit_days, now),
        outage=bot_side.outage,
    )
    catch_up = CatchUp(
        database=database, queue=queue, spaces=chat, outbox=outbox, bot=identity.person, now=now, outage=bot_side.outage
    )
    limits, answer_limit = Limits(settings.requests_per_minute), AnswerLimit(now)
    checks = [
        *(operators_space(one, chat.spaces, database, now) for one in [settings.operators_space] if one),
        *tokens.all(),
        answer_limit.check(),
        knocking(database, now),
        care.check(),
        webhook_secrets.check(settings, database, now),
        unheard(database),
        oldest_job.check(database, queue),
        folder_check(folder),
        *(side.check() for side in (bot_side, *admin_sides)),
        *(access.check() for access in accesses),  # after the sides, whose first question tells these, too
    ]
    operators = Alerts(
        database,
        outbox,
        settings.operators_space,
        checks,
        now,
        hurry=tokens.in_doubt,
        news=lambda: [News(one.key, one.sentence) for one in database.long_absences()],
    )
    deliver = Deliver(
        database=database,
        queue=queue,
        catalog=catalog,
        files=Downloader(host, temp_dir=temp_dir),
        chat=chat,
        messages=messages,
        outbox=outbox,
        card=context.card,
        folder=folder,
        temp_dir=temp_dir,
        now=now,
        poll_interval=settings.poll_interval,
    )
    migration = Migration(database)

    def start(stop: threading.Event, waited: bool) -> None:  # noqa: FBT001 as the queue says it
        migration.until_done(stop)
        if stop.is_set():
            return
        _note_settings(settings, database)
        if waited:
            care.look_for_what_was_missed(after=HANDOVER)
        sweep.forever(stop)
        operators.forever(stop)
        threading.Thread(target=_warm_up, args=(identity, directory), name="warm-up", daemon=True).start()

    return JobRunner(
        queue,
        {
            tasks.EVENT: Dispatcher(context, identity.person, limits, answer_limit),
            tasks.SLOW_DOWN: SlowDown(context, limits),
            tasks.ANSWER: Waiting(tasks.ANSWER, Answer(context), database, queue, outbox, now),
            tasks.WATCH: WaitingWatch(
                Watch(database, queue, catalog, now, settings.poll_interval), catalog, database, queue, outbox, now
            ),
            tasks.DELIVER: Waiting(tasks.DELIVER, deliver, database, queue, outbox, now),
            tasks.TELL: Tell(database, outbox, messages, context.card, now),
            tasks.CATCH_UP: catch_up,
            tasks.TAKE_BACK: TakeBack(outbox),
        },
        new_reference=new_reference,
        observe=metrics.job_run,
        threads=THREADS,
        start=start,
        end=partial(_end, sweep, temp_dir, admin),
    )


def _end(sweep: Maintenance, temp_dir: TempDir, admin: TokenSource) -> None:
    sweep.end()
    temp_dir.close()
    if isinstance(admin, RefreshableToken):
        try:
            admin.flush()
        except BotError as error:
            log.error("refreshed_token_not_kept", cause=str(error))  # noqa: TRY400 the cause says it all


def _note_settings(settings: Settings, database: Database) -> None:
    """Have the audit say what was changed since the last start."""
    try:
        with database.begin() as tx:
            settings_log.note(tx, settings, now())
    except BotError as error:
        log.warning("settings_not_noted", cause=str(error))


def _warm_up(identity: BotIdentity, directory: Directory) -> None:
    """Learn who we are before the first person asks; what fails here is asked again when it is needed."""
    for learn in (identity.id, directory.our_org):
        try:
            learn()
        except BotError as error:
            log.warning("not_learned_at_start", cause=str(error))
